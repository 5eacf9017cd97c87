//! Branches: somebody works aside, and the trunk takes it over or never does.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::code_base::CodeBase;
use super::file::File;
use super::history::{History, RELEASE_EVERY, TRUNK};
use super::stream::Change;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Merged,
    Left,
}

pub(super) struct Branch {
    name: String,
    head: u64,
    commits_left: usize,
    fate: Fate,
    /// What it works on, as that is on the trunk.
    held: BTreeMap<usize, (Vec<u8>, u64)>,
    added: Vec<usize>,
}

impl Branch {
    fn new(name: String, head: u64, commits: usize, fate: Fate) -> Self {
        Self { name, head, commits_left: commits, fate, held: BTreeMap::new(), added: Vec::new() }
    }

    fn hold(&mut self, id: usize, file: &File) {
        self.held.insert(id, (file.content.clone(), file.mark));
    }

    fn files(&self) -> Vec<usize> {
        self.held.keys().chain(&self.added).copied().collect()
    }

    fn put_back(self, code: &mut CodeBase) {
        for (id, (content, mark)) in self.held {
            if let Some(file) = code.file_mut(id) {
                (file.content, file.mark) = (content, mark);
            }
        }
    }
}

impl<W: Write> History<W> {
    pub(super) fn open_branch(&mut self) {
        let fate = if self.dice.once_in(5) { Fate::Left } else { Fate::Merged };
        let name = format!("{}-{}", self.code.vocabulary.name(&mut self.dice), self.commits);
        let commits = self.dice.few(9) + self.dice.below(3);
        self.branches.push(Branch::new(name, self.trunk, commits, fate));
    }

    /// Tags the trunk; now and then a release lives on in a branch of its own.
    pub(super) fn release(&mut self) -> io::Result<()> {
        let number = self.commits / RELEASE_EVERY;
        let version = format!("{}.{}.0", number / 25, number % 25);
        let (author, at_s) = (self.author(), self.now_s());
        let message = format!("Release {version}\n");
        self.stream.tag(&format!("v{version}"), self.trunk, &author, at_s, message.as_bytes())?;
        self.objects += 1;
        if self.dice.once_in(3) {
            let commits = self.dice.between(3, 12);
            self.branches.push(Branch::new(format!("release/{version}"), self.trunk, commits, Fate::Left));
        }
        Ok(())
    }

    /// The next commit of a branch; after its last, the branch ends.
    pub(super) fn go_on(&mut self, mut branch: Branch) -> io::Result<()> {
        let mut files = self.choose(&branch.files());
        for id in &files {
            if let Some(file) = self.code.file(*id).filter(|_| !branch.added.contains(id))
                && self.held.insert(*id)
            {
                branch.hold(*id, file);
            }
            self.code.edit(*id, &mut self.dice);
        }
        let fresh = self.fresh_files(files.first().copied());
        branch.added.extend(&fresh);
        files.extend(fresh);
        self.plant_in(&files);
        let changes = self.write_files(&files)?;
        branch.head = self.commit(&branch.name, (branch.head, 0), &files, &changes)?;
        branch.commits_left = branch.commits_left.saturating_sub(1);
        if branch.commits_left > 0 {
            self.branches.push(branch);
            return Ok(());
        }
        self.close(branch)
    }

    fn close(&mut self, branch: Branch) -> io::Result<()> {
        for id in branch.held.keys() {
            self.held.remove(id);
        }
        if branch.fate == Fate::Left {
            branch.put_back(&mut self.code);
            return Ok(());
        }
        for id in &branch.added {
            self.code.settle(*id);
        }
        let files = branch.files();
        let own = files.first().copied().filter(|_| self.dice.once_in(10));
        if let Some(id) = own {
            // A merge that was not only git's work.
            self.code.edit(id, &mut self.dice);
            self.write_files(&[id])?;
        }
        let changes: Vec<Change> = files.iter().filter_map(|id| self.set(*id)).collect();
        self.trunk = self.commit(TRUNK, (self.trunk, branch.head), &files, &changes)?;
        Ok(())
    }
}
