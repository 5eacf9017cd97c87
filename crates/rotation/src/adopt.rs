//! Takes charge of a key that exists: nothing is made and nothing is killed.

use model::{
    Blame, EventKind, Failure, Fingerprint, Held, Instance, Integration, Issuer, IssuerErrorKind, Key,
    KeyState, ListedKey, Mode, NewRotation, Proof, Report, Retry, Rotation, RotationStatus, Secret,
    SignedDuration, StartOutcome, StepKind, StepState, Timestamp, assisted_id, plan,
};
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::error::{self, RotationError, RotationErrorKind};
use crate::journal::shown;
use crate::lease::LEASE;

/// n8n notes a key a moment after it signed its text.
const SAME_MOMENT: SignedDuration = SignedDuration::from_secs(2);

/// What a key's text says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adoptable {
    /// When it was signed.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// A key to take charge of.
#[derive(Clone, Debug)]
pub struct Adoption {
    /// Whose key it is from now on.
    pub declare: Integration,
    /// What its text says, where it says something.
    pub claims: Option<Adoptable>,
    /// n8n's id of it, or its label, where more than one could be it.
    pub named: Option<String>,
}

/// A key that was, or would be, taken charge of.
#[derive(Clone, Debug)]
pub struct Adopted {
    /// The rotation that stands for it, over as it began.
    pub rotation: Rotation,
    /// Its record.
    pub key: Key,
    /// Destinations that do not hold it, or could not be read. The next rotation puts its key there.
    pub not_held: Vec<Report>,
}

impl Engine {
    /// What [`Engine::adopt`] would do, after all checks; changes nothing.
    pub async fn preview_adoption(
        &self,
        adoption: &Adoption,
        secret: &Secret,
    ) -> Result<Adopted, RotationError> {
        let of = &adoption.declare;
        let instance = self.instance(&of.instance).await?;
        self.check_adoptable(of, secret).await?;
        let issuer = self.issuer(&instance).await?;
        let proof = issuer.prove(secret, &of.scopes).await.map_err(refused)?;
        let listed = self.find(adoption, &*issuer, &instance, secret).await?;
        let not_held = self.not_held(of, secret).await;
        let now = self.clock.now();
        let claimed = adoption.claims.map(|claims| claims.issued_at);
        let rotation = self.ids.rotation(now);
        let key = Key {
            id: self.ids.key(now),
            integration: of.name.clone(),
            rotation,
            native_id: listed.native_id,
            label: listed.label.chars().take(model::LABEL_MAX_CHARS).collect(),
            fingerprint: Fingerprint::of(secret),
            tail: secret.tail(),
            scopes: if listed.scopes.is_empty() { of.scopes.clone() } else { listed.scopes },
            state: KeyState::Active,
            created_at: listed.created_at.or(claimed).unwrap_or(now).min(now),
            expires_at: listed.expires_at.or(adoption.claims.and_then(|claims| claims.expires_at)),
            last_used_at: listed.last_used_at,
            retired_at: None,
            proved_dead_at: None,
        };
        let rotation = over(of, &instance, &key, &proof, &not_held, now);
        Ok(Adopted { rotation, key, not_held })
    }

    /// Takes charge of a key that exists at n8n: it is proved, found in the instance's list, and kept.
    pub async fn adopt(&self, adoption: &Adoption, secret: Secret) -> Result<Adopted, RotationError> {
        let adopted = self.preview_adoption(adoption, &secret).await?;
        let new = NewRotation {
            rotation: adopted.rotation.clone(),
            integration: Some(adoption.declare.clone()),
            supersede: None,
            holder: self.holder.clone(),
            lease_for: LEASE,
            adopt: Some(Box::new((adopted.key.clone(), secret))),
        };
        let mut events = self.start_events(&new);
        let (rotation, key) = (&adopted.rotation, &adopted.key);
        for kind in [EventKind::KeyAdopted, EventKind::KeyActivated, EventKind::RotationDone] {
            let mut event = self.event_of(rotation, kind);
            if kind != EventKind::RotationDone {
                event.key = Some(key.id);
                event.fingerprint = Some(key.fingerprint);
                event = event.with("native_id", key.native_id.clone()).with("label", key.label.clone());
            }
            events.push(event);
        }
        match self.store.start_rotation(new, events).await.map_err(error::store)? {
            StartOutcome::Started(_) => Ok(adopted),
            StartOutcome::AlreadyOpen(open) => {
                let status = self.store.rotation(open).await.map_err(error::store)?;
                let status = status.map_or(RotationStatus::Running, |rotation| rotation.status);
                Err(error::already_open(&adoption.declare.name, open, status))
            }
        }
    }

