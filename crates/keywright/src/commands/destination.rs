//! `keywright destination list`, `check`, `drift`.

use futures_util::StreamExt as _;
use model::{Address, Integration, IntegrationName, Report};
use rotation::{Drift, World as _};
use serde_json::{Value, json};

use super::doctor::within;
use super::select;
use crate::Exit;
use crate::app::App;
use crate::drifted::{self, ROTATIONS_BACK, delivered_at};
use crate::error::CommandError;
use crate::keeper::Keeping;
use crate::ui::{BAD, BOLD, GOOD, WARN, clean, report_json, table};
use crate::view::span;

/// Destinations that are asked together.
const AT_ONCE: usize = 8;

/// The integrations that are named, or all in service.
async fn meant(app: &App, names: &[IntegrationName]) -> Result<Vec<Integration>, CommandError> {
    select::check_known(app, names).await?;
    let mut known = app.store.integrations().await?;
    known.retain(|of| of.retired_at.is_none() && (names.is_empty() || names.contains(&of.name)));
    Ok(known)
}

pub(crate) async fn list(app: &App, names: &[IntegrationName]) -> Result<Exit, CommandError> {
    let now = app.clock.now();
    let (mut rows, mut views) = (Vec::new(), Vec::new());
    for of in meant(app, names).await? {
        let rotations = app.store.rotations_of(&of.name, ROTATIONS_BACK).await?;
        for to in &of.destinations {
            let delivered = delivered_at(&rotations, to);
            let hook = of.reload.get(to);
            rows.push(vec![
                of.name.to_string(),
                to.to_string(),
                delivered.map_or_else(|| "–".into(), |at| format!("{} ago", span(at, now))),
                hook.map_or_else(|| "–".into(), Address::to_string),
            ]);
            views.push(
                json!({"integration": of.name, "destination": to, "delivered_at": delivered, "reload": hook}),
            );
        }
    }
    let text = if rows.is_empty() {
        "no destination yet; `deliver = [\"…\"]` of an integration names one".to_owned()
    } else {
        table(&["INTEGRATION", "DESTINATION", "DELIVERED", "RELOAD"], &rows)
    };
    app.ui.result(&text, &json!({ "destinations": views }));
    Ok(Exit::Done)
}

/// The kinds that there are.
pub(crate) fn kinds(ui: crate::ui::Ui) -> Exit {
    let (mut rows, mut views) = (Vec::new(), Vec::new());
    let mut add = |what: &str, name: &str, example: &str, summary: &str| {
        rows.push(vec![what.to_owned(), name.to_owned(), example.to_owned(), summary.to_owned()]);
        views.push(json!({"what": what, "kind": name, "example": example, "summary": summary}));
    };
    for kind in destinations::kinds() {
        add("destination", kind.name, kind.example, kind.summary);
    }
    for kind in destinations::service_kinds() {
        let what = if kind.holds_keys() { "service" } else { "hook" };
        add(what, kind.name, kind.example, kind.summary);
    }
    for kind in destinations::service_kinds() {
        if let Some(example) = kind.hook_example() {
            add("hook", kind.name, example, "of that service: what makes a program take up a new key");
        }
    }
    for kind in destinations::hook_kinds() {
        add("hook", kind.name, kind.example, kind.summary);
    }
    ui.result(&table(&["WHAT", "KIND", "EXAMPLE", "IT IS"], &rows), &json!({ "kinds": views }));
    Exit::Done
}

