//! `keywright.toml` and the environment: the only place that reads either.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use model::{Blame, Report, Retry, Secret, SecretRef};
use rustix::fs::{Mode, OFlags};

/// The name of the environment variable that may hold the master key; child processes never see it.
pub(crate) const MASTER_KEY_VARIABLE: &str = "KEYWRIGHT_MASTER_KEY";
const MAX_CONFIG_BYTES: u64 = 1 << 20;
const MAX_SECRET_BYTES: u64 = 64 << 10;
const KEYS: [&str; 3] = ["store", "log", "master_key"];

/// What the configuration file says, its paths resolved against the file's folder.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The database.
    pub(crate) store: PathBuf,
    /// The folder of the log's segments.
    pub(crate) log: PathBuf,
    /// Where the master key is.
    pub(crate) master_key: SecretRef,
}

/// What `keywright init` writes.
pub(crate) const TEMPLATE: &str = "\
# Keywright's configuration. Paths are relative to this file; secrets are references (env:NAME, file:PATH).
store = \"keywright.db\"
log = \"keywright-log\"
master_key = \"file:keywright.key\"
";

impl Config {
    /// Reads and checks a configuration file; all its faults are in one report.
    pub(crate) fn load(path: &Path) -> Result<Self, Report> {
        let shown = path.display();
        let mut text = String::new();
        let opened = std::fs::File::open(path).map_err(|error| {
            let report = Report::new(Blame::Operator, Retry::AfterFix, format!("cannot read `{shown}`"))
                .caused_by(&error);
            if error.kind() == std::io::ErrorKind::NotFound {
                report
                    .mend("keywright init   # makes one here")
                    .mend("keywright --config FILE …   # if it is elsewhere")
            } else {
                report
            }
        })?;
        opened.take(MAX_CONFIG_BYTES).read_to_string(&mut text).map_err(|error| {
            Report::new(Blame::Operator, Retry::AfterFix, format!("cannot read `{shown}`")).caused_by(&error)
        })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, Report> {
        let shown = path.display();
        let mut report = Report::new(Blame::Operator, Retry::AfterFix, format!("`{shown}` has faults"))
            .mend(format!("edit `{shown}`; its settings are in docs/reference/configuration.md"));
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(text, span.start));
                return Err(report.because(format!("line {line}: {}", first_line(error.message()))));
            }
        };
        for name in table.keys().filter(|name| !KEYS.contains(&name.as_str())) {
            let nearest =
                nearest(name, KEYS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            report = report.because(format!(
                "line {}: `{}` is not a setting{nearest}",
                line_of_key(text, name),
                shown_name(name)
            ));
        }
        let mut texts = Vec::new();
        for (name, form) in
            KEYS.iter().zip(["\"keywright.db\"", "\"keywright-log\"", "\"file:keywright.key\""])
        {
            match table.get(*name) {
                Some(toml::Value::String(value)) if !value.is_empty() => texts.push(value.clone()),
                Some(_) => {
                    let line = line_of_key(text, name);
                    report = report.because(format!("line {line}: `{name}` wants a text, such as {form}"));
                }
                None => report = report.because(format!("`{name}` is missing; write `{name} = {form}`")),
            }
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let given = table.get("master_key").and_then(toml::Value::as_str).filter(|given| !given.is_empty());
        let master_key = match given.map(str::parse::<SecretRef>) {
            Some(Ok(SecretRef::File(file))) => Some(SecretRef::File(folder.join(file).display().to_string())),
            Some(Ok(SecretRef::Env(name))) => Some(SecretRef::Env(name)),
            Some(Ok(SecretRef::Sealed(_)) | Err(_)) => {
                let line = line_of_key(text, "master_key");
                report = report.because(format!("line {line}: `master_key` wants `file:PATH` or `env:NAME`"));
                None
            }
            None => None,
        };
        let [store, log, _] = texts.as_slice() else { return Err(report) };
        match master_key {
            Some(master_key) if report.because.is_empty() => {
                Ok(Self { store: folder.join(store), log: folder.join(log), master_key })
            }
            _ => Err(report),
        }
    }
}

/// The accepted name that is nearest to a wrong one, if one is near.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let rated = names.into_iter().map(|known| (strsim::damerau_levenshtein(name, known), known));
    rated.filter(|(distance, known)| *distance <= known.len() / 3 + 1).min().map(|(_, known)| known)
}

