//! What is staged and differs from HEAD.

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use gix_hash::{ObjectId, oid};
use gix_object::Kind;

use super::file::{Entry, Index};
use crate::git::fault::Error;
use crate::git::folder::Folder;
use crate::git::objects::{Places, Stores};
use crate::git::read::Text;
use crate::git::refs::Refs;
use crate::git::text::CommitText;
use crate::git::trees::entries;
use crate::{Contents, InHead, Limits, Object, Provenance, Pushed, Report, Seen, Source, Unread, Why};

/// Three million entries.
const MAX_INDEX_BYTES: usize = 256 << 20;
const MAX_DEPTH: usize = 256;

/// Reads what is staged in a work tree and is not the same in HEAD; of another index, if git made one for a commit.
pub fn staged(
    repository: &Path,
    index: Option<&Path>,
    contents: &Contents,
    limits: &Limits,
    report: &mut Report,
) -> Result<(), Error> {
    let folder = Folder::find(repository).ok_or_else(|| Error::NoRepository(repository.to_owned()))?;
    report.tally.repositories += 1;
    let file = index.map_or_else(|| folder.git.join("index"), Path::to_owned);
    let index = match load(&file, &folder.git, folder.hash()) {
        Ok(Some(index)) => index,
        Ok(None) => return Ok(()),
        Err(why) => {
            let what = file.as_os_str().as_bytes().to_owned();
            report.pass_by(Unread { what, why }, limits);
            return Ok(());
        }
    };
    let places = Places { folders: vec![folder.common.join("objects")], hash: folder.hash() };
    let stores = Stores::open(&places, limits);
    let head = Refs::head(&folder).and_then(|head| stores.find(&head));
    let tree = head.and_then(|head| CommitText::of(&head.bytes).tree);
    let mut comparison =
        Comparison { index: &index, stores: &stores, hash: folder.hash(), differing: Vec::new() };
    comparison.folder(&index.entries, 0, tree.as_deref(), MAX_DEPTH);
    for entry in comparison.differing {
        search(entry, index.path(entry), &folder, &stores, contents, limits, report);
    }
    Ok(())
}

fn search(
    entry: &Entry,
    path: &[u8],
    folder: &Folder,
    stores: &Stores,
    contents: &Contents,
    limits: &Limits,
    report: &mut Report,
) {
    let mut seen = Seen::default();
    contents.bytes(path, &mut seen);
    for sighting in &mut seen.sightings {
        (sighting.line, sighting.column) = (None, None);
    }
    if entry.is_blob() {
        match stores.find(&entry.id) {
            Some(blob) => contents.bytes(&blob.bytes, &mut seen),
            None if stores.contains(&entry.id) => {
                seen.unread.push(Unread { what: Vec::new(), why: Why::Limit("max_object_bytes") });
            }
            None => {
                let why = Why::Broken(format!("its object {} is not there", entry.id));
                seen.unread.push(Unread { what: Vec::new(), why });
            }
        }
        report.tally.objects += 1;
    }
    let provenance = Provenance {
        repository: folder.name.clone(),
        object: Object::Index,
        id: Some(entry.id.to_string()),
        paths: vec![path.to_owned()],
        first: None,
        refs: Vec::new(),
        more_refs: 0,
        in_head: InHead::Beside,
        pushed: Pushed::No,
    };
    report.note_all(&Source::Git(Box::new(provenance)), path, seen, limits);
}

/// Compares an index with the trees of a commit.
struct Comparison<'a> {
    index: &'a Index,
    stores: &'a Stores,
    hash: gix_hash::Kind,
    differing: Vec<&'a Entry>,
}

impl<'a> Comparison<'a> {
    /// Compares the entries below a folder, whose path with the slash after it is so long, with its tree.
    fn folder(&mut self, below: &'a [Entry], start: usize, tree: Option<&oid>, depth: usize) {
        let Some(first) = below.first() else { return };
        let Some(tree) = tree.filter(|_| depth > 0) else {
            self.differing.extend(below);
            return;
        };
        let path = self.index.path(first).get(..start.saturating_sub(1)).unwrap_or_default();
        if self
            .index
            .folders
            .get(path)
            .is_some_and(|(count, id)| *count == below.len() && id.as_bytes() == tree.as_bytes())
        {
            return;
        }
        let Some(stored) = self.stores.find(tree).filter(|stored| stored.kind == Kind::Tree) else {
            self.differing.extend(below);
            return;
        };
        let known: HashMap<&[u8], _> =
            entries(&stored.bytes, self.hash).map(|entry| (entry.name, entry)).collect();
        let mut rest = below;
        while let Some(first) = rest.first() {
            let name = self.index.path(first).get(start..).unwrap_or_default();
            if let Some(slash) = memchr::memchr(b'/', name) {
                let end = start + slash + 1;
                let folder = self.index.path(first).get(..end);
                let count =
                    rest.iter().take_while(|entry| self.index.path(entry).get(..end) == folder).count();
                let (within, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
                let tree = name.get(..slash).and_then(|name| known.get(name)).filter(|entry| entry.is_tree());
                self.folder(within, end, tree.map(|entry| entry.id), depth - 1);
                rest = after;
            } else {
                if known.get(name).is_none_or(|entry| entry.id != first.id) {
                    self.differing.push(first);
                }
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
}

/// Where in the indexes of all work trees some blobs are.
pub(in crate::git) fn staged_paths(
    folder: &Folder,
    wanted: &HashSet<ObjectId>,
    limits: &Limits,
    report: &mut Report,
) -> HashMap<ObjectId, Vec<Vec<u8>>> {
    let mut staged: HashMap<ObjectId, Vec<Vec<u8>>> = HashMap::new();
    let others = folder.work_trees().into_iter().map(|(_, git)| git);
    for git in std::iter::once(folder.common.clone()).chain(others) {
        match load(&git.join("index"), &git, folder.hash()) {
            Ok(None) => {}
            Ok(Some(index)) => {
                for entry in index.entries.iter().filter(|entry| wanted.contains(&entry.id)) {
                    staged.entry(entry.id).or_default().push(index.path(entry).to_owned());
                }
            }
            Err(why) => {
                let what = git.join("index").as_os_str().as_bytes().to_owned();
                report.pass_by(Unread { what, why }, limits);
            }
        }
    }
    staged
}

/// An index, if there is one; what it shares with others is in the git folder.
fn load(file: &Path, git: &Path, hash: gix_hash::Kind) -> Result<Option<Index>, Why> {
    let broken = || Why::Broken("the index is damaged, or of a form that is not known".to_owned());
    let bytes = match Text::of(file, MAX_INDEX_BYTES) {
        Text::Absent => return Ok(None),
        Text::Unread(why) => return Err(why),
        Text::Whole(bytes) => bytes,
    };
    let index = Index::of(&bytes, hash).ok_or_else(broken)?;
    let Some(shared) = index.shared else { return Ok(Some(index)) };
    match Text::of(&git.join(format!("sharedindex.{shared}")), MAX_INDEX_BYTES) {
        Text::Absent => Err(Why::Broken("the index that it shares with others is not there".to_owned())),
        Text::Unread(why) => Err(why),
        Text::Whole(bytes) => Ok(Some(index.join(&Index::of(&bytes, hash).ok_or_else(broken)?))),
    }
}
