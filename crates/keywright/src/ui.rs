//! The only place that prints: results on standard output, everything else on standard error.

use std::fs::File;
use std::io::{IsTerminal as _, Write};
use std::os::fd::AsFd as _;

use anstyle::{AnsiColor, Effects, Style};
use model::{Blame, Report, Retry};
use serde_json::{Value, json};

pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
pub(crate) const DIM: Style = Style::new().effects(Effects::DIMMED);
pub(crate) const BOLD: Style = Style::new().effects(Effects::BOLD);

/// How and how much is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ui {
    json: bool,
    quiet: bool,
}

impl Ui {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// Whether progress lines are wanted.
    pub(crate) fn is_talkative(self) -> bool {
        !self.json && !self.quiet
    }

    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// A command's result: text for a person, or its JSON.
    pub(crate) fn result(self, text: &str, json: &Value) {
        if self.json { self.out(&json.to_string()) } else { self.out(text.trim_end_matches('\n')) }
    }

    /// A result of several lines, which may be none.
    pub(crate) fn result_lines(self, lines: &[String], json: &Value) {
        if self.json {
            self.out(&json.to_string());
        } else {
            for line in lines {
                self.out(line);
            }
        }
    }

    /// A line of data, whatever the format; for streams of lines.
    #[expect(clippy::unused_self, reason = "printing goes through the one who may")]
    pub(crate) fn out(self, line: &str) {
        let mut stream = anstream::stdout().lock();
        // A reader that went away (`| head`) is not an error.
        drop(writeln!(stream, "{line}").and_then(|()| stream.flush()));
    }

    /// A key's text: whoever reads it has the only copy, so that a failure to write it is one.
    #[expect(clippy::unused_self, reason = "printing goes through the one who may")]
    pub(crate) fn secret(self, line: &str) -> Result<(), Report> {
        let mut stream = anstream::stdout().lock();
        writeln!(stream, "{line}").and_then(|()| stream.flush()).map_err(|error| {
            Report::new(Blame::Operator, Retry::AfterFix, "cannot print the new key")
                .caused_by(&error)
                .mend("keywright rotate NAME   # makes another: this one is shown to nobody")
        })
    }

    /// Where a program that we run prints, bare: what it wrote may be no text.
    #[expect(clippy::unused_self, reason = "printing goes through the one who may")]
    pub(crate) fn streams(self) -> std::io::Result<[File; 2]> {
        let out = std::io::stdout().as_fd().try_clone_to_owned()?;
        let err = std::io::stderr().as_fd().try_clone_to_owned()?;
        Ok([out.into(), err.into()])
    }

    /// A line about what goes on; not with --quiet or --json.
    pub(crate) fn note(self, line: &str) {
        if self.is_talkative() {
            self.err(line);
        }
    }

    /// A line for who waits at a terminal; nothing that a log should keep.
    pub(crate) fn progress(self, line: &str) {
        if std::io::stderr().is_terminal() {
            self.note(&format!("{DIM}{}{DIM:#}", clean(line)));
        }
    }

    /// What a person has to do now; whatever else is wanted, nothing goes on without it.
    pub(crate) fn ask(self, text: &str) {
        self.err(text);
    }

    /// What is left to be done after a failure; not with --json, whose results say it.
    pub(crate) fn trouble(self, line: &str) {
        if !self.json {
            self.err(line);
        }
    }

    /// What was done beside the result, which has standard output for itself.
    pub(crate) fn told(self, text: &str, json: &Value) {
        if self.json { self.err(&json.to_string()) } else { self.err(&clean(text)) }
    }

    /// Something that a person should know, though nothing failed.
    pub(crate) fn warn(self, line: &str) {
        if self.json {
            self.err(&json!({ "warning": line }).to_string());
        } else {
            self.err(&format!("{WARN}warning:{WARN:#} {line}"));
        }
    }

    /// What, why, mend.
    pub(crate) fn report(self, report: &Report) {
        if self.json {
            self.err(&json!({ "error": report_json(report) }).to_string());
            return;
        }
        self.err(&format!("{BAD}error:{BAD:#} {}", clean(&report.what)));
        for cause in &report.because {
            self.err(&format!("{DIM}because:{DIM:#} {}", clean(cause)));
        }
        for mend in &report.mend {
            self.err(&format!("{GOOD}try:{GOOD:#} {}", clean(mend)));
        }
        if report.blame == Blame::Bug {
            self.err(&format!("{GOOD}try:{GOOD:#} report it: this is a fault of Keywright"));
        }
    }

    #[expect(clippy::unused_self, reason = "printing goes through the one who may")]
    fn err(self, line: &str) {
        let mut stream = anstream::stderr().lock();
        drop(writeln!(stream, "{line}"));
    }
}

/// A report as JSON.
pub(crate) fn report_json(report: &Report) -> Value {
    json!({ "what": report.what, "because": report.because, "try": report.mend, "blame": report.blame })
}

/// Text from elsewhere, fit for a terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Rows under a heading, columns aligned.
pub(crate) fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = heading.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).map(|(cell, width)| {
            format!("{}{}", clean(cell), " ".repeat(width.saturating_sub(cell.chars().count())))
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![format!("{BOLD}{}{BOLD:#}", line(&mut heading.iter().copied()))];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_control_characters_do_not_reach_the_terminal() {
        let shown =
            table(&["A", "B"], &[vec!["long".into(), "x\u{1b}[31m".into()], vec!["s".into(), "y".into()]]);
        let plain = anstream::adapter::strip_str(&shown).to_string();
        assert_eq!(plain, "A     B\nlong  x\u{fffd}[31m\ns     y\n");
    }
}
