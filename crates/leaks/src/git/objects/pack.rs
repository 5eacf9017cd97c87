//! A pack and its index.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use gix_hash::{ObjectId, oid};
use gix_object::Kind;
use gix_pack::data::entry::Header;
use gix_pack::index;

use super::fault::{broken, system};
use super::file::{self, Span};
use super::inflate::Inflater;
use super::mark::PackMark;
use crate::Why;

/// A pack, opened, with its index in memory.
pub(super) struct Pack {
    /// Its file's name.
    pub(super) name: String,
    /// Tells packs apart.
    pub(super) number: usize,
    pub(super) file: File,
    pub(super) index: index::File<Vec<u8>>,
    /// Where its checksum begins.
    pub(super) end: u64,
    /// How many objects it says to hold.
    pub(super) count: u32,
    pub(super) mark: PackMark,
    /// Whether its checksum is the one in its index.
    pub(super) is_matched: bool,
    hash: gix_hash::Kind,
}

/// The head of an entry.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) form: Form,
    pub(super) size_bytes: u64,
    pub(super) data: u64,
}

/// How an entry holds its object.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Whole(Kind),
    /// A delta against the entry at this offset.
    Offset(u64),
    /// A delta against the object of this name.
    Named(ObjectId),
}

/// The longest head: a size, a distance or a name.
pub(super) const HEAD_BYTES: usize = 64;
/// What is read with a head at most.
const MAX_AHEAD_BYTES: usize = 64 << 10;
/// What is before the first entry.
const PACK_HEAD_BYTES: u64 = 12;
/// The shortest entry: a byte of head and an empty zlib stream.
const MIN_ENTRY_BYTES: u64 = 9;
const MAX_INDEX_BYTES: u64 = 1 << 30;
/// The largest index of a pack that is too short for what it says to hold.
const MAX_UNLIKELY_BYTES: u64 = 64 << 20;

impl Pack {
    /// Opens a pack, and its index beside it.
    pub(super) fn open(path: &Path, number: usize, hash: gix_hash::Kind) -> Result<Self, Why> {
        let (file, size_bytes) = file::open(path).map_err(|error| system(&error))?;
        let hash_bytes = hash.len_in_bytes();
        let end = size_bytes
            .checked_sub(hash_bytes as u64)
            .filter(|end| *end >= PACK_HEAD_BYTES)
            .ok_or_else(|| broken("it is too short for a pack"))?;
        let mut inflater = Inflater::new();
        let head = inflater.peek(Span { file: &file, number, start: 0, end }, 12, 12)?;
        let count = match head.first_chunk::<12>() {
            Some([b'P', b'A', b'C', b'K', 0, 0, 0, 2 | 3, count @ ..]) => u32::from_be_bytes(*count),
            _ => return Err(broken("it does not begin as a pack does")),
        };
        let checksum = inflater
            .peek(Span { file: &file, number, start: end, end: size_bytes }, hash_bytes, hash_bytes)?
            .get(..hash_bytes);
        let checksum = ObjectId::try_from(checksum.unwrap_or_default())
            .map_err(|_cause| broken("it has no checksum"))?;
        let index_path = path.with_extension("idx");
        // A pack that was cut has fewer objects than it says, and is read to where it was.
        let is_likely = u64::from(count) <= end / MIN_ENTRY_BYTES;
        let most_bytes = if is_likely { MAX_INDEX_BYTES } else { MAX_UNLIKELY_BYTES };
        let max_bytes = (2_048 + u64::from(count) * (hash_bytes as u64 + 16)).min(most_bytes);
        let index = file::read(&index_path, max_bytes).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Why::Unsupported("a pack without an index"),
            _ => broken(&format!("its index: {error}")),
        })?;
        let index = index::File::from_data(index, PathBuf::new(), hash)
            .map_err(|_cause| broken("its index is broken"))?;
        let is_matched = index.pack_checksum() == checksum;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mark = PackMark { name: name.clone(), size_bytes, checksum: checksum.to_string() };
        Ok(Self { name, number, file, index, end, count, mark, is_matched, hash })
    }

    /// The name of an object by its place in the index.
    pub(super) fn id(&self, position: u32) -> &oid {
        self.index.oid_at_index(position)
    }

    /// Where an object's entry begins.
    pub(super) fn offset(&self, id: &oid) -> Option<u64> {
        self.index.lookup(id).map(|position| self.index.pack_offset_at_index(position))
    }

    /// Reads the head of the entry at an offset, and with it so much of what follows.
    pub(super) fn entry(&self, inflater: &mut Inflater, offset: u64, ahead: u64) -> Result<Entry, Why> {
        if offset < PACK_HEAD_BYTES || offset >= self.end {
            return Err(broken("the index has it where the pack has none"));
        }
        let left = self.end - offset;
        let want = usize::try_from(left).unwrap_or(HEAD_BYTES).min(HEAD_BYTES);
        let ahead = usize::try_from(ahead.min(left)).unwrap_or(MAX_AHEAD_BYTES).min(MAX_AHEAD_BYTES);
        let span = Span { file: &self.file, number: self.number, start: offset, end: self.end };
        let bytes = inflater.peek(span, want, ahead)?;
        let entry = gix_pack::data::Entry::from_bytes(bytes, offset, self.hash)
            .map_err(|_cause| broken("its head is not an entry's"))?;
        let form = match entry.header {
            Header::Commit => Form::Whole(Kind::Commit),
            Header::Tree => Form::Whole(Kind::Tree),
            Header::Blob => Form::Whole(Kind::Blob),
            Header::Tag => Form::Whole(Kind::Tag),
            Header::RefDelta { base_id } => Form::Named(base_id),
            Header::OfsDelta { base_distance } => offset
                .checked_sub(base_distance)
                .filter(|base| *base >= PACK_HEAD_BYTES && *base < offset)
                .map(Form::Offset)
                .ok_or_else(|| broken("its base is outside of the pack"))?,
        };
        Ok(Entry { form, size_bytes: entry.decompressed_size, data: entry.data_offset })
    }

    /// Where the content of an entry lies, which ends at `end` at the latest.
    pub(super) fn span(&self, entry: &Entry, end: u64) -> Span<'_> {
        Span { file: &self.file, number: self.number, start: entry.data, end: end.min(self.end) }
    }
}

impl std::fmt::Debug for Pack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pack").field("mark", &self.mark).finish_non_exhaustive()
    }
}