pub(crate) async fn check(app: &App, names: &[IntegrationName]) -> Result<Exit, CommandError> {
    let integrations = meant(app, names).await?;
    let places = integrations.iter().flat_map(|of| of.destinations.iter().map(move |to| (of, to)));
    let places = places.flat_map(|(of, to)| {
        let hook = of.reload.get(to).map(|hook| (of, hook, What::Hook));
        std::iter::once((of, to, What::Destination)).chain(hook)
    });
    let looked = futures_util::stream::iter(places).map(|(of, at, what)| async move {
        let seen = match what {
            What::Destination => writable(app, of, at).await,
            What::Hook => runnable(app, of, at).await,
        };
        (of.name.clone(), at.clone(), what, seen)
    });
    let looked: Vec<_> = looked.buffered(AT_ONCE).collect().await;
    let mut lines = Vec::new();
    for (name, at, what, seen) in &looked {
        let (is, can) = match what {
            What::Destination => ("", "can be written"),
            What::Hook => ("hook ", "can be run"),
        };
        match seen {
            Ok(()) => lines.push(format!("{GOOD}✓{GOOD:#} {BOLD}{name}{BOLD:#} {is}{at}  {can}")),
            Err(report) => {
                lines.push(format!("{BAD}✗{BAD:#} {BOLD}{name}{BOLD:#} {is}{at}  {}", clean(&report.what)));
                lines.extend(report.because.iter().map(|cause| format!("    because: {}", clean(cause))));
                lines.extend(report.mend.iter().map(|mend| format!("    try: {}", clean(mend))));
            }
        }
    }
    let faults = looked.iter().filter(|(.., seen)| seen.is_err()).count();
    lines.push(match (looked.len(), faults) {
        (0, _) => "there is no destination".to_owned(),
        (all, 0) => format!("all {all} can be reached and written"),
        (all, faults) => format!("{faults} of {all} cannot"),
    });
    let views: Vec<Value> = looked
        .iter()
        .map(|(name, at, what, seen)| {
            let key = match what {
                What::Destination => "destination",
                What::Hook => "reload",
            };
            json!({"integration": name, key: at, "ok": seen.is_ok(), "error": seen.as_ref().err().map(report_json)})
        })
        .collect();
    app.ui.result_lines(&lines, &json!({"checks": views, "faults": faults}));
    Ok(if faults == 0 { Exit::Done } else { Exit::Findings })
}

#[derive(Clone, Copy)]
enum What {
    Destination,
    Hook,
}

/// That a destination can be reached and written.
pub(super) async fn writable(app: &App, of: &Integration, to: &Address) -> Result<(), Report> {
    let opened = app.reach(Keeping::Kept).destination(to, of, None).map_err(|failure| *failure.report)?;
    within(async { opened.check().await.map_err(|failure| *failure.report) }).await
}

/// That a hook can be reached and run.
pub(super) async fn runnable(app: &App, of: &Integration, hook: &Address) -> Result<(), Report> {
    let opened = app.reach(Keeping::Kept).hook(hook, of, None).map_err(|failure| *failure.report)?;
    within(async { opened.check().await.map_err(|failure| *failure.report) }).await
}

pub(crate) async fn drift(app: &App, names: &[IntegrationName]) -> Result<Exit, CommandError> {
    let engine = app.engine(Keeping::Kept);
    let open = engine.open_rotations(None).await?;
    let (mut lines, mut views) = (Vec::new(), Vec::new());
    let (mut others, mut unknown) = (0, 0);
    for of in meant(app, names).await? {
        let mut its = false;
        for (to, seen) in engine.drift(&of).await? {
            let of_name = format!("{BOLD}{}{BOLD:#}", of.name);
            lines.push(match &seen {
                Drift::None => format!("{GOOD}✓{GOOD:#} {of_name} {to}  holds the current key"),
                Drift::Other(other) => {
                    format!("{BAD}✗{BAD:#} {of_name} {to}  holds another text, with fingerprint {other}…")
                }
                Drift::Absent => format!("{BAD}✗{BAD:#} {of_name} {to}  holds nothing"),
                Drift::Unreadable => format!("? {of_name} {to}  cannot be read back"),
                Drift::Failed(report) => format!("{WARN}?{WARN:#} {of_name} {to}  {}", clean(&report.line())),
            });
            its |= seen.is_drifted() == Some(true);
            others += usize::from(seen.is_drifted() == Some(true));
            unknown += usize::from(matches!(seen, Drift::Failed(_)));
            views.push(json!({"integration": of.name, "destination": to, "drift": seen}));
        }
        if its {
            let open = open.iter().find(|rotation| rotation.integration == of.name);
            lines.push(format!("    try: {}", drifted::mend(&of, open)));
        }
    }
    lines.push(match (views.len(), others, unknown) {
        (0, ..) => "there is no destination of a key".to_owned(),
        (all, 0, 0) => format!("none of {all} has drifted"),
        (all, drifted, 0) => format!("{drifted} of {all} have drifted"),
        (all, drifted, unknown) => format!("{drifted} of {all} have drifted, {unknown} could not be read"),
    });
    app.ui.result_lines(&lines, &json!({"destinations": views, "drifted": others, "unknown": unknown}));
    Ok(match (others, unknown) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Failed,
        _ => Exit::Findings,
    })
}
