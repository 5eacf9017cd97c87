//! What a search found, measured by what is declared, and how it is told.

use std::collections::{BTreeMap, BTreeSet};

use destinations::{Found, How, Search};
use model::{Instance, Integration, IntegrationName, Report};
use serde_json::json;

use super::proposal;
use crate::Exit;
use crate::app::App;
use crate::ui::{BOLD, GOOD, WARN, clean, report_json};

/// What each key that is looked for is called, and whose it is, if it is one that is known.
pub(super) type Owners = BTreeMap<String, IntegrationName>;

/// What was seen, and what it is compared with.
pub(super) struct Seen {
    pub(super) integrations: Vec<Integration>,
    pub(super) instances: Vec<Instance>,
    pub(super) owners: Owners,
    pub(super) search: Search,
    pub(super) failed: Vec<(String, Report)>,
}

impl Seen {
    /// Whose key is delivered there.
    fn declared(&self, at: &str) -> Option<&Integration> {
        let has = |of: &&Integration| {
            of.retired_at.is_none() && of.destinations.iter().any(|to| same_place(&to.to_string(), at))
        };
        self.integrations.iter().find(has)
    }

    /// Whether it is delivered there by us.
    fn is_declared(&self, found: &Found) -> bool {
        let owner = self.owners.get(&found.of);
        let declared = self.declared(&found.at).map(|of| &of.name);
        declared.is_some() && (declared == owner || found.how == How::NamedLike)
    }

    pub(super) fn exit(&self) -> Exit {
        let strange = |found: &Found| found.how != How::NamedLike && !self.is_declared(found);
        // What was not looked through may hold it.
        if !self.failed.is_empty() || self.search.is_exhausted() || self.search.has_passed_by() {
            return Exit::Failed;
        }
        if self.search.found.iter().any(strange) { Exit::Findings } else { Exit::Done }
    }

    /// By integration, or nobody's.
    fn proposals(&self) -> Vec<(Option<&IntegrationName>, String)> {
        let mut places: BTreeMap<Option<&IntegrationName>, BTreeSet<&str>> = BTreeMap::new();
        let holds = |found: &&Found| found.how == How::Holds && self.declared(&found.at).is_none();
        for found in self.search.found.iter().filter(holds) {
            places.entry(self.owners.get(&found.of)).or_default().insert(&found.at);
        }
        let proposal = |(name, places): (Option<&'_ IntegrationName>, BTreeSet<&str>)| {
            let of = self.integrations.iter().find(|of| Some(&of.name) == name);
            let places: Vec<&str> = places.into_iter().collect();
            proposal::text(of, &self.instances, &places)
        };
        places.into_iter().map(|(name, places)| (name, proposal((name, places)))).collect()
    }

    fn line(&self, found: &Found) -> String {
        let (at, of) = (clean(&found.at), &found.of);
        match (found.how, self.declared(&found.at)) {
            (How::Holds, Some(_)) if self.is_declared(found) => {
                format!("{GOOD}✓{GOOD:#} {at}  holds {of}, delivered by Keywright")
            }
            (How::Holds, Some(other)) => format!(
                "{WARN}!{WARN:#} {BOLD}{at}{BOLD:#}  holds {of}, and should hold the key of {0}: keywright destination drift {0}",
                other.name
            ),
            (How::Holds, None) => format!("{WARN}!{WARN:#} {BOLD}{at}{BOLD:#}  holds {of}"),
            (How::Within, _) => {
                format!("{WARN}!{WARN:#} {BOLD}{at}{BOLD:#}  has {of} in it, among other things")
            }
            (How::NamedLike, _) => {
                format!("? {at}  cannot be read; its name is like one of a key of n8n")
            }
        }
    }

    pub(super) fn tell(&self, app: &App) {
        let Self { search, failed, .. } = self;
        let mut lines: Vec<String> = search.found.iter().map(|found| self.line(found)).collect();
        lines.extend(search.left_out.iter().map(|line| format!("{WARN}left out{WARN:#} {}", clean(line))));
        if search.is_exhausted() {
            lines.push(format!("{WARN}not all was looked through{WARN:#}: `--max-reads` were made"));
        }
        let (places, reads, compared) = (search.found.len(), search.reads, search.compared);
        lines.push(format!("{places} found; {compared} values compared in {reads} reads"));
        let proposals = self.proposals();
        for (_, text) in &proposals {
            lines.push(String::new());
            lines.extend(text.lines().map(str::to_owned));
        }
        let found = search.found.iter().map(|found| {
            json!({"of": found.of, "at": found.at, "how": found.how, "declared": self.is_declared(found)})
        });
        let told =
            |(service, report): &(String, Report)| json!({"service": service, "error": report_json(report)});
        let json = json!({
            "found": found.collect::<Vec<_>>(),
            "reads": reads,
            "compared": compared,
            "left_out": search.left_out,
            "exhausted": search.is_exhausted(),
            "failed": failed.iter().map(told).collect::<Vec<_>>(),
            "proposed": proposals
                .iter()
                .map(|(name, text)| json!({"integration": name, "toml": text}))
                .collect::<Vec<_>>(),
        });
        app.ui.result_lines(&lines, &json);
        for (_, report) in failed {
            app.ui.report(report);
        }
    }
}

/// Whether two addresses name one place; links to a file are followed.
fn same_place(declared: &str, found: &str) -> bool {
    let real = |address: &str| {
        let (kind, rest) = address.split_once(':')?;
        let (path, rest) = rest.split_once('#').unwrap_or((rest, ""));
        Some((kind.to_owned(), std::fs::canonicalize(path).ok()?, rest.to_owned()))
    };
    declared == found || real(declared).is_some_and(|place| Some(place) == real(found))
}
