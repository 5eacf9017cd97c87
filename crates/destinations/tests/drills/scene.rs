//! What is rotated, and what is done about a mishap.

use model::{Mode, StepKind};
use rotation::{Engine, Outcome, Point};

use super::ground::Ground;
use super::support::integration_name;

/// What goes on when the mishap happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Rotation,
    /// A rotation that delivered everywhere is undone.
    Undoing,
}

/// A rotation of one mode, or its undoing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) mode: Mode,
    pub(crate) work: Work,
}

/// What the operator does about it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    Resume,
    Abort,
    Overtake,
}

impl Scene {
    pub(crate) fn all(work: Work) -> Vec<Self> {
        let modes: &[Mode] = match work {
            Work::Rotation => &[Mode::Graceful, Mode::Compromised, Mode::Create, Mode::Deliver],
            Work::Undoing => &[Mode::Graceful, Mode::Create, Mode::Deliver],
        };
        modes.iter().map(|mode| Self { mode: *mode, work }).collect()
    }

    /// What can be done about a mishap; there is no way back to a key that was killed.
    pub(crate) fn thens(self) -> &'static [Then] {
        if self.mode == Mode::Compromised {
            &[Then::Resume]
        } else {
            &[Then::Resume, Then::Abort, Then::Overtake]
        }
    }

    /// When `close` begins in an undisturbed rotation.
    pub(crate) async fn closes_at(self, ground: &Ground) -> u32 {
        let process = ground.rig.process(None);
        rotate(ground, &ground.engine(&process), self.mode).await;
        let moments = process.moments.lock().unwrap();
        let close = |(step, point, _): &&_| (*step, *point) == (StepKind::Close, Point::Before);
        moments.iter().find(close).unwrap().2
    }

    /// What there must be before the work begins.
    pub(crate) async fn prepare(self, ground: &Ground, closes_at: u32) {
        if self.work == Work::Rotation {
            return;
        }
        let process = ground.rig.process(None);
        if self.mode != Mode::Graceful {
            process.dies_at(closes_at);
        }
        process.run(ground.rig.rotate(&ground.engine(&process), self.mode)).await;
        process.kill();
    }

    pub(crate) async fn run(self, ground: &Ground, engine: &Engine) {
        match self.work {
            Work::Rotation => rotate(ground, engine, self.mode).await,
            Work::Undoing => {
                let open = ground.rig.store.look(|kept| kept.open_of(&integration_name())).unwrap();
                drop(engine.abort(open).await);
            }
        }
    }
}

/// Rotates, waiting out the grace, to the end or to a problem.
pub(crate) async fn rotate(ground: &Ground, engine: &Engine, mode: Mode) {
    let mut outcome = ground.rig.rotate(engine, mode).await;
    while let Ok(Outcome::Waiting(rotation, until)) = outcome {
        ground.rig.clock.jump_to(until);
        outcome = engine.drive(rotation.id).await;
    }
}
