//! Keys in stashes: of the work tree, of the index, of untracked files; and in one that was dropped.
use super::After;
use crate::history::Main;
use crate::scribe::{Page, Scribe};
use crate::stream::{Change, Mark, On};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Worktree,
    Index,
    Untracked,
}

pub(super) fn plant(scribe: &mut Scribe, main: &Main) -> Vec<After> {
    let mut after = Vec::new();
    for (number, hiding, part, is_kept) in [
        (0, "stash_worktree", Part::Worktree, true),
        (1, "stash_index", Part::Index, true),
        (2, "stash_untracked", Part::Untracked, true),
        (3, "stash_worktree", Part::Worktree, true),
        (4, "stash_dropped", Part::Worktree, false),
        (5, "stash_dropped", Part::Untracked, false),
    ] {
        let stash = stash(scribe, main, number, hiding, part);
        if is_kept {
            after.push(After::Point("refs/stash".to_owned(), stash));
        }
    }
    after
}

/// As `git stash --include-untracked` makes it: a commit over the base, the index and the untracked files.
fn stash(scribe: &mut Scribe, main: &Main, number: usize, hiding: &str, part: Part) -> Mark {
    let path = format!("apps/stashed-{number}.env");
    let branch = format!("refs/bed/stash-{number}");
    let (key, blob) = scribe.secret(&branch);
    let put = Change::Put("100644", blob, path.clone());
    let clean = Change::Put("100644", scribe.noise(), "apps/other.txt".to_owned());
    let base = main.tip.clone();
    let mut page = |branch: String, parents: &[On], changes: &[Change], message: &str| {
        scribe.commit(&Page { branch: &branch, parents, changes, message, ..Page::default() })
    };
    let staged = if part == Part::Index { put.clone() } else { clean.clone() };
    let index =
        page(format!("{branch}-i"), std::slice::from_ref(&base), &[staged], "index on main: 1 Go on\n");
    let mut parents = vec![base, On::Mark(index)];
    let mut holder = index;
    if part == Part::Untracked {
        let untracked =
            page(format!("{branch}-u"), &[], std::slice::from_ref(&put), "untracked files on main\n");
        parents.push(On::Mark(untracked));
        holder = untracked;
    }
    // What was staged is not in the work tree any more.
    let changed = if part == Part::Worktree { put } else { clean };
    let stash = page(branch.clone(), &parents, &[changed], "WIP on main: 1 Go on\n");
    if part == Part::Worktree {
        holder = stash;
    }
    scribe.plant_secret(&key, hiding, Some(&path), Some(holder), blob);
    stash
}
