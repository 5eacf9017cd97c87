//! `keywright log show`, `verify`, `export`.

use std::path::Path;

use model::{Event, EventKind, Timestamp};
use serde_json::json;
use store::log::{LogPublicKey, Reader, VerifyErrorKind, verify};

use crate::app::App;
use crate::cli::{LogCommand, LogFilter};
use crate::error::{CommandError, operator};
use crate::progress::shown;
use crate::ui::{BAD, DIM, GOOD, Ui, clean};
use crate::{Exit, Hooks};

pub(crate) async fn run(
    command: LogCommand,
    config: &Path,
    ui: Ui,
    hooks: &Hooks,
) -> Result<Exit, CommandError> {
    let open = async || App::open(config, ui, hooks).await;
    match command {
        LogCommand::Show(filter) => show(&open().await?, &filter).await,
        LogCommand::Export { public_key: true, .. } => {
            let app = open().await?;
            app.ui.out(&app.store.log_public_key().to_string());
            Ok(Exit::Done)
        }
        LogCommand::Export { public_key: false, filter } => export(&open().await?, &filter).await,
        LogCommand::Verify { folder: Some(folder), public_key } => {
            let key = public_key.as_deref().map(public_key_from).transpose()?;
            let key = key.ok_or_else(|| {
                CommandError::usage(
                    operator("a folder is verified with a public key").mend("--public-key KEY"),
                )
            })?;
            verified(ui, &folder, verify(&folder, &key, None))
        }
        LogCommand::Verify { folder: None, public_key } => {
            // Not flushed first: a log that was cut takes no more events, and verifying is to tell why.
            let app = open().await?;
            let given = public_key.as_deref().map(public_key_from).transpose()?;
            let key = given.unwrap_or_else(|| app.store.log_public_key());
            let head = app.store.log_head().await?;
            verified(ui, &app.log, verify(&app.log, &key, head.as_ref()))
        }
    }
}

/// A public key's text, or a file that holds it.
fn public_key_from(given: &str) -> Result<LogPublicKey, CommandError> {
    if let Ok(key) = given.parse() {
        return Ok(key);
    }
    let refused =
        || operator(format!("`{}` is neither a public key nor a file that holds one", clean(given)));
    let text = std::fs::read_to_string(given).map_err(|error| refused().caused_by(&error))?;
    text.trim().parse().map_err(|error| CommandError::from(refused().caused_by(&error)))
}

fn verified(
    ui: Ui,
    folder: &Path,
    result: Result<store::log::VerifyReport, store::log::VerifyError>,
) -> Result<Exit, CommandError> {
    match result {
        Ok(report) => {
            let end = if report.head_compared {
                "its end is the one that the store knows"
            } else {
                "its end was not compared: only the store knows whether batches are missing there"
            };
            let text = format!(
                "{GOOD}verified{GOOD:#} {}: {} events in {} batches and {} {}; {end}",
                folder.display(),
                report.events,
                report.batches,
                report.segments,
                if report.segments == 1 { "segment" } else { "segments" }
            );
            ui.result(&text, &json!({"verified": true, "report": report}));
            Ok(Exit::Done)
        }
        Err(failure) => match &failure.kind {
            VerifyErrorKind::Broken(fault) => {
                let text = format!(
                    "{BAD}tampered{BAD:#} {} line {}: {}",
                    clean(&fault.file),
                    fault.line,
                    clean(&fault.why)
                );
                ui.result(&text, &json!({"verified": false, "fault": fault}));
                Ok(Exit::Findings)
            }
            VerifyErrorKind::Unavailable => Err((*failure.report).into()),
        },
    }
}

fn lets(wanted: &LogFilter, since: Option<Timestamp>, event: &Event, kind: &str) -> bool {
    wanted.integration.as_ref().is_none_or(|name| event.integration.as_ref() == Some(name))
        && wanted.instance.as_ref().is_none_or(|name| event.instance.as_ref() == Some(name))
        && wanted.rotation.is_none_or(|id| event.rotation == Some(id))
        && wanted.after.is_none_or(|id| event.id > id)
        && since.is_none_or(|since| event.at >= since)
        && wanted.kind.as_deref().is_none_or(|wanted| wanted == kind)
}

async fn each(
    app: &App,
    wanted: &LogFilter,
    mut print: impl FnMut(&Event, &str),
) -> Result<Exit, CommandError> {
    if let Some(kind) = &wanted.kind {
        let known = serde_json::from_value::<EventKind>(kind.as_str().into());
        known.map_err(|_unknown| {
            let report = operator(format!("there is no kind of event `{}`", clean(kind)));
            let report = report.because("it is none of those in docs/reference/events.md");
            CommandError::usage(report.mend("--kind key_retired   # for example"))
        })?;
    }
    if let Err(failure) = app.store.flush_log().await {
        // What is there can be shown all the same, and may be what somebody wants hidden.
        app.ui.warn(&failure.report.line());
    }
    let since = wanted.since.and_then(|since| app.clock.now().checked_sub(since.duration()).ok());
    for logged in Reader::open(&app.log)? {
        let event = logged?.event;
        let kind = kind_of(&event);
        if lets(wanted, since, &event, &kind) {
            print(&event, &kind);
        }
    }
    Ok(Exit::Done)
}

fn kind_of(event: &Event) -> String {
    let value = serde_json::to_value(event.kind).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

async fn show(app: &App, filter: &LogFilter) -> Result<Exit, CommandError> {
    if app.ui.is_json() {
        return export(app, filter).await;
    }
    let ui = app.ui;
    each(app, filter, |event, kind| ui.out(&line(event, kind))).await
}

async fn export(app: &App, filter: &LogFilter) -> Result<Exit, CommandError> {
    let ui = app.ui;
    each(app, filter, |event, _| ui.out(&serde_json::to_string(event).unwrap_or_default())).await
}

fn line(event: &Event, kind: &str) -> String {
    let detail = |name: &str| event.detail.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let subject = event.integration.as_ref().map(ToString::to_string);
    let subject = subject.or_else(|| event.instance.as_ref().map(ToString::to_string));
    let parts = [
        subject,
        detail("step"),
        event.destination.as_ref().map(ToString::to_string),
        event.fingerprint.map(|fingerprint| format!("key {}", fingerprint.short())),
        event.detail.get("status").map(|status| format!("answered {status}")),
        detail("mode").zip(event.rotation).map(|(mode, id)| format!("{mode}, rotation {id}")),
        detail("problem"),
    ];
    let about = parts.into_iter().flatten().collect::<Vec<_>>().join("  ");
    format!(
        "{DIM}{}{DIM:#}  {kind:<20}  {}  {DIM}{}{DIM:#}",
        shown(event.at),
        clean(&about),
        clean(&event.actor)
    )
}
