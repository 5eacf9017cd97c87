//! The replacement of one key: its journal, its steps, and which step may follow which.

use std::collections::BTreeMap;

use crate::{
    Address, InstanceName, IntegrationName, KeyId, KeyModel, Period, RotationId, SignedDuration, Timestamp,
};

/// How a rotation goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// An integration's first key: nothing to retire.
    Create,
    /// New key first, old key last.
    Graceful,
    /// Old key killed first, whatever else fails.
    Compromised,
    /// Old key killed; no new one.
    Revoke,
    /// A key that existed was taken charge of; nothing was made or killed.
    Adopt,
    /// The key that the integration has is put again where it is used; nothing is made or killed.
    Deliver,
}

/// Where a rotation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationStatus {
    /// On its way, or died on its way.
    Running,
    /// Waits for the grace to end.
    Waiting,
    /// Stopped at a problem; tried again at `next_try`.
    Stalled,
    /// Being undone.
    Aborting,
    /// Over: the new key is in place and the old one proved dead.
    Done,
    /// Over: undone.
    Aborted,
    /// Over: gave way to a more urgent one.
    Superseded,
}

impl RotationStatus {
    /// Whether there is still something to do.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Done | Self::Aborted | Self::Superseded)
    }

    /// Its name in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Stalled => "stalled",
            Self::Aborting => "aborting",
            Self::Done => "done",
            Self::Aborted => "aborted",
            Self::Superseded => "superseded",
        }
    }
}

impl Mode {
    /// Its name in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Graceful => "graceful",
            Self::Compromised => "compromised",
            Self::Revoke => "revoke",
            Self::Adopt => "adopt",
            Self::Deliver => "deliver",
        }
    }
}

/// One rotation, header and steps.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rotation {
    /// Its id; also in the label of the key it makes.
    pub id: RotationId,
    /// Whose key is turned.
    pub integration: IntegrationName,
    /// Where the key lives.
    pub instance: InstanceName,
    /// How.
    pub mode: Mode,
    /// Where it stands.
    pub status: RotationStatus,
    /// The keys to be retired.
    pub old_keys: Vec<KeyId>,
    /// The key that follows, once it is made; of a mere delivery, the one that is delivered, from its `check` on.
    pub new_key: Option<KeyId>,
    /// How long the old key works after the new one is confirmed everywhere.
    pub grace: Period,
    /// When the grace ends, once it has begun.
    pub grace_until: Option<Timestamp>,
    /// Failed tries in a row.
    pub attempts: u32,
    /// When to try again, if stalled.
    pub next_try: Option<Timestamp>,
    /// What it stopped at, if stalled; one line, no secrets.
    pub problem: Option<String>,
    /// Milliseconds during which the integration had no working key where it looks: from the old key's death
    /// to the last confirmed delivery and what had to be reloaded after it. `None` where the keys overlapped.
    pub gap_ms: Option<u64>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// Its journal, in order.
    pub steps: Vec<Step>,
}

impl Rotation {
    /// The first step that is neither done nor skipped; what recovery does next.
    pub fn next_step(&self) -> Option<&Step> {
        self.steps.iter().find(|step| !matches!(step.state, StepState::Done | StepState::Skipped))
    }

    /// The first step of a kind.
    pub fn step(&self, kind: StepKind) -> Option<&Step> {
        self.steps.iter().find(|step| step.kind == kind)
    }

    /// Whether a step of this kind was ever started, so that it may have had its effect.
    pub fn touched(&self, kind: StepKind) -> bool {
        self.steps.iter().any(|step| step.kind == kind && step.attempts > 0)
    }
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Instance, session and every destination are reachable and writable; changes nothing.
    Check,
    /// Makes the new key.
    Create,
    /// Uses the new key.
    Prove,
    /// Puts the new key into one destination.
    Deliver,
    /// Reads it back from there.
    Confirm,
    /// Makes the program that reads this destination take up what it holds now.
    Reload,
    /// Lets the grace pass.
    Grace,
    /// Deletes the old keys at n8n.
    Retire,
    /// Uses the old keys: they must be refused.
    ProveDead,
    /// Undo: puts back what one destination held.
    Restore,
    /// Undo: deletes the new key and uses it: it must be refused.
    Remove,
    /// Forgets dead keys' texts, removes orphans, ends the rotation.
    Close,
}

impl StepKind {
    /// Its name in the log, tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Create => "create",
            Self::Prove => "prove",
            Self::Deliver => "deliver",
            Self::Confirm => "confirm",
            Self::Reload => "reload",
            Self::Grace => "grace",
            Self::Retire => "retire",
            Self::ProveDead => "prove-dead",
            Self::Restore => "restore",
            Self::Remove => "remove",
            Self::Close => "close",
        }
    }
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Step {
    /// Its place in the rotation, from 0.
    pub number: u32,
    /// What it does.
    pub kind: StepKind,
    /// The destination it does it to.
    pub destination: Option<Address>,
    /// Where it stands.
    pub state: StepState,
    /// How often it was started.
    pub attempts: u32,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
    /// When it was done.
    pub done_at: Option<Timestamp>,
    /// What was seen; references, never secrets.
    pub evidence: serde_json::Value,
    /// What it failed at last; one line, no secrets.
    pub problem: Option<String>,
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Not begun.
    Planned,
    /// Its effect may have happened.
    Started,
    /// Its effect may have happened, and an error was seen.
    Failed,
    /// Its effect has happened.
    Done,
    /// It will not be done: the rotation is being undone.
    Skipped,
}

/// A step cannot go from where it stands to there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a `{kind}` step cannot go from {from:?} to {to:?}")]
pub struct StepStateError {
    kind: &'static str,
    from: StepState,
    to: StepState,
}

