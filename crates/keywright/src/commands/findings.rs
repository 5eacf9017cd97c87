//! What `status` points at beside rotations: keys that nobody declared, keys that should not be as they are, channels
//! that fail.

use std::collections::BTreeMap;

use model::{
    Instance, InstanceName, Integration, IntegrationRole, Key, KeyModel, KeyState, ListedKey, ScopeSupport,
    SignedDuration, Store, Timestamp, rotation_in_label,
};
use serde::Serialize;
use serde_json::Value;

use crate::drifted::{mend, standing};
use crate::error::CommandError;
use crate::view::span;

/// A key that was not used for so long after it was made may be nobody's.
const UNUSED_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A key is old beyond this.
const OLD: SignedDuration = SignedDuration::from_hours(365 * 24);

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// Such as `unknown_key`.
    pub(super) kind: &'static str,
    /// The instance, integration or channel.
    pub(super) subject: String,
    pub(super) text: String,
    /// A command that mends it or shows more.
    #[serde(rename = "try")]
    pub(super) mend: String,
    /// Whether somebody has to do something; else it is worth a thought.
    pub(super) urgent: bool,
}

/// What is known, and what the instances listed just now.
pub(super) struct Seen<'a> {
    pub(super) instances: &'a [Instance],
    pub(super) integrations: &'a [Integration],
    pub(super) keys: &'a [Key],
    pub(super) listed: &'a BTreeMap<(InstanceName, String), ListedKey>,
    pub(super) now: Timestamp,
}

pub(super) async fn find(store: &dyn Store, seen: &Seen<'_>) -> Result<Vec<Finding>, CommandError> {
    let memos = store.memos("").await?;
    let mut findings = unknown(seen, &memos);
    for key in seen.keys.iter().filter(|key| key.state == KeyState::Active) {
        let Some(of) = seen.integrations.iter().find(|of| of.name == key.integration) else { continue };
        let Some(instance) = seen.instances.iter().find(|one| one.name == of.instance) else { continue };
        findings.extend(of_key(seen, key, of, instance));
    }
    findings.extend(told(&memos));
    findings.extend(drifted(store, seen, &memos).await?);
    Ok(findings)
}

/// Keys at n8n that nobody declared: as listed just now, or as the scheduler saw them last.
fn unknown(seen: &Seen<'_>, memos: &[(String, Value)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for instance in seen.instances.iter().filter(|one| one.retired_at.is_none()) {
        let of_it = |key: &&ListedKey| !is_ours(seen, key);
        let here = seen.listed.iter().filter(|((name, _), _)| *name == instance.name).map(|(_, key)| key);
        let mut labels: Vec<String> = here.clone().filter(of_it).map(|key| key.label.clone()).collect();
        if here.clone().next().is_none() {
            let memo = memos.iter().find(|(name, _)| *name == format!("survey/{}", instance.name));
            let keys = memo.and_then(|(_, memo)| memo.get("unknown")?.as_array());
            let label = |key: &Value| Some(key.get("label")?.as_str()?.to_owned());
            labels = keys.into_iter().flatten().filter_map(label).collect();
        }
        findings.extend(labels.into_iter().map(|label| Finding {
            kind: "unknown_key",
            subject: instance.name.to_string(),
            text: format!("a key that nobody declared, `{label}`, is at `{}`", instance.name),
            mend: "keywright key adopt --help".into(),
            urgent: true,
        }));
    }
    findings
}

fn is_ours(seen: &Seen<'_>, listed: &ListedKey) -> bool {
    seen.keys.iter().any(|key| key.native_id == listed.native_id)
        || rotation_in_label(&listed.label).is_some()
}

