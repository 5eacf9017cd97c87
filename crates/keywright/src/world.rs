//! What a rotation reaches out to: n8n by its client, destinations by their crate.

use std::collections::BTreeMap;
use std::sync::Arc;

use destinations::Services;
use model::{
    Address, Clock, Destination, DestinationError, Hook, Ids, Instance, InstanceName, Integration, Issuer,
    Report, RotationId, Store,
};
use n8n::{BaseUrl, ClientConfig, InsecureHttp, N8nClient, N8nIssuer, Timeouts};
use rotation::World;
use tokio::sync::Mutex;

use crate::assisted::{AssistedIssuer, Person};
use crate::keeper::{Keeping, StoreKeeper};
use crate::transport;

/// An instance as it was when it was opened, and its issuer.
type Opened = (Instance, Arc<dyn Issuer>);

/// What destinations and hooks are opened with.
#[derive(Clone)]
pub(crate) struct Places {
    /// Variables of our environment that programs which we run must not see.
    pub(crate) hidden_variables: Vec<String>,
    /// The services of the configuration.
    pub(crate) services: Arc<Services>,
}

/// Opens each instance once, and shares it.
pub(crate) struct Reach {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    actor: String,
    keeping: Keeping,
    places: Places,
    person: Arc<Person>,
    issuers: Mutex<BTreeMap<InstanceName, Opened>>,
}

impl Reach {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        actor: String,
        keeping: Keeping,
        places: Places,
        person: Arc<Person>,
    ) -> Self {
        Self { store, clock, ids, actor, keeping, places, person, issuers: Mutex::default() }
    }

    fn context(&self, of: &Integration, during: Option<RotationId>) -> destinations::Context {
        destinations::Context {
            integration: of.name.clone(),
            instance: of.instance.clone(),
            rotation: during,
            hidden_variables: self.places.hidden_variables.clone(),
            services: Arc::clone(&self.places.services),
        }
    }

    /// A client of an instance, logged in as the store says.
    pub(crate) async fn client(&self, instance: &Instance) -> Result<Arc<N8nClient>, Report> {
        // Plain HTTP to another host was accepted by a person when the instance was connected.
        let base_url =
            BaseUrl::parse(&instance.url, InsecureHttp::Accepted).map_err(|failure| *failure.report)?;
        let config = ClientConfig {
            name: instance.name.clone(),
            base_url,
            timeouts: Timeouts::default(),
            transport: transport::of(&*self.store, instance).await?,
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
        };
        let keeper = StoreKeeper {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            actor: self.actor.clone(),
            instance: instance.clone(),
            keeping: self.keeping,
        };
        let client = N8nClient::new(config, Arc::new(keeper)).map_err(|failure| *failure.report)?;
        Ok(Arc::new(client))
    }
}

#[async_trait::async_trait]
impl World for Reach {
    async fn issuer(&self, instance: &Instance) -> Result<Arc<dyn Issuer>, Report> {
        let mut issuers = self.issuers.lock().await;
        // Connected anew meanwhile, it is opened anew.
        if let Some((_, issuer)) = issuers.get(&instance.name).filter(|(known, _)| known == instance) {
            return Ok(Arc::clone(issuer));
        }
        let client = self.client(instance).await?;
        let native = N8nIssuer::new(client, instance.capabilities.clone());
        let issuer: Arc<dyn Issuer> = if instance.is_assisted() {
            Arc::new(AssistedIssuer::new(native, Arc::clone(&self.store), Arc::clone(&self.person)))
        } else {
            Arc::new(native)
        };
        issuers.insert(instance.name.clone(), (instance.clone(), Arc::clone(&issuer)));
        Ok(issuer)
    }

    fn destination(
        &self,
        to: &Address,
        of: &Integration,
        during: Option<RotationId>,
    ) -> Result<Arc<dyn Destination>, DestinationError> {
        destinations::open(to, &self.context(of, during))
    }

    fn hook(
        &self,
        to: &Address,
        of: &Integration,
        during: Option<RotationId>,
    ) -> Result<Arc<dyn Hook>, DestinationError> {
        destinations::open_hook(to, &self.context(of, during))
    }
}
