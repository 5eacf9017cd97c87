//! What a scan leaves: findings, what was not read, what was.

use std::path::PathBuf;

use detector::{Layer, Token};
use model::Timestamp;

/// The outcome of a scan.
#[derive(Debug, Default)]
pub struct Report {
    /// One for each token and place; the same token may lie at many.
    pub findings: Vec<Finding>,
    /// What was not read, or not to its end.
    pub unread: Vec<Unread>,
    /// As many more, which did not fit into the list.
    pub more_unread: u64,
    /// As many findings more than were kept.
    pub more_findings: u64,
    /// How much was read.
    pub tally: Tally,
}

/// A token at a place.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was found.
    pub token: Token,
    /// Where.
    pub place: Place,
    /// How it was wrapped, outermost first.
    pub wrapping: Vec<Wrapping>,
    /// As many more of the same: in the same object, or in other versions of the same file.
    pub also: u64,
}

/// Where a token lies. Names are bytes from outside: they are escaped before they reach a terminal.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file, the object, the stream.
    pub source: Source,
    /// The line in the file, or in the innermost member that has lines; from 1.
    pub line: Option<u64>,
    /// The byte within that line, from 1.
    pub column: Option<u64>,
    /// The line has the mark `keywright:allow`.
    pub is_allowed_inline: bool,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A file on disk.
    File(PathBuf),
    /// An object or another text of a repository.
    Git(Box<Provenance>),
    /// A stream, such as standard input.
    Stream(String),
}

/// How one finding was wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// An encoding.
    Layer(Layer),
    /// A compression or an archive, and the member's name within.
    Member(Member),
}

/// A member of an archive, or the content of a compressed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// `zip`, `tar`, `gzip`, `xz`, `zstd`, `bzip2`, `sqlite`.
    pub format: &'static str,
    /// Its name within, as the archive has it.
    pub name: Option<Vec<u8>>,
}

/// What git knows of a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Provenance {
    /// The repository's folder.
    pub repository: PathBuf,
    /// What holds the token.
    pub object: Object,
    /// The object's id in hex; none for what is no object, such as a line of a reflog.
    pub id: Option<String>,
    /// Paths that the blob has or had, as the trees have them; a few of many.
    pub paths: Vec<Vec<u8>>,
    /// The commit that had it first.
    pub first: Option<Author>,
    /// Branches, tags and other refs from which it can be reached, such as `refs/heads/main`; a few of many. What only
    /// a reflog knows has the likes of `reflog of refs/heads/main`.
    pub refs: Vec<String>,
    /// As many more.
    pub more_refs: u64,
    /// Whether it is still there.
    pub in_head: InHead,
    /// Whether others have it.
    pub pushed: Pushed,
}

/// What kind of thing in a repository holds a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// The content of a file.
    Blob,
    /// A commit: its message, its author, its headers.
    Commit,
    /// An annotated tag.
    Tag,
    /// The name of a file.
    Tree,
    /// A note on an object.
    Note,
    /// The name of a ref.
    RefName,
    /// A line of a reflog.
    Reflog,
    /// A file of the git folder, such as its configuration.
    Administrative,
    /// Staged, and not committed.
    Index,
}

/// A commit, as far as a report tells of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Author {
    /// The commit's id in hex.
    pub commit: String,
    /// The author's name, as the commit has it.
    pub name: Vec<u8>,
    /// The author's address.
    pub email: Vec<u8>,
    /// The author's date.
    pub date: Option<Timestamp>,
}

/// Whether a finding of git is still in the checked-out commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InHead {
    /// Still in HEAD.
    Yes,
    /// Reachable from a ref or by a reflog, but not in HEAD's tree.
    HistoryOnly,
    /// Nothing leads to it: a stash that was dropped, a commit that was replaced and whose reflog ended.
    Unreachable,
    /// In no commit: staged, or beside them, such as a file of the git folder or the name of a ref.
    Beside,
}

/// Whether a remote has it, as far as this repository knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pushed {
    /// A remote-tracking ref leads to it.
    Yes,
    /// None does.
    No,
    /// There are no remote-tracking refs, or it is a bare repository, which others push to.
    Unknown,
}

/// Something that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What it is: a path, an object, a member of an archive; bytes from outside.
    pub what: Vec<u8>,
    /// Why.
    pub why: Why,
}

/// Why something was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Beyond a bound; its name in [`Limits`](crate::Limits).
    Limit(&'static str),
    /// It cannot be read; the cause, without any of its content.
    Broken(String),
    /// Its form is not known, or known to be closed, such as an encrypted zip.
    Unsupported(&'static str),
    /// It changed while it was read.
    Changed,
    /// The system refused.
    System(String),
}

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Repositories.
    pub repositories: u64,
    /// Git objects.
    pub objects: u64,
    /// Files.
    pub files: u64,
    /// Members of archives.
    pub members: u64,
    /// Bytes, decoded.
    pub bytes: u64,
    /// Links, of which only the text was read: they were not followed.
    pub links: u64,
    /// Pipes, sockets and the like, never opened: nothing lies in them.
    pub special: u64,
    /// Files and folders that whoever asked wanted to be passed by.
    pub excluded: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.repositories += other.repositories;
        self.objects += other.objects;
        self.files += other.files;
        self.members += other.members;
        self.bytes += other.bytes;
        self.links += other.links;
        self.special += other.special;
        self.excluded += other.excluded;
    }
}