/// What of one key should not be as it is.
fn of_key(seen: &Seen<'_>, key: &Key, of: &Integration, instance: &Instance) -> Vec<Finding> {
    let name = &of.name;
    let finding = |kind, text: String, mend: String| Finding {
        kind,
        subject: name.to_string(),
        text,
        mend,
        urgent: false,
    };
    let can = &instance.capabilities;
    let age = seen.now.duration_since(key.created_at);
    let listed = seen.listed.get(&(instance.name.clone(), key.native_id.clone()));
    let used = listed.and_then(|listed| listed.last_used_at).or(key.last_used_at);
    // Where no key of an instance was ever seen to be used, it does not say so.
    let tells = seen.listed.iter().any(|((at, _), key)| *at == instance.name && key.last_used_at.is_some());
    let mut findings = Vec::new();
    if of.role == IntegrationRole::Client && tells && used.is_none() && age > UNUSED_FOR {
        let text = format!(
            "the key of `{name}` was never used, {} after it was made",
            span(key.created_at, seen.now)
        );
        findings.push(finding(
            "never_used",
            text,
            format!("keywright key revoke {name}   # if nobody needs it"),
        ));
    }
    if age > OLD {
        let text = format!("the key of `{name}` is {} old", span(key.created_at, seen.now));
        findings.push(finding("old", text, format!("keywright rotate {name}")));
    }
    if can.expiry && can.keys == KeyModel::Many && key.expires_at.is_none() {
        let text = format!("the key of `{name}` never expires");
        let mend = format!("[integration.{name}] rotate_every = \"90d\"   # its next key ends by itself");
        findings.push(finding("never_expires", text, mend));
    }
    let all = !can.available_scopes.is_empty()
        && can.available_scopes.iter().all(|scope| key.scopes.contains(scope));
    if of.role == IntegrationRole::Client
        && can.scopes == ScopeSupport::Enforced
        && (all || key.scopes.is_empty())
    {
        let text = format!("the key of `{name}` may do everything");
        let mend = format!("[integration.{name}] scopes = [\"workflow:list\"]   # what it needs");
        findings.push(finding("unscoped", text, mend));
    }
    findings
}

/// Destinations that do not hold their key any more; an integration without a key has nothing to deliver.
async fn drifted(
    store: &dyn Store,
    seen: &Seen<'_>,
    memos: &[(String, Value)],
) -> Result<Vec<Finding>, CommandError> {
    let mut findings = Vec::new();
    let open = store.open_rotations().await?;
    let has_key = |of: &Integration| {
        seen.keys.iter().any(|key| key.integration == of.name && key.state == KeyState::Active)
    };
    for of in seen.integrations.iter().filter(|of| of.retired_at.is_none() && has_key(of)) {
        let memo = memos.iter().find(|(name, _)| name.strip_prefix("drift/") == Some(of.name.as_str()));
        let Some((_, memo)) = memo else { continue };
        findings.extend(standing(store, of, memo).await?.into_iter().map(|to| Finding {
            kind: "drifted",
            subject: of.name.to_string(),
            text: format!("`{to}` does not hold the key of `{}` any more", of.name),
            mend: mend(of, open.iter().find(|rotation| rotation.integration == of.name)),
            urgent: true,
        }));
    }
    Ok(findings)
}

/// What the scheduler noted: silence, and channels that fail.
fn told(memos: &[(String, Value)]) -> Vec<Finding> {
    let silent =
        memos.iter().filter_map(|(name, _)| name.strip_prefix("notice/silence/")).map(|name| Finding {
            kind: "silence",
            subject: name.to_owned(),
            text: format!("`{name}` always called, and calls no more"),
            mend: format!("keywright key show {name}"),
            urgent: true,
        });
    let failing = memos.iter().filter_map(|(name, memo)| {
        let failed = memo.get("failed_in_a_row")?.as_u64().filter(|failed| *failed > 0)?;
        let channel = name.strip_prefix("channel/")?;
        let why = memo.get("last_error").and_then(Value::as_str).unwrap_or("no reason was told");
        Some(Finding {
            kind: "channel_fails",
            subject: channel.to_owned(),
            text: format!("channel `{channel}` did not take {failed} notices in a row: {why}"),
            mend: format!("keywright notify test {channel}"),
            urgent: true,
        })
    });
    silent.chain(failing).collect()
}
