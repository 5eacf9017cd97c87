//! `keywright rotate`.

use clap::Args;
use model::{InstanceName, IntegrationName, Period};

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line are yes or no")]
pub(crate) struct Rotate {
    /// The integrations whose keys are turned
    #[arg(required_unless_present_any = ["resume", "due", "all", "instance", "owner"], conflicts_with_all = ["due", "all", "instance", "owner"])]
    pub(crate) integrations: Vec<IntegrationName>,
    /// Those that are due; fit for cron where `serve` does not run
    #[arg(long, conflicts_with_all = ["abort", "resume"])]
    pub(crate) due: bool,
    /// All that have a key
    #[arg(long, conflicts_with_all = ["abort", "resume", "due", "instance", "owner"])]
    pub(crate) all: bool,
    /// Those at this instance
    #[arg(long, conflicts_with_all = ["abort", "resume"])]
    pub(crate) instance: Option<InstanceName>,
    /// Those that this owner answers for
    #[arg(long, conflicts_with_all = ["abort", "resume"])]
    pub(crate) owner: Option<String>,
    /// Do not ask before many keys are turned at once
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Kill the old key first: it leaked
    #[arg(long, conflicts_with_all = ["grace", "abort", "resume"])]
    pub(crate) compromised: bool,
    /// How long the old key works on, instead of what the integration says
    #[arg(long, value_name = "PERIOD", conflicts_with_all = ["abort", "resume"])]
    pub(crate) grace: Option<Period>,
    /// Check everything and say what would be done
    #[arg(long, conflicts_with_all = ["abort", "resume"])]
    pub(crate) dry_run: bool,
    /// Undo an open rotation, as long as the old key lives
    #[arg(long, conflicts_with = "resume")]
    pub(crate) abort: bool,
    /// Go on with what waits, stalled or died; fit for cron. With names: at once, whatever their backoff
    #[arg(long)]
    pub(crate) resume: bool,
    /// How many rotations run at the same time
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) at_once: u16,
}
