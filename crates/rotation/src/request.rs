//! What a caller asks for.

use model::{Address, Integration, IntegrationName, Mode, Period, Report, Step, Timestamp};

/// A rotation to begin.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose key.
    pub integration: IntegrationName,
    /// How.
    pub mode: Mode,
    /// Instead of the integration's own grace.
    pub grace: Option<Period>,
    /// Declares the integration (first key) or replaces its declaration.
    pub declare: Option<Integration>,
    /// Of a mere delivery: only to these of the integration's destinations.
    pub only: Option<Vec<Address>>,
}

impl Request {
    /// A rotation with everything as the integration says.
    pub fn new(integration: IntegrationName, mode: Mode) -> Self {
        Self { integration, mode, grace: None, declare: None, only: None }
    }
}

/// What a rotation would do; nothing was changed to learn it.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Whose key.
    pub integration: Integration,
    /// How.
    pub mode: Mode,
    /// The steps it would take.
    pub steps: Vec<Step>,
    /// Whether there is a time without a working key.
    pub has_gap: bool,
    /// When the old key would die, if all went well.
    pub old_key_dies_at: Option<Timestamp>,
    /// Destinations that cannot be written. Only a compromised rotation goes on all the same: it kills first.
    pub unwritable: Vec<Report>,
}
