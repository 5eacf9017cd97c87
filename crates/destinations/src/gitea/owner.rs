//! What addresses name.

/// Whose secrets they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Repository(String, String),
    Organisation(String),
}

impl Owner {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let sound = |name: &str| {
            !matches!(name, "" | "." | "..")
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        match text.split_once('/') {
            Some((owner, repo)) => {
                (sound(owner) && sound(repo)).then(|| Self::Repository(owner.to_owned(), repo.to_owned()))
            }
            None => sound(text).then(|| Self::Organisation(text.to_owned())),
        }
    }

    pub(super) fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Repository(owner, repo) => vec!["repos", owner, repo, "actions", "secrets"],
            Self::Organisation(org) => vec!["orgs", org, "actions", "secrets"],
        }
    }

    pub(super) fn need(&self, level: &str) -> String {
        match self {
            Self::Repository(..) => {
                format!(
                    "the scope `{level}:repository`, and its user the role of an administrator of `{self}`"
                )
            }
            Self::Organisation(_) => {
                format!("the scope `{level}:organization`, and its user the role of an owner of `{self}`")
            }
        }
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Repository(owner, repo) => write!(f, "{owner}/{repo}"),
            Self::Organisation(org) => f.write_str(org),
        }
    }
}

/// As they write names themselves, which they turn into capitals.
pub(super) fn is_secret_name(name: &str) -> bool {
    let taken = ["GITHUB_", "GITEA_", "FORGEJO_"];
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !taken.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_told_from_its_address() {
        let check = |text: &str, path: &str| {
            let owner = Owner::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((owner.to_string().as_str(), owner.secrets().join("|").as_str()), (text, path));
        };
        check("acme/site.js", "repos|acme|site.js|actions|secrets");
        check("acme_1-x", "orgs|acme_1-x|actions|secrets");
        for bad in
            ["", "/", "acme/", "/site", "acme/..", "../site", "acme/site/x", "ac me", "acme%2Fsite", "acme?x"]
        {
            assert_eq!(Owner::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_secret_has_a_name_that_they_take() {
        let check = |name, sound| assert_eq!(is_secret_name(name), sound, "{name}");
        for name in ["N8N_API_KEY", "_", "A1"] {
            check(name, true);
        }
        for name in ["", "a", "1A", "A-B", "A B", "GITHUB_A", "GITEA_A", "FORGEJO_A"] {
            check(name, false);
        }
    }
}
