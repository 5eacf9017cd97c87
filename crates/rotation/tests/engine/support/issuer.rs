//! An n8n that makes and kills keys as its versions do.

use std::sync::Arc;

use model::{
    Blame, Capabilities, Clock as _, InstanceName, IssuedKey, Issuer, IssuerError, IssuerErrorKind as Kind,
    KeyModel, ListedKey, NewKey, Proof, ProofOfDeath, Report, Retry, Scope, Secret, Timestamp,
};

use super::outside::{Made, State};
use super::{Call, FakeClock, Fault, Faults, Outside, Process};

pub(crate) const ONLY_LABEL: &str = "My API Key";
const ONLY_KEY: &str = "only-key";

pub(crate) struct FakeIssuer {
    pub(crate) instance: InstanceName,
    pub(crate) capabilities: Capabilities,
    pub(crate) outside: Arc<Outside>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) process: Arc<Process>,
}

fn error(kind: Kind, retry: Retry) -> IssuerError {
    IssuerError::new(kind, Report::new(Blame::Remote, retry, format!("{kind:?}")))
}

fn failure(fault: Fault, call: Call) -> IssuerError {
    let kind = match fault {
        Fault::Refused => Kind::Refused,
        Fault::Throttled => Kind::Throttled,
        Fault::Broken => Kind::Failed,
        _ => Kind::Unreachable,
    };
    IssuerError::new(kind, fault.report(call))
}

impl FakeIssuer {
    /// A call with all that can go wrong on its way.
    async fn call<T>(
        &self,
        call: Call,
        work: impl FnOnce(Option<Fault>) -> Result<T, IssuerError>,
    ) -> Result<T, IssuerError> {
        self.process.gate().await;
        let fault = self.faults.next(call);
        let told = fault.filter(|fault| fault.is_told());
        let result = match told {
            Some(fault) if !fault.has_effect() => Err(failure(fault, call)),
            _ => work(fault),
        };
        self.process.gate().await;
        match told {
            Some(fault) => Err(failure(fault, call)),
            None => result,
        }
    }
}

fn make(state: &mut State, key: &NewKey, now: Timestamp) -> Result<IssuedKey, IssuerError> {
    let number = state.dropped + state.keys.len() + 1;
    let expiry = key.expires_at.map_or(0, Timestamp::as_second);
    let text = if state.text_of_second {
        format!("canary-key-of-second-{}-{expiry}", now.as_second())
    } else {
        format!("canary-key-number-{number:06}")
    };
    let taken = |made: &Made| made.lives && (made.label == key.label || made.text == text);
    let (native_id, label) = match state.model {
        KeyModel::Many if state.keys.iter().any(taken) => return Err(error(Kind::Clash, Retry::Later(None))),
        KeyModel::Many => (format!("native-{number}"), key.label.clone()),
        KeyModel::OneRefused if state.keys.iter().any(|made| made.lives) => {
            return Err(error(Kind::OneKeyOnly, Retry::AfterFix));
        }
        KeyModel::OneRefused => (format!("native-{number}"), ONLY_LABEL.to_owned()),
        KeyModel::OneOverwritten => {
            state.keys.iter_mut().for_each(|made| made.lives = false);
            (ONLY_KEY.to_owned(), ONLY_LABEL.to_owned())
        }
    };
    // To the millisecond, by n8n's own clock.
    let created_at = Timestamp::from_millisecond(now.as_millisecond() - state.late_ms).unwrap();
    let scopes = if state.model == KeyModel::Many { key.scopes.clone() } else { Vec::new() };
    let expires_at = key.expires_at;
    let made = Made {
        native_id,
        label,
        text,
        scopes,
        created_at,
        expires_at,
        lives: true,
        proved: false,
        used_at: None,
    };
    state.keys.push(made.clone());
    let Made { native_id, label, text, scopes, .. } = made;
    Ok(IssuedKey { native_id, secret: Secret::new(text), label, scopes, expires_at })
}

#[async_trait::async_trait]
impl Issuer for FakeIssuer {
    fn instance(&self) -> &InstanceName {
        &self.instance
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn check(&self) -> Result<(), IssuerError> {
        self.call(Call::Check, |_| Ok(())).await
    }

    async fn create(&self, key: &NewKey) -> Result<IssuedKey, IssuerError> {
        assert!(key.label.chars().count() <= model::LABEL_MAX_CHARS);
        let now = self.clock.now();
        self.call(Call::Create, |_| self.outside.effect("create", |state| make(state, key, now))).await
    }

    async fn list(&self) -> Result<Vec<ListedKey>, IssuerError> {
        let listed = |key: &Made| ListedKey {
            native_id: key.native_id.clone(),
            label: key.label.clone(),
            scopes: key.scopes.clone(),
            created_at: Some(key.created_at),
            expires_at: key.expires_at,
            last_used_at: key.used_at,
            owner: None,
        };
        let list = |state: &State| state.keys.iter().filter(|key| key.lives).map(listed).collect();
        self.call(Call::List, |_| Ok(self.outside.look(list))).await
    }

    async fn delete(&self, native_id: &str) -> Result<(), IssuerError> {
        self.call(Call::Delete, |fault| {
            let what = format!("delete {native_id}");
            self.outside.effect(&what, |state| {
                let hit = |key: &&mut Made| key.lives && key.native_id == native_id;
                for key in state.keys.iter_mut().filter(hit) {
                    // A real issuer looks again; a backup put back later brings back what was long in use.
                    key.lives = fault == Some(Fault::Lies) && key.proved;
                }
            });
            Ok(())
        })
        .await
    }

    async fn prove(&self, secret: &Secret, _scopes: &[Scope]) -> Result<Proof, IssuerError> {
        self.call(Call::Prove, |_| {
            self.outside.arrange(|state| {
                let key = state.keys.iter_mut().find(|key| key.lives && key.text == secret.expose());
                let key = key.ok_or_else(|| error(Kind::NotProved, Retry::Later(None)))?;
                key.proved = true;
                Ok(Proof {
                    call: "GET /api/v1/discover".into(),
                    status: 200,
                    scopes: Some(key.scopes.clone()),
                })
            })
        })
        .await
    }

    async fn prove_dead(&self, secret: &Secret) -> Result<ProofOfDeath, IssuerError> {
        self.call(Call::ProveDead, |_| {
            if self.outside.works(secret.expose()) {
                return Err(error(Kind::StillAlive, Retry::Later(None)));
            }
            Ok(ProofOfDeath { call: "GET /api/v1/workflows".into(), status: 401 })
        })
        .await
    }
}
