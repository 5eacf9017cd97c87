//! Reads the manifests of our crates.
use super::finding::Finding;
use super::tree::{Text, Tree};
use toml::{Table, Value};

/// The manifest of one of our crates.
#[derive(Debug)]
pub(super) struct Manifest<'a> {
    file: &'a Text,
    table: Table,
    pub(super) name: String,
}

/// All of ours that can be read; what is no TOML is cargo's to refuse.
pub(super) fn ours(tree: &Tree) -> Vec<Manifest<'_>> {
    // Fuzz targets are a workspace of their own, built by a fuzzer's rules.
    let ours = tree.ending("Cargo.toml").filter(|file| !file.path.starts_with("fuzz/"));
    ours.filter_map(Manifest::read).collect()
}

impl<'a> Manifest<'a> {
    fn read(file: &'a Text) -> Option<Self> {
        let table: Table = file.text.parse().ok()?;
        let name = table.get("package")?.get("name")?.as_str()?.to_owned();
        Some(Self { file, table, name })
    }

    pub(super) fn path(&self) -> &str {
        &self.file.path
    }

    /// What the crate is built with, by the package's own name, with the line; tests may use more.
    pub(super) fn dependencies(&self) -> Vec<(String, usize)> {
        let targets = self.table.get("target").and_then(Value::as_table);
        let places = targets.into_iter().flat_map(|t| t.values()).filter_map(Value::as_table);
        std::iter::once(&self.table)
            .chain(places)
            .flat_map(|table| ["dependencies", "build-dependencies"].map(|kind| table.get(kind)))
            .filter_map(|kind| kind?.as_table())
            .flat_map(|table| table.iter())
            .map(|(key, value)| {
                let package = value.get("package").and_then(Value::as_str).unwrap_or(key);
                (package.to_owned(), self.line_of(key))
            })
            .collect()
    }

    /// The first line that begins with this key; 1 where it is written in another way.
    fn line_of(&self, key: &str) -> usize {
        let begins = |line: &str| {
            let rest = line.trim_start().trim_matches('"').strip_prefix(key)?;
            rest.starts_with(['.', ' ', '=', '"']).then_some(())
        };
        self.file.text.lines().position(|line| begins(line).is_some()).map_or(1, |index| index + 1)
    }
}

/// Lints are said once, in the root manifest.
pub(super) fn lints_are_the_workspaces(tree: &Tree) -> Vec<Finding> {
    let inherits = |manifest: &Manifest<'_>| {
        let lints = manifest.table.get("lints").and_then(|lints| lints.get("workspace"));
        lints.and_then(Value::as_bool) == Some(true)
    };
    let finding = |manifest: &Manifest<'_>| {
        Finding::fault(
            manifest.path(),
            1,
            format!("`{}` does not take the lints of the workspace", manifest.name),
            "lints that differ from crate to crate are lints that nobody knows",
            "`[lints]` with `workspace = true`",
        )
    };
    ours(tree).iter().filter(|manifest| !inherits(manifest)).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_found_in_every_form_but_those_of_tests() {
        let text = "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\nc = { package = \"d\", version = \"1\" }\n\
                    [build-dependencies]\ne = \"1\"\n[dev-dependencies]\nf = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\n\"g\" = \"1\"\n[dependencies.h]\nversion = \"1\"\n";
        let tree = Tree::of_texts(&[("Cargo.toml", text)]);
        let manifests = ours(&tree);
        let mut found = manifests[0].dependencies();
        found.sort();
        let expected = [("b", 4), ("d", 5), ("e", 7), ("g", 11), ("h", 1)];
        assert_eq!(found, expected.map(|(name, line)| (name.to_owned(), line)));
    }

    #[test]
    fn lints_are_inherited() {
        let check = |lints: &str, expected: usize| {
            let text = format!("[package]\nname = \"a\"\n{lints}");
            let tree = Tree::of_texts(&[("crates/a/Cargo.toml", &text)]);
            assert_eq!(lints_are_the_workspaces(&tree).len(), expected, "{lints}");
        };
        check("[lints]\nworkspace = true", 0);
        check("[lints]\nworkspace = false", 1);
        check("[lints.rust]\nunsafe_code = \"allow\"", 1);
        check("", 1);
        let root = Tree::of_texts(&[("Cargo.toml", "[workspace]\nmembers = []")]);
        assert!(lints_are_the_workspaces(&root).is_empty(), "the root is no crate");
    }
}
