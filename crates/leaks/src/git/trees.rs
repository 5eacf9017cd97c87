//! Trees, entry by entry; what is cut off is passed by.

use gix_hash::{ObjectId, oid};

/// One entry of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    mode: &'a [u8],
    pub(super) name: &'a [u8],
    pub(super) id: &'a oid,
}

impl Entry<'_> {
    /// Whether it is a folder.
    pub(super) fn is_tree(&self) -> bool {
        matches!(self.mode, b"40000" | b"040000")
    }

    /// Whether it is another repository's commit.
    pub(super) fn is_submodule(&self) -> bool {
        self.mode == b"160000"
    }
}

/// The entries of a tree.
pub(super) fn entries(bytes: &[u8], hash: gix_hash::Kind) -> impl Iterator<Item = Entry<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let nul = memchr::memchr(0, rest)?;
        let (head, after) = rest.split_at_checked(nul)?;
        let space = memchr::memchr(b' ', head)?;
        let (id, after) = after.get(1..)?.split_at_checked(hash.len_in_bytes())?;
        rest = after;
        Some(Entry {
            mode: head.get(..space)?,
            name: head.get(space + 1..)?,
            id: oid::try_from_bytes(id).ok()?,
        })
    })
}

/// The names in a tree, a line each.
pub(super) fn names(bytes: &[u8], hash: gix_hash::Kind) -> Vec<u8> {
    let mut names = Vec::new();
    for entry in entries(bytes, hash) {
        names.extend(entry.name.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }));
        names.push(b'\n');
    }
    names
}

/// The first bytes of an id, as trees' children are noted by.
pub(super) fn prefix(id: &ObjectId) -> u32 {
    id.as_bytes().first_chunk().map_or(0, |first| u32::from_le_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_entries_to_where_it_is_cut_off() {
        let bytes =
            [b"40000 a b\0".as_slice(), &[1; 20], b"160000 m\0", &[2; 20], b"100644 x\0", &[0; 19]].concat();
        let read: Vec<_> = entries(&bytes, gix_hash::Kind::Sha1).collect();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].name, b"a b");
        assert!(read[0].is_tree() && read[1].is_submodule());
        assert_eq!(names(&bytes, gix_hash::Kind::Sha1), b"a b\nm\n");
    }
}
