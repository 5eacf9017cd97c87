//! What is: all that the store knows, with the ways to find things in it that do not look at everything each time.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Address, Instance, InstanceName, Integration, IntegrationName, IntegrationRole, Rotation, Source, Store,
};

use super::wish::Wishes;
use crate::error::CommandError;

/// What is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) instances: BTreeMap<InstanceName, Instance>,
    pub(crate) integrations: BTreeMap<IntegrationName, Integration>,
    /// Integrations that have a key which lives.
    pub(crate) living: BTreeSet<IntegrationName>,
    pub(crate) open: BTreeMap<IntegrationName, Rotation>,
}

impl Known {
    /// Reads it all.
    pub(crate) async fn read(store: &dyn Store) -> Result<Self, CommandError> {
        let instances = store.instances().await?.into_iter();
        let integrations = store.integrations().await?.into_iter();
        let keys = store.keys(None).await?.into_iter();
        let open = store.open_rotations().await?.into_iter();
        Ok(Self {
            instances: instances.map(|instance| (instance.name.clone(), instance)).collect(),
            integrations: integrations.map(|of| (of.name.clone(), of)).collect(),
            living: keys.filter(|key| key.state.lives()).map(|key| key.integration).collect(),
            open: open.map(|rotation| (rotation.integration.clone(), rotation)).collect(),
        })
    }

    /// An instance that we look after.
    pub(crate) fn instance(&self, name: &InstanceName) -> Option<&Instance> {
        self.instances.get(name).filter(|instance| instance.retired_at.is_none())
    }

    /// An integration in service.
    pub(crate) fn integration(&self, name: &IntegrationName) -> Option<&Integration> {
        self.integrations.get(name).filter(|of| of.retired_at.is_none())
    }
}

/// What is wished and what is, side by side.
pub(crate) struct Sides<'a> {
    pub(crate) known: &'a Known,
    wished: BTreeSet<&'a IntegrationName>,
    /// Places that hold the key of an integration which no wish is about, and which stays.
    taken: BTreeMap<&'a Address, &'a IntegrationName>,
}

impl<'a> Sides<'a> {
    pub(crate) fn new(wishes: &'a Wishes, known: &'a Known) -> Self {
        let wished = wishes.integrations.iter().map(|wish| &wish.name).collect();
        let mut sides = Self { known, wished, taken: BTreeMap::new() };
        let stays = |of: &&Integration| {
            of.retired_at.is_none()
                && !sides.wished.contains(&of.name)
                && !sides.is_orphaned(of)
                && known.living.contains(&of.name)
        };
        let stays = known.integrations.values().filter(stays);
        sides.taken = stays.flat_map(|of| of.destinations.iter().map(move |to| (to, &of.name))).collect();
        sides
    }

    /// Declared by the configuration once, and not any more.
    pub(crate) fn is_orphaned(&self, of: &Integration) -> bool {
        of.source == Source::Configuration
            && of.role == IntegrationRole::Client
            && of.retired_at.is_none()
            && !self.wished.contains(&of.name)
    }

    /// Who has a place that is wished for, and stays.
    pub(crate) fn holder_of<'w>(&self, wish: &'w Integration) -> Option<(&'w Address, &'a IntegrationName)> {
        wish.destinations.iter().find_map(|to| self.taken.get(to).map(|holder| (to, *holder)))
    }
}
