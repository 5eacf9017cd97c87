//! Words that no file may hold: hosts of registries, paths of one machine, promises to come back later.
use super::finding::Finding;
use super::tree::{Text, Tree};

/// The word, why not, what instead. Each is written in two parts, so that this file does not hold it.
const FORBIDDEN: [(&str, &str, &str); 14] = [
    (concat!("crates", ".io"), REGISTRY, NAME_IT),
    (concat!("static.", "rust-lang.org"), REGISTRY, NAME_IT),
    (concat!("npmjs", ".org"), REGISTRY, NAME_IT),
    (concat!("npmjs", ".com"), REGISTRY, NAME_IT),
    (concat!("yarnpkg", ".com"), REGISTRY, NAME_IT),
    (concat!("pypi", ".org"), REGISTRY, NAME_IT),
    (concat!("pythonhosted", ".org"), REGISTRY, NAME_IT),
    (concat!("deb.debian", ".org"), REGISTRY, NAME_IT),
    (concat!("proxy.golang", ".org"), REGISTRY, NAME_IT),
    (concat!("/wo", "rk/"), MACHINE, RELATIVE),
    (concat!("/ro", "ot/"), MACHINE, RELATIVE),
    (concat!("FIX", "ME"), LATER, NOW),
    (concat!("TO", "DO"), LATER, NOW),
    (concat!("#[", "ignore"), "an ignored test proves nothing", "make it pass, or remove it"),
];

const REGISTRY: &str = "which registry a package comes from is the business of the machine that builds";
const NAME_IT: &str = "name the package, not the host";
const MACHINE: &str = "a path of one machine means nothing on another";
const RELATIVE: &str = "a path from the root of the checkout, or from the environment";
const LATER: &str = "what is left for later is not in the code";
const NOW: &str = "do it, or leave it out";

/// No line of any file but lock files holds a forbidden word.
pub(super) fn none_is_forbidden(tree: &Tree) -> Vec<Finding> {
    let is_lock = |file: &Text| ["Cargo.lock", "-lock.json"].iter().any(|end| file.path.ends_with(end));
    tree.files().filter(|file| !is_lock(file)).flat_map(in_file).collect()
}

fn in_file(file: &Text) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for (word, because, mend) in FORBIDDEN {
            if holds(line, word) {
                findings.push(Finding::fault(&file.path, index + 1, format!("`{word}`"), because, mend));
            }
        }
    }
    findings
}

/// Whether the line holds the word, and not only as part of a longer one.
fn holds(line: &str, word: &str) -> bool {
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    let begins_in_word = word.starts_with(|c: char| c.is_ascii_alphanumeric());
    let ends_in_word = word.ends_with(|c: char| c.is_ascii_alphanumeric());
    line.match_indices(word).any(|(at, _)| {
        let (before, rest) = line.split_at(at);
        let after = rest.strip_prefix(word).unwrap_or_default();
        !(begins_in_word && joins(before.chars().next_back()) || ends_in_word && joins(after.chars().next()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[usize]) {
        let tree = Tree::of_texts(&[(path, text)]);
        let lines: Vec<String> = none_is_forbidden(&tree).iter().map(Finding::place).collect();
        let expected: Vec<String> = expected.iter().map(|line| format!("{path}:{line}")).collect();
        assert_eq!(lines, expected, "{text}");
    }

    #[test]
    fn every_forbidden_word_is_found() {
        for (word, ..) in FORBIDDEN {
            check("a.md", &format!("fine\n({word})"), &[2]);
        }
    }

    #[test]
    fn longer_words_and_lock_files_are_left_alone() {
        check("a.rs", concat!("let TO", "DOS = \"index.mycrates", ".ioa\";"), &[]);
        check("a.rs", concat!("let a = \"/wo", "rk/x\";"), &[1]);
        check("Cargo.lock", concat!("crates", ".io"), &[]);
        check("a.md", concat!("https://index.crates", ".io/x"), &[1]);
        check("a.md", concat!("é TO", "DO"), &[1]);
    }

    #[test]
    fn this_file_holds_none() {
        check("words.rs", include_str!("words.rs"), &[]);
    }
}
