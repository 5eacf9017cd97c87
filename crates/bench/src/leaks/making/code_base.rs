//! The files that there are, where they lie, and which of them people touch.

use std::collections::HashSet;

use super::dice::Dice;
use super::file::File;
use super::folders::Folders;
use super::text::Kind;
use super::vocabulary::Vocabulary;

pub(crate) struct CodeBase {
    pub(crate) vocabulary: Vocabulary,
    files: Vec<File>,
    /// Files of the trunk, oldest first.
    alive: Vec<usize>,
    folders: Folders,
    taken: HashSet<String>,
    /// How large new files are, in percent of what is usual.
    percent: usize,
}

impl CodeBase {
    pub(crate) fn new(percent: usize, dice: &mut Dice) -> Self {
        let vocabulary = Vocabulary::new(dice);
        let folders = Folders::new(dice, &vocabulary);
        Self { vocabulary, files: Vec::new(), alive: Vec::new(), folders, taken: HashSet::new(), percent }
    }

    /// A file of the root with that name.
    pub(crate) fn found(&mut self, name: &str, kind: Kind, bytes: usize, dice: &mut Dice) -> usize {
        self.taken.insert(name.to_owned());
        self.files.push(File::of_kind(name, 0, kind, bytes * self.percent / 100, dice, &self.vocabulary));
        self.files.len() - 1
    }

    /// A new file, near another or anywhere; it is not on the trunk yet.
    pub(crate) fn make(&mut self, near: Option<usize>, dice: &mut Dice) -> usize {
        let near = near.and_then(|near| self.files.get(near)).map(|file| file.folder);
        let mut folder = match near {
            Some(near) if near != 0 && !dice.once_in(5) => near,
            _ if dice.once_in(3) => dice.between(1, self.folders.len() - 1),
            _ => Folders::early(dice),
        };
        if dice.once_in(10) {
            folder = self.folders.grow(folder, dice, &self.vocabulary);
        }
        let mut file = File::new(folder, self.percent, dice, &self.vocabulary);
        if !self.taken.insert(self.folders.path(folder, &file.name)) {
            file.name = format!("{}.{}", self.files.len(), file.name);
            self.taken.insert(self.folders.path(folder, &file.name));
        }
        self.files.push(file);
        self.files.len() - 1
    }

    /// A file comes to the trunk.
    pub(crate) fn settle(&mut self, id: usize) {
        if let Some(file) = self.files.get(id) {
            self.folders.put(file.folder, id);
            self.alive.push(id);
        }
    }

    /// A file leaves the trunk for good.
    pub(crate) fn remove(&mut self, id: usize) {
        self.alive.retain(|alive| *alive != id);
        let path = self.path(id);
        self.taken.remove(&path);
        if let Some(file) = self.files.get_mut(id) {
            self.folders.take(file.folder, id);
            file.content = Vec::new();
        }
    }

    /// A file gets a new name where it is, or moves next to another.
    pub(crate) fn rename(&mut self, id: usize, dice: &mut Dice) {
        let near = if dice.once_in(2) { self.pick(dice) } else { None };
        let path = self.path(id);
        let moved_to = near.and_then(|near| self.files.get(near)).map(|file| file.folder);
        let Some(file) = self.files.get_mut(id) else { return };
        self.taken.remove(&path);
        self.folders.take(file.folder, id);
        file.folder = moved_to.unwrap_or(file.folder);
        file.name = format!("{}.{id}.{}", self.vocabulary.name(dice), ending(&file.name));
        self.folders.put(file.folder, id);
        self.taken.insert(self.folders.path(file.folder, &file.name));
    }

    /// A file of the trunk: old ones and large ones are touched more often.
    pub(crate) fn pick(&self, dice: &mut Dice) -> Option<usize> {
        let mut draw = || self.alive.get(dice.low_below(self.alive.len())).copied();
        let (first, second) = (draw()?, draw()?);
        let bytes = |id| self.file(id).map_or(0, |file| file.content.len());
        Some(if bytes(first) > bytes(second) { first } else { second })
    }

    /// One from the same folder.
    pub(crate) fn neighbour(&self, id: usize, dice: &mut Dice) -> Option<usize> {
        let files = self.folders.files(self.file(id)?.folder);
        files.get(dice.below(files.len())).copied()
    }

    pub(crate) fn path(&self, id: usize) -> String {
        self.file(id).map_or_else(String::new, |file| self.folders.path(file.folder, &file.name))
    }

    pub(crate) fn file(&self, id: usize) -> Option<&File> {
        self.files.get(id)
    }

    pub(crate) fn file_mut(&mut self, id: usize) -> Option<&mut File> {
        self.files.get_mut(id)
    }

    pub(crate) fn edit(&mut self, id: usize, dice: &mut Dice) {
        if let Some(file) = self.files.get_mut(id) {
            file.edit(dice, &self.vocabulary);
        }
    }

    pub(crate) fn alive(&self) -> &[usize] {
        &self.alive
    }

    /// How many tree objects change with these files.
    pub(crate) fn trees_above(&self, files: &[usize]) -> usize {
        let folders = files.iter().filter_map(|id| self.file(*id)).map(|file| file.folder);
        folders.flat_map(|folder| self.folders.upwards(folder)).collect::<HashSet<_>>().len()
    }
}

fn ending(name: &str) -> &str {
    name.split_once('.').map_or("txt", |(_, ending)| ending.rsplit('.').next().unwrap_or(ending))
}
