//! When a key is due to be turned. Pure.

use model::{Integration, Key, KeyState, Rotation, RotationId, SignedDuration, Timestamp};

/// A key that ends by itself is due this long before its grace would have to begin.
const BEFORE_THE_END: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A time of the calendar for which a key was turned, and the rotation that did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Served {
    pub(crate) at: Timestamp,
    pub(crate) rotation: RotationId,
}

/// Whether the integration's key should be turned now, and no rotation of it is open.
pub fn is_due(of: &Integration, keys: &[Key], open: &[Rotation], now: Timestamp) -> bool {
    let is_turned = open.iter().any(|rotation| rotation.integration == of.name && rotation.status.is_open());
    !is_turned && next_due(of, keys).is_some_and(|due| due <= now)
}

/// When the integration's key is due: by its age or the calendar, or earlier if it ends by itself before.
pub fn next_due(of: &Integration, keys: &[Key]) -> Option<Timestamp> {
    next_due_after(of, keys, None)
}

/// The same, passing over the calendar's time for which the key was made: after a clock stepped back, that time
/// comes again.
pub(crate) fn next_due_after(of: &Integration, keys: &[Key], served: Option<Served>) -> Option<Timestamp> {
    let key = active(of, keys).filter(|_| of.retired_at.is_none())?;
    let planned = of.due_at(key.created_at);
    let again = |at: Timestamp| {
        let same = |served: Served| served.at == at && served.rotation == key.rotation;
        of.rotate_on.is_some() && served.is_some_and(same)
    };
    let planned = match planned {
        Some(at) if again(at) => of.due_at(at),
        other => other,
    };
    let ends = key.expires_at.map(|end| before_the_end(of, key, end));
    planned.into_iter().chain(ends).min()
}

/// The integration's key, of which there is one.
pub(crate) fn active<'k>(of: &Integration, keys: &'k [Key]) -> Option<&'k Key> {
    let ours = keys.iter().filter(|key| key.integration == of.name && key.state == KeyState::Active);
    ours.max_by_key(|key| key.created_at)
}

/// A week and the grace before its end; of a key that lives for less than twice that, at half of its life.
fn before_the_end(of: &Integration, key: &Key, end: Timestamp) -> Timestamp {
    let life = end.duration_since(key.created_at).max(SignedDuration::ZERO);
    let early = (BEFORE_THE_END + of.grace.duration()).min(life / 2);
    end.checked_sub(early).unwrap_or(end)
}

#[cfg(test)]
#[path = "due_tests.rs"]
mod tests;
