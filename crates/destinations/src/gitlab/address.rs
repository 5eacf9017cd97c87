//! What addresses name.

/// Whose variables they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// By its path or number.
    Project(String),
    Group(String),
}

/// One variable in one environment scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) owner: Owner,
    pub(super) scope: String,
    pub(super) key: String,
}

/// The scope that is every environment.
pub(super) const EVERYWHERE: &str = "*";
/// A key is no longer.
const MAX_KEY: usize = 255;

impl Owner {
    /// A path as GitLab gives it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let segment = |name: &str| {
            !matches!(name, "" | "." | "..")
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        let (path, group) = text.strip_suffix('/').map_or((text, false), |path| (path, true));
        path.split('/').all(segment).then_some(())?;
        if group {
            return Some(Self::Group(path.to_owned()));
        }
        // A project is in a group or with a user; by its number it stands alone.
        let sound = path.contains('/') || path.bytes().all(|b| b.is_ascii_digit());
        sound.then(|| Self::Project(path.to_owned()))
    }

    /// Its path in the API, not encoded yet.
    pub(super) fn path(&self) -> [&str; 2] {
        match self {
            Self::Project(path) => ["projects", path],
            Self::Group(path) => ["groups", path],
        }
    }

    pub(super) fn need(&self, scope: &str) -> String {
        let role = if matches!(self, Self::Project(_)) { "Maintainer" } else { "Owner" };
        format!("the scope `{scope}`, and its user the role `{role}` in `{self}`")
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Project(path) => f.write_str(path),
            Self::Group(path) => write!(f, "{path}/"),
        }
    }
}

impl Place {
    pub(super) fn parse(rest: &str) -> Option<Self> {
        let (place, key) = rest.rsplit_once('#')?;
        let (owner, scope) = place.split_once('@').unwrap_or((place, EVERYWHERE));
        is_key(key).then_some(())?;
        (!scope.is_empty() && scope.chars().count() <= 255).then_some(())?;
        Some(Self { owner: Owner::parse(owner)?, scope: scope.to_owned(), key: key.to_owned() })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { owner, scope, key } = self;
        if scope == EVERYWHERE { write!(f, "{owner}#{key}") } else { write!(f, "{owner}@{scope}#{key}") }
    }
}

pub(super) fn is_key(key: &str) -> bool {
    !key.is_empty() && key.len() <= MAX_KEY && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_from_its_address() {
        let check = |rest: &str, path: [&str; 2], scope: &str| {
            let place = Place::parse(rest).unwrap_or_else(|| panic!("{rest}"));
            assert_eq!(
                (place.to_string().as_str(), place.owner.path(), place.scope.as_str()),
                (rest, path, scope)
            );
        };
        check("acme/site#N8N_API_KEY", ["projects", "acme/site"], "*");
        check("acme/sub/site@prod/*#key", ["projects", "acme/sub/site"], "prod/*");
        check("1234#KEY", ["projects", "1234"], "*");
        check("acme/#KEY", ["groups", "acme"], "*");
        check("acme/sub/@review/x@y#KEY", ["groups", "acme/sub"], "review/x@y");
    }

    #[test]
    fn what_names_no_variable_is_refused() {
        for bad in [
            "",
            "acme/site",
            "acme#KEY",
            "/#KEY",
            "acme//site#KEY",
            "acme/site//#KEY",
            "/site#KEY",
            "acme/../x#KEY",
            "acme/site#",
            "acme/site#A-B",
            "acme/site@#KEY",
            "acme/si te#KEY",
            "acme%2Fsite#KEY",
        ] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }
}
