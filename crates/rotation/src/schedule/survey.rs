//! Asks an instance for its keys: which are used, which nobody declared, which of ours are gone. Then looks at the
//! destinations of its keys.

use std::collections::BTreeSet;

use model::{
    EventKind, Instance, InstanceName, Integration, IssuerError, IssuerErrorKind, Key, KeyState, ListedKey,
    NoticeKind, SignedDuration, StoreError, Timestamp, rotation_in_label,
};
use serde_json::{Value, json};

use super::Scheduler;
use super::notices::{Repeat, rotate};
use super::plan::spread;
use super::silence::Habit;
use super::state::after;

/// Failures in a row after which people are told, and how long they may take.
const FAILURES: u32 = 3;
const FAILING_FOR: SignedDuration = SignedDuration::from_mins(10);
/// A failed survey is done again after this, at first.
const SOON: SignedDuration = SignedDuration::from_mins(5);

impl Scheduler {
    pub(crate) async fn survey(&self, name: &InstanceName) -> Result<(), StoreError> {
        let now = self.clock().now();
        // Until it is known better: a store that fails meanwhile is no reason to ask again at once.
        self.surveyed(name, |slot| slot.next_at = Some(after(now, SOON)));
        let Some(instance) = self.store().instance(name).await? else { return Ok(()) };
        let asked = if instance.is_assisted() {
            // Only a person can look there.
            self.surveyed(name, |slot| slot.next_at = Some(self.next_survey(name, now)));
            Ok(())
        } else {
            self.pulse.set(|pulse| pulse.surveys += 1);
            self.ask(&instance, now).await
        };
        asked.and(self.note_drift(name).await)
    }

    fn next_survey(&self, name: &InstanceName, now: Timestamp) -> Timestamp {
        let every = self.config.survey_every.duration();
        after(now, every - spread(name, every / 10))
    }

    async fn ask(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        let name = &instance.name;
        let listed = match self.engine.issuer(instance).await {
            Ok(issuer) => issuer.list().await.map(|listed| (issuer, listed)),
            Err(failure) => Err(IssuerError { kind: IssuerErrorKind::Refused, report: failure.report }),
        };
        match listed {
            Ok((issuer, listed)) => {
                let next = self.next_survey(name, now);
                self.surveyed(name, |slot| {
                    (slot.next_at, slot.failures, slot.failing_since) = (Some(next), 0, None);
                });
                self.forget(NoticeKind::Unreachable, name.as_str()).await?;
                self.compare(instance, &*issuer, &listed, now).await
            }
            // Nobody can be asked there.
            Err(failure)
                if matches!(failure.kind, IssuerErrorKind::NeedsPerson | IssuerErrorKind::Unsupported) =>
            {
                Ok(())
            }
            Err(failure) => self.unreachable(name, &failure, now).await,
        }
    }

    fn surveyed<T>(&self, name: &InstanceName, with: impl FnOnce(&mut super::state::Surveyed) -> T) -> T {
        with(self.state.lock().surveys.entry(name.clone()).or_default())
    }

    async fn unreachable(
        &self,
        name: &InstanceName,
        failure: &IssuerError,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let why = &failure.report;
        let refused =
            matches!(failure.kind, IssuerErrorKind::LoginRefused | IssuerErrorKind::SecondFactorRequired);
        self.pulse.set(|pulse| pulse.surveys_failed += 1);
        let every = self.config.survey_every.duration();
        let is_lasting = self.surveyed(name, |slot| {
            slot.failures = slot.failures.saturating_add(1);
            let since = *slot.failing_since.get_or_insert(now);
            let lasting = slot.failures >= FAILURES || now.duration_since(since) >= FAILING_FOR;
            slot.next_at = Some(after(now, if lasting { every } else { SOON.min(every) }));
            lasting
        });
        let memo = format!("survey/{name}");
        let known = self.store().memos(&memo).await?.into_iter().find(|(found, _)| *found == memo);
        let unknown = known.and_then(|(_, known)| known.get("unknown").cloned()).unwrap_or_else(|| json!([]));
        let found =
            json!({"at": now, "unknown": unknown, "unreachable": why.line(), "login_refused": refused});
        self.store().put_memo(&memo, Some(&found), Vec::new()).await?;
        if !is_lasting {
            return Ok(());
        }
        let text = format!("`{name}` cannot be asked for its keys: {}", why.line());
        let mend = why.mend.first().cloned().unwrap_or_else(|| "keywright doctor".to_owned());
        let draft = self.notice(NoticeKind::Unreachable, text).of_instance(name).mend(mend);
        self.tell_once(name.as_str(), "unreachable", Repeat::Never, draft).await
    }

