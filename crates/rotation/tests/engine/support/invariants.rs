//! What must hold once everything has settled.

use std::collections::{BTreeMap, BTreeSet};

use model::{EventKind, Fingerprint, KeyState, Mode, Rotation, RotationStatus, Secret, StepState};
use rotation::{Engine, Outcome};

use super::outside::Meddled;
use super::{Rig, address, integration_name};

impl Rig {
    /// What an operator does after a bad day: `rotate --resume` until nothing is open. Nothing fails any more.
    pub(crate) async fn recover(&self) {
        self.recover_with(|| self.calm_engine()).await;
    }

    /// The same, each time with an engine that is made so.
    pub(crate) async fn recover_with(&self, engine: impl Fn() -> Engine) {
        self.faults.off();
        for _ in 0..12 {
            let engine = engine();
            let open = engine.open_rotations(None).await.unwrap();
            if open.is_empty() {
                return;
            }
            for (id, outcome) in engine.drive_all(open.iter().map(|one| one.id).collect(), 4).await {
                match outcome {
                    Ok(Outcome::Over(_)) => {}
                    Ok(Outcome::Waiting(_, until)) => self.clock.jump_to(until),
                    Ok(Outcome::Stalled(rotation, _)) => {
                        self.broken(format!("{id} stalls though nothing fails: {:?}", rotation.problem));
                        return;
                    }
                    Err(failure) => {
                        self.broken(format!("{id} cannot be driven: {:?} {failure}", failure.kind));
                        return;
                    }
                }
            }
        }
        self.broken("a rotation stays open".into());
    }

    pub(crate) fn broken(&self, what: String) {
        self.outside.arrange(|state| state.violations.push(what));
    }

    /// Everything that does not hold.
    pub(crate) fn violations(&self) -> Vec<String> {
        let mut found = self.outside.look(|state| state.violations.clone());
        self.keys_are_known(&mut found);
        self.journals_are_sound(&mut found);
        self.the_dead_are_forgotten(&mut found);
        self.the_last_rotation_kept_its_promise(&mut found);
        self.no_version_holds_what_it_killed(&mut found);
        self.events_tell_all(&mut found);
        self.no_secret_is_shown(&mut found);
        found
    }

    /// What lives at n8n and is ours is what the store says.
    fn keys_are_known(&self, found: &mut Vec<String>) {
        let living: BTreeSet<String> = self.outside.living().into_iter().collect();
        let known: Vec<String> =
            self.store.keys().into_iter().filter(|key| key.state.lives()).map(|key| key.native_id).collect();
        let set: BTreeSet<String> = known.iter().cloned().collect();
        if living != set || known.len() != set.len() {
            found.push(format!("n8n has {living:?}, the store knows {known:?}"));
        }
    }

    fn journals_are_sound(&self, found: &mut Vec<String>) {
        for rotation in self.store.look(|kept| kept.rotations.clone()) {
            let finished = |step: &model::Step| matches!(step.state, StepState::Done | StepState::Skipped);
            let settled = match rotation.status {
                RotationStatus::Done | RotationStatus::Aborted => rotation.steps.iter().all(finished),
                RotationStatus::Superseded => true,
                _ => false,
            };
            if !settled || rotation.finished_at.is_none() {
                found.push(format!("{} is {:?} with steps left", rotation.id, rotation.status));
            }
            if rotation.status == RotationStatus::Done
                && rotation.steps.iter().any(|step| step.state == StepState::Skipped)
            {
                found.push(format!("{} is done and skipped a step", rotation.id));
            }
        }
        if !self.store.look(|kept| kept.leases.is_empty() && kept.previous.is_empty()) {
            found.push("a rotation that is over holds a lease, or what a destination held before".into());
        }
    }

    fn the_dead_are_forgotten(&self, found: &mut Vec<String>) {
        for key in self.store.keys().into_iter().filter(|key| key.state == KeyState::Retired) {
            let kept = self.store.look(|kept| kept.secret(key.id).is_some());
            if kept || key.retired_at.is_none() || key.proved_dead_at.is_none() {
                found.push(format!("key {} is retired; text kept: {kept}, {key:?}", key.native_id));
            }
        }
    }

    fn the_last_rotation_kept_its_promise(&self, found: &mut Vec<String>) {
        let rotations = self.store.look(|kept| kept.rotations.clone());
        let Some(last) = rotations.last() else { return };
        let alive: Vec<_> = self.store.keys().into_iter().filter(|key| key.state.lives()).collect();
        let ids: Vec<_> = alive.iter().map(|key| key.id).collect();
        let expected = match (last.status, last.mode) {
            (RotationStatus::Done, Mode::Revoke) => Vec::new(),
            (RotationStatus::Done, _) => last.new_key.into_iter().collect(),
            // Undone before it asked which key there is, it does not say.
            (_, Mode::Deliver) => last.new_key.or(ids.first().copied()).into_iter().collect(),
            _ => last.old_keys.clone(),
        };
        if ids != expected || alive.iter().any(|key| key.state != KeyState::Active) {
            found.push(format!("after {:?} {:?} there live {alive:?}", last.status, last.mode));
        }
        match (last.status, last.mode) {
            (RotationStatus::Done, Mode::Revoke) => {}
            (RotationStatus::Done, _) => self.all_hold_the_new_key(last, found),
            (RotationStatus::Aborted, _) if rotations.len() == 1 => self.all_hold_what_they_held(last, found),
            _ => {}
        }
    }

