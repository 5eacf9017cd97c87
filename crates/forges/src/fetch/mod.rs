//! Brings a repository's commits into a bare folder of our own, with the `git` program run in a closed way.
//!
//! Nothing is checked out, no hook, filter or configuration of anybody's is heeded, no submodule followed. What was fetched
//! once stays, also when its branch is gone or moved: a key in it is out.

mod closed;
mod folder;

use std::path::{Path, PathBuf};
use std::time::Duration;

use model::{Blame, Report, Retry};

use crate::Forge;
use closed::Git;

/// All of one fetch.
const MAX_TIME: Duration = Duration::from_mins(15);
/// Of one repository on disk.
const MAX_BYTES: u64 = 8 << 30;
/// Commits that are asked for by id, because no ref leads to them any more.
const MAX_IDS: usize = 64;

/// What of our own environment a fetch needs.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Where programs are looked for: `PATH`.
    pub search_path: std::ffi::OsString,
    /// The proxies of the environment, by the names of their variables.
    pub proxies: Vec<(String, String)>,
}

/// Fetches into folders under one of its own.
#[derive(Clone, Debug)]
pub struct Fetcher {
    folder: PathBuf,
    surroundings: Surroundings,
}

/// What a fetch brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Commits that were asked for and are not to be had: what was in them was not seen.
    pub missing: Vec<String>,
}

impl Fetcher {
    /// A fetcher; the folder is made when it is needed, for its owner alone.
    pub fn new(folder: PathBuf, surroundings: Surroundings) -> Self {
        // Git is run elsewhere than here.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Self { folder, surroundings }
    }

    /// Where a repository of a forge lies.
    pub fn folder_of(&self, forge: &Forge, repository: &str) -> PathBuf {
        // A name's parts hold no `..`, and end in no `.git` folder of another.
        self.folder.join(forge.name.as_str()).join(format!("{}.git", repository.replace('/', "%2F")))
    }

    /// A folder for what is noted of the repositories here, made if it is not there.
    pub fn cursors(&self) -> std::io::Result<PathBuf> {
        // No forge's name begins with a dot.
        let folder = self.folder.join(".cursors");
        folder::make_private(&folder)?;
        Ok(folder)
    }

    /// Fetches all branches, tags and notes, and those of these commits that are still not there.
    pub async fn fetch(&self, forge: &Forge, repository: &str, ids: &[String]) -> Result<Fetched, Report> {
        let into = self.folder_of(forge, repository);
        let all = async {
            let git = self.git(forge, &into).map_err(|error| cannot(repository).caused_by(&error))?;
            fetch_refs(&git, forge, repository, &into).await?;
            Ok(fetch_ids(&git, &forge.address_of(repository), &into, ids).await)
        };
        tokio::time::timeout(MAX_TIME, all).await.unwrap_or_else(|_elapsed| {
            Err(cannot(repository)
                .because(format!("it took longer than {} minutes", MAX_TIME.as_secs() / 60)))
        })
    }

    fn git(&self, forge: &Forge, into: &Path) -> std::io::Result<Git> {
        folder::make_private(&self.folder)?;
        folder::make_private(into)?;
        Git::new(forge, &self.surroundings, MAX_BYTES)
    }
}

async fn fetch_refs(git: &Git, forge: &Forge, repository: &str, into: &Path) -> Result<(), Report> {
    if !into.join("HEAD").exists() {
        let made = git.run(&["init", "--quiet", "--bare", "--template="], into).await;
        made.map_err(|why| cannot(repository).because(why))?;
    }
    folder::unlock(into);
    let address = forge.address_of(repository);
    let mut words = vec!["fetch"];
    words.extend(FETCH);
    words.extend(["--", &address]);
    words.extend(["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", "+refs/notes/*:refs/notes/*"]);
    git.run(&words, into).await.map_err(|why| {
        cannot(repository)
            .because(why)
            .mend(format!("git ls-remote {address}   # as the user who runs keywright; `token` opens it"))
    })
}

/// One by one, as a server may give some and refuse others.
async fn fetch_ids(git: &Git, address: &str, into: &Path, ids: &[String]) -> Fetched {
    let mut fetched = Fetched::default();
    for id in ids.iter().take(MAX_IDS) {
        let there = format!("{id}^{{commit}}");
        if git.run(&["cat-file", "-e", &there], into).await.is_ok() {
            continue;
        }
        let to = format!("+{id}:refs/keywright/{id}");
        let mut words = vec!["fetch"];
        words.extend(FETCH);
        words.extend(["--", address, &to]);
        if git.run(&words, into).await.is_err() {
            fetched.missing.push(id.clone());
        }
    }
    fetched.missing.extend(ids.iter().skip(MAX_IDS).cloned());
    fetched
}

fn cannot(repository: &str) -> Report {
    Report::new(Blame::Remote, Retry::Later(None), format!("cannot fetch `{repository}`"))
}

/// How every fetch is done.
const FETCH: [&str; 8] = [
    "--quiet",
    // A branch `a` that is gone leaves no room for one called `a/b`. Nothing is collected, so its commits stay.
    "--prune",
    "--no-tags",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
    "--no-write-commit-graph",
    "--no-show-forced-updates",
];

#[cfg(test)]
mod tests;
