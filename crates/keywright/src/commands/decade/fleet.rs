//! What the decade is about: an instance, integrations with a file each, Keywright's own folder.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use model::{Fingerprint, Secret, Store};
use rotation::{Engine, Notify, Scheduler, World};
use sandbox::{Clock, KeyView, Options, Profile, Sandbox};
use tempfile::TempDir;

use super::calendar::{DAY_S, HOUR_S, Rule};
use super::clock::SharedClock;
use super::judge::Declared;
use super::life::{Alone, Life, Living};
use crate::Hooks;
use crate::app::App;
use crate::assisted::Person;
use crate::channels::Channels;
use crate::cli::Apply;
use crate::commands::{init, plan};
use crate::keeper::Keeping;
use crate::ui::Ui;
use crate::world::{Places, Reach};

/// How each is declared, and what that means to the judge. The root key is the instance's own.
const DECLARED: [(&str, &str, Declared); 8] = [
    ("rotate_every = \"7d\"", "1h", of("weekly", Rule::Days(7), HOUR_S)),
    ("rotate_every = \"30d\"", "1d", of("monthly", Rule::Days(30), DAY_S)),
    ("rotate_every = \"90d\"", "1h", of("seasonal", Rule::Days(90), HOUR_S)),
    ("rotate_every = \"365d\"", "0s", of("yearly", Rule::Days(365), 0)),
    ("rotate_on = \"0 0 29 2 *\"", "1h", of("leap-day", Rule::LeapDay, HOUR_S)),
    ("rotate_on = \"0 3 1 */3 *\"", "1h", of("quarterly", Rule::Quarterly, HOUR_S)),
    ("rotate_on = \"30 2 31 * *\"", "1h", of("thirty-first", Rule::ThirtyFirst, HOUR_S)),
    ("rotate_on = \"15 4 * * 1\"", "1h", of("mondays", Rule::Mondays, HOUR_S)),
];
const ROOT: Declared = of("prod-root", Rule::Days(90), 0);

const fn of(name: &'static str, rule: Rule, grace_s: i64) -> Declared {
    Declared { name, rule, grace_s }
}

pub(super) struct Fleet {
    pub(super) clock: Arc<SharedClock>,
    pub(super) sandbox: Arc<Sandbox>,
    folder: TempDir,
}

impl Fleet {
    /// With a first key each.
    pub(super) async fn start(clock: &Arc<SharedClock>) -> Self {
        let _still = clock.at_work();
        let shown = Arc::clone(clock);
        let options = Options {
            clock: Clock::following(move || model::Clock::now(&*shown)),
            calls_kept: 100,
            ..Options::default()
        };
        let sandbox = Arc::new(Sandbox::start(Profile::V2_41, options).await.unwrap());
        let fleet = Self { clock: Arc::clone(clock), sandbox, folder: TempDir::new().unwrap() };
        let ui = Ui::new(false, true);
        init::run(&fleet.config(), ui).await.unwrap();
        std::fs::write(fleet.config(), fleet.configuration()).unwrap();
        let password = fleet.folder.path().join("password");
        std::fs::write(&password, Options::OWNER_PASSWORD).unwrap();
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
        let app = fleet.open().await;
        plan::apply(&app, &Apply { yes: true, dry_run: false, at_once: 4 }).await.unwrap();
        fleet
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("keywright.toml")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.env"))
    }

    fn configuration(&self) -> String {
        let top = format!(
            "store = \"keywright.db\"\nlog = \"keywright-log\"\nmaster_key = \"file:keywright.key\"\n\
             [serve]\nsurvey_every = \"5d\"\n[instance.prod]\nurl = \"{}\"\n\
             admin = {{ email = \"{}\", password = \"file:password\" }}\n",
            self.sandbox.url(),
            Options::OWNER_EMAIL,
        );
        let integrations = DECLARED.iter().map(|(schedule, grace, declared)| {
            format!(
                "[integration.{}]\nscopes = [\"workflow:list\"]\n{schedule}\ngrace = \"{grace}\"\n\
                 deliver = [\"dotenv:{}#N8N_API_KEY\"]\n",
                declared.name,
                self.file(declared.name).display(),
            )
        });
        std::iter::once(top).chain(integrations).collect()
    }

    /// Opens everything, as a command does, but for the clock.
    pub(super) async fn open(&self) -> App {
        let mut app = App::open(&self.config(), Ui::new(false, true), &Hooks::default()).await.unwrap();
        app.clock = Arc::clone(&self.clock) as Arc<_>;
        app
    }

    /// A scheduler as `serve` has it, all of whose calls are those of this life.
    pub(super) fn scheduler(app: &App, life: &Arc<Life>) -> Scheduler {
        let store: Arc<dyn Store> = Living::<dyn Store>::new(life, Arc::clone(&app.store) as Arc<_>);
        let (clock, ids, actor) = (Arc::clone(&app.clock), Arc::clone(&app.ids), app.actor.clone());
        let nobody = Arc::new(Person::absent(Ui::new(false, true)));
        let services = Arc::new(destinations::Services::none());
        let places = Places { hidden_variables: Vec::new(), services };
        let reach = Reach::new(Arc::clone(&store), clock, ids, actor, Keeping::Kept, places, nobody);
        let engine = app.engine(Keeping::Kept);
        let engine = Engine {
            store,
            world: Living::<dyn World>::new(life, Arc::new(reach)),
            liveness: Arc::new(Alone(engine.holder.clone())),
            ..engine
        };
        let channels: Arc<dyn Notify> =
            Arc::new(Channels::open(Vec::new(), app.hidden_variables(), &app.clock));
        Scheduler::new(engine, channels, app.config.serve.schedule)
    }

    pub(super) fn declared() -> Vec<Declared> {
        DECLARED.iter().map(|(_, _, declared)| *declared).chain([ROOT]).collect()
    }

    /// Files that hold no key of the instance's, or, `strictly`, none that lives.
    pub(super) fn astray(&self, keys: &[KeyView], strictly: bool) -> Vec<&'static str> {
        let holds = |name: &str| {
            let text = std::fs::read_to_string(self.file(name)).unwrap_or_default();
            let secret = text.lines().find_map(|line| line.strip_prefix("N8N_API_KEY="));
            let held = Fingerprint::of(&Secret::new(secret.unwrap_or_default().trim_matches(['"', '\''])))
                .to_string();
            keys.iter().any(|key| key.fingerprint == held && (key.alive || !strictly))
        };
        DECLARED.iter().map(|(_, _, declared)| declared.name).filter(|name| !holds(name)).collect()
    }
}
