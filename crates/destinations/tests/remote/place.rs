//! What the suite needs of a service, done by hand in the state of its server.

use std::{collections::BTreeMap, sync::Arc};

use destinations::{Context, Outside, ServiceConfig, Services};
use model::{Clock, Destination, Report, Secret, SecretRef, Timestamp};

use crate::server::Server;

/// A service with one place, on a server of its own. Made fresh for each case.
pub(crate) trait RemotePlace: Sized + Send + Sync + 'static {
    /// Whether what is held can be read back.
    const READABLE: bool = true;
    /// Whether the service refuses a change of what has changed.
    const LOCKED: bool = true;
    /// Whether it can be asked what may be written, without writing.
    const TELLS_PERMISSION: bool = true;
    /// What can be made of older versions: some of `disable`, `destroy`.
    const OLD_VERSIONS: &'static [&'static str] = &[];

    /// With an empty place.
    async fn start() -> Self;

    fn server(&self) -> &Server;

    /// Name and kind of the service, and its settings.
    fn settings(&self) -> (&'static str, Vec<(&'static str, String)>);

    /// Variables of the environment, and secrets by `env:NAME`.
    fn variables(&self) -> Vec<(&'static str, String)>;

    fn address(&self) -> String;

    /// Puts a key there, and whatever else is around it.
    fn put_by_hand(&self, key: &str);

    /// The key that is there.
    fn look(&self) -> Option<String>;

    /// All else that is there.
    fn surroundings(&self) -> String;

    /// Changes something around the key, as another program would, so that the lock is another; what it is, is in
    /// [`Self::surroundings`] then. Where a place holds the key alone: changes that.
    fn change_by_hand(&self) -> Box<dyn FnOnce() + Send>;

    /// Takes away what must be there before a delivery; `false` where a delivery makes all that is needed.
    fn take_away(&self) -> bool;

    /// Takes away the permission to write, and whatever else the service says then.
    fn forbid(&self);

    /// Refuses the credentials from now on.
    fn lock_out(&self);

    /// How many older versions hold this key and can be read.
    fn old_copies(&self, _key: &str) -> usize {
        0
    }
}

/// Secrets and variables of a test.
struct Env(BTreeMap<String, String>);

#[async_trait::async_trait]
impl Outside for Env {
    async fn secret(&self, reference: &SecretRef) -> Result<Secret, Report> {
        let SecretRef::Env(name) = reference else { panic!("{reference}") };
        Ok(Secret::new(self.0.get(name).unwrap().as_str()))
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        self.0.get(name).map(|value| Secret::new(value.as_str()))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }
}

struct SystemClock;

#[async_trait::async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the clock of the tests")]
    fn now(&self) -> Timestamp {
        std::time::SystemTime::now().try_into().unwrap()
    }

    async fn wait_until(&self, _: Timestamp) {
        panic!("nothing waits by this clock");
    }
}

pub(crate) fn services<P: RemotePlace>(place: &P, more: &[(&str, &str)]) -> Arc<Services> {
    let (kind, settings) = place.settings();
    let mut values: BTreeMap<String, String> =
        settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    values.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let config = ServiceConfig::new(kind, None, values).unwrap();
    let variables = place.variables().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Arc::new(Services::new(vec![config], Arc::new(Env(variables))))
}

/// Opens the place, with more settings.
pub(crate) fn open_with<P: RemotePlace>(place: &P, more: &[(&str, &str)]) -> Arc<dyn Destination> {
    let context = Context {
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        rotation: None,
        hidden_variables: Vec::new(),
        services: services(place, more),
    };
    destinations::open(&place.address().parse().unwrap(), &context).unwrap()
}

pub(crate) fn open<P: RemotePlace>(place: &P) -> Arc<dyn Destination> {
    open_with(place, &[])
}

/// Opens what an address names where nothing is declared, as the environment has it.
pub(crate) fn open_undeclared(address: &str, variables: &[(&str, &str)]) -> Arc<dyn Destination> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let context = Context {
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        rotation: None,
        hidden_variables: Vec::new(),
        services: Arc::new(Services::new(Vec::new(), Arc::new(Env(variables)))),
    };
    destinations::open(&address.parse().unwrap(), &context).unwrap()
}

/// A key of some length, told by its name.
pub(crate) fn key(name: &str) -> Secret {
    Secret::new(format!("canary-key-{name}-{}", name.repeat(20)))
}
