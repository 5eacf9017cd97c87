//! The n8n releases that Keywright is tested against.
use crate::{Fault, Result};

/// One release, and what it needs to be installed and to run.
#[derive(Debug)]
pub struct Release {
    /// As the package registry names it.
    pub version: &'static str,
    /// The major version of Node that runs it.
    pub node: u8,
    /// The `package.json` to install it by.
    pub manifest: &'static str,
    /// What this release needs in its environment beyond the others.
    pub environment: &'static [(&'static str, &'static str)],
}

// The releases of the 1 line ask for a build of `xlsx` that lies outside the registry; the override is the same code.
macro_rules! manifest_1 {
    ($version:literal $(, $override:literal)*) => {
        concat!(
            r#"{"private":true,"dependencies":{"n8n":""#,
            $version,
            r#""},"overrides":{"xlsx":"npm:@e965/xlsx@0.20.3""#,
            $(",", $override,)*
            "}}"
        )
    };
}

/// Newest first.
pub static RELEASES: [Release; 4] = [
    Release {
        version: "2.41.1",
        node: 24,
        manifest: r#"{"private":true,"dependencies":{"n8n":"2.41.1"}}"#,
        environment: &[],
    },
    Release {
        version: "1.123.81",
        node: 24,
        // A later one asks for a later `core` than this release has, and then no command loads.
        manifest: manifest_1!("1.123.81", r#""@langchain/langgraph-checkpoint":"1.0.0""#),
        environment: &[("N8N_EXPRESSION_ENGINE", "legacy")],
    },
    Release { version: "1.72.1", node: 20, manifest: manifest_1!("1.72.1"), environment: &[] },
    Release { version: "1.60.1", node: 20, manifest: manifest_1!("1.60.1"), environment: &[] },
];

impl Release {
    /// The release of that version.
    pub fn named(version: &str) -> Result<&'static Self> {
        RELEASES.iter().find(|release| release.version == version).ok_or_else(|| {
            let known: Vec<&str> = RELEASES.iter().map(|release| release.version).collect();
            Fault::usage(
                format!("`{version}` is no n8n that tests use"),
                format!("--version with one of {}", known.join(", ")),
            )
        })
    }

    /// The name of its database.
    pub fn database(&self) -> String {
        format!("n8n_{}", self.version.replace('.', "_"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_manifest_is_json_that_names_its_version() {
        for release in &RELEASES {
            let manifest: serde_json::Value = serde_json::from_str(release.manifest).unwrap();
            assert_eq!(manifest["dependencies"]["n8n"], release.version);
        }
        assert_eq!(Release::named("1.72.1").unwrap().database(), "n8n_1_72_1");
    }
}
