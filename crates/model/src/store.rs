//! The port to what is kept. Only the `store` crate knows SQL and sealing.

use crate::{
    Event, Failure, Fence, Fingerprint, Instance, InstanceName, Integration, IntegrationName, Key, KeyId,
    Lease, LeaseHolder, Period, Rotation, RotationId, Secret, Step, Timestamp,
};

/// What a caller may branch on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The rotation's lease is not (or no longer) the caller's.
    LeaseLost,
    /// Somebody else holds the lease.
    LeaseHeld(Box<Lease>),
    /// No such record.
    NotFound,
    /// A record with this name or id exists.
    Exists,
    /// A step or rotation cannot go from where it stands to there.
    IllegalTransition,
    /// The master key does not open what is sealed, or a sealed value was moved or changed.
    Unsealable,
    /// The schema is newer than this binary, or is not ours.
    Schema,
    /// Disk, permission, or a lock not had in time.
    Unavailable,
    /// Keywright's own fault.
    Bug,
}

/// A store's failure.
pub type StoreError = Failure<StoreErrorKind>;

/// A rotation to begin.
#[derive(Clone, Debug)]
pub struct NewRotation {
    /// Its record with all planned steps.
    pub rotation: Rotation,
    /// Declares or replaces the integration in the same transaction.
    pub integration: Option<Integration>,
    /// An open rotation of the same integration that gives way, in the same transaction. If none is open any
    /// more, nothing is written: [`StoreErrorKind::IllegalTransition`].
    pub supersede: Option<RotationId>,
    /// Who drives it first.
    pub holder: LeaseHolder,
    /// How long the first lease lasts.
    pub lease_for: Period,
    /// A key that exists and is taken charge of, with its text; the rotation is then over as it begins.
    pub adopt: Option<Box<(Key, Secret)>>,
}

/// What came of beginning a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartOutcome {
    /// It began, and the caller holds its lease.
    Started(Fence),
    /// The integration has an open rotation already; nothing was written.
    AlreadyOpen(RotationId),
}

/// One change to a rotation's journal or to what it is about.
#[derive(Clone, Debug)]
pub enum Change {
    /// Replaces the rotation's own fields (not its steps).
    Rotation(Box<Rotation>),
    /// Adds steps behind those there are; their numbers go on.
    StepsAdded(Vec<Step>),
    /// Replaces one step; its state must be reachable from the one it has
    /// ([`crate::StepState::check_transition`]).
    Step(Box<Step>),
    /// Keeps, sealed, what a step's destination held before; `None` forgets it.
    Previous {
        /// The step's number.
        step: u32,
        /// What was held.
        value: Option<Secret>,
    },
    /// Adds a key and its sealed text.
    KeyAdded(Box<Key>, Secret),
    /// Replaces a key's record; its text stays.
    Key(Box<Key>),
    /// Forgets a key's text; its record stays.
    SecretErased(KeyId),
}

/// Tells of writes by anyone: other callers, other processes, other hosts.
#[async_trait::async_trait]
pub trait Changes: Send {
    /// Returns when something was written since this was made or last returned; now and then without reason.
    async fn next(&mut self) -> Result<(), StoreError>;
}

/// The only holder of a role, such as the scheduler's. Dropping it, or dying, gives the role to another.
#[async_trait::async_trait]
pub trait Leadership: Send {
    /// Returns when the role is not ours any more.
    async fn lost(&mut self);
}

/// What is kept: instances, integrations, keys, rotations, sealed values, and the way of events into the log.
///
/// Every method that writes is one transaction, durable when it returns. Events given to it reach the log
/// exactly once, even if the process dies in between. Several processes may use one store at once.
#[async_trait::async_trait]
pub trait Store: Send + Sync {
    /// Adds or replaces an instance, and sealed values that go with it, as [`Store::put_sealed`] does.
    async fn put_instance(
        &self,
        instance: &Instance,
        sealed: Vec<(String, Option<Secret>)>,
        events: Vec<Event>,
    ) -> Result<(), StoreError>;
    /// All instances, by name.
    async fn instances(&self) -> Result<Vec<Instance>, StoreError>;
    /// One instance.
    async fn instance(&self, name: &InstanceName) -> Result<Option<Instance>, StoreError>;

    /// Keeps a sealed value under a name, such as `instance/prod/session`; `None` forgets it.
    async fn put_sealed(
        &self,
        name: &str,
        value: Option<&Secret>,
        events: Vec<Event>,
    ) -> Result<(), StoreError>;
    /// Keeps a sealed value together with a memo of the same name, which tells of it and is not sealed; `None` forgets
    /// both.
    async fn put_secret(
        &self,
        name: &str,
        secret: Option<(&Secret, &serde_json::Value)>,
        events: Vec<Event>,
    ) -> Result<(), StoreError>;
    /// A sealed value, opened.
    async fn sealed(&self, name: &str) -> Result<Option<Secret>, StoreError>;

