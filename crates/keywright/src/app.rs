//! What most commands stand on: the configuration, the store, the clock, an engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use destinations::Services;
use model::{
    Clock, Event, EventKind, Ids, Instance, InstanceName, Report, Secret, SecretRef, Store, StoreErrorKind,
    Timestamp,
};
use rotation::{Engine, Observer};
use store::log::LogConfig;
use store::{MasterKey, OpenStore};

use crate::assisted::Person;
use crate::config::{self, Config};
use crate::error::{CommandError, operator};
use crate::keeper::Keeping;
use crate::outside::ProcessOutside;
use crate::process::{self, ProcLiveness};
use crate::progress::Progress;
use crate::system::{SystemClock, SystemIds};
use crate::ui::Ui;
use crate::world::{Places, Reach};
use crate::{Hooks, Sealing};

/// The master key, wherever the configuration says that it is.
pub(crate) fn master_key(config: &Config) -> Result<MasterKey, CommandError> {
    Ok(parsed(&config::master_key_text(&config.master_key)?, &config.master_key)?)
}

fn parsed(text: &Secret, from: &SecretRef) -> Result<MasterKey, Report> {
    MasterKey::from_text(text).map_err(|error| {
        operator(format!("`{from}` holds no master key"))
            .caused_by(&error)
            .mend("give it back from your backup: without it, nothing sealed can be opened")
    })
}

/// Where a new master key lies until the store has taken it.
pub(crate) fn pending(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// The master key that an interrupted change left there; the store has not taken it, or it would not be open.
pub(crate) fn left_behind(pending: &Path) -> Result<Option<MasterKey>, CommandError> {
    if pending.symlink_metadata().is_err() {
        return Ok(None);
    }
    let reference = SecretRef::File(pending.display().to_string());
    let text = config::master_key_text(&reference)?;
    let key = MasterKey::from_text(&text).map_err(|error| {
        operator(format!("`{}` is there, and holds no master key", pending.display()))
            .caused_by(&error)
            .because("nothing that may hold a master key is overwritten")
            .mend(format!("mv {0} {0}.unknown", pending.display()))
    })?;
    Ok(Some(key))
}

/// The folder that a file is in.
pub(crate) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Puts a new master key in the former one's place; gives where that is kept, as older backups need it.
pub(crate) fn put_in_place(pending: &Path, file: &Path) -> Result<Option<PathBuf>, Report> {
    let cannot = |error: &std::io::Error| {
        operator(format!("cannot put `{}` in the place of `{}`", pending.display(), file.display()))
            .caused_by(error)
            .mend(format!("mv {} {}", pending.display(), file.display()))
    };
    let mut kept = None;
    if file.exists() {
        let at = SystemClock.now().as_second();
        let names = (0..100).map(|more| PathBuf::from(format!("{}.former-{}", file.display(), at + more)));
        let free = names.into_iter().find(|name| !name.exists());
        let former = free.unwrap_or_else(|| PathBuf::from(format!("{}.former", file.display())));
        std::fs::hard_link(file, &former).map_err(|error| cannot(&error))?;
        kept = Some(former);
    }
    std::fs::rename(pending, file).map_err(|error| cannot(&error))?;
    let synced = std::fs::File::open(folder_of(file)).and_then(|folder| folder.sync_all());
    synced.map_err(|error| cannot(&error))?;
    Ok(kept)
}

/// An event outside of an open store.
pub(crate) fn event(kind: EventKind, at: Timestamp) -> Event {
    Event::new(SystemIds.event(at), at, kind, config::actor())
}

/// Opens the store; finishes a change of the master key that was interrupted behind the store's back.
async fn open_store(config: &Config, ui: Ui) -> Result<Arc<dyn OpenStore>, CommandError> {
    let (place, log) = (config.place()?, LogConfig::new(&config.log));
    let key = master_key(config)?;
    let refused = match store::open(&place, &key, &log).await {
        Ok(store) => return Ok(store),
        Err(failure) => failure,
    };
    let SecretRef::File(file) = &config.master_key else { return Err(refused.into()) };
    let new = pending(Path::new(file));
    if refused.kind != StoreErrorKind::Unsealable || !new.exists() {
        return Err(refused.into());
    }
    let reference = SecretRef::File(new.display().to_string());
    let key = parsed(&config::master_key_text(&reference)?, &reference)?;
    let store = store::open(&place, &key, &log).await?;
    put_in_place(&new, Path::new(file))?;
    ui.warn(&format!("`{file}` is the new master key: its change had been interrupted"));
    Ok(store)
}

/// What the configuration says of destinations.
fn places(config: &Config, store: &Arc<dyn OpenStore>, clock: &Arc<dyn Clock>) -> Places {
    let hidden_variables = config.secret_variables();
    let outside = ProcessOutside {
        store: Arc::clone(store) as Arc<dyn Store>,
        clock: Arc::clone(clock),
        hidden_variables: hidden_variables.clone(),
    };
    Places { hidden_variables, services: Arc::new(Services::new(config.services.clone(), Arc::new(outside))) }
}

/// One run of one command.
pub(crate) struct App {
    pub(crate) ui: Ui,
    pub(crate) store: Arc<dyn OpenStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) actor: String,
    pub(crate) hooks: Hooks,
    pub(crate) config: Config,
    /// The folder of the log's segments.
    pub(crate) log: PathBuf,
    places: Places,
    person: Arc<Person>,
}

