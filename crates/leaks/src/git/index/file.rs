//! An index file, versions 2 to 4, with the extensions that are of use.
//!
//! Anybody may have written it: paths that are told as differences are bounded, and nothing is taken for granted.

use std::collections::HashMap;

use gix_hash::{ObjectId, oid};

/// What all paths of an index may take; in version 4 a small file can unfold to much.
const MAX_PATHS_BYTES: usize = 128 << 20;
const HEADER_BYTES: usize = 12;
/// Before the id: times, device, inode, mode, owner, size.
const STAT_BYTES: usize = 40;
const MAX_DEPTH: usize = 512;
/// More than entries fit into the largest index that is read.
const MAX_BITS: usize = 5 << 20;

/// The entries of an index.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) entries: Vec<Entry>,
    paths: Vec<u8>,
    /// Folders of which the index knows the tree, by their paths: how many entries they have, and their id.
    pub(super) folders: HashMap<Vec<u8>, (usize, ObjectId)>,
    /// The file that this one only tells the differences to.
    pub(super) shared: Option<ObjectId>,
    /// Which of the shared file's entries are gone, and which are told anew.
    pub(super) deleted: Vec<bool>,
    pub(super) replaced: Vec<bool>,
}

/// An entry: a file, at one of the stages of a merge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) id: ObjectId,
    pub(super) mode: u32,
    start: usize,
    end: usize,
}

impl Entry {
    /// Whether it is a file or a link, whose content is a blob.
    pub(super) fn is_blob(&self) -> bool {
        matches!(self.mode & 0o170_000, 0o100_000 | 0o120_000)
    }
}

impl Index {
    /// Reads a file; none if it is broken. Its checksum is not looked at.
    pub(super) fn of(bytes: &[u8], hash: gix_hash::Kind) -> Option<Self> {
        let mut input = Input { rest: bytes };
        let ([b'D', b'I', b'R', b'C'], version @ 2..=4) = (input.array()?, input.number()?) else {
            return None;
        };
        let count = input.number()? as usize;
        if count > bytes.len().saturating_sub(HEADER_BYTES) / (STAT_BYTES + hash.len_in_bytes()) {
            return None;
        }
        let mut index = Self { entries: Vec::with_capacity(count), ..Self::default() };
        for _ in 0..count {
            index.entry(&mut input, version, hash)?;
        }
        let end = input.rest.len().checked_sub(hash.len_in_bytes())?;
        index.extensions(Input { rest: input.rest.get(..end)? }, hash)?;
        Some(index)
    }

    /// The path of an entry.
    pub(super) fn path(&self, entry: &Entry) -> &[u8] {
        self.paths.get(entry.start..entry.end).unwrap_or_default()
    }

    /// Takes the entries of the shared file, with this one's differences.
    pub(super) fn join(mut self, shared: &Self) -> Self {
        let own = std::mem::take(&mut self.entries);
        let (anew, more) = own.into_iter().partition::<Vec<_>, _>(|entry| entry.start == entry.end);
        let mut anew = anew.into_iter();
        let is_set = |bits: &[bool], index: usize| bits.get(index).copied().unwrap_or(false);
        for (number, mut entry) in shared.entries.iter().copied().enumerate() {
            if is_set(&self.replaced, number)
                && let Some(new) = anew.next()
            {
                (entry.id, entry.mode) = (new.id, new.mode);
            }
            if is_set(&self.deleted, number) {
                continue;
            }
            let start = self.paths.len();
            self.paths.extend_from_slice(shared.path(&entry));
            (entry.start, entry.end) = (start, self.paths.len());
            self.entries.push(entry);
        }
        self.entries.extend(more);
        let paths = std::mem::take(&mut self.paths);
        self.entries.sort_by(|a, b| paths.get(a.start..a.end).cmp(&paths.get(b.start..b.end)));
        self.paths = paths;
        self
    }

