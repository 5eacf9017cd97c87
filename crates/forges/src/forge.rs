//! A forge as the configuration declares it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use model::{ForgeName, Secret};

/// Where repositories are pushed to, and how it tells.
#[derive(Clone, Debug)]
pub struct Forge {
    /// Its name in the configuration, and in the path of its webhook.
    pub name: ForgeName,
    /// How its webhooks look.
    pub kind: ForgeKind,
    /// What stands before a repository's name in its address: `https://…` or `file://…`, without a slash at the end.
    pub url: String,
    /// The repositories that are looked through, as the forge writes them: `owner/name`. No others are.
    pub repositories: BTreeSet<String>,
    /// What its webhooks are signed with, or hold.
    pub secret: Secret,
    /// What opens its repositories; none if everybody may read them.
    pub token: Option<Secret>,
    /// Certificate authorities in PEM, instead of the system's.
    pub ca: Option<PathBuf>,
}

/// Which product it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForgeKind {
    /// GitHub, github.com or a server of one's own.
    GitHub,
    /// GitLab, gitlab.com or a server of one's own.
    GitLab,
}

impl ForgeKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::GitHub, Self::GitLab];

    /// Its name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
        }
    }

    /// Where it is, if nobody says otherwise.
    pub fn usual_url(self) -> &'static str {
        match self {
            Self::GitHub => "https://github.com",
            Self::GitLab => "https://gitlab.com",
        }
    }

    /// The user name that goes with a token.
    pub(crate) fn user(self) -> &'static str {
        match self {
            Self::GitHub => "x-access-token",
            Self::GitLab => "oauth2",
        }
    }
}

impl Forge {
    /// Where a repository is fetched from.
    pub fn address_of(&self, repository: &str) -> String {
        format!("{}/{repository}.git", self.url)
    }

    /// Whether a text is a repository's name that can be a path: `owner/name`, with groups between at GitLab.
    pub fn is_repository(text: &str) -> bool {
        let part = |part: &str| {
            !part.is_empty()
                && !part.starts_with(['.', '-'])
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        text.len() <= 255 && text.split('/').count() >= 2 && text.split('/').all(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_named_so_that_it_leads_nowhere_else() {
        for good in ["acme/app", "acme/team/app", "A-1/b_2.c"] {
            assert!(Forge::is_repository(good), "{good}");
        }
        for bad in [
            "", "app", "/app", "acme/", "../app", "acme/..", "acme/-x", "acme/a b", "acme/ä", "a//b", "a/b?x",
        ] {
            assert!(!Forge::is_repository(bad), "{bad}");
        }
    }
}
