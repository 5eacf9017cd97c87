//! n8n as the one who makes and kills keys.

use std::collections::HashSet;
use std::sync::Arc;

use model::{
    Capabilities, InstanceName, IssuedKey, Issuer, IssuerError, IssuerErrorKind as Kind, KeyModel, ListedKey,
    NewKey, Proof, ProofOfDeath, Scope, Secret, SignedDuration,
};

use crate::check::Checked;
use crate::client::N8nClient;
use crate::coalesce::Coalesced;
use crate::key_text::KeyText;
use crate::keys::only_one;
use crate::pace::Pace;
use crate::report::{Explain as _, error, shown};
use crate::wire::is_id;

/// The id of a user's one key where n8n gives it none (1.60).
pub const ONLY_KEY: &str = "only";

/// A key older than this was not made just now, even if clocks differ a little.
const RECENT: SignedDuration = SignedDuration::from_secs(20);

/// Makes and kills keys at one n8n.
pub struct N8nIssuer {
    client: Arc<N8nClient>,
    capabilities: Capabilities,
    lists: Coalesced<Result<Arc<Vec<ListedKey>>, IssuerError>>,
    looks: Coalesced<Result<Arc<HashSet<String>>, IssuerError>>,
    checked: Checked,
    pace: Pace,
}

impl N8nIssuer {
    /// An issuer at an instance that was learned before ([`N8nClient::learn`]).
    pub fn new(client: Arc<N8nClient>, capabilities: Capabilities) -> Self {
        // Versions whose keys can ask for their own scopes give every key an id of its own.
        let pace = Pace::new(client.ids.random(), capabilities.discover.then_some(true));
        let (lists, looks) = (Coalesced::new(), Coalesced::new());
        Self { client, capabilities, lists, looks, checked: Checked::new(), pace }
    }

    /// The client it works with.
    pub fn client(&self) -> &Arc<N8nClient> {
        &self.client
    }

    async fn shared_list(&self) -> Result<Arc<Vec<ListedKey>>, IssuerError> {
        self.lists.run(|| async { self.client.list_keys(self.capabilities.keys).await.map(Arc::new) }).await
    }

    fn error(&self, kind: Kind, doing: &str) -> IssuerError {
        error(kind, format!("cannot {doing} at instance `{}`", self.client.instance))
    }

    fn saw(&self, secret: &Secret, learn: impl Fn(&Pace, &KeyText)) {
        if let Some(text) = KeyText::parse(secret) {
            learn(&self.pace, &text);
        }
    }

    /// Whether the key may have been made so short ago that a new one could be the same text. Where there is
    /// one key only, every wait after its end is a gap: it is worth a question before.
    async fn is_recent(&self, native_id: &str) -> Result<bool, IssuerError> {
        match self.capabilities.keys {
            KeyModel::OneOverwritten => Ok(false),
            KeyModel::Many => Ok(true),
            KeyModel::OneRefused => {
                let old = self.client.now() - RECENT;
                let list = self.shared_list().await?;
                let key = list.iter().find(|key| key.native_id == native_id);
                Ok(key.is_none_or(|key| key.created_at.is_none_or(|made| made > old)))
            }
        }
    }

    /// Whether the key is out of the list that the instance gives now.
    async fn is_gone(&self, native_id: &str) -> Result<bool, IssuerError> {
        let look = || async { self.client.list_ids(self.capabilities.keys).await.map(Arc::new) };
        Ok(!self.looks.run(look).await?.contains(native_id))
    }
}

#[async_trait::async_trait]
impl Issuer for N8nIssuer {
    fn instance(&self) -> &InstanceName {
        &self.client.instance
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn check(&self) -> Result<(), IssuerError> {
        self.checked.check(&self.client, &self.capabilities).await
    }

    async fn create(&self, key: &NewKey) -> Result<IssuedKey, IssuerError> {
        let Capabilities { keys, scopes, expiry, .. } = self.capabilities;
        let mut wanted = key.clone();
        wanted.expires_at =
            key.expires_at.filter(|_| expiry).map(|at| self.pace.spread(at, self.client.now()));
        if keys == KeyModel::OneRefused && !self.shared_list().await?.is_empty() {
            // In the second in which it was made, n8n would not refuse but give the same key again.
            return Err(only_one(self.error(Kind::OneKeyOnly, "make a key")));
        }
        let turn = match wanted.expires_at {
            // 1.60 draws its keys at random.
            None if keys != KeyModel::OneOverwritten => self.pace.turn().await,
            _ => None,
        };
        let issued = self.client.create_key(&wanted, keys, scopes).await;
        self.pace.happened();
        if let Ok(issued) = &issued {
            self.saw(&issued.secret, Pace::saw_new);
        }
        drop(turn);
        let issued = issued?;
        let outlives = match (wanted.expires_at, issued.expires_at) {
            // n8n counts from its own clock's second.
            (Some(wanted), Some(end)) => end.duration_since(wanted).as_secs() > 2,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if outlives {
            return Err(self
                .error(Kind::Hostile, "make a key")
                .because("the new key lives longer than was asked for")
                .mend(format!(
                    "delete the key `{}` in n8n's settings, under API",
                    shown(&issued.label, 50)
                )));
        }
        Ok(issued)
    }

    async fn list(&self) -> Result<Vec<ListedKey>, IssuerError> {
        Ok(self.shared_list().await?.as_ref().clone())
    }

    async fn delete(&self, native_id: &str) -> Result<(), IssuerError> {
        if !is_id(native_id) {
            return Err(self.error(Kind::Bug, "delete a key").because("its id is not an id"));
        }
        let recent = self.is_recent(native_id).await?;
        let asked = self.client.delete_key(native_id, self.capabilities.keys).await;
        if recent {
            self.pace.happened();
        }
        // Whatever was answered, or not: what counts is whether it is still there.
        match (self.is_gone(native_id).await, asked) {
            (Ok(true), _) => Ok(()),
            (_, Err(failed)) | (Err(failed), Ok(())) => Err(failed),
            (Ok(false), Ok(())) => Err(self
                .error(Kind::StillAlive, "delete a key")
                .because("n8n took the deletion, but still lists the key")
                .mend("see whether the key belongs to another user: 1.x lets nobody delete those")),
        }
    }

    async fn prove(&self, secret: &Secret, scopes: &[Scope]) -> Result<Proof, IssuerError> {
        self.saw(secret, Pace::saw_old);
        self.client.prove_key(&self.capabilities, secret, scopes).await
    }

    async fn prove_dead(&self, secret: &Secret) -> Result<ProofOfDeath, IssuerError> {
        self.saw(secret, Pace::saw_old);
        self.client.prove_key_dead(&self.capabilities, secret).await
    }
}
