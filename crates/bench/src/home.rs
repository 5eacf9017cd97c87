//! A Keywright home with many integrations, made in this process; only its rotations are measured.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{
    Address, Clock as _, Destination, DestinationError, Hook, Instance, Integration, IntegrationRole, Issuer,
    LeaseHolder, Mode, Period, Report, RotationId, Secret, Store,
};
use n8n::testing::{RandomIds, WallClock};
use rotation::{Engine, Liveness, Outcome, Request, Silent, World};
use store::log::LogConfig;
use store::{MasterKey, SqliteStore};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{Trouble, measure};

/// A configuration, a store, and a connected instance.
pub(crate) struct Home {
    folder: TempDir,
    binary: PathBuf,
}

impl Home {
    /// Made and connected by the binary itself.
    pub(crate) async fn connected(
        binary: &str,
        url: &str,
        email: &str,
        password: &str,
    ) -> Result<Self, Trouble> {
        let home = Self { folder: TempDir::new()?, binary: PathBuf::from(binary) };
        measure::run(&mut home.command(&["init"])).await?;
        let connect = ["connect", "prod", url, "--email", email, "--password-from", "env:BENCH_PASSWORD"];
        measure::run(home.command(&connect).env("BENCH_PASSWORD", password)).await?;
        Ok(home)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A command in this home.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(self.path().join("keywright.toml")).args(arguments);
        command
    }

    /// Makes the keys of `count` integrations, each with `places` files; gives their names.
    pub(crate) async fn populate(&self, count: usize, places: usize) -> Result<Vec<String>, Trouble> {
        let master_key = std::fs::read_to_string(self.path().join("keywright.key"))?;
        let master_key = MasterKey::from_text(&Secret::new(master_key.trim()))?;
        let log = LogConfig::new(self.path().join("keywright-log"));
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(&self.path().join("keywright.db"), &master_key, &log)?);
        let instance = store.instances().await?.pop().ok_or("no instance is connected")?;
        let engine = Engine {
            store: Arc::clone(&store),
            world: Arc::new(Outside { issuer: issuer(&instance, Arc::clone(&store))? }),
            clock: Arc::new(WallClock),
            ids: Arc::new(RandomIds),
            observer: Arc::new(Silent),
            liveness: Arc::new(NobodyDied),
            holder: LeaseHolder { host: "bench".into(), pid: 1, start_ticks: 1, nonce: "bench".into() },
            actor: "bench".into(),
        };
        let mut names = Vec::new();
        let mut begun = Vec::new();
        for number in 0..count {
            let name = format!("i{number:05}");
            let destinations =
                (0..places).map(|place| self.place(&name, place)).collect::<Result<_, Trouble>>()?;
            let declare = Integration {
                name: name.parse()?,
                instance: instance.name.clone(),
                role: IntegrationRole::Client,
                owner: None,
                scopes: vec!["workflow:list".parse()?],
                rotate_every: None,
                rotate_on: None,
                grace: Period::ZERO,
                expires_after: None,
                destinations,
                reload: std::collections::BTreeMap::new(),
                silent_after: None,
                source: model::Source::Command,
                created_at: WallClock.now(),
                retired_at: None,
            };
            let request = Request { declare: Some(declare), ..Request::new(name.parse()?, Mode::Create) };
            begun.push(engine.start(&request).await?);
            names.push(name);
        }
        for (_, outcome) in engine.drive_all(begun, 32).await {
            if !matches!(outcome?, Outcome::Over(_)) {
                return Err("a key could not be made".into());
            }
        }
        store.flush_log().await?;
        Ok(names)
    }

    fn place(&self, name: &str, place: usize) -> Result<Address, Trouble> {
        let folder = self.path().join("places").join(name);
        std::fs::create_dir_all(&folder)?;
        let address = match place {
            0 => format!("dotenv:{}#N8N_API_KEY", folder.join(".env").display()),
            _ => format!("file:{}", folder.join(format!("key-{place}")).display()),
        };
        Ok(address.parse()?)
    }
}

fn issuer(instance: &Instance, store: Arc<dyn Store>) -> Result<Arc<dyn Issuer>, Trouble> {
    let config = n8n::ClientConfig {
        name: instance.name.clone(),
        base_url: n8n::BaseUrl::parse(&instance.url, n8n::InsecureHttp::Refused)?,
        timeouts: n8n::Timeouts::default(),
        transport: n8n::Transport::default(),
        clock: Arc::new(WallClock),
        ids: Arc::new(RandomIds),
    };
    let client = n8n::N8nClient::new(
        config,
        Arc::new(Session { store, name: format!("instance/{}/session", instance.name) }),
    )?;
    Ok(Arc::new(n8n::N8nIssuer::new(Arc::new(client), instance.capabilities.clone())))
}

/// The session that `connect` kept; there is no other.
struct Session {
    store: Arc<dyn Store>,
    name: String,
}

#[async_trait::async_trait]
impl model::SessionKeeper for Session {
    async fn load(&self) -> Result<Option<Secret>, Report> {
        self.store.sealed(&self.name).await.map_err(|failure| *failure.report)
    }

    async fn save(&self, _session: Option<&Secret>) -> Result<(), Report> {
        Ok(())
    }

    async fn login(&self) -> Result<model::AdminLogin, Report> {
        Err(Report::new(model::Blame::Bug, model::Retry::Never, "a benchmark does not log in twice"))
    }
}

struct Outside {
    issuer: Arc<dyn Issuer>,
}

#[async_trait::async_trait]
impl World for Outside {
    async fn issuer(&self, _instance: &Instance) -> Result<Arc<dyn Issuer>, Report> {
        Ok(Arc::clone(&self.issuer))
    }

    fn destination(
        &self,
        to: &Address,
        of: &Integration,
        during: Option<RotationId>,
    ) -> Result<Arc<dyn Destination>, DestinationError> {
        let context = destinations::Context {
            integration: of.name.clone(),
            instance: of.instance.clone(),
            rotation: during,
            hidden_variables: Vec::new(),
            services: Arc::new(destinations::Services::none()),
        };
        destinations::open(to, &context)
    }

    fn hook(
        &self,
        to: &Address,
        of: &Integration,
        during: Option<RotationId>,
    ) -> Result<Arc<dyn Hook>, DestinationError> {
        let context = destinations::Context {
            integration: of.name.clone(),
            instance: of.instance.clone(),
            rotation: during,
            hidden_variables: Vec::new(),
            services: Arc::new(destinations::Services::none()),
        };
        destinations::open_hook(to, &context)
    }
}

struct NobodyDied;

impl Liveness for NobodyDied {
    fn is_dead(&self, _holder: &LeaseHolder) -> bool {
        false
    }
}
