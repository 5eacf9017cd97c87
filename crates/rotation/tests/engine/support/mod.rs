//! Stand-ins for everything that a rotation reaches out to, and what must always hold of them.

mod clock;
mod destination;
mod faults;
mod invariants;
mod issuer;
mod leadership;
mod notify;
mod outside;
mod process;
mod rig;
mod store;
mod store_port;
mod store_write;

pub(crate) use clock::{FakeClock, FakeIds, Rng};
pub(crate) use faults::{Call, Fault, Faults};
pub(crate) use notify::FakeNotify;
pub(crate) use outside::{Made, Outside};
pub(crate) use process::{Process, Processes};
pub(crate) use rig::{Rig, Setup, address, integration_name};
pub(crate) use store::FakeStore;
