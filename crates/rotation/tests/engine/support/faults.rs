//! What goes wrong, and at which call.

use std::collections::HashMap;
use std::sync::Mutex;

use model::{Blame, Report, Retry, SignedDuration};

use super::Rng;

/// A call that leaves the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Begin,
    Commit,
    Load,
    /// A write of the store that belongs to no rotation.
    Note,
    Check,
    Create,
    List,
    Delete,
    Prove,
    ProveDead,
    CheckPlace,
    Read,
    Deliver,
    Confirm,
    Restore,
    Discard,
    CheckHook,
    Reload,
}

impl Call {
    pub(crate) const ALL: [Self; 18] = [
        Self::Begin,
        Self::Commit,
        Self::Load,
        Self::Note,
        Self::Check,
        Self::Create,
        Self::List,
        Self::Delete,
        Self::Prove,
        Self::ProveDead,
        Self::CheckPlace,
        Self::Read,
        Self::Deliver,
        Self::Confirm,
        Self::Restore,
        Self::Discard,
        Self::CheckHook,
        Self::Reload,
    ];

    /// The ways in which it can go wrong.
    pub(crate) fn faults(self) -> &'static [Fault] {
        use Fault::{Broken, Lies, Locked, Lost, Meddled, Refused, Throttled, Unreachable, Unreadable};
        match self {
            Self::Begin | Self::Commit | Self::Note => &[Refused, Lost],
            Self::Load => &[Refused],
            Self::Create | Self::List | Self::Prove | Self::Check | Self::ProveDead => {
                &[Refused, Unreachable, Lost, Broken, Throttled]
            }
            Self::Delete => &[Refused, Unreachable, Lost, Broken, Throttled, Lies],
            Self::CheckPlace => &[Refused, Unreachable, Locked],
            Self::CheckHook => &[Refused, Unreachable],
            Self::Reload | Self::Discard => &[Refused, Unreachable, Lost, Broken, Throttled],
            Self::Read => &[Refused, Unreachable, Unreadable],
            Self::Deliver => &[Refused, Unreachable, Lost, Broken, Locked, Meddled],
            Self::Confirm => &[Refused, Unreachable, Meddled],
            Self::Restore => &[Refused, Unreachable, Lost, Broken, Locked],
        }
    }
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// Refused before any effect; trying again does not help.
    Refused,
    /// No effect, no answer.
    Unreachable,
    /// The effect happened, the answer was lost.
    Lost,
    /// The effect happened, the answer was a 500.
    Broken,
    /// Asked to wait for a minute.
    Throttled,
    /// Said to be done, and was not.
    Lies,
    /// Done; then somebody else wrote another text.
    Meddled,
    /// Somebody else holds the lock.
    Locked,
    /// What is there cannot be read.
    Unreadable,
}

impl Fault {
    pub(crate) fn has_effect(self) -> bool {
        matches!(self, Self::Lost | Self::Broken | Self::Meddled | Self::Lies | Self::Unreadable)
    }

    /// Whether the caller is told of a failure.
    pub(crate) fn is_told(self) -> bool {
        !matches!(self, Self::Meddled | Self::Lies | Self::Unreadable)
    }

    pub(crate) fn report(self, call: Call) -> Report {
        let retry = match self {
            Self::Refused => Retry::AfterFix,
            Self::Throttled => Retry::Later(Some(SignedDuration::from_secs(60))),
            _ => Retry::Later(None),
        };
        Report::new(Blame::Remote, retry, format!("{call:?} failed")).because(format!("{self:?}"))
    }
}

/// Decides of each call whether and how it goes wrong.
pub(crate) struct Faults(Mutex<Inner>);

struct Inner {
    plan: Plan,
    seen: HashMap<Call, u32>,
    hit: u32,
}

enum Plan {
    Off,
    /// At the n-th such calls, counted from 0.
    At(Vec<(Call, u32, Fault)>),
    /// At each such call.
    Always(Vec<(Call, Fault)>),
    Random(Rng, u64),
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Inner { plan: Plan::Off, seen: HashMap::new(), hit: 0 }))
    }

    fn set(&self, plan: Plan) {
        let mut inner = self.0.lock().unwrap();
        inner.plan = plan;
        inner.seen.clear();
    }

    pub(crate) fn off(&self) {
        self.set(Plan::Off);
    }

    pub(crate) fn once(&self, call: Call, nth: u32, fault: Fault) {
        self.at(&[(call, nth, fault)]);
    }

    pub(crate) fn at(&self, faults: &[(Call, u32, Fault)]) {
        self.set(Plan::At(faults.to_vec()));
    }

    pub(crate) fn always(&self, faults: &[(Call, Fault)]) {
        self.set(Plan::Always(faults.to_vec()));
    }

    pub(crate) fn random(&self, seed: u64, per_mille: u64) {
        self.set(Plan::Random(Rng::new(seed), per_mille));
    }

    /// How often a call was made since the plan was set.
    pub(crate) fn seen(&self, call: Call) -> u32 {
        self.0.lock().unwrap().seen.get(&call).copied().unwrap_or(0)
    }

    /// How many calls went wrong.
    pub(crate) fn hit(&self) -> u32 {
        self.0.lock().unwrap().hit
    }

    pub(crate) fn next(&self, call: Call) -> Option<Fault> {
        let mut inner = self.0.lock().unwrap();
        let seen = inner.seen.entry(call).or_default();
        let nth = *seen;
        *seen += 1;
        let fault = match &inner.plan {
            Plan::Off => None,
            Plan::At(faults) => {
                faults.iter().find(|(at, when, _)| (*at, *when) == (call, nth)).map(|(_, _, fault)| *fault)
            }
            Plan::Always(faults) => faults.iter().find(|(at, _)| *at == call).map(|(_, fault)| *fault),
            // The store fails seldom: it is asked far more often than the rest.
            Plan::Random(rng, per_mille) => {
                let scale = if matches!(call, Call::Load | Call::Commit | Call::Note) { 8 } else { 1 };
                rng.chance(per_mille / scale).then(|| rng.pick(call.faults()))
            }
        };
        inner.hit += u32::from(fault.is_some());
        fault
    }
}
