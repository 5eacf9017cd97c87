//! What the configuration file wants of instances and integrations, against what is: the difference, and its making.

mod apply;
mod faults;
mod known;
mod plan;
#[cfg(test)]
mod plan_tests;
mod show;
mod wish;

pub(crate) use apply::{connect, integrations, record, retire_instances};
pub(crate) use faults::fault_report;
pub(crate) use known::Known;
pub(crate) use plan::{Plan, plan};
pub(crate) use show::{lines, view};
pub(crate) use wish::{InstanceWish, Wishes};
