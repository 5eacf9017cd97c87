//! An access key.

use model::Secret;

/// What requests are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// It is no secret: it is in every request.
    pub(super) id: String,
    pub(super) secret: Secret,
    /// Temporary ones have one.
    pub(super) token: Option<Secret>,
}
