//! The port to who can make and kill a key.

use crate::{
    AdminLogin, Blame, Capabilities, Failure, InstanceName, Report, Retry, Scope, Secret, Timestamp,
};

/// A key to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// Unique label, at most [`crate::LABEL_MAX_CHARS`] characters; ignored where n8n fixes it.
    pub label: String,
    /// What it may do; ignored where keys have no scopes.
    pub scopes: Vec<Scope>,
    /// When it ends by itself, to the second; ignored where keys do not expire.
    pub expires_at: Option<Timestamp>,
}

/// A key just made. This is the only time that its text is seen.
#[derive(Clone, Debug)]
pub struct IssuedKey {
    /// n8n's id of it.
    pub native_id: String,
    /// Its text.
    pub secret: Secret,
    /// The label that n8n gave it.
    pub label: String,
    /// The scopes that n8n says it has.
    pub scopes: Vec<Scope>,
    /// When n8n says that it ends.
    pub expires_at: Option<Timestamp>,
}

/// A key as the instance lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// n8n's id of it.
    pub native_id: String,
    /// Its label.
    pub label: String,
    /// Its scopes.
    pub scopes: Vec<Scope>,
    /// When it was made, where the instance says so.
    pub created_at: Option<Timestamp>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, where the instance says so.
    pub last_used_at: Option<Timestamp>,
    /// E-mail of the user whose it is, where the instance says so.
    pub owner: Option<String>,
}

/// How a new key was seen to work.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Proof {
    /// Method and path of the call, such as `GET /api/v1/discover`.
    pub call: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// The scopes that the key itself said it has, where the instance tells.
    pub scopes: Option<Vec<Scope>>,
}

/// How an old key was seen to be refused.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ProofOfDeath {
    /// Method and path of the call.
    pub call: String,
    /// HTTP status of the answer: 401.
    pub status: u16,
}

/// What a caller may branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IssuerErrorKind {
    /// No answer: refused, cut, timed out. A change may have happened or not.
    Unreachable,
    /// The admin login was refused.
    LoginRefused,
    /// The account has a second factor and none was given.
    SecondFactorRequired,
    /// Asked to wait; the report's [`crate::Retry::Later`] says how long.
    Throttled,
    /// The instance failed (5xx). A change may have happened or not.
    Failed,
    /// The label is taken, or the text of the new key would be that of one that exists (n8n's 500 says
    /// `There is already an entry with this name` for both).
    Clash,
    /// The user has a key already and may have only one.
    OneKeyOnly,
    /// The instance refused what was asked (4xx).
    Refused,
    /// A key does not work, or has other scopes than it should.
    NotProved,
    /// A key that should be dead still works, or is still listed.
    StillAlive,
    /// An answer that no honest n8n gives: too large, too deep, of another shape, from another host.
    Hostile,
    /// This version cannot do it.
    Unsupported,
    /// A person has to do it by hand, and nobody is there; the report says what.
    NeedsPerson,
    /// Keywright's own fault.
    Bug,
}

/// An issuer's failure.
pub type IssuerError = Failure<IssuerErrorKind>;

/// Makes and kills keys at one instance. Every call is bounded in time and in what it reads.
#[async_trait::async_trait]
pub trait Issuer: Send + Sync {
    /// The instance.
    fn instance(&self) -> &InstanceName;

    /// What was learned of it.
    fn capabilities(&self) -> &Capabilities;

    /// The instance answers, the session is good, and the public API refuses a made-up key. Changes nothing.
    async fn check(&self) -> Result<(), IssuerError>;

    /// Makes a key. Not idempotent: after [`IssuerErrorKind::Unreachable`] or
    /// [`IssuerErrorKind::Failed`], look for the label with [`Issuer::list`].
    async fn create(&self, key: &NewKey) -> Result<IssuedKey, IssuerError>;

    /// Whether keys can be listed. Where not, [`Issuer::list`] fails with [`IssuerErrorKind::NeedsPerson`].
    fn can_list(&self) -> bool {
        true
    }

    /// Where keys cannot be listed: a person looks that none with this label is left. `Ok` is that person's word.
    async fn see_gone(&self, label: &str) -> Result<(), IssuerError> {
        let what = format!("nobody looks for a key `{label}` at `{}`", self.instance());
        Err(IssuerError::new(IssuerErrorKind::Bug, Report::new(Blame::Bug, Retry::Never, what)))
    }

    /// The keys of the admin's own user, at least. The list was asked for after this call began.
    async fn list(&self) -> Result<Vec<ListedKey>, IssuerError>;

    /// Deletes a key and looks again: `Ok` only if it is gone, also if it was gone before.
    async fn delete(&self, native_id: &str) -> Result<(), IssuerError>;

    /// Uses a key: it must be let in, and have exactly `scopes` where the instance tells and enforces them.
    async fn prove(&self, secret: &Secret, scopes: &[Scope]) -> Result<Proof, IssuerError>;

    /// Uses a key: it must be refused with 401.
    async fn prove_dead(&self, secret: &Secret) -> Result<ProofOfDeath, IssuerError>;
}

/// Keeps what an admin session needs between runs.
#[async_trait::async_trait]
pub trait SessionKeeper: Send + Sync {
    /// The kept session, opaque to the keeper.
    async fn load(&self) -> Result<Option<Secret>, Report>;

    /// Keeps a session, or forgets it.
    async fn save(&self, session: Option<&Secret>) -> Result<(), Report>;

    /// What opens a new session; may ask a person.
    async fn login(&self) -> Result<AdminLogin, Report>;
}