    async fn compare(
        &self,
        instance: &Instance,
        issuer: &dyn model::Issuer,
        listed: &[ListedKey],
        asked_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut integrations = self.store().integrations().await?;
        integrations.retain(|of| of.instance == instance.name);
        // Read after the list was: a key made since is not missing, and one made before is known.
        let mut keys = self.store().keys(None).await?;
        keys.retain(|key| integrations.iter().any(|of| of.name == key.integration));
        self.note_uses(&integrations, &keys, listed).await?;
        self.note_unknown(instance, &keys, listed, asked_at).await?;
        self.note_missing(instance, issuer, &keys, listed, asked_at).await
    }

    async fn note_uses(
        &self,
        integrations: &[Integration],
        keys: &[Key],
        listed: &[ListedKey],
    ) -> Result<(), StoreError> {
        let used = |key: &Key| {
            let same = listed.iter().find(|one| one.native_id == key.native_id)?;
            same.last_used_at
        };
        let living = || keys.iter().filter(|key| key.state.lives());
        let news: Vec<_> = living()
            .filter_map(|key| used(key).filter(|at| key.last_used_at < Some(*at)).map(|at| (key.id, at)))
            .collect();
        if !news.is_empty() {
            self.store().note_use(news).await?;
        }
        for of in integrations.iter().filter(|of| of.retired_at.is_none()) {
            // Over rotations: that the new key is not used is what is to be seen.
            let last = living().filter(|key| key.integration == of.name).filter_map(used).max();
            self.note_habit(of, last).await?;
        }
        Ok(())
    }

    async fn note_habit(&self, of: &Integration, last: Option<Timestamp>) -> Result<(), StoreError> {
        let name = format!("use/{}", of.name);
        let known = self.store().memos(&name).await?.into_iter().find(|(found, _)| *found == name);
        let mut habit: Habit =
            known.and_then(|(_, memo)| serde_json::from_value(memo).ok()).unwrap_or_default();
        if last.is_some_and(|at| habit.note(at)) {
            self.store().put_memo(&name, Some(&json!(habit)), Vec::new()).await?;
        }
        let Some(since) = habit.silent_since(of, self.clock().now()) else {
            return self.forget(NoticeKind::Silence, of.name.as_str()).await;
        };
        let text = format!("`{}` has not called since {since}", of.name);
        let draft = self.notice(NoticeKind::Silence, text).of_integration(of).with("since", json!(since));
        let draft = draft.mend(format!("keywright key show {}", of.name));
        self.tell_once(of.name.as_str(), "silent", Repeat::Never, draft).await
    }

    async fn note_unknown(
        &self,
        instance: &Instance,
        keys: &[Key],
        listed: &[ListedKey],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let memo = format!("survey/{}", instance.name);
        let before = self.store().memos(&memo).await?.into_iter().find(|(found, _)| *found == memo);
        let before = before.and_then(|(_, memo)| memo.get("unknown").cloned()).unwrap_or(Value::Null);
        let known: BTreeSet<&str> = before.as_array().into_iter().flatten().filter_map(native_id).collect();
        let mut unknown = Vec::new();
        for one in listed {
            let is_ours = keys.iter().any(|key| key.native_id == one.native_id);
            let made_by = rotation_in_label(&one.label);
            let is_made = match made_by {
                Some(id) => self.store().rotation(id).await?.is_some(),
                None => false,
            };
            if !is_ours && !is_made && one.expires_at.is_none_or(|end| end > now) {
                unknown.push(one);
            }
        }
        let news: Vec<&ListedKey> =
            unknown.iter().copied().filter(|one| !known.contains(one.native_id.as_str())).collect();
        if !news.is_empty() {
            self.tell_unknown(instance, &news).await?;
        }
        let events = news.iter().map(|one| {
            let mut event = self.event(EventKind::KeyUnknown, now);
            event.instance = Some(instance.name.clone());
            event.with("native_id", one.native_id.clone()).with("label", one.label.clone())
        });
        let shown: Vec<Value> = unknown.iter().map(|one| shown(one)).collect();
        let found = json!({"at": now, "unknown": shown, "unreachable": null});
        self.store().put_memo(&memo, Some(&found), events.collect()).await
    }

