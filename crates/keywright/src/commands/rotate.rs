//! `keywright rotate`: turn keys, go on with what waits, undo.

use model::{IntegrationName, Mode, Report, Rotation, RotationId, RotationStatus, Store as _};
use rotation::{Engine, Outcome, Preview, Request, RotationError, RotationErrorKind};
use serde_json::{Value, json};

use super::key;
use crate::Exit;
use crate::app::App;
use crate::cli::Rotate;
use crate::error::CommandError;
use crate::keeper::Keeping;
use crate::progress::shown;
use crate::ui::{BAD, BOLD, GOOD, WARN, report_json};
use crate::view::RotationView;

pub(crate) async fn run(app: &App, options: Rotate) -> Result<Exit, CommandError> {
    for name in &options.integrations {
        if app.store.integration(name).await?.is_none() {
            return Err(key::unknown(app, name).await);
        }
    }
    let at_once = usize::from(options.at_once);
    if options.resume {
        return resume(app, &options.integrations, at_once).await;
    }
    if options.abort {
        return abort(app, &options.integrations).await;
    }
    let mode = if options.compromised { Mode::Compromised } else { Mode::Graceful };
    let request =
        |name: &IntegrationName| Request { grace: options.grace, ..Request::new(name.clone(), mode) };
    let requests: Vec<Request> = options.integrations.iter().map(request).collect();
    if options.dry_run {
        let engine = app.engine(Keeping::Nothing);
        let mut previews = Vec::new();
        for request in &requests {
            previews.push(engine.preview(request).await?);
        }
        show_preview(app, &previews);
        return Ok(Exit::Done);
    }
    begin_and_drive(app, &app.engine(Keeping::Kept), requests, at_once).await
}

/// Begins and drives several; one failure does not stop the others.
pub(crate) async fn begin_and_drive(
    app: &App,
    engine: &Engine,
    requests: Vec<Request>,
    at_once: usize,
) -> Result<Exit, CommandError> {
    let mut begun = Vec::new();
    let mut results = Vec::new();
    for request in &requests {
        warn_of_gap(app, request).await?;
        match engine.start(request).await {
            Ok(id) => begun.push(id),
            Err(failure) => results.push((request.integration.to_string(), Err(failure))),
        }
    }
    results.extend(drive(app, engine, begun, at_once).await?);
    Ok(tell(app, results))
}

type Driven = (String, Result<Outcome, RotationError>);

async fn drive(
    app: &App,
    engine: &Engine,
    ids: Vec<RotationId>,
    at_once: usize,
) -> Result<Vec<Driven>, CommandError> {
    let mut driven = Vec::new();
    for (id, result) in engine.drive_all(ids, at_once).await {
        driven.push((id.to_string(), result));
    }
    app.store.flush_log().await?;
    Ok(driven)
}

/// Where n8n allows one key only, the gap is told beforehand.
async fn warn_of_gap(app: &App, request: &Request) -> Result<(), CommandError> {
    let Some(integration) = app.store.integration(&request.integration).await? else { return Ok(()) };
    let Some(instance) = app.store.instance(&integration.instance).await? else { return Ok(()) };
    if request.mode == Mode::Graceful && !instance.capabilities.keys.overlaps() {
        app.ui.warn(&format!(
            "n8n {} allows one key per user: `{}` has no working key from the old one's death until its destinations \
             hold the new one; the gap is measured",
            instance.version.as_deref().unwrap_or("of this version"),
            integration.name
        ));
    }
    Ok(())
}

async fn resume(app: &App, names: &[IntegrationName], at_once: usize) -> Result<Exit, CommandError> {
    let engine = app.engine(Keeping::Kept);
    let now = app.clock.now();
    let open = engine.open_rotations(None).await?;
    let named = |rotation: &Rotation| names.contains(&rotation.integration);
    let due = |rotation: &Rotation| match rotation.status {
        RotationStatus::Waiting => rotation.grace_until.is_none_or(|until| until <= now),
        _ => rotation.next_try.is_none_or(|next| next <= now),
    };
    let chosen: Vec<RotationId> =
        open.iter().filter(|r| if names.is_empty() { due(r) } else { named(r) }).map(|r| r.id).collect();
    if chosen.is_empty() {
        let later = open
            .iter()
            .filter_map(|r| r.next_try.max(r.grace_until).map(|at| (at, r)))
            .min_by_key(|(at, _)| *at);
        let text = match later {
            Some((at, rotation)) if names.is_empty() => {
                format!("nothing is due; next is `{}` at {}", rotation.integration, shown(at))
            }
            _ => "nothing waits".to_owned(),
        };
        app.ui.result(&text, &json!({ "rotations": [] }));
        return Ok(Exit::Done);
    }
    let mut driven = drive(app, &engine, chosen, at_once).await?;
    if names.is_empty() {
        // From cron, a rotation that another process is at is no failure.
        driven.retain(|(_, result)| !matches!(result, Err(failure) if matches!(failure.kind, RotationErrorKind::Busy(_))));
    }
    Ok(tell(app, driven))
}

