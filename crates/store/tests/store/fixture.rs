//! Records to test with, and the place that a contract case runs on.

use model::{
    Capabilities, Change, Event, EventId, EventKind, Fence, Fingerprint, Instance, Integration,
    IntegrationRole, Key, KeyId, KeyModel, KeyState, LeaseHolder, Mode, NewRotation, Period, Rotation,
    RotationId, RotationStatus, ScopeSupport, Secret, StartOutcome, Step, StepState, Store, StoreError,
    Timestamp, Ulid, plan,
};
use store::log::LogConfig;
use store::{MasterKey, OpenStore, StorePlace};

/// One store, which can be opened any number of times.
pub(crate) trait Place: Send + Sync {
    type Store: OpenStore + 'static;

    /// Opens it again, as another process would.
    fn open(&self) -> Self::Store;
    /// Opens it with another master key.
    fn open_under(&self, key: &MasterKey) -> Result<Self::Store, StoreError>;
    /// Where it is.
    fn place(&self) -> StorePlace;
    /// Its master key.
    fn key(&self) -> MasterKey;
    /// Where its log is.
    fn log(&self) -> LogConfig;
    /// Puts a value that no key opens among the sealed ones, or takes it away.
    fn spoil(&self, spoilt: Spoilt);
    /// What is in its log, oldest first.
    fn logged(&self) -> Vec<Event>;
}

/// Whether a value that no key opens is among the sealed ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoilt {
    Yes,
    No,
}

pub(crate) const LEASE: Period = Period::seconds(60);

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(crate) fn ulid(n: u64) -> Ulid {
    Ulid::from_parts(1_800_000_000_000 + n, u128::from(n))
}

pub(crate) fn event(n: u64) -> Event {
    let seconds = i64::try_from(n).unwrap();
    Event::new(EventId(ulid(n)), at(seconds), EventKind::StepDone, "test").with("number", n)
}

pub(crate) fn holder(pid: u32) -> LeaseHolder {
    LeaseHolder { host: "host-1".to_owned(), pid, start_ticks: 77, nonce: format!("nonce-{pid}") }
}

pub(crate) fn instance(name: &str) -> Instance {
    Instance {
        name: name.parse().unwrap(),
        url: "https://n8n.example.com".to_owned(),
        admin_email: Some("keys@example.com".to_owned()),
        login: model::LoginRefs::default(),
        transport: model::TransportRefs::default(),
        source: model::Source::Command,
        version: Some("2.41.1".to_owned()),
        capabilities: Capabilities {
            keys: KeyModel::Many,
            scopes: ScopeSupport::Enforced,
            expiry: true,
            discover: true,
            available_scopes: vec!["workflow:read".parse().unwrap()],
        },
        connected_at: at(0),
        learned_at: None,
        retired_at: None,
    }
}

pub(crate) fn integration(name: &str) -> Integration {
    Integration {
        name: name.parse().unwrap(),
        instance: "prod".parse().unwrap(),
        role: IntegrationRole::Client,
        owner: Some("ops".to_owned()),
        scopes: vec!["workflow:read".parse().unwrap()],
        rotate_every: Some(Period::days(90)),
        rotate_on: None,
        grace: Period::seconds(3600),
        expires_after: None,
        destinations: vec!["file:/srv/example".parse().unwrap()],
        reload: std::collections::BTreeMap::new(),
        silent_after: None,
        source: model::Source::Command,
        created_at: at(0),
        retired_at: None,
    }
}

pub(crate) fn rotation(n: u64, of: &str) -> Rotation {
    let destinations = integration(of).destinations;
    Rotation {
        id: RotationId(ulid(n)),
        integration: of.parse().unwrap(),
        instance: "prod".parse().unwrap(),
        mode: Mode::Graceful,
        status: RotationStatus::Running,
        old_keys: Vec::new(),
        new_key: None,
        grace: Period::seconds(3600),
        grace_until: None,
        attempts: 0,
        next_try: None,
        problem: None,
        gap_ms: None,
        started_at: at(i64::try_from(n).unwrap()),
        finished_at: None,
        steps: plan(Mode::Graceful, KeyModel::Many, &destinations, &std::collections::BTreeMap::new()),
    }
}

pub(crate) fn key(n: u64, of: &Rotation, secret: &Secret) -> Key {
    Key {
        id: KeyId(ulid(n)),
        integration: of.integration.clone(),
        rotation: of.id,
        native_id: format!("native-{n}"),
        label: format!("label-{n}"),
        fingerprint: Fingerprint::of(secret),
        tail: secret.tail(),
        scopes: vec!["workflow:read".parse().unwrap()],
        state: KeyState::Pending,
        created_at: at(i64::try_from(n).unwrap()),
        expires_at: None,
        last_used_at: None,
        retired_at: None,
        proved_dead_at: None,
    }
}

/// A rotation that declares its integration and is held by process 1.
pub(crate) fn new(n: u64, of: &str) -> NewRotation {
    NewRotation {
        rotation: rotation(n, of),
        integration: Some(integration(of)),
        supersede: None,
        holder: holder(1),
        lease_for: LEASE,
        adopt: None,
    }
}

/// Begins rotation `n` of an integration, on an instance that is there.
pub(crate) async fn begin(store: &impl Store, n: u64, of: &str) -> (Rotation, Fence) {
    store.put_instance(&instance("prod"), Vec::new(), Vec::new()).await.unwrap();
    match store.start_rotation(new(n, of), Vec::new()).await.unwrap() {
        StartOutcome::Started(fence) => (rotation(n, of), fence),
        StartOutcome::AlreadyOpen(id) => panic!("{id} is open"),
    }
}

/// The step in another state.
pub(crate) fn step(of: &Rotation, number: usize, state: StepState) -> Step {
    Step { state, attempts: 1, ..of.steps[number].clone() }
}

pub(crate) fn put_step(step: Step) -> Change {
    Change::Step(Box::new(step))
}

/// Changes a rotation's status.
pub(crate) fn put_status(of: &Rotation, status: RotationStatus) -> Change {
    Change::Rotation(Box::new(Rotation { status, ..of.clone() }))
}
