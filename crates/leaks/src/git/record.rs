//! What is noted of commits, tags and trees while they are read, so that what was found can be traced to commits.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};

use gix_hash::{ObjectId, oid};

use super::text::{CommitText, TagText};

/// Ids of a tree's children are kept in memory up to this, all threads together; the rest on disk.
const MAX_CHILDREN_BYTES: usize = 48 << 20;
const PIECE_BYTES: usize = 1 << 20;
/// Of a tree's entry with a secret in its name, mode and all: the shortest is a value behind `N8N_ENCRYPTION_KEY=`.
const SHORTEST_NAME_BYTES: usize = "40000 N8N_ENCRYPTION_KEY=12345678".len();

/// Notes of one thread.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) commits: Vec<CommitNote>,
    /// The parents of all commits, one after the other.
    pub(super) parents: Vec<ObjectId>,
    /// A tag and what it stands for.
    pub(super) tags: Vec<(ObjectId, ObjectId)>,
    pub(super) trees: Trees,
}

/// What is noted of a commit.
#[derive(Debug)]
pub(super) struct CommitNote {
    pub(super) id: ObjectId,
    pub(super) tree: ObjectId,
    pub(super) committed_at_s: i64,
    pub(super) parents: u32,
}

impl Record {
    /// An empty one, of one of so many threads.
    pub(super) fn new(hash: gix_hash::Kind, threads: usize) -> Self {
        let max_children = MAX_CHILDREN_BYTES / size_of::<u32>() / threads.max(1);
        Self {
            commits: Vec::new(),
            parents: Vec::new(),
            tags: Vec::new(),
            trees: Trees::new(hash, max_children),
        }
    }

    /// Notes a commit.
    pub(super) fn commit(&mut self, id: &oid, bytes: &[u8]) {
        let text = CommitText::of(bytes);
        let Some(tree) = text.tree else { return };
        let before = self.parents.len();
        self.parents.extend(text.parents());
        self.commits.push(CommitNote {
            id: id.to_owned(),
            tree,
            committed_at_s: text.committed_at_s(),
            parents: u32::try_from(self.parents.len() - before).unwrap_or(u32::MAX),
        });
    }

    /// Notes a tag.
    pub(super) fn tag(&mut self, id: &oid, bytes: &[u8]) {
        if let Some(target) = TagText::of(bytes).target {
            self.tags.push((id.to_owned(), target));
        }
    }
}

/// Trees, and of each child the first four bytes of its id.
#[derive(Debug)]
pub(super) struct Trees {
    id_bytes: usize,
    /// The trees' ids, one after the other.
    ids: Vec<u8>,
    /// Most children; only the lowest of the levels is looked for among them.
    files: Children,
    folders: Children,
    max_children: usize,
    /// Writing to disk failed: what was written is lost for tracing.
    pub(super) has_lost: bool,
}

impl Trees {
    fn new(hash: gix_hash::Kind, max_children: usize) -> Self {
        Self {
            id_bytes: hash.len_in_bytes(),
            ids: Vec::new(),
            files: Children::default(),
            folders: Children::default(),
            max_children,
            has_lost: false,
        }
    }

    /// Notes a tree. Whether one of its names is long enough for a secret.
    pub(super) fn note(&mut self, id: &oid, bytes: &[u8]) -> bool {
        if self.files.held.len() + self.folders.held.len() >= self.max_children
            && self.files.spill().and_then(|()| self.folders.spill()).is_err()
        {
            self.has_lost = true;
            self.files = Children::default();
            self.folders = Children::default();
            self.ids.clear();
        }
        let (mut rest, mut longest) = (bytes, 0);
        while let Some(nul) = memchr::memchr(0, rest)
            && let Some((id, after)) =
                rest.get(nul + 1..).and_then(|rest| rest.split_at_checked(self.id_bytes))
        {
            if let Some((first, _)) = id.split_first_chunk() {
                let is_folder = matches!(rest, [b'4', ..] | [b'0', b'4', ..]);
                let children = if is_folder { &mut self.folders } else { &mut self.files };
                children.held.push(u32::from_le_bytes(*first));
            }
            longest = longest.max(nul);
            rest = after;
        }
        // What is cut off may be a name too.
        longest = longest.max(rest.len());
        self.ids.extend_from_slice(id.as_bytes());
        self.files.end_tree();
        self.folders.end_tree();
        longest >= SHORTEST_NAME_BYTES
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ids.len() / self.id_bytes
    }

    /// The id of one.
    pub(super) fn id(&self, index: usize) -> Option<&oid> {
        let bytes = self.ids.get(index * self.id_bytes..(index + 1) * self.id_bytes)?;
        oid::try_from_bytes(bytes).ok()
    }

    /// Calls for each tree and each of its children that is no folder.
    pub(super) fn each_file(&self, call: impl FnMut(usize, u32)) -> io::Result<()> {
        self.files.each(call)
    }