impl App {
    /// Opens what the configuration file names.
    pub(crate) async fn open(config: &Path, ui: Ui, hooks: &Hooks) -> Result<Self, CommandError> {
        let config = Config::load(config)?;
        let store = open_store(&config, ui).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let places = places(&config, &store, &clock);
        Ok(Self {
            ui,
            store,
            clock,
            ids: Arc::new(SystemIds),
            actor: config::actor(),
            hooks: hooks.clone(),
            log: config.log.clone(),
            config,
            places,
            person: Arc::new(Person::at_terminal(ui)),
        })
    }

    /// An engine that prints its progress.
    pub(crate) fn engine(&self, keeping: Keeping) -> Engine {
        self.engine_watched_by(keeping, self.hooks.observer.clone())
    }

    /// Asks nobody from now on: it runs by itself.
    pub(crate) fn run_alone(&mut self) {
        self.person = Arc::new(Person::absent(self.ui));
    }

    /// Reads the configuration file anew; whether it was taken.
    pub(crate) async fn reload(&mut self) -> bool {
        let loaded = match Config::load(&self.config.file) {
            Ok(config) => match (config.channels(&*self.store).await, config.forges(&*self.store).await) {
                (Ok(_), Ok(_)) => Ok(config),
                (Err(report), _) | (_, Err(report)) => Err(report),
            },
            Err(report) => Err(report),
        };
        let config = match loaded {
            Ok(config) => config,
            Err(report) => {
                self.ui.report(&report.mend("until then, the former configuration holds"));
                return false;
            }
        };
        let moved = config.store.to_string() != self.config.store.to_string()
            || config.log != self.config.log
            || config.master_key != self.config.master_key
            || config.serve.listen != self.config.serve.listen
            || config.serve.listen_hooks != self.config.serve.listen_hooks
            || config.serve.fetched != self.config.serve.fetched;
        if moved {
            self.ui.warn(
                "`store`, `log`, `master_key`, `serve.listen`, `serve.listen_hooks` and `serve.fetched` are read when it starts: start it again",
            );
        }
        self.places = places(&config, &self.store, &self.clock);
        self.config = config;
        self.ui.note("the configuration was read anew");
        true
    }

    /// The channels of the configuration, their secrets resolved.
    pub(crate) async fn channels(&self) -> Result<Vec<notices::ChannelConfig>, CommandError> {
        Ok(self.config.channels(&*self.store).await?)
    }

    /// The services of the configuration.
    pub(crate) fn services(&self) -> &Arc<Services> {
        &self.places.services
    }

    /// Variables of our environment that programs which we run must not see.
    pub(crate) fn hidden_variables(&self) -> &[String] {
        &self.places.hidden_variables
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
            self.places.clone(),
            Arc::clone(&self.person),
        )
    }

    /// Tells who watches how far a change of the master key has come.
    pub(crate) fn passes(&self, at: Sealing) {
        if let Some(told) = &self.hooks.sealing {
            told(at);
        }
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
