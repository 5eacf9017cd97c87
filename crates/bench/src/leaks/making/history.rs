//! Ten years of a code base: a trunk, branches that are merged or left, releases, keys that come and go.

use std::collections::{HashSet, VecDeque};
use std::io::{self, Write};

use super::branch::Branch;
use super::code_base::CodeBase;
use super::dice::Dice;
use super::keys::Planted;
use super::stream::Stream;
use super::text::Kind;

/// What a history is to be like; the same shape gives the same bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) seed: u64,
    /// About so many objects of all kinds.
    pub(crate) objects: usize,
    /// How many keys are planted in it.
    pub(crate) keys: usize,
}

pub(super) const TRUNK: &str = "main";
const FIRST_FILES: usize = 300;
const BRANCHES_AT_ONCE: usize = 6;
/// Commits between releases.
pub(super) const RELEASE_EVERY: usize = 160;

/// Writes the history as a stream for `git fast-import`; gives the keys in it.
pub(crate) fn write(shape: &Shape, out: impl Write) -> io::Result<Vec<Planted>> {
    let mut history = History::new(*shape, out);
    history.begin()?;
    while history.objects < shape.objects {
        history.step()?;
    }
    history.stream.end()?;
    Ok(history.planted)
}

pub(super) struct History<W> {
    pub(super) shape: Shape,
    pub(super) dice: Dice,
    pub(super) code: CodeBase,
    pub(super) authors: Vec<String>,
    pub(super) stream: Stream<W>,
    pub(super) trunk: u64,
    pub(super) branches: Vec<Branch>,
    /// Files that a branch works on; the trunk leaves them alone until then.
    pub(super) held: HashSet<usize>,
    pub(super) lock_file: usize,
    pub(super) objects: usize,
    pub(super) commits: usize,
    pub(super) planted: Vec<Planted>,
    /// Keys still in a file, which somebody will take out.
    pub(super) exposed: VecDeque<(usize, Vec<u8>)>,
}

impl<W: Write> History<W> {
    fn new(shape: Shape, out: W) -> Self {
        let mut dice = Dice::new(shape.seed);
        let code = CodeBase::new(130, &mut dice);
        let author = |dice: &mut Dice| {
            let (first, last) = (code.vocabulary.type_name(dice), code.vocabulary.word(dice));
            format!("{first} {last} <{last}@{first}.example>")
        };
        let authors = (0..150).map(|_| author(&mut dice)).collect();
        Self {
            shape,
            dice,
            code,
            authors,
            stream: Stream::new(out),
            trunk: 0,
            branches: Vec::new(),
            held: HashSet::new(),
            lock_file: 0,
            objects: 0,
            commits: 0,
            planted: Vec::new(),
            exposed: VecDeque::new(),
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        let roots = [
            ("package-lock.json", Kind::Lock, 560_000),
            ("package.json", Kind::Json, 3_000),
            ("README.md", Kind::Prose, 9_000),
            ("CHANGELOG.md", Kind::Prose, 40_000),
        ];
        let mut files: Vec<usize> =
            roots.map(|(name, kind, bytes)| self.code.found(name, kind, bytes, &mut self.dice)).into();
        self.lock_file = files.first().copied().unwrap_or_default();
        files.extend((0..FIRST_FILES).map(|_| self.code.make(None, &mut self.dice)));
        for id in &files {
            self.code.settle(*id);
        }
        let changes = self.write_files(&files)?;
        self.trunk = self.commit(TRUNK, (0, 0), &files, &changes)?;
        Ok(())
    }

    /// One commit, somewhere.
    fn step(&mut self) -> io::Result<()> {
        if self.branches.len() < BRANCHES_AT_ONCE && self.dice.once_in(9) {
            self.open_branch();
        }
        if self.commits.is_multiple_of(RELEASE_EVERY) {
            self.release()?;
        }
        if !self.branches.is_empty() && self.dice.below(10) < 4 {
            let branch = self.branches.swap_remove(self.dice.below(self.branches.len()));
            return self.go_on(branch);
        }
        let mut changes = self.delete_or_rename();
        let mut files = self.choose(&[]);
        if self.dice.once_in(60) {
            files.push(self.lock_file);
        }
        for id in &files {
            self.code.edit(*id, &mut self.dice);
        }
        files.extend(self.take_out_a_key());
        let fresh = self.fresh_files(files.first().copied());
        for id in &fresh {
            self.code.settle(*id);
        }
        files.extend(fresh);
        self.plant_in(&files);
        changes.extend(self.write_files(&files)?);
        self.trunk = self.commit(TRUNK, (self.trunk, 0), &files, &changes)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(seed: u64) -> (Vec<u8>, Vec<Planted>) {
        let mut stream = Vec::new();
        let planted = write(&Shape { seed, objects: 3_000, keys: 20 }, &mut stream).unwrap();
        (stream, planted)
    }

    #[test]
    fn a_seed_makes_the_same_history_again() {
        let (first, planted) = made(1);
        assert!(first == made(1).0 && first != made(2).0);
        assert_eq!(planted.len(), 20);
    }
}
