//! Using a key, to see that it works or that it is dead.

use std::collections::BTreeSet;

use model::{
    Capabilities, IssuerError, IssuerErrorKind as Kind, Proof, ProofOfDeath, Scope, ScopeSupport, Secret,
};
use reqwest::StatusCode;

use crate::api;
use crate::call::{Answer, BodyRule, Call, MEDIUM_BYTES};
use crate::client::N8nClient;
use crate::report::{Explain as _, error};
use crate::wire::{Data, WireScopes};

const DISCOVER: &str = "/api/v1/discover";
const WORKFLOWS: &str = "/api/v1/workflows?limit=1";
/// Of a list of workflows, only the status matters; small ones are read to keep the connection.
const WORKFLOWS_BYTES: usize = 64 << 10;

#[derive(serde::Deserialize)]
struct Discovered {
    scopes: WireScopes,
}

impl N8nClient {
    pub(crate) async fn prove_key(
        &self,
        capabilities: &Capabilities,
        secret: &Secret,
        scopes: &[Scope],
    ) -> Result<Proof, IssuerError> {
        let call = use_of_key(capabilities, secret, "prove a key")?;
        let answer = self.http.ask(&call).await?;
        let status = answer.status.as_u16();
        let failed = |kind| self.http.error(kind, &call).because(format!("{}: status {status}", call.name()));
        let proof = |scopes| Proof { call: call.name(), status, scopes };
        match status {
            401 => Err(failed(Kind::NotProved).because("the key is refused")),
            404 => Err(self.api_off(&call)),
            200 if capabilities.discover => {
                let found: Data<Discovered> =
                    answer.parse().ok_or_else(|| self.http.misshapen(&call, &answer))?;
                let has = found
                    .data
                    .scopes
                    .0
                    .iter()
                    .map(|scope| scope.parse())
                    .collect::<Result<BTreeSet<Scope>, _>>();
                let has = has.map_err(|_no_scope| self.http.misshapen(&call, &answer))?;
                let wanted: BTreeSet<Scope> = scopes.iter().cloned().collect();
                if capabilities.scopes == ScopeSupport::Enforced && has != wanted {
                    return Err(other_scopes(failed(Kind::NotProved), &has, &wanted));
                }
                Ok(proof(Some(has.into_iter().collect())))
            }
            200 if answer.is_json() => Ok(proof(None)),
            // Let in, and then told that this is not among its scopes.
            403 if scoped_out(capabilities, &answer) => Ok(proof(None)),
            _ => Err(self.http.refused(&call, &answer)),
        }
    }

    pub(crate) async fn prove_key_dead(
        &self,
        capabilities: &Capabilities,
        secret: &Secret,
    ) -> Result<ProofOfDeath, IssuerError> {
        let call = use_of_key(capabilities, secret, "prove a key dead")?;
        let answer = self.http.ask(&call).await?;
        let status = answer.status.as_u16();
        match status {
            401 if is_refusal(&answer) => Ok(ProofOfDeath { call: call.name(), status }),
            200 | 403 if answer.is_json() => Err(self
                .http
                .error(Kind::StillAlive, &call)
                .because(format!("{}: status {status}: the key is let in", call.name()))
                .mend("delete it in n8n's settings, as the user who made it")),
            404 => Err(self.api_off(&call)),
            401 => Err(self
                .http
                .error(Kind::Refused, &call)
                .because(format!("{}: the 401 is not n8n's: it says nothing about the key", call.name()))
                .mend("give a base URL that leads to n8n directly")),
            _ => Err(self.http.refused(&call, &answer).because("the key is proved neither dead nor alive")),
        }
    }

    /// Whether keys can ask for their own scopes; the public API has to be there.
    pub(crate) async fn has_discover(&self) -> Result<bool, IssuerError> {
        let made_up = self.made_up_key();
        for discover in [true, false] {
            let asked = Capabilities {
                discover,
                keys: model::KeyModel::Many,
                scopes: ScopeSupport::Absent,
                expiry: false,
                available_scopes: Vec::new(),
            };
            let call = use_of_key(&asked, &made_up, "learn what it can do")?;
            let answer = self.http.ask(&call).await?;
            match answer.status.as_u16() {
                401 if is_refusal(&answer) => return Ok(discover),
                404 if discover => {}
                _ => return Err(self.made_up_taken(&call, &answer)),
            }
        }
        Err(error(Kind::Bug, "learning has no end"))
    }

    /// That a key which nobody made is refused, so that being let in proves something.
    pub(crate) async fn made_up_key_is_refused(
        &self,
        capabilities: &Capabilities,
    ) -> Result<(), IssuerError> {
        let call = use_of_key(capabilities, &self.made_up_key(), "check the public API")?;
        let answer = self.http.ask(&call).await?;
        match answer.status {
            StatusCode::UNAUTHORIZED if is_refusal(&answer) => Ok(()),
            _ => Err(self.made_up_taken(&call, &answer)),
        }
    }

    fn made_up_taken(&self, call: &Call, answer: &Answer) -> IssuerError {
        match answer.status.as_u16() {
            404 => self.api_off(call),
            status @ (200 | 403) if answer.is_json() => self
                .http
                .error(Kind::Hostile, call)
                .because(format!("{}: status {status} for a key that nobody ever made", call.name()))
                .mend("see whether a proxy in front of n8n adds a key of its own"),
            401 => self
                .http
                .error(Kind::Refused, call)
                .because(format!("{}: the 401 is not n8n's", call.name()))
                .mend("give a base URL that leads to n8n directly"),
            _ => self.http.refused(call, answer),
        }
    }
}

/// The call by which keys are proved.
fn use_of_key(
    capabilities: &Capabilities,
    secret: &Secret,
    purpose: &'static str,
) -> Result<Call, IssuerError> {
    let call = if capabilities.discover {
        Call::get(DISCOVER, purpose).up_to(MEDIUM_BYTES)
    } else {
        let mut call = Call::get(WORKFLOWS, purpose).up_to(WORKFLOWS_BYTES);
        call.body_rule = BodyRule::Start;
        call
    };
    api::signed(call, secret)
}

/// Whether a 401 is n8n's own; a proxy's says nothing about a key.
fn is_refusal(answer: &Answer) -> bool {
    let message = answer.message().unwrap_or_default();
    message.eq_ignore_ascii_case("unauthorized") || message == "'X-N8N-API-KEY' header required"
}

fn scoped_out(capabilities: &Capabilities, answer: &Answer) -> bool {
    capabilities.scopes == ScopeSupport::Enforced
        && answer.message().is_some_and(|message| message == "Forbidden")
}

fn other_scopes(failed: IssuerError, has: &BTreeSet<Scope>, wanted: &BTreeSet<Scope>) -> IssuerError {
    let names = |scopes: Vec<&Scope>| {
        let shown: Vec<String> = scopes.iter().take(5).map(|scope| format!("`{scope}`")).collect();
        let more = if scopes.len() > 5 { format!(" and {} more", scopes.len() - 5) } else { String::new() };
        shown.join(", ") + &more
    };
    let mut failed = failed;
    let missing: Vec<&Scope> = wanted.difference(has).collect();
    let extra: Vec<&Scope> = has.difference(wanted).collect();
    if !missing.is_empty() {
        failed = failed.because(format!("the key lacks {}", names(missing)));
    }
    if !extra.is_empty() {
        failed = failed.because(format!("the key has {} too many", names(extra)));
    }
    failed
}
