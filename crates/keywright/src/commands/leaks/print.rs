//! A report on its way to whoever reads it.

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use leaks::Judged;
use leaks::show::{self, Run, Secrets};
use model::{Clock as _, Report, Timestamp};

use crate::cli::LeaksFormat;
use crate::error::{CommandError, operator};
use crate::system::SystemClock;
use crate::ui::Ui;

/// How a report is printed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form<'a> {
    pub(super) format: LeaksFormat,
    pub(super) secrets: Secrets,
    /// Instead of standard output.
    pub(super) output: Option<&'a Path>,
    /// When the scan began.
    pub(super) started_at: Timestamp,
}

impl Form<'_> {
    /// For a person who reads it now.
    pub(super) fn of_table() -> Self {
        let (format, secrets) = (LeaksFormat::Table, Secrets::Hidden);
        Self { format, secrets, output: None, started_at: SystemClock.now() }
    }

    /// The report in this form.
    pub(super) fn written(&self, judged: &Judged) -> Result<String, Report> {
        let root = std::env::current_dir().unwrap_or_default();
        let run = Run {
            version: env!("CARGO_PKG_VERSION"),
            root: &root,
            started_at: self.started_at,
            ended_at: SystemClock.now(),
            revision: None,
        };
        let mut out = Vec::new();
        let done = match self.format {
            LeaksFormat::Table => show::table(&mut out, judged, self.secrets),
            LeaksFormat::Json => show::json(&mut out, judged, self.secrets),
            LeaksFormat::Sarif => show::sarif(&mut out, judged, run),
            LeaksFormat::Github => show::github(&mut out, judged, run),
            LeaksFormat::GitlabSecrets => show::gitlab_secrets(&mut out, judged, run),
            LeaksFormat::GitlabCodequality => show::gitlab_codequality(&mut out, judged, run),
        };
        done.map_err(|error| operator("cannot write the report").caused_by(&error))?;
        String::from_utf8(out).map_err(|error| operator("cannot write the report").caused_by(&error))
    }

    /// Prints it, or writes it into a file; then the outcome is told beside it.
    pub(super) fn print(&self, judged: &Judged, ui: Ui) -> Result<(), CommandError> {
        let text = self.written(judged)?;
        if let Some(file) = self.output {
            save(&text, file, self.secrets).map_err(|error| {
                operator(format!("cannot write the report to `{}`", file.display()))
                    .caused_by(&error)
                    .mend("give `--output` a file in a folder that you may write to, or leave it out")
            })?;
        } else if !text.is_empty() {
            ui.out(text.trim_end_matches('\n'));
        }
        if self.output.is_some() || self.format != LeaksFormat::Table {
            ui.note(&show::verdict(judged));
        }
        Ok(())
    }
}

fn save(text: &str, file: &Path, secrets: Secrets) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    if secrets == Secrets::Shown {
        options.mode(0o600);
    }
    let mut file = options.open(file)?;
    if secrets == Secrets::Shown {
        // A file that was there keeps its mode.
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    file.write_all(text.as_bytes())
}
