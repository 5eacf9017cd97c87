//! Names of commits, as far as they are needed to say where a stretch of history begins and ends.

use std::path::Path;

use gix_hash::ObjectId;
use gix_object::Kind;

use super::fault::Error;
use super::folder::Folder;
use super::objects::{Places, Stores};
use super::refs::{Refs, id_of};
use super::text::CommitText;
use crate::Limits;

/// Longer ways are gone by nobody.
const MAX_STEPS: usize = 100_000;
const MAX_PEEL: usize = 32;

/// The id in hex of the commit that a name means: an id in full or a ref, with `~2` and `^` behind it.
pub fn named(repository: &Path, name: &str, limits: &Limits) -> Result<String, Error> {
    let folder = Folder::find(repository).ok_or_else(|| Error::NoRepository(repository.to_owned()))?;
    let mut refs = Refs::default();
    refs.read(&folder.common, "");
    let places = Places { folders: vec![folder.common.join("objects")], hash: folder.hash() };
    let stores = Stores::open(&places, limits);
    let names = Names { folder: &folder, refs: &refs, stores: &stores };
    names.resolve(name).map(|id| id.to_string())
}

struct Names<'a> {
    folder: &'a Folder,
    refs: &'a Refs,
    stores: &'a Stores,
}

impl Names<'_> {
    fn resolve(&self, name: &str) -> Result<ObjectId, Error> {
        let no = || Error::NoObject(name.to_owned());
        let end = name.find(['~', '^']).unwrap_or(name.len());
        let (base, steps) = name.split_at_checked(end).ok_or_else(no)?;
        let mut id = self.base(base).filter(|id| self.stores.contains(id)).ok_or_else(no)?;
        let mut rest = steps;
        while let Some(kind) = rest.chars().next() {
            let after = rest.get(1..).unwrap_or_default();
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            let (number, next) = after.split_at_checked(digits).ok_or_else(no)?;
            let number: usize = if number.is_empty() { 1 } else { number.parse().map_err(|_far| no())? };
            id = match kind {
                '~' if number <= MAX_STEPS => {
                    (0..number).try_fold(id, |id, _| self.parent(id, 1)).ok_or_else(no)?
                }
                '^' if number == 0 => self.commit(id).map(|(id, _)| id).ok_or_else(no)?,
                '^' => self.parent(id, number).ok_or_else(no)?,
                _ => return Err(no()),
            };
            rest = next;
        }
        Ok(id)
    }

    fn base(&self, name: &str) -> Option<ObjectId> {
        if matches!(name.len(), 40 | 64)
            && let Some(id) = id_of(name.as_bytes())
        {
            return Some(id);
        }
        match name {
            "HEAD" | "@" => Refs::head(self.folder),
            _ => ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"]
                .iter()
                .find_map(|before| self.refs.resolve(format!("{before}{name}").as_bytes())),
        }
    }

    fn parent(&self, id: ObjectId, number: usize) -> Option<ObjectId> {
        let (_, bytes) = self.commit(id)?;
        CommitText::of(&bytes).parents().nth(number.checked_sub(1)?)
    }

    fn commit(&self, mut id: ObjectId) -> Option<(ObjectId, std::sync::Arc<Vec<u8>>)> {
        for _ in 0..MAX_PEEL {
            let stored = self.stores.find(&id)?;
            match stored.kind {
                Kind::Commit => return Some((id, stored.bytes)),
                Kind::Tag => id = tagged(&stored.bytes)?,
                Kind::Tree | Kind::Blob => return None,
            }
        }
        None
    }
}

/// What a tag is of.
fn tagged(bytes: &[u8]) -> Option<ObjectId> {
    bytes.split(|byte| *byte == b'\n').next()?.strip_prefix(b"object ").and_then(id_of)
}
