//! `file:/path`: a file that holds the key and nothing else but, perhaps, a final line end.

use std::sync::Arc;

use model::{
    Address, Confirmation, Destination, DestinationError, DestinationErrorKind, Fingerprint, Held, Secret,
};
use zeroize::Zeroizing;

use crate::{
    Context,
    error::{compare, error},
    kinds::Opened,
    place::{Change, FilePath},
};

struct KeyFile {
    address: Address,
    path: FilePath,
}

pub(crate) fn open(address: &Address, _: &Context) -> Opened {
    let path = FilePath::parse(address, address.rest())?;
    Ok(Arc::new(KeyFile { address: address.clone(), path }))
}

impl KeyFile {
    fn held(path: &FilePath, content: Option<&[u8]>) -> Result<Held, DestinationError> {
        let Some(bytes) = content else { return Ok(Held::Absent) };
        key_in(bytes).map(Held::Value).map_err(|because| {
            error(
                DestinationErrorKind::Malformed,
                format!("cannot use the file `{}`", path.display()),
                format!("{because}; nothing was written"),
                "give the path of a file that holds one line, the key, or of one that does not exist yet",
            )
        })
    }
}

/// The key that bytes hold and nothing else, but a final line end; or why they hold none.
pub(crate) fn key_in(bytes: &[u8]) -> Result<Secret, String> {
    let (bytes, _) = split_line_end(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(['\n', '\0']) => Ok(Secret::new(text)),
        Ok(_) => {
            Err("it holds more than one line, so it is not a file that holds a key and nothing else"
                .to_owned())
        }
        Err(utf8) => Err(format!("byte {} is not UTF-8, so it holds no key", utf8.valid_up_to())),
    }
}

/// Refuses a key that would not be read back as it is.
pub(crate) fn one_line(path: &FilePath, secret: &Secret) -> Result<(), DestinationError> {
    if !secret.expose().contains(['\n', '\r', '\0']) {
        return Ok(());
    }
    Err(error(
        DestinationErrorKind::Failed,
        format!("cannot write `{}`", path.display()),
        "the key has more than one line",
        "make another key",
    ))
}

/// The key, and the final line end as it was written.
fn split_line_end(bytes: &[u8]) -> (&[u8], &'static [u8]) {
    for end in [b"\r\n".as_slice(), b"\n"] {
        if let Some(key) = bytes.strip_suffix(end) {
            return (key, end);
        }
    }
    (bytes, b"")
}

/// The new bytes of the file, its final line end kept.
pub(crate) fn written(old: Option<&[u8]>, secret: &Secret) -> Zeroizing<Vec<u8>> {
    let (_, end) = split_line_end(old.unwrap_or_default());
    let mut bytes = Zeroizing::new(Vec::with_capacity(secret.expose().len() + end.len()));
    bytes.extend_from_slice(secret.expose().as_bytes());
    bytes.extend_from_slice(end);
    bytes
}

#[async_trait::async_trait]
impl Destination for KeyFile {
    fn address(&self) -> &Address {
        &self.address
    }

    async fn check(&self) -> Result<(), DestinationError> {
        let content = self.path.check().await?;
        Self::held(&self.path, content.as_ref().map(|content| content.as_slice()))?;
        Ok(())
    }

    async fn read(&self) -> Result<Held, DestinationError> {
        let content = self.path.read().await?;
        Self::held(&self.path, content.as_ref().map(|content| content.as_slice()))
    }

    async fn deliver(&self, secret: &Secret) -> Result<(), DestinationError> {
        one_line(&self.path, secret)?;
        let (path, secret) = (self.path.clone(), secret.clone());
        self.path
            .edit(move |old| {
                // What is there must look like a key before it is overwritten.
                Self::held(&path, old)?;
                Ok(Change::Write(written(old, &secret)))
            })
            .await
    }

    async fn confirm(&self, wanted: &Fingerprint) -> Result<Confirmation, DestinationError> {
        compare(&self.address, &self.read().await?, wanted)
    }

    async fn restore(&self, previous: Option<&Secret>) -> Result<(), DestinationError> {
        if let Some(previous) = previous {
            return self.deliver(previous).await;
        }
        let path = self.path.clone();
        self.path.edit(move |old| Self::held(&path, old).map(|_| Change::Remove)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: Option<&str>, secret: &str, wanted: &str) {
        let bytes = written(old.map(str::as_bytes), &Secret::new(secret));
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), wanted, "{old:?} {secret:?}");
        assert_eq!(split_line_end(&bytes).0, secret.as_bytes());
    }

    #[test]
    fn the_final_line_end_is_kept() {
        check(None, "canary", "canary");
        check(Some(""), "canary", "canary");
        check(Some("old"), "canary", "canary");
        check(Some("old\n"), "canary", "canary\n");
        check(Some("old\r\n"), "canary", "canary\r\n");
    }
}
