//! `prove`: the new key works and may do what it should, no more.

use serde_json::json;

use super::{Effect, StepFailure, Turn};
use crate::journal::Write;

pub(super) async fn run(turn: &Turn<'_, '_>) -> Result<Effect, StepFailure> {
    let (key, secret) = turn.new_key().await?;
    let proof = turn.issuer.prove(&secret, &key.scopes).await?;
    let scopes = proof.scopes.map(|scopes| scopes.len());
    let evidence = json!({"call": proof.call, "status": proof.status, "scopes_seen": scopes});
    Ok(Effect::Done(evidence, Write::default()))
}
