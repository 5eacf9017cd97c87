//! One line of the audit log.

use std::collections::BTreeMap;

use crate::{Address, EventId, Fingerprint, InstanceName, IntegrationName, KeyId, RotationId, Timestamp};

/// Something that happened: a state change, or a call outside that changes something. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// Who: the user at the command line, or a part of Keywright.
    pub actor: String,
    /// The instance concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instance: Option<InstanceName>,
    /// The integration concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub integration: Option<IntegrationName>,
    /// The rotation concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rotation: Option<RotationId>,
    /// The key concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<KeyId>,
    /// Its fingerprint.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fingerprint: Option<Fingerprint>,
    /// The destination concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub destination: Option<Address>,
    /// What else there is to know, such as a step's name or a problem.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub detail: BTreeMap<String, serde_json::Value>,
}

impl Event {
    /// An event that concerns nothing in particular yet.
    pub fn new(id: EventId, at: Timestamp, kind: EventKind, actor: impl Into<String>) -> Self {
        Self {
            id,
            at,
            kind,
            actor: actor.into(),
            instance: None,
            integration: None,
            rotation: None,
            key: None,
            fingerprint: None,
            destination: None,
            detail: BTreeMap::new(),
        }
    }

    /// Adds one detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

/// What happened, in the past tense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A store was made.
    StoreCreated,
    /// The configuration was made true; the detail says what was changed.
    ConfigurationApplied,
    /// The store was copied to another place, and is not used any more; or was filled from another.
    StoreMigrated,
    /// There is a new master key, and everything is sealed under it.
    MasterKeyRotated,
    /// An instance was taken charge of, or its login or the way to it renewed.
    InstanceConnected,
    /// An instance was asked anew for its version and what it can do, and they had changed.
    InstanceLearned,
    /// An instance was given up.
    InstanceRetired,
    /// An admin session was opened at an instance.
    SessionOpened,
    /// An integration was declared or changed.
    IntegrationDeclared,
    /// An integration was taken out of service.
    IntegrationRetired,
    /// A rotation began.
    RotationStarted,
    /// A step is about to have its effect.
    StepStarted,
    /// A step had its effect; the detail holds the evidence.
    StepDone,
    /// A step failed; the detail holds the problem.
    StepFailed,
    /// A delivery that was confirmed has to be done again.
    StepReopened,
    /// A key was made.
    KeyCreated,
    /// A key that existed was taken charge of.
    KeyAdopted,
    /// A key that nobody declared was first seen at an instance.
    KeyUnknown,
    /// A key of ours was not listed by its instance any more, though nobody here deleted it.
    KeyMissing,
    /// A key of ours was found where none belongs; the detail says where.
    LeakFound,
    /// What was pushed to a forge was fetched and looked through.
    PushSearched,
    /// A search for a key is about to begin; the detail says where.
    KeySearchStarted,
    /// A search for a key is over; the detail says how much was read.
    KeySearched,
    /// A destination was seen not to hold its integration's key.
    DestinationDrifted,
    /// A destination that had drifted holds its integration's key again.
    DestinationMended,
    /// The clock had stepped: a key's time of making lay in the future, and was set to now.
    KeyRedated,
    /// A key is its integration's key now.
    KeyActivated,
    /// A key was followed by another and works until its grace ends.
    KeyRetiring,
    /// A key was deleted at n8n.
    KeyRetired,
    /// A key was used and refused.
    KeyProvedDead,
    /// A key of a rotation that nobody knew was found at the instance and deleted.
    OrphanRemoved,
    /// A program was about to be run with a key in its environment.
    KeyUsedByCommand,
    /// A secret was sealed under a name that the configuration can refer to.
    SecretSet,
    /// Such a secret was forgotten.
    SecretDeleted,
    /// A person said that something was done by hand, where nobody else can look.
    DoneByHand,
    /// A rotation waits for its grace to end.
    RotationWaiting,
    /// A rotation stopped at a problem and will be tried again.
    RotationStalled,
    /// A rotation was taken over from a process that died or lost its lease.
    RotationTakenOver,
    /// A rotation is being undone.
    RotationAborting,
    /// A rotation was undone.
    RotationAborted,
    /// A rotation gave way to a more urgent one.
    RotationSuperseded,
    /// A rotation is done.
    RotationDone,
    /// This process schedules from now on.
    SchedulerStarted,
    /// This process does not schedule any more.
    SchedulerStopped,
    /// A notification could not be sent.
    NotificationFailed,
}
