//! The copy of a repository, and the order in which it is planted.
use crate::git::Git;
use crate::history::{self, Main};
use crate::scribe::Scribe;
use crate::stream::{Change, On, Storage};
use crate::trouble::{Doing as _, Result, Trouble};
use crate::truth::{Decoy, Place, Planted, Truth};
use crate::{corners, decoys, holders, traps, tree};
use std::path::Path;

/// Copies and plants.
pub(crate) fn planted(src: &Path, dest: &Path, seed: u64) -> Result<Truth> {
    let git = copied(src, dest)?;
    let branch = git.run(&["symbolic-ref", "HEAD"])?;
    let began_at = git.run(&["rev-parse", "--verify", "HEAD"])?;
    let before = holders::tips(&git)?;
    let clock_s = git.run(&["show", "--no-patch", "--format=%ct", "HEAD"])?.parse().unwrap_or(1_700_000_000);
    let old: Vec<String> =
        git.run(&["rev-list", "--max-count=4000", "HEAD"])?.lines().map(str::to_owned).collect();
    let mut main = Main { branch: branch.clone(), tip: On::Oid(began_at.clone()), old, pushed: None };
    let mut scribe = Scribe::new(seed, "commits", clock_s);
    let mut decoys = commit_decoys(&mut scribe, &mut main);
    history::plant(&mut scribe, &mut main)?;
    let after = corners::in_history(&mut scribe, &mut main);
    if let (Some(pushed), Some(short)) = (main.pushed, branch.strip_prefix("refs/heads/")) {
        scribe.stream.point(&format!("refs/remotes/origin/{short}"), &On::Mark(pushed));
    }
    let (mut planted, oids) = scribe.finish(&git, Storage::Packed)?;
    let tip = git.run(&["rev-parse", "--verify", "HEAD"])?;
    corners::afterwards(&git, &after, &oids, &tip)?;
    check_out(&git)?;
    planted.extend(corners::around(&git, seed, &tip, &branch)?);
    planted.extend(tree::plant(&git, seed)?);
    holders::look(&git, &before, &mut planted)?;
    for (content, decoy) in decoys::all(seed, Place::Tree) {
        tree::write(git.folder(), &decoy.path, &content)?;
        decoys.push(decoy);
    }
    let traps = traps::set(&git)?;
    number(&mut planted, &mut decoys);
    Ok(Truth { seed, began_at, planted, decoys, traps })
}

/// All in one commit; what is in the last commit is in the work tree too.
fn commit_decoys(scribe: &mut Scribe, main: &mut Main) -> Vec<Decoy> {
    let mut changes = Vec::new();
    let mut decoys = Vec::new();
    for (content, decoy) in decoys::all(scribe.seed, Place::History) {
        changes.push(Change::Put("100644", scribe.stream.blob(&content), decoy.path.clone()));
        decoys.push(decoy);
    }
    let rules = scribe.stream.blob(traps::ATTRIBUTES.as_bytes());
    changes.push(Change::Put("100644", rules, ".gitattributes".to_owned()));
    main.commit(scribe, "Write down what keys do not look like\n", &changes);
    decoys
}

/// All references and objects of `src`; nothing is checked out yet.
fn copied(src: &Path, dest: &Path) -> Result<Git> {
    if dest.exists() {
        return Err(Trouble::new(dest.display().to_string(), "it is there already"));
    }
    std::fs::create_dir_all(dest).doing("the copy's folder")?;
    let src = src.canonicalize().doing("the repository to copy")?;
    let git = Git::at(dest);
    let from = src.to_string_lossy();
    git.run(&["clone", "--quiet", "--mirror", "--template=", "--", &from, ".git"])?;
    git.run(&["config", "--unset", "remote.origin.mirror"])?;
    git.run(&["config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"])?;
    git.run(&["config", "core.bare", "false"])?;
    Ok(git)
}

fn check_out(git: &Git) -> Result<()> {
    git.run(&["read-tree", "HEAD"])?;
    git.run(&["checkout-index", "--all", "--force", "--quiet"]).map(drop)
}

fn number(planted: &mut [Planted], decoys: &mut [Decoy]) {
    let mut counts = [0_usize; 2];
    for entry in planted {
        let [history, tree] = &mut counts;
        let (letter, count) = match entry.place {
            Place::History => ('h', history),
            Place::Tree => ('t', tree),
        };
        *count += 1;
        entry.id = format!("{letter}{count:03}");
    }
    for (index, decoy) in decoys.iter_mut().enumerate() {
        decoy.id = format!("d{:03}", index + 1);
    }
}
