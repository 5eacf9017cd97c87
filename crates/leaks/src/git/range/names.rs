//! Names of refs that a push would make: who fetches has them too.

use std::path::Path;

use crate::git::beside::line_of;
use crate::git::refs::Refs;
use crate::{
    Contents, Finding, InHead, Limits, Object, Place, Provenance, Pushed, Report, Seen, Source, Unread,
};

/// Searches the names, but those that are there already.
pub(super) fn search(
    names: &[&str],
    there: &Refs,
    repository: &Path,
    contents: &Contents,
    limits: &Limits,
    report: &mut Report,
) {
    let is_new = |name: &&&str| !there.targets.contains_key(name.as_bytes());
    let mut text = Vec::new();
    for name in names.iter().filter(is_new) {
        text.extend_from_slice(name.as_bytes());
        text.push(b'\n');
    }
    let mut seen = Seen::default();
    contents.bytes(&text, &mut seen);
    report.more_findings += seen.more_sightings;
    report.more_unread += seen.more_unread;
    for unread in seen.unread {
        report.pass_by(Unread { what: b"names of refs".to_vec(), why: unread.why }, limits);
    }
    for sighting in seen.sightings {
        let name = line_of(&text, sighting.line);
        let provenance = Provenance {
            repository: repository.to_owned(),
            object: Object::RefName,
            id: None,
            paths: vec![name.to_owned()],
            first: None,
            refs: vec![String::from_utf8_lossy(name).into_owned()],
            more_refs: 0,
            in_head: InHead::Beside,
            pushed: Pushed::Unknown,
        };
        let place = Place {
            source: Source::Git(Box::new(provenance)),
            line: sighting.line,
            column: sighting.column,
            is_allowed_inline: sighting.is_allowed_inline,
        };
        report.find(Finding { token: sighting.token, place, wrapping: sighting.wrapping, also: 0 }, limits);
    }
}
