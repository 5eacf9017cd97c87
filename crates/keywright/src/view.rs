//! The shapes of `--json`; they are documented in `docs/reference/json.md` and stay stable.

use model::{
    Fingerprint, Integration, IntegrationRole, Key, KeyState, Mode, Period, Rotation, RotationStatus, Scope,
    Timestamp,
};
use serde::Serialize;

/// A key, without its text.
#[derive(Debug, Serialize)]
pub(crate) struct KeyView {
    pub(crate) id: String,
    pub(crate) integration: String,
    pub(crate) state: KeyState,
    pub(crate) label: String,
    pub(crate) native_id: String,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) tail: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) retired_at: Option<Timestamp>,
    pub(crate) proved_dead_at: Option<Timestamp>,
}

impl From<&Key> for KeyView {
    fn from(key: &Key) -> Self {
        Self {
            id: key.id.to_string(),
            integration: key.integration.to_string(),
            state: key.state,
            label: key.label.clone(),
            native_id: key.native_id.clone(),
            fingerprint: key.fingerprint,
            tail: key.tail.clone(),
            scopes: key.scopes.clone(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            retired_at: key.retired_at,
            proved_dead_at: key.proved_dead_at,
        }
    }
}

/// An integration, as declared.
#[derive(Debug, Serialize)]
pub(crate) struct IntegrationView {
    pub(crate) name: String,
    pub(crate) instance: String,
    pub(crate) role: IntegrationRole,
    pub(crate) owner: Option<String>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) rotate_every: Option<Period>,
    pub(crate) grace: Period,
    pub(crate) expires_after: Option<Period>,
    pub(crate) destinations: Vec<String>,
    /// Hooks, each after a destination.
    pub(crate) reload: Vec<ReloadView>,
}

/// What makes a program take up a new key.
#[derive(Debug, Serialize)]
pub(crate) struct ReloadView {
    pub(crate) after: String,
    pub(crate) hook: String,
}

impl From<&Integration> for IntegrationView {
    fn from(integration: &Integration) -> Self {
        Self {
            name: integration.name.to_string(),
            instance: integration.instance.to_string(),
            role: integration.role,
            owner: integration.owner.clone(),
            scopes: integration.scopes.clone(),
            rotate_every: integration.rotate_every,
            grace: integration.grace,
            expires_after: integration.expires_after,
            destinations: integration.destinations.iter().map(ToString::to_string).collect(),
            reload: integration
                .reload
                .iter()
                .map(|(to, hook)| ReloadView { after: to.to_string(), hook: hook.to_string() })
                .collect(),
        }
    }
}

/// A rotation and its journal.
#[derive(Debug, Serialize)]
pub(crate) struct RotationView {
    pub(crate) id: String,
    pub(crate) integration: String,
    pub(crate) instance: String,
    pub(crate) mode: Mode,
    pub(crate) status: RotationStatus,
    pub(crate) old_keys: Vec<String>,
    pub(crate) new_key: Option<String>,
    pub(crate) grace_until: Option<Timestamp>,
    pub(crate) attempts: u32,
    pub(crate) next_try: Option<Timestamp>,
    pub(crate) problem: Option<String>,
    pub(crate) gap_ms: Option<u64>,
    pub(crate) started_at: Timestamp,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) steps: Vec<StepView>,
}

/// One step of it.
#[derive(Debug, Serialize)]
pub(crate) struct StepView {
    pub(crate) step: &'static str,
    pub(crate) destination: Option<String>,
    pub(crate) state: model::StepState,
    pub(crate) attempts: u32,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) done_at: Option<Timestamp>,
    pub(crate) problem: Option<String>,
    pub(crate) evidence: serde_json::Value,
}

impl From<&Rotation> for RotationView {
    fn from(rotation: &Rotation) -> Self {
        let steps = rotation.steps.iter().map(|step| StepView {
            step: step.kind.as_str(),
            destination: step.destination.as_ref().map(ToString::to_string),
            state: step.state,
            attempts: step.attempts,
            started_at: step.started_at,
            done_at: step.done_at,
            problem: step.problem.clone(),
            evidence: step.evidence.clone(),
        });
        Self {
            id: rotation.id.to_string(),
            integration: rotation.integration.to_string(),
            instance: rotation.instance.to_string(),
            mode: rotation.mode,
            status: rotation.status,
            old_keys: rotation.old_keys.iter().map(ToString::to_string).collect(),
            new_key: rotation.new_key.map(|id| id.to_string()),
            grace_until: rotation.grace_until,
            attempts: rotation.attempts,
            next_try: rotation.next_try,
            problem: rotation.problem.clone(),
            gap_ms: rotation.gap_ms,
            started_at: rotation.started_at,
            finished_at: rotation.finished_at,
            steps: steps.collect(),
        }
    }
}

/// How long ago, or how long until, for people: `3d`, `5h`, `12m`, `40s`.
pub(crate) fn span(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs().max(0);
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units.iter().find(|(size, _)| seconds >= *size);
    unit.map_or_else(|| format!("{seconds}s"), |(size, name)| format!("{}{name}", seconds / size))
}

/// When a key is due to be turned.
pub(crate) fn due(integration: &Integration, key: &Key) -> Option<Timestamp> {
    integration.due_at(key.created_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_shown_in_their_largest_unit() {
        let shown = |seconds| span(Timestamp::UNIX_EPOCH, Timestamp::from_second(seconds).unwrap());
        assert_eq!(
            [shown(0), shown(59), shown(60), shown(7_200), shown(90 * 86_400)],
            ["0s", "59s", "1m", "2h", "90d"]
        );
        assert_eq!(span(Timestamp::from_second(5).unwrap(), Timestamp::UNIX_EPOCH), "0s");
    }
}
