//! Files on this machine: found without being led astray, read bounded, changed all at once or not at all.
//!
//! Knows bytes, not formats.

mod attributes;
mod check;
mod edit;
mod find;
mod load;
mod lock;
mod overwrite;
mod temporary;
#[cfg(test)]
mod tests;

use std::path::{Component, Path, PathBuf};

use model::{Address, DestinationError, DestinationErrorKind};
use zeroize::Zeroizing;

use crate::error::error;

/// No file that holds a key is larger.
pub(crate) const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A file's bytes, zeroed on drop.
pub(crate) type Content = Zeroizing<Vec<u8>>;

/// What an edit makes of a file.
pub(crate) enum Change {
    /// It is right already.
    Keep,
    /// These are its bytes from now on.
    Write(Content),
    /// It is gone.
    Remove,
}

/// The absolute path of a file, as the operator wrote it.
#[derive(Clone, Debug)]
pub(crate) struct FilePath(PathBuf);

impl FilePath {
    /// Takes the path part of an address.
    pub(crate) fn parse(address: &Address, text: &str) -> Result<Self, DestinationError> {
        let path = Path::new(text);
        let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        let because = if !path.is_absolute() {
            "the path does not start with `/`"
        } else if !plain || text.ends_with("/.") || text.contains("/./") {
            "the path has `.` or `..` in it"
        } else if text.ends_with('/') {
            "the path ends with `/`, as a folder does"
        } else {
            return Ok(Self(path.to_owned()));
        };
        Err(error(
            DestinationErrorKind::BadAddress,
            format!("cannot use the destination `{address}`"),
            because,
            format!("write the whole path of a file, such as `{}:/srv/app/…`", address.kind()),
        ))
    }

    /// The file can be read and written as an edit would. Changes nothing; gives what is there.
    pub(crate) async fn check(&self) -> Result<Option<Content>, DestinationError> {
        let path = self.0.clone();
        blocking(move || check::check(&path)).await
    }

    /// What is there now.
    pub(crate) async fn read(&self) -> Result<Option<Content>, DestinationError> {
        let path = self.0.clone();
        blocking(move || edit::read(&path)).await
    }

    /// Changes the file under the lock of its folder; `change` is asked again if someone else was quicker.
    pub(crate) async fn edit<F>(&self, change: F) -> Result<(), DestinationError>
    where
        F: Fn(Option<&[u8]>) -> Result<Change, DestinationError> + Send + Sync + 'static,
    {
        edit::edit(&self.0, std::sync::Arc::new(change)).await
    }

    /// For messages.
    pub(crate) fn display(&self) -> std::path::Display<'_> {
        self.0.display()
    }
}

/// Runs file work off the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DestinationError> + Send + 'static,
) -> Result<T, DestinationError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(join) => Err(error(
            DestinationErrorKind::Failed,
            "cannot finish work on a file",
            join.to_string(),
            "try again; if it comes back, report it as a bug",
        )),
    }
}