    fn entry(&mut self, input: &mut Input<'_>, version: u32, hash: gix_hash::Kind) -> Option<()> {
        let before = input.rest.len();
        let mode = u32::from_be_bytes(*input.take(STAT_BYTES)?.get(24..28)?.first_chunk()?);
        let id = oid::try_from_bytes(input.take(hash.len_in_bytes())?).ok()?.to_owned();
        let flags = u16::from_be_bytes(input.array()?);
        if flags & 0x4000 != 0 {
            input.take(2)?;
        }
        let start = self.paths.len();
        if version == 4 {
            let last = self.entries.last().map_or(0..0, |last| last.start..last.end);
            let kept = last.len().checked_sub(input.varint()?)?;
            self.paths.extend_from_within(last.start..last.start + kept);
        }
        let path = input.until_nul()?;
        self.paths.extend_from_slice(path);
        if version < 4 {
            // Filled up with one to eight zero bytes, of which one was taken.
            let used = before - input.rest.len() - 1;
            input.take((8 - used % 8) - 1)?;
        }
        if self.paths.len() > MAX_PATHS_BYTES {
            return None;
        }
        self.entries.push(Entry { id, mode, start, end: self.paths.len() });
        Some(())
    }

    fn extensions(&mut self, mut input: Input<'_>, hash: gix_hash::Kind) -> Option<()> {
        while let Some(name) = input.array::<4>() {
            let size = input.number()? as usize;
            let mut content = Input { rest: input.take(size)? };
            match &name {
                b"TREE" => drop(self.folders(&mut content, hash)),
                b"link" => {
                    let id = oid::try_from_bytes(content.take(hash.len_in_bytes())?).ok()?.to_owned();
                    self.shared = Some(id).filter(|id| !id.is_null());
                    if !content.rest.is_empty() {
                        self.deleted = content.bitmap()?;
                        self.replaced = content.bitmap()?;
                    }
                }
                // Its entries are folders of which nothing is here.
                b"sdir" => {}
                [first, ..] if first.is_ascii_lowercase() => return None,
                _ => {}
            }
        }
        Some(())
    }

    /// What of the trees of folders is known; what is broken of it is not needed.
    fn folders(&mut self, input: &mut Input<'_>, hash: gix_hash::Kind) -> Option<()> {
        // How many folders are still to come at each depth, and where their names are cut off.
        let mut open: Vec<(u32, usize)> = vec![(1, 0)];
        let mut path: Vec<u8> = Vec::new();
        let mut known_bytes = 0;
        while let Some((left, cut)) = open.last_mut() {
            if *left == 0 {
                open.pop();
                continue;
            }
            *left -= 1;
            path.truncate(*cut);
            if *cut > 0 {
                path.push(b'/');
            }
            path.extend_from_slice(input.until_nul()?);
            let entries = input.decimal(b' ')?;
            let children = u32::try_from(input.decimal(b'\n')?).ok()?;
            if let Ok(entries) = usize::try_from(entries) {
                let id = oid::try_from_bytes(input.take(hash.len_in_bytes())?).ok()?.to_owned();
                self.folders.insert(path.clone(), (entries, id));
            }
            known_bytes += path.len();
            if open.len() > MAX_DEPTH || known_bytes > MAX_PATHS_BYTES {
                return None;
            }
            open.push((children, path.len()));
        }
        Some(())
    }
}

