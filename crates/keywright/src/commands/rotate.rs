//! `keywright rotate`: turn keys, go on with what waits, undo.

use std::collections::BTreeMap;

use futures_util::{Stream, StreamExt as _};
use model::{
    InstanceName, Integration, IntegrationName, KeyModel, Mode, Rotation, RotationId, RotationStatus,
};
use rotation::{Engine, Outcome, Preview, Request, RotationError, RotationErrorKind};
use serde_json::{Value, json};

use super::outcome::Teller;
use super::select;
use crate::app::App;
use crate::cli::Rotate;
use crate::error::CommandError;
use crate::keeper::Keeping;
use crate::progress::shown;
use crate::ui::{BOLD, WARN, clean, report_json};
use crate::{Exit, prompt};

pub(crate) async fn run(app: &App, mut options: Rotate) -> Result<Exit, CommandError> {
    options.integrations.sort();
    options.integrations.dedup();
    let at_once = usize::from(options.at_once);
    if options.resume || options.abort {
        select::check_known(app, &options.integrations).await?;
        if options.resume {
            return resume(app, &options.integrations, at_once).await;
        }
        return abort(app, &options.integrations).await;
    }
    let chosen = select::chosen(app, &options).await?;
    let mode = if options.compromised { Mode::Compromised } else { Mode::Graceful };
    let request =
        |name: &IntegrationName| Request { grace: options.grace, ..Request::new(name.clone(), mode) };
    let requests: Vec<Request> = chosen.iter().map(request).collect();
    if requests.is_empty() {
        let text = if options.due { "nothing is due" } else { "no integration with a key is meant" };
        app.ui.result(text, &json!({"rotations": [], "left": []}));
        return Ok(Exit::Done);
    }
    if options.dry_run {
        return dry_run(app, &requests).await;
    }
    if options.integrations.is_empty() && !options.due && !options.yes && !agreed(&chosen, mode).await? {
        app.ui.note("nothing was changed");
        return Ok(Exit::Failed);
    }
    begin_and_drive(app, &app.engine(Keeping::Kept), requests, at_once).await
}

/// One that cannot be turned does not hide what would become of the others.
pub(super) async fn dry_run(app: &App, requests: &[Request]) -> Result<Exit, CommandError> {
    let engine = app.engine(Keeping::Nothing);
    let (mut previews, mut refused) = (Vec::new(), Vec::new());
    for request in requests {
        match engine.preview(request).await {
            Ok(preview) => previews.push(preview),
            Err(failure) => refused.push(CommandError::from(failure)),
        }
    }
    let Some(last) = refused.pop() else {
        show_preview(app, &previews);
        return Ok(Exit::Done);
    };
    if !previews.is_empty() {
        show_preview(app, &previews);
    }
    for error in &refused {
        app.ui.report(&error.report);
    }
    Err(last)
}

/// Many at once are asked for by name, or once more.
async fn agreed(chosen: &[IntegrationName], mode: Mode) -> Result<bool, CommandError> {
    let names = chosen.iter().map(IntegrationName::as_str).collect::<Vec<_>>().join(", ");
    let question = match mode {
        Mode::Compromised => format!("Kill these keys now, and make new ones: {names}?"),
        _ => format!("Turn the keys of {names}?"),
    };
    Ok(prompt::confirm(&question, "the same command with --yes").await?)
}

/// Begins and drives several; one failure does not stop the others.
pub(crate) async fn begin_and_drive(
    app: &App,
    engine: &Engine,
    requests: Vec<Request>,
    at_once: usize,
) -> Result<Exit, CommandError> {
    warn_of_gaps(app, &requests).await?;
    let turns = futures_util::stream::iter(requests).map(|request| async move {
        let result = match engine.start(&request).await {
            Ok(id) => engine.drive(id).await,
            Err(failure) => Err(failure),
        };
        (request.integration.to_string(), result)
    });
    tell_each(app, Teller::new(app), turns.buffer_unordered(at_once.max(1))).await
}

type Driven = (String, Result<Outcome, RotationError>);

/// Says what came of each as it comes.
async fn tell_each(
    app: &App,
    mut teller: Teller<'_>,
    driven: impl Stream<Item = Driven>,
) -> Result<Exit, CommandError> {
    let mut driven = std::pin::pin!(driven);
    while let Some((who, result)) = driven.next().await {
        teller.tell(&who, result).await?;
    }
    // Told first: a log that takes no events must not hide what was done.
    let exit = teller.finish()?;
    app.store.flush_log().await?;
    Ok(exit)
}

