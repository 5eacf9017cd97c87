//! Writes commits one after another and keeps the book of what was planted with them.
use crate::chance::Chance;
use crate::git::Git;
use crate::hiding::{Fits, Hidden, Hiding};
use crate::keys::Key;
use crate::stream::{Change, Draft, Mark, Oids, On, Storage, Stream};
use crate::trouble::Result;
use crate::truth::{ObjectKind, Place, Planted, fingerprint};
use std::collections::HashMap;

/// Who writes commits.
const AUTHORS: [&str; 6] = [
    "Ana Example <ana@corp.test>",
    "Ben Muster <ben@corp.test>",
    "Chloé Exemple <chloe@corp.test>",
    "deploy[bot] <deploy@ci.corp.test>",
    "Dmitri <dmitri@corp.test>",
    "Eve Contractor <eve@agency.test>",
];

/// Where a key is put; what is only known later is not in it.
#[derive(Debug, Clone)]
pub(crate) struct Spot<'a> {
    pub(crate) hiding: &'a str,
    pub(crate) asked: bool,
    pub(crate) wrapping: &'a [&'a str],
    pub(crate) object: ObjectKind,
    pub(crate) path: Option<String>,
    pub(crate) lines: Option<(usize, usize)>,
    pub(crate) fate: &'a str,
}

/// Corners of git that every search has to know.
const ASKED: [&str; 13] = [
    "commit_message",
    "tag_message",
    "note",
    "deleted_file",
    "unreachable_packed_blob",
    "unreachable_packed_commit",
    "unreachable_loose_blob",
    "unreachable_loose_commit",
    "stash_worktree",
    "stash_index",
    "stash_untracked",
    "merge_own_content",
    "octopus_own_content",
];

impl<'a> Spot<'a> {
    /// A file's content in a corner of git.
    pub(crate) fn corner(hiding: &'a str) -> Self {
        Self {
            hiding,
            asked: ASKED.contains(&hiding),
            wrapping: &[],
            object: ObjectKind::Blob,
            path: None,
            lines: None,
            fate: "corner",
        }
    }
}

/// The entry of a key in the truth.
pub(crate) fn entry(key: &Key, place: Place, spot: Spot<'_>) -> Planted {
    let last_four: String = key.text.chars().skip(key.text.chars().count().saturating_sub(4)).collect();
    Planted {
        id: String::new(),
        hiding: spot.hiding.to_owned(),
        asked: spot.asked,
        place,
        kind: key.kind,
        fingerprint: fingerprint(&key.text),
        last_four,
        object: spot.object,
        path: spot.path,
        line: spot.lines.map(|(first, _)| first),
        last_line: spot.lines.map(|(_, last)| last),
        wrapping: spot.wrapping.iter().map(ToString::to_string).collect(),
        oid: None,
        commit: None,
        author: None,
        authored_s: None,
        repository: None,
        in_head: false,
        branches: Vec::new(),
        pushed: false,
        fate: spot.fate.to_owned(),
    }
}

/// One stream of commits, and what they hold.
#[derive(Debug)]
pub(crate) struct Scribe {
    pub(crate) seed: u64,
    pub(crate) stream: Stream,
    chance: Chance,
    clock_s: i64,
    written: HashMap<Mark, Written>,
    plants: Vec<(Planted, Option<Mark>, Option<Mark>)>,
}

#[derive(Debug)]
struct Written {
    author: String,
    at_s: i64,
}

/// A commit to be made; what is not said is made up.
#[derive(Debug, Default)]
pub(crate) struct Page<'a> {
    pub(crate) branch: &'a str,
    pub(crate) parents: &'a [On],
    pub(crate) changes: &'a [Change],
    pub(crate) message: &'a str,
    pub(crate) author: Option<&'a str>,
    pub(crate) committer: Option<&'a str>,
}

impl Scribe {
    /// Begins with a commit after `clock_s`.
    pub(crate) fn new(seed: u64, name: &str, clock_s: i64) -> Self {
        Self {
            seed,
            stream: Stream::default(),
            chance: Chance::of(seed, name),
            clock_s,
            written: HashMap::new(),
            plants: Vec::new(),
        }
    }

    /// Chance and a key for a place of that name.
    pub(crate) fn key(&self, name: &str, fits: Fits) -> (Key, Chance) {
        let mut chance = Chance::of(self.seed, name);
        let key = fits.key(&mut chance);
        (key, chance)
    }

    /// A file with a key, not yet in any commit.
    pub(crate) fn hidden(&mut self, hiding: &Hiding, name: &str) -> Result<(Key, Hidden, Mark)> {
        let (key, mut chance) = self.key(name, hiding.fits);
        let hidden = hiding.hide(&key.text, &mut chance)?;
        let blob = self.stream.blob(&hidden.bytes);
        Ok((key, hidden, blob))
    }

    /// Some prose as a file.
    pub(crate) fn noise(&mut self) -> Mark {
        let size = 300 + self.chance.below(1500);
        let prose = self.chance.prose(size);
        self.stream.blob(prose.as_bytes())
    }

    /// Writes a commit, which becomes the tip of its branch.
    pub(crate) fn commit(&mut self, page: &Page<'_>) -> Mark {
        self.clock_s += 600 + i64::try_from(self.chance.below(9000)).unwrap_or_default();
        let author = page.author.unwrap_or_else(|| self.chance.one_of(&AUTHORS));
        let mark = self.stream.commit(&Draft {
            branch: page.branch,
            parents: page.parents,
            author,
            committer: page.committer.unwrap_or(author),
            at_s: self.clock_s,
            message: page.message.as_bytes(),
            changes: page.changes,
        });
        self.written.insert(mark, Written { author: author.to_owned(), at_s: self.clock_s });
        mark
    }

    /// A small file of settings with a key on its second line.
    pub(crate) fn secret(&mut self, name: &str) -> (Key, Mark) {
        let (key, mut chance) = self.key(name, Fits::Any);
        let text = format!("PORT=8080\nN8N_API_KEY={}\n# {}", key.text, chance.prose(200));
        (key, self.stream.blob(text.as_bytes()))
    }

    /// Notes that a file made by [`Self::secret`] lies there.
    pub(crate) fn plant_secret(
        &mut self,
        key: &Key,
        hiding: &str,
        path: Option<&str>,
        commit: Option<Mark>,
        blob: Mark,
    ) {
        let spot = Spot { path: path.map(str::to_owned), lines: Some((2, 2)), ..Spot::corner(hiding) };
        self.plant(key, spot, commit, Some(blob));
    }

    /// Notes that a key lies there.
    pub(crate) fn plant(&mut self, key: &Key, spot: Spot<'_>, commit: Option<Mark>, object: Option<Mark>) {
        self.plants.push((entry(key, Place::History, spot), commit, object));
    }

    /// Has git make everything; what was planted then has its objects and commits.
    pub(crate) fn finish(self, git: &Git, storage: Storage) -> Result<(Vec<Planted>, Oids)> {
        let oids = self.stream.import(git, storage)?;
        let mut planted = Vec::new();
        for (mut entry, commit, object) in self.plants {
            if let Some(written) = commit.and_then(|commit| self.written.get(&commit)) {
                entry.author = Some(written.author.clone());
                entry.authored_s = Some(written.at_s);
            }
            entry.commit = commit.map(|mark| oids.of(mark)).transpose()?;
            entry.oid = object.map(|mark| oids.of(mark)).transpose()?;
            planted.push(entry);
        }
        Ok((planted, oids))
    }
}
