//! Loose objects: one compressed file each.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix_hash::{ObjectId, oid};
use gix_object::Kind;

use super::chain::Stored;
use super::fault::{Faults, TOO_LARGE, broken, system};
use super::file;
use super::stores::id_of_hex;
use crate::Why;

/// A loose object, opened.
pub(super) struct Loose {
    pub(super) kind: Kind,
    pub(super) size_bytes: u64,
    pub(super) content: flate2::read::ZlibDecoder<File>,
}

/// `commit`, a blank, a size, a zero byte.
const MAX_HEAD_BYTES: usize = 32;

/// Where the object of this name is.
pub(super) fn path(folder: &Path, id: &oid) -> PathBuf {
    let hex = id.to_hex().to_string();
    let (first, rest) = hex.split_at_checked(2).unwrap_or_default();
    folder.join(first).join(rest)
}

/// Opens one; none if it is not there.
pub(super) fn open(path: &Path) -> Result<Option<Loose>, Why> {
    let file = match file::open(path) {
        Ok((file, _)) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(system(&error)),
    };
    let mut content = flate2::read::ZlibDecoder::new(file);
    let mut head = Vec::with_capacity(MAX_HEAD_BYTES);
    while head.last() != Some(&0) {
        let mut byte = [0];
        if head.len() == MAX_HEAD_BYTES {
            return Err(broken("it does not begin as an object does"));
        }
        io::Read::read_exact(&mut content, &mut byte).map_err(|_cause| broken("it cannot be inflated"))?;
        head.extend(byte);
    }
    head.pop();
    let (kind, size_bytes) = head_of(&head).ok_or_else(|| broken("it does not begin as an object does"))?;
    Ok(Some(Loose { kind, size_bytes, content }))
}

/// A whole one; none if it is not there.
pub(super) fn find(folder: &Path, id: &oid, max_bytes: u64) -> Result<Option<Stored>, Why> {
    let Some(mut loose) = open(&path(folder, id))? else { return Ok(None) };
    if loose.size_bytes > max_bytes {
        return Err(TOO_LARGE);
    }
    let mut bytes = Vec::new();
    loose.read(&mut bytes)?;
    Ok(Some(Stored { kind: loose.kind, bytes: Arc::new(bytes) }))
}

impl Loose {
    /// Reads it whole; the caller has checked its size.
    pub(super) fn read(&mut self, bytes: &mut Vec<u8>) -> Result<(), Why> {
        bytes.clear();
        io::Read::read_to_end(&mut io::Read::take(&mut self.content, self.size_bytes + 1), bytes)
            .map_err(|_cause| broken("it cannot be inflated"))?;
        if bytes.len() as u64 == self.size_bytes {
            Ok(())
        } else {
            Err(broken("it is longer or shorter than it says"))
        }
    }
}

/// All loose objects of a folder, in the order of their names; tells what is no object.
pub(super) fn list(folder: &Path, hash: gix_hash::Kind, faults: &Faults) -> Vec<ObjectId> {
    let mut ids = Vec::new();
    for byte in 0..=u8::MAX {
        let first = format!("{byte:02x}");
        let inner = folder.join(&first);
        let names = match file::names(&inner) {
            Ok(names) => names,
            Err(error) => {
                faults.tell(|| inner.display().to_string(), system(&error));
                continue;
            }
        };
        for name in names {
            let hex = [first.as_bytes(), name.as_encoded_bytes()].concat();
            match id_of_hex(&hex, hash) {
                Some(id) => ids.push(id),
                None => faults.tell(
                    || inner.join(&name).display().to_string(),
                    Why::Unsupported("its name is not an object's"),
                ),
            }
        }
    }
    ids
}

fn head_of(head: &[u8]) -> Option<(Kind, u64)> {
    let blank = head.iter().position(|byte| *byte == b' ')?;
    let (kind, size) = head.split_at_checked(blank)?;
    let kind = Kind::from_bytes(kind).ok()?;
    let size = std::str::from_utf8(size.get(1..)?).ok()?.parse().ok()?;
    Some((kind, size))
}
