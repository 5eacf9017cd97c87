//! The ports that a client needs, in memory.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use model::{AdminLogin, Clock, Ids, Report, SecondFactor, Secret, SessionKeeper, Timestamp};

/// Keeps a session in memory, and counts how often a login was asked for.
#[derive(Debug)]
pub struct MemoryKeeper {
    login: Mutex<AdminLogin>,
    kept: Mutex<Option<Secret>>,
    logins: AtomicU32,
}

impl MemoryKeeper {
    /// A keeper that logs in with this.
    pub fn new(email: &str, password: &str, second_factor: Option<SecondFactor>) -> Self {
        let login = AdminLogin { email: email.to_owned(), password: Secret::new(password), second_factor };
        Self { login: Mutex::new(login), kept: Mutex::new(None), logins: AtomicU32::new(0) }
    }

    /// How often a login was asked for.
    pub fn logins(&self) -> u32 {
        self.logins.load(Ordering::SeqCst)
    }

    /// What is kept.
    pub fn kept(&self) -> Option<Secret> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps something else.
    pub fn put(&self, session: Option<Secret>) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = session;
    }
}

#[async_trait::async_trait]
impl SessionKeeper for MemoryKeeper {
    async fn load(&self) -> Result<Option<Secret>, Report> {
        Ok(self.kept())
    }

    async fn save(&self, session: Option<&Secret>) -> Result<(), Report> {
        self.put(session.cloned());
        Ok(())
    }

    async fn login(&self) -> Result<AdminLogin, Report> {
        self.logins.fetch_add(1, Ordering::SeqCst);
        Ok(self.login.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// The system's time.
#[derive(Clone, Copy, Debug)]
pub struct WallClock;

#[async_trait::async_trait]
impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "real instances live in real time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn wait_until(&self, until: Timestamp) {
        let left = until.duration_since(self.now());
        tokio::time::sleep(left.try_into().unwrap_or_default()).await;
    }
}

/// Random ids; good enough to be different.
#[derive(Clone, Copy, Debug)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn random(&self) -> u128 {
        let word = || u128::from(RandomState::new().build_hasher().finish());
        (word() << 64) | word()
    }
}
