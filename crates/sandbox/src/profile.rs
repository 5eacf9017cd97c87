//! The versions that the sandbox plays, and how they differ.

/// A version of n8n to play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// 2.41.1: scopes enforced, keys rotated in place, an owner sees everybody's keys.
    V2_41,
    /// 1.123.81: scopes stored only, a delete never fails, keys of one second are the same text.
    V1_123,
    /// 1.72.1: one key per user, without scopes or expiry.
    V1_72,
    /// 1.60.1: one key per user, made anew by every POST.
    V1_60,
}

impl Profile {
    /// All of them, the newest first.
    pub const ALL: [Self; 4] = [Self::V2_41, Self::V1_123, Self::V1_72, Self::V1_60];

    /// The version as n8n tells it.
    pub fn version(self) -> &'static str {
        match self {
            Self::V2_41 => "2.41.1",
            Self::V1_123 => "1.123.81",
            Self::V1_72 => "1.72.1",
            Self::V1_60 => "1.60.1",
        }
    }

    /// The profile of a version, if the sandbox plays it.
    pub fn of(version: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.version() == version)
    }

    /// The login id's field in `POST /rest/login`.
    pub fn login_field(self) -> &'static str {
        if self.modern() { "emailOrLdapLoginId" } else { "email" }
    }

    /// 1.123 and later: bodies are checked by a schema, keys have labels, scopes and an expiry.
    pub(crate) fn modern(self) -> bool {
        matches!(self, Self::V2_41 | Self::V1_123)
    }

    /// 2.x.
    pub(crate) fn second(self) -> bool {
        self == Self::V2_41
    }

    pub(crate) fn operations(self) -> &'static str {
        match self {
            Self::V2_41 => include_str!("tables/operations-2.41.txt"),
            Self::V1_123 => include_str!("tables/operations-1.123.txt"),
            Self::V1_72 | Self::V1_60 => include_str!("tables/operations-1.72.txt"),
        }
    }

    /// The scopes that a user's role lets them give to a key.
    pub(crate) fn scopes(self, owner: bool) -> Vec<&'static str> {
        let table = match (self, owner) {
            (Self::V2_41, true) => include_str!("tables/scopes-2.41-owner.txt"),
            (Self::V2_41, false) => include_str!("tables/scopes-2.41-member.txt"),
            (Self::V1_123, true) => include_str!("tables/scopes-1.123-owner.txt"),
            (Self::V1_123, false) => include_str!("tables/scopes-1.123-member.txt"),
            (Self::V1_72 | Self::V1_60, _) => "",
        };
        table.lines().collect()
    }
}

impl std::fmt::Display for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.version())
    }
}
