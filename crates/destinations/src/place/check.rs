//! Whether an edit would go well, without doing it.

use std::path::Path;

use model::DestinationError;
use rustix::{
    fs::{Access, AtFlags, StatxAttributes, StatxFlags, accessat, statx},
    io::Errno,
};

use super::{Content, attributes, find::find, load::load};
use crate::error::refused;

/// What an edit needs is there: to make files in the folder, to keep the owner, to replace the file.
pub(super) fn check(path: &Path) -> Result<Option<Content>, DestinationError> {
    let spot = find(path)?;
    let what = || format!("cannot write `{}`", spot.path().display());
    let loaded = load(&spot)?;
    accessat(&spot.folder, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
        .map_err(|errno| refused(what(), "write", &spot.folder_path, errno))?;
    let Some(loaded) = loaded else { return Ok(None) };
    attributes::can_carry_over(&spot, &loaded.stat)?;
    // A file is replaced, not written, so its own write permission counts only where it is a mount.
    let mount = statx(&loaded.file, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
        .is_ok_and(|stat| stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
    match accessat(&spot.folder, &spot.name, Access::WRITE_OK, AtFlags::EACCESS) {
        Err(errno) if mount || errno != Errno::ACCESS => Err(refused(what(), "write", &spot.path(), errno)),
        Ok(()) | Err(_) => Ok(Some(loaded.content)),
    }
}