fn shown_name(name: &str) -> String {
    name.chars().take(60).flat_map(char::escape_default).collect()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn line_of_key(text: &str, name: &str) -> usize {
    let holds =
        |line: &str| line.trim_start().trim_start_matches('[').trim_start_matches('"').starts_with(name);
    text.lines().position(holds).map_or(1, |index| index + 1)
}

/// Where a secret comes from on the command line: a reference, or `-` for standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretSource {
    /// `env:NAME` or `file:PATH`
    Reference(SecretRef),
    /// `-`
    Stdin,
}

impl std::str::FromStr for SecretSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What is refused is not quoted: it may be the secret itself.
        match text.parse() {
            _ if text == "-" => Ok(Self::Stdin),
            Ok(reference @ (SecretRef::Env(_) | SecretRef::File(_))) => Ok(Self::Reference(reference)),
            Ok(SecretRef::Sealed(_)) | Err(_) => {
                Err("a secret is never an argument; say where it is: `env:NAME`, `file:PATH`, or `-` for standard input".into())
            }
        }
    }
}

/// Fetches a secret.
pub(crate) fn secret(source: &SecretSource) -> Result<Secret, Report> {
    match source {
        SecretSource::Reference(reference) => referenced(reference),
        SecretSource::Stdin => bounded(std::io::stdin().lock(), "standard input"),
    }
}

/// Fetches a secret by its reference.
#[expect(clippy::disallowed_methods, reason = "this is the binary's `config`")]
pub(crate) fn referenced(reference: &SecretRef) -> Result<Secret, Report> {
    match reference {
        SecretRef::Env(name) => {
            let value = std::env::var(name).map_err(|error| {
                let why = match error {
                    std::env::VarError::NotPresent => "it is not set",
                    std::env::VarError::NotUnicode(_) => "it is not UTF-8",
                };
                Report::new(Blame::Operator, Retry::AfterFix, format!("cannot read `env:{name}`"))
                    .because(why)
                    .mend(format!("set {name}, or say where the secret is: `env:NAME`, `file:PATH`"))
            })?;
            not_empty(value, &format!("env:{name}"))
        }
        SecretRef::File(path) => {
            let file = std::fs::File::open(path).map_err(|error| {
                Report::new(Blame::Operator, Retry::AfterFix, format!("cannot read `file:{path}`"))
                    .caused_by(&error)
                    .mend("give the path of a file that holds the secret and nothing else")
            })?;
            bounded(file, &format!("file:{path}"))
        }
        SecretRef::Sealed(name) => {
            Err(Report::new(Blame::Operator, Retry::AfterFix, format!("`sealed:{name}` cannot be used here")))
        }
    }
}

fn bounded(from: impl std::io::Read, shown: &str) -> Result<Secret, Report> {
    let refused = || {
        Report::new(Blame::Operator, Retry::AfterFix, format!("cannot read a secret from `{shown}`"))
            .mend("let it hold the secret, in UTF-8, and nothing else")
    };
    let mut text = String::new();
    from.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text).map_err(|error| refused().caused_by(&error))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_SECRET_BYTES {
        return Err(refused().because(format!("it is longer than {MAX_SECRET_BYTES} bytes")));
    }
    not_empty(text, shown)
}

fn not_empty(mut text: String, shown: &str) -> Result<Secret, Report> {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        let report =
            Report::new(Blame::Operator, Retry::AfterFix, format!("cannot read a secret from `{shown}`"))
                .because("it is empty")
                .mend("let it hold the secret and nothing else");
        return Err(report);
    }
    Ok(Secret::new(text))
}

/// Fetches the master key's text. A file of it must be its owner's alone.
pub(crate) fn master_key_text(reference: &SecretRef) -> Result<Secret, Report> {
    let SecretRef::File(path) = reference else { return referenced(reference) };
    let refused =
        || Report::new(Blame::Operator, Retry::AfterFix, format!("cannot read the master key `file:{path}`"));
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let file = file.map_err(|error| {
        refused()
            .caused_by(&error)
            .mend("give the file back from your backup: without it, nothing sealed can be opened")
    })?;
    let stat = rustix::fs::fstat(&file).map_err(|error| refused().caused_by(&error))?;
    if stat.st_mode & 0o077 != 0 {
        return Err(refused().because("others than its owner may read it").mend(format!("chmod 600 {path}")));
    }
    let us = rustix::process::geteuid().as_raw();
    if stat.st_uid != us && stat.st_uid != 0 {
        return Err(refused()
            .because("it is another user's, who can change it")
            .mend(format!("chown {us} {path}")));
    }
    bounded(std::fs::File::from(file), &format!("file:{path}"))
}

/// The name of the user at the command line, for the log.
#[expect(clippy::disallowed_methods, reason = "this is the binary's `config`")]
pub(crate) fn actor() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let name = name.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
