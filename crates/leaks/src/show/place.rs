//! Where a token lies: in words, and as JSON.

use std::path::Path;

use detector::Layer;
use serde::Serialize;

use super::text::{NAME_CHARS, path, text};
use super::whose::day;
use crate::{Author, InHead, Object, Place, Provenance, Pushed, Source, Spot, Wrapping};

/// File or object, line and column.
pub(super) fn at(place: &Place) -> String {
    let name = match &place.source {
        Source::File(file) => path(file),
        Source::Stream(name) if name == "-" => "standard input".to_owned(),
        Source::Stream(name) => text(name.as_bytes(), NAME_CHARS),
        Source::Git(git) => object(git),
    };
    match (place.line, place.column) {
        (Some(line), Some(column)) => format!("{name}:{line}:{column}"),
        (Some(line), None) => format!("{name}:{line}"),
        (None, _) => name,
    }
}

/// How often more it is there, if it is.
pub(super) fn also(spot: &Spot) -> Option<String> {
    let more = match spot.also {
        0 => return None,
        1 => "once more".to_owned(),
        more => format!("{more} times more"),
    };
    let where_else = match &spot.place.source {
        Source::Git(git) if git.object == Object::Blob => "there, or in other versions of it",
        Source::Git(_) | Source::File(_) | Source::Stream(_) => "there",
    };
    Some(format!("{more} {where_else}"))
}

/// What of a repository it is.
pub(super) fn object(git: &Provenance) -> String {
    let name = git.paths.first().map(|path| text(path, NAME_CHARS));
    let more = match git.paths.len().saturating_sub(1) {
        0 => String::new(),
        1 => " (and 1 more name)".to_owned(),
        more => format!(" (and {more} more names)"),
    };
    let id = git.id.as_deref().map(short).unwrap_or_default();
    match (git.object, name) {
        (Object::Blob, Some(name)) => format!("{name}{more}"),
        (Object::Blob, None) => format!("blob {id}, of no name"),
        (Object::Commit, _) => format!("text of commit {id}"),
        (Object::Tag, _) => format!("text of tag {id}"),
        (Object::Tree, _) => format!("a file's name in tree {id}"),
        (Object::Note, _) => format!("note {id}"),
        (Object::RefName, _) => "a ref's name".to_owned(),
        (Object::Reflog, Some(name)) => format!("reflog {name}"),
        (Object::Reflog, None) => "a reflog".to_owned(),
        (Object::Administrative, Some(name)) => format!("git's own {name}"),
        (Object::Administrative, None) => "a file of git's own".to_owned(),
        (Object::Index, Some(name)) => format!("{name}, staged"),
        (Object::Index, None) => "what is staged".to_owned(),
    }
}

/// The commit that had it first, and who wrote it.
pub(super) fn author(author: &Author) -> String {
    let name = text(&author.name, 60);
    let email = text(&author.email, 60);
    let date = author.date.map(|date| format!(", {}", day(date))).unwrap_or_default();
    format!("commit {} by {name} <{email}>{date}", short(&author.commit))
}

/// Which refs hold it, whether it is still there, whether others have it.
pub(super) fn reach(git: &Provenance) -> String {
    const SHOWN: usize = 3;
    let refs: Vec<String> = git.refs.iter().take(SHOWN).map(|name| text(name.as_bytes(), 60)).collect();
    let more = git.refs.len().saturating_sub(SHOWN) as u64 + git.more_refs;
    let refs = match (refs.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!("{}; ", refs.join(", ")),
        (false, more) => format!("{} and {more} more; ", refs.join(", ")),
    };
    let head = match git.in_head {
        InHead::Yes => "still in HEAD",
        InHead::HistoryOnly => "in the history only",
        InHead::Unreachable => "no ref leads to it",
        InHead::Beside => "in no commit",
    };
    let pushed = match git.pushed {
        Pushed::Yes => "PUSHED",
        Pushed::No => "not pushed",
        Pushed::Unknown => "pushed or not: not known",
    };
    format!("{refs}{head}; {pushed}")
}