    /// Places keep versions: none of them holds a key that the last rotation proved dead. A revocation only asks for it.
    fn no_version_holds_what_it_killed(&self, found: &mut Vec<String>) {
        let Some(last) = self.store.look(|kept| kept.rotations.last().cloned()) else { return };
        let dead = match (last.status, last.mode) {
            (_, Mode::Revoke | Mode::Deliver) => Vec::new(),
            (RotationStatus::Done, _) => last.old_keys,
            _ => last.new_key.into_iter().collect(),
        };
        let keys = self.store.keys();
        let dead: BTreeSet<_> =
            keys.iter().filter(|key| dead.contains(&key.id)).map(|key| key.fingerprint).collect();
        for (address, place) in self.outside.look(|state| state.places.clone()) {
            let print = |text: &String| Fingerprint::of(&Secret::new(text.as_str()));
            if place.versions.iter().any(|text| dead.contains(&print(text))) {
                found.push(format!("a version of `{address}` holds a dead key"));
            }
        }
    }

    fn all_hold_the_new_key(&self, rotation: &Rotation, found: &mut Vec<String>) {
        let text = self.new_text(rotation.id);
        for (number, _) in self.before.iter().enumerate() {
            let place = self.outside.look(|state| state.places[&address(number)].clone());
            if place.meddled != Meddled::Last && (text.is_none() || place.text != text) {
                found.push(format!("`{}` does not hold the new key", address(number)));
            }
            let meddled = place.taken_up.as_ref().is_some_and(|(_, meddled)| *meddled);
            if place.meddled != Meddled::Last && !meddled && place.read() != text.as_ref() {
                found.push(format!("the client of `{}` did not take up the new key", address(number)));
            }
        }
    }

    /// Where a mere delivery was undone, what it delivered stays.
    fn all_hold_what_they_held(&self, rotation: &Rotation, found: &mut Vec<String>) {
        let key = self.new_text(rotation.id).filter(|_| rotation.mode == Mode::Deliver);
        let stays = |text: Option<&String>| text.is_some() && text == key.as_ref();
        for (number, before) in self.before.iter().enumerate() {
            let place = self.outside.look(|state| state.places[&address(number)].clone());
            if place.meddled == Meddled::Never && place.text != before.text && !stays(place.text.as_ref()) {
                found.push(format!("`{}` does not hold what it held before", address(number)));
            }
            if place.meddled == Meddled::Never && place.taken_up != before.taken_up && !stays(place.read()) {
                found.push(format!("the client of `{}` did not take up what it had before", address(number)));
            }
        }
    }

    /// Each change of a key's state is told once: what the events say leads to what the records say.
    fn events_tell_all(&self, found: &mut Vec<String>) {
        let mut told: BTreeMap<model::KeyId, KeyState> = BTreeMap::new();
        let events = self.store.events();
        for event in &events {
            let (Some(key), Some(state)) = (event.key, told_state(event.kind)) else { continue };
            let before = told.insert(key, state);
            let first = before.is_none() && (state == KeyState::Pending || key.0.timestamp_ms() == 1);
            if before == Some(state) || (before.is_none() && !first) || before == Some(KeyState::Retired) {
                found.push(format!("{:?} of key {key} is told after {before:?}", event.kind));
            }
        }
        for key in self.store.keys() {
            let state = told.get(&key.id).copied().unwrap_or(KeyState::Active);
            if state != key.state {
                found.push(format!("key {} is {:?}, the events say {state:?}", key.id, key.state));
            }
        }
        let ids: BTreeSet<_> = events.iter().map(|event| event.id).collect();
        if ids.len() != events.len() {
            found.push("two events have one id".into());
        }
        for rotation in self.store.look(|kept| kept.rotations.clone()) {
            let ends = [EventKind::RotationDone, EventKind::RotationAborted, EventKind::RotationSuperseded];
            let of = |kind| {
                events.iter().filter(|one| one.rotation == Some(rotation.id) && one.kind == kind).count()
            };
            if of(EventKind::RotationStarted) != 1 || ends.map(of).iter().sum::<usize>() != 1 {
                found.push(format!("beginning and end of {} are not told once each", rotation.id));
            }
        }
        if events.iter().any(|event| event.integration != Some(integration_name())) {
            found.push("an event does not say whose it is".into());
        }
    }

    fn no_secret_is_shown(&self, found: &mut Vec<String>) {
        let shown = self.store.look(|kept| {
            let keys: Vec<_> = kept.keys.iter().map(|(key, _)| key).collect();
            serde_json::to_string(&(&kept.events, &kept.rotations, &keys, &kept.integrations)).unwrap()
        });
        if let Some((before, _)) = shown.split_once("canary") {
            let tail: String = before.chars().rev().take(80).collect();
            found.push(format!("a secret is shown after (backwards) {tail}"));
        }
    }
}

fn told_state(kind: EventKind) -> Option<KeyState> {
    match kind {
        EventKind::KeyCreated | EventKind::KeyAdopted => Some(KeyState::Pending),
        EventKind::KeyActivated => Some(KeyState::Active),
        EventKind::KeyRetiring => Some(KeyState::Retiring),
        EventKind::KeyRetired => Some(KeyState::Retired),
        _ => None,
    }
}
