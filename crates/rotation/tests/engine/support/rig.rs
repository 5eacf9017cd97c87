//! An integration with its key and its destinations, all of it in memory, ready to be rotated.

use std::sync::Arc;

use model::{
    Address, Capabilities, Clock as _, Destination, DestinationError, Fingerprint, Hook, Instance,
    Integration, IntegrationName, IntegrationRole, Issuer, Key, KeyId, KeyModel, KeyState, LoginRefs, Mode,
    Period, Report, RotationId, ScopeSupport, Secret, Source, TransportRefs, Ulid,
};
use rotation::{Engine, Outcome, Request, RotationError, World};

use super::destination::{FakeDestination, FakeHook};
use super::issuer::{FakeIssuer, ONLY_LABEL};
use super::outside::{Made, Place};
use super::store_port::StoreView;
use super::{FakeClock, FakeIds, FakeStore, Faults, Outside, Process, Processes, Rng};

/// What to begin with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) model: KeyModel,
    /// The integration has a key, and its destinations hold it.
    pub(crate) has_key: bool,
    pub(crate) destinations: usize,
    pub(crate) grace: Period,
    pub(crate) text_of_second: bool,
    pub(crate) seed: u64,
}

/// The outside, the store and the processes that work on them.
pub(crate) struct Rig {
    pub(crate) setup: Setup,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) outside: Arc<Outside>,
    pub(crate) store: Arc<FakeStore>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) processes: Arc<Processes>,
    pub(crate) ids: Arc<FakeIds>,
    /// What each destination held when the test began.
    pub(crate) before: Vec<Place>,
}

pub(crate) const OLD_TEXT: &str = "canary-key-the-old-one";
const OLD_ID: &str = "native-old";

pub(crate) fn integration_name() -> IntegrationName {
    "backups".parse().unwrap()
}

pub(crate) fn address(number: usize) -> Address {
    format!("fake:/place/{number}").parse().unwrap()
}

impl Rig {
    pub(crate) fn new(setup: Setup) -> Self {
        let rig = Self {
            setup,
            outside: Arc::new(Outside::new(setup.model, setup.text_of_second)),
            store: Arc::default(),
            faults: Arc::new(Faults::new()),
            processes: Arc::default(),
            ids: Arc::new(FakeIds::new(setup.seed)),
            before: Vec::new(),
            clock: Arc::new(FakeClock::new()),
        };
        rig.declare();
        rig.furnish()
    }

    fn declare(&self) {
        let now = self.clock.now();
        let many = self.setup.model == KeyModel::Many;
        let capabilities = Capabilities {
            keys: self.setup.model,
            scopes: if many { ScopeSupport::Enforced } else { ScopeSupport::Absent },
            expiry: many,
            discover: many,
            available_scopes: Vec::new(),
        };
        let instance = Instance {
            name: "prod".parse().unwrap(),
            url: "http://127.0.0.1:5678".into(),
            admin_email: Some("owner@example.com".into()),
            login: LoginRefs::default(),
            transport: TransportRefs::default(),
            source: Source::Command,
            version: None,
            capabilities,
            connected_at: now,
            learned_at: None,
            retired_at: None,
        };
        let integration = Integration {
            name: integration_name(),
            instance: instance.name.clone(),
            role: IntegrationRole::Client,
            owner: None,
            scopes: vec!["workflow:read".parse().unwrap()],
            rotate_every: None,
            rotate_on: None,
            grace: self.setup.grace,
            expires_after: None,
            destinations: (0..self.setup.destinations).map(address).collect(),
            reload: std::collections::BTreeMap::new(),
            silent_after: None,
            source: Source::Command,
            created_at: now,
            retired_at: None,
        };
        self.store.arrange(|kept| {
            kept.instances.push(instance);
            kept.integrations.push(integration);
        });
    }

    /// The old key, in the store, at n8n and in the destinations.
    fn furnish(mut self) -> Self {
        let now = self.clock.now();
        let places = (0..self.setup.destinations).map(|number| {
            let text = self.setup.has_key.then(|| OLD_TEXT.to_owned());
            (address(number), Place { guarded: text.is_some(), text, ..Place::default() })
        });
        self.outside.arrange(|state| state.places = places.collect());
        if self.setup.has_key {
            let many = self.setup.model == KeyModel::Many;
            let only = self.setup.model == KeyModel::OneOverwritten;
            let native_id = if only { "only-key" } else { OLD_ID }.to_owned();
            let label = if many { "backups of old" } else { ONLY_LABEL }.to_owned();
            let secret = Secret::new(OLD_TEXT);
            let key = Key {
                id: KeyId(Ulid::from_parts(1, 1)),
                integration: integration_name(),
                rotation: RotationId(Ulid::from_parts(1, 2)),
                native_id: native_id.clone(),
                label: label.clone(),
                fingerprint: Fingerprint::of(&secret),
                tail: secret.tail(),
                scopes: Vec::new(),
                state: KeyState::Active,
                created_at: now,
                expires_at: None,
                last_used_at: None,
                retired_at: None,
                proved_dead_at: None,
            };
            self.store.arrange(|kept| kept.keys.push((key, Some(secret))));
            let (text, scopes, expires_at) = (OLD_TEXT.to_owned(), Vec::new(), None);
            let made = Made {
                native_id,
                label,
                text,
                scopes,
                created_at: now,
                expires_at,
                lives: true,
                proved: true,
                used_at: None,
            };
            self.outside.arrange(|state| state.keys.push(made));
        }
        self.before = self.outside.look(|state| state.places.values().cloned().collect());
        self
    }

