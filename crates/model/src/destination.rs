//! The port to a place outside that holds a key's text.

use crate::{Failure, Fingerprint, Secret, Timestamp};

/// Where a key is put: a kind and what that kind makes of the rest, such as
/// `dotenv:/srv/backup/.env#N8N_API_KEY`. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Address {
    kind: String,
    rest: String,
}

/// A text that is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a destination; write `kind:place`, such as `dotenv:/srv/app/.env#N8N_API_KEY`")]
pub struct AddressError(String);

impl Address {
    /// The kind, such as `dotenv`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What follows the kind and its colon.
    pub fn rest(&self) -> &str {
        &self.rest
    }
}

impl std::str::FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let kind_char = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        match text.split_once(':') {
            Some((kind, rest))
                if !kind.is_empty()
                    && kind.bytes().all(kind_char)
                    && !rest.is_empty()
                    && text.len() <= 4096
                    && !text.chars().any(char::is_control) =>
            {
                Ok(Self { kind: kind.to_owned(), rest: rest.to_owned() })
            }
            _ => Err(AddressError(text.chars().take(80).flat_map(char::escape_default).collect())),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.kind, self.rest)
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

/// What a destination holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Nothing: the place or the name in it does not exist.
    Absent,
    /// This text.
    Value(Secret),
    /// Something, perhaps: it cannot be read back.
    Unreadable,
}

/// How a delivery was confirmed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// Read back, and its fingerprint is the wanted one.
    ReadBack,
    /// It cannot be read back; this was seen instead.
    Seen(String),
}

/// What a caller may branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DestinationErrorKind {
    /// The address means nothing to its kind.
    BadAddress,
    /// The place that should be there is not, such as a folder or a secret's path.
    NotFound,
    /// Not permitted; the report names what is missing.
    Denied,
    /// Somebody else changed it in between; nothing was written.
    Changed,
    /// What it holds is not in the format of its kind; nothing was written.
    Malformed,
    /// It holds another text than was delivered.
    NotConfirmed,
    /// No answer, or not in time. The change may have happened or not.
    Unreachable,
    /// It failed: disk full, exit code, 5xx.
    Failed,
    /// Asked to wait.
    Throttled,
}

/// A destination's failure.
pub type DestinationError = Failure<DestinationErrorKind>;

/// One place that holds one key. Every call is bounded in time and in what it reads.
#[async_trait::async_trait]
pub trait Destination: Send + Sync {
    /// Where it is.
    fn address(&self) -> &Address;

    /// It can be reached and written. Changes nothing.
    async fn check(&self) -> Result<(), DestinationError>;

    /// What it holds now.
    async fn read(&self) -> Result<Held, DestinationError>;

    /// Makes it hold `secret`, all or nothing, leaving everything around it alone. Doing it again does no harm.
    async fn deliver(&self, secret: &Secret) -> Result<(), DestinationError>;

    /// Reads back and compares; [`DestinationErrorKind::NotConfirmed`] if it holds another text.
    async fn confirm(&self, wanted: &Fingerprint) -> Result<Confirmation, DestinationError>;

    /// Makes it hold what it held before: that text, or nothing. Doing it again does no harm.
    async fn restore(&self, previous: Option<&Secret>) -> Result<(), DestinationError>;

    /// Disables or destroys older versions that hold one of these dead keys, where the place keeps versions and its
    /// settings ask for it; the current version is never touched. Says what was done, or `None` where there was nothing
    /// to do. Doing it again does no harm.
    async fn discard(&self, _dead: &[Fingerprint]) -> Result<Option<String>, DestinationError> {
        Ok(None)
    }
}

/// What makes a program take up a new key: it runs after a destination's delivery was confirmed.
#[async_trait::async_trait]
pub trait Hook: Send + Sync {
    /// What it is, such as `systemd:backup.service`.
    fn address(&self) -> &Address;

    /// It can be run. Changes nothing.
    async fn check(&self) -> Result<(), DestinationError>;

    /// Runs it; `Ok` says in a few words what was seen. Doing it again does no harm.
    async fn run(&self) -> Result<String, DestinationError>;

    /// Runs it after a try whose effect may be under way. What that try began, at `delivered` or later, is seen to its end
    /// where that can be told, and not begun anew; what began before took up an older key.
    async fn run_again(&self, _delivered: Timestamp) -> Result<String, DestinationError> {
        self.run().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_kind_and_a_rest() {
        let address: Address = "dotenv:/srv/backup/.env#N8N_API_KEY".parse().unwrap();
        assert_eq!((address.kind(), address.rest()), ("dotenv", "/srv/backup/.env#N8N_API_KEY"));
        for bad in ["", "dotenv", "dotenv:", ":x", "Dot:x", "file:/a\nb"] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