    async fn tell_unknown(&self, instance: &Instance, news: &[&ListedKey]) -> Result<(), StoreError> {
        let name = &instance.name;
        let labels: Vec<String> = news
            .iter()
            .take(5)
            .map(|one| {
                format!("`{}`", one.label.chars().take(50).flat_map(char::escape_default).collect::<String>())
            })
            .collect();
        let more = if news.len() > labels.len() { ", …" } else { "" };
        let count = if news.len() == 1 { "a key".to_owned() } else { format!("{} keys", news.len()) };
        let text = format!("{count} that nobody declared at `{name}`: {}{more}", labels.join(", "));
        let draft = self.notice(NoticeKind::UnknownKey, text).of_instance(name);
        let draft = draft.mend("keywright key adopt --help");
        self.queue(draft.with("keys", news.iter().take(50).map(|one| shown(one)).collect())).await
    }

    async fn note_missing(
        &self,
        instance: &Instance,
        issuer: &dyn model::Issuer,
        keys: &[Key],
        listed: &[ListedKey],
        asked_at: Timestamp,
    ) -> Result<(), StoreError> {
        let open = self.store().open_rotations().await?;
        let is_missed = |key: &&Key| {
            key.state == KeyState::Active
                && key.created_at < asked_at
                && !listed.iter().any(|one| one.native_id == key.native_id)
                && !open.iter().any(|rotation| rotation.integration == key.integration)
        };
        let missed: Vec<&Key> = keys.iter().filter(is_missed).collect();
        let now_missed = missed.iter().map(|key| key.id).collect();
        let before = self.surveyed(&instance.name, |slot| std::mem::replace(&mut slot.missed, now_missed));
        for key in keys.iter().filter(|key| key.state == KeyState::Active) {
            if !missed.iter().any(|one| one.id == key.id) {
                self.forget(NoticeKind::MissingKey, &key.id.to_string()).await?;
            }
        }
        for key in missed.into_iter().filter(|key| before.contains(&key.id)) {
            let Some(secret) = self.store().key_secret(key.id).await? else { continue };
            if issuer.prove_dead(&secret).await.is_ok() {
                self.tell_missing(instance, key).await?;
            }
        }
        Ok(())
    }

    async fn tell_missing(&self, instance: &Instance, key: &Key) -> Result<(), StoreError> {
        let about = key.id.to_string();
        let memo = format!("notice/{}/{about}", NoticeKind::MissingKey.as_str());
        if !self.store().memos(&memo).await?.is_empty() {
            return Ok(());
        }
        let mut event = self.event(EventKind::KeyMissing, self.clock().now());
        event.instance = Some(instance.name.clone());
        event.integration = Some(key.integration.clone());
        event.key = Some(key.id);
        event.fingerprint = Some(key.fingerprint);
        self.store().record(vec![event.with("native_id", key.native_id.clone())]).await?;
        let text = format!("the key of `{}` is gone from `{}`, and refused", key.integration, instance.name);
        let mut draft = self.notice(NoticeKind::MissingKey, text).of_instance(&instance.name);
        draft.0.integration = Some(key.integration.clone());
        self.tell_once(&about, "missing", Repeat::Never, draft.mend(rotate(&key.integration))).await
    }
}

fn native_id(of: &Value) -> Option<&str> {
    of.get("native_id").and_then(Value::as_str)
}

fn shown(one: &ListedKey) -> Value {
    json!({
        "native_id": one.native_id,
        "label": one.label,
        "owner": one.owner,
        "created_at": one.created_at,
        "last_used_at": one.last_used_at,
        "scopes_count": one.scopes.len(),
        "expires_at": one.expires_at,
    })
}
