//! What a commit changes, and its words.

use std::io::{self, Write};

use super::history::History;
use super::keys::plant;
use super::stream::{Change, Commit};
use super::text::Kind;

const BEGAN_AT_S: usize = 1_420_070_400;
const TEN_YEARS_S: usize = 315_500_000;
/// Keys that lie open at once, until somebody takes one out.
const EXPOSED_AT_ONCE: usize = 12;

impl<W: Write> History<W> {
    /// Files that the next commit edits, most of them close together.
    pub(super) fn choose(&mut self, of_branch: &[usize]) -> Vec<usize> {
        let count = match self.dice.below(10) {
            0 => self.dice.between(4, 16),
            _ => self.dice.few(7),
        };
        let mut chosen: Vec<usize> = Vec::new();
        for _ in 0..count * 2 {
            if chosen.len() == count {
                break;
            }
            let near = chosen.first().filter(|_| !self.dice.once_in(12));
            let id = match near {
                _ if !of_branch.is_empty() && self.dice.once_in(2) => Some(self.dice.pick(of_branch)),
                Some(near) => self.code.neighbour(*near, &mut self.dice),
                None => self.code.pick(&mut self.dice),
            };
            let is_free = |id: &usize| of_branch.contains(id) || !self.held.contains(id);
            let id = id.filter(|id| is_free(id) && *id != self.lock_file && !chosen.contains(id));
            // Images are seldom made anew.
            let is_image = |id: usize| self.code.file(id).is_some_and(|file| file.kind == Kind::Image);
            let is_image = id.is_some_and(is_image);
            chosen.extend(id.filter(|_| !is_image || self.dice.once_in(10)));
        }
        chosen
    }

    /// Now and then new files, near to what is worked on.
    pub(super) fn fresh_files(&mut self, near: Option<usize>) -> Vec<usize> {
        if !self.dice.once_in(4) {
            return Vec::new();
        }
        (0..self.dice.few(5)).map(|_| self.code.make(near, &mut self.dice)).collect()
    }

    pub(super) fn delete_or_rename(&mut self) -> Vec<Change> {
        let what = self.dice.below(60);
        if what > 2 || self.code.alive().len() < 50 {
            return Vec::new();
        }
        let alive = self.code.alive();
        let id = alive.get(self.dice.below(alive.len())).copied();
        let Some(id) = id.filter(|id| !self.held.contains(id) && *id != self.lock_file) else {
            return Vec::new();
        };
        let before = self.code.path(id);
        self.objects += self.code.trees_above(&[id]);
        if what == 0 {
            self.code.remove(id);
            return vec![Change::Delete(before)];
        }
        self.code.rename(id, &mut self.dice);
        vec![Change::Rename(before, self.code.path(id))]
    }

    /// Plants the next key where it is time for one.
    pub(super) fn plant_in(&mut self, files: &[usize]) {
        let due = self.shape.keys * self.objects / self.shape.objects.max(1);
        if self.planted.len() > due || self.planted.len() >= self.shape.keys {
            return;
        }
        let is_text = |id: &&usize| {
            self.code.file(**id).is_some_and(|file| !matches!(file.kind, Kind::Image | Kind::Minified))
        };
        let Some(id) = files.iter().rfind(is_text).copied() else { return };
        let Some(file) = self.code.file_mut(id) else { return };
        let (planted, line) = plant(file.kind, &mut self.dice);
        file.insert(&line, &mut self.dice);
        self.planted.push(planted);
        self.exposed.push_back((id, line));
    }

    /// Somebody takes the oldest key out of its file, long after.
    pub(super) fn take_out_a_key(&mut self) -> Option<usize> {
        if self.exposed.len() < EXPOSED_AT_ONCE {
            return None;
        }
        let (id, line) = self.exposed.pop_front()?;
        if self.held.contains(&id) {
            return None;
        }
        self.code.file_mut(id)?.take_out(&line)?;
        Some(id)
    }

    /// Writes what these files hold now.
    pub(super) fn write_files(&mut self, files: &[usize]) -> io::Result<Vec<Change>> {
        let mut changes = Vec::new();
        for id in files {
            if let Some(file) = self.code.file_mut(*id) {
                file.mark = self.stream.blob(&file.content)?;
                self.objects += 1;
            }
            changes.extend(self.set(*id));
        }
        Ok(changes)
    }

    pub(super) fn set(&self, id: usize) -> Option<Change> {
        let file = self.code.file(id)?;
        Some(Change::Set(self.code.path(id), file.mark))
    }

    /// `parents`: the one before, and the one that is merged.
    pub(super) fn commit(
        &mut self,
        branch: &str,
        (parent, merged): (u64, u64),
        files: &[usize],
        changes: &[Change],
    ) -> io::Result<u64> {
        let (author, at_s) = (self.author(), self.now_s());
        let message = if merged == 0 { self.message() } else { b"Merge a branch\n".to_vec() };
        // A merge often comes to trees that its branch had already.
        let share = if merged == 0 { 1 } else { 2 };
        self.objects += 1 + self.code.trees_above(files) / share;
        self.commits += 1;
        let (author, message) = (author.as_str(), message.as_slice());
        self.stream.commit(&Commit { branch, author, at_s, message, parent, merged, changes })
    }

    pub(super) fn author(&mut self) -> String {
        self.authors.get(self.dice.low_below(self.authors.len())).cloned().unwrap_or_default()
    }

    /// Time goes as the history grows.
    pub(super) fn now_s(&self) -> usize {
        BEGAN_AT_S + TEN_YEARS_S / self.shape.objects.max(1) * self.objects
    }

    fn message(&mut self) -> Vec<u8> {
        let mut message = Vec::new();
        let words = self.dice.between(3, 9);
        self.code.vocabulary.sentence(&mut self.dice, words, &mut message);
        message.push(b'\n');
        for line in 0..if self.dice.once_in(3) { self.dice.few(12) } else { 0 } {
            message.extend_from_slice(if line == 0 { b"\n" } else { b"" });
            let words = self.dice.between(8, 12);
            self.code.vocabulary.sentence(&mut self.dice, words, &mut message);
            message.push(b'\n');
        }
        message
    }
}
