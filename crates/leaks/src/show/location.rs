//! Where a place is, as the formats of others want it: a path from the root, or a URI.

use std::path::{Component, Path, PathBuf};

use crate::allow::{as_path, work_tree};
use crate::{InHead, Object, Place, Provenance, Source};

/// The path of a place, from the root; the whole path of what lies elsewhere.
///
/// What has no path is told by the object's own, `.git/objects/ab/cdef`: these formats want one.
pub(super) fn path(place: &Place, root: &Path) -> PathBuf {
    match &place.source {
        Source::File(path) => from(path, root),
        Source::Stream(name) => PathBuf::from(if name == "-" { "stdin" } else { name }),
        Source::Git(git) => from(work_tree(&git.repository), root).join(in_repository(git)),
    }
}

/// Whether the path is one of a file that is there, and not one that was.
pub(super) fn is_there(place: &Place) -> bool {
    match &place.source {
        Source::File(_) => true,
        Source::Stream(_) => false,
        Source::Git(git) => {
            git.object == Object::Index || (git.object == Object::Blob && git.in_head == InHead::Yes)
        }
    }
}

fn from(path: &Path, root: &Path) -> PathBuf {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.strip_prefix(".").unwrap_or(path).to_owned()
}

fn in_repository(git: &Provenance) -> PathBuf {
    let own = Path::new(".git");
    match (git.object, git.paths.first()) {
        (Object::Blob | Object::Index, Some(path)) => relative(as_path(path)),
        (Object::Reflog | Object::Administrative | Object::RefName, Some(path)) => {
            let path = relative(as_path(path));
            if path.starts_with(own) { path } else { own.join(path) }
        }
        _ => match git.id.as_deref().and_then(|id| id.split_at_checked(2)) {
            Some((folder, rest)) => {
                own.join("objects").join(relative(Path::new(folder))).join(relative(Path::new(rest)))
            }
            None => own.to_owned(),
        },
    }
}

/// A path of a tree never leads out of it.
fn relative(path: &Path) -> PathBuf {
    path.components()
        .map(|part| match part {
            Component::Normal(name) => Path::new(name),
            _ => Path::new("_"),
        })
        .collect()
}

/// A path as a URI: relative to the root, or `file:` and the whole.
pub(super) fn uri(path: &Path) -> String {
    let mut uri = String::new();
    for part in path.components() {
        let name = match part {
            Component::Normal(name) => name.as_encoded_bytes(),
            Component::RootDir => {
                uri.push_str("file://");
                continue;
            }
            Component::ParentDir | Component::CurDir | Component::Prefix(_) => b"_",
        };
        if !uri.is_empty() {
            uri.push('/');
        }
        for byte in name {
            push(&mut uri, *byte);
        }
    }
    if uri.is_empty() { "_".to_owned() } else { uri }
}

fn push(uri: &mut String, byte: u8) {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).map(|digit| digit.to_ascii_uppercase());
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        uri.push(char::from(byte));
    } else {
        uri.push('%');
        uri.extend([digit(byte >> 4), digit(byte & 15)].into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_relative_and_stays_within() {
        let check = |path: &str, expected: &str| assert_eq!(uri(Path::new(path)), expected);
        check("app/.env", "app/.env");
        check("a b/ü:#?%.env", "a%20b/%C3%BC%3A%23%3F%25.env");
        check("/srv/app", "file:///srv/app");
        check("../../etc/passwd", "_/_/etc/passwd");
        check("a//b/./c", "a/b/c");
        check("", "_");
    }

    #[test]
    fn a_path_is_told_from_the_root() {
        let file = |path: &str| Place {
            source: Source::File(path.into()),
            line: None,
            column: None,
            is_allowed_inline: false,
        };
        let check = |name: &str, root: &str, expected: &str| {
            assert_eq!(path(&file(name), Path::new(root)), Path::new(expected));
        };
        check("/srv/app/a/b", "/srv/app", "a/b");
        check("/srv/other/a", "/srv/app", "/srv/other/a");
        check("./a/b", ".", "a/b");
        check("a/b", ".", "a/b");
    }
}
