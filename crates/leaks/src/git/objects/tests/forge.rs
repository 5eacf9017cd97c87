//! Packs made by hand, such as git would never write.

use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::ZlibEncoder};
use gix_hash::ObjectId;

/// A pack in the making. Names are numbers: nobody verifies them.
#[derive(Default)]
pub(super) struct Forge {
    bytes: Vec<u8>,
    /// Names and places of what the index is to have.
    pub(super) entries: Vec<(ObjectId, u64)>,
    /// How many objects the pack says to hold, if not as many as the index has.
    pub(super) count: Option<u32>,
}

pub(super) const BLOB: u8 = 3;

/// The name of an object by its number.
pub(super) fn id(number: u8) -> ObjectId {
    ObjectId::from_bytes_or_panic(&[number; 20])
}

impl Forge {
    pub(super) fn whole(&mut self, number: u8, bytes: &[u8]) -> u64 {
        self.entry(number, BLOB, bytes.len() as u64, &[], &deflate(bytes))
    }

    pub(super) fn named(&mut self, number: u8, base: ObjectId, delta: &[u8]) -> u64 {
        self.entry(number, 7, delta.len() as u64, base.as_slice(), &deflate(delta))
    }

    /// A delta against the entry at an offset.
    pub(super) fn at(&mut self, number: u8, base: u64, delta: &[u8]) -> u64 {
        let mut distance = self.place() - base;
        let mut bytes = vec![(distance & 0x7f) as u8];
        while distance >> 7 != 0 {
            distance = (distance >> 7) - 1;
            bytes.insert(0, 0x80 | (distance & 0x7f) as u8);
        }
        self.entry(number, 6, delta.len() as u64, &bytes, &deflate(delta))
    }

    /// Any entry; the size and the content may lie.
    pub(super) fn entry(&mut self, number: u8, kind: u8, size: u64, base: &[u8], content: &[u8]) -> u64 {
        let place = self.place();
        let mut byte = (kind << 4) | (size & 0xf) as u8;
        let mut rest = size >> 4;
        while rest != 0 {
            self.bytes.push(byte | 0x80);
            byte = (rest & 0x7f) as u8;
            rest >>= 7;
        }
        self.bytes.push(byte);
        self.bytes.extend(base);
        self.bytes.extend(content);
        self.entries.push((id(number), place));
        place
    }

    pub(super) fn place(&self) -> u64 {
        self.bytes.len() as u64 + 12
    }

    /// Writes pack and index.
    pub(super) fn write(mut self, objects: &Path, name: &str) {
        let count = self.count.unwrap_or(self.entries.len() as u32);
        let mut pack = [b"PACK\0\0\0\x02".to_vec(), count.to_be_bytes().to_vec(), self.bytes].concat();
        pack.extend([7; 20]);
        self.entries.sort();
        let mut index = b"\xfftOc\0\0\0\x02".to_vec();
        for first in 0..=u8::MAX {
            let below = self.entries.iter().filter(|(id, _)| id.first_byte() <= first).count() as u32;
            index.extend(below.to_be_bytes());
        }
        index.extend(self.entries.iter().flat_map(|(id, _)| id.as_slice().to_vec()));
        index.extend(self.entries.iter().flat_map(|_| [0; 4]));
        index.extend(self.entries.iter().flat_map(|(_, place)| (*place as u32).to_be_bytes()));
        index.extend([7; 20]);
        index.extend([0; 20]);
        std::fs::create_dir_all(objects.join("pack")).unwrap();
        std::fs::write(objects.join("pack").join(name).with_extension("pack"), pack).unwrap();
        std::fs::write(objects.join("pack").join(name).with_extension("idx"), index).unwrap();
    }
}

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(bytes).unwrap();
    zlib.finish().unwrap()
}

/// A delta: its base's size, its result's, and instructions.
pub(super) fn delta(base: u64, result: u64, instructions: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for mut size in [base, result] {
        while size >> 7 != 0 {
            bytes.push(0x80 | (size & 0x7f) as u8);
            size >>= 7;
        }
        bytes.push(size as u8);
    }
    bytes.extend(instructions);
    bytes
}
