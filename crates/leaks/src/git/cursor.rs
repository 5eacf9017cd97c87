//! What was read of a repository the last time, kept in a file.

use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use gix_hash::hasher;

use super::objects;
use super::read::Text;

/// A file of another form, or written by another version, whose detector found other things, counts for nothing.
const FORM: &str = concat!("keywright leaks cursor 1 ", env!("CARGO_PKG_VERSION"));
const MAX_BYTES: usize = 256 << 20;

/// What was read of a repository to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Mark {
    form: String,
    repository: PathBuf,
    pub(super) objects: objects::Mark,
}

/// What is known from the last time.
#[derive(Debug)]
pub enum Kept {
    /// What was read.
    Known(Mark),
    /// Nothing: it was never read.
    Nothing,
    /// A file that cannot be used, and why: everything is read again.
    Unusable(String),
}

impl Mark {
    pub(super) fn new(repository: &Path, objects: objects::Mark) -> Self {
        let repository = repository.canonicalize().unwrap_or_else(|_| repository.to_owned());
        Self { form: FORM.to_owned(), repository, objects }
    }

    /// Reads what was kept of a repository, by its git folder, in a folder of cursors.
    pub fn load(cursors: &Path, repository: &Path) -> Kept {
        let Some(path) = file_of(cursors, repository) else { return Kept::Nothing };
        let text = match Text::of(&path, MAX_BYTES) {
            Text::Absent => return Kept::Nothing,
            Text::Unread(why) => return Kept::Unusable(format!("{why:?}")),
            Text::Whole(text) => text,
        };
        match serde_json::from_slice::<Self>(&text) {
            Err(error) => {
                Kept::Unusable(format!("it is broken at line {} column {}", error.line(), error.column()))
            }
            Ok(mark) if mark.form != FORM => Kept::Unusable("another version wrote it".to_owned()),
            Ok(mark) if repository.canonicalize().is_ok_and(|canonical| canonical == mark.repository) => {
                Kept::Known(mark)
            }
            Ok(_) => Kept::Unusable("it is another repository's".to_owned()),
        }
    }

    /// Keeps it in a folder of cursors, for its owner only.
    pub fn save(&self, cursors: &Path) -> std::io::Result<()> {
        let path = file_of(cursors, &self.repository).ok_or(std::io::ErrorKind::NotFound)?;
        // Such a file is made for its owner only.
        let mut file = tempfile::NamedTempFile::new_in(cursors)?;
        serde_json::to_writer(std::io::BufWriter::new(&mut file), self)?;
        file.flush()?;
        file.as_file().sync_data()?;
        file.persist(path)?;
        Ok(())
    }
}

fn file_of(cursors: &Path, repository: &Path) -> Option<PathBuf> {
    let canonical = repository.canonicalize().ok()?;
    let mut hasher = hasher(gix_hash::Kind::Sha256);
    hasher.update(canonical.as_os_str().as_bytes());
    Some(cursors.join(format!("{}.json", hasher.try_finalize().ok()?)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn is_kept_and_distrusted() {
        let folder = tempfile::tempdir().unwrap();
        let repository = folder.path().join("a");
        std::fs::create_dir(&repository).unwrap();
        assert!(matches!(Mark::load(folder.path(), &repository), Kept::Nothing));
        let mut objects = objects::Mark::default();
        objects.loose.insert("11".to_owned());
        let mark = Mark::new(&repository, objects);
        mark.save(folder.path()).unwrap();
        let file = file_of(folder.path(), &repository).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(Mark::load(folder.path(), &repository), Kept::Known(known) if known == mark));

        let text = std::fs::read_to_string(&file).unwrap();
        for broken in
            [text.trim_end_matches('}'), &text.replace("cursor 1", "cursor 0"), &text.replace("/a\"", "/b\"")]
        {
            std::fs::write(&file, broken).unwrap();
            assert!(matches!(Mark::load(folder.path(), &repository), Kept::Unusable(_)), "{broken}");
        }
    }
}
