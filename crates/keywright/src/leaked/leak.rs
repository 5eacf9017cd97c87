//! One token of a report, with all its places.

use std::collections::BTreeMap;

use detector::Token;
use leaks::{Finding, Place, Source};
use model::Fingerprint;

use crate::ui::clean;

/// Places that are told of one token; more are counted.
const MAX_PLACES: usize = 10;
const MAX_PLACE_CHARS: usize = 300;
/// A name has no longer run of letters than this; a key, however it is encoded, has.
const MAX_RUN_CHARS: usize = 64;

/// A token that was found, at one place or at several.
#[derive(Clone, Debug)]
pub(crate) struct Leak {
    pub(crate) token: Token,
    pub(crate) fingerprint: Fingerprint,
    /// Where it lies, fit for a terminal and a log: no control characters, and nothing that may be a key.
    pub(crate) places: Vec<String>,
    pub(crate) more_places: u64,
}

impl Leak {
    /// A token, and where it lies; each place once.
    pub(crate) fn new<'p>(token: Token, places: impl IntoIterator<Item = &'p Place>) -> Self {
        let mut leak = Self { fingerprint: token.fingerprint(), token, places: Vec::new(), more_places: 0 };
        places.into_iter().for_each(|place| leak.is_at(place));
        leak
    }

    fn is_at(&mut self, place: &Place) {
        let place = text(place);
        if self.places.contains(&place) {
            return;
        }
        if self.places.len() < MAX_PLACES {
            self.places.push(place);
        } else {
            self.more_places += 1;
        }
    }
}

/// One for each token, in the order in which they were found.
pub(crate) fn gather<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Vec<Leak> {
    let mut known: BTreeMap<Fingerprint, usize> = BTreeMap::new();
    let mut leaks: Vec<Leak> = Vec::new();
    for finding in findings {
        let at = *known.entry(finding.token.fingerprint()).or_insert_with(|| {
            leaks.push(Leak::new(finding.token.clone(), []));
            leaks.len() - 1
        });
        if let Some(leak) = leaks.get_mut(at) {
            leak.is_at(&finding.place);
        }
    }
    leaks
}

/// Where it is, in a line.
fn text(place: &Place) -> String {
    let mut text = match &place.source {
        Source::File(path) => path.display().to_string(),
        Source::Stream(name) => name.clone(),
        Source::Git(from) => {
            let repository = from.repository.display();
            let id = from.first.as_ref().map(|author| &author.commit).or(from.id.as_ref());
            let id: String = id.map(|id| id.chars().take(12).collect()).unwrap_or_default();
            let path = from.paths.first().map(|path| String::from_utf8_lossy(path)).unwrap_or_default();
            [repository.to_string(), id, path.into_owned()]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
        }
    };
    if let Some(line) = place.line {
        text = format!("{text}:{line}");
    }
    clean(&without_runs(&text)).chars().take(MAX_PLACE_CHARS).collect()
}

/// Names of files and refs are bytes from outside, and may be keys themselves.
fn without_runs(text: &str) -> String {
    let is_run = |c: char| c.is_ascii_alphanumeric() || "-_.=+%\\".contains(c);
    let (mut kept, mut run) = (String::new(), String::new());
    for c in text.chars().chain(std::iter::once('\0')) {
        if is_run(c) {
            run.push(c);
            continue;
        }
        let is_long = run.len() > MAX_RUN_CHARS;
        kept.push_str(if is_long { "…" } else { &run });
        run.clear();
        kept.push(c);
    }
    kept.pop();
    kept
}
