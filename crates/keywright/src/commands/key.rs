//! `keywright key list`, `show`, `revoke`.

use model::{IntegrationName, KeyState, Mode};
use rotation::Request;
use serde_json::json;

use super::rotate;
use crate::Exit;
use crate::app::App;
use crate::config::nearest;
use crate::error::{CommandError, operator};
use crate::keeper::Keeping;
use crate::progress::shown;
use crate::prompt;
use crate::ui::{BOLD, table};
use crate::view::{IntegrationView, KeyView, RotationView, span};

const ROTATIONS_SHOWN: u32 = 10;

pub(crate) async fn list(app: &App, all: bool) -> Result<Exit, CommandError> {
    let now = app.clock.now();
    let mut keys = app.store.keys(None).await?;
    keys.retain(|key| all || key.state != KeyState::Retired || key.proved_dead_at.is_none());
    keys.sort_by(|a, b| (&a.integration, a.created_at).cmp(&(&b.integration, b.created_at)));
    let rows = keys.iter().map(|key| {
        vec![
            key.integration.to_string(),
            state(key).to_owned(),
            key.fingerprint.short(),
            format!("…{}", key.tail),
            span(key.created_at, now),
            key.expires_at.map_or_else(
                || "never".into(),
                |at| if at <= now { "expired".into() } else { format!("in {}", span(now, at)) },
            ),
            scopes(&key.scopes),
        ]
    });
    let heading = ["INTEGRATION", "STATE", "FINGERPRINT", "TAIL", "AGE", "EXPIRES", "SCOPES"];
    let text = if keys.is_empty() {
        "no living key; make one with `keywright key create NAME --scope …`".to_owned()
    } else {
        table(&heading, &rows.collect::<Vec<_>>())
    };
    let views: Vec<KeyView> = keys.iter().map(KeyView::from).collect();
    app.ui.result(&text, &json!({ "keys": views }));
    Ok(Exit::Done)
}

/// Where a key stands, for people: deleted is not yet dead.
pub(crate) fn state(key: &model::Key) -> &'static str {
    match (key.state, key.proved_dead_at) {
        (KeyState::Retired, None) => "deleted, NOT proved dead",
        (state, _) => state.as_str(),
    }
}

fn scopes(scopes: &[model::Scope]) -> String {
    match scopes {
        [] => "all".to_owned(),
        few if few.len() <= 3 => few.iter().map(model::Scope::as_str).collect::<Vec<_>>().join(" "),
        many => format!("{} scopes", many.len()),
    }
}

pub(crate) async fn show(app: &App, name: &IntegrationName) -> Result<Exit, CommandError> {
    let Some(integration) = app.store.integration(name).await? else { return Err(unknown(app, name).await) };
    let keys = app.store.keys(Some(name)).await?;
    let rotations = app.store.rotations_of(name, ROTATIONS_SHOWN).await?;
    let mut lines = vec![format!("{BOLD}{name}{BOLD:#} at {}", integration.instance)];
    let owner = integration.owner.as_deref().unwrap_or("nobody");
    let every = integration.rotate_every.map_or_else(|| "never".into(), |every| format!("every {every}"));
    lines.push(format!("  owner {owner} · due {every} · grace {}", integration.grace));
    lines.push(format!("  scopes {}", scopes(&integration.scopes)));
    for to in &integration.destinations {
        let hook = integration.reload.get(to).map(|hook| format!(", then {hook}")).unwrap_or_default();
        lines.push(format!("  to {to}{hook}"));
    }
    lines.push(String::new());
    let rows = keys.iter().rev().map(|key| {
        vec![
            key.fingerprint.short(),
            state(key).to_owned(),
            shown(key.created_at),
            key.expires_at.map_or_else(|| "never".into(), shown),
            key.proved_dead_at.map_or_else(|| "–".into(), shown),
        ]
    });
    lines.push(table(&["FINGERPRINT", "STATE", "MADE", "EXPIRES", "PROVED DEAD"], &rows.collect::<Vec<_>>()));
    let rows = rotations.iter().map(|rotation| {
        vec![
            rotation.id.to_string(),
            rotation.mode.as_str().to_owned(),
            rotation.status.as_str().to_owned(),
            shown(rotation.started_at),
            rotation.problem.clone().unwrap_or_default(),
        ]
    });
    lines.push(table(&["ROTATION", "MODE", "STATUS", "BEGUN", "PROBLEM"], &rows.collect::<Vec<_>>()));
    let json = json!({
        "integration": IntegrationView::from(&integration),
        "keys": keys.iter().map(KeyView::from).collect::<Vec<_>>(),
        "rotations": rotations.iter().map(RotationView::from).collect::<Vec<_>>(),
    });
    app.ui.result(&lines.join("\n"), &json);
    Ok(Exit::Done)
}

pub(crate) async fn revoke(
    app: &App,
    name: IntegrationName,
    yes: bool,
    dry_run: bool,
) -> Result<Exit, CommandError> {
    if app.store.integration(&name).await?.is_none() {
        return Err(unknown(app, &name).await);
    }
    let request = Request::new(name.clone(), Mode::Revoke);
    if dry_run {
        let preview = app.engine(Keeping::Nothing).preview(&request).await?;
        rotate::show_preview(app, &[preview]);
        return Ok(Exit::Done);
    }
    let question = format!("Kill the key of `{name}` now? Whatever uses it stops working.");
    if !yes && !prompt::confirm(&question, &format!("keywright key revoke {name} --yes")).await? {
        app.ui.note("nothing was changed");
        return Ok(Exit::Failed);
    }
    let engine = app.engine(Keeping::Kept);
    rotate::begin_and_drive(app, &engine, vec![request], 1).await
}

/// No such integration; perhaps one of a similar name.
pub(crate) async fn unknown(app: &App, name: &IntegrationName) -> CommandError {
    let known = match app.store.integrations().await {
        Ok(known) => known,
        Err(failure) => return failure.into(),
    };
    let why = match known.len() {
        0 => "there is none yet".to_owned(),
        1 => "there is 1 of another name".to_owned(),
        number => format!("there are {number} of other names"),
    };
    let report = operator(format!("there is no integration `{name}`")).because(why);
    let near = nearest(name.as_str(), known.iter().map(|integration| integration.name.as_str()));
    let report = match near {
        Some(near) => report.mend(format!("did you mean `{near}`?")),
        None => report,
    };
    report.mend("keywright key list").into()
}
