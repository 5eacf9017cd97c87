//! From where commits are reached: refs and reflogs.

use std::collections::BTreeSet;

use gix_hash::ObjectId;

use super::refs::{Refs, id_of};
use super::text::Signature;
use crate::Author;

/// Reflogs are read to as many lines, all together.
const MAX_LOG_LINES: usize = 2_000_000;

/// A name that leads to an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tip {
    pub(super) kind: TipKind,
    pub(super) name: String,
    pub(super) target: ObjectId,
}

/// What kind of name, those first that a person cares most for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TipKind {
    /// `refs/heads/`, `refs/tags/`, HEAD of a work tree.
    Branch,
    /// `refs/remotes/`.
    Remote,
    /// The stash, notes, a bisection, anything else under `refs/`.
    Other,
    /// What only a reflog knows.
    Reflog,
}

impl Tip {
    /// Of a ref; none for those that only say what others do.
    fn of_ref(name: &[u8], target: ObjectId) -> Self {
        let kind = if name.starts_with(b"refs/remotes/") {
            TipKind::Remote
        } else if name.starts_with(b"refs/heads/") || name.starts_with(b"refs/tags/") || is_head(name) {
            TipKind::Branch
        } else {
            TipKind::Other
        };
        Self { kind, name: String::from_utf8_lossy(name).into_owned(), target }
    }
}

/// HEAD of a work tree; not `ORIG_HEAD` and the like.
fn is_head(name: &[u8]) -> bool {
    name == b"HEAD" || name.ends_with(b"/HEAD")
}

/// All names that lead somewhere.
#[derive(Debug, Default)]
pub(super) struct Tips {
    all: BTreeSet<Tip>,
    lines: usize,
}

impl Tips {
    /// Adds the refs. HEADs that are on a branch say nothing more than the branch.
    pub(super) fn add_refs(&mut self, refs: &Refs) {
        self.all.extend(refs.targets.iter().map(|(name, target)| Tip::of_ref(name, *target)));
    }

    /// Adds one.
    pub(super) fn add(&mut self, tip: Tip) {
        self.all.insert(tip);
    }

    /// Adds what a reflog knows; `name` is the ref's.
    pub(super) fn add_log(&mut self, name: &[u8], log: &[u8]) {
        let name = String::from_utf8_lossy(name);
        // The last is the youngest.
        let lines = log.rsplit(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        for (age, line) in lines.enumerate() {
            self.lines += 1;
            if self.lines > MAX_LOG_LINES {
                return;
            }
            let mut words = line.splitn(3, |&byte| byte == b' ');
            let ids = [words.next(), words.next()].map(|word| word.and_then(id_of));
            let [old, new] = ids.map(|id| id.filter(|id| !id.is_null()));
            let is_stash = name == "refs/stash";
            let named = if is_stash { format!("refs/stash@{{{age}}}") } else { format!("reflog of {name}") };
            // A stash's line before is another stash.
            let targets = new.into_iter().chain(old.filter(|_| !is_stash));
            self.all.extend(targets.map(|target| Tip { kind: TipKind::Reflog, name: named.clone(), target }));
        }
    }

    /// All of them, in the order of their kinds.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Tip> {
        self.all.iter()
    }

    /// Whether the repository knows of what a remote has.
    pub(super) fn has_remote(&self) -> bool {
        self.all.iter().any(|tip| tip.kind == TipKind::Remote)
    }
}

/// Who wrote a line of a reflog, and the commit that it went to.
pub(super) fn author_of_log_line(line: &[u8]) -> Option<Author> {
    let mut words = line.splitn(3, |&byte| byte == b' ');
    let commit = words.nth(1).and_then(id_of)?;
    let who = words.next()?.split(|&byte| byte == b'\t').next()?;
    let signature = Signature::of(who);
    Some(Author {
        commit: commit.to_string(),
        name: signature.name.to_owned(),
        email: signature.email.to_owned(),
        date: signature.date(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digit: char) -> String {
        digit.to_string().repeat(40)
    }

    #[test]
    fn reads_reflogs() {
        let log = format!(
            "{} {} A <a@x> 1700000000 +0000\tcommit: x\n{} {} A <a@x> 1700000001 +0000\nbroken\n\n",
            hex('0'),
            hex('1'),
            hex('1'),
            hex('2')
        );
        let mut tips = Tips::default();
        tips.add_log(b"refs/heads/main", log.as_bytes());
        tips.add_log(b"refs/stash", log.as_bytes());
        let names: Vec<_> =
            tips.iter().map(|tip| (tip.name.as_str(), tip.target.to_string().remove(0))).collect();
        assert_eq!(
            names,
            [
                ("reflog of refs/heads/main", '1'),
                ("reflog of refs/heads/main", '2'),
                ("refs/stash@{1}", '2'),
                ("refs/stash@{2}", '1'),
            ]
        );
        let author = author_of_log_line(log.lines().next().unwrap().as_bytes()).unwrap();
        assert_eq!((author.commit, &author.name[..]), (hex('1'), &b"A"[..]));
    }
}
