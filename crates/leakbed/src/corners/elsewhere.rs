//! Keys in repositories beside: a submodule, a linked work tree, a repository in the tree, borrowed objects.
use crate::git::Git;
use crate::scribe::{Page, Scribe, Spot, entry};
use crate::stream::{Change, On, Storage};
use crate::tree::write;
use crate::trouble::Result;
use crate::truth::{ObjectKind, Place, Planted};

pub(super) fn plant(git: &Git, seed: u64, branch: &str) -> Result<Vec<Planted>> {
    let mut planted = submodule(git, seed)?;
    planted.extend(nested(git, seed)?);
    planted.extend(borrowed(git, seed)?);
    planted.extend(linked(git, seed, branch)?);
    Ok(planted)
}

/// Two commits: the first holds a key, the second no more.
fn two_commits(
    git: &Git,
    seed: u64,
    hiding: &str,
    repository: Option<&str>,
    branch: &str,
) -> Result<Vec<Planted>> {
    let mut scribe = Scribe::new(seed, hiding, 1_780_000_000);
    let (key, blob) = scribe.secret(hiding);
    let changes = [Change::Put("100644", blob, ".env".to_owned())];
    let first = scribe.commit(&Page { branch, changes: &changes, message: "Begin\n", ..Page::default() });
    let clean = scribe.noise();
    let changes = [Change::Put("100644", clean, ".env".to_owned())];
    let parents = [On::Mark(first)];
    scribe.commit(&Page {
        branch,
        parents: &parents,
        changes: &changes,
        message: "Go on\n",
        ..Page::default()
    });
    scribe.plant_secret(&key, hiding, Some(".env"), Some(first), blob);
    let (mut planted, _) = scribe.finish(git, Storage::Packed)?;
    for found in &mut planted {
        found.repository = repository.map(str::to_owned);
        if repository.is_some() {
            found.branches.extend(branch.strip_prefix("refs/heads/").map(str::to_owned));
        }
    }
    Ok(planted)
}

fn submodule(git: &Git, seed: u64) -> Result<Vec<Planted>> {
    let folder = git.folder().join(".git/modules/parts");
    let module = Git::at(&folder);
    module.init(&["--bare"])?;
    let planted = two_commits(&module, seed, "submodule", Some(".git/modules/parts"), "refs/heads/main")?;
    module.run(&["config", "core.bare", "false"])?;
    module.run(&["config", "core.worktree", "../../../parts"])?;
    write(git.folder(), "parts/.git", b"gitdir: ../.git/modules/parts\n")?;
    let tip = module.run(&["rev-parse", "refs/heads/main"])?;
    git.run(&["update-index", "--add", "--cacheinfo", &format!("160000,{tip},parts")])?;
    git.run(&["config", "submodule.parts.url", "https://git.corp.test/parts.git"])?;
    Ok(planted)
}

fn nested(git: &Git, seed: u64) -> Result<Vec<Planted>> {
    let inner = Git::at(&git.folder().join("local/nested"));
    inner.init(&[])?;
    two_commits(&inner, seed, "nested_repository", Some("local/nested"), "refs/heads/main")
}

/// Objects that lie in another folder of objects; a branch leads to them.
fn borrowed(git: &Git, seed: u64) -> Result<Vec<Planted>> {
    let spare = Git::at(&git.folder().join(".git/spare"));
    spare.init(&["--bare"])?;
    let planted = two_commits(&spare, seed, "alternate_objects", None, "refs/heads/main")?;
    let tip = spare.run(&["rev-parse", "refs/heads/main"])?;
    let file = git.folder().join(".git/objects/info/alternates");
    let before = std::fs::read_to_string(file).unwrap_or_default();
    write(git.folder(), ".git/objects/info/alternates", format!("{before}../spare/objects\n").as_bytes())?;
    git.point("refs/heads/borrowed", &tip, "borrow")?;
    Ok(planted)
}

/// A work tree linked to the repository, with a commit that only its own `HEAD` knows, and loose files.
fn linked(git: &Git, seed: u64, branch: &str) -> Result<Vec<Planted>> {
    git.run(&["worktree", "add", "--quiet", "--detach", "--no-checkout", "linked", branch])?;
    let tip = git.run(&["rev-parse", branch])?;
    let mut scribe = Scribe::new(seed, "linked", 1_780_000_000);
    let (key, blob) = scribe.secret("linked_head");
    let commit = scribe.commit(&Page {
        branch: "refs/bed/linked",
        parents: &[On::Oid(tip)],
        changes: &[Change::Put("100644", blob, "apps/linked.env".to_owned())],
        message: "On the side\n",
        ..Page::default()
    });
    scribe.plant_secret(&key, "linked_head", Some("apps/linked.env"), Some(commit), blob);
    let (file_key, _) = scribe.secret("linked_file");
    let (mut planted, oids) = scribe.finish(git, Storage::Loose)?;
    write(git.folder(), ".git/worktrees/linked/HEAD", format!("{}\n", oids.of(commit)?).as_bytes())?;
    git.run(&["update-ref", "-d", "refs/bed/linked"])?;
    write(git.folder(), "linked/notes.txt", format!("Key:\n{}\n", file_key.text).as_bytes())?;
    let spot = Spot {
        object: ObjectKind::File,
        path: Some("linked/notes.txt".to_owned()),
        lines: Some((2, 2)),
        ..Spot::corner("linked_file")
    };
    planted.push(entry(&file_key, Place::Tree, spot));
    Ok(planted)
}
