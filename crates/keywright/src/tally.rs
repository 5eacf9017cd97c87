//! How everything stands, for health and metrics: what the store says, and what this process counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::{
    ChannelName, Clock, ForgeName, Instance, Integration, IntegrationName, Key, KeyState, Mode, NoticeKind,
    Rotation, RotationStatus, StepKind, Timestamp,
};
use monitor::{
    ChannelState, Counters, Duty, InstanceState, IntegrationState, KeyTimes, NotReady, OpenRotation, Outcome,
    Readiness, SchedulerState, Snapshot,
};
use rotation::{Moment, Observer, Point, Pulse, PulseView};
use serde_json::Value;
use store::OpenStore;

use crate::app::App;
use crate::drifted;

/// A scheduler that is this late is not alive any more.
const LATE_S: i64 = 300;
/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Counts {
    rotations: BTreeMap<(&'static str, Outcome), (Mode, u64)>,
    steps_failed: u64,
    sent: BTreeMap<(ChannelName, NoticeKind), u64>,
    unsent: BTreeMap<(ChannelName, NoticeKind), u64>,
    pushes: BTreeMap<(ForgeName, &'static str), u64>,
    leaks: BTreeMap<(ForgeName, &'static str), u64>,
}

/// Whether a channel took a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Yes,
    No,
}

/// Counts what goes by.
pub(crate) struct Tally {
    counts: Mutex<Counts>,
    also: Option<Arc<dyn Observer>>,
}

impl Tally {
    pub(crate) fn new(also: Option<Arc<dyn Observer>>) -> Self {
        Self { counts: Mutex::default(), also }
    }

    /// A channel took a notice, or did not.
    pub(crate) fn told(&self, channel: &ChannelName, kind: NoticeKind, taken: Taken) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let of = match taken {
            Taken::Yes => &mut counts.sent,
            Taken::No => &mut counts.unsent,
        };
        *of.entry((channel.clone(), kind)).or_default() += 1;
    }

    /// What became of a webhook, or of a search.
    pub(crate) fn pushed(&self, forge: &ForgeName, outcome: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.pushes.entry((forge.clone(), outcome)).or_default() += 1;
    }

    /// Keys that were found in what was pushed.
    pub(crate) fn leaked(&self, forge: &ForgeName, whose: &'static str, times: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.leaks.entry((forge.clone(), whose)).or_default() += times;
    }

    fn counters(&self) -> Counters {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let rotations = counts.rotations.iter();
        Counters {
            rotations: rotations.map(|((_, outcome), (mode, count))| (*mode, *outcome, *count)).collect(),
            steps_failed: counts.steps_failed,
            notices_sent: counts.sent.clone(),
            notices_failed: counts.unsent.clone(),
            pushes: counts.pushes.clone(),
            leaks: counts.leaks.clone(),
        }
    }
}

impl Observer for Tally {
    fn at(&self, moment: Moment<'_>) {
        let mode = moment.rotation.mode;
        let aborting = matches!(moment.rotation.status, RotationStatus::Aborting | RotationStatus::Aborted);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = match moment.point {
            Point::Done if moment.step.kind == StepKind::Close && aborting => Some(Outcome::Aborted),
            Point::Done if moment.step.kind == StepKind::Close => Some(Outcome::Done),
            Point::Stalled => Some(Outcome::Stalled),
            _ => None,
        };
        if let Some(outcome) = outcome {
            counts.rotations.entry((mode.as_str(), outcome)).or_insert((mode, 0)).1 += 1;
        }
        counts.steps_failed += u64::from(moment.point == Point::Failed);
        drop(counts);
        if let Some(also) = &self.also {
            also.at(moment);
        }
    }
}

/// Where health and metrics come from.
pub(crate) struct Vitals {
    store: Arc<dyn OpenStore>,
    clock: Arc<dyn Clock>,
    /// The scheduler that is at work, and the channels that it tells.
    looked_at: Mutex<(Arc<Pulse>, Vec<ChannelName>)>,
    tally: Arc<Tally>,
    started_at: Timestamp,
}

impl Vitals {
    pub(crate) fn new(app: &App, tally: Arc<Tally>) -> Self {
        let (store, clock) = (Arc::clone(&app.store), Arc::clone(&app.clock));
        let started_at = clock.now();
        Self { store, clock, looked_at: Mutex::default(), tally, started_at }
    }

    /// Another scheduler is at work in this process.
    pub(crate) fn look_at(&self, pulse: Arc<Pulse>, channels: Vec<ChannelName>) {
        *self.looked_at.lock().unwrap_or_else(PoisonError::into_inner) = (pulse, channels);
    }

    fn pulse(&self) -> PulseView {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).0.view()
    }

    fn channels(&self) -> Vec<ChannelName> {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    fn lag_s(&self) -> i64 {
        let next = self.pulse().next_tick_at;
        next.map_or(0, |next| self.clock.now().duration_since(next).as_secs().max(0))
    }

    async fn log_waiting(&self) -> u64 {
        let read = tokio::time::timeout(PATIENCE, self.store.log_waiting()).await;
        read.ok().and_then(Result::ok).unwrap_or(0)
    }

    async fn memos(&self) -> Option<BTreeMap<String, Value>> {
        let read = tokio::time::timeout(PATIENCE, self.store.memos("")).await;
        read.ok()?.ok().map(|memos| memos.into_iter().collect())
    }

    /// What the store says; nothing where it does not answer.
    async fn told(&self) -> (Vec<Integration>, Vec<Instance>, Vec<Key>, Vec<Rotation>) {
        let read = async {
            Ok::<_, model::StoreError>((
                self.store.integrations().await?,
                self.store.instances().await?,
                self.store.keys(None).await?,
                self.store.open_rotations().await?,
            ))
        };
        tokio::time::timeout(PATIENCE, read).await.ok().and_then(Result::ok).unwrap_or_default()
    }
}

impl Vitals {
    /// How many destinations of each do not hold its key, as far as that was looked at.
    async fn drifted(
        &self,
        integrations: &[Integration],
        memos: &BTreeMap<String, Value>,
    ) -> BTreeMap<IntegrationName, u64> {
        let mut counts = BTreeMap::new();
        for of in integrations {
            let Some(memo) = memos.get(&format!("drift/{}", of.name)) else { continue };
            let standing = drifted::standing(&*self.store, of, memo);
            if let Ok(Ok(places)) = tokio::time::timeout(PATIENCE, standing).await {
                counts.insert(of.name.clone(), u64::try_from(places.len()).unwrap_or(u64::MAX));
            }
        }
        counts
    }
}

#[async_trait::async_trait]
impl monitor::Source for Vitals {
    async fn snapshot(&self) -> Snapshot {
        let memos = self.memos().await.unwrap_or_default();
        let (integrations, instances, keys, open) = self.told().await;
        let pulse = self.pulse();
        let living: BTreeMap<_, _> = keys
            .iter()
            .filter(|key| matches!(key.state, KeyState::Active | KeyState::Pending))
            .map(|key| (&key.integration, key))
            .collect();
        let open: BTreeMap<_, _> = open.iter().map(|rotation| (&rotation.integration, rotation)).collect();
        let drifted = self.drifted(&integrations, &memos).await;
        let integrations = integrations.iter().filter(|of| of.retired_at.is_none()).map(|of| {
            let silent = memos.contains_key(&format!("notice/silence/{}", of.name));
            let drifted = drifted.get(&of.name).copied();
            let (key, open) = (living.get(&of.name).copied(), open.get(&of.name).copied());
            IntegrationState { drifted, ..integration(of, key, open, silent) }
        });
        let instances = instances.iter().filter(|instance| instance.retired_at.is_none());
        let channels = self.channels();
        Snapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            integrations: integrations.collect(),
            instances: instances
                .map(|instance| survey(instance, memos.get(&format!("survey/{}", instance.name))))
                .collect(),
            channels: channels
                .iter()
                .map(|name| channel(name, memos.get(&format!("channel/{name}"))))
                .collect(),
            counters: self.tally.counters(),
            scheduler: SchedulerState {
                is_leader: pulse.is_leader,
                last_tick_at: pulse.last_tick_at,
                next_tick_at: pulse.next_tick_at,
                #[expect(clippy::cast_precision_loss, reason = "seconds of lag are few")]
                lag_s: self.lag_s() as f64,
            },
            log_waiting: self.log_waiting().await,
        }
    }

    async fn ready(&self) -> Readiness {
        let mut not_ready = Vec::new();
        if self.memos().await.is_none() {
            let why = "it does not answer, or not in time".to_owned();
            not_ready.push(NotReady { part: "store".into(), why });
        }
        let duty = if self.pulse().is_leader { Duty::Leader } else { Duty::Standby };
        Readiness { duty: Some(duty), not_ready }
    }

    fn alive(&self) -> bool {
        !self.pulse().is_leader || self.lag_s() <= LATE_S
    }
}

