//! Putting a report together, within its bounds.

use crate::{Finding, Limits, Place, Report, Seen, Source, Unread};

impl Report {
    /// Adds a finding, or counts it.
    pub fn find(&mut self, finding: Finding, limits: &Limits) {
        if self.findings.len() < limits.max_findings {
            self.findings.push(finding);
        } else {
            self.more_findings += 1;
        }
    }

    /// Adds what was not read, or counts it.
    pub fn pass_by(&mut self, unread: Unread, limits: &Limits) {
        if self.unread.len() < limits.max_unread {
            self.unread.push(unread);
        } else {
            self.more_unread += 1;
        }
    }

    /// Adds all that was seen in one thing, whose name stands before what was not read in it.
    pub(crate) fn note_all(&mut self, source: &Source, name: &[u8], seen: Seen, limits: &Limits) {
        for sighting in seen.sightings {
            let place = Place {
                source: source.clone(),
                line: sighting.line,
                column: sighting.column,
                is_allowed_inline: sighting.is_allowed_inline,
            };
            self.find(Finding { token: sighting.token, place, wrapping: sighting.wrapping, also: 0 }, limits);
        }
        for unread in seen.unread {
            self.pass_by(Unread { what: within(name, &unread.what), why: unread.why }, limits);
        }
        self.more_findings += seen.more_sightings;
        self.more_unread += seen.more_unread;
        self.tally += seen.tally;
    }

    /// Adds all of another.
    pub fn take_in(&mut self, other: Self, limits: &Limits) {
        other.findings.into_iter().for_each(|finding| self.find(finding, limits));
        other.unread.into_iter().for_each(|unread| self.pass_by(unread, limits));
        self.more_findings += other.more_findings;
        self.more_unread += other.more_unread;
        self.tally += other.tally;
    }

    /// Whether something that was to be read was not, or not to its end.
    pub fn is_partial(&self) -> bool {
        !self.unread.is_empty() || self.more_unread > 0
    }
}

/// The name of what lies in something: `backup.zip!inner.txt`.
fn within(name: &[u8], member: &[u8]) -> Vec<u8> {
    match member {
        [] => name.to_owned(),
        member => [name, member].join(&b'!'),
    }
}
