//! `keywright doctor`: looks at everything that Keywright stands on, and has a mend for each fault. It changes
//! nothing but a session that had ended.

use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt as _;
use model::{Instance, Integration, Report, Timestamp};
use n8n::{N8nClient, Probe};
use serde_json::{Value, json};
use store::log::verify;

use super::destination::runnable;
use crate::app::App;
use crate::cli::Doctor;
use crate::config::{self, Config};
use crate::error::{CommandError, operator};
use crate::keeper::Keeping;
use crate::ui::{BAD, BOLD, GOOD, Ui, report_json};
use crate::{Exit, Hooks};

/// A clock that is wrong by more than this makes second factors and expiries wrong too.
const SKEW_MAX_S: i64 = 30;
/// How long one instance or destination may take.
const PATIENCE: Duration = Duration::from_secs(45);
const AT_ONCE: usize = 8;

/// One thing that was looked at.
struct Check {
    what: &'static str,
    subject: String,
    /// What was seen, or what is wrong.
    seen: Result<String, Report>,
}

impl Check {
    fn new(what: &'static str, subject: &impl ToString, seen: Result<String, Report>) -> Self {
        Self { what, subject: subject.to_string(), seen }
    }
}

pub(crate) async fn run(path: &Path, ui: Ui, hooks: &Hooks, options: &Doctor) -> Result<Exit, CommandError> {
    let mut checks = Vec::new();
    if let Some(app) = open(path, ui, hooks, &mut checks).await {
        checks.push(Check::new("log", &app.log.display(), log(&app).await));
        checks.extend(outside(&app, options).await?);
    }
    tell(ui, &checks);
    Ok(if checks.iter().all(|check| check.seen.is_ok()) { Exit::Done } else { Exit::Findings })
}

/// The configuration, the master key and the store; each stands on the one before.
async fn open(path: &Path, ui: Ui, hooks: &Hooks, checks: &mut Vec<Check>) -> Option<App> {
    let loaded = Config::load(path);
    let config = loaded.as_ref().ok().cloned();
    checks.push(Check::new("configuration", &path.display(), loaded.map(|_| "is sound".into())));
    let config = config?;
    let key = config::master_key_text(&config.master_key);
    let readable = key.is_ok();
    let private = "can be read, and by nobody else".to_owned();
    checks.push(Check::new("master key", &config.master_key, key.map(|_| private)));
    if !readable {
        return None;
    }
    match App::open(path, ui, hooks).await {
        Ok(app) => {
            let seen = "opens, and the master key is its own".to_owned();
            checks.push(Check::new("store", &app.store.place_shown(), Ok(seen)));
            Some(app)
        }
        Err(error) => {
            checks.push(Check::new("store", &config.store, Err(*error.report)));
            None
        }
    }
}

async fn log(app: &App) -> Result<String, Report> {
    app.store.flush_log().await.map_err(|failure| *failure.report)?;
    let head = app.store.log_head().await.map_err(|failure| *failure.report)?;
    let (folder, key) = (app.log.clone(), app.store.log_public_key());
    let verified = tokio::task::spawn_blocking(move || verify(&folder, &key, head.as_ref())).await;
    match verified {
        Ok(Ok(report)) => Ok(format!("verified: {} events", report.events)),
        Ok(Err(failure)) => Err(failure.report.mend("keywright log verify   # names the first bad line")),
        Err(_ended) => Err(operator("the log was not verified to its end")),
    }
}

/// Instances and destinations, several at a time.
async fn outside(app: &App, options: &Doctor) -> Result<Vec<Check>, CommandError> {
    let mut instances = app.store.instances().await?;
    instances.retain(|instance| instance.retired_at.is_none());
    let mut integrations = app.store.integrations().await?;
    integrations.retain(|of| of.retired_at.is_none());
    if instances.is_empty() {
        let report = operator("there is no instance yet")
            .mend("keywright connect prod https://n8n.example.com --email you@example.com");
        return Ok(vec![Check::new("instances", &"none", Err(report))]);
    }
    if options.offline {
        return Ok(Vec::new());
    }
    let looked = futures_util::stream::iter(&instances).map(|instance| look(app, instance));
    let mut checks: Vec<Check> = looked.buffered(AT_ONCE).concat().await;
    let places = integrations.iter().flat_map(|of| of.destinations.iter().map(move |to| (of, to)));
    let reached = futures_util::stream::iter(places).map(|(of, to)| async move {
        Check::new("destination", &format!("{to} of {}", of.name), destination(app, of, to).await)
    });
    checks.extend(reached.buffered(AT_ONCE).collect::<Vec<_>>().await);
    let hooks = integrations.iter().flat_map(|of| of.reload.values().map(move |hook| (of, hook)));
    let reached = futures_util::stream::iter(hooks).map(|(of, hook)| async move {
        let seen = runnable(app, of, hook).await.map(|()| "can be run".to_owned());
        Check::new("hook", &format!("{hook} of {}", of.name), seen)
    });
    checks.extend(reached.buffered(AT_ONCE).collect::<Vec<_>>().await);
    Ok(checks)
}