impl StepState {
    /// Whether a step of `kind` may go from `self` to `to`. A done delivery may be planned again (it drifted), and
    /// what follows it; nothing else goes back.
    pub fn check_transition(self, to: Self, kind: StepKind) -> Result<(), StepStateError> {
        let reopened = matches!(kind, StepKind::Deliver | StepKind::Confirm | StepKind::Reload);
        let legal = match self {
            Self::Planned => matches!(to, Self::Started | Self::Skipped),
            Self::Started => matches!(to, Self::Started | Self::Done | Self::Failed | Self::Skipped),
            Self::Failed => matches!(to, Self::Started | Self::Skipped),
            Self::Done => to == Self::Planned && reopened,
            Self::Skipped => false,
        };
        if legal { Ok(()) } else { Err(StepStateError { kind: kind.as_str(), from: self, to }) }
    }
}

/// Who drives a rotation: a process, told apart from every other that ever ran.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LeaseHolder {
    /// Host, and what tells one boot and one PID namespace of it from another.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// When the process started, in the kernel's ticks since boot.
    pub start_ticks: u64,
    /// Random; tells drivers within one process apart.
    pub nonce: String,
}

/// A rotation's lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its fence.
    pub fence: Fence,
    /// Who holds it.
    pub holder: LeaseHolder,
    /// Until when, unless prolonged.
    pub until: Timestamp,
}

/// Proof of a lease: writes carry it, and an older number than the newest is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The rotation.
    pub rotation: RotationId,
    /// Rises with each taking of the lease, from 1.
    pub number: u64,
}

/// The steps of a rotation, all planned; `reload` has the hooks of its destinations.
pub fn plan(
    mode: Mode,
    keys: KeyModel,
    destinations: &[Address],
    reload: &BTreeMap<Address, Address>,
) -> Vec<Step> {
    use StepKind::{Check, Close, Confirm, Create, Deliver, Grace, Prove, ProveDead, Reload, Retire};
    let deliveries = destinations.iter().flat_map(|to| {
        let hook = reload.contains_key(to).then_some((Reload, Some(to)));
        [(Deliver, Some(to)), (Confirm, Some(to))].into_iter().chain(hook)
    });
    let alone = |kinds: &[StepKind]| kinds.iter().map(|kind| (*kind, None)).collect::<Vec<_>>();
    let (before, delivers, after) = match (mode, keys) {
        (Mode::Create, _) => (alone(&[Check, Create, Prove]), true, alone(&[Close])),
        (Mode::Graceful, KeyModel::Many) => {
            (alone(&[Check, Create, Prove]), true, alone(&[Grace, Retire, ProveDead, Close]))
        }
        // One key only: the old one has to go before the new one can be, or goes by being overwritten.
        (Mode::Graceful, KeyModel::OneRefused) => {
            (alone(&[Check, Retire, Create, Prove]), true, alone(&[ProveDead, Close]))
        }
        (Mode::Graceful, KeyModel::OneOverwritten) => {
            (alone(&[Check, Create, Prove]), true, alone(&[ProveDead, Close]))
        }
        (Mode::Compromised, _) => (alone(&[Retire, ProveDead, Check, Create, Prove]), true, alone(&[Close])),
        (Mode::Revoke, _) => (alone(&[Retire, ProveDead]), false, alone(&[Close])),
        (Mode::Adopt, _) => (alone(&[Check, Prove]), false, alone(&[Close])),
        (Mode::Deliver, _) => (alone(&[Check, Prove]), true, alone(&[Close])),
    };
    let deliveries = deliveries.filter(|_| delivers);
    number(before.into_iter().chain(deliveries).chain(after), 0)
}

/// The steps that undo a rotation; they follow those it has. A mere delivery made no key, and what it wrote over was not
/// the integration's: it only ends, and what was delivered stays.
pub fn plan_abort(rotation: &Rotation) -> Vec<Step> {
    let first = u32::try_from(rotation.steps.len()).unwrap_or(u32::MAX);
    if rotation.mode == Mode::Deliver {
        return number([(StepKind::Close, None)].into_iter(), first);
    }
    let began = |kind| rotation.steps.iter().filter(move |step| step.kind == kind && step.attempts > 0);
    let touched = began(StepKind::Deliver).flat_map(|step| {
        let to = step.destination.as_ref();
        let reloaded = began(StepKind::Reload).any(|reload| reload.destination == step.destination);
        std::iter::once((StepKind::Restore, to)).chain(reloaded.then_some((StepKind::Reload, to)))
    });
    number(touched.chain([(StepKind::Remove, None), (StepKind::Close, None)]), first)
}

fn number<'a>(steps: impl Iterator<Item = (StepKind, Option<&'a Address>)>, first: u32) -> Vec<Step> {
    steps
        .zip(first..)
        .map(|((kind, destination), number)| Step {
            number,
            kind,
            destination: destination.cloned(),
            state: StepState::Planned,
            attempts: 0,
            started_at: None,
            done_at: None,
            evidence: serde_json::Value::Null,
            problem: None,
        })
        .collect()
}

/// The first wait of a stalled rotation.
pub const BACKOFF_FIRST: SignedDuration = SignedDuration::from_secs(30);
/// The longest.
pub const BACKOFF_MAX: SignedDuration = SignedDuration::from_hours(1);

/// How long a rotation that failed `attempts` times in a row waits: doubled each time, up to an hour.
pub fn backoff(attempts: u32) -> SignedDuration {
    let factor = 1_i32 << attempts.saturating_sub(1).min(7);
    (BACKOFF_FIRST * factor).min(BACKOFF_MAX)
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
