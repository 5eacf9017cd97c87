//! The users.

use totp_rs::{Builder, Secret};

use crate::ids::Ids;
use crate::token;
use crate::{Account, clock};

/// A second factor.
#[derive(Clone)]
pub(crate) struct Mfa {
    pub(crate) seed: String,
    pub(crate) recovery_codes: Vec<String>,
    /// Off while it is only being set up.
    pub(crate) enabled: bool,
}

impl Mfa {
    /// Whether a code is that of now or of two steps around it.
    pub(crate) fn accepts(&self, code: &str, now_s: i64) -> bool {
        let Ok(secret) = Secret::try_from_base32(&self.seed) else { return false };
        let Ok(now) = u64::try_from(now_s) else { return false };
        Builder::new().with_secret(secret).with_skew(2).build_noncompliant().check(code, now).is_some()
    }

    /// Uses up a recovery code.
    pub(crate) fn spend(&mut self, code: &str) -> bool {
        let before = self.recovery_codes.len();
        self.recovery_codes.retain(|one| one != code);
        self.recovery_codes.len() < before
    }
}

/// A user. One without a password was invited and has not accepted.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) project: String,
    pub(crate) owner: bool,
    pub(crate) email: String,
    pub(crate) password: Option<String>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) mfa: Option<Mfa>,
    pub(crate) created_ms: i64,
}

impl User {
    pub(crate) fn role(&self) -> &'static str {
        if self.owner { "global:owner" } else { "global:member" }
    }

    pub(crate) fn mfa_enabled(&self) -> bool {
        self.mfa.as_ref().is_some_and(|mfa| mfa.enabled)
    }

    pub(crate) fn created(&self) -> String {
        clock::iso(self.created_ms)
    }

    /// What ties a session to a password: it ends when the password or the second factor changes.
    pub(crate) fn session_hash(&self) -> String {
        let mut text = format!("{}:{}", self.email, self.password.as_deref().unwrap_or_default());
        if let Some(mfa) = self.mfa.as_ref().filter(|mfa| mfa.enabled) {
            text.push(':');
            text.extend(mfa.seed.chars().take(3));
        }
        token::hash(&text).chars().take(10).collect()
    }
}

/// The users; the owner is always the first.
pub(crate) struct Users(Vec<User>);

impl Users {
    pub(crate) fn new(ids: &mut Ids, now_ms: i64, owner: Option<Account>, members: Vec<Account>) -> Self {
        let mut users = Self(Vec::new());
        match owner {
            Some(owner) => {
                let made = users.add(ids, now_ms, owner.email.clone());
                set_up(made, owner, "Olive", "Owner");
                made.owner = true;
            }
            // n8n has an empty owner before the setup.
            None => users.add(ids, now_ms, String::new()).owner = true,
        }
        for member in members {
            let made = users.add(ids, now_ms, member.email.clone());
            set_up(made, member, "Max", "Member");
        }
        users
    }

    /// Adds a member who has yet to accept.
    pub(crate) fn add(&mut self, ids: &mut Ids, now_ms: i64, email: String) -> &mut User {
        let user = User {
            id: ids.uuid(),
            project: ids.short(),
            owner: false,
            email,
            password: None,
            first_name: None,
            last_name: None,
            mfa: None,
            created_ms: now_ms,
        };
        self.0.push_mut(user)
    }

    pub(crate) fn all(&self) -> &[User] {
        &self.0
    }

    pub(crate) fn owner(&self) -> Option<&User> {
        self.0.iter().find(|user| user.owner)
    }

    pub(crate) fn owner_mut(&mut self) -> Option<&mut User> {
        self.0.iter_mut().find(|user| user.owner)
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&User> {
        self.0.iter().find(|user| user.id == id)
    }

    pub(crate) fn by_id_mut(&mut self, id: &str) -> Option<&mut User> {
        self.0.iter_mut().find(|user| user.id == id)
    }

    pub(crate) fn by_email(&self, email: &str) -> Option<&User> {
        self.0.iter().find(|user| user.email.eq_ignore_ascii_case(email))
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<User> {
        let at = self.0.iter().position(|user| user.id == id)?;
        Some(self.0.remove(at))
    }
}

fn set_up(user: &mut User, account: Account, first: &str, last: &str) {
    user.password = Some(account.password);
    user.first_name = Some(first.to_owned());
    user.last_name = Some(last.to_owned());
    user.mfa =
        account.totp_seed.map(|seed| Mfa { seed, recovery_codes: account.recovery_codes, enabled: true });
}