    /// Neither is the key known, nor has the integration one.
    async fn check_adoptable(&self, of: &Integration, secret: &Secret) -> Result<(), RotationError> {
        let name = &of.name;
        let fingerprint = Fingerprint::of(secret);
        if let Some(known) = self.store.key_with_fingerprint(&fingerprint).await.map_err(error::store)? {
            let why = format!("it is key {} of `{}`, {}", known.id, known.integration, known.state.as_str());
            return Err(error::not_possible(format!("the key given for `{name}` is known"), why));
        }
        if let Some(open) = self.open_rotations(Some(name)).await?.first() {
            return Err(error::already_open(name, open.id, open.status));
        }
        let keys = self.store.keys(Some(name)).await.map_err(error::store)?;
        match keys.iter().find(|key| key.state.lives()) {
            Some(key) => {
                let why = format!("key {} is {}", key.id, key.state.as_str());
                let mut failure = error::not_possible(format!("`{name}` has a key already"), why);
                failure.report.mend.push(format!("keywright rotate {name}"));
                Err(failure)
            }
            None => Ok(()),
        }
    }

    /// Which of the listed keys it is.
    async fn find(
        &self,
        adoption: &Adoption,
        issuer: &dyn Issuer,
        instance: &Instance,
        secret: &Secret,
    ) -> Result<ListedKey, RotationError> {
        let listed = match issuer.list().await {
            Ok(listed) => listed,
            Err(failure)
                if matches!(failure.kind, IssuerErrorKind::NeedsPerson | IssuerErrorKind::Unsupported) =>
            {
                return Ok(unlisted(adoption, secret));
            }
            Err(failure) => return Err(refused(failure)),
        };
        let mut known = Vec::new();
        for of in self.store.integrations().await.map_err(error::store)? {
            if of.instance == instance.name {
                let keys = self.store.keys(Some(&of.name)).await.map_err(error::store)?;
                known.extend(keys.into_iter().filter(|key| key.state.lives()).map(|key| key.native_id));
            }
        }
        let mut free: Vec<ListedKey> =
            listed.into_iter().filter(|key| !known.contains(&key.native_id)).collect();
        let one_only = !instance.capabilities.keys.overlaps();
        let fitting: Vec<usize> = (0..free.len())
            .filter(|place| free.get(*place).is_some_and(|key| one_only || fits(adoption, key)))
            .collect();
        match fitting.as_slice() {
            [one] => Ok(free.swap_remove(*one)),
            _ => Err(unclear(adoption, &free, fitting.len())),
        }
    }

    /// Destinations that do not hold the key; they do not stop an adoption.
    async fn not_held(&self, of: &Integration, secret: &Secret) -> Vec<Report> {
        let mut reports = Vec::new();
        for address in &of.destinations {
            let held = match self.world.destination(address, of, None) {
                Ok(destination) => destination.read().await,
                Err(failure) => Err(failure),
            };
            let why = match held {
                Ok(Held::Value(held)) if Fingerprint::of(&held) == Fingerprint::of(secret) => continue,
                Ok(Held::Value(_)) => "it holds another text",
                Ok(Held::Absent) => "it holds nothing",
                Ok(Held::Unreadable) => "it cannot be read back",
                Err(failure) => {
                    reports.push(*failure.report);
                    continue;
                }
            };
            let what = format!("`{address}` was not seen to hold the key");
            reports.push(Report::new(Blame::Operator, Retry::AfterFix, what).because(why));
        }
        reports
    }
}