fn integration(
    of: &Integration,
    key: Option<&Key>,
    open: Option<&Rotation>,
    silent: bool,
) -> IntegrationState {
    IntegrationState {
        name: of.name.clone(),
        instance: of.instance.clone(),
        owner: of.owner.clone(),
        role: of.role,
        key: key.map(|key| KeyTimes {
            made_at: key.created_at,
            due_at: of.due_at(key.created_at),
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
        }),
        rotation: open.map(|rotation| OpenRotation {
            status: rotation.status,
            attempts: rotation.attempts,
            started_at: rotation.started_at,
        }),
        silent,
        drifted: None,
    }
}

fn time(of: &Value, field: &str) -> Option<Timestamp> {
    of.get(field)?.as_str()?.parse().ok()
}

fn survey(instance: &Instance, memo: Option<&Value>) -> InstanceState {
    let reachable = memo.map(|memo| memo.get("unreachable").is_none_or(Value::is_null));
    let unknown = memo.and_then(|memo| memo.get("unknown")?.as_array());
    let count = |of: &dyn Fn(&Value) -> bool| {
        unknown.map(|keys| u64::try_from(keys.iter().filter(|key| of(key)).count()).unwrap_or(u64::MAX))
    };
    InstanceState {
        name: instance.name.clone(),
        version: instance.version.clone(),
        reachable,
        login_refused: memo.map(|memo| memo.get("login_refused") == Some(&Value::Bool(true))),
        last_seen: memo.filter(|_| reachable == Some(true)).and_then(|memo| time(memo, "at")),
        unknown_keys: count(&|_| true),
        unscoped_keys: count(&|key| key.get("scopes_count").and_then(Value::as_u64) == Some(0)),
        never_expiring_keys: count(&|key| key.get("expires_at").is_none_or(Value::is_null)),
    }
}

fn channel(name: &ChannelName, memo: Option<&Value>) -> ChannelState {
    ChannelState {
        name: name.clone(),
        failed_in_a_row: memo.and_then(|memo| memo.get("failed_in_a_row")?.as_u64()).unwrap_or(0),
        last_sent_at: memo.and_then(|memo| time(memo, "last_sent_at")),
    }
}
