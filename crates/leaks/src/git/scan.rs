//! A whole repository: objects, what lies beside them, its work trees and submodules.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::beside::Beside;
use super::cursor::{Kept, Mark};
use super::fault::Error;
use super::findings::{Known, report_hits};
use super::folder::Folder;
use super::graph::Graph;
use super::index::staged_paths;
use super::objects::{Places, Stores};
use super::refs::Refs;
use super::tips::Tips;
use super::trace::Tracer;
use super::visitor::{Searcher, distinct};
use crate::{Contents, Limits, Report, Unread, Why};

/// Submodules of submodules and so on.
const MAX_REPOSITORIES: usize = 10_000;

/// How a repository is read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How much.
    pub limits: Limits,
    /// Read only what is new since the last time, by what is kept in this folder.
    pub cursors: Option<PathBuf>,
}

/// What a scan leaves for the next time.
#[derive(Debug, Default)]
#[must_use = "it is kept when the report was shown"]
pub struct Scanned {
    marks: Vec<Mark>,
    /// Repositories of which all was read, since what was kept of the last time could not be used; and why.
    pub unusable: Vec<(PathBuf, String)>,
}

impl Scanned {
    /// Keeps it in a folder of cursors, once the report is safe.
    pub fn keep(&self, cursors: &Path) -> std::io::Result<()> {
        self.marks.iter().try_for_each(|mark| mark.save(cursors))
    }
}

/// Reads a work tree's repository, a bare one or a git folder, and the submodules that it holds.
pub fn scan(
    repository: &Path,
    contents: &Contents,
    options: &Options,
    report: &mut Report,
) -> Result<Scanned, Error> {
    let folder = Folder::find(repository).ok_or_else(|| Error::NoRepository(repository.to_owned()))?;
    let root = canonical(&folder.common)?;
    let mut scanned = Scanned::default();
    let mut known = HashSet::from([root.clone()]);
    let mut next = vec![folder];
    while let Some(folder) = next.pop() {
        let modules = one(&folder, contents, options, report, &mut scanned);
        for module in modules {
            let folder = Folder::at(module.clone(), module.clone(), false);
            match canonical(&folder.common) {
                Ok(common) if !common.starts_with(&root) => {
                    let why =
                        Why::Unsupported("a submodule that lies outside of the repository's git folder");
                    report.pass_by(Unread { what: bytes_of(&module), why }, &options.limits);
                }
                Ok(_) if known.len() >= MAX_REPOSITORIES => {
                    let why = Why::Limit("submodules");
                    report.pass_by(Unread { what: bytes_of(&module), why }, &options.limits);
                }
                Ok(common) => {
                    if known.insert(common) {
                        next.push(folder);
                    }
                }
                Err(error) => {
                    let why = Why::System(error.to_string());
                    report.pass_by(Unread { what: bytes_of(&module), why }, &options.limits);
                }
            }
        }
    }
    Ok(scanned)
}

/// Reads one repository; what submodules it holds.
fn one(
    folder: &Folder,
    contents: &Contents,
    options: &Options,
    report: &mut Report,
    scanned: &mut Scanned,
) -> Vec<PathBuf> {
    let limits = &options.limits;
    report.tally.repositories += 1;
    let refs = all_refs(folder, limits, report);
    let mut tips = Tips::default();
    tips.add_refs(&refs);
    let mut beside = Beside::new(folder, contents, limits, report, &mut tips);
    beside.names(&refs);
    beside.read();
    let modules = std::mem::take(&mut beside.modules);

    let since = since(folder, options, scanned);
    let places = Places { folders: vec![folder.common.join("objects")], hash: folder.hash() };
    let stores = Stores::open(&places, limits);
    if stores.is_partial() {
        let why = Why::Unsupported("a partial clone: what was not fetched was not read");
        report.pass_by(Unread { what: bytes_of(&folder.common.join("objects")), why }, limits);
    }
    let shallow = folder.common.join("shallow");
    if shallow.symlink_metadata().is_ok_and(|file| file.len() > 0) {
        let why = Why::Unsupported("a shallow clone: the older history was not fetched, and not read");
        report.pass_by(Unread { what: bytes_of(&shallow), why }, limits);
    }
    let hash = folder.hash();
    let visited =
        stores.visit(since.as_ref().map(|mark| &mark.objects), || Searcher::new(contents, limits, hash));
    report.tally.objects += visited.objects;
    report.tally.bytes += visited.bytes;
    report.more_unread += visited.more_unread;
    for unread in visited.unread {
        report.pass_by(unread, limits);
    }
    scanned.marks.push(Mark::new(&folder.common, visited.mark));

    let mut searchers = visited.visitors;
    let mut hits = Vec::new();
    for searcher in &mut searchers {
        hits.append(&mut searcher.hits);
        report.more_findings += searcher.more_hits;
        report.more_unread += searcher.more_unread;
        report.tally.members += searcher.tally.members;
        for unread in searcher.unread.drain(..) {
            report.pass_by(unread, limits);
        }
    }
    let hits = distinct(hits.into_iter());
    if hits.is_empty() {
        return modules;
    }
    let graph = Graph::new(searchers.iter_mut().map(|searcher| &mut searcher.record));
    let tracer = Tracer {
        graph: &graph,
        trees: searchers.iter().map(|searcher| &searcher.record.trees).collect(),
        tips: &tips,
        heads: heads(&refs),
        stores: &stores,
        hash,
    };
    let wanted: HashSet<_> = hits.iter().map(|hit| hit.object).collect();
    let staged = staged_paths(folder, &wanted, limits, report);
    let known = Known { folder, has_remote: tips.has_remote(), staged: &staged };
    report_hits(hits, &tracer, &known, limits, report);
    modules
}

/// The refs of the repository and of all its work trees.
fn all_refs(folder: &Folder, limits: &Limits, report: &mut Report) -> Refs {
    let mut refs = Refs::default();
    refs.read(&folder.common, "");
    for (name, git) in folder.work_trees() {
        refs.read(&git, &format!("worktrees/{name}/"));
    }
    if folder.config.ref_storage.as_deref().is_some_and(|storage| storage != "files") {
        let why = Why::Unsupported("refs that are not kept as files: what leads where is not known");
        report.pass_by(Unread { what: bytes_of(&folder.common.join("refs")), why }, limits);
    }
    for unread in refs.unread.drain(..) {
        let what = [folder.common.as_os_str().as_bytes(), &unread.what].join(&b'/');
        report.pass_by(Unread { what, why: unread.why }, limits);
    }
    refs
}

/// What is checked out: in the main work tree first.
fn heads(refs: &Refs) -> Vec<gix_hash::ObjectId> {
    let is_head =
        |name: &&Vec<u8>| *name == b"HEAD" || (name.starts_with(b"worktrees/") && name.ends_with(b"/HEAD"));
    let names = refs.targets.keys().chain(refs.others.keys()).filter(is_head);
    let mut heads: Vec<_> = names.filter_map(|name| refs.resolve(name)).collect();
    heads.dedup();
    heads
}

fn since(folder: &Folder, options: &Options, scanned: &mut Scanned) -> Option<Mark> {
    let cursors = options.cursors.as_deref()?;
    match Mark::load(cursors, &folder.common) {
        Kept::Known(mark) => Some(mark),
        Kept::Nothing => None,
        Kept::Unusable(why) => {
            scanned.unusable.push((folder.common.clone(), why));
            None
        }
    }
}

fn canonical(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize().map_err(|source| Error::System { path: path.to_owned(), source })
}

fn bytes_of(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_owned()
}
