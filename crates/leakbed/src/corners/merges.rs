//! Keys that are in no parent of a merge: its own content.
use crate::history::Main;
use crate::scribe::{Page, Scribe};
use crate::stream::{Change, Mark, On};

pub(super) fn plant(scribe: &mut Scribe, main: &mut Main) {
    let both = "apps/merge/settings.env";
    let first = scribe.noise();
    main.commit(scribe, "Begin settings\n", &[Change::Put("100644", first, both.to_owned())]);
    for (number, path) in [(0, both), (1, "apps/merge/new.env"), (2, "apps/merge/gone.env")] {
        let side = side(scribe, main, number);
        let ours = scribe.noise();
        main.commit(scribe, "Go on\n", &[Change::Put("100644", ours, both.to_owned())]);
        let (key, blob) = scribe.secret(&format!("merge/{number}"));
        let commit = merge(scribe, main, &[side], blob, path);
        scribe.plant_secret(&key, "merge_own_content", Some(path), Some(commit), blob);
        if number != 1 {
            let clean = scribe.noise();
            main.commit(scribe, "Clean up\n", &[Change::Put("100644", clean, path.to_owned())]);
        }
    }
    let sides = [side(scribe, main, 10), side(scribe, main, 11), side(scribe, main, 12)];
    let (key, blob) = scribe.secret("merge/octopus");
    let path = "apps/merge/octopus.env";
    let commit = merge(scribe, main, &sides, blob, path);
    scribe.plant_secret(&key, "octopus_own_content", Some(path), Some(commit), blob);
    main.commit(scribe, "Clean up\n", &[Change::Remove(path.to_owned())]);
    let (key, blob) = scribe.secret("deleted at once");
    let path = "apps/at-once.env";
    let commit = main.commit(scribe, "Add settings\n", &[Change::Put("100644", blob, path.to_owned())]);
    scribe.plant_secret(&key, "deleted_file", Some(path), Some(commit), blob);
    main.commit(scribe, "Oh no\n", &[Change::Remove(path.to_owned())]);
}

/// A branch that changes the same file.
fn side(scribe: &mut Scribe, main: &Main, number: usize) -> Mark {
    let theirs = scribe.noise();
    scribe.commit(&Page {
        branch: &format!("refs/bed/side-{number}"),
        parents: std::slice::from_ref(&main.tip),
        changes: &[Change::Put("100644", theirs, format!("apps/merge/side-{number}.txt"))],
        message: "Another way\n",
        ..Page::default()
    })
}

fn merge(scribe: &mut Scribe, main: &mut Main, sides: &[Mark], blob: Mark, path: &str) -> Mark {
    let mut parents = vec![main.tip.clone()];
    parents.extend(sides.iter().map(|side| On::Mark(*side)));
    let changes = [Change::Put("100644", blob, path.to_owned())];
    let page = Page {
        branch: &main.branch,
        parents: &parents,
        changes: &changes,
        message: "Merge another way\n\nConflicts mended by hand.\n",
        ..Page::default()
    };
    let commit = scribe.commit(&page);
    main.tip = On::Mark(commit);
    commit
}