async fn look(app: &App, instance: &Instance) -> Vec<Check> {
    let name = &instance.name;
    let client = match app.reach(Keeping::Kept).client(instance).await {
        Ok(client) => client,
        Err(report) => return vec![Check::new("instance", name, Err(report))],
    };
    let before = app.clock.now();
    let probe = within(async { client.probe().await.map_err(|failure| *failure.report) }).await;
    let after = app.clock.now();
    let reached = probe.is_ok();
    let mut checks = Vec::new();
    if let Ok(probe) = &probe {
        checks.push(Check::new("clock", name, skew(instance, probe, before, after)));
    }
    let tls = if instance.url.starts_with("https:") { ", its certificate is accepted" } else { "" };
    let seen = probe.map(|probe| format!("answers in {} ms{tls}", probe.took.as_millis()));
    checks.insert(0, Check::new("instance", name, seen));
    if reached && instance.is_assisted() {
        checks.push(Check::new("public API", name, within(public_api(instance, &client)).await));
    } else if reached {
        checks.push(Check::new("login", name, within(login(instance, &client)).await));
    }
    checks
}

pub(super) async fn within<T>(work: impl Future<Output = Result<T, Report>>) -> Result<T, Report> {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.unwrap_or_else(|_late| {
        Err(operator("no answer").because(format!("not within {} s", PATIENCE.as_secs())))
    })
}

fn skew(instance: &Instance, probe: &Probe, before: Timestamp, after: Timestamp) -> Result<String, Report> {
    let Some(date) = probe.date else { return Ok("does not tell its time".into()) };
    // Its answer was made between the two, and is told to the second.
    let ahead = date.duration_since(after).as_secs();
    let behind = before.duration_since(date).as_secs() - 1;
    let (seconds, way) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
    if seconds <= SKEW_MAX_S {
        return Ok("agrees with ours".into());
    }
    Err(operator(format!("the clock of `{}` is {seconds} s {way} ours", instance.name))
        .because("second factors are refused, and keys end at other times than they should")
        .mend("timedatectl status   # on both hosts: is the clock synchronised?"))
}

/// What can be seen of an instance whose keys a person makes by hand.
async fn public_api(instance: &Instance, client: &N8nClient) -> Result<String, Report> {
    client.check_from_outside(&instance.capabilities).await.map_err(|failure| *failure.report)?;
    let learned = client.learn_from_outside().await.map_err(|failure| *failure.report)?;
    let of_keys = |can: &model::Capabilities| (can.keys, can.scopes, can.expiry, can.discover);
    if of_keys(&learned.capabilities) != of_keys(&instance.capabilities) {
        return Err(operator(format!("`{}` is not what it was when it was connected", instance.name))
            .because("what its keys can do has changed")
            .mend(format!("keywright connect {} {} --assisted", instance.name, instance.url)));
    }
    Ok("refuses a made-up key; assisted: a person makes and deletes keys".into())
}

/// That the session is good, and that what we know of the instance is still so.
async fn login(instance: &Instance, client: &N8nClient) -> Result<String, Report> {
    let again = format!(
        "keywright connect {} {} --email {}",
        instance.name,
        instance.url,
        instance.admin_email.as_deref().unwrap_or_default()
    );
    let learned = client.learn().await.map_err(|failure| failure.report.mend(again.clone()))?;
    let version = learned.version.as_deref().unwrap_or("of unknown version");
    if learned.version != instance.version || learned.capabilities != instance.capabilities {
        let was = instance.version.as_deref().unwrap_or("of unknown version");
        return Err(operator(format!("`{}` is not what it was when it was connected", instance.name))
            .because(format!("it was n8n {was}, and is n8n {version}; what keys can do may have changed"))
            .mend(again));
    }
    Ok(format!("n8n {version}, as {} ({})", learned.user.email, learned.user.role))
}

async fn destination(app: &App, of: &Integration, to: &model::Address) -> Result<String, Report> {
    super::destination::writable(app, of, to).await?;
    Ok("can be written".into())
}

fn tell(ui: Ui, checks: &[Check]) {
    let mut lines = Vec::new();
    for check in checks {
        let about = format!("{:<13} {BOLD}{}{BOLD:#}", check.what, crate::ui::clean(&check.subject));
        match &check.seen {
            Ok(seen) => lines.push(format!("{GOOD}✓{GOOD:#} {about}  {}", crate::ui::clean(seen))),
            Err(report) => {
                lines.push(format!("{BAD}✗{BAD:#} {about}  {}", crate::ui::clean(&report.what)));
                let clean = crate::ui::clean;
                lines.extend(report.because.iter().map(|cause| format!("    because: {}", clean(cause))));
                lines.extend(report.mend.iter().map(|mend| format!("    try: {}", clean(mend))));
            }
        }
    }
    let faults = checks.iter().filter(|check| check.seen.is_err()).count();
    let looked = checks.len();
    lines.push(if faults == 0 {
        format!("all is well: {looked} checks")
    } else {
        format!("{faults} of {looked} checks found a fault")
    });
    let view = |check: &Check| -> Value {
        json!({
            "check": check.what,
            "subject": check.subject,
            "seen": check.seen.as_ref().ok(),
            "error": check.seen.as_ref().err().map(report_json),
        })
    };
    ui.result_lines(
        &lines,
        &json!({"checks": checks.iter().map(view).collect::<Vec<_>>(), "faults": faults}),
    );
}
