//! The drills of the rotation engine on real places: one thing goes wrong at each point where it can, the rotation is
//! resumed, undone or overtaken, and in the end everything holds that must.

mod drill;
mod ground;
mod mishap;
mod post;
mod scene;
mod stand;
#[expect(dead_code, unused_imports, reason = "the drills of the engine itself use all of it")]
#[path = "../../../rotation/tests/engine/support/mod.rs"]
mod support;

pub(crate) use drill::{Dose, drill_all};
pub(crate) use ground::Made;
pub(crate) use mishap::Wrong;
pub(crate) use scene::Work;
pub(crate) use stand::{Seen, Stand};