async fn abort(app: &App, names: &[IntegrationName]) -> Result<Exit, CommandError> {
    let engine = app.engine(Keeping::Kept);
    let mut results = Vec::new();
    for name in names {
        let Some(open) = engine.open_rotations(Some(name)).await?.pop() else {
            let report = crate::error::operator(format!("`{name}` has no open rotation"))
                .because("there is nothing to undo");
            return Err(report.mend(format!("keywright key show {name}")).into());
        };
        results.push((open.id.to_string(), engine.abort(open.id).await));
    }
    app.store.flush_log().await?;
    Ok(tell(app, results))
}

/// Says what came of each, and whether something is left to be done.
fn tell(app: &App, results: Vec<Driven>) -> Exit {
    let mut exit = Exit::Done;
    let mut views: Vec<Value> = Vec::new();
    let mut lines = Vec::new();
    for (shown_as, result) in results {
        match result {
            Ok(Outcome::Over(rotation)) => {
                lines.push(over_line(&rotation));
                views.push(json!(RotationView::from(&*rotation)));
            }
            Ok(Outcome::Waiting(rotation, until)) => {
                let resume = "keywright rotate --resume   # from cron, or by hand then";
                lines.push(format!(
                    "{GOOD}delivered{GOOD:#} {BOLD}{}{BOLD:#}: the old key works until {}, then: {resume}",
                    rotation.integration,
                    shown(until)
                ));
                views.push(json!(RotationView::from(&*rotation)));
            }
            Ok(Outcome::Stalled(rotation, reports)) => {
                exit = Exit::Failed;
                report_stalled(app, &rotation, &reports);
                views.push(json!(RotationView::from(&*rotation)));
            }
            Err(failure) => {
                exit = Exit::Failed;
                views.push(json!({"rotation": shown_as, "error": report_json(&failure.report)}));
                app.ui.report(&CommandError::from(failure).report);
            }
        }
    }
    app.ui.result_lines(&lines, &json!({ "rotations": views }));
    exit
}

fn over_line(rotation: &Rotation) -> String {
    let name = &rotation.integration;
    let gap = rotation.gap_ms.map(|ms| format!("; {ms} ms without a working key")).unwrap_or_default();
    match (rotation.status, rotation.mode) {
        (RotationStatus::Aborted, _) => {
            format!("{WARN}undone{WARN:#} {BOLD}{name}{BOLD:#}: all is as it was before")
        }
        (RotationStatus::Superseded, _) => format!("{WARN}superseded{WARN:#} {BOLD}{name}{BOLD:#}"),
        (_, Mode::Revoke) => format!("{GOOD}revoked{GOOD:#} {BOLD}{name}{BOLD:#}: the key is proved dead"),
        (_, Mode::Create) => format!("{GOOD}made{GOOD:#} {BOLD}{name}{BOLD:#}: the key is in place"),
        _ => format!(
            "{GOOD}rotated{GOOD:#} {BOLD}{name}{BOLD:#}: the new key is in place, the old one is proved dead{gap}"
        ),
    }
}

/// What a stalled rotation stopped at, and what works meanwhile.
pub(crate) fn report_stalled(app: &App, rotation: &Rotation, reports: &[Report]) {
    for report in reports {
        app.ui.report(report);
    }
    let again = rotation.next_try.map(|at| format!(", next try at {}", shown(at))).unwrap_or_default();
    let name = &rotation.integration;
    let doing = if rotation.status == RotationStatus::Aborting { "undoing" } else { "rotation" };
    app.ui.note(&format!(
        "{BAD}stalled{BAD:#} {BOLD}{name}{BOLD:#}: {doing} {} goes on where it stopped{again}\n  now:   keywright rotate --resume {name}",
        rotation.id
    ));
}

/// What would be done, without doing it.
pub(crate) fn show_preview(app: &App, previews: &[Preview]) {
    let mut lines = Vec::new();
    for preview in previews {
        let name = &preview.integration.name;
        lines.push(format!(
            "{BOLD}{name}{BOLD:#} at {}, {}: would",
            preview.integration.instance,
            preview.mode.as_str()
        ));
        for step in &preview.steps {
            let to = step.destination.as_ref().map(|to| format!(" {to}")).unwrap_or_default();
            lines.push(format!("  {}{to}", step.kind.as_str()));
        }
        if preview.has_gap {
            lines.push(format!("{WARN}  there is a time without a working key{WARN:#}"));
        }
        if let Some(at) = preview.old_key_dies_at {
            lines.push(format!("  the old key would die at {}", shown(at)));
        }
    }
    lines.push("All checks passed; nothing was changed.".to_owned());
    let views: Vec<Value> = previews
        .iter()
        .map(|preview| {
            let steps: Vec<Value> = preview
                .steps
                .iter()
                .map(|step| json!({"step": step.kind.as_str(), "destination": step.destination}))
                .collect();
            json!({
                "integration": preview.integration.name,
                "mode": preview.mode,
                "steps": steps,
                "has_gap": preview.has_gap,
                "old_key_dies_at": preview.old_key_dies_at,
            })
        })
        .collect();
    app.ui.result_lines(&lines, &json!({"dry_run": true, "rotations": views}));
}
