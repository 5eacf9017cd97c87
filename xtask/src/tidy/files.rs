//! Files are short, and their names say what is in them.
use super::finding::Finding;
use super::tree::Tree;

const ASK_ABOVE_LINES: usize = 400;
const FAIL_ABOVE_LINES: usize = 500;
const ARCHITECTURE_LINES: usize = 200;
/// Drawers that anything may be put into.
const DRAWERS: [&str; 9] =
    ["util", "utils", "common", "helper", "helpers", "manager", "managers", "misc", "stuff"];

/// A file is read in one go.
pub(super) fn rust_files_are_short(tree: &Tree) -> Vec<Finding> {
    tree.ending(".rs")
        .filter_map(|file| {
            let lines = file.text.lines().count();
            let finding = || {
                Finding::fault(
                    &file.path,
                    lines,
                    format!("it has {lines} lines"),
                    "a file is one thing, read in one go: 80 to 250 lines",
                    "split it along what it does; tests of over 100 lines go into a sibling `tests.rs`",
                )
            };
            if lines > FAIL_ABOVE_LINES {
                Some(finding())
            } else {
                (lines > ASK_ABOVE_LINES).then(|| finding().question())
            }
        })
        .collect()
}

/// No drawers: neither a file, nor a folder, nor a module within a file.
pub(super) fn names_say_something(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.ending(".rs") {
        let parts = file.path.trim_end_matches(".rs").split('/');
        let named = parts.filter(|part| DRAWERS.contains(part)).map(|part| (1, part));
        let modules = file.text.lines().enumerate().filter_map(|(index, line)| {
            let name = line.trim().rsplit_once("mod ")?.1.trim_end_matches([' ', '{', ';']);
            (line.trim_end().ends_with('{') && DRAWERS.contains(&name)).then_some((index + 1, name))
        });
        findings.extend(named.chain(modules).map(|(line, name)| {
            Finding::fault(
                &file.path,
                line,
                format!("`{name}` says nothing"),
                "a drawer without a subject takes everything and gives back nothing",
                "the name of what it does",
            )
        }));
    }
    findings
}

/// The map is short enough to be read.
pub(super) fn architecture_is_short(tree: &Tree) -> Vec<Finding> {
    let long = |text: &str| text.lines().count() > ARCHITECTURE_LINES;
    tree.files()
        .filter(|file| file.path == "ARCHITECTURE.md" && long(&file.text))
        .map(|file| {
            let lines = file.text.lines().count();
            Finding::fault(
                &file.path,
                lines,
                format!("it has {lines} lines"),
                "a map of more than 200 lines is not read",
                "move detail to `docs/`",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::finding::Weight;
    use super::*;

    #[test]
    fn length_is_asked_about_and_then_refused() {
        let check = |path: &str, lines: usize, expected: Option<Weight>| {
            let tree = Tree::of_texts(&[(path, &"x\n".repeat(lines))]);
            let found: Vec<Weight> = rust_files_are_short(&tree).iter().map(|f| f.weight).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{path} {lines}");
        };
        check("a.rs", 400, None);
        check("a.rs", 401, Some(Weight::Question));
        check("a.rs", 500, Some(Weight::Question));
        check("a.rs", 501, Some(Weight::Fault));
        check("a.md", 501, None);
    }

    #[test]
    fn drawers_are_found_as_file_folder_and_module() {
        let check = |path: &str, text: &str, expected: &[&str]| {
            let places: Vec<String> =
                names_say_something(&Tree::of_texts(&[(path, text)])).iter().map(Finding::place).collect();
            assert_eq!(places, expected, "{path}");
        };
        check("crates/a/src/util.rs", "", &["crates/a/src/util.rs:1"]);
        check("crates/a/tests/common/mod.rs", "", &["crates/a/tests/common/mod.rs:1"]);
        check("crates/a/src/lib.rs", "//! A.\npub(crate) mod misc {\n}\n", &["crates/a/src/lib.rs:2"]);
        check("crates/a/src/utility_bill.rs", "mod uncommon {\n}\nmod util;\n", &[]);
    }

    #[test]
    fn the_map_has_at_most_two_hundred_lines() {
        let check = |path: &str, lines: usize| {
            architecture_is_short(&Tree::of_texts(&[(path, &"x\n".repeat(lines))])).len()
        };
        assert_eq!(check("ARCHITECTURE.md", 200), 0);
        assert_eq!(check("ARCHITECTURE.md", 201), 1);
        assert_eq!(check("docs/other.md", 201), 0);
    }
}
