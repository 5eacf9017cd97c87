//! What bytes are, by how they begin.

/// A form that can be unpacked, or one that is known to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Gzip,
    Xz,
    Zstd,
    Bzip2,
    Tar,
    Ar,
    Zip,
    Sqlite,
    SqliteWal,
    /// What it is, for the report.
    Closed(&'static str),
}

/// As much as has to be seen to tell a form.
pub(super) const HEAD_BYTES: usize = 512;

const CLOSED: &[(&[u8], &str)] = &[
    (b"PACK\0\0\0\x02", "a git pack outside a repository"),
    (b"PACK\0\0\0\x03", "a git pack outside a repository"),
    (b"# v2 git bundle\n", "a git bundle"),
    (b"# v3 git bundle\n", "a git bundle"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"MSCF\0\0\0\0", "a cab archive"),
    (b"LZIP\x01", "an lzip file"),
    (b"\x04\x22\x4d\x18", "an lz4 file"),
    (b"\x1f\x9d", "a compress (.Z) file"),
    (b"\x89LZO\0\x0d\x0a\x1a\x0a", "an lzop file"),
    (b"\xed\xab\xee\xdb", "an rpm package"),
    (b"hsqs", "a squashfs image"),
    (b"!<thin>\n", "a thin ar archive"),
];

impl Format {
    /// What begins so; none for plain bytes.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let by_magic = match first {
            0x1f if bytes.starts_with(&[0x1f, 0x8b, 8])
                && bytes.get(3).is_some_and(|flags| flags & 0xe0 == 0) =>
            {
                Some(Self::Gzip)
            }
            0xfd if bytes.starts_with(b"\xfd7zXZ\0") => Some(Self::Xz),
            0x28 if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) => Some(Self::Zstd),
            0x50..=0x5f if bytes.get(1..4) == Some(&[0x2a, 0x4d, 0x18]) => Some(Self::Zstd),
            b'B' if is_bzip2(bytes) => Some(Self::Bzip2),
            b'P' if is_zip(bytes) => Some(Self::Zip),
            b'!' if bytes.starts_with(b"!<arch>\n") => Some(Self::Ar),
            b'S' if bytes.starts_with(b"SQLite format 3\0") => Some(Self::Sqlite),
            0x37 if matches!(bytes.get(..4), Some([0x37, 0x7f, 6, 0x82 | 0x83])) => Some(Self::SqliteWal),
            _ => None,
        };
        let by_closed =
            || CLOSED.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|&(_, what)| Self::Closed(what));
        by_magic
            .or_else(|| is_tar(bytes).then_some(Self::Tar))
            .or_else(|| is_cpio(bytes).then_some(Self::Closed("a cpio archive")))
            .or_else(by_closed)
    }

    /// Its name in a report.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Tar => "tar",
            Self::Ar => "ar",
            Self::Zip => "zip",
            Self::Sqlite | Self::SqliteWal => "sqlite",
            Self::Closed(what) => what,
        }
    }
}

fn is_bzip2(bytes: &[u8]) -> bool {
    bytes.starts_with(b"BZh")
        && matches!(bytes.get(3), Some(b'1'..=b'9'))
        && matches!(
            bytes.get(4..10),
            Some([0x31, 0x41, 0x59, 0x26, 0x53, 0x59] | [0x17, 0x72, 0x45, 0x38, 0x50, 0x90])
        )
}

/// A first member, an empty archive, or the first of several volumes.
fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
        || bytes.starts_with(b"PK\x05\x06")
        || bytes.starts_with(b"PK\x07\x08PK\x03\x04")
}

/// Its header is hex digits throughout.
fn is_cpio(bytes: &[u8]) -> bool {
    (bytes.starts_with(b"070701") || bytes.starts_with(b"070702"))
        && bytes.get(6..110).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// By the checksum of its first header: old ones have no magic, and new ones have both.
fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(..HEAD_BYTES).is_some_and(super::tar::is_header)
}
