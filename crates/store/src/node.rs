//! The name of the chain in a log folder, for stores that several hosts use: made once, and kept in the folder.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use model::{Blame, Report, Retry, StoreError, StoreErrorKind};
use rustix::fs::FlockOperation;

use crate::error::io;
use crate::files::checked_file;
use crate::log::Folder;

const FILE: &str = "node";
const NAME_CHARS: usize = 16;

/// The name of this folder's chain. A folder that has none yet gets one, `first` if it is given.
pub(crate) fn name(folder: &Folder, first: Option<&str>) -> Result<String, StoreError> {
    let _lock = folder.lock(FlockOperation::LockExclusive)?;
    let path = folder.path.join(FILE);
    if checked_file(&path)?.is_some() {
        let text = std::fs::read_to_string(&path).map_err(|error| io("read", &path, &error))?;
        let name = text.trim();
        let good = name.len() == NAME_CHARS && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        return if good { Ok(name.to_owned()) } else { Err(refused(&path, "it is no name of a chain")) };
    }
    let name = match (folder.segments()?.first(), first) {
        // The file was lost, or the log was begun by a store that needs none.
        (Some((segment, _)), _) => segment.node.clone(),
        (None, Some(first)) => first.to_owned(),
        (None, None) => {
            let mut random = [0; 8];
            crate::seal::random(&mut random)?;
            format!("{:016x}", u64::from_be_bytes(random))
        }
    };
    write(&path, &name).map_err(|error| io("make", &path, &error))?;
    folder.sync()?;
    Ok(name)
}

/// Whole or not at all.
fn write(path: &Path, name: &str) -> std::io::Result<()> {
    let draft = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(format!("{name}\n").as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&draft, path)
}

fn refused(path: &Path, why: &str) -> StoreError {
    let report = Report::new(Blame::Operator, Retry::AfterFix, format!("cannot use `{}`", path.display()))
        .because(why);
    let report = report.mend("put the log folder back as it was, or name an empty one");
    StoreError::new(StoreErrorKind::Unavailable, report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_name() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let made = name(&folder, None).unwrap();
        assert_eq!(name(&folder, Some("0000000000000001")).unwrap(), made);
        let other = tempfile::tempdir().unwrap();
        let other = Folder::open(other.path()).unwrap();
        assert_ne!(name(&other, None).unwrap(), made);
        let first = tempfile::tempdir().unwrap();
        let first = Folder::open(first.path()).unwrap();
        assert_eq!(name(&first, Some("0000000000000001")).unwrap(), "0000000000000001");
        std::fs::write(place.path().join(FILE), "canary").unwrap();
        assert!(name(&folder, None).unwrap_err().to_string().contains("no name of a chain"));
    }
}
