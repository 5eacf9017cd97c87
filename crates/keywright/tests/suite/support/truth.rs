//! What must hold once everything has settled, whatever happened before.

use std::collections::{BTreeMap, BTreeSet};

use model::{Fingerprint, Secret};
use serde_json::Value;

use super::places::Places;
use super::world::{Living, World};

/// How a drill has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The last rotation is done: one key, new, in every place.
    Turned,
    /// The last rotation is undone: the key is the one that there was before, in every place.
    Undone,
    /// No key lives, and none is in use.
    Revoked,
    /// The first key was undone: there is none, and the places are empty.
    Nothing,
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// n8n's id of a key. Of one that a person made, only the label is known, which is one of a kind, or fixed by n8n where
/// there is one key.
fn id_of(key: &Value, alive: &[Living]) -> String {
    let id = text(key, "native_id").to_owned();
    if !id.starts_with("assisted-") {
        return id;
    }
    let ours = |there: &&Living| there.label == text(key, "label") || !there.label.contains(" kw_");
    alive.iter().find(ours).map_or(id, |there| there.id.clone())
}

/// Everything about one integration that does not hold. `before` is what its places held at first.
pub(crate) async fn faults_of(
    world: &World,
    name: &str,
    places: &Places,
    end: End,
    before: &[Option<String>],
) -> Vec<String> {
    let mut found = Vec::new();
    let shown = world.show(name).await;
    let living: Vec<&Value> =
        list(&shown, "keys").iter().filter(|key| text(key, "state") != "retired").collect();
    let alive = world.living().await;
    let known: BTreeSet<String> = living.iter().map(|key| id_of(key, &alive)).collect();
    let rotations: Vec<&str> =
        list(&shown, "rotations").iter().map(|rotation| text(rotation, "id")).collect();
    let ours = |label: &str| rotations.iter().any(|id| label.ends_with(id));
    let there: BTreeSet<String> =
        alive.iter().filter(|key| ours(&key.label)).map(|key| key.id.clone()).collect();
    if known != there {
        found.push(format!("n8n has {there:?}, Keywright knows {known:?}"));
    }
    let count = usize::from(matches!(end, End::Turned | End::Undone));
    if living.len() != count || living.iter().any(|key| text(key, "state") != "active") {
        found.push(format!("{} keys live: {living:?}", living.len()));
    }
    for key in list(&shown, "keys").iter().filter(|key| text(key, "state") == "retired") {
        if key["proved_dead_at"].is_null() || key["retired_at"].is_null() {
            found.push(format!("a retired key is not proved dead: {key}"));
        }
    }
    let held = places.held();
    match end {
        End::Turned => {
            let wanted = living.first().map(|key| text(key, "fingerprint").to_owned()).unwrap_or_default();
            for (place, key) in held.iter().enumerate() {
                let key = key.clone().unwrap_or_default();
                if Fingerprint::of(&Secret::new(key.clone())).to_string() != wanted
                    || !world.key_works(&key).await
                {
                    found.push(format!("place {place} does not hold the new key"));
                }
            }
            if !before.is_empty() && held == before {
                found.push("the key is the old one".into());
            }
        }
        End::Undone | End::Revoked if held != before => found.push("the places hold something else".into()),
        End::Undone => {
            for key in held.iter().flatten() {
                if !world.key_works(key).await {
                    found.push("the old key does not work".into());
                }
            }
        }
        End::Nothing if held.iter().any(Option::is_some) => found.push("a place holds a key".into()),
        _ => {}
    }
    if !places.surroundings_are_untouched() {
        found.push("something around the key in a place has changed".into());
    }
    journal(&shown, end, &mut found);
    found
}

fn journal(shown: &Value, end: End, found: &mut Vec<String>) {
    // What gave way is left as it was.
    for rotation in list(shown, "rotations").iter().filter(|one| text(one, "status") != "superseded") {
        let settled = |step: &&Value| matches!(text(step, "state"), "done" | "skipped");
        if list(rotation, "steps").iter().filter(settled).count() != list(rotation, "steps").len() {
            found.push(format!("steps are left: {rotation}"));
        }
    }
    let wanted = if matches!(end, End::Undone | End::Nothing) { "aborted" } else { "done" };
    let last = list(shown, "rotations").first().map(|rotation| text(rotation, "status")).unwrap_or_default();
    if last != wanted {
        found.push(format!("the last rotation is {last}, not {wanted}"));
    }
}

/// Everything about all that was done in a world that does not hold: keys, log, events.
pub(crate) async fn faults_in(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    let listed = world.home.json(&["key", "list", "--all"]).await;
    let lives = |key: &&Value| text(key, "state") != "retired";
    let alive = world.living().await;
    let known: BTreeSet<String> =
        list(&listed, "keys").iter().filter(lives).map(|key| id_of(key, &alive)).collect();
    let there: BTreeSet<String> = alive.into_iter().map(|key| key.id).collect();
    if known != there {
        found.push(format!("n8n has {there:?}, Keywright knows {known:?}"));
    }
    let verified = world.home.run(&["log", "verify"]).await;
    if verified.code != Some(0) {
        found.push(format!("the log does not verify: {verified:?}"));
    }
    let exported = world.home.must(&["log", "export"]).await;
    events(&exported.stdout, &mut found);
    if world.logins().is_some_and(|logins| logins != 1) {
        found.push(format!("{:?} logins", world.logins()));
    }
    found
}

/// Each thing that happens once is told once.
fn events(exported: &str, found: &mut Vec<String>) {
    let mut ids = BTreeSet::new();
    let mut told: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut reopened = BTreeSet::new();
    for line in exported.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        if !ids.insert(text(&event, "id").to_owned()) {
            found.push(format!("two events have one id: {line}"));
        }
        let kind = text(&event, "kind");
        let about = match kind {
            "key_created" | "key_activated" | "key_retired" | "key_proved_dead" => {
                text(&event, "key").to_owned()
            }
            "rotation_started" | "rotation_done" | "rotation_aborted" | "rotation_superseded" => {
                text(&event, "rotation").to_owned()
            }
            "step_done" | "step_reopened" => {
                format!("{} {}", text(&event, "rotation"), event["detail"]["number"])
            }
            _ => continue,
        };
        if kind == "step_reopened" {
            reopened.insert(about.clone());
        }
        *told.entry((kind.to_owned(), about)).or_default() += 1;
    }
    for ((kind, about), times) in &told {
        // A key that an undone rotation made the old one of is active a second time.
        let again = kind == "key_activated" || (kind == "step_done" && reopened.contains(about));
        if *times > 1 && !again && kind != "step_reopened" {
            found.push(format!("{kind} of {about} is told {times} times"));
        }
    }
    let of = |kind: &'static str| told.keys().filter(move |(told, _)| told == kind).map(|(_, about)| about);
    let ended = ["rotation_done", "rotation_aborted", "rotation_superseded"];
    let ended: BTreeSet<&String> = ended.into_iter().flat_map(of).collect();
    let open: Vec<&String> = of("rotation_started").filter(|id| !ended.contains(id)).collect();
    if !open.is_empty() {
        found.push(format!("rotations without an end: {open:?}"));
    }
}
