//! Which branches hold what was planted, and whether the last commit of the default branch does.
use crate::git::Git;
use crate::trouble::Result;
use crate::truth::{ObjectKind, Planted};
use std::collections::{HashMap, HashSet};

/// The objects that references point at.
pub(crate) fn tips(git: &Git) -> Result<HashSet<String>> {
    let listed = git.run(&["for-each-ref", "--format=%(objectname)"])?;
    Ok(listed.lines().map(str::to_owned).collect())
}

/// Fills in what only the whole repository tells. `before` is what references pointed at when nothing was planted.
pub(crate) fn look(git: &Git, before: &HashSet<String>, planted: &mut [Planted]) -> Result<()> {
    look_into_branches(git, before, planted)?;
    look_into_head(git, planted)
}

fn look_into_branches(git: &Git, before: &HashSet<String>, planted: &mut [Planted]) -> Result<()> {
    let excluded: Vec<String> = before.iter().map(|oid| format!("^{oid}\n")).collect();
    let listed = git.feed(
        &["rev-list", "--parents", "--branches", "--remotes", "--stdin"],
        excluded.concat().as_bytes(),
    )?;
    let parents: HashMap<&str, Vec<&str>> = listed
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.collect()))
        })
        .collect();
    let format = "--format=%(objectname) %(refname)";
    let branches = git.run(&["for-each-ref", format, "refs/heads/", "refs/remotes/"])?;
    let mut histories: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (tip, name) in branches.lines().filter_map(|line| line.split_once(' ')) {
        let history = histories.entry(tip).or_insert_with(|| history(&parents, tip));
        for entry in planted.iter_mut().filter(|entry| entry.repository.is_none()) {
            if entry.commit.as_ref().is_some_and(|commit| history.contains(commit.as_str())) {
                entry.branches.extend(name.strip_prefix("refs/heads/").map(str::to_owned));
                entry.pushed |= name.starts_with("refs/remotes/");
            }
        }
    }
    Ok(())
}

/// Commits that were not there before, and that this one stands on.
fn history<'a>(parents: &HashMap<&'a str, Vec<&'a str>>, tip: &str) -> HashSet<&'a str> {
    let mut seen = HashSet::new();
    let mut next = vec![tip];
    while let Some(oid) = next.pop() {
        if let Some((oid, parents)) = parents.get_key_value(oid)
            && seen.insert(*oid)
        {
            next.extend(parents);
        }
    }
    seen
}

fn look_into_head(git: &Git, planted: &mut [Planted]) -> Result<()> {
    let listed = git.raw(&["ls-tree", "-r", "-z", "HEAD"], b"")?;
    let mut oids = HashSet::new();
    let mut paths = HashSet::new();
    for line in listed.split(|byte| *byte == 0) {
        let line = String::from_utf8_lossy(line);
        let Some((head, path)) = line.split_once('\t') else { continue };
        oids.extend(head.rsplit(' ').next().map(str::to_owned));
        paths.insert(path.to_owned());
    }
    for entry in planted {
        entry.in_head = match entry.object {
            ObjectKind::Blob => entry.oid.as_ref().is_some_and(|oid| oids.contains(oid)),
            ObjectKind::PathName => entry.path.as_ref().is_some_and(|path| paths.contains(path)),
            _ => false,
        };
    }
    Ok(())
}
