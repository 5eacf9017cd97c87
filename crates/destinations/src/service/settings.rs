//! Settings of a service: what there is, and what was given.

use std::collections::BTreeMap;

use model::SecretRef;

/// One setting that a kind of service has, for reading, help and the reference.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// As `[service.NAME]` has it.
    pub name: &'static str,
    /// What it takes.
    pub form: Form,
    /// A value of it, as TOML writes it.
    pub example: &'static str,
    /// What holds without it.
    pub absent: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
}

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text of one line.
    Text,
    /// Where a secret is: `env:NAME`, `file:PATH`, `sealed:NAME`.
    Secret,
    /// The path of a file; a relative one begins at the configuration's folder.
    File,
    /// `https://…`, without user, query and fragment; `http://` to this machine only, unless
    /// `dangerous_plain_http` is set.
    Url,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A length of time, such as `30s`.
    Period,
}

/// What was given, checked against what there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(pub(super) BTreeMap<String, String>);

impl Settings {
    /// A value as text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Where a secret is.
    pub(crate) fn secret(&self, name: &str) -> Option<SecretRef> {
        // It was checked when it was read.
        self.text(name)?.parse().ok()
    }

    /// Whether a flag is set.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// A length of time in seconds.
    pub(crate) fn seconds(&self, name: &str) -> Option<u64> {
        let period: model::Period = self.text(name)?.parse().ok()?;
        u64::try_from(period.duration().as_secs()).ok()
    }

    /// Every reference to a secret, by its setting.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, SecretRef)> + '_ {
        self.0.iter().filter_map(|(name, value)| Some((name.as_str(), value.parse().ok()?)))
    }
}
