//! Looks whether destinations still hold their keys, remembers it, and tells people when one does not any more.

use std::collections::BTreeMap;

use model::{
    Address, Event, EventKind, Instance, InstanceName, Integration, NoticeKind, StoreError, Timestamp,
};
use serde_json::{Value, json};

use super::Scheduler;
use crate::drift::Drift;

/// Destinations that one notice names.
const NAMED: usize = 3;

/// What is read again of a memo `drift/INTEGRATION`.
#[derive(Default, serde::Deserialize)]
struct Known {
    destinations: Vec<KnownPlace>,
}

#[derive(serde::Deserialize)]
struct KnownPlace {
    to: Address,
    drifted_since: Option<Timestamp>,
}

/// A memo `drift/INTEGRATION`.
#[derive(serde::Serialize)]
struct Noted<'d> {
    at: Timestamp,
    destinations: Vec<NotedPlace<'d>>,
}

#[derive(serde::Serialize)]
struct NotedPlace<'d> {
    to: &'d Address,
    #[serde(flatten)]
    drift: &'d Drift,
    drifted_since: Option<Timestamp>,
}

fn memo(of: &Integration) -> String {
    format!("drift/{}", of.name)
}

impl Scheduler {
    /// Every integration of the instance that is in service and is delivered somewhere.
    pub(crate) async fn note_drift(&self, name: &InstanceName) -> Result<(), StoreError> {
        let mut integrations = self.store().integrations().await?;
        integrations.retain(|of| of.instance == *name);
        let served = integrations.iter().filter(|of| is_served(of)).cloned().collect();
        let seen = self.engine.drifts(served).await?;
        let known: BTreeMap<String, Value> = self.store().memos("drift/").await?.into_iter().collect();
        for of in &integrations {
            let memo = memo(of);
            let before = known.get(&memo);
            if let Some(places) = seen.get(&of.name) {
                self.note_places(of, before, places).await?;
            } else if before.is_some() && (!is_served(of) || self.is_idle(of).await?) {
                self.store().put_memo(&memo, None, Vec::new()).await?;
            }
        }
        Ok(())
    }

    /// Whether it has no key, and none is being made.
    async fn is_idle(&self, of: &Integration) -> Result<bool, StoreError> {
        let open = self.store().open_rotations().await?;
        let keys = self.store().living_keys().await?;
        Ok(!open.iter().any(|rotation| rotation.integration == of.name)
            && !keys.iter().any(|key| key.integration == of.name))
    }

    async fn note_places(
        &self,
        of: &Integration,
        before: Option<&Value>,
        places: &[(Address, Drift)],
    ) -> Result<(), StoreError> {
        let known: Known =
            before.and_then(|memo| serde_json::from_value(memo.clone()).ok()).unwrap_or_default();
        let at = self.clock().now();
        let mut events = Vec::new();
        let mut news = Vec::new();
        let mut destinations = Vec::new();
        for (to, drift) in places {
            let since = known.destinations.iter().find(|place| place.to == *to);
            let since = since.and_then(|place| place.drifted_since);
            let drifted_since = match (drift.is_drifted(), since) {
                (Some(true), None) => {
                    events.push(self.drift_event(of, to, EventKind::DestinationDrifted, at).with(
                        "holds",
                        match drift {
                            Drift::Other(text) => json!(text),
                            _ => json!("nothing"),
                        },
                    ));
                    news.push(to);
                    Some(at)
                }
                (Some(false), Some(_)) => {
                    events.push(self.drift_event(of, to, EventKind::DestinationMended, at));
                    None
                }
                // What cannot be read is as it was.
                (_, since) => since,
            };
            destinations.push(NotedPlace { to, drift, drifted_since });
        }
        // First: rather told twice than never.
        self.tell_drifted(of, &news).await?;
        self.store().put_memo(&memo(of), Some(&json!(Noted { at, destinations })), events).await
    }

    fn drift_event(&self, of: &Integration, to: &Address, kind: EventKind, at: Timestamp) -> Event {
        let mut event = self.event(kind, at);
        event.instance = Some(of.instance.clone());
        event.integration = Some(of.name.clone());
        event.destination = Some(to.clone());
        event
    }

    async fn tell_drifted(&self, of: &Integration, places: &[&Address]) -> Result<(), StoreError> {
        if places.is_empty() {
            return Ok(());
        }
        let named: Vec<String> = places.iter().take(NAMED).map(|to| format!("`{to}`")).collect();
        let more = places.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let text =
            format!("the key of `{}` is not where it was delivered: {}{more}", of.name, named.join(", "));
        let draft = self.notice(NoticeKind::Drifted, text).of_integration(of);
        let draft = draft.mend(format!("keywright deliver {}", of.name));
        self.queue(draft.with("destinations", json!(places))).await
    }
}

/// Whether there is anything to look at for an instance whose keys nobody can list.
pub(crate) fn is_delivered_to(instance: &Instance, integrations: &[Integration]) -> bool {
    integrations.iter().any(|of| of.instance == instance.name && is_served(of))
}

fn is_served(of: &Integration) -> bool {
    of.retired_at.is_none() && !of.destinations.is_empty()
}
