//! Where everything downloaded lies, outside the checkout.
use super::Release;
use crate::environment::{self, variable};
use crate::{Fault, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The cache folder and its layout.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
    run: PathBuf,
}

impl Cache {
    /// `$KEYWRIGHT_CACHE`, else `$XDG_CACHE_HOME/keywright`, else `~/.cache/keywright`.
    pub fn from_environment() -> Result<Self> {
        let root = choose(variable).ok_or_else(|| {
            Fault::new("there is no cache folder", format!("set `{}` to a folder", environment::CACHE))
                .because("neither it nor `XDG_CACHE_HOME` nor `HOME` is set")
        })?;
        let root = std::path::absolute(&root).map_err(|e| {
            Fault::new(format!("`{}` is no folder", root.display()), "another one").because(e)
        })?;
        let mut cache = Self::at(root);
        if let Some(run) = variable(environment::RUN) {
            cache.run = run.into();
        }
        Ok(cache)
    }

    /// A cache in that folder.
    pub fn at(root: PathBuf) -> Self {
        Self { run: root.join("run"), root }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of what runs, unless a chore is told another: `$KEYWRIGHT_TEST_N8N`, else `run` in here.
    pub fn run(&self) -> PathBuf {
        self.run.clone()
    }

    pub(super) fn node(&self, major: u8) -> PathBuf {
        self.root.join(format!("node-{major}"))
    }

    pub(crate) fn node_program(&self, major: u8) -> PathBuf {
        self.node(major).join("node_modules/node/bin/node")
    }

    pub(super) fn npm(&self) -> PathBuf {
        self.root.join("npm-11")
    }

    pub(super) fn npm_script(&self) -> PathBuf {
        self.npm().join("node_modules/npm/bin/npm-cli.js")
    }

    pub(super) fn n8n(&self, release: &Release) -> PathBuf {
        self.root.join(format!("n8n-{}", release.version))
    }

    pub(super) fn n8n_script(&self, release: &Release) -> PathBuf {
        self.n8n(release).join("node_modules/n8n/bin/n8n")
    }

    pub(crate) fn log(&self, what: &str) -> PathBuf {
        self.root.join("logs").join(format!("{what}.log"))
    }
}

fn choose(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    variable(environment::CACHE)
        .map(PathBuf::from)
        .or_else(|| variable("XDG_CACHE_HOME").map(|home| PathBuf::from(home).join("keywright")))
        .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".cache/keywright")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(set: &[(&str, &str)], expected: Option<&str>) {
        let chosen = choose(|name| set.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into()));
        assert_eq!(chosen, expected.map(PathBuf::from), "{set:?}");
    }

    #[test]
    fn the_nearest_setting_wins() {
        check(&[("KEYWRIGHT_CACHE", "a"), ("XDG_CACHE_HOME", "b"), ("HOME", "c")], Some("a"));
        check(&[("XDG_CACHE_HOME", "b"), ("HOME", "c")], Some("b/keywright"));
        check(&[("HOME", "c")], Some("c/.cache/keywright"));
        check(&[], None);
    }
}
