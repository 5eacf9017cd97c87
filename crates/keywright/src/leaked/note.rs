//! What the log says of leaks: an event for each place of a key of ours, once.

use std::collections::BTreeSet;

use model::{Event, EventKind, Store, StoreError};
use rotation::Engine;
use serde_json::{Value, json};

use super::judge::Judged;

/// Places that are remembered of one key.
const MAX_REMEMBERED: usize = 200;

/// Those that are ours and lie at a place that was not noted yet.
pub(crate) async fn news<'j>(store: &dyn Store, all: &'j [Judged]) -> Result<Vec<&'j Judged>, StoreError> {
    let mut news = Vec::new();
    for one in all.iter().filter(|one| one.ours().is_some()) {
        let places = noted(store, one).await?;
        if one.leak.places.iter().any(|place| !places.contains(place)) {
            news.push(one);
        }
    }
    Ok(news)
}

/// Notes in the log that keys of ours were found. `by` is what found them, such as `scan`.
pub(crate) async fn note(engine: &Engine, all: &[Judged], by: &str) -> Result<(), StoreError> {
    for one in all {
        let Some(ours) = one.ours() else { continue };
        let mut places = noted(&*engine.store, one).await?;
        let new: Vec<&String> =
            one.leak.places.iter().filter(|place| !places.contains(place.as_str())).collect();
        if new.is_empty() {
            continue;
        }
        let at = engine.clock.now();
        let mut event = Event::new(engine.ids.event(at), at, EventKind::LeakFound, engine.actor.clone())
            .with("kind", one.leak.token.kind.name())
            .with("state", ours.key.state.as_str())
            .with("places", json!(new))
            .with("more_places", one.leak.more_places)
            .with("by", by);
        event.instance = Some(ours.integration.instance.clone());
        event.integration = Some(ours.integration.name.clone());
        event.key = Some(ours.key.id);
        event.fingerprint = Some(one.leak.fingerprint);
        places.extend(new.into_iter().cloned());
        let kept: Vec<String> = places.into_iter().take(MAX_REMEMBERED).collect();
        engine.store.put_memo(&memo(one), Some(&json!({ "at": at, "places": kept })), vec![event]).await?;
    }
    Ok(())
}

fn memo(one: &Judged) -> String {
    format!("leak/{}", one.leak.fingerprint)
}

/// The places that were noted of it.
async fn noted(store: &dyn Store, one: &Judged) -> Result<BTreeSet<String>, StoreError> {
    let name = memo(one);
    let known = store.memos(&name).await?.into_iter().find(|(found, _)| *found == name);
    Ok(known.map(|(_, memo)| places_of(&memo)).unwrap_or_default())
}

fn places_of(memo: &Value) -> BTreeSet<String> {
    let places = memo.get("places").and_then(Value::as_array);
    places.into_iter().flatten().filter_map(|place| Some(place.as_str()?.to_owned())).collect()
}