/// What is left of a file.
struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    fn number(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn until_nul(&mut self) -> Option<&'a [u8]> {
        self.until(0)
    }

    fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        let taken = self.take(memchr::memchr(end, self.rest)?)?;
        self.take(1)?;
        Some(taken)
    }

    fn decimal(&mut self, end: u8) -> Option<i64> {
        std::str::from_utf8(self.until(end)?).ok()?.parse().ok()
    }

    /// As pack files write offsets.
    fn varint(&mut self) -> Option<usize> {
        let [mut byte] = self.array::<1>()?;
        let mut value = usize::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            [byte] = self.array::<1>()?;
            value = value.checked_add(1)?.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
        }
        Some(value)
    }

    /// A compressed bitmap, as EWAH writes it.
    fn bitmap(&mut self) -> Option<Vec<bool>> {
        let bits = self.number()? as usize;
        let words = self.number()? as usize;
        if bits > MAX_BITS {
            return None;
        }
        let mut words =
            self.take(words.checked_mul(8)?)?.as_chunks::<8>().0.iter().map(|word| u64::from_be_bytes(*word));
        self.number()?;
        let mut set = Vec::new();
        while let Some(marker) = words.next() {
            let run = usize::try_from((marker >> 1) & 0xffff_ffff).ok()?.checked_mul(64)?;
            if set.len() + run > bits + 64 {
                return None;
            }
            set.resize(set.len() + run, marker & 1 == 1);
            for _ in 0..marker >> 33 {
                let word = words.next()?;
                if set.len() > bits {
                    return None;
                }
                set.extend((0..64).map(|bit| word >> bit & 1 == 1));
            }
        }
        Some(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: gix_hash::Kind = gix_hash::Kind::Sha1;

    fn index(version: u32, entries: &[&[u8]], extensions: &[u8]) -> Vec<u8> {
        let count = u32::try_from(entries.len()).unwrap();
        let header = [b"DIRC".as_slice(), &version.to_be_bytes(), &count.to_be_bytes()].concat();
        [header, entries.concat(), extensions.to_owned(), vec![0; 20]].concat()
    }

    fn extension(name: [u8; 4], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len()).unwrap();
        [name.as_slice(), &size.to_be_bytes(), content].concat()
    }

    /// Each path is the one before and some more: a square of what the file takes.
    #[test]
    fn paths_that_unfold_are_bounded() {
        let entry = [&[0; 62][..], &[0], &[b'x'; 60], &[0]].concat();
        let few = index(4, &vec![&entry[..]; 100], &[]);
        assert_eq!(Index::of(&few, HASH).unwrap().paths.len(), 60 * 100 * 101 / 2);
        let many = index(4, &vec![&entry[..]; 5_000], &[]);
        assert!(Index::of(&many, HASH).is_none());
    }

    #[test]
    fn folders_without_end_are_bounded() {
        let shallow = extension(*b"TREE", &[b"\x000 1\n".as_slice(), &[1; 20], b"a\0-1 0\n"].concat());
        assert_eq!(Index::of(&index(2, &[], &shallow), HASH).unwrap().folders.len(), 1);
        let deep = extension(*b"TREE", &b"a\0-1 1\n".repeat(1_000_000));
        assert!(Index::of(&index(2, &[], &deep), HASH).unwrap().folders.is_empty());
    }

    #[test]
    fn bitmaps_are_no_longer_than_they_say() {
        let link = |bits: u32, marker: u64, literals: usize| {
            let words = u32::try_from(literals + 1).unwrap();
            let bitmap = [
                &bits.to_be_bytes()[..],
                &words.to_be_bytes(),
                &marker.to_be_bytes(),
                &vec![0xff; 8 * literals],
                &[0; 4],
            ]
            .concat();
            let content = [&[1; 20][..], &bitmap, &[0; 12]].concat();
            Index::of(&index(2, &[], &extension(*b"link", &content)), HASH).map(|index| index.deleted.len())
        };
        assert_eq!(link(100, 2 << 33, 2), Some(128));
        assert_eq!(link(100, 1_000 << 33, 1_000), None);
        assert_eq!(link(640, 10 << 1, 0), Some(640));
        assert_eq!(link(100 << 20, (100 << 20) / 32, 0), None);
    }

    #[test]
    fn what_is_cut_off_or_not_known_is_refused() {
        let entry = [&[0; 62][..], b"ab\0\0\0\0\0\0\0\0"].concat();
        let whole = index(2, &[&entry], &[]);
        assert_eq!(Index::of(&whole, HASH).unwrap().entries.len(), 1);
        for end in 0..whole.len() {
            assert!(Index::of(&whole[..end], HASH).is_none(), "{end}");
        }
        let mut count = whole.clone();
        count[8..12].fill(0xff);
        assert!(Index::of(&count, HASH).is_none());
        // A name in lower case is one that has to be known.
        assert!(Index::of(&index(2, &[], &extension(*b"what", b"x")), HASH).is_none());
        assert!(Index::of(&index(2, &[], &extension(*b"What", b"x")), HASH).is_some());
    }
}