    /// Gives the programs of the first so many destinations a hook: they use what they took up last.
    pub(crate) fn hook_up(&mut self, count: usize) {
        for number in 0..count {
            let hook = format!("hook:{number}").parse().unwrap();
            self.store.arrange(|kept| drop(kept.integrations[0].reload.insert(address(number), hook)));
            self.outside.arrange(|state| state.places.get_mut(&address(number)).unwrap().take_up());
        }
        self.before = self.outside.look(|state| state.places.values().cloned().collect());
    }

    /// A second integration, without a key, with one destination of its own.
    pub(crate) fn add_integration(&self, name: &str, to: &Address) -> IntegrationName {
        let name: IntegrationName = name.parse().unwrap();
        self.outside.arrange(|state| state.places.insert(to.clone(), Place::default()));
        self.store.arrange(|kept| {
            let mut integration = kept.integrations[0].clone();
            integration.name = name.clone();
            integration.destinations = vec![to.clone()];
            kept.integrations.push(integration);
        });
        name
    }

    /// Another run of the binary.
    pub(crate) fn process(&self, yields: Option<Rng>) -> Arc<Process> {
        self.processes.start(&self.clock, yields)
    }

    pub(crate) fn engine(&self, process: &Arc<Process>) -> Engine {
        let view =
            StoreView { store: self.store.clone(), faults: self.faults.clone(), process: process.clone() };
        let world = FakeWorld {
            outside: self.outside.clone(),
            faults: self.faults.clone(),
            clock: self.clock.clone(),
            process: process.clone(),
        };
        Engine {
            store: Arc::new(view),
            world: Arc::new(world),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            observer: process.clone(),
            liveness: self.processes.clone(),
            holder: process.holder(),
            actor: "tester".into(),
        }
    }

    /// In a process of its own, which runs undisturbed.
    pub(crate) fn calm_engine(&self) -> Engine {
        self.engine(&self.process(None))
    }

    /// Begins and drives a rotation; from now on the clients are watched if they may rely on it.
    pub(crate) async fn rotate(&self, engine: &Engine, mode: Mode) -> Result<Outcome, RotationError> {
        self.asked_for(mode);
        let id = engine.start(&Request::new(integration_name(), mode)).await?;
        engine.drive(id).await
    }

    /// Nobody may rely on a key that was asked to be killed, nor where only one can live.
    pub(crate) fn asked_for(&self, mode: Mode) {
        let graceful = mode == Mode::Graceful && self.setup.model == KeyModel::Many;
        self.outside.arrange(|state| {
            if matches!(mode, Mode::Compromised | Mode::Revoke) {
                state.places.values_mut().for_each(|place| place.guarded = false);
            }
            state.watched |= graceful;
        });
    }

    pub(crate) fn new_text(&self, rotation: RotationId) -> Option<String> {
        let key = self.store.rotation(rotation).new_key?;
        self.store.look(|kept| kept.secret(key).map(|secret| secret.expose().to_owned()))
    }
}

struct FakeWorld {
    outside: Arc<Outside>,
    faults: Arc<Faults>,
    clock: Arc<FakeClock>,
    process: Arc<Process>,
}

#[async_trait::async_trait]
impl World for FakeWorld {
    async fn issuer(&self, instance: &Instance) -> Result<Arc<dyn Issuer>, Report> {
        Ok(Arc::new(FakeIssuer {
            instance: instance.name.clone(),
            capabilities: instance.capabilities.clone(),
            outside: self.outside.clone(),
            faults: self.faults.clone(),
            clock: self.clock.clone(),
            process: self.process.clone(),
        }))
    }

    fn destination(
        &self,
        to: &Address,
        _of: &Integration,
        _during: Option<RotationId>,
    ) -> Result<Arc<dyn Destination>, DestinationError> {
        Ok(Arc::new(self.place(to)))
    }

    fn hook(
        &self,
        to: &Address,
        of: &Integration,
        _during: Option<RotationId>,
    ) -> Result<Arc<dyn Hook>, DestinationError> {
        let place = of.reload.iter().find(|(_, hook)| *hook == to).unwrap().0;
        Ok(Arc::new(FakeHook::new(to, self.place(place))))
    }
}

impl FakeWorld {
    fn place(&self, at: &Address) -> FakeDestination {
        FakeDestination {
            address: at.clone(),
            outside: self.outside.clone(),
            faults: self.faults.clone(),
            process: self.process.clone(),
        }
    }
}
