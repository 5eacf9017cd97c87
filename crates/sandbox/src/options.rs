//! What a sandbox is like when it starts.

use std::time::Duration;

use crate::Clock;

/// The secret that tokens are signed with unless another is given; worth nothing outside a sandbox.
pub const SIGNING_SECRET: &str = "sandbox-signing-secret-example";

/// A user.
#[derive(Clone)]
pub struct Account {
    /// Login id.
    pub email: String,
    /// Password.
    pub password: String,
    /// The second factor's seed in Base32; without one there is no second factor.
    pub totp_seed: Option<String>,
    /// Codes that replace the second factor, each once.
    pub recovery_codes: Vec<String>,
}

impl Account {
    /// A user without a second factor.
    pub fn new(email: impl Into<String>, password: impl Into<String>) -> Self {
        Self { email: email.into(), password: password.into(), totp_seed: None, recovery_codes: Vec::new() }
    }

    /// Switches the second factor on.
    #[must_use]
    pub fn with_mfa(mut self, totp_seed: impl Into<String>, recovery_codes: &[&str]) -> Self {
        self.totp_seed = Some(totp_seed.into());
        self.recovery_codes = recovery_codes.iter().map(|code| (*code).to_owned()).collect();
        self
    }
}

/// How to start a sandbox.
#[derive(Clone)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The owner; `None` leaves the instance waiting for `POST /rest/owner/setup`.
    pub owner: Option<Account>,
    /// Members, ready to log in.
    pub members: Vec<Account>,
    /// What tokens and keys are signed with.
    pub signing_secret: String,
    /// The time that it lives in.
    pub clock: Clock,
    /// How long each call takes before it has any effect.
    pub latency: Duration,
    /// How many workflows there are.
    pub workflows: u32,
    /// How many executions of them there are.
    pub executions: u32,
    /// What ids are made from.
    pub seed: u64,
    /// How many calls are remembered; the oldest are forgotten first.
    pub calls_kept: usize,
}

impl Options {
    /// The default owner's login id.
    pub const OWNER_EMAIL: &str = "owner@example.com";
    /// The default owner's password.
    pub const OWNER_PASSWORD: &str = "Example-owner-1";
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            owner: Some(Account::new(Self::OWNER_EMAIL, Self::OWNER_PASSWORD)),
            members: Vec::new(),
            signing_secret: SIGNING_SECRET.to_owned(),
            clock: Clock::system(),
            latency: Duration::ZERO,
            workflows: 3,
            executions: 0,
            seed: 1,
            calls_kept: 50_000,
        }
    }
}
