//! Keys of an instance where no admin session can be had, as behind single sign-on: a person makes and deletes them in
//! n8n's settings, told click by click, and everything else is done as elsewhere. What that person did is not
//! believed: a key given is used, and must be what was asked for; a key deleted is used, and must be refused.

mod clicks;
mod person;

use std::sync::Arc;
use std::time::Duration;

use model::{
    Blame, Capabilities, Fingerprint, InstanceName, IssuedKey, Issuer, IssuerError, IssuerErrorKind as Kind,
    Key, KeyModel, ListedKey, NewKey, Proof, ProofOfDeath, Report, Retry, Scope, Secret, SignedDuration,
    Store, Timestamp,
};
use n8n::{BaseUrl, KeyText, N8nIssuer};

use clicks::Clicks;
pub(crate) use person::Person;

/// A key that is not the right one is asked for again so often.
const TRIES: u32 = 3;
/// How often a key that a person is to delete is tried.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A date picked in n8n's settings ends with that day, wherever its browser is.
const END_OF_DAY: SignedDuration = SignedDuration::from_hours(38);

/// Has a person make and delete keys.
pub(crate) struct AssistedIssuer {
    /// Proves keys; it has no session.
    inner: N8nIssuer,
    base_url: BaseUrl,
    store: Arc<dyn Store>,
    person: Arc<Person>,
}

impl AssistedIssuer {
    pub(crate) fn new(inner: N8nIssuer, store: Arc<dyn Store>, person: Arc<Person>) -> Self {
        Self { base_url: inner.client().base_url().clone(), inner, store, person }
    }

