//! Who watches a rotation go by: the progress lines of a terminal, the drills of the tests.

use model::{Rotation, Step, Timestamp};

/// Where a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// Nothing of it is written yet.
    Before,
    /// It is journaled as started; its effect comes next.
    Started,
    /// Its effect has happened; the journal does not know yet.
    Effected,
    /// It is journaled as done.
    Done,
    /// It failed, and that is journaled.
    Failed,
    /// The try is over: the rotation stopped at problems, this step or one before it among them.
    Stalled,
    /// It waits until the given instant before it goes on by itself.
    Waits(Timestamp),
}

/// One moment of one step.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The rotation.
    pub rotation: &'a Rotation,
    /// The step, as last known.
    pub step: &'a Step,
    /// Where it is.
    pub point: Point,
}

/// Is told every moment, in order, before the next thing happens.
pub trait Observer: Send + Sync {
    /// Called at each moment; must be quick.
    fn at(&self, moment: Moment<'_>);
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn at(&self, _moment: Moment<'_>) {}
}