    /// Calls for each tree and each of its folders.
    pub(super) fn each_folder(&self, call: impl FnMut(usize, u32)) -> io::Result<()> {
        self.folders.each(call)
    }
}

/// Children of one kind, of all trees.
#[derive(Debug, Default)]
struct Children {
    /// How many each tree has.
    counts: Vec<u32>,
    /// Where the last of them begin among those that are held.
    last: usize,
    file: Option<File>,
    held: Vec<u32>,
}

impl Children {
    fn end_tree(&mut self) {
        self.counts.push(u32::try_from(self.held.len() - self.last).unwrap_or(u32::MAX));
        self.last = self.held.len();
    }

    fn spill(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        for children in self.held.chunks(PIECE_BYTES / size_of::<u32>()) {
            piece.clear();
            piece.extend(children.iter().flat_map(|child| child.to_le_bytes()));
            file.write_all(&piece)?;
        }
        self.held.clear();
        self.last = 0;
        Ok(())
    }

    fn each(&self, mut call: impl FnMut(usize, u32)) -> io::Result<()> {
        let mut trees = Pairs { counts: self.counts.iter(), tree: 0, left: 0 };
        if let Some(file) = &self.file {
            let mut file = file;
            file.rewind()?;
            let mut piece = vec![0; PIECE_BYTES];
            loop {
                let mut filled = 0;
                while let Some(room) = piece.get_mut(filled..).filter(|room| !room.is_empty()) {
                    match file.read(room)? {
                        0 => break,
                        read => filled += read,
                    }
                }
                let (children, _) = piece.get(..filled).unwrap_or_default().as_chunks::<4>();
                let children: Vec<u32> = children.iter().map(|child| u32::from_le_bytes(*child)).collect();
                trees.all(&children, &mut call);
                if filled < piece.len() {
                    break;
                }
            }
        }
        trees.all(&self.held, &mut call);
        Ok(())
    }
}

/// Tells which tree a child belongs to, as the children come.
struct Pairs<'a> {
    counts: std::slice::Iter<'a, u32>,
    tree: usize,
    left: usize,
}

impl Pairs<'_> {
    fn all(&mut self, mut children: &[u32], call: &mut impl FnMut(usize, u32)) {
        while !children.is_empty() {
            while self.left == 0 {
                let Some(count) = self.counts.next() else { return };
                self.left = usize::try_from(*count).unwrap_or(usize::MAX);
                self.tree += 1;
            }
            let (its, rest) = children.split_at(self.left.min(children.len()));
            for child in its {
                call(self.tree - 1, *child);
            }
            self.left -= its.len();
            children = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(children: &[[u8; 20]]) -> Vec<u8> {
        children.iter().flat_map(|id| [b"100644 name\0".as_slice(), id].concat()).collect()
    }

    /// The same pairs, whether they fit into memory or not.
    #[test]
    fn spills() {
        let mut told = Vec::new();
        for max_children in [1, 3, 1_000] {
            let mut trees = Trees::new(gix_hash::Kind::Sha1, max_children);
            for index in 0..50u8 {
                let children: Vec<_> = (0..index % 4).map(|child| [index * 4 + child; 20]).collect();
                let folder = [b"40000 folder\0".as_slice(), &[200 + index; 20]].concat();
                trees.note(oid::from_bytes_unchecked(&[index; 20]), &[tree(&children), folder].concat());
            }
            assert_eq!(trees.files.file.is_some(), max_children < 1_000);
            let (mut files, mut folders) = (Vec::new(), Vec::new());
            trees.each_file(|tree, child| files.push((tree, child))).unwrap();
            trees.each_folder(|tree, child| folders.push((tree, child))).unwrap();
            assert_eq!(trees.id(49).unwrap().as_bytes(), [49; 20]);
            assert_eq!(trees.len(), 50);
            told.push((files, folders));
        }
        let (files, folders) = &told[0];
        assert_eq!((files.len(), folders.len()), (73, 50));
        assert_eq!(files[1], (2, u32::from_le_bytes([8; 4])));
        assert_eq!(folders[3], (3, u32::from_le_bytes([203; 4])));
        assert_eq!(told[0], told[1]);
        assert_eq!(told[0], told[2]);
    }

    #[test]
    fn a_tree_that_is_cut_off_gives_what_is_whole() {
        let mut trees = Trees::new(gix_hash::Kind::Sha1, 100);
        let bytes = tree(&[[1; 20], [2; 20]]);
        trees.note(oid::from_bytes_unchecked(&[9; 20]), &bytes[..bytes.len() - 1]);
        let mut pairs = Vec::new();
        trees.each_file(|tree, child| pairs.push((tree, child))).unwrap();
        assert_eq!(pairs, [(0, u32::from_le_bytes([1; 4]))]);
    }
}
