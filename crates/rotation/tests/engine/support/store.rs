//! A store in memory, as strict as the real one.

use std::collections::BTreeMap;
use std::sync::Mutex;

use model::{
    Blame, Event, Instance, Integration, IntegrationName, Key, KeyId, Lease, Report, Retry, Rotation,
    RotationId, Secret, StoreError, StoreErrorKind,
};
use tokio::sync::{Notify, watch};

/// All that is kept.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) instances: Vec<Instance>,
    pub(crate) integrations: Vec<Integration>,
    pub(crate) keys: Vec<(Key, Option<Secret>)>,
    pub(crate) rotations: Vec<Rotation>,
    pub(crate) previous: BTreeMap<(RotationId, u32), Secret>,
    pub(crate) fences: BTreeMap<RotationId, u64>,
    pub(crate) leases: BTreeMap<RotationId, Lease>,
    pub(crate) sealed: BTreeMap<String, Secret>,
    pub(crate) memos: BTreeMap<String, serde_json::Value>,
    /// Who holds which role.
    pub(crate) leaders: BTreeMap<String, u32>,
    pub(crate) events: Vec<Event>,
    /// Transactions that changed something, leases left out.
    pub(crate) writes: u32,
}

/// What every process shares; each has a [`super::store_port::StoreView`] of it.
pub(crate) struct FakeStore {
    kept: Mutex<Kept>,
    /// Rises with each write.
    pub(crate) written: watch::Sender<u32>,
    /// A role was given back.
    pub(crate) vacated: Notify,
}

impl Default for FakeStore {
    fn default() -> Self {
        Self { kept: Mutex::default(), written: watch::Sender::new(0), vacated: Notify::new() }
    }
}

pub(crate) fn error(kind: StoreErrorKind, what: impl Into<String>) -> StoreError {
    let retry = match kind {
        StoreErrorKind::Unavailable | StoreErrorKind::LeaseHeld(_) => Retry::Later(None),
        _ => Retry::Never,
    };
    StoreError::new(kind, Report::new(Blame::Operator, retry, what))
}

impl Kept {
    pub(crate) fn rotation(&self, id: RotationId) -> Result<&Rotation, StoreError> {
        let found = self.rotations.iter().find(|rotation| rotation.id == id);
        found.ok_or_else(|| error(StoreErrorKind::NotFound, format!("there is no rotation `{id}`")))
    }

    pub(crate) fn open_of(&self, name: &IntegrationName) -> Option<RotationId> {
        let open = |rotation: &&Rotation| rotation.integration == *name && rotation.status.is_open();
        self.rotations.iter().find(open).map(|rotation| rotation.id)
    }

    pub(crate) fn secret(&self, id: KeyId) -> Option<&Secret> {
        self.keys.iter().find(|(key, _)| key.id == id).and_then(|(_, secret)| secret.as_ref())
    }
}

impl FakeStore {
    pub(crate) fn look<T>(&self, with: impl FnOnce(&Kept) -> T) -> T {
        with(&self.kept.lock().unwrap())
    }

    pub(crate) fn arrange<T>(&self, with: impl FnOnce(&mut Kept) -> T) -> T {
        let mut kept = self.kept.lock().unwrap();
        let before = kept.writes;
        let result = with(&mut kept);
        if kept.writes != before {
            self.written.send_modify(|writes| *writes = kept.writes);
        }
        result
    }

    pub(crate) fn rotation(&self, id: RotationId) -> Rotation {
        self.look(|kept| kept.rotation(id).unwrap().clone())
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        self.look(|kept| kept.keys.iter().map(|(key, _)| key.clone()).collect())
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.look(|kept| kept.events.clone())
    }

    /// Takes a role from whoever has it.
    pub(crate) fn dismiss(&self, role: &str) {
        self.arrange(|kept| kept.leaders.remove(role));
        self.vacated.notify_waiters();
    }

    pub(crate) fn writes(&self) -> u32 {
        self.look(|kept| kept.writes)
    }
}
