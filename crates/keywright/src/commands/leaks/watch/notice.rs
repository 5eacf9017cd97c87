//! What is told while it is watched: a line for each place, once.

use leaks::{Judged, Leak, Source, Spot, show};
use serde_json::json;

use crate::Exit;
use crate::progress::shown;
use crate::ui::Ui;

const NAME_CHARS: usize = 160;

pub(super) struct Notices {
    ui: Ui,
    found: u64,
    unread: u64,
}

impl Notices {
    pub(super) fn new(ui: Ui) -> Self {
        Self { ui, found: 0, unread: 0 }
    }

    pub(super) fn tell(&mut self, judged: &Judged) {
        for leak in judged.worst_first() {
            for spot in &leak.places {
                self.found += 1;
                self.line(judged, leak, spot);
            }
        }
        self.found += judged.more_findings;
        for unread in &judged.unread {
            self.ui.warn(&format!("not read: {}", show::text(&unread.what, NAME_CHARS)));
        }
        self.unread += judged.unread_count();
    }

    fn line(&self, judged: &Judged, leak: &Leak, spot: &Spot) {
        let place = place(spot);
        let kind = leak.token.kind;
        if self.ui.is_json() {
            let line = json!({
                "at": judged.at,
                "fingerprint": leak.fingerprint.to_string(),
                "kind": kind.name(),
                "place": place,
                "severity": kind.severity(),
                "tail": leak.token.secret.tail(),
            });
            return self.ui.out(&line.to_string());
        }
        let fingerprint: String = leak.fingerprint.to_string().chars().take(12).collect();
        let tail = leak.token.secret.tail();
        self.ui.out(&format!("{}  {}  {fingerprint} …{tail}  {place}", shown(judged.at), kind.title()));
    }

    /// The summary, and the exit code.
    pub(super) fn close(&self, allows_unread: bool) -> Exit {
        let (found, unread) = (self.found, self.unread);
        self.ui.note(&format!("stopped: keys at {found} places, {unread} things not read"));
        match (found, unread) {
            (0, 0) => Exit::Done,
            (0, _) if allows_unread => Exit::Done,
            (0, _) => Exit::Failed,
            _ => Exit::Findings,
        }
    }
}

fn place(spot: &Spot) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let line = spot.place.line.map(|line| format!(":{line}")).unwrap_or_default();
    let name = |bytes: &[u8]| show::text(bytes, NAME_CHARS);
    match &spot.place.source {
        Source::File(path) => format!("{}{line}", name(path.as_os_str().as_bytes())),
        Source::Stream(stream) => format!("{}{line}", name(stream.as_bytes())),
        Source::Git(git) => {
            let commit = git.first.as_ref().map(|first| &first.commit).or(git.id.as_ref());
            let commit: String = commit.map(|id| id.chars().take(12).collect()).unwrap_or_default();
            let path = git.paths.first().map(|path| name(path)).unwrap_or_default();
            let repository = name(git.repository.as_os_str().as_bytes());
            format!("{repository} {commit} {path}{line}")
        }
    }
}
