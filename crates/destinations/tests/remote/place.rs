//! What the suite needs of a service, done by hand in the state of its server.

use std::{collections::BTreeMap, sync::Arc};

use destinations::{Context, Outside, ServiceConfig, Services};
use model::{Clock, Destination, DestinationError, Report, Secret, SecretRef, Timestamp};

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

pub(crate) struct SystemClock;

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

/// What a service finds outside.
pub(crate) fn outside(variables: &[(&str, String)]) -> Arc<dyn Outside> {
    Arc::new(Env(variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()))
}

/// Opens an address of a service.
pub(crate) fn open_at(services: Arc<Services>, address: &str) -> Arc<dyn Destination> {
    try_open_at(services, address).unwrap()
}

/// The same, where it may be refused.
pub(crate) fn try_open_at(
    services: Arc<Services>,
    address: &str,
) -> Result<Arc<dyn Destination>, DestinationError> {
    let context = Context {
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        rotation: None,
        hidden_variables: Vec::new(),
        services,
    };
    destinations::open(&address.parse().unwrap(), &context)
}

pub(crate) fn services<P: RemotePlace>(place: &P, more: &[(&str, &str)]) -> Arc<Services> {
    let (kind, settings) = place.settings();
    let mut values: BTreeMap<&str, String> = settings.into_iter().collect();
    values.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    services_of(kind, values, &place.variables())
}

/// One service by these settings, in an environment of these variables.
pub(crate) fn services_of<'n>(
    kind: &str,
    settings: impl IntoIterator<Item = (&'n str, String)>,
    variables: &[(&str, String)],
) -> Arc<Services> {
    let values = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let config = ServiceConfig::new(kind, None, values).unwrap();
    Arc::new(Services::new(vec![config], outside(variables)))
}

/// Opens the place, with more settings.
pub(crate) fn open_with<P: RemotePlace>(place: &P, more: &[(&str, &str)]) -> Arc<dyn Destination> {
    open_at(services(place, more), &place.address())
}

/// Opens the place, with more settings, in another environment.
pub(crate) fn open_in<P: RemotePlace>(
    place: &P,
    more: &[(&str, &str)],
    variables: &[(&str, String)],
) -> Arc<dyn Destination> {
    let (kind, settings) = place.settings();
    let mut values: BTreeMap<&str, String> = settings.into_iter().collect();
    values.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    open_at(services_of(kind, values, variables), &place.address())
}

/// Opens the place with these settings and no other, in an empty environment.
pub(crate) fn open_as<P: RemotePlace>(place: &P, settings: &[(&str, &str)]) -> Arc<dyn Destination> {
    let values = settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
    open_at(services_of(place.settings().0, values, &[]), &place.address())
}

/// Opens the place as the environment alone has it.
pub(crate) fn open_undeclared<P: RemotePlace>(
    place: &P,
    variables: &[(&str, String)],
) -> Arc<dyn Destination> {
    open_at(Arc::new(Services::new(Vec::new(), outside(variables))), &place.address())
}

pub(crate) fn open<P: RemotePlace>(place: &P) -> Arc<dyn Destination> {
    open_with(place, &[])
}

/// A key of some length, told by its name.
pub(crate) fn key(name: &str) -> Secret {
    Secret::new(format!("canary-key-{name}-{}", name.repeat(20)))
}
