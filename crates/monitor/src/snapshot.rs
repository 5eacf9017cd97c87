//! What there is to tell, as plain data, and the port to where it comes from.

use std::collections::BTreeMap;

use model::{
    ChannelName, ForgeName, InstanceName, IntegrationName, IntegrationRole, Mode, NoticeKind, RotationStatus,
    Timestamp,
};

/// How everything stands at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Keywright's version.
    pub version: String,
    /// When this process started.
    pub started_at: Timestamp,
    /// Integrations in service.
    pub integrations: Vec<IntegrationState>,
    /// Instances in service.
    pub instances: Vec<InstanceState>,
    /// Channels of the configuration.
    pub channels: Vec<ChannelState>,
    /// What happened since the process started.
    pub counters: Counters,
    /// The scheduler.
    pub scheduler: SchedulerState,
    /// Events that are not in the log yet.
    pub log_waiting: u64,
}

/// One integration.
#[derive(Clone, Debug)]
pub struct IntegrationState {
    /// Its name.
    pub name: IntegrationName,
    /// Its instance.
    pub instance: InstanceName,
    /// Who answers for it.
    pub owner: Option<String>,
    /// A client's, or our own.
    pub role: IntegrationRole,
    /// Its key, if it has one.
    pub key: Option<KeyTimes>,
    /// Its open rotation, if there is one.
    pub rotation: Option<OpenRotation>,
    /// Its key calls no more, though it always did.
    pub silent: bool,
    /// Destinations that do not hold its key any more; `None` if nobody looked.
    pub drifted: Option<u64>,
}

/// The times of a key.
#[derive(Clone, Copy, Debug)]
pub struct KeyTimes {
    /// When it was made.
    pub made_at: Timestamp,
    /// When it is due to be turned.
    pub due_at: Option<Timestamp>,
    /// When n8n itself ends it.
    pub expires_at: Option<Timestamp>,
    /// When it was last seen to be used.
    pub last_used_at: Option<Timestamp>,
}

/// A rotation that is not over.
#[derive(Clone, Copy, Debug)]
pub struct OpenRotation {
    /// Where it stands.
    pub status: RotationStatus,
    /// Failed tries in a row.
    pub attempts: u32,
    /// When it began.
    pub started_at: Timestamp,
}

/// One instance.
#[derive(Clone, Debug)]
pub struct InstanceState {
    /// Its name.
    pub name: InstanceName,
    /// Its version, if it told it.
    pub version: Option<String>,
    /// Whether it answered last; unknown until it was asked.
    pub reachable: Option<bool>,
    /// Whether it refused the admin's login last; unknown until one was tried.
    pub login_refused: Option<bool>,
    /// When it last answered.
    pub last_seen: Option<Timestamp>,
    /// Keys at it that nobody declared; unknown until it was looked through.
    pub unknown_keys: Option<u64>,
    /// Keys at it that may do everything, though it enforces scopes.
    pub unscoped_keys: Option<u64>,
    /// Keys at it that never expire, though it lets keys expire.
    pub never_expiring_keys: Option<u64>,
}

/// One channel.
#[derive(Clone, Debug)]
pub struct ChannelState {
    /// Its name.
    pub name: ChannelName,
    /// Notices in a row that it did not take.
    pub failed_in_a_row: u64,
    /// When it last took one.
    pub last_sent_at: Option<Timestamp>,
}

/// How a rotation, or a try at it, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Done.
    Done,
    /// Undone.
    Aborted,
    /// Stopped at a problem, to be tried again.
    Stalled,
}

impl Outcome {
    /// Its name as a label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Aborted => "aborted",
            Self::Stalled => "stalled",
        }
    }
}

/// What happened since the process started.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Ends of rotations and of tries, by mode.
    pub rotations: Vec<(Mode, Outcome, u64)>,
    /// Steps that failed.
    pub steps_failed: u64,
    /// Notices that channels took.
    pub notices_sent: BTreeMap<(ChannelName, NoticeKind), u64>,
    /// Notices that they did not take, each try counted.
    pub notices_failed: BTreeMap<(ChannelName, NoticeKind), u64>,
    /// Webhooks and searches, by what became of them.
    pub pushes: BTreeMap<(ForgeName, &'static str), u64>,
    /// Keys that were found in what was pushed, by whose they are.
    pub leaks: BTreeMap<(ForgeName, &'static str), u64>,
}

/// The scheduler of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct SchedulerState {
    /// Whether this process schedules; another one does if not.
    pub is_leader: bool,
    /// When it last looked what is due.
    pub last_tick_at: Option<Timestamp>,
    /// When it will look again.
    pub next_tick_at: Option<Timestamp>,
    /// How far it is behind its own time, in seconds.
    pub lag_s: f64,
}

/// Whether there is a point in sending work here.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Readiness {
    /// What this process does; `None` until it is decided.
    pub duty: Option<Duty>,
    /// What is not as it should be, such as the store.
    pub not_ready: Vec<NotReady>,
}

impl Readiness {
    /// Everything answers, and this process schedules or stands by.
    pub fn is_ready(&self) -> bool {
        self.duty.is_some() && self.not_ready.is_empty()
    }
}

/// What this process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// It schedules.
    Leader,
    /// It takes over when the leader is gone.
    Standby,
}

/// A part that is not ready.
#[derive(Clone, Debug, serde::Serialize)]
pub struct NotReady {
    /// Which, such as `store`.
    pub part: String,
    /// Why; one line, no secrets.
    pub why: String,
}

/// Where the answers come from.
#[async_trait::async_trait]
pub trait Source: Send + Sync {
    /// How everything stands.
    async fn snapshot(&self) -> Snapshot;
    /// Whether there is a point in sending work here.
    async fn ready(&self) -> Readiness;
    /// Whether the loop of this process still turns. Does not wait.
    fn alive(&self) -> bool;
}