/// Whether it may be the key that is meant. A person's word counts more than the clock's.
fn fits(adoption: &Adoption, key: &ListedKey) -> bool {
    let named = adoption.named.as_ref().map(|name| *name == key.native_id || *name == key.label);
    let same_end = |claims: Adoptable| {
        claims.expires_at.map(Timestamp::as_second) == key.expires_at.map(Timestamp::as_second)
    };
    let same_moment = |claims: Adoptable| {
        key.created_at.is_some_and(|at| at.duration_since(claims.issued_at).abs() <= SAME_MOMENT)
    };
    match (named, adoption.claims) {
        (Some(named), claims) => named && claims.is_none_or(same_end),
        (None, Some(claims)) => same_end(claims) && same_moment(claims),
        (None, None) => false,
    }
}

/// Where nobody can list keys, a key is known by its text alone.
fn unlisted(adoption: &Adoption, secret: &Secret) -> ListedKey {
    let native_id = assisted_id(&Fingerprint::of(secret));
    ListedKey {
        label: adoption.named.clone().unwrap_or_else(|| native_id.clone()),
        native_id,
        scopes: Vec::new(),
        created_at: None,
        expires_at: None,
        last_used_at: None,
        owner: None,
    }
}

fn unclear(adoption: &Adoption, free: &[ListedKey], fitting: usize) -> RotationError {
    let of = &adoption.declare;
    let what = format!("it is not clear which key of `{}` was given for `{}`", of.instance, of.name);
    let why = match (fitting, free.is_empty()) {
        (_, true) => "the instance lists no key that is not known: is it another user's?".to_owned(),
        (0, false) => "no listed key was made when the text says, with its expiry".to_owned(),
        (several, false) => format!("{several} keys fit"),
    };
    let mut failure = error::not_possible(what, why);
    for key in free.iter().take(20) {
        let made = key.created_at.map_or_else(|| "at an unknown time".to_owned(), |at| at.to_string());
        let (label, id) = (plain(&key.label), plain(&key.native_id));
        failure.report.because.push(format!("listed: `{label}` (id `{id}`), made {made}"));
    }
    if !free.is_empty() {
        failure.report.mend.push("name the key by its label or id, as listed above".into());
    }
    failure
}

/// Another side's text, fit for a terminal.
fn plain(text: &str) -> String {
    text.chars().take(model::LABEL_MAX_CHARS).flat_map(char::escape_default).collect()
}

fn refused(failure: model::IssuerError) -> RotationError {
    let kind = match failure.kind {
        IssuerErrorKind::Unreachable => RotationErrorKind::Instance,
        _ => RotationErrorKind::NotPossible,
    };
    Failure { kind, report: failure.report }
}

/// The rotation that stands for the adoption.
fn over(
    of: &Integration,
    instance: &Instance,
    key: &Key,
    proof: &Proof,
    not_held: &[Report],
    at: Timestamp,
) -> Rotation {
    let mut steps = plan(Mode::Adopt, instance.capabilities.keys, &of.destinations, &of.reload);
    for step in &mut steps {
        step.state = StepState::Done;
        step.attempts = 1;
        step.started_at = Some(at);
        step.done_at = Some(at);
        step.evidence = match step.kind {
            StepKind::Check => json!({
                "native_id": key.native_id,
                "fingerprint": shown(&key.fingerprint),
                "not_held": not_held.iter().map(Report::line).collect::<Vec<_>>(),
            }),
            StepKind::Prove => {
                let seen = proof.scopes.as_ref().map(Vec::len);
                json!({"call": proof.call, "status": proof.status, "scopes_seen": seen})
            }
            _ => Value::Null,
        };
    }
    Rotation {
        id: key.rotation,
        integration: of.name.clone(),
        instance: instance.name.clone(),
        mode: Mode::Adopt,
        status: RotationStatus::Done,
        old_keys: Vec::new(),
        new_key: Some(key.id),
        grace: of.grace,
        grace_until: None,
        attempts: 0,
        next_try: None,
        problem: None,
        gap_ms: None,
        started_at: at,
        finished_at: Some(at),
        steps,
    }
}