/// Where n8n allows one key only, the gap is told beforehand.
async fn warn_of_gaps(app: &App, requests: &[Request]) -> Result<(), CommandError> {
    let instances = app.store.instances().await?;
    let single: BTreeMap<&InstanceName, &str> = instances
        .iter()
        .filter(|instance| instance.capabilities.keys != KeyModel::Many)
        .map(|instance| (&instance.name, instance.version.as_deref().unwrap_or("of this version")))
        .collect();
    if single.is_empty() {
        return Ok(());
    }
    for integration in app.store.integrations().await? {
        let asked = |request: &&Request| request.integration == integration.name;
        let graceful = requests.iter().find(asked).is_some_and(|request| request.mode == Mode::Graceful);
        if let (true, Some(version)) = (graceful, single.get(&integration.instance)) {
            app.ui.warn(&format!(
                "n8n {version} allows one key per user: `{}` has no working key from the old one's death until its \
                 destinations hold the new one; the gap is measured",
                integration.name
            ));
        }
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
    let from_cron = names.is_empty();
    let untold = if from_cron { untold_nowhere(app, &open).await? } else { Vec::new() };
    let chosen = |r: &&Rotation| if from_cron { due(r) && !untold.contains(&r.id) } else { named(r) };
    let chosen: Vec<RotationId> = open.iter().filter(chosen).map(|r| r.id).collect();
    let told = open.iter().filter(|r| r.status == RotationStatus::Waiting).map(|r| r.id).collect();
    if chosen.is_empty() {
        let later = open
            .iter()
            .filter_map(|r| r.next_try.max(r.grace_until).map(|at| (at, r)))
            .min_by_key(|(at, _)| *at);
        let text = match later {
            Some((at, rotation)) if from_cron => {
                format!("nothing is due; next is `{}` at {}", rotation.integration, shown(at))
            }
            _ => "nothing waits".to_owned(),
        };
        app.ui.result(&text, &json!({ "rotations": [] }));
        return Ok(Exit::Done);
    }
    let driven = engine.drive_each(chosen, at_once).filter_map(async |(id, result)| {
        // From cron, a rotation that another process is at is no failure.
        let busy = matches!(&result, Err(failure) if matches!(failure.kind, RotationErrorKind::Busy(_)));
        (!(busy && from_cron)).then(|| (id.to_string(), result))
    });
    tell_each(app, Teller::new(app).told(told), driven).await
}

/// Open rotations whose new key is still to be told to a person: cron has none, and its output is kept.
async fn untold_nowhere(app: &App, open: &[Rotation]) -> Result<Vec<RotationId>, CommandError> {
    let integrations = app.store.integrations().await?;
    let nowhere = |rotation: &&Rotation| {
        let of = integrations.iter().find(|integration| integration.name == rotation.integration);
        let by_hand = of.is_some_and(Integration::is_told_by_hand);
        let makes = !matches!(rotation.mode, Mode::Revoke | Mode::Deliver)
            && rotation.status != RotationStatus::Aborting;
        by_hand && makes && rotation.status != RotationStatus::Waiting
    };
    let untold: Vec<&Rotation> = open.iter().filter(nowhere).collect();
    for rotation in &untold {
        app.ui.note(&format!(
            "`{name}` is left alone: it has no destination, so a person has to take its new key: keywright rotate --resume {name}",
            name = rotation.integration
        ));
    }
    Ok(untold.into_iter().map(|rotation| rotation.id).collect())
}

async fn abort(app: &App, names: &[IntegrationName]) -> Result<Exit, CommandError> {
    let engine = app.engine(Keeping::Kept);
    let mut teller = Teller::new(app);
    for name in names {
        let Some(open) = engine.open_rotations(Some(name)).await?.pop() else {
            let report = crate::error::operator(format!("`{name}` has no open rotation"))
                .because("there is nothing to undo");
            return Err(report.mend(format!("keywright key show {name}")).into());
        };
        teller.tell(&open.id.to_string(), engine.abort(open.id).await).await?;
    }
    // Told first: a log that takes no events must not hide what was done.
    let exit = teller.finish()?;
    app.store.flush_log().await?;
    Ok(exit)
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
        for report in &preview.unwritable {
            lines.push(format!("{WARN}  would stall at{WARN:#} {}", clean(&report.line())));
        }
        if let Some(at) = preview.old_key_dies_at {
            lines.push(format!("  the old key would die at {}", shown(at)));
        }
    }
    let passed = previews.iter().all(|preview| preview.unwritable.is_empty());
    lines.push(
        if passed { "All checks passed; nothing was changed." } else { "Nothing was changed." }.to_owned(),
    );
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
                "unwritable": preview.unwritable.iter().map(report_json).collect::<Vec<_>>(),
            })
        })
        .collect();
    app.ui.result_lines(&lines, &json!({"dry_run": true, "rotations": views}));
}
