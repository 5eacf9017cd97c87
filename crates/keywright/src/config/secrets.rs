//! Where secrets are, and how they are fetched. What is refused is never quoted.

use std::io::Read as _;

use model::{Blame, Report, Retry, Secret, SecretRef};
use rustix::fs::{Mode, OFlags};

const MAX_SECRET_BYTES: u64 = 64 << 10;

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

/// What a sealed secret may be called, and a variable that holds one.
pub(super) fn is_plain(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// The name of a secret that is sealed in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SealedName(String);

impl SealedName {
    const MAX: usize = 100;
    /// Where all of them are in the store.
    pub(crate) const PREFIX: &'static str = "secret/";

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is called in the store.
    pub(crate) fn stored(&self) -> String {
        stored(&self.0)
    }
}

fn stored(name: &str) -> String {
    format!("{}{name}", SealedName::PREFIX)
}

impl std::str::FromStr for SealedName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What is refused is not quoted: it may be the secret itself.
        if is_plain(text) && text.len() <= Self::MAX {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "a name is letters, digits, `_`, `-` and `.`, begins with a letter or `_`, and has at most {}",
            Self::MAX
        ))
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
            Err(Report::new(Blame::Operator, Retry::AfterFix, format!("`sealed:{name}` cannot be used here"))
                .because("it is read before the store is open")
                .mend("give the secret as `env:NAME` or `file:PATH`"))
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

/// Fetches a secret by its reference; `sealed:NAME` out of the store.
pub(crate) async fn resolved(store: &dyn model::Store, reference: &SecretRef) -> Result<Secret, Report> {
    let SecretRef::Sealed(name) = reference else { return referenced(reference) };
    let sealed = store.sealed(&stored(name)).await.map_err(|failure| *failure.report)?;
    sealed.ok_or_else(|| {
        Report::new(Blame::Operator, Retry::AfterFix, format!("there is no secret `sealed:{name}`"))
            .because("a setting refers to it, and it was never set, or was deleted")
            .mend(format!("keywright secret set {name}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_no_argument() {
        let refusal = "canary-password".parse::<SecretSource>().unwrap_err();
        assert!(!refusal.contains("canary"), "{refusal}");
        assert_eq!("-".parse::<SecretSource>().unwrap(), SecretSource::Stdin);
    }

    #[test]
    fn a_name_is_plain_and_what_is_not_is_not_quoted() {
        for good in ["smtp", "_x", "A-b.c_1"] {
            assert_eq!(good.parse::<SealedName>().unwrap().stored(), format!("secret/{good}"));
        }
        for bad in ["", "1x", "canary pass", "canary/x", &"canary".repeat(20)] {
            assert!(!bad.parse::<SealedName>().unwrap_err().contains("canary"), "{bad}");
        }
    }

    #[test]
    fn one_line_end_is_not_part_of_a_secret() {
        assert_eq!(bounded("canary\r\n".as_bytes(), "x").unwrap().expose(), "canary");
        assert_eq!(bounded("canary\n\n".as_bytes(), "x").unwrap().expose(), "canary\n");
        assert!(bounded("\n".as_bytes(), "x").is_err());
    }
}