    fn clicks(&self) -> Clicks<'_> {
        Clicks { instance: self.instance(), base_url: &self.base_url, can: self.capabilities() }
    }

    /// Why a given text is not the key that was asked for; else the key.
    async fn accept(&self, wanted: &NewKey, secret: Secret) -> Result<IssuedKey, IssuerError> {
        let wrong = |why: &str| Err(no_key(&wanted.label, why));
        let text = KeyText::parse(&secret);
        let expires_at = match &text {
            None => return wrong("this is no API key of n8n"),
            Some(KeyText::Jwt(claims)) if !claims.is_api_key() => {
                return wrong("this is another token of n8n's, not one of its public API");
            }
            Some(text) => text.expires_at(),
        };
        let fingerprint = Fingerprint::of(&secret);
        let known = self.store.key_with_fingerprint(&fingerprint).await;
        if let Some(known) = known.map_err(|failure| failed(*failure.report))? {
            return wrong(&format!("this is a key that `{}` has, or had", known.integration));
        }
        if let Some(end) = wanted.expires_at.filter(|_| self.capabilities().expiry) {
            let latest = end.checked_add(END_OF_DAY).unwrap_or(Timestamp::MAX);
            match expires_at {
                None => return wrong("this key never expires"),
                Some(expires_at) if expires_at > latest => {
                    return wrong(&format!("this key lives until {expires_at}, longer than it should"));
                }
                Some(_) => {}
            }
        }
        let proof = self.inner.prove(&secret, &wanted.scopes).await?;
        Ok(IssuedKey {
            native_id: format!("assisted-{}", fingerprint.short()),
            secret,
            label: wanted.label.clone(),
            scopes: proof.scopes.unwrap_or_else(|| wanted.scopes.clone()),
            expires_at,
        })
    }

    /// The key of ours that has this id, and its text; none if it was proved dead before.
    async fn known(&self, native_id: &str) -> Result<(Key, Option<Secret>), IssuerError> {
        let unknown = || {
            let what = format!("cannot delete a key of `{}`", self.instance());
            needs_person(what, "it is not known which one")
        };
        let keys = self.store.keys(None).await.map_err(|failure| failed(*failure.report))?;
        for key in keys.into_iter().filter(|key| key.native_id == native_id) {
            let of = self.store.integration(&key.integration).await;
            let of = of.map_err(|failure| failed(*failure.report))?;
            if of.is_none_or(|of| of.instance != *self.instance()) {
                continue;
            }
            let secret = self.store.key_secret(key.id).await.map_err(|failure| failed(*failure.report))?;
            if secret.is_none() && key.proved_dead_at.is_none() {
                return Err(unknown());
            }
            return Ok((key, secret));
        }
        Err(unknown())
    }

    /// Whether the key is refused by now.
    async fn is_dead(&self, secret: &Secret) -> Result<bool, IssuerError> {
        match self.inner.prove_dead(secret).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.kind == Kind::StillAlive => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

#[async_trait::async_trait]
impl Issuer for AssistedIssuer {
    fn instance(&self) -> &InstanceName {
        self.inner.instance()
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn check(&self) -> Result<(), IssuerError> {
        self.inner.client().check_from_outside(self.capabilities()).await
    }

    async fn create(&self, key: &NewKey) -> Result<IssuedKey, IssuerError> {
        let what = || format!("a person has to make the key `{}` at `{}`", key.label, self.instance());
        let Some(mut turn) = self.person.turn().await else {
            return Err(needs_person(what(), "nobody is there to be asked"));
        };
        turn.tell(&self.clicks().to_make(key));
        for left in (0..TRIES).rev() {
            let given = turn.secret("the new key (nothing alone: later)").await.map_err(failed)?;
            let Some(secret) = given else {
                return Err(needs_person(what(), "it was not given yet"));
            };
            match self.accept(key, secret).await {
                Ok(issued) => return Ok(issued),
                Err(failure) if !matches!(failure.kind, Kind::NeedsPerson | Kind::NotProved) => {
                    return Err(failure);
                }
                Err(failure) if left == 0 => return Err(needs_person(what(), &failure.report.line())),
                Err(failure) => turn.tell_wrong(&failure.report),
            }
        }
        Err(needs_person(what(), "none of those given was the right one"))
    }

    fn can_list(&self) -> bool {
        false
    }

    async fn see_gone(&self, label: &str) -> Result<(), IssuerError> {
        let what = format!("a person has to see that no key `{label}` is left at `{}`", self.instance());
        let Some(mut turn) = self.person.turn().await else {
            return Err(needs_person(what, "nobody is there to be asked"));
        };
        turn.tell(&self.clicks().to_see_gone(label));
        if turn.confirms("is no such key left?").await.map_err(failed)? {
            return Ok(());
        }
        Err(needs_person(what, "it was not confirmed yet"))
    }

    async fn list(&self) -> Result<Vec<ListedKey>, IssuerError> {
        let what = format!("the keys of `{}` cannot be listed", self.instance());
        Err(needs_person(what, "there is no admin session: only a person sees them, in n8n's settings"))
    }

    async fn delete(&self, native_id: &str) -> Result<(), IssuerError> {
        let (key, secret) = self.known(native_id).await?;
        let Some(secret) = secret else { return Ok(()) };
        if self.is_dead(&secret).await? {
            return Ok(());
        }
        let Some(mut turn) = self.person.turn().await else {
            let what = format!("a person has to delete the key `{}` at `{}`", key.label, self.instance());
            return Err(needs_person(what, "nobody is there to be asked"));
        };
        turn.tell(&self.clicks().to_delete(&key));
        // Whoever deletes it in a browser need not come back to say so.
        while !self.is_dead(&secret).await? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        turn.tell("it is refused: deleted");
        Ok(())
    }

    async fn prove(&self, secret: &Secret, scopes: &[Scope]) -> Result<Proof, IssuerError> {
        self.inner.prove(secret, scopes).await
    }

    async fn prove_dead(&self, secret: &Secret) -> Result<ProofOfDeath, IssuerError> {
        self.inner.prove_dead(secret).await
    }
}

fn needs_person(what: String, why: &str) -> IssuerError {
    let report = Report::new(Blame::Operator, Retry::AfterFix, what).because(why);
    IssuerError::new(Kind::NeedsPerson, report)
}

fn no_key(label: &str, why: &str) -> IssuerError {
    let what = format!("that is not the key `{label}`");
    IssuerError::new(Kind::NeedsPerson, Report::new(Blame::Operator, Retry::AfterFix, what).because(why))
}

fn failed(report: Report) -> IssuerError {
    IssuerError::new(Kind::Failed, report)
}

/// How many keys the page of n8n's settings lets a user have.
fn has_one_only(can: &Capabilities) -> bool {
    can.keys != KeyModel::Many
}
