//! Who may be built with whom. Arrows only go down.
use super::finding::Finding;
use super::manifest::{Manifest, ours};
use super::tree::Tree;

/// Each crate of ours, and which others of ours it may be built with.
const ARROWS: [(&str, &[&str]); 16] = [
    ("model", &[]),
    ("transport", &["model"]),
    ("n8n", &["model", "transport"]),
    ("store", &["model"]),
    ("destinations", &["model", "transport"]),
    ("rotation", &["model"]),
    ("sandbox", &["model"]),
    ("notices", &["model", "transport"]),
    ("monitor", &["model"]),
    (
        "keywright",
        &[
            "model",
            "transport",
            "n8n",
            "store",
            "destinations",
            "rotation",
            "sandbox",
            "notices",
            "monitor",
            "detector",
            "leaks",
            "forges",
        ],
    ),
    ("bench", &["model", "n8n", "store", "destinations", "rotation", "sandbox"]),
    ("leakbed", &[]),
    ("xtask", &[]),
    ("detector", &["model"]),
    ("leaks", &["model", "detector"]),
    ("forges", &["model", "transport"]),
];

/// Others' crates that are one room's business, and the rooms.
const WALLED: [(&str, &[&str]); 11] = [
    // `leakbed` makes database files to be searched; it keeps nothing in them.
    ("rusqlite", &["store", "leakbed"]),
    ("sqlx", &["store"]),
    ("clap", &["keywright"]),
    ("anstream", &["keywright"]),
    ("anstyle", &["keywright"]),
    ("rpassword", &["keywright"]),
    ("axum", &["keywright", "sandbox"]),
    ("hyper", &["keywright", "sandbox", "monitor", "forges"]),
    ("hyper-util", &["keywright", "sandbox", "monitor", "forges"]),
    ("reqwest", &["transport", "n8n", "destinations", "notices", "bench"]),
    ("lettre", &["notices"]),
];

/// What a crate without effects is never built with.
const EFFECTS: [&str; 4] = ["tokio", "rustix", "tempfile", "getrandom"];
const PURE: [&str; 2] = ["model", "detector"];

/// Our crates meet where the design says, and nowhere else.
pub(super) fn between_ours(tree: &Tree) -> Vec<Finding> {
    let manifests = ours(tree);
    let is_ours = |name: &str| manifests.iter().any(|manifest| manifest.name == name);
    manifests
        .iter()
        .flat_map(|manifest| match ARROWS.iter().find(|(name, _)| *name == manifest.name) {
            Some((_, allowed)) => dependencies(
                manifest,
                |name| is_ours(name) && !allowed.contains(&name),
                |name| format!("`{}` is built with `{name}`", manifest.name),
            ),
            None => vec![finding(manifest, 1, format!("`{}` has no place in the house", manifest.name))],
        })
        .collect()
}

/// A wall is a crate that only its room is built with.
pub(super) fn to_others(tree: &Tree) -> Vec<Finding> {
    let banned = |room: &str, name: &str| {
        WALLED.iter().any(|(walled, rooms)| *walled == name && !rooms.contains(&room))
            || (PURE.contains(&room) && EFFECTS.contains(&name))
    };
    ours(tree)
        .iter()
        .flat_map(|manifest| {
            dependencies(
                manifest,
                |name| banned(&manifest.name, name),
                |name| format!("`{name}` is not the business of `{}`", manifest.name),
            )
        })
        .collect()
}

fn dependencies(
    manifest: &Manifest<'_>,
    is_fault: impl Fn(&str) -> bool,
    say: impl Fn(&str) -> String,
) -> Vec<Finding> {
    let found = manifest.dependencies();
    found
        .iter()
        .filter(|(name, _)| is_fault(name))
        .map(|(name, line)| finding(manifest, *line, say(name)))
        .collect()
}

fn finding(manifest: &Manifest<'_>, line: usize, what: String) -> Finding {
    Finding::fault(
        manifest.path(),
        line,
        what,
        "arrows only go down, and what is walled off stays in its room (ARCHITECTURE.md)",
        "a trait in `model` to meet at, or the table in `xtask/src/tidy/arrows.rs` if the house itself changes",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `edges`: a crate of ours, and what it is built with.
    fn check(rule: fn(&Tree) -> Vec<Finding>, edges: &[(&str, &str)], expected: &[&str]) {
        let texts: Vec<(String, String)> = edges
            .iter()
            .map(|(name, to)| {
                let manifest = format!("[package]\nname = \"{name}\"\n[dependencies]\n{to}\n");
                (format!("crates/{name}/Cargo.toml"), manifest)
            })
            .collect();
        let texts: Vec<(&str, &str)> =
            texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let found: Vec<String> = rule(&Tree::of_texts(&texts)).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{edges:?}: {found:?}");
        for (found, part) in found.iter().zip(expected) {
            assert!(found.contains(part), "{part} in {found}");
        }
    }

    #[test]
    fn arrows_go_down_only() {
        let rooms = [("model", "serde.workspace = true"), ("store", ""), ("n8n", "model.workspace = true")];
        check(between_ours, &rooms, &[]);
        check(
            between_ours,
            &[("model", "store.workspace = true"), ("store", "")],
            &["`model` is built with `store`"],
        );
        check(between_ours, &[("n8n", "store = \"1\""), ("store", "")], &["`n8n` is built with `store`"]);
        check(
            between_ours,
            &[("rotation", "sandbox = \"1\""), ("sandbox", "")],
            &["`rotation` is built with"],
        );
        check(between_ours, &[("keywright", "store = \"1\"\nn8n = \"1\""), ("store", ""), ("n8n", "")], &[]);
        check(between_ours, &[("attic", "")], &["`attic` has no place"]);
    }

    #[test]
    fn a_renamed_dependency_is_seen() {
        let edges = [("n8n", "db = { package = \"store\", path = \"../store\" }"), ("store", "")];
        check(between_ours, &edges, &["`n8n` is built with `store`"]);
    }

    #[test]
    fn walls_hold() {
        check(to_others, &[("store", "rusqlite = \"1\""), ("keywright", "clap = \"4\"\naxum = \"1\"")], &[]);
        check(
            to_others,
            &[("rotation", "rusqlite = \"1\"")],
            &["`rusqlite` is not the business of `rotation`"],
        );
        check(to_others, &[("store", "clap = \"4\"")], &["`clap` is not the business of `store`"]);
        check(to_others, &[("model", "tokio = \"1\"")], &["`tokio` is not the business of `model`"]);
    }
}
