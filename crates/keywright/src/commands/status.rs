//! `keywright status`: every key at a glance, and what needs a hand.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Instance, Integration, Key, KeyState, ListedKey, Rotation, RotationStatus, Timestamp};
use rotation::World as _;
use serde_json::{Value, json};

use super::findings::{self, Seen};
use super::outcome::works_meanwhile;
use crate::Exit;
use crate::app::App;
use crate::cli::Status;
use crate::error::CommandError;
use crate::keeper::Keeping;
use crate::progress::shown;
use crate::ui::{BAD, BOLD, WARN, clean, table};
use crate::view::{IntegrationView, KeyView, RotationView, due, span};

/// How long an instance may take to tell when its keys were used.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn run(app: &App, options: &Status) -> Result<Exit, CommandError> {
    let now = app.clock.now();
    let mut instances = app.store.instances().await?;
    instances.retain(|instance| instance.retired_at.is_none());
    let integrations = app.store.integrations().await?;
    let keys = app.store.keys(None).await?;
    let open = app.store.open_rotations().await?;
    let mut listed = BTreeMap::new();
    let mut unreachable = Vec::new();
    if !options.offline {
        for instance in instances.iter().filter(|instance| !instance.is_assisted()) {
            match list(app, instance).await {
                Ok(keys) => listed.extend(
                    keys.into_iter().map(|key| ((instance.name.clone(), key.native_id.clone()), key)),
                ),
                Err(why) => unreachable.push((instance.name.to_string(), why)),
            }
        }
    }
    let used = |integration: &Integration, key: &Key| {
        let seen = listed.get(&(integration.instance.clone(), key.native_id.clone()));
        seen.and_then(|seen: &ListedKey| seen.last_used_at).or(key.last_used_at)
    };
    let seen = Seen { instances: &instances, integrations: &integrations, keys: &keys, listed: &listed, now };
    let findings = findings::find(&*app.store, &seen).await?;
    let mut rows = Vec::new();
    let mut views: Vec<Value> = Vec::new();
    for integration in integrations.iter().filter(|of| of.retired_at.is_none() || lives(of, &keys)) {
        let living: Vec<&Key> = keys
            .iter()
            .filter(|key| {
                key.integration == integration.name
                    && (key.state != KeyState::Retired || key.proved_dead_at.is_none())
            })
            .collect();
        if living.is_empty() {
            rows.push(vec![integration.name.to_string(), integration.instance.to_string(), "no key".into()]);
        }
        for key in &living {
            rows.push(row(integration, key, used(integration, key), now));
        }
        let keys: Vec<Value> = living
            .iter()
            .map(|key| json!({"key": KeyView::from(*key), "due_at": due(integration, key), "last_used_at": used(integration, key)}))
            .collect();
        views.push(json!({"integration": IntegrationView::from(integration), "keys": keys}));
    }
    let mut text = text(&instances, &rows, &open, &unreachable, now);
    for finding in &findings {
        let mark = if finding.urgent { BAD } else { WARN };
        let (text_of, mend) = (clean(&finding.text), clean(&finding.mend));
        text = format!("{text}\n{mark}{}{mark:#} {text_of}\n  {mend}", finding.kind);
    }
    let instances: Vec<Value> =
        instances.iter().map(|i| json!({"name": i.name, "url": i.url, "version": i.version})).collect();
    let json = json!({
        "instances": instances,
        "integrations": views,
        "open_rotations": open.iter().map(RotationView::from).collect::<Vec<_>>(),
        "findings": findings,
        "unreachable": unreachable.iter().map(|(name, why)| json!({"instance": name, "because": why})).collect::<Vec<_>>(),
    });
    app.ui.result(&text, &json);
    let stuck = open.iter().any(|rotation| rotation.status != RotationStatus::Waiting);
    let late = |key: &Key| {
        let of = integrations.iter().find(|integration| integration.name == key.integration);
        let due = of.and_then(|integration| due(integration, key));
        key.state == KeyState::Active && [due, key.expires_at].into_iter().flatten().any(|at| at <= now)
    };
    let urgent = findings.iter().any(|finding| finding.urgent);
    Ok(if stuck || urgent || keys.iter().any(late) { Exit::Findings } else { Exit::Done })
}

fn lives(of: &Integration, keys: &[Key]) -> bool {
    keys.iter().any(|key| key.integration == of.name && key.state.lives())
}

async fn list(app: &App, instance: &Instance) -> Result<Vec<ListedKey>, String> {
    let work = async {
        let issuer = app.reach(Keeping::Kept).issuer(instance).await.map_err(|report| report.line())?;
        issuer.list().await.map_err(|failure| failure.report.line())
    };
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_late| Err("it did not answer in time".into()))
}

fn row(integration: &Integration, key: &Key, used: Option<Timestamp>, now: Timestamp) -> Vec<String> {
    let ahead = |at: Timestamp| if at <= now { "now".to_owned() } else { format!("in {}", span(now, at)) };
    let places = match integration.destinations.as_slice() {
        [] => "–".to_owned(),
        [one] => one.to_string(),
        [one, more @ ..] => format!("{one} +{}", more.len()),
    };
    vec![
        integration.name.to_string(),
        integration.instance.to_string(),
        super::key::state(key).to_owned(),
        span(key.created_at, now),
        key.expires_at.map_or_else(|| "never".into(), ahead),
        due(integration, key).map_or_else(|| "–".into(), ahead),
        used.map_or_else(|| "–".into(), |at| format!("{} ago", span(at, now))),
        integration.owner.clone().unwrap_or_else(|| "–".into()),
        places,
    ]
}

fn text(
    instances: &[Instance],
    rows: &[Vec<String>],
    open: &[Rotation],
    unreachable: &[(String, String)],
    now: Timestamp,
) -> String {
    if instances.is_empty() {
        return "no instance yet; take charge of one with `keywright connect prod https://… --email …`"
            .to_owned();
    }
    let mut lines = Vec::new();
    for instance in instances {
        let version = instance.version.as_deref().unwrap_or("of unknown version");
        lines.push(format!("{BOLD}{}{BOLD:#}  n8n {version}  {}", instance.name, instance.url));
    }
    for (name, why) in unreachable {
        lines.push(format!("{WARN}{name} cannot be asked{WARN:#}: {}", clean(why)));
    }
    let heading =
        ["INTEGRATION", "INSTANCE", "STATE", "AGE", "EXPIRES", "DUE", "USED", "OWNER", "DELIVERED TO"];
    lines.push(String::new());
    lines.push(table(&heading, rows));
    lines.extend(open.iter().map(|rotation| open_line(rotation, now)));
    lines.join("\n")
}

fn open_line(rotation: &Rotation, now: Timestamp) -> String {
    let name = &rotation.integration;
    match rotation.status {
        RotationStatus::Waiting => {
            let until = rotation
                .grace_until
                .map_or_else(String::new, |at| format!("; the old key works until {}", shown(at)));
            format!("{WARN}waiting{WARN:#} {name}: all is delivered{until}")
        }
        RotationStatus::Stalled | RotationStatus::Aborting => {
            let problem = clean(rotation.problem.as_deref().unwrap_or("being undone"));
            let next =
                rotation.next_try.map_or_else(String::new, |at| format!(" (next try in {})", span(now, at)));
            let (status, works) = (rotation.status.as_str(), works_meanwhile(rotation));
            format!(
                "{BAD}{status}{BAD:#} {name}: {works}: {problem}{next}\n  keywright rotate --resume {name}"
            )
        }
        _ => format!("{WARN}running{WARN:#} {name}, or it died on its way: keywright rotate --resume {name}"),
    }
}
