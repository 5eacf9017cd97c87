//! Whose a found key is, as far as the store knows. Asks nobody outside.

use std::collections::BTreeMap;

use model::{InstanceName, Integration, Key, Store, StoreError};
use n8n::KeyText;

use super::check::Life;
use super::leak::Leak;

/// Keys of ours whose text is looked into for their user.
const MAX_LOOKED_INTO: usize = 500;

/// A found key, and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) leak: Leak,
    pub(crate) whose: Whose,
    pub(crate) life: Life,
}

/// Whose it is.
#[derive(Clone, Debug)]
pub(crate) enum Whose {
    /// A key of ours, alive or not.
    Ours(Box<Ours>),
    /// Not ours; its text says that it is of a user of this instance, whose keys we hold too. Anybody can write so.
    OfOurUser(InstanceName),
    /// Nobody's that we know.
    Unknown,
}

/// A key of ours.
#[derive(Clone, Debug)]
pub(crate) struct Ours {
    pub(crate) key: Key,
    pub(crate) integration: Integration,
}

impl Judged {
    /// The key's record, if it is ours.
    pub(crate) fn ours(&self) -> Option<&Ours> {
        match &self.whose {
            Whose::Ours(ours) => Some(ours),
            Whose::OfOurUser(_) | Whose::Unknown => None,
        }
    }
}

/// Looks each up in the store.
pub(crate) async fn judge(store: &dyn Store, leaks: Vec<Leak>) -> Result<Vec<Judged>, StoreError> {
    let mut judged = Vec::new();
    let mut users = None;
    for leak in leaks {
        let mut whose = Whose::Unknown;
        if let Some(key) = store.key_with_fingerprint(&leak.fingerprint).await? {
            if let Some(integration) = store.integration(&key.integration).await? {
                whose = Whose::Ours(Box::new(Ours { key, integration }));
            }
        } else if let Some(user) = leak.token.claims.user.as_deref() {
            let known = match users.take() {
                Some(known) => known,
                None => our_users(store).await?,
            };
            whose = known.get(user).cloned().map_or(Whose::Unknown, Whose::OfOurUser);
            users = Some(known);
        }
        judged.push(Judged { leak, whose, life: Life::NotAsked(super::check::NotAsked::NotTold) });
    }
    Ok(judged)
}

/// The users whose keys we hold, by n8n's id of them, and their instances.
async fn our_users(store: &dyn Store) -> Result<BTreeMap<String, InstanceName>, StoreError> {
    let integrations: BTreeMap<_, _> =
        store.integrations().await?.into_iter().map(|of| (of.name, of.instance)).collect();
    let mut users = BTreeMap::new();
    for key in store.living_keys().await?.into_iter().take(MAX_LOOKED_INTO) {
        let Some(instance) = integrations.get(&key.integration) else { continue };
        let Some(text) = store.key_secret(key.id).await? else { continue };
        if let Some(KeyText::Jwt(claims)) = KeyText::parse(&text)
            && let Some(user) = claims.user()
        {
            users.insert(user.to_owned(), instance.clone());
        }
    }
    Ok(users)
}
