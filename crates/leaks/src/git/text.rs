//! The texts of commits and tags, read as far as they can be: anybody may have written them.

use gix_hash::ObjectId;
use model::Timestamp;

use super::refs::id_of;
use crate::Author;

/// More than git makes.
const MAX_PARENTS: usize = 10_000;
/// The hash of a commit of SHA-256.
const MAX_FIELD_BYTES: usize = 4 << 10;

/// A commit's text.
#[derive(Debug)]
pub(super) struct CommitText<'a> {
    pub(super) tree: Option<ObjectId>,
    /// From the first parent on.
    rest: &'a [u8],
}

impl<'a> CommitText<'a> {
    /// Reads its beginning.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let (line, rest) = line_of(bytes);
        Self { tree: line.strip_prefix(b"tree ").and_then(id_of), rest }
    }

    /// Its parents.
    pub(super) fn parents(&self) -> impl Iterator<Item = ObjectId> + 'a {
        let mut rest = self.rest;
        let parents = std::iter::from_fn(move || {
            let (line, after) = line_of(rest);
            rest = after;
            line.strip_prefix(b"parent ").and_then(id_of)
        });
        parents.take(MAX_PARENTS)
    }

    /// When it was committed, in seconds; 0 if it does not say.
    pub(super) fn committed_at_s(&self) -> i64 {
        self.header(b"committer ").and_then(|line| Signature::of(line).seconds).unwrap_or(0)
    }

    /// Its author.
    pub(super) fn author(&self, id: &ObjectId) -> Author {
        let signature = Signature::of(self.header(b"author ").unwrap_or_default());
        Author {
            commit: id.to_string(),
            name: signature.name.to_owned(),
            email: signature.email.to_owned(),
            date: signature.date(),
        }
    }

    fn header(&self, name: &[u8]) -> Option<&'a [u8]> {
        let mut rest = self.rest;
        loop {
            let (line, after) = line_of(rest);
            if line.is_empty() {
                return None;
            }
            if let Some(value) = line.strip_prefix(name) {
                return Some(value);
            }
            rest = after;
        }
    }
}

/// A tag's text.
#[derive(Debug)]
pub(super) struct TagText<'a> {
    pub(super) target: Option<ObjectId>,
    bytes: &'a [u8],
}

impl<'a> TagText<'a> {
    /// Reads it.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { target: line_of(bytes).0.strip_prefix(b"object ").and_then(id_of), bytes }
    }

    /// Who made it, as an author of what it stands for.
    pub(super) fn tagger(&self, commit: &ObjectId) -> Author {
        let line =
            self.bytes.split(|&byte| byte == b'\n').take(5).find_map(|line| line.strip_prefix(b"tagger "));
        let signature = Signature::of(line.unwrap_or_default());
        Author {
            commit: commit.to_string(),
            name: signature.name.to_owned(),
            email: signature.email.to_owned(),
            date: signature.date(),
        }
    }
}

/// `Name <address> 1700000000 +0100`.
pub(super) struct Signature<'a> {
    pub(super) name: &'a [u8],
    pub(super) email: &'a [u8],
    pub(super) seconds: Option<i64>,
}

impl<'a> Signature<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        let end = memchr::memrchr(b'>', line).unwrap_or(0);
        let (who, when) = line.split_at_checked(end).unwrap_or_default();
        let start = memchr::memrchr(b'<', who).unwrap_or(who.len());
        let (name, email) = who.split_at_checked(start).unwrap_or_default();
        let seconds = when.trim_start_with(b'>').split(u8::is_ascii_whitespace).find(|word| !word.is_empty());
        let seconds = seconds.and_then(|word| std::str::from_utf8(word).ok()?.parse().ok());
        Self { name: cut(name.trim_ascii()), email: cut(email.get(1..).unwrap_or_default()), seconds }
    }

    pub(super) fn date(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.seconds?).ok()
    }
}

trait TrimStartWith {
    fn trim_start_with(&self, byte: u8) -> &Self;
}

impl TrimStartWith for [u8] {
    fn trim_start_with(&self, byte: u8) -> &Self {
        self.strip_prefix(&[byte]).unwrap_or(self)
    }
}

fn cut(bytes: &[u8]) -> &[u8] {
    bytes.get(..MAX_FIELD_BYTES).unwrap_or(bytes)
}

fn line_of(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    (bytes.get(..end).unwrap_or_default(), bytes.get(end + 1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1111111111111111111111111111111111111111";

    #[test]
    fn reads_a_commit() {
        let text = format!(
            "tree {ID}\nparent {ID}\nparent {ID}\nauthor A < B> <a@x> 1700000000 +0100\ncommitter C <c@x> 1700000001 +0000\n\nauthor no\n"
        );
        let text = CommitText::of(text.as_bytes());
        assert_eq!(text.tree.unwrap().to_string(), ID);
        assert_eq!(text.parents().count(), 2);
        assert_eq!(text.committed_at_s(), 1_700_000_001);
        let author = text.author(&id_of(ID.as_bytes()).unwrap());
        assert_eq!((&author.name[..], &author.email[..]), (&b"A < B>"[..], &b"a@x"[..]));
        assert_eq!(author.date.unwrap().as_second(), 1_700_000_000);
    }

    #[test]
    fn broken_texts_give_little() {
        for text in [
            &b""[..],
            b"tree x",
            b"\n\n",
            b"tree 11\nauthor >< 1\n",
            b"author\ncommitter <> 99999999999999999999",
        ] {
            let commit = CommitText::of(text);
            assert!(commit.tree.is_none());
            assert_eq!(commit.committed_at_s(), 0);
            assert_eq!(commit.author(&ObjectId::null(gix_hash::Kind::Sha1)).date, None);
        }
    }
}
