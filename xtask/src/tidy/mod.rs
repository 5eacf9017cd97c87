//! Holds the walls of the house that the compiler does not: who may depend on whom, how long a file may be,
//! which words may not be in it.
mod arrows;
mod files;
mod finding;
mod manifest;
mod tree;
mod words;

use crate::Result;
use crate::cli::Done;
use crate::progress::tell;
use finding::{Finding, Weight};
use std::path::Path;
use tree::Tree;

/// What findings are present is told by this exit code.
const FINDINGS: u8 = 3;

/// Every rule there is.
const RULES: [fn(&Tree) -> Vec<Finding>; 7] = [
    arrows::between_ours,
    arrows::to_others,
    manifest::lints_are_the_workspaces,
    files::rust_files_are_short,
    files::names_say_something,
    files::architecture_is_short,
    words::none_is_forbidden,
];

/// Checks the checkout that this was built from.
pub fn run() -> Result<Done> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let tree = Tree::of_checkout(root)?;
    let findings = check(&tree);
    for finding in &findings {
        tell(&finding.to_string());
    }
    let faults = findings.iter().filter(|finding| finding.weight == Weight::Fault).count();
    tell(&format!("tidy: {} files, {faults} faults, {} questions", tree.len(), findings.len() - faults));
    Ok(Done { output: String::new(), code: if faults == 0 { 0 } else { FINDINGS } })
}

fn check(tree: &Tree) -> Vec<Finding> {
    RULES.iter().flat_map(|rule| rule(tree)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tidy_tree_has_no_findings() {
        let tree = Tree::of_texts(&[
            ("crates/model/Cargo.toml", "[package]\nname = \"model\"\n[lints]\nworkspace = true\n"),
            ("crates/model/src/lib.rs", "//! Words.\nmod scope;\n"),
            ("Cargo.lock", concat!("source = \"crates", ".io\"")),
        ]);
        assert!(check(&tree).is_empty(), "{:?}", check(&tree));
    }

    #[test]
    fn every_rule_is_in_force() {
        let tree = Tree::of_texts(&[
            (
                "crates/model/Cargo.toml",
                "[package]\nname = \"model\"\n[dependencies]\nn8n = \"1\"\nsqlx = \"1\"\n",
            ),
            ("crates/n8n/Cargo.toml", "[package]\nname = \"n8n\"\n[lints]\nworkspace = true\n"),
            ("crates/n8n/src/long.rs", &"\n".repeat(501)),
            ("crates/n8n/src/util.rs", "// nothing\n"),
            ("ARCHITECTURE.md", &"\n".repeat(201)),
            ("README.md", concat!("FIX", "ME")),
        ]);
        let places: Vec<String> = check(&tree).iter().map(Finding::place).collect();
        assert_eq!(
            places,
            [
                "crates/model/Cargo.toml:4",
                "crates/model/Cargo.toml:5",
                "crates/model/Cargo.toml:1",
                "crates/n8n/src/long.rs:501",
                "crates/n8n/src/util.rs:1",
                "ARCHITECTURE.md:201",
                "README.md:1",
            ]
        );
    }
}
