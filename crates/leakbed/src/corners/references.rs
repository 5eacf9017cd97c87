//! Keys in commits that only an unusual reference, or only a log, leads to; and in names of references.
use super::After;
use crate::hiding::Fits;
use crate::history::Main;
use crate::scribe::{Page, Scribe, Spot};
use crate::stream::{Change, Mark, On};
use crate::truth::ObjectKind;

pub(super) fn plant(scribe: &mut Scribe, main: &Main) -> Vec<After> {
    let mut after = Vec::new();
    for (hiding, reference) in [
        ("bisect_ref", "refs/bisect/bad"),
        ("worktree_ref", "refs/worktree/kept"),
        ("original_ref", "refs/original/refs/heads/topic"),
        ("pull_ref", "refs/pull/17/head"),
        ("custom_ref", "refs/deploys/2026-05-04"),
        ("remote_branch", "refs/remotes/fork/topic"),
        ("lightweight_tag", "refs/tags/before-the-move"),
    ] {
        let commit = lone(scribe, main, hiding);
        after.push(After::Point(reference.to_owned(), commit));
    }
    for (hiding, reference) in [("reflog_only", "refs/heads/moved-on"), ("reflog_only", "refs/heads/reset")] {
        let commit = lone(scribe, main, &format!("{hiding}/{}", reference.len()));
        after.push(After::PointAndMoveOn(reference.to_owned(), commit));
    }
    after.push(After::Head("ORIG_HEAD", lone(scribe, main, "orig_head")));
    after.push(After::Head("AUTO_MERGE", lone(scribe, main, "auto_merge")));
    let (key, blob) = scribe.secret("blob_ref");
    scribe.plant_secret(&key, "blob_ref", None, None, blob);
    after.push(After::Point("refs/tags/settings".to_owned(), blob));
    let (key, blob) = scribe.secret("replace_ref");
    let old = scribe.noise();
    scribe.plant_secret(&key, "replace_ref", None, None, blob);
    after.push(After::Replace { old, new: blob });
    orphan(scribe);
    for (hiding, template) in [
        ("branch_name", "refs/heads/use-¤"),
        ("branch_name", "refs/heads/keys/¤"),
        ("tag_name", "refs/tags/¤"),
    ] {
        let (key, _) = scribe.key(template, Fits::Prefixed);
        let name = template.replace('¤', &key.text);
        scribe.stream.point(&name, &main.tip);
        let spot = Spot { object: ObjectKind::RefName, path: Some(name), ..Spot::corner(hiding) };
        scribe.plant(&key, spot, None, None);
    }
    after
}

/// A commit over the default branch that nothing else leads to.
fn lone(scribe: &mut Scribe, main: &Main, name: &str) -> Mark {
    let hiding = name.split('/').next().unwrap_or(name);
    let (key, blob) = scribe.secret(name);
    let path = "apps/lone.env";
    let commit = scribe.commit(&Page {
        branch: &format!("refs/bed/{name}"),
        parents: std::slice::from_ref(&main.tip),
        changes: &[Change::Put("100644", blob, path.to_owned())],
        message: "Try it\n",
        ..Page::default()
    });
    scribe.plant_secret(&key, hiding, Some(path), Some(commit), blob);
    commit
}

/// A branch of its own without a common beginning, whose first commit holds the key.
fn orphan(scribe: &mut Scribe) {
    let branch = "refs/heads/gh-pages";
    let (key, blob) = scribe.secret(branch);
    let path = "env.txt";
    let changes = [Change::Put("100644", blob, path.to_owned())];
    let commit = scribe.commit(&Page { branch, changes: &changes, message: "Pages\n", ..Page::default() });
    scribe.plant_secret(&key, "root_commit", Some(path), Some(commit), blob);
    scribe.commit(&Page {
        branch,
        parents: &[On::Mark(commit)],
        changes: &[Change::Clear],
        message: "Empty\n",
        ..Page::default()
    });
}
