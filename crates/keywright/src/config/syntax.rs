//! Errors of TOML itself: each is told at the setting that it spoils, and what it spoils is cut out, so that the rest
//! of the file can be read.

use std::ops::RangeInclusive;

use toml::de::{DeTable, DeValue, Error};

use super::read::{Page, shown};
use super::settings::{SECTIONS, of};

/// How often a text is read again.
const MAX_ROUNDS: usize = 20;
/// A text with more errors is no configuration.
const MAX_ERRORS: usize = 1000;
/// A longer text is not read again.
const MAX_AGAIN_BYTES: usize = 256 << 10;

/// The text with blanks in place of what cannot be read, its lines where they were; `None` if nothing of it can be
/// relied on. What is wrong is noted on the page.
pub(super) fn rest(text: &str, page: &Page) -> Option<String> {
    let mut rest = text.to_owned();
    for _ in 0..MAX_ROUNDS {
        let (table, mut errors) = DeTable::parse_recoverable(&rest);
        if errors.is_empty() {
            return Some(rest);
        }
        errors.sort_by_key(|error| error.span().map(|span| span.start));
        let hopeless = errors.len() > MAX_ERRORS || text.len() > MAX_AGAIN_BYTES;
        errors.truncate(MAX_ERRORS);
        let spoilt = Lines::of(&rest).spoilt(table.get_ref(), &errors, page);
        if hopeless {
            return None;
        }
        rest = without(&rest, &spoilt);
    }
    None
}

fn without(text: &str, spoilt: &[RangeInclusive<usize>]) -> String {
    let mut rest = String::with_capacity(text.len());
    for (at, line) in text.split_inclusive('\n').enumerate() {
        if spoilt.iter().any(|lines| lines.contains(&(at + 1))) {
            rest.extend(std::iter::repeat_n(' ', line.trim_end_matches('\n').len()));
            rest.extend(line.ends_with('\n').then_some('\n'));
        } else {
            rest.push_str(line);
        }
    }
    rest
}

