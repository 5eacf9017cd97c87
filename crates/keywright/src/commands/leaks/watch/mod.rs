//! `keywright leaks watch`: everything once, then what is new, as the kernel tells of it; and all once a minute where it
//! does not.

mod notice;
mod searcher;
mod watches;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::search::Search;
use crate::Exit;
use crate::cli::LeaksWatch;
use crate::error::{CommandError, operator};
use crate::ui::Ui;

use notice::Notices;
use searcher::{Done, Work};
use watches::{Happened, Watches};

/// What happens together is looked at together.
const TOGETHER: Duration = Duration::from_millis(200);
/// A file that is written all the while is looked at this often.
const STILL_OPEN: Duration = Duration::from_secs(10);
/// Repositories are looked at this often in any case; so is everything of which the kernel does not tell.
const AT_LAST: Duration = Duration::from_mins(1);

pub(super) async fn run(options: LeaksWatch, ui: Ui) -> Result<Exit, CommandError> {
    for path in &options.paths {
        std::fs::metadata(path).map_err(|error| super::scan::unreadable(path, &error))?;
    }
    let allows_unread = options.searching.allow_unread;
    let search = Search::open(&options.searching)?;
    let mut stop = std::pin::pin!(crate::told_to_stop());
    let mut watches = Watches::open(search.excluded.clone()).map_err(|error| {
        operator("cannot watch")
            .caused_by(&error)
            .mend("sysctl fs.inotify.max_user_instances   # how many programs of a user may watch")
    })?;
    let (work, mut done) = searcher::start(search)?;
    let mut watch = Watch { roots: options.paths, ui, due: Due::default(), work, in_hand: 0 };
    watch.everything(&mut watches);
    let mut notices = Notices::new(ui);
    // So that it is listened for before anything is told: whoever reads that may stop it at once.
    tokio::select! {
        biased;
        () = &mut stop => return Ok(notices.close(allows_unread)),
        () = std::future::ready(()) => {}
    }
    ui.note("watching; stop with Ctrl-C");
    loop {
        watch.send();
        // While something is in hand, its end is what is waited for.
        let next = if watch.in_hand > 0 { Instant::now() + AT_LAST } else { watch.due.next() };
        tokio::select! {
            () = &mut stop => break,
            () = tokio::time::sleep_until(next) => {}
            happened = watches.next() => match happened {
                Ok(happened) => watch.note(happened, &mut watches),
                Err(error) => return Err(operator("cannot watch any more").caused_by(&error).into()),
            },
            found = done.recv() => match found {
                Some(found) => watch.take(&found, &mut watches, &mut notices),
                None => return Err(operator("the search ended by itself").mend("keywright leaks scan").into()),
            },
        }
    }
    // What was found meanwhile is told.
    while let Ok(found) = done.try_recv() {
        watch.take(&found, &mut watches, &mut notices);
    }
    Ok(notices.close(allows_unread))
}

struct Watch {
    roots: Vec<PathBuf>,
    ui: Ui,
    due: Due,
    work: std::sync::mpsc::Sender<Work>,
    /// Works that were sent and are not done.
    in_hand: usize,
}

impl Watch {
    /// Looks at all of it, and watches it anew.
    fn everything(&mut self, watches: &mut Watches) {
        for root in self.roots.clone() {
            self.watch(&root, watches);
            self.due.paths.insert(root);
        }
        self.due.repositories.extend(watches.repositories().cloned());
        self.due.at(Instant::now());
    }

    fn watch(&self, path: &std::path::Path, watches: &mut Watches) {
        if watches.add(path) {
            self.ui.warn(&format!(
                "not all can be watched, so all is searched once a minute: sysctl fs.inotify.max_user_watches is {}",
                watches.limit()
            ));
        }
    }

    fn note(&mut self, happened: Vec<Happened>, watches: &mut Watches) {
        let now = Instant::now();
        for one in happened {
            match one {
                Happened::Written(path) => {
                    self.due.paths.insert(path);
                    self.due.at(now + TOGETHER);
                }
                Happened::BeingWritten(path) => {
                    self.due.open.insert(path);
                    self.due.open_at.get_or_insert(now + STILL_OPEN);
                }
                Happened::Folder(path) => {
                    self.watch(&path, watches);
                    self.due.paths.insert(path);
                    self.due.at(now + TOGETHER);
                }
                Happened::Repository(path) => {
                    self.due.repositories.insert(path);
                    self.due.at(now + TOGETHER);
                }
                Happened::TooMuch => {
                    self.ui.warn("more happened than the kernel keeps: all is searched again");
                    self.everything(watches);
                }
            }
        }
    }

    /// Sends what is due, if nothing is in hand: what happens meanwhile is joined.
    fn send(&mut self) {
        let now = Instant::now();
        if self.due.open_at.is_some_and(|at| at <= now) {
            self.due.open_at = None;
            let open = std::mem::take(&mut self.due.open);
            self.due.paths.extend(open);
            self.due.at(now);
        }
        if self.in_hand > 0 || !self.due.is_due(now) {
            return;
        }
        if self.due.at_last <= now {
            self.due.at_last = now + AT_LAST;
        }
        self.due.soon = None;
        let work = Work {
            paths: std::mem::take(&mut self.due.paths).into_iter().collect(),
            repositories: std::mem::take(&mut self.due.repositories).into_iter().collect(),
        };
        if !work.is_nothing() && self.work.send(work).is_ok() {
            self.in_hand += 1;
        }
    }

    fn take(&mut self, done: &Done, watches: &mut Watches, notices: &mut Notices) {
        self.in_hand = self.in_hand.saturating_sub(1);
        for repository in &done.met {
            if watches.add_repository(repository) {
                self.due.repositories.insert(repository.clone());
                self.due.at(Instant::now());
            }
        }
        self.due.polled = watches.repositories().cloned().collect();
        if watches.is_partial() {
            self.due.polled_paths.clone_from(&self.roots);
        }
        notices.tell(&done.judged);
    }
}

/// What is to be looked at, and when.
struct Due {
    paths: BTreeSet<PathBuf>,
    repositories: BTreeSet<PathBuf>,
    soon: Option<Instant>,
    /// Files that are still written.
    open: BTreeSet<PathBuf>,
    open_at: Option<Instant>,
    polled: Vec<PathBuf>,
    polled_paths: Vec<PathBuf>,
    at_last: Instant,
}

impl Default for Due {
    fn default() -> Self {
        Self {
            paths: BTreeSet::new(),
            repositories: BTreeSet::new(),
            soon: None,
            open: BTreeSet::new(),
            open_at: None,
            polled: Vec::new(),
            polled_paths: Vec::new(),
            at_last: Instant::now() + AT_LAST,
        }
    }
}

impl Due {
    fn at(&mut self, at: Instant) {
        self.soon = Some(self.soon.map_or(at, |soon| soon.min(at)));
    }

    fn next(&self) -> Instant {
        [self.soon, self.open_at].into_iter().flatten().fold(self.at_last, Instant::min)
    }

    /// Whether something is; what is polled is added when its time has come.
    fn is_due(&mut self, now: Instant) -> bool {
        if self.at_last <= now {
            self.repositories.extend(self.polled.iter().cloned());
            self.paths.extend(self.polled_paths.iter().cloned());
            return true;
        }
        self.soon.is_some_and(|soon| soon <= now)
    }
}
