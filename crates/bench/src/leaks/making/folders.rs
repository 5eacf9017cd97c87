//! The folders of the code base, and which files lie in them.

use super::dice::Dice;
use super::vocabulary::Vocabulary;

/// Where a code base has its first folders.
const FIRST: &[&str] = &["src", "lib", "test", "docs", "scripts", "packages", "tools", "assets", "cli"];
const MODULES: usize = 60;
const DEEPEST: usize = 7;

struct Folder {
    path: String,
    parent: usize,
    depth: usize,
    files: Vec<usize>,
}

/// Folder 0 is the root.
pub(crate) struct Folders(Vec<Folder>);

impl Folders {
    pub(crate) fn new(dice: &mut Dice, vocabulary: &Vocabulary) -> Self {
        let root = Folder { path: String::new(), parent: 0, depth: 0, files: Vec::new() };
        let mut folders = Self(vec![root]);
        for name in FIRST {
            folders.add(0, name);
        }
        for _ in 0..MODULES {
            let parent = dice.between(1, FIRST.len());
            folders.add(parent, vocabulary.word(dice));
        }
        folders
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// One of the first few, which most else hangs under.
    pub(crate) fn early(dice: &mut Dice) -> usize {
        dice.between(1, FIRST.len() + MODULES)
    }

    /// A new folder in another; at the deepest, that one itself.
    pub(crate) fn grow(&mut self, parent: usize, dice: &mut Dice, vocabulary: &Vocabulary) -> usize {
        if self.0.get(parent).is_none_or(|parent| parent.depth >= DEEPEST) {
            return parent;
        }
        self.add(parent, &vocabulary.name(dice))
    }

    pub(crate) fn path(&self, folder: usize, name: &str) -> String {
        match self.0.get(folder) {
            Some(folder) if !folder.path.is_empty() => format!("{}/{name}", folder.path),
            _ => name.to_owned(),
        }
    }

    pub(crate) fn files(&self, folder: usize) -> &[usize] {
        self.0.get(folder).map_or(&[], |folder| &folder.files)
    }

    pub(crate) fn put(&mut self, folder: usize, file: usize) {
        if let Some(folder) = self.0.get_mut(folder) {
            folder.files.push(file);
        }
    }

    pub(crate) fn take(&mut self, folder: usize, file: usize) {
        if let Some(folder) = self.0.get_mut(folder) {
            folder.files.retain(|held| *held != file);
        }
    }

    /// The folder and those above it, up to the root.
    pub(crate) fn upwards(&self, folder: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(folder), |at| {
            (*at != 0).then(|| self.0.get(*at).map_or(0, |folder| folder.parent))
        })
    }

    fn add(&mut self, parent: usize, name: &str) -> usize {
        let path = self.path(parent, name);
        if let Some(there) = self.0.iter().position(|folder| folder.path == path) {
            return there;
        }
        let depth = self.0.get(parent).map_or(0, |parent| parent.depth) + 1;
        self.0.push(Folder { path, parent, depth, files: Vec::new() });
        self.0.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_know_what_is_above_them() {
        let mut dice = Dice::new(1);
        let vocabulary = Vocabulary::new(&mut dice);
        let mut folders = Folders::new(&mut dice, &vocabulary);
        let deep = folders.grow(1, &mut dice, &vocabulary);
        assert_eq!(folders.upwards(deep).collect::<Vec<_>>(), [deep, 1, 0]);
        assert!(folders.path(deep, "a").starts_with("src/"));
        let bottom = (0..20).fold(1, |at, _| folders.grow(at, &mut dice, &vocabulary));
        assert_eq!(folders.upwards(bottom).count(), DEEPEST + 1);
        folders.put(deep, 5);
        folders.take(deep, 5);
        assert!(folders.files(deep).is_empty());
    }
}
