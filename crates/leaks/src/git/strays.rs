//! What lies among objects and is none: read as a file, as nobody else reads it.

/// Packs' companions, which hold numbers and ids only.
const COMPANIONS: [&[u8]; 4] = [b"idx", b"rev", b"bitmap", b"mtimes"];

/// Whether what has this name in a git folder is read, or told, where objects are read.
pub(super) fn is_read_as_objects(name: &[u8]) -> bool {
    let Some(name) = name.strip_prefix(b"objects/") else { return false };
    // A push that was never taken is a folder of objects in one.
    let slash = memchr::memchr(b'/', name).unwrap_or(name.len());
    let is_quarantine = name.starts_with(b"tmp_objdir-") || name.starts_with(b"incoming-");
    let name = if is_quarantine { name.get(slash + 1..).unwrap_or_default() } else { name };
    if let Some(file) = name.strip_prefix(b"pack/") {
        let mut parts = file.rsplitn(2, |&byte| byte == b'.');
        let extension = parts.next().unwrap_or_default();
        return extension == b"pack"
            || (file.starts_with(b"pack-") && COMPANIONS.contains(&extension))
            || file == b"multi-pack-index"
            || file.starts_with(b"tmp_pack_");
    }
    name.len() == 2 && name.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_told_from_what_lies_among_them() {
        for name in
            ["ab", "pack/pack-1.pack", "pack/x.pack", "pack/pack-1.idx", "tmp_objdir-x/ab", "pack/tmp_pack_1"]
        {
            assert!(is_read_as_objects(format!("objects/{name}").as_bytes()), "{name}");
        }
        for name in
            ["", "pack", "ab/x", "AB", "abc", "x.env", "info", "pack/x.idx", "pack/pack-1.keep", "incoming-x"]
        {
            assert!(!is_read_as_objects(format!("objects/{name}").as_bytes()), "{name}");
        }
        assert!(!is_read_as_objects(b"ab") && !is_read_as_objects(b"objects"));
    }
}
