//! `json:`, `yaml:`, `toml:`: one text in a document, changed in place. Where it is, is a JSON Pointer (RFC 6901). The
//! text must be there, if only empty: no document grows by our hand.

mod json;
mod pointer;
#[cfg(test)]
mod tests;
mod texts;
mod toml_text;
mod yaml;

use std::ops::Range;
use std::sync::Arc;

use model::{
    Address, Confirmation, Destination, DestinationError, DestinationErrorKind as Kind, Fingerprint, Held,
    Secret,
};
use zeroize::Zeroizing;

use crate::{
    Context,
    error::{compare, error},
    kinds::Opened,
    place::{Change, Content, FilePath},
};
use pointer::Pointer;

/// What a document is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Yaml,
    Toml,
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    Double,
    Single,
    /// YAML only.
    None,
    /// YAML only: nothing stands there at all.
    Nothing,
}

/// A text in a document.
#[derive(Debug)]
struct Slot {
    /// All of it, quotes included, in bytes.
    at: Range<usize>,
    held: Zeroizing<String>,
    quotes: Quotes,
}

/// Why a document is refused. It says nothing of what is in it but where.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// It is not what its format says.
    Malformed { line: usize, why: String },
    /// The pointer leads nowhere.
    Missing { part: String },
}

impl Fault {
    /// At a place in a text.
    fn at(text: &str, at: usize, why: impl Into<String>) -> Self {
        let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
        Self::Malformed { line: before.split(|byte| *byte == b'\n').count(), why: why.into() }
    }
}

impl Format {
    fn find(self, text: &str, to: &Pointer) -> Result<Slot, Fault> {
        match self {
            Self::Json => json::find(text, to),
            Self::Yaml => yaml::find(text, to),
            Self::Toml => toml_text::find(text, to),
        }
    }

    /// How a text can be written there, the likest to what is there first.
    fn ways(self, value: &str, quotes: Quotes) -> Vec<Zeroizing<String>> {
        match self {
            Self::Json => vec![json::write(value)],
            Self::Yaml => yaml::ways(value, quotes),
            Self::Toml => vec![toml_text::write(value, quotes)],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
            Self::Toml => "TOML",
        }
    }

    /// The document with another text in the slot; all other bytes are as they were.
    fn put(self, text: &str, to: &Pointer, value: &str) -> Result<Content, Fault> {
        let slot = self.find(text, to)?;
        if *slot.held == value {
            return Ok(Zeroizing::new(text.as_bytes().to_vec()));
        }
        let (before, after) =
            (text.get(..slot.at.start).unwrap_or_default(), text.get(slot.at.end..).unwrap_or_default());
        for written in self.ways(value, slot.quotes) {
            let mut new = Zeroizing::new(String::with_capacity(before.len() + written.len() + after.len()));
            new.push_str(before);
            new.push_str(&written);
            new.push_str(after);
            // Read once more as a reader would: what is written is what will be found, and nothing around it moved.
            let end = before.len() + written.len();
            if self.find(&new, to).is_ok_and(|found| *found.held == value && found.at.end == end) {
                return Ok(Zeroizing::new(new.as_bytes().to_vec()));
            }
        }
        Err(Fault::at(text, slot.at.start, "the key cannot be written there so that it reads the same"))
    }
}

struct Document {
    address: Address,
    format: Format,
    path: FilePath,
    to: Pointer,
}

pub(crate) fn open_json(address: &Address, _: &Context) -> Opened {
    open(address, Format::Json)
}

pub(crate) fn open_yaml(address: &Address, _: &Context) -> Opened {
    open(address, Format::Yaml)
}

pub(crate) fn open_toml(address: &Address, _: &Context) -> Opened {
    open(address, Format::Toml)
}

fn open(address: &Address, format: Format) -> Opened {
    let bad = |because: &str| {
        error(
            Kind::BadAddress,
            format!("cannot use the destination `{address}`"),
            because,
            format!(
                "write the file and a JSON Pointer, such as `{}:/srv/app/config#/n8n/apiKey`",
                address.kind()
            ),
        )
    };
    let (path, to) = address
        .rest()
        .split_once('#')
        .ok_or_else(|| bad("it does not say where in the document, after a `#`"))?;
    let to = to.parse().map_err(|fault: pointer::BadPointer| bad(fault.0))?;
    let path = FilePath::parse(address, path)?;
    Ok(Arc::new(Document { address: address.clone(), format, path, to }))
}

