//! What was planted where, for whoever judges what a search found.
use crate::trouble::{Doing as _, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// All that was done to a copy of a repository. It holds no key, only fingerprints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// What chance was drawn from.
    pub seed: u64,
    /// The default branch's commit before anything was planted.
    pub began_at: String,
    /// What a search has to find.
    pub planted: Vec<Planted>,
    /// What a search must not report.
    pub decoys: Vec<Decoy>,
    /// Files that come to be when something of the repository is run; relative to the copy.
    pub traps: Vec<String>,
}

/// One key in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planted {
    /// `h001` in the history, `t001` in the work tree.
    pub id: String,
    /// The class of hiding place.
    pub hiding: String,
    /// Whether every search has to know this class; the others were thought of in addition.
    pub asked: bool,
    /// In git, or in the work tree.
    #[serde(rename = "where")]
    pub place: Place,
    /// Which sort of secret.
    pub kind: Kind,
    /// SHA-256 of the key's text, in hexadecimal. Of a session cookie: of its value.
    pub fingerprint: String,
    /// The last four characters of the key's text.
    pub last_four: String,
    /// What of git, or of the work tree, holds it.
    pub object: ObjectKind,
    /// The path in the commit, in the work tree, or (`.git/…`) in the repository.
    pub path: Option<String>,
    /// The first line that it stands on, where the file (or message) as it lies there has lines.
    pub line: Option<usize>,
    /// The last line of what stands for it there.
    pub last_line: Option<usize>,
    /// How it is wrapped, outermost first.
    pub wrapping: Vec<String>,
    /// The object that holds it.
    pub oid: Option<String>,
    /// The first commit that held it.
    pub commit: Option<String>,
    /// That commit's (or tag's) author as `Name <address>`.
    pub author: Option<String>,
    /// When the author made it, in seconds since 1970.
    pub authored_s: Option<i64>,
    /// The repository that holds the object, relative to the copy; none if it is the copy itself.
    pub repository: Option<String>,
    /// Whether a file of `HEAD` holds it.
    pub in_head: bool,
    /// The local branches whose history holds it.
    pub branches: Vec<String>,
    /// Whether a remote-tracking branch's history holds it.
    pub pushed: bool,
    /// What became of it.
    pub fate: String,
}

/// A near miss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decoy {
    /// `d001` and so on.
    pub id: String,
    /// What is wrong with it.
    pub class: String,
    /// SHA-256 of its text, in hexadecimal.
    pub fingerprint: String,
    /// Where it lies.
    #[serde(rename = "where")]
    pub place: Place,
    /// The path of the file that holds it.
    pub path: String,
}

/// Which of the two walks comes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// Objects, references and other files of git.
    History,
    /// The work tree, and work trees linked to it.
    Tree,
}

/// Sorts of secrets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An API key of n8n 2.x: a token with `jti`.
    #[default]
    Native2,
    /// An API key of n8n 1.x: a token without.
    Native1,
    /// An API key from before: `n8n_api_` and 80 hexadecimal digits.
    Legacy,
    /// A key of Keywright's gateway: prefix and checksum.
    Gateway,
    /// The value of n8n's session cookie.
    SessionCookie,
    /// A token for n8n's MCP server.
    Mcp,
    /// A token for n8n's SCIM interface.
    Scim,
    /// The address of a test webhook with user and password.
    WebhookUrl,
    /// n8n's encryption key next to its name.
    EncryptionKey,
}

/// What holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A file's content in git.
    Blob,
    /// A commit's message.
    CommitMessage,
    /// A commit's author or committer, or another of its header lines.
    CommitHeader,
    /// An annotated tag's message.
    TagMessage,
    /// A note.
    Note,
    /// The name of a file or folder in a tree.
    PathName,
    /// The name of a reference.
    RefName,
    /// A file of `.git` that is no object.
    GitFile,
    /// A file of the work tree.
    File,
}

impl Truth {
    /// Reads a truth file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).doing("the truth file cannot be read")?;
        serde_json::from_slice(&text).doing("the truth file is not understood")
    }

    /// Writes it as JSON.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).doing("the truth cannot be written down")?;
        std::fs::write(path, text).doing("the truth file cannot be written")
    }

    /// What was planted in one of the two.
    pub fn in_place(&self, place: Place) -> impl Iterator<Item = &Planted> {
        self.planted.iter().filter(move |planted| planted.place == place)
    }
}

/// What a key is known by in a truth file.
pub fn fingerprint(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        write!(hex, "{byte:02x}").ok();
        hex
    })
}
