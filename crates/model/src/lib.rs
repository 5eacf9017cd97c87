//! The words of Keywright as types, with their rules.
//!
//! Pure: no async runtime, no SQL, no HTTP, no clock, no environment. Time and randomness come in as
//! parameters. The ports at which the other crates meet ([`Store`], [`Issuer`], [`Destination`],
//! [`SessionKeeper`]) are traits here.

mod clock;
mod cron;
mod destination;
mod event;
mod failure;
mod fingerprint;
mod gateway_key;
mod instance;
mod integration;
mod issuer;
mod key;
mod name;
mod notice;
mod period;
mod rotation;
mod scope;
mod secret;
mod secret_ref;
mod store;

pub use clock::{Clock, Ids};
pub use cron::{Cron, CronError};
pub use destination::{
    Address, AddressError, Confirmation, Destination, DestinationError, DestinationErrorKind, Held, Hook,
};
pub use event::{Event, EventKind};
pub use failure::{Blame, Failure, Report, Retry};
pub use fingerprint::Fingerprint;
pub use gateway_key::GatewayKey;
pub use instance::{
    AdminLogin, Capabilities, Instance, KeyModel, LoginRefs, ScopeSupport, SecondFactor, TransportRefs,
};
pub use integration::{Integration, IntegrationRole, Source};
pub use issuer::{
    IssuedKey, Issuer, IssuerError, IssuerErrorKind, ListedKey, NewKey, Proof, ProofOfDeath, SessionKeeper,
};
pub use key::{Key, KeyState, LABEL_MAX_CHARS, assisted_id, label_for, rotation_in_label};
pub use name::{ChannelName, ForgeName, InstanceName, IntegrationName, NameError};
pub use notice::{Channel, ChannelError, ChannelErrorKind, Notice, NoticeKind};
pub use period::{Period, PeriodError};
pub use rotation::{
    BACKOFF_FIRST, BACKOFF_MAX, Fence, Lease, LeaseHolder, Mode, Rotation, RotationStatus, Step, StepKind,
    StepState, StepStateError, backoff, plan, plan_abort,
};
pub use scope::{Scope, ScopeError};
pub use secret::Secret;
pub use secret_ref::{SecretRef, SecretRefError};
pub use store::{Change, Changes, Leadership, NewRotation, StartOutcome, Store, StoreError, StoreErrorKind};

/// A record's id: sortable by the time it was made.
pub use ulid::Ulid;

/// A text that is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 26 letters and digits, such as `01hf7yat000000000000000007`")]
pub struct IdError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(pub Ulid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0.to_string().to_ascii_lowercase())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ulid::from_string(&text.to_ascii_uppercase()).map(Self).map_err(|_malformed| IdError)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    };
}

id!(
    /// Id of a [`Key`] record; not n8n's id of it ([`Key::native_id`]).
    KeyId
);
id!(
    /// Id of a [`Rotation`]; it is also in the label of the key that the rotation makes.
    RotationId
);
id!(
    /// Id of an [`Event`].
    EventId
);
id!(
    /// Id of a [`Notice`].
    NoticeId
);

/// Instants are UTC, to the microsecond.
pub use jiff::{SignedDuration, Timestamp};
