//! `dotenv:/path/.env#NAME`: one variable of a .env file, changed in place.

mod change;
mod syntax;
#[cfg(test)]
mod tests;
mod value;

use std::sync::Arc;

use crate::{
    Context,
    error::{compare, error},
    kinds::Opened,
    place::{Change, FilePath},
};
use model::{
    Address, Confirmation, Destination, DestinationError, DestinationErrorKind, Fingerprint, Held, Secret,
};

struct Dotenv {
    address: Address,
    path: FilePath,
    name: String,
}

pub(crate) fn open(address: &Address, _: &Context) -> Opened {
    let bad = |because: &str| {
        error(
            DestinationErrorKind::BadAddress,
            format!("cannot use the destination `{address}`"),
            because,
            "write the file and the variable, such as `dotenv:/srv/app/.env#N8N_API_KEY`",
        )
    };
    let (path, name) =
        address.rest().rsplit_once('#').ok_or_else(|| bad("it names no variable after a `#`"))?;
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !name.bytes().all(syntax::is_name) {
        return Err(bad(
            "a variable's name is A-Z, a-z, 0-9, `_`, `.`, `-`, and does not start with a digit",
        ));
    }
    let path = FilePath::parse(address, path)?;
    Ok(Arc::new(Dotenv { address: address.clone(), path, name: name.to_owned() }))
}

/// The variables that hold this value, as far as the file is one of variables.
pub(crate) fn names_of(content: &[u8], value: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in content.split(|byte| *byte == b'\n') {
        let Some(end) = line.iter().position(|byte| *byte == b'=') else { continue };
        let Some(before) = line.get(..end).and_then(|before| std::str::from_utf8(before).ok()) else {
            continue;
        };
        let before = before.trim();
        let name = before.strip_prefix("export ").unwrap_or(before).trim();
        let sound = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(syntax::is_name);
        if sound
            && !names.iter().any(|known| known == name)
            && matches!(change::held(content, name), Ok(Some(held)) if *held == value)
        {
            names.push(name.to_owned());
        }
    }
    names
}

impl Dotenv {
    fn malformed(path: &FilePath, fault: &syntax::Fault) -> DestinationError {
        error(
            DestinationErrorKind::Malformed,
            format!("cannot use the .env file `{}`", path.display()),
            format!("line {}: {}; nothing was written", fault.line, fault.why),
            format!("mend line {} of `{}`", fault.line, path.display()),
        )
    }

    /// What the file's bytes hold of our name.
    fn held(&self, content: Option<&[u8]>) -> Result<Held, DestinationError> {
        let Some(text) = content else { return Ok(Held::Absent) };
        match change::held(text, &self.name) {
            Ok(Some(value)) => Ok(Held::Value(Secret::new(value.as_str()))),
            Ok(None) => Ok(Held::Absent),
            Err(fault) => Err(Self::malformed(&self.path, &fault)),
        }
    }
}

#[async_trait::async_trait]
impl Destination for Dotenv {
    fn address(&self) -> &Address {
        &self.address
    }

    async fn check(&self) -> Result<(), DestinationError> {
        let content = self.path.check().await?;
        // Any key will do to see that one can be put.
        let text = content.as_ref().map(|content| content.as_slice()).unwrap_or_default();
        change::put(text, &self.name, "example").map_err(|fault| Self::malformed(&self.path, &fault))?;
        Ok(())
    }

    async fn read(&self) -> Result<Held, DestinationError> {
        let content = self.path.read().await?;
        self.held(content.as_ref().map(|content| content.as_slice()))
    }

    async fn deliver(&self, secret: &Secret) -> Result<(), DestinationError> {
        if secret.expose().contains('\0') {
            return Err(error(
                DestinationErrorKind::Failed,
                format!("cannot write `{}`", self.path.display()),
                "the key has a NUL byte in it, which no .env file can hold",
                "make another key",
            ));
        }
        let (path, name, secret) = (self.path.clone(), self.name.clone(), secret.clone());
        self.path
            .edit(move |content| {
                change::put(content.unwrap_or_default(), &name, secret.expose())
                    .map(Change::Write)
                    .map_err(|fault| Self::malformed(&path, &fault))
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
        let (path, name) = (self.path.clone(), self.name.clone());
        self.path
            .edit(move |content| {
                let Some(text) = content else { return Ok(Change::Keep) };
                // An emptied file stays: it may have been there before.
                change::take_out(text, &name)
                    .map(Change::Write)
                    .map_err(|fault| Self::malformed(&path, &fault))
            })
            .await
    }
}
