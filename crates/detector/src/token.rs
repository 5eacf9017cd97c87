//! A token that was found.

use model::{Fingerprint, Secret, Timestamp};

use crate::Kind;

/// A token: its text as n8n or the gateway would take it, and what the text says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its text, unwrapped.
    pub secret: Secret,
    /// Why it is taken for one.
    pub proof: Proof,
    /// What it says of itself.
    pub claims: Claims,
}

impl Token {
    /// What is shown and stored in its place.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.secret)
    }
}

/// Why a text is taken for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Its claims are n8n's. Anybody can write such claims: only n8n can check the signature.
    Claims,
    /// Its checksum is right.
    Checksum,
    /// Its prefix and length are right; it has nothing else to check.
    Shape,
    /// It stands next to its name.
    Name,
}

/// What a token says of itself; nothing of it is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// The user's id.
    pub user: Option<String>,
    /// When it was made.
    pub issued_at: Option<Timestamp>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}
