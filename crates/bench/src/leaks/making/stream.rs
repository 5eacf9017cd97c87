//! The stream that `git fast-import` reads.

use std::io::{self, Write};

/// What a commit does to a path.
pub(crate) enum Change {
    /// It has the content of that mark from now on.
    Set(String, u64),
    Delete(String),
    Rename(String, String),
}

/// One commit; zero is no mark.
pub(crate) struct Commit<'a> {
    pub(crate) branch: &'a str,
    pub(crate) author: &'a str,
    pub(crate) at_s: usize,
    pub(crate) message: &'a [u8],
    pub(crate) parent: u64,
    pub(crate) merged: u64,
    pub(crate) changes: &'a [Change],
}

/// Numbers what it writes, from 1.
pub(crate) struct Stream<W> {
    out: W,
    last: u64,
}

impl<W: Write> Stream<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, last: 0 }
    }

    pub(crate) fn blob(&mut self, content: &[u8]) -> io::Result<u64> {
        self.last += 1;
        write!(self.out, "blob\nmark :{}\n", self.last)?;
        self.data(content)?;
        Ok(self.last)
    }

    pub(crate) fn commit(&mut self, commit: &Commit<'_>) -> io::Result<u64> {
        self.last += 1;
        let Commit { branch, author, at_s, parent, merged, .. } = commit;
        write!(self.out, "commit refs/heads/{branch}\nmark :{}\n", self.last)?;
        write!(self.out, "author {author} {at_s} +0000\ncommitter {author} {at_s} +0000\n")?;
        self.data(commit.message)?;
        if *parent != 0 {
            writeln!(self.out, "from :{parent}")?;
        }
        if *merged != 0 {
            writeln!(self.out, "merge :{merged}")?;
        }
        for change in commit.changes {
            match change {
                Change::Set(path, mark) => writeln!(self.out, "M 100644 :{mark} {path}"),
                Change::Delete(path) => writeln!(self.out, "D {path}"),
                Change::Rename(from, to) => writeln!(self.out, "R {from} {to}"),
            }?;
        }
        writeln!(self.out)?;
        Ok(self.last)
    }

    pub(crate) fn tag(
        &mut self,
        name: &str,
        of: u64,
        tagger: &str,
        at_s: usize,
        message: &[u8],
    ) -> io::Result<()> {
        write!(self.out, "tag {name}\nfrom :{of}\ntagger {tagger} {at_s} +0000\n")?;
        self.data(message)
    }

    pub(crate) fn end(mut self) -> io::Result<()> {
        writeln!(self.out, "done")?;
        self.out.flush()
    }

    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        writeln!(self.out, "data {}", bytes.len())?;
        self.out.write_all(bytes)?;
        writeln!(self.out)
    }
}
