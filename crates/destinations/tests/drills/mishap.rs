//! What goes wrong, and when.

use super::ground::Ground;
use super::support::{Call, Fault, Process};

/// What goes wrong at a service, with one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It is carried out, and nobody learns of it.
    LostAnswer,
    /// 500; nothing was done.
    Failed,
    /// It is carried out, and what stands in between says 502.
    FailedLate,
    /// It asks for half a minute.
    Throttled,
    /// The answer ends in its middle; nothing was done.
    Cut,
    /// We die while it is on its way, and it never arrives.
    DeathBefore,
    /// We die before the answer comes.
    DeathAfter,
}

impl Wrong {
    const TOLD: [Self; 5] = [Self::LostAnswer, Self::Failed, Self::FailedLate, Self::Throttled, Self::Cut];

    fn is_death(self) -> bool {
        matches!(self, Self::DeathBefore | Self::DeathAfter)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Mishap {
    /// The process dies at its n-th point.
    Death(u32),
    /// The n-th call of a kind fails, and the next may succeed.
    Failure(Call, u32, Fault),
    /// From its n-th call on, a place cannot be reached; that call was carried out all the same, or not.
    Outage { place: usize, nth: u32, done: bool },
    /// A write goes wrong at the service of a place.
    Write { place: usize, nth: usize, wrong: Wrong, lasts: bool },
}

impl Mishap {
    /// All that can befall some work, after it was done once without any. `points` are the first after each change: of
    /// those between two changes, a death at one stands for all, since what died remembers nothing.
    pub(crate) fn all(ground: &Ground, points: &[u32], writes: &[usize]) -> Vec<Self> {
        let mut all: Vec<Self> = points.iter().copied().map(Self::Death).collect();
        for call in [Call::Deliver, Call::Restore, Call::Discard] {
            for nth in 0..ground.rig.faults.seen(call) {
                all.extend([Fault::Throttled, Fault::Lost].map(|fault| Self::Failure(call, nth, fault)));
            }
        }
        for (place, post) in ground.posts.iter().enumerate() {
            for nth in 0..post.calls() {
                all.extend([false, true].map(|done| Self::Outage { place, nth, done }));
            }
            for nth in 0..post.stand.writes() - writes[place] {
                for wrong in Wrong::TOLD {
                    all.extend([false, true].map(|lasts| Self::Write { place, nth, wrong, lasts }));
                }
                let deaths = [Wrong::DeathBefore, Wrong::DeathAfter];
                all.extend(deaths.map(|wrong| Self::Write { place, nth, wrong, lasts: false }));
            }
        }
        all
    }

    /// Lets it happen in what this process does next.
    pub(crate) fn set_up(self, ground: &Ground, process: &Process) {
        match self {
            Self::Death(tick) => process.dies_at(tick),
            Self::Failure(call, nth, fault) => ground.rig.faults.once(call, nth, fault),
            Self::Outage { place, nth, done } => ground.posts[place].breaks_at(nth, done),
            Self::Write { place, nth, wrong, lasts } => ground.posts[place].stand.strike(nth, wrong, lasts),
        }
    }

    /// Returns where the process is to die because of a write.
    pub(crate) async fn is_death_by_now(self, ground: &Ground) {
        match self {
            Self::Write { place, wrong, .. } if wrong.is_death() => ground.posts[place].stand.struck().await,
            _ => std::future::pending().await,
        }
    }

    /// The place that stays out of order, and from which of its calls on.
    pub(crate) fn lasts_at(self) -> Option<(usize, u32)> {
        match self {
            Self::Outage { place, nth, .. } => Some((place, nth)),
            // Before its first write a place was looked at.
            Self::Write { place, lasts: true, .. } => Some((place, 1)),
            _ => None,
        }
    }
}
