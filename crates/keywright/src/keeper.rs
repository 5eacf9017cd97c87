//! Where an admin session's parts are kept: sealed in the store, under names of their instance.

use std::sync::{Arc, Mutex, PoisonError};

use model::{
    AdminLogin, Clock, Event, EventKind, Ids, Instance, InstanceName, Report, SecondFactor, Secret,
    SessionKeeper, Store,
};

use crate::error::operator;
use crate::{config, prompt};

/// What an instance's sealed values are called.
pub(crate) fn sealed_name(instance: &InstanceName, what: &str) -> String {
    format!("instance/{instance}/{what}")
}

/// What is sealed of an instance's login, to be forgotten.
pub(crate) fn forgotten(instance: &InstanceName) -> Vec<(String, Option<Secret>)> {
    ["password", "totp", "session"].map(|what| (sealed_name(instance, what), None)).into()
}

/// Whether a run may keep what it learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// A new session is sealed for the next run.
    Kept,
    /// Nothing is written: a dry run.
    Nothing,
}

/// The session of an instance that we have taken charge of.
pub(crate) struct StoreKeeper {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) actor: String,
    pub(crate) instance: Instance,
    pub(crate) keeping: Keeping,
}

impl StoreKeeper {
    async fn sealed(&self, what: &str) -> Result<Option<Secret>, Report> {
        self.store.sealed(&sealed_name(&self.instance.name, what)).await.map_err(|failure| *failure.report)
    }
}

#[async_trait::async_trait]
impl SessionKeeper for StoreKeeper {
    async fn load(&self) -> Result<Option<Secret>, Report> {
        self.sealed("session").await
    }

    async fn save(&self, session: Option<&Secret>) -> Result<(), Report> {
        if self.keeping == Keeping::Nothing {
            return Ok(());
        }
        let at = self.clock.now();
        let mut event = Event::new(self.ids.event(at), at, EventKind::SessionOpened, self.actor.clone());
        event.instance = Some(self.instance.name.clone());
        let events = if session.is_some() { vec![event] } else { Vec::new() };
        let name = sealed_name(&self.instance.name, "session");
        self.store.put_sealed(&name, session, events).await.map_err(|failure| *failure.report)
    }

    async fn login(&self) -> Result<AdminLogin, Report> {
        let name = &self.instance.name;
        let Some(email) = self.instance.admin_email.clone() else { return NoSession.login().await };
        let instead = format!(
            "keywright connect {name} {} --email {email} --password-from file:PATH",
            self.instance.url
        );
        let totp = match &self.instance.login.totp {
            Some(reference) => Some(config::resolved(&*self.store, reference).await?),
            None => self.sealed("totp").await?,
        };
        let referenced = &self.instance.login.password;
        let password = match referenced {
            Some(reference) => Some(config::resolved(&*self.store, reference).await?),
            None => self.sealed("password").await?,
        };
        let (password, second_factor) = match password {
            Some(password) => (password, totp.map(SecondFactor::TotpSeed)),
            None => (prompt::secret(&format!("password of {email} at {name}"), &instead).await?, None),
        };
        Ok(AdminLogin { email, password, second_factor })
    }
}

/// The session of an instance that is being connected: in memory, until all of it is known to be good.
pub(crate) struct FreshKeeper {
    login: Mutex<AdminLogin>,
    session: Mutex<Option<Secret>>,
}

impl FreshKeeper {
    pub(crate) fn new(login: AdminLogin) -> Self {
        Self { login: Mutex::new(login), session: Mutex::new(None) }
    }

    /// The session that was opened.
    pub(crate) fn session(&self) -> Option<Secret> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds a code that a person typed.
    pub(crate) fn add_code(&self, code: Secret) {
        self.login.lock().unwrap_or_else(PoisonError::into_inner).second_factor =
            Some(SecondFactor::Code(code));
    }
}

#[async_trait::async_trait]
impl SessionKeeper for FreshKeeper {
    async fn load(&self) -> Result<Option<Secret>, Report> {
        Ok(self.session())
    }

    async fn save(&self, session: Option<&Secret>) -> Result<(), Report> {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = session.cloned();
        Ok(())
    }

    async fn login(&self) -> Result<AdminLogin, Report> {
        let login = self.login.lock().map_err(|_poisoned| operator("the login is not to be had"))?;
        Ok(login.clone())
    }
}

/// Nobody's session: of an instance whose keys a person makes and deletes by hand.
pub(crate) struct NoSession;

#[async_trait::async_trait]
impl SessionKeeper for NoSession {
    async fn load(&self) -> Result<Option<Secret>, Report> {
        Ok(None)
    }

    async fn save(&self, _session: Option<&Secret>) -> Result<(), Report> {
        Ok(())
    }

    async fn login(&self) -> Result<AdminLogin, Report> {
        Err(operator("there is no admin session")
            .because("the instance was connected as assisted: a person makes and deletes its keys by hand"))
    }
}