/// The lines of a text; they are numbered from 1.
struct Lines<'t>(Vec<&'t str>);

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        Self(text.lines().collect())
    }

    fn line(&self, number: usize) -> &'t str {
        number.checked_sub(1).and_then(|at| self.0.get(at)).copied().unwrap_or_default()
    }

    fn is_header(&self, number: usize) -> bool {
        self.line(number).trim_start().starts_with('[')
    }

    fn begins(&self, number: usize) -> bool {
        self.is_header(number) || self.key(number).is_some()
    }

    /// The key of a line such as `key = value`.
    fn key(&self, number: usize) -> Option<&'t str> {
        let (key, _) = self.line(number).split_once('=')?;
        Some(key.trim()).filter(|key| is_plain(key))
    }

    /// The last line before the next one that is so.
    fn before(&self, number: usize, is: impl Fn(usize) -> bool) -> usize {
        (number + 1..=self.0.len()).find(|next| is(*next)).map_or(self.0.len(), |next| next - 1)
    }

    /// Tells the errors up to the first one that may have others in its wake, and which lines they spoil.
    fn spoilt(&self, table: &DeTable<'_>, errors: &[Error], page: &Page) -> Vec<RangeInclusive<usize>> {
        let mut spoilt: Vec<RangeInclusive<usize>> = Vec::new();
        for error in errors {
            let offset = error.span().map_or(0, |span| span.start);
            let line = page.line(offset).min(self.0.len().max(1));
            if spoilt.iter().any(|lines| lines.contains(&line)) {
                continue;
            }
            let problem = format!("cannot be read here: {}", words(error.message()));
            let Some(value) = value_at(table, offset) else {
                self.tell(page, line, problem);
                spoilt.push(line..=self.end_of_stray(line));
                break;
            };
            let first = page.line(value.key);
            let last = page.line(value.end).min(self.0.len()).max(line);
            if first == last {
                self.tell(page, line, problem);
                spoilt.push(line..=line);
                continue;
            }
            let unclosed = line > first && page.begins_line(offset, self.line(line));
            if unclosed {
                self.tell(page, first, format!("is not closed, or lacks a comma, before line {line}"));
            } else {
                self.tell(page, first, problem);
            }
            let end = if value.is_table {
                last.min(self.before(line - 1, |next| self.is_header(next)))
            } else if unclosed && self.begins(line) {
                line - 1
            } else {
                last.min(self.before(line, |next| self.begins(next)))
            };
            spoilt.push(first..=end.max(first));
            break;
        }
        spoilt
    }

    /// The last line of what begins at a line that is no `key = value`, or one too many.
    fn end_of_stray(&self, line: usize) -> usize {
        let text = self.line(line).trim();
        if self.is_header(line) || (!text.contains('=') && text.ends_with(']')) {
            // What is under a heading that cannot be read belongs nowhere.
            self.before(line, |next| self.is_header(next))
        } else if text.contains('=') {
            self.before(line, |next| self.begins(next))
        } else {
            line
        }
    }

    fn tell(&self, page: &Page, line: usize, problem: String) {
        let above = (1..=line).rev().find(|above| self.is_header(*above));
        let section = above.map_or("", |above| self.line(above).trim().trim_matches(['[', ']']));
        let kind = kind(section);
        let key = self.key(line).filter(|_| above != Some(line));
        // A name that is no setting's is not shown: it may be part of a secret.
        let setting = kind.and_then(|kind| of(kind).find(|setting| Some(setting.key) == key));
        let form = "see https://toml.io";
        match (setting, kind) {
            (Some(setting), _) => {
                let dot = if section.is_empty() { "" } else { "." };
                let form = format!("write {} = {}", setting.key, setting.form);
                page.spoilt(line, format!("{}{dot}{}", shown(section), setting.key), problem, form);
            }
            (None, Some(kind)) if !kind.is_empty() => page.spoilt(line, shown(section), problem, form),
            _ => page.spoilt(line, "TOML", problem, form),
        }
    }
}

/// A word without quotes is taken for a number by its first letters.
fn words(message: &str) -> &str {
    let bare =
        ["string values must be quoted", "invalid float, expected `nan`", "invalid float, expected `inf`"];
    if bare.iter().any(|bare| message.starts_with(bare)) {
        return "there is no value, or a text without quotes";
    }
    message.lines().next().unwrap_or_default()
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// The kind of a section, such as `integration.NAME`, by its heading.
fn kind(heading: &str) -> Option<&'static str> {
    let known = |kind: &str| SECTIONS.iter().map(|(section, _)| *section).find(|section| *section == kind);
    let Some((top, name)) = heading.split_once('.') else { return known(heading) };
    let (name, more) = name.split_once('.').map_or((name, None), |(name, more)| (name, Some(more)));
    if !is_plain(name) {
        return None;
    }
    known(&more.map_or_else(|| format!("{top}.NAME"), |more| format!("{top}.NAME.{more}")))
}

struct Value {
    /// Where its key begins.
    key: usize,
    end: usize,
    is_table: bool,
}

/// The value that stands around a place; what is under a heading is no value.
fn value_at(table: &DeTable<'_>, offset: usize) -> Option<Value> {
    table.iter().find_map(|(key, value)| {
        let (key, span) = (key.span().start, value.span());
        match value.get_ref() {
            DeValue::Table(inner) if span.start <= key => value_at(inner, offset),
            DeValue::Array(items) if span.start <= key => items
                .iter()
                .filter_map(|item| item.get_ref().as_table())
                .find_map(|one| value_at(one, offset)),
            value => (span.start <= offset && offset <= span.end).then_some(Value {
                key,
                end: span.end,
                is_table: matches!(value, DeValue::Table(_)),
            }),
        }
    })
}
