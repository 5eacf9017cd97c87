//! What the local header and the central directory say of a member.

use super::super::format::Format;

/// A member.
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) method: Method,
    pub(super) packed_bytes: u64,
    pub(super) is_encrypted: bool,
    /// Its sizes stand behind its content.
    pub(super) has_descriptor: bool,
    /// Where its local header is; 0 if this is that header.
    pub(super) local_at: u64,
}

/// How a member is packed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
    Packed(Format),
    Unknown,
}

impl Method {
    pub(super) fn of(number: u16) -> Self {
        match number {
            0 => Self::Stored,
            8 => Self::Deflated,
            12 => Self::Packed(Format::Bzip2),
            20 | 93 => Self::Packed(Format::Zstd),
            95 => Self::Packed(Format::Xz),
            _ => Self::Unknown,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Deflated => "deflate",
            Self::Packed(format) => format.name(),
            Self::Unknown => "a rare method of compression",
        }
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

/// The body of an extra field.
pub(super) fn extra_field(mut fields: &[u8], id: u16) -> Option<&[u8]> {
    loop {
        let (found, bytes) = (u16_at(fields, 0)?, usize::from(u16_at(fields, 2)?));
        let (body, rest) = fields.get(4..)?.split_at_checked(bytes)?;
        if found == id {
            return Some(body);
        }
        fields = rest;
    }
}

/// The extra field that holds sizes of 64 bits.
pub(super) const LARGE: u16 = 1;
