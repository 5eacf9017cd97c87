//! Who may read and write the store's files, and how they come to be.

use std::fs::{DirBuilder, File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use model::StoreError;
use rustix::fs::Mode;

use crate::error::{io, unavailable};

/// What only its owner may read and write.
pub(crate) const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);
const OTHERS: u32 = 0o077;
const WORLD_WRITABLE: u32 = 0o002;

/// Makes a folder that only its owner may enter, unless it is there. Gives its path without symlinks.
pub(crate) fn ensure_folder(path: &Path) -> Result<PathBuf, StoreError> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| io("make", path, &error))?;
    checked_folder(path)
}

/// A folder in which nobody but its owner and group can put files in our way.
pub(crate) fn checked_folder(path: &Path) -> Result<PathBuf, StoreError> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let path = path.canonicalize().map_err(|error| io("open", path, &error))?;
    let meta = path.symlink_metadata().map_err(|error| io("open", &path, &error))?;
    let shown = path.display();
    if !meta.is_dir() {
        return Err(unavailable(format!("`{shown}` is not a folder")));
    }
    if meta.permissions().mode() & WORLD_WRITABLE != 0 {
        let mut error = unavailable(format!("`{shown}` can be written by everybody"));
        error.report.mend.push("use a folder of your own".to_owned());
        error.report.mend.push(format!("chmod o-w '{shown}'"));
        return Err(error);
    }
    Ok(path)
}

/// A file that is ours alone: no symlink, our own, and neither group nor others may touch it. `None` if it is
/// not there.
///
/// It looks without opening: closing any descriptor of a database drops the locks that `SQLite` holds on it.
pub(crate) fn checked_file(path: &Path) -> Result<Option<Metadata>, StoreError> {
    let meta = match path.symlink_metadata() {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io("open", path, &error)),
    };
    let shown = path.display();
    if meta.is_symlink() {
        return Err(mended(format!("`{shown}` is a symlink"), "name the file that it points to".to_owned()));
    }
    if !meta.is_file() {
        return Err(unavailable(format!("`{shown}` is not a file")));
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(unavailable(format!("`{shown}` is not owned by the user who runs this")));
    }
    if meta.permissions().mode() & OTHERS != 0 {
        return Err(mended(format!("`{shown}` can be read by others"), format!("chmod 600 '{shown}'")));
    }
    Ok(Some(meta))
}

/// Makes what a folder lists durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|error| io("sync", path, &error))
}

fn mended(what: String, mend: String) -> StoreError {
    let mut error = unavailable(what);
    error.report.mend.push(mend);
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_others_can_touch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(checked_file(&path).unwrap().is_none());
        std::fs::write(&path, "").unwrap();
        for (mode, good) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(checked_file(&path).is_ok(), good, "{mode:o}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let error = checked_file(&link).unwrap_err();
        assert!(error.to_string().contains("is a symlink"), "{error}");
        assert!(checked_file(folder.path()).is_err(), "a folder is not a file");
    }

    #[test]
    fn refuses_a_folder_that_everybody_can_write() {
        let outer = tempfile::tempdir().unwrap();
        let path = ensure_folder(&outer.path().join("a/b")).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o1777)).unwrap();
        let error = ensure_folder(&path).unwrap_err();
        assert_eq!(error.report.mend.len(), 2, "{error}");
    }
}
