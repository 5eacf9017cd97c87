//! An n8n server that we look after.

use crate::{InstanceName, Scope, Secret, SecretRef, Source, Timestamp};

/// One n8n server, and what we learned of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Instance {
    /// Its name here.
    pub name: InstanceName,
    /// Base URL: scheme, host, port, path prefix; no `/api/v1`, no slash at the end.
    pub url: String,
    /// Login id of the user whose session makes and kills keys; `None` where no such session can be had, and a
    /// person does it by hand (assisted).
    pub admin_email: Option<String>,
    /// Where its password and second factor are, if they are not sealed in the store.
    #[serde(default)]
    pub login: LoginRefs,
    /// How it is reached.
    #[serde(default)]
    pub transport: TransportRefs,
    /// Who declared it.
    #[serde(default)]
    pub source: Source,
    /// n8n's version as it tells it to a session, such as `2.41.1`.
    pub version: Option<String>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// When we took charge of it.
    pub connected_at: Timestamp,
    /// When its version and capabilities were last asked for; at `connected_at` if `None`.
    #[serde(default)]
    pub learned_at: Option<Timestamp>,
    /// When it was given up.
    #[serde(default)]
    pub retired_at: Option<Timestamp>,
}

impl Instance {
    /// Whether a person makes and deletes its keys by hand, as no admin session can be had.
    pub fn is_assisted(&self) -> bool {
        self.admin_email.is_none()
    }
}

/// Where what opens an admin session is, when it is not sealed in the store under the instance's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LoginRefs {
    /// The password.
    pub password: Option<SecretRef>,
    /// The TOTP seed, if the account has a second factor.
    pub totp: Option<SecretRef>,
}

/// How an instance is reached, where it is not the system's own way.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TransportRefs {
    /// A PEM file of certificate authorities, instead of the system's.
    pub ca: Option<String>,
    /// A PEM file of our certificate and its chain.
    pub client_certificate: Option<String>,
    /// Its private key, in PEM.
    pub client_key: Option<SecretRef>,
    /// An HTTP or HTTPS proxy's URL, without user and password.
    pub proxy: Option<String>,
    /// Who we are to the proxy.
    pub proxy_user: Option<String>,
    /// The proxy's password.
    pub proxy_password: Option<SecretRef>,
}

/// What an instance can do, learned by asking it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Capabilities {
    /// How many keys a user has, and what making another does.
    pub keys: KeyModel,
    /// Whether a key's scopes mean anything.
    pub scopes: ScopeSupport,
    /// Keys can expire.
    pub expiry: bool,
    /// A key can ask for its own scopes (`GET /api/v1/discover`).
    pub discover: bool,
    /// Scopes that the admin may give to a key; empty where keys have none.
    pub available_scopes: Vec<Scope>,
}

/// How many keys a user may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyModel {
    /// Many; old and new live side by side.
    Many,
    /// One; making a second is refused while the first lives (n8n 1.72).
    OneRefused,
    /// One; making a second overwrites the first, which is dead at once (n8n 1.60).
    OneOverwritten,
}

impl KeyModel {
    /// Whether an old and a new key can live at the same time.
    pub fn overlaps(self) -> bool {
        self == Self::Many
    }
}

/// What n8n makes of a key's scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeSupport {
    /// A call outside them is refused.
    Enforced,
    /// Stored and shown, but every key can do everything.
    StoredOnly,
    /// Keys have none.
    Absent,
}

/// What opens an admin session.
#[derive(Clone, Debug)]
pub struct AdminLogin {
    /// Login id.
    pub email: String,
    /// Password.
    pub password: Secret,
    /// The second factor, where the account has one.
    pub second_factor: Option<SecondFactor>,
}

/// A second factor.
#[derive(Clone, Debug)]
pub enum SecondFactor {
    /// The TOTP seed in Base32, from which codes are made.
    TotpSeed(Secret),
    /// One code, typed by a person.
    Code(Secret),
    /// A recovery code; n8n takes each once.
    RecoveryCode(Secret),
}
