//! What most commands stand on: the configuration, the store, the clock, an engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{Clock, Event, EventKind, Ids, Instance, InstanceName, Store};
use rotation::{Engine, Observer};
use store::log::LogConfig;
use store::{MasterKey, SqliteStore};

use crate::Hooks;
use crate::config::{self, Config};
use crate::error::{CommandError, operator};
use crate::keeper::Keeping;
use crate::process::{self, ProcLiveness};
use crate::progress::Progress;
use crate::system::{SystemClock, SystemIds};
use crate::ui::Ui;
use crate::world::Reach;

/// One run of one command.
pub(crate) struct App {
    pub(crate) ui: Ui,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) actor: String,
    pub(crate) hooks: Hooks,
    pub(crate) config: Config,
    /// The folder of the log's segments.
    pub(crate) log: PathBuf,
    hidden_variables: Vec<String>,
}

impl App {
    /// Opens what the configuration file names.
    pub(crate) fn open(config: &Path, ui: Ui, hooks: &Hooks) -> Result<Self, CommandError> {
        let config = Config::load(config)?;
        let text = config::master_key_text(&config.master_key)?;
        let master_key = MasterKey::from_text(&text).map_err(|error| {
            operator(format!("`{}` holds no master key", config.master_key))
                .caused_by(&error)
                .mend("give it back from your backup: without it, nothing sealed can be opened")
        })?;
        let store = SqliteStore::open(&config.store, &master_key, &LogConfig::new(&config.log))?;
        let hidden_variables = config.secret_variables();
        Ok(Self {
            ui,
            store: Arc::new(store),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            actor: config::actor(),
            hooks: hooks.clone(),
            log: config.log.clone(),
            config,
            hidden_variables,
        })
    }

    /// An engine that prints its progress.
    pub(crate) fn engine(&self, keeping: Keeping) -> Engine {
        self.engine_watched_by(keeping, self.hooks.observer.clone())
    }

    /// The channels of the configuration, their secrets resolved.
    pub(crate) async fn channels(&self) -> Result<Vec<notices::ChannelConfig>, CommandError> {
        Ok(self.config.channels(&*self.store).await?)
    }

    /// Variables of our environment that programs which we run must not see.
    pub(crate) fn hidden_variables(&self) -> &[String] {
        &self.hidden_variables
    }

    /// The same, with somebody who watches beside the progress lines.
    pub(crate) fn engine_watched_by(&self, keeping: Keeping, observer: Option<Arc<dyn Observer>>) -> Engine {
        Engine {
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            world: Arc::new(self.reach(keeping)),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            observer: Progress::new(self.ui, observer),
            liveness: Arc::new(ProcLiveness),
            holder: process::holder(self.ids.random()),
            actor: self.actor.clone(),
        }
    }

    /// What can be reached outside.
    pub(crate) fn reach(&self, keeping: Keeping) -> Reach {
        Reach::new(
            Arc::clone(&self.store) as Arc<dyn Store>,
            Arc::clone(&self.clock),
            Arc::clone(&self.ids),
            self.actor.clone(),
            keeping,
            self.hidden_variables.clone(),
        )
    }

    /// An event of this run.
    pub(crate) fn event(&self, kind: EventKind) -> Event {
        let at = self.clock.now();
        Event::new(self.ids.event(at), at, kind, self.actor.clone())
    }

    /// The named instance, or the only one.
    pub(crate) async fn instance(&self, name: Option<&InstanceName>) -> Result<Instance, CommandError> {
        let mut instances = self.store.instances().await?;
        let names: Vec<String> = instances.iter().map(|instance| instance.name.to_string()).collect();
        let Some(name) = name else {
            return match instances.len() {
                1 => Ok(instances.remove(0)),
                0 => Err(operator("there is no instance yet")
                    .because("a key is made at an n8n that Keywright has taken charge of")
                    .mend("keywright connect prod https://n8n.example.com --email …")
                    .into()),
                _ => Err(CommandError::usage(
                    operator("there are several instances")
                        .because(names.join(", "))
                        .mend("say which: `--instance NAME`"),
                )),
            };
        };
        let found = instances.into_iter().find(|instance| instance.name == *name);
        found.ok_or_else(|| {
            let report = operator(format!("there is no instance `{name}`")).because(match names.as_slice() {
                [] => "there is none yet".to_owned(),
                names => format!("there are: {}", names.join(", ")),
            });
            let near = config::nearest(name.as_str(), names.iter().map(String::as_str));
            let report = near.map_or(report.clone(), |near| report.mend(format!("did you mean `{near}`?")));
            CommandError::from(report.mend(format!("keywright connect {name} https://… --email …")))
        })
    }
}