    /// Adds or replaces integrations, all or none; nothing of their keys is touched. [`StoreErrorKind::NotFound`]
    /// if an instance of theirs is not there.
    async fn put_integrations(
        &self,
        integrations: Vec<Integration>,
        events: Vec<Event>,
    ) -> Result<(), StoreError>;
    /// All integrations, by name; those out of service too.
    async fn integrations(&self) -> Result<Vec<Integration>, StoreError>;
    /// One integration.
    async fn integration(&self, name: &IntegrationName) -> Result<Option<Integration>, StoreError>;

    /// Keys by time of making, of one integration or of all.
    async fn keys(&self, integration: Option<&IntegrationName>) -> Result<Vec<Key>, StoreError>;
    /// Keys that are not retired, by time of making.
    async fn living_keys(&self) -> Result<Vec<Key>, StoreError>;
    /// One key.
    async fn key(&self, id: KeyId) -> Result<Option<Key>, StoreError>;
    /// The key with this fingerprint, if one was ever kept.
    async fn key_with_fingerprint(&self, fingerprint: &Fingerprint) -> Result<Option<Key>, StoreError>;
    /// Notes when keys were last seen to be used, and nothing else of their records; an earlier time than the
    /// noted one, or a key that is not there, is passed over.
    async fn note_use(&self, used: Vec<(KeyId, Timestamp)>) -> Result<(), StoreError>;
    /// Sets a key's time of making, and nothing else of its record.
    async fn redate_key(&self, id: KeyId, made_at: Timestamp, events: Vec<Event>) -> Result<(), StoreError>;
    /// A key's text, opened; `None` once it was erased.
    async fn key_secret(&self, id: KeyId) -> Result<Option<Secret>, StoreError>;

    /// Begins a rotation, unless its integration has an open one. The caller gets its lease.
    async fn start_rotation(&self, new: NewRotation, events: Vec<Event>) -> Result<StartOutcome, StoreError>;
    /// One rotation with its steps.
    async fn rotation(&self, id: RotationId) -> Result<Option<Rotation>, StoreError>;
    /// Rotations that are not over, oldest first.
    async fn open_rotations(&self) -> Result<Vec<Rotation>, StoreError>;
    /// Rotations of an integration, newest first, at most `limit`.
    async fn rotations_of(
        &self,
        integration: &IntegrationName,
        limit: u32,
    ) -> Result<Vec<Rotation>, StoreError>;
    /// What a step's destination held before, opened.
    async fn previous(&self, rotation: RotationId, step: u32) -> Result<Option<Secret>, StoreError>;

    /// Takes a rotation's lease until `now + lease_for` if it is free, has expired at `now`, or is held by the
    /// same holder; also if `over` is the fence of the lease that is held, which the caller knows to be a dead
    /// process's. Each taking raises the fence.
    async fn take_lease(
        &self,
        rotation: RotationId,
        holder: &LeaseHolder,
        now: Timestamp,
        lease_for: Period,
        over: Option<Fence>,
    ) -> Result<Fence, StoreError>;
    /// Prolongs a lease.
    async fn renew_lease(&self, fence: &Fence, now: Timestamp, lease_for: Period) -> Result<(), StoreError>;
    /// Gives a lease back. Not an error if it was lost.
    async fn release_lease(&self, fence: &Fence) -> Result<(), StoreError>;

    /// Writes changes and events together, or nothing, if `fence` is still the rotation's newest.
    async fn commit(&self, fence: &Fence, changes: Vec<Change>, events: Vec<Event>)
    -> Result<(), StoreError>;

    /// Keeps what a part of Keywright wants to remember, such as `survey/prod`; `None` forgets it. Not sealed: no
    /// secrets.
    async fn put_memo(
        &self,
        name: &str,
        memo: Option<&serde_json::Value>,
        events: Vec<Event>,
    ) -> Result<(), StoreError>;
    /// What was kept under names that begin so, by name.
    async fn memos(&self, prefix: &str) -> Result<Vec<(String, serde_json::Value)>, StoreError>;

    /// Waits until `role` is free and takes it. One holder at a time over all processes and hosts that use this
    /// store; a holder that died is followed within 10 s. It keeps others from doing the same work, but proves
    /// nothing: what must not be done twice is fenced by a lease.
    async fn lead(&self, role: &str, holder: &LeaseHolder) -> Result<Box<dyn Leadership>, StoreError>;
    /// Tells of writes from now on.
    async fn changes(&self) -> Result<Box<dyn Changes>, StoreError>;

    /// Writes events that go with no other change.
    async fn record(&self, events: Vec<Event>) -> Result<(), StoreError>;
    /// Returns when every event given so far is in the log, durable.
    async fn flush_log(&self) -> Result<(), StoreError>;
}
