//! Keys that were found where none belongs: whose they are, whether they are alive, and their end.
//!
//! [`gather`] makes one [`leak::Leak`] of each token of a report, [`judge()`] asks the store whose it is, [`check()`] asks the
//! instances that we know, [`turn()`] ends those that are ours by the code of `rotate --compromised`. Nothing here asks a
//! host that a token, a repository or a finding names.

mod check;
mod judge;
mod leak;
mod note;
mod tell;
#[cfg(test)]
mod tests;
mod turn;

pub(crate) use check::{Life, NotAsked, Said, check};
pub(crate) use judge::{Judged, Whose, judge};
pub(crate) use leak::gather;
pub(crate) use note::{news, note};
pub(crate) use turn::{Doing, Turned, turn};
