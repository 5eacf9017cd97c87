//! Destinations that do not hold their key any more, by what the scheduler noted of its last look (`drift/NAME`).

use model::{
    Address, Integration, Rotation, RotationStatus, StepKind, StepState, Store, StoreError, Timestamp,
};
use serde_json::Value;

use crate::progress::shown;

/// Rotations among which a delivery is looked for.
pub(crate) const ROTATIONS_BACK: u32 = 20;

/// When a key was last put there and read back.
pub(crate) fn delivered_at(rotations: &[Rotation], to: &Address) -> Option<Timestamp> {
    let steps = rotations.iter().flat_map(|rotation| &rotation.steps);
    let confirmed = steps.filter(|step| {
        step.kind == StepKind::Confirm
            && step.state == StepState::Done
            && step.destination.as_ref() == Some(to)
    });
    confirmed.filter_map(|step| step.done_at).max()
}

/// Those of a memo that are still declared, and that nothing was delivered to since.
pub(crate) async fn standing(
    store: &dyn Store,
    of: &Integration,
    memo: &Value,
) -> Result<Vec<Address>, StoreError> {
    let at = memo.get("at").and_then(Value::as_str).and_then(|at| at.parse::<Timestamp>().ok());
    let places = memo.get("destinations").and_then(Value::as_array).into_iter().flatten();
    let mut places: Vec<Address> = places
        .filter(|place| place.get("drifted_since").is_some_and(|since| !since.is_null()))
        .filter_map(|place| place.get("to")?.as_str()?.parse().ok())
        .filter(|to| of.destinations.contains(to))
        .collect();
    if !places.is_empty() {
        let rotations = store.rotations_of(&of.name, ROTATIONS_BACK).await?;
        places.retain(|to| delivered_at(&rotations, to) <= at);
    }
    Ok(places)
}

/// What is to be done about it. An open rotation delivers by itself; nothing else can meanwhile.
pub(crate) fn mend(of: &Integration, open: Option<&Rotation>) -> String {
    let name = &of.name;
    match open {
        None => format!("keywright deliver {name}"),
        Some(rotation) if rotation.status == RotationStatus::Waiting => {
            let until = rotation.grace_until.map(|at| format!(" at {}", shown(at))).unwrap_or_default();
            format!("wait: it is delivered again when the grace is over{until}")
        }
        Some(_) => format!("keywright rotate --resume {name}"),
    }
}
