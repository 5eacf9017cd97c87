//! Plants every hiding place in a file into commits: kept, deleted, replaced, renamed, on branches, merged.
use crate::chance::Chance;
use crate::hiding::Hiding;
use crate::hidings;
use crate::scribe::{Page, Scribe, Spot};
use crate::stream::{Change, Mark, On};
use crate::trouble::Result;
use crate::truth::ObjectKind;

/// The default branch, as it grows.
#[derive(Debug)]
pub(crate) struct Main {
    pub(crate) branch: String,
    pub(crate) tip: On,
    /// Commits of before, that branches begin at.
    pub(crate) old: Vec<String>,
    /// How far the remote's branch is.
    pub(crate) pushed: Option<Mark>,
}

impl Main {
    /// One more commit on the default branch.
    pub(crate) fn commit(&mut self, scribe: &mut Scribe, message: &str, changes: &[Change]) -> Mark {
        let parents = [self.tip.clone()];
        let page = Page { branch: &self.branch, parents: &parents, changes, message, ..Page::default() };
        let mark = scribe.commit(&page);
        self.tip = On::Mark(mark);
        mark
    }
}

/// What becomes of a file with a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Fate {
    #[default]
    Kept,
    Deleted,
    Replaced,
    Renamed,
    Branch,
    Merged,
    MergedDeleted,
}

const FATES: [(Fate, &str); 7] = [
    (Fate::Kept, "kept"),
    (Fate::Deleted, "deleted"),
    (Fate::Replaced, "replaced"),
    (Fate::Renamed, "renamed"),
    (Fate::Branch, "branch"),
    (Fate::Merged, "merged"),
    (Fate::MergedDeleted, "merged_deleted"),
];

/// Every hiding place once.
pub(crate) fn plant(scribe: &mut Scribe, main: &mut Main) -> Result<()> {
    let mut chance = Chance::of(scribe.seed, "fates");
    let mut order: Vec<(usize, &Hiding)> =
        hidings::all().filter(|hiding| hiding.steady).enumerate().collect();
    order.sort_by_cached_key(|_| chance.number());
    let mut topics = Topics::default();
    let mut later: Vec<(usize, &str, Vec<Change>)> = Vec::new();
    let half = order.len() / 2;
    for (turn, (number, hiding)) in order.into_iter().enumerate() {
        let (key, hidden, blob) =
            scribe.hidden(hiding, &format!("history/{}/{}", hiding.name, hiding.file))?;
        let (fate, said) = chance.one_of(&FATES);
        let folder = format!("apps/{}-{number}", hiding.name.replace('_', "-"));
        let path = format!("{folder}/{}", hiding.file);
        let put = Change::Put("100644", blob, path.clone());
        let commit = match fate {
            Fate::Kept | Fate::Deleted | Fate::Replaced | Fate::Renamed => {
                main.commit(scribe, &format!("Add {folder}\n"), &[put])
            }
            Fate::Branch => topics.commit(scribe, main, &mut chance, &folder, put),
            Fate::Merged | Fate::MergedDeleted => {
                let commit = topics.commit(scribe, main, &mut chance, &folder, put);
                topics.merge(scribe, main);
                commit
            }
        };
        let due = turn + 1 + chance.below(4);
        match fate {
            Fate::Deleted | Fate::MergedDeleted => {
                later.push((due, "Remove", vec![Change::Remove(path.clone())]));
            }
            Fate::Replaced => {
                let clean = scribe.noise();
                later.push((
                    due,
                    "Take it from the vault in",
                    vec![Change::Put("100644", clean, path.clone())],
                ));
            }
            Fate::Renamed => {
                let to = format!("apps/moved/{number}/{}", hiding.file);
                later.push((due, "Move", vec![Change::Rename(path.clone(), to)]));
            }
            Fate::Kept | Fate::Branch | Fate::Merged => {}
        }
        let spot = Spot {
            hiding: hiding.name,
            asked: hiding.asked,
            wrapping: hiding.wrapping,
            object: ObjectKind::Blob,
            path: Some(path),
            lines: hidden.lines,
            fate: said,
        };
        scribe.plant(&key, spot, Some(commit), Some(blob));
        let (now, rest) = later.into_iter().partition(|(due, ..)| *due <= turn);
        later = rest;
        tidy_up(scribe, main, now);
        if let (On::Mark(tip), true) = (&main.tip, turn == half) {
            main.pushed = Some(*tip);
        }
    }
    tidy_up(scribe, main, later);
    Ok(())
}

fn tidy_up(scribe: &mut Scribe, main: &mut Main, now: Vec<(usize, &str, Vec<Change>)>) {
    for (_, verb, changes) in now {
        main.commit(scribe, &format!("{verb} settings\n"), &changes);
    }
}

/// Branches that begin somewhere in the old history.
#[derive(Debug, Default)]
struct Topics {
    count: usize,
    name: String,
    tip: Option<Mark>,
    /// Files of the branch that the default branch does not have yet.
    pending: Vec<Change>,
    commits: usize,
}

impl Topics {
    fn commit(
        &mut self,
        scribe: &mut Scribe,
        main: &Main,
        chance: &mut Chance,
        what: &str,
        put: Change,
    ) -> Mark {
        if self.tip.is_none() || self.commits >= 4 {
            self.count += 1;
            self.name = format!("refs/heads/topic/{:02}", self.count);
            self.tip = None;
            self.commits = 0;
            self.pending.clear();
        }
        let old = main.old.get(chance.below(main.old.len())).cloned();
        let parent = self.tip.map(On::Mark).or_else(|| old.map(On::Oid)).unwrap_or_else(|| main.tip.clone());
        self.pending.push(put.clone());
        self.commits += 1;
        let parents = [parent];
        let message = format!("Try {what}\n\nNot for release.\n");
        let page = Page {
            branch: &self.name,
            parents: &parents,
            changes: &[put],
            message: &message,
            ..Page::default()
        };
        let mark = scribe.commit(&page);
        self.tip = Some(mark);
        mark
    }

    fn merge(&mut self, scribe: &mut Scribe, main: &mut Main) {
        let Some(tip) = self.tip else { return };
        let parents = [main.tip.clone(), On::Mark(tip)];
        let changes = std::mem::take(&mut self.pending);
        let message = format!("Merge {}\n", self.name);
        let page = Page {
            branch: &main.branch,
            parents: &parents,
            changes: &changes,
            message: &message,
            ..Page::default()
        };
        main.tip = On::Mark(scribe.commit(&page));
    }
}
