//! Files that a service's credentials are in: read whole, bounded, never written.

use std::{fs::File, io::Read as _};

use model::DestinationError;
use rustix::{
    fs::{FileType, Mode, OFlags, fstat, open},
    io::Errno,
};
use zeroize::Zeroizing;

use model::DestinationErrorKind as Kind;

use crate::error::{error, refused};

/// A token, a profile, a `kubeconfig`.
pub(crate) const MAX_FILE_BYTES: usize = 1 << 20;

/// A file's bytes; `None` if it is not there. `what` says what cannot be done without it.
pub(crate) async fn read_file(
    path: &str,
    max_bytes: usize,
    what: impl Into<String>,
) -> Result<Option<Zeroizing<Vec<u8>>>, DestinationError> {
    let (path, what) = (path.to_owned(), what.into());
    let read = tokio::task::spawn_blocking(move || read(&path, max_bytes, &what));
    read.await.unwrap_or_else(|join| {
        Err(error(Kind::Failed, "cannot finish reading a file", join.to_string(), "try again"))
    })
}

/// The same as text without the spaces around it.
pub(crate) async fn read_text(
    path: &str,
    what: impl Into<String>,
) -> Result<Option<Zeroizing<String>>, DestinationError> {
    let what = what.into();
    let Some(bytes) = read_file(path, MAX_FILE_BYTES, what.clone()).await? else { return Ok(None) };
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Some(Zeroizing::new(text.trim().to_owned()))),
        Err(_not_quoted) => {
            Err(error(Kind::Malformed, what, format!("`{path}` is not UTF-8"), "see what it holds"))
        }
    }
}

fn read(path: &str, max_bytes: usize, what: &str) -> Result<Option<Zeroizing<Vec<u8>>>, DestinationError> {
    let denied = |errno| refused(what, "read", std::path::Path::new(path), errno);
    // Not waited for: a pipe that nobody writes to holds no credentials.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match open(path, flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        opened => File::from(opened.map_err(denied)?),
    };
    let stat = fstat(&file).map_err(denied)?;
    let malformed =
        |because: String| error(Kind::Malformed, what, because, "give the path of the right file");
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(malformed(format!("`{path}` is not a file")));
    }
    let expected = usize::try_from(stat.st_size).unwrap_or(max_bytes).min(max_bytes);
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected + 1));
    let limit = u64::try_from(max_bytes + 1).unwrap_or(u64::MAX);
    let taken = (&file).take(limit).read_to_end(&mut bytes);
    taken.map_err(|io| denied(Errno::from_io_error(&io).unwrap_or(Errno::IO)))?;
    if bytes.len() > max_bytes {
        return Err(malformed(format!("`{path}` is larger than {max_bytes} bytes")));
    }
    Ok(Some(bytes))
}