/// What a document's bytes become, or why they are refused.
#[derive(Clone)]
struct Editor {
    format: Format,
    path: FilePath,
    to: Pointer,
}

impl Editor {
    fn refuse(&self, fault: &Fault) -> DestinationError {
        let (path, name) = (self.path.display(), self.format.name());
        let what = format!("cannot use the {name} document `{path}`");
        match fault {
            Fault::Malformed { line, why } => error(
                Kind::Malformed,
                what,
                format!("line {line}: {why}; nothing was written"),
                format!("mend line {line} of `{path}`"),
            ),
            Fault::Missing { part } => error(
                Kind::NotFound,
                what,
                format!("there is nothing at `{part}`; nothing was written"),
                format!("put an empty text there (`\"\"`): `{}` leads to where the key goes", self.to),
            ),
        }
    }

    fn no_file(&self) -> DestinationError {
        let path = self.path.display();
        error(
            Kind::NotFound,
            format!("cannot use the {} document `{path}`", self.format.name()),
            "there is no such file",
            format!("make it, with an empty text (`\"\"`) at `{}`", self.to),
        )
    }

    fn text<'c>(&self, content: Option<&'c [u8]>) -> Result<&'c str, DestinationError> {
        let bytes = content.ok_or_else(|| self.no_file())?;
        std::str::from_utf8(bytes).map_err(|utf8| {
            let line = bytes.get(..utf8.valid_up_to()).unwrap_or_default().split(|b| *b == b'\n').count();
            self.refuse(&Fault::Malformed { line, why: "it is not UTF-8".into() })
        })
    }

    fn find(&self, content: Option<&[u8]>) -> Result<Slot, DestinationError> {
        self.format.find(self.text(content)?, &self.to).map_err(|fault| self.refuse(&fault))
    }

    fn put(&self, content: Option<&[u8]>, value: &str) -> Result<Content, DestinationError> {
        self.format.put(self.text(content)?, &self.to, value).map_err(|fault| self.refuse(&fault))
    }
}

impl Document {
    fn editor(&self) -> Editor {
        Editor { format: self.format, path: self.path.clone(), to: self.to.clone() }
    }

    async fn write(&self, value: Zeroizing<String>) -> Result<(), DestinationError> {
        let editor = self.editor();
        self.path.edit(move |content| editor.put(content, &value).map(Change::Write)).await
    }
}

#[async_trait::async_trait]
impl Destination for Document {
    fn address(&self) -> &Address {
        &self.address
    }

    async fn check(&self) -> Result<(), DestinationError> {
        let content = self.path.check().await?;
        // Any key will do to see that one can be put.
        self.editor().put(content.as_ref().map(|content| content.as_slice()), "example")?;
        Ok(())
    }

    async fn read(&self) -> Result<Held, DestinationError> {
        let content = self.path.read().await?;
        let slot = self.editor().find(content.as_ref().map(|content| content.as_slice()))?;
        Ok(if slot.held.is_empty() { Held::Absent } else { Held::Value(Secret::new(slot.held.as_str())) })
    }

    async fn deliver(&self, secret: &Secret) -> Result<(), DestinationError> {
        if secret.expose().chars().any(char::is_control) {
            return Err(error(
                Kind::Failed,
                format!("cannot write `{}`", self.path.display()),
                "the key has control characters in it",
                "make another key",
            ));
        }
        self.write(Zeroizing::new(secret.expose().to_owned())).await
    }

    async fn confirm(&self, wanted: &Fingerprint) -> Result<Confirmation, DestinationError> {
        compare(&self.address, &self.read().await?, wanted)
    }

    async fn restore(&self, previous: Option<&Secret>) -> Result<(), DestinationError> {
        self.write(Zeroizing::new(previous.map_or("", Secret::expose).to_owned())).await
    }
}
