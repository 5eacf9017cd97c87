//! `keywright serve` and the forges: webhooks are kept in the store, what was pushed is fetched and looked through, and a
//! key of ours that was found in it is turned.
//!
//! A webhook is no more than a hint: it says which repository of the configuration to look at. Whoever has the role does
//! the work, for all processes that use the store; what it was at when it died is done again.

mod inbox;
mod repository;
mod search;
mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use forges::{Fetcher, Forge, Surroundings};
use model::{ForgeName, Report};
use rotation::Engine;
use tokio::sync::Notify;

use crate::app::App;
use crate::config::{self, Action};
use crate::keeper::Keeping;
use crate::tally::Tally;
use crate::ui::Ui;

/// Forges as the configuration has them now.
type Declared = BTreeMap<ForgeName, (Arc<Forge>, Action)>;

/// What takes webhooks in, and looks through what was pushed.
pub(crate) struct Pushes {
    /// Turns the keys, as itself: not as the scheduler of this process.
    engine: Engine,
    fetcher: Fetcher,
    tally: Arc<Tally>,
    ui: Ui,
    declared: Mutex<Declared>,
    /// A configuration was read anew, or a webhook was kept.
    news: Notify,
    stopping: AtomicBool,
    searcher: search::Searcher,
}

impl Pushes {
    /// As the configuration says; nothing is asked or listened to yet.
    pub(crate) async fn open(app: &App, tally: &Arc<Tally>) -> Result<Arc<Self>, Report> {
        let around = Surroundings { search_path: config::search_path(), proxies: config::proxies() };
        let fetched: PathBuf = app.config.serve.fetched.clone();
        let pushes = Self {
            engine: app.engine_watched_by(Keeping::Kept, Some(Arc::clone(tally) as Arc<_>)),
            fetcher: Fetcher::new(fetched, around),
            tally: Arc::clone(tally),
            ui: app.ui,
            declared: Mutex::default(),
            news: Notify::new(),
            stopping: AtomicBool::new(false),
            searcher: search::Searcher::new(),
        };
        pushes.declare(app).await?;
        Ok(Arc::new(pushes))
    }

    /// Takes the forges of a configuration that was read anew.
    pub(crate) async fn declare(&self, app: &App) -> Result<(), Report> {
        let forges = app.config.forges(&*app.store).await?;
        let actions = app.config.forges.iter().map(|forge| forge.action);
        let declared = forges.into_iter().zip(actions);
        let declared = declared.map(|(forge, action)| (forge.name.clone(), (Arc::new(forge), action)));
        *self.declared.lock().unwrap_or_else(PoisonError::into_inner) = declared.collect();
        self.news.notify_one();
        Ok(())
    }

    fn declared(&self) -> Declared {
        self.declared.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
