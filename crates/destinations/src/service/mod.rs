//! Services in which many destinations lie: secrets managers, CI systems, clusters.
//!
//! A service is declared as `[service.NAME]`; an address starts with that name. One that is named as its kind needs no
//! declaration where the environment says all (`VAULT_ADDR`). To add one: copy the smallest, give it a line in [`kinds`].

mod bearer;
mod cached;
mod config;
mod file;
mod kinds;
mod locks;
mod login;
mod outside;
mod path;
mod settings;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use model::{Address, DestinationError, DestinationErrorKind as Kind, Hook};

use crate::{Context, error::error, kinds::Opened, search::Search};

pub(crate) use cached::{Cached, Token};
pub use config::{ServiceConfig, SettingFault};
pub(crate) use config::{is_here, url_fault};
pub(crate) use file::{MAX_FILE_BYTES, read_file, read_text};
pub(crate) use kinds::setting;
pub use kinds::{HTTP, ServiceKind, service_kinds};
pub(crate) use locks::Locks;
pub(crate) use login::{base_url, elsewhere, login};
pub(crate) use outside::over_at;
pub use outside::{Nowhere, Outside};
pub(crate) use path::below;
pub use settings::{Form, Setting, Settings};

/// One service. Opening it touches nothing; credentials are fetched with the first call.
#[async_trait::async_trait]
pub(crate) trait Service: Send + Sync {
    /// The place that an address names.
    fn destination(self: Arc<Self>, address: &Address, context: &Context) -> Opened;

    /// What makes a program take up a new key.
    fn hook(
        self: Arc<Self>,
        address: &Address,
        _context: &Context,
    ) -> Result<Arc<dyn Hook>, DestinationError> {
        Err(error(
            Kind::BadAddress,
            format!("cannot use the hook `{address}`"),
            "this kind of service restarts nothing",
            "write `command:PROGRAM`, `systemd:UNIT`, or the address of a service that has hooks",
        ))
    }

    /// Shows all that can be read here to `search`, page by page, until there is no more or it has enough.
    async fn search(&self, search: &mut Search) -> Result<(), DestinationError>;
}

/// The services of a configuration, each opened once and shared.
pub struct Services {
    declared: Vec<ServiceConfig>,
    outside: Arc<dyn Outside>,
    opened: Mutex<BTreeMap<String, Arc<dyn Service>>>,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").field("declared", &self.declared).finish_non_exhaustive()
    }
}

impl Services {
    /// Those that are declared; `outside` gives secrets, the environment and the time.
    pub fn new(declared: Vec<ServiceConfig>, outside: Arc<dyn Outside>) -> Self {
        Self { declared, outside, opened: Mutex::default() }
    }

    /// Those of a configuration that declares none, in an empty environment.
    pub fn none() -> Self {
        Self::new(Vec::new(), Arc::new(Nowhere))
    }

    /// What was declared.
    pub fn declared(&self) -> &[ServiceConfig] {
        &self.declared
    }

    /// Looks through a service, as far as `search` goes.
    pub async fn search(&self, name: &str, search: &mut Search) -> Result<(), DestinationError> {
        match self.find(name)? {
            Some(service) => service.search(search).await,
            None if crate::kinds::kinds().iter().any(|local| local.name == name) => Err(error(
                Kind::BadAddress,
                format!("cannot search `{name}`"),
                "it is no service: it lies in files",
                "`--folder DIR` looks through files",
            )),
            None => Err(error(
                Kind::BadAddress,
                format!("cannot search `{name}`"),
                "there is no such service",
                match self.nearest(name) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("declare [service.{name}]"),
                },
            )),
        }
    }

    fn nearest(&self, name: &str) -> Option<&str> {
        let declared = self.declared.iter().map(ServiceConfig::name);
        let known =
            service_kinds().iter().filter(|kind| kind.holds_keys()).map(|kind| kind.name).chain(declared);
        let rated = known.map(|known| (strsim::damerau_levenshtein(known, name), known));
        rated.filter(|(distance, _)| *distance <= 2).min().map(|(_, known)| known)
    }

    /// The service of that name: a declared one, or the kind itself as the environment has it.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Arc<dyn Service>>, DestinationError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(service) = opened.get(name) {
            return Ok(Some(Arc::clone(service)));
        }
        let config = match self.declared.iter().find(|config| config.name() == name) {
            Some(config) => config.clone(),
            None => match kinds::find(name) {
                Some(kind) => ServiceConfig::undeclared(kind),
                None => return Ok(None),
            },
        };
        let service = (config.kind().open)(&config, &self.outside)?;
        opened.insert(name.to_owned(), Arc::clone(&service));
        Ok(Some(service))
    }
}
