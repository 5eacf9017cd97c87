//! What whoever asks wants to be passed by.

use std::path::Path;

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

/// Patterns of paths, as the report writes them. One without a slash is a name at any depth.
#[derive(Clone, Debug, Default)]
pub struct Excluded(GlobSet);

/// A text that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExcludedError(String);

impl Excluded {
    /// Compiles patterns.
    pub fn of<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, ExcludedError> {
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let path = pattern.trim_start_matches("./").trim_end_matches('/');
            if path.is_empty() {
                return Err(ExcludedError(format!("`{pattern}` names nothing")));
            }
            let whole = if path.contains('/') { path.to_owned() } else { format!("**/{path}") };
            let glob = GlobBuilder::new(&whole).literal_separator(true).build();
            set.add(glob.map_err(|fault| ExcludedError(format!("`{pattern}`: {}", fault.kind())))?);
        }
        set.build().map(Self).map_err(|fault| ExcludedError(fault.to_string()))
    }

    /// Whether a path is one of those.
    pub fn has(&self, path: &Path) -> bool {
        !self.0.is_empty() && self.0.is_match_candidate(&Candidate::new(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, hits: &[&str], passes: &[&str]) {
        let excluded = Excluded::of([pattern]).unwrap();
        for path in hits {
            assert!(excluded.has(Path::new(path)), "{pattern} {path}");
        }
        for path in passes {
            assert!(!excluded.has(Path::new(path)), "{pattern} {path}");
        }
    }

    #[test]
    fn a_name_is_met_at_any_depth_and_a_path_at_its_place() {
        check("node_modules", &["node_modules", "a/b/node_modules"], &["node_modules2", "a/node_modules/x"]);
        check("*.min.js", &["x.min.js", "a/.min.js"], &["x.js"]);
        check("./a/*.txt", &["a/x.txt"], &["a/b/x.txt", "b/a/x.txt"]);
        check("a/**/x", &["a/x", "a/b/c/x"], &["b/x"]);
        check("target/", &["target", "a/target"], &[]);
        check("/srv/*", &["/srv/a"], &["/srv/a/b", "srv/a"]);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let refused = |pattern| Excluded::of([pattern]).unwrap_err().to_string();
        assert_eq!(refused(""), "`` names nothing");
        assert!(refused("a[").starts_with("`a[`: "), "{}", refused("a["));
    }
}
