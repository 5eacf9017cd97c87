//! Folders that a fetch fills: for their owner alone, and free of what a killed fetch left.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

const MAX_DEPTH: usize = 16;

/// Makes it, and what is above it, for its owner alone.
pub(super) fn make_private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Removes locks and half packs. Only one fetch at a time goes into a folder, and this one is it.
pub(super) fn unlock(repository: &Path) {
    for name in ["packed-refs.lock", "shallow.lock", "config.lock", "HEAD.lock"] {
        fs::remove_file(repository.join(name)).ok();
    }
    each(&repository.join("refs"), MAX_DEPTH, &mut |path, _| {
        if path.extension().is_some_and(|end| end == "lock") {
            fs::remove_file(path).ok();
        }
    });
    each(&repository.join("objects/pack"), 1, &mut |path, _| {
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"tmp_")) {
            fs::remove_file(path).ok();
        }
    });
}

/// How much it holds.
pub(super) fn bytes_of(folder: &Path) -> u64 {
    let mut bytes = 0_u64;
    each(folder, MAX_DEPTH, &mut |_, len| bytes = bytes.saturating_add(len));
    bytes
}

fn each(folder: &Path, depth: usize, visit: &mut dyn FnMut(&Path, u64)) {
    let Some(depth) = depth.checked_sub(1) else { return };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_dir() {
            each(&entry.path(), depth, visit);
        } else {
            visit(&entry.path(), meta.len());
        }
    }
}