/// How it is wrapped, the innermost first: `base64 in layer.tar!app/.env`.
pub(super) fn wrapping(wrapping: &[Wrapping]) -> String {
    let mut groups: Vec<String> = Vec::new();
    let mut was_member = false;
    for one in wrapping {
        match one {
            Wrapping::Layer(layer) => groups.push(layer_name(*layer).to_owned()),
            Wrapping::Member(member) => {
                let name =
                    member.name.as_ref().map_or_else(|| member.format.to_owned(), |name| text(name, 80));
                match groups.last_mut() {
                    Some(last) if was_member => *last = format!("{last}!{name}"),
                    _ => groups.push(name),
                }
            }
        }
        was_member = matches!(one, Wrapping::Member(_));
    }
    groups.reverse();
    groups.join(" in ")
}

fn layer_name(layer: Layer) -> &'static str {
    match layer {
        Layer::Base64 => "base64",
        Layer::Utf16 => "UTF-16",
        Layer::Utf32 => "UTF-32",
        Layer::Hex => "hex",
        Layer::Octal => "octal escapes",
        Layer::Decimal => "numbers",
        Layer::Percent => "percent escapes",
        Layer::Html => "HTML escapes",
        Layer::Unicode => "unicode escapes",
        Layer::Split => "pieces",
    }
}

/// As many digits of an id as are shown.
pub(super) fn short(id: &str) -> String {
    text(id.chars().take(12).collect::<String>().as_bytes(), 12)
}

/// A name for a machine, and its bytes in hex where they are no UTF-8.
pub(super) fn exact(bytes: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(name) => (name.to_owned(), None),
        Err(_invalid) => {
            let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
            let hex = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect();
            (String::from_utf8_lossy(bytes).into_owned(), Some(hex))
        }
    }
}

/// A name in JSON.
#[derive(Serialize)]
pub(super) struct NameView {
    name: String,
    /// Where it is no UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

impl NameView {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let (name, hex) = exact(bytes);
        Self { name, hex }
    }

    fn of_path(path: &Path) -> Self {
        Self::of(path.as_os_str().as_encoded_bytes())
    }
}

/// A place in JSON.
#[derive(Serialize)]
pub(super) struct PlaceView<'a> {
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<NameView>,
    line: Option<u64>,
    column: Option<u64>,
    /// As many more of the same, there or in other versions of it.
    also: u64,
    wrapping: Vec<WrappingView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    git: Option<GitView<'a>>,
}

#[derive(Serialize)]
struct GitView<'a> {
    repository: NameView,
    object: Object,
    id: Option<&'a str>,
    paths: Vec<NameView>,
    first: Option<CommitView<'a>>,
    refs: &'a [String],
    more_refs: u64,
    in_head: InHead,
    pushed: Pushed,
}

#[derive(Serialize)]
struct CommitView<'a> {
    commit: &'a str,
    author: NameView,
    email: NameView,
    date: Option<model::Timestamp>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum WrappingView {
    Layer { layer: Layer },
    Member { member: &'static str, name: Option<NameView> },
}

impl<'a> From<&'a Spot> for PlaceView<'a> {
    fn from(spot: &'a Spot) -> Self {
        let Spot { place, wrapping, also, lapsed: _ } = spot;
        let (source, path, git) = match &place.source {
            Source::File(path) => ("file", Some(NameView::of_path(path)), None),
            Source::Stream(name) => ("stream", Some(NameView::of(name.as_bytes())), None),
            Source::Git(git) => {
                ("git", git.paths.first().map(|path| NameView::of(path)), Some(GitView::from(git.as_ref())))
            }
        };
        let wrapping = wrapping.iter().map(WrappingView::from).collect();
        Self { source, path, line: place.line, column: place.column, also: *also, wrapping, git }
    }
}

impl<'a> From<&'a Provenance> for GitView<'a> {
    fn from(git: &'a Provenance) -> Self {
        Self {
            repository: NameView::of_path(&git.repository),
            object: git.object,
            id: git.id.as_deref(),
            paths: git.paths.iter().map(|path| NameView::of(path)).collect(),
            first: git.first.as_ref().map(|first| CommitView {
                commit: &first.commit,
                author: NameView::of(&first.name),
                email: NameView::of(&first.email),
                date: first.date,
            }),
            refs: &git.refs,
            more_refs: git.more_refs,
            in_head: git.in_head,
            pushed: git.pushed,
        }
    }
}

impl From<&Wrapping> for WrappingView {
    fn from(wrapping: &Wrapping) -> Self {
        match wrapping {
            Wrapping::Layer(layer) => Self::Layer { layer: *layer },
            Wrapping::Member(member) => {
                Self::Member { member: member.format, name: member.name.as_deref().map(NameView::of) }
            }
        }
    }
}
