//! Keys of an instance where no admin session can be had, as behind single sign-on: a person makes and deletes them in
//! n8n's settings, told click by click, and everything else is done as elsewhere. What that person did is not
//! believed: a key given is used, and must be what was asked for; a key deleted is used, and must be refused.

mod accept;
mod clicks;
mod person;

use std::sync::Arc;
use std::time::Duration;

use model::{
    Blame, Capabilities, Fingerprint, InstanceName, IssuedKey, Issuer, IssuerError, IssuerErrorKind as Kind,
    Key, ListedKey, NewKey, Proof, ProofOfDeath, Report, Retry, Scope, Secret, Store, StoreError,
};
use n8n::{BaseUrl, N8nIssuer};

use clicks::Clicks;
pub(crate) use person::Person;
use person::Turn;

/// A key that is not the right one is asked for again so often.
const TRIES: u32 = 3;
/// How often a key that a person is to delete is tried.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often a given key is looked at while n8n does not answer.
const PATIENCE: u32 = 30;

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

    /// The key of ours that has this id, and its text; none if it was proved dead before.
    async fn known(&self, native_id: &str) -> Result<(Key, Option<Secret>), IssuerError> {
        let unknown = || {
            let what = format!("cannot delete a key of `{}`", self.instance());
            needs_person(what, "it is not known which one")
        };
        let keys = self.store.keys(None).await.map_err(store_failed)?;
        for key in keys.into_iter().filter(|key| key.native_id == native_id) {
            let of = self.store.integration(&key.integration).await;
            let of = of.map_err(store_failed)?;
            if of.is_none_or(|of| of.instance != *self.instance()) {
                continue;
            }
            let secret = self.store.key_secret(key.id).await.map_err(store_failed)?;
            if secret.is_none() && key.proved_dead_at.is_none() {
                return Err(unknown());
            }
            return Ok((key, secret));
        }
        Err(unknown())
    }

    /// The integration's other keys that work, and are to go on doing so.
    async fn others(&self, than: &Key) -> Result<Vec<(Key, Secret)>, IssuerError> {
        let keys = self.store.keys(Some(&than.integration)).await.map_err(store_failed)?;
        let mut others = Vec::new();
        for key in keys.into_iter().filter(|key| key.id != than.id && key.state.lives()) {
            let text = self.store.key_secret(key.id).await.map_err(store_failed)?;
            if let Some(text) = text
                && !self.is_dead(&text).await?
            {
                others.push((key, text));
            }
        }
        Ok(others)
    }

    /// Looks at a given key, again while n8n does not answer: its text is shown once, and may be gone from the screen.
    async fn accept_in_time(
        &self,
        turn: &Turn<'_>,
        key: &NewKey,
        secret: &Secret,
    ) -> Result<IssuedKey, IssuerError> {
        for _ in 0..PATIENCE {
            match self.accept(turn, key, secret).await {
                Err(failure)
                    if matches!(failure.kind, Kind::Unreachable | Kind::Throttled | Kind::Failed) =>
                {
                    turn.tell_wrong(&failure.report);
                    turn.tell("the key is kept, and tried again …");
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                other => return other,
            }
        }
        self.accept(turn, key, secret).await
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
        let _hidden = Turn::hidden();
        turn.tell(&self.clicks().to_make(key));
        let mut why = String::new();
        for _ in 0..TRIES {
            let given = turn.secret("the new key (nothing alone: later)").await.map_err(failed)?;
            let Some(secret) = given else {
                return Err(needs_person(what(), "it was not given yet"));
            };
            match self.accept_in_time(&turn, key, &secret).await {
                Ok(issued) => {
                    turn.takes(Fingerprint::of(&issued.secret));
                    return Ok(issued);
                }
                Err(failure) if matches!(failure.kind, Kind::NeedsPerson | Kind::NotProved) => {
                    turn.tell_wrong(&failure.report);
                    why = failure.report.line();
                }
                Err(failure) => return Err(failure),
            }
        }
        Err(needs_person(what(), &why))
    }

    fn can_list(&self) -> bool {
        false
    }

    async fn see_gone(&self, label: &str) -> Result<(), IssuerError> {
        let what = format!("a person has to see that no key `{label}` is left at `{}`", self.instance());
        let Some(turn) = self.person.turn().await else {
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
        let what = || format!("a person has to delete the key `{}` at `{}`", key.label, self.instance());
        let Some(turn) = self.person.turn().await else {
            return Err(needs_person(what(), "nobody is there to be asked"));
        };
        let others = self.others(&key).await?;
        let _hidden = Turn::hidden();
        turn.tell(&self.clicks().to_delete(&key));
        let mut later = std::pin::pin!(turn.enter());
        loop {
            // Whoever deletes it in a browser need not come back to say so.
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                ended = &mut later => {
                    ended.map_err(failed)?;
                    return Err(needs_person(what(), "it was left for later"));
                }
            }
            // One that goes by mistake is seen before the right one goes too.
            for (other, text) in &others {
                if self.is_dead(text).await? {
                    return Err(wrong_one(&key, other));
                }
            }
            if self.is_dead(&secret).await? {
                turn.tell("it is refused: deleted");
                return Ok(());
            }
        }
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

/// Both keys could be gone if the person went on.
fn wrong_one(asked: &Key, gone: &Key) -> IssuerError {
    let what = format!("the wrong key was deleted: `{}`, …{}", gone.label, gone.tail);
    let report = Report::new(Blame::Operator, Retry::AfterFix, what)
        .because(format!(
            "`{}`, …{}, was to be deleted; it still works, so leave it alone",
            asked.label, asked.tail
        ))
        .mend(format!(
            "keywright rotate {} --compromised   # makes another key, and puts it everywhere",
            asked.integration
        ));
    IssuerError::new(Kind::NeedsPerson, report)
}

fn store_failed(failure: StoreError) -> IssuerError {
    failed(*failure.report)
}

fn failed(report: Report) -> IssuerError {
    IssuerError::new(Kind::Failed, report)
}
