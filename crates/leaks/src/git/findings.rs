//! Findings of what was found in objects, with what is known of them.

use std::collections::{HashMap, HashSet};

use gix_hash::ObjectId;
use gix_object::Kind;
use model::Fingerprint;

use super::folder::Folder;
use super::paths::MAX_PATHS;
use super::trace::{MAX_REFS, Trace, Tracer};
use super::visitor::Hit;
use crate::{Finding, InHead, Limits, Object, Place, Provenance, Pushed, Report, Source, Unread, Why};

/// What is known of a repository beside its commits.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) folder: &'a Folder,
    pub(super) has_remote: bool,
    /// Where in an index blobs are.
    pub(super) staged: &'a HashMap<ObjectId, Vec<Vec<u8>>>,
}

/// Adds what was found to the report: once for each token, kind of object and path.
pub(super) fn report_hits(
    hits: Vec<Hit>,
    tracer: &Tracer<'_>,
    known: &Known<'_>,
    limits: &Limits,
    report: &mut Report,
) {
    let mut asked = HashSet::new();
    let objects: Vec<_> =
        hits.iter().map(|hit| (hit.object, hit.kind)).filter(|(id, _)| asked.insert(*id)).collect();
    let traces = tracer.trace(&objects).unwrap_or_else(|error| {
        let what = b"commits of what was found".to_vec();
        report.pass_by(Unread { what, why: Why::System(error.to_string()) }, limits);
        HashMap::new()
    });
    let mut found: Vec<_> = hits
        .into_iter()
        .map(|hit| {
            let trace = traces.get(&hit.object).cloned().unwrap_or_default();
            (trace.place.unwrap_or(usize::MAX), finding(hit, trace, known))
        })
        .collect();
    // The first version of a file stands for the later ones.
    found.sort_by_key(|(place, _)| *place);
    let mut kept: HashMap<(Fingerprint, Object, Vec<u8>), usize> = HashMap::new();
    let mut findings: Vec<Finding> = Vec::new();
    for (_, finding) in found {
        let Some(key) = key_of(&finding) else { continue };
        if let Some(first) = kept.get(&key).and_then(|index| findings.get_mut(*index)) {
            fold(first, finding);
        } else {
            kept.insert(key, findings.len());
            findings.push(finding);
        }
    }
    for finding in findings {
        report.find(finding, limits);
    }
}

fn finding(hit: Hit, trace: Trace, known: &Known<'_>) -> Finding {
    let staged = known.staged.get(&hit.object).filter(|_| trace.first.is_none() && !trace.is_reached);
    let is_note = !trace.refs.is_empty() && trace.refs.iter().all(|name| name.starts_with("refs/notes/"));
    let object = match hit.kind {
        Kind::Blob if staged.is_some() => Object::Index,
        Kind::Blob if is_note => Object::Note,
        Kind::Blob => Object::Blob,
        Kind::Commit => Object::Commit,
        Kind::Tag => Object::Tag,
        Kind::Tree => Object::Tree,
    };
    let mut paths = match (staged, object) {
        (Some(staged), _) => staged.clone(),
        (None, Object::Note) => trace.paths.into_iter().map(annotated).collect(),
        (None, _) => trace.paths,
    };
    if let Some(name) = hit.name {
        let below =
            |path: Vec<u8>| if path.is_empty() { name.clone() } else { [&path[..], &name].join(&b'/') };
        paths = if paths.is_empty() { vec![name.clone()] } else { paths.into_iter().map(below).collect() };
    }
    let in_head = match (staged, trace.is_in_head, trace.is_reached) {
        (Some(_), ..) => InHead::Beside,
        (None, true, _) => InHead::Yes,
        (None, false, true) => InHead::HistoryOnly,
        (None, false, false) => InHead::Unreachable,
    };
    let pushed = match trace.is_pushed {
        true => Pushed::Yes,
        false if known.folder.is_bare() || !known.has_remote => Pushed::Unknown,
        false => Pushed::No,
    };
    let provenance = Provenance {
        repository: known.folder.name.clone(),
        object,
        id: Some(hit.object.to_string()),
        paths,
        first: trace.first,
        refs: trace.refs,
        more_refs: trace.more_refs,
        in_head,
        pushed,
    };
    let place = Place {
        source: Source::Git(Box::new(provenance)),
        line: hit.line,
        column: hit.column,
        is_allowed_inline: hit.is_allowed_inline,
    };
    Finding { token: hit.token, place, wrapping: hit.wrapping, also: hit.also }
}

/// A note's path is the id of what it is on, in folders.
fn annotated(path: Vec<u8>) -> Vec<u8> {
    let id: Vec<u8> = path.iter().copied().filter(|byte| *byte != b'/').collect();
    if id.len() >= 40 && id.iter().all(u8::is_ascii_hexdigit) { id } else { path }
}

/// What is the same: the token, and the path; commits and tags, which have none, are each their own.
fn key_of(finding: &Finding) -> Option<(Fingerprint, Object, Vec<u8>)> {
    let Source::Git(provenance) = &finding.place.source else { return None };
    let path = provenance.paths.first().cloned();
    let path = path.or_else(|| Some(provenance.id.clone()?.into_bytes()))?;
    Some((finding.token.fingerprint(), provenance.object, path))
}

/// Adds a later version to the first.
fn fold(first: &mut Finding, later: Finding) {
    first.also += later.also + 1;
    // One that is not allowed must not hide behind one that is.
    first.place.is_allowed_inline &= later.place.is_allowed_inline;
    let (Source::Git(first), Source::Git(later)) = (&mut first.place.source, later.place.source) else {
        return;
    };
    first.in_head = first.in_head.min(later.in_head);
    first.pushed = first.pushed.min(later.pushed);
    for path in later.paths {
        if first.paths.len() < MAX_PATHS && !first.paths.contains(&path) {
            first.paths.push(path);
        }
    }
    for name in later.refs {
        if first.refs.len() < MAX_REFS && !first.refs.contains(&name) {
            first.refs.push(name);
        }
    }
    first.more_refs = first.more_refs.max(later.more_refs);
}
