//! What a push brings: the objects that new tips have and old ones have not.

mod commits;
mod content;
mod names;

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use gix_hash::ObjectId;
use gix_object::Kind;

use self::commits::Commits;
use self::content::Content;
use super::fault::Error;
use super::findings::{Known, report_hits};
use super::folder::Folder;
use super::graph::Graph;
use super::objects::{Places, Stores};
use super::refs::{Refs, id_of};
use super::tips::{Tip, TipKind, Tips};
use super::trace::Tracer;
use super::visitor::{Searcher, distinct};
use crate::{Contents, Limits, Report, Unread, Why};

/// What is new, and what is old.
#[derive(Clone, Debug, Default)]
pub struct Range {
    /// Names, such as `refs/heads/main`, and ids in hex of what is to be read. An id of zeros, as a deletion has, is
    /// passed by.
    pub new: Vec<(String, String)>,
    /// Ids in hex of what is known already. One of zeros, or that is not there, is passed by.
    pub old: Vec<String>,
    /// What is old beside.
    pub known: KnownRefs,
    /// Folders of objects beside the repository's own, such as the quarantine of a push that is received.
    pub quarantine: Vec<PathBuf>,
}

/// Which refs count as old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KnownRefs {
    /// None.
    #[default]
    Nothing,
    /// Those that follow a remote: for what is about to be pushed.
    Remotes,
    /// All: for what is being received.
    All,
}

impl KnownRefs {
    fn includes(self, name: &[u8]) -> bool {
        match self {
            Self::Nothing => false,
            Self::Remotes => name.starts_with(b"refs/remotes/"),
            Self::All => name.starts_with(b"refs/"),
        }
    }
}

/// Reads what can be reached from new tips and not from old ones.
pub fn range(
    repository: &Path,
    range: &Range,
    contents: &Contents,
    limits: &Limits,
    report: &mut Report,
) -> Result<(), Error> {
    let folder = Folder::find(repository).ok_or_else(|| Error::NoRepository(repository.to_owned()))?;
    report.tally.repositories += 1;
    let hash = folder.hash();
    let mut folders = vec![folder.common.join("objects")];
    folders.extend(range.quarantine.iter().cloned());
    let stores = Stores::open(&Places { folders, hash }, limits);

    let mut commits = Commits::new(&stores);
    for id in range.old.iter().filter_map(|id| id_of(id.as_bytes())) {
        commits.old(id);
    }
    let mut refs = Refs::default();
    if range.known != KnownRefs::Nothing {
        refs.read(&folder.common, "");
        for unread in refs.unread.drain(..) {
            let what = [folder.common.as_os_str().as_bytes(), &unread.what].join(&b'/');
            report.pass_by(Unread { what, why: unread.why }, limits);
        }
        refs.targets
            .iter()
            .filter(|(name, _)| range.known.includes(name))
            .for_each(|(_, id)| commits.old(*id));
    }
    let mut content = Content::new(Searcher::new(contents, limits, hash), &stores, hash);
    let mut tips = Tips::default();
    let mut names = Vec::new();
    for (name, id) in &range.new {
        let id = id_of(id.as_bytes()).ok_or_else(|| Error::NoObject(id.clone()))?;
        if id.is_null() {
            continue;
        }
        names.push(name.as_str());
        tips.add(Tip { kind: TipKind::Branch, name: name.clone(), target: id });
        if let Some(commit) = content.tip(id).map_err(Error::NoObject)? {
            commits.new_tip(commit);
        }
    }
    // What is there at the other side, refs here do not tell.
    let there = if range.known == KnownRefs::All { refs } else { Refs::default() };
    names::search(&names, &there, &folder.name, contents, limits, report);
    commits.walk();
    for id in &commits.missing {
        content.tell(Kind::Commit, id, Why::Broken("it is not there".to_owned()));
    }
    for commit in commits.fresh() {
        content.commit(&commit);
    }

    let mut searcher = content.searcher;
    report.tally += searcher.tally;
    report.more_findings += searcher.more_hits;
    report.more_unread += searcher.more_unread;
    for unread in searcher.unread.drain(..) {
        report.pass_by(unread, limits);
    }
    let hits = distinct(std::mem::take(&mut searcher.hits).into_iter());
    if hits.is_empty() {
        return Ok(());
    }
    let wanted: HashSet<ObjectId> = hits.iter().map(|hit| hit.object).collect();
    let old = content::held(&commits.borders(), &wanted, &stores, hash);
    let hits = hits.into_iter().filter(|hit| !old.contains(&hit.object)).collect();
    let graph = Graph::new(std::iter::once(&mut searcher.record));
    let heads = tips.iter().flat_map(|tip| graph.peel(tip.target).collect::<Vec<_>>()).collect();
    let tracer = Tracer {
        graph: &graph,
        trees: vec![&searcher.record.trees],
        tips: &tips,
        heads,
        stores: &stores,
        hash,
    };
    let known = Known { folder: &folder, has_remote: true, staged: &HashMap::new() };
    report_hits(hits, &tracer, &known, limits, report);
    Ok(())
}
