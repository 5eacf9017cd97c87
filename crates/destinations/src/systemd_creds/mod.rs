//! `systemd-creds:/path[#NAME]`: a credential that systemd decrypts for a service (`LoadCredentialEncrypted=`).
//!
//! Encrypting and decrypting is left to the program `systemd-creds`; the file is ours to replace.

mod creds;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use model::{
    Address, Confirmation, Destination, DestinationError, DestinationErrorKind, Fingerprint, Held, Secret,
};
use tokio::runtime::Handle;

use self::creds::Creds;
use crate::{
    Context,
    error::{compare, error},
    file::{key_in, one_line, written},
    kinds::Opened,
    place::{Change, Content, FilePath},
};

/// Encrypted by a check to see that it can be; it is no secret.
const TRIAL: &[u8] = b"a trial of keywright";
/// As long as systemd lets a name be.
const MAX_NAME_BYTES: usize = 255;

#[derive(Clone)]
struct Credential {
    address: Address,
    path: FilePath,
    creds: Creds,
}

pub(crate) fn open(address: &Address, context: &Context) -> Opened {
    Ok(Arc::new(Credential::new(address, context)?))
}

impl Credential {
    fn new(address: &Address, context: &Context) -> Result<Self, DestinationError> {
        let (path, name) =
            address.rest().split_once('#').map_or((address.rest(), None), |(path, name)| (path, Some(name)));
        let file = FilePath::parse(address, path)?;
        let name = name.unwrap_or_else(|| {
            let name = path.rsplit('/').next().unwrap_or_default();
            name.strip_suffix(".cred").unwrap_or(name)
        });
        if !is_name(name) {
            return Err(error(
                DestinationErrorKind::BadAddress,
                format!("cannot use the destination `{address}`"),
                format!(
                    "`{name}` is no name for a credential: systemd takes printable ASCII without `/` and `:`"
                ),
                "write the name that the service loads it by behind a `#`, such as `systemd-creds:/etc/credstore.encrypted/n8n.bin#n8n-api-key`",
            ));
        }
        let creds = Creds::new(&file, name, context);
        Ok(Self { address: address.clone(), path: file, creds })
    }

    /// What a credential holds and the key in it; refuses what is no credential, or holds no key.
    async fn key(&self, sealed: &[u8]) -> Result<(Content, Secret), DestinationError> {
        let plain = self.creds.unseal(sealed).await?;
        let key = key_in(&plain).map_err(|because| {
            error(
                DestinationErrorKind::Malformed,
                format!("cannot use the credential `{}`", self.path.display()),
                format!("decrypted, {because}; nothing was written"),
                "give the path of a credential that holds one line, the key, or of a file that does not exist yet",
            )
        })?;
        Ok((plain, key))
    }

    /// The file with `secret` in it; what is there must be a credential before it is overwritten.
    async fn with(&self, old: Option<&[u8]>, secret: &Secret) -> Result<Change, DestinationError> {
        let before = match old {
            Some(sealed) => Some(self.key(sealed).await?.0),
            None => None,
        };
        let after = written(before.as_ref().map(|plain| plain.as_slice()), secret);
        if before.as_ref() == Some(&after) {
            return Ok(Change::Keep);
        }
        self.creds.seal(&after).await.map(Change::Write)
    }

    async fn without(&self, old: Option<&[u8]>) -> Result<Change, DestinationError> {
        if let Some(sealed) = old {
            self.key(sealed).await?;
        }
        Ok(Change::Remove)
    }

    /// As [`FilePath::edit`]: the programs run on its thread, between the look at the file and its replacement.
    async fn edit(&self, secret: Option<&Secret>) -> Result<(), DestinationError> {
        // No program runs for a file that cannot be written.
        self.path.check().await?;
        let (own, secret, runtime) = (self.clone(), secret.cloned(), Handle::current());
        self.path
            .edit(move |old| match &secret {
                Some(secret) => runtime.block_on(own.with(old, secret)),
                None => runtime.block_on(own.without(old)),
            })
            .await
    }
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'/' && byte != b':';
    !matches!(name, "" | "." | "..") && name.len() <= MAX_NAME_BYTES && name.bytes().all(fits)
}

#[async_trait::async_trait]
impl Destination for Credential {
    fn address(&self) -> &Address {
        &self.address
    }

    async fn check(&self) -> Result<(), DestinationError> {
        if let Some(sealed) = self.path.check().await? {
            self.key(&sealed).await?;
        }
        self.creds.seal(TRIAL).await.map(|_sealed| ())
    }

    async fn read(&self) -> Result<Held, DestinationError> {
        let Some(sealed) = self.path.read().await? else { return Ok(Held::Absent) };
        self.key(&sealed).await.map(|(_, key)| Held::Value(key))
    }

    async fn deliver(&self, secret: &Secret) -> Result<(), DestinationError> {
        one_line(&self.path, secret)?;
        self.edit(Some(secret)).await
    }

    async fn confirm(&self, wanted: &Fingerprint) -> Result<Confirmation, DestinationError> {
        compare(&self.address, &self.read().await?, wanted)
    }

    async fn restore(&self, previous: Option<&Secret>) -> Result<(), DestinationError> {
        match previous {
            Some(previous) => self.deliver(previous).await,
            None => self.edit(None).await,
        }
    }
}
