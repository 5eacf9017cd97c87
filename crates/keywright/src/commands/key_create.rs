//! `keywright key create`: an integration's first key, shown once or put where it is used.

use model::{
    Fingerprint, Instance, Integration, IntegrationRole, KeyModel, Mode, Period, Report, Rotation,
    RotationId, Scope, ScopeSupport, Secret, Source, StepKind,
};
use rotation::{Outcome, Request, World as _};
use serde_json::json;

use super::{outcome, rotate};
use crate::Exit;
use crate::app::App;
use crate::cli::KeyCreate;
use crate::config::{lifetime, nearest};
use crate::error::{CommandError, operator};
use crate::keeper::Keeping;
use crate::ui::BOLD;
use crate::view::KeyView;

pub(crate) async fn run(app: &App, options: KeyCreate) -> Result<Exit, CommandError> {
    let instance = app.instance(options.instance.as_ref()).await?;
    let integration = declare(app, &options, &instance)?;
    let others = living_others(app, &integration).await?;
    check_room(&integration, &instance, &others)?;
    check_places(&integration, &others)?;
    let request = Request {
        declare: Some(integration.clone()),
        ..Request::new(integration.name.clone(), Mode::Create)
    };
    if options.dry_run {
        let preview = app.engine(Keeping::Nothing).preview(&request).await?;
        rotate::show_preview(app, &[preview]);
        return Ok(Exit::Done);
    }
    let engine = app.engine(Keeping::Kept);
    // What is wrong now is told now, before anything is begun; the rotation's own check comes again later.
    engine.preview(&request).await?;
    let id = engine.start(&request).await?;
    let exit = tell(app, &integration, id, engine.drive(id).await?, &options).await?;
    app.store.flush_log().await?;
    Ok(exit)
}

async fn tell(
    app: &App,
    integration: &Integration,
    id: RotationId,
    outcome: Outcome,
    options: &KeyCreate,
) -> Result<Exit, CommandError> {
    match outcome {
        Outcome::Over(rotation) | Outcome::Waiting(rotation, _) => {
            tell_of_former(app, &rotation);
            show(app, integration, id, options).await
        }
        Outcome::Stalled(rotation, reports) => {
            outcome::report_stalled(app, &rotation, &reports);
            Ok(Exit::Failed)
        }
    }
}

fn declare(app: &App, options: &KeyCreate, instance: &Instance) -> Result<Integration, CommandError> {
    let expires_after = match options.expires.as_deref() {
        Some("never") => None,
        Some(text) => Some(text.parse::<Period>().map_err(|error| {
            CommandError::usage(
                operator("cannot use `--expires`")
                    .caused_by(&error)
                    .mend("--expires 90d")
                    .mend("--expires never   # if it must not end by itself"),
            )
        })?),
        None => options.rotate_every.map(|every| lifetime(every, options.grace)),
    };
    if expires_after == Some(Period::ZERO) {
        return Err(CommandError::usage(
            operator("cannot use `--expires`")
                .because("a key that lives no time at all is of no use")
                .mend("--expires 90d"),
        ));
    }
    if let Some(lives) = expires_after.filter(|lives| *lives <= options.grace) {
        let report =
            operator(format!("the key would end after {lives}, within the grace of {}", options.grace))
                .because("an old key has to work until its grace is over")
                .mend("--expires with a longer period, or a shorter --grace");
        return Err(CommandError::usage(report));
    }
    if let (Some(lives), Some(every)) = (expires_after, options.rotate_every)
        && lives < every + options.grace
    {
        let report = operator("cannot use `--expires`").because(format!(
            "the key would end after {lives}, before its rotation every {every} and grace are over"
        ));
        return Err(CommandError::usage(report.mend("--expires with a longer period, or leave it out")));
    }
    check_scopes(app, &options.scopes, instance)?;
    let integration = Integration {
        name: options.integration.clone(),
        instance: instance.name.clone(),
        role: IntegrationRole::Client,
        owner: options.owner.clone(),
        scopes: options.scopes.clone(),
        rotate_every: options.rotate_every,
        rotate_on: None,
        grace: options.grace,
        expires_after: expires_after.filter(|_| instance.capabilities.expiry),
        destinations: distinct(&options.destinations)?,
        reload: std::collections::BTreeMap::new(),
        silent_after: None,
        source: Source::Command,
        created_at: app.clock.now(),
        retired_at: None,
    };
    let reach = app.reach(Keeping::Nothing);
    for to in &integration.destinations {
        let opened = reach.destination(to, &integration, None);
        opened.map_err(|failure| CommandError { code: 2, ..failure.into() })?;
    }
    Ok(integration)
}

pub(super) fn distinct(destinations: &[model::Address]) -> Result<Vec<model::Address>, CommandError> {
    let mut seen = Vec::new();
    for to in destinations {
        if seen.contains(to) {
            let report = operator(format!("`{to}` is given twice"))
                .because("a destination holds one key")
                .mend("give it once");
            return Err(CommandError::usage(report));
        }
        seen.push(to.clone());
    }
    Ok(seen)
}

fn check_scopes(app: &App, scopes: &[Scope], instance: &Instance) -> Result<(), CommandError> {
    let capabilities = &instance.capabilities;
    let version = instance.version.as_deref().unwrap_or("this version");
    if capabilities.scopes == ScopeSupport::Absent {
        if !scopes.is_empty() {
            app.ui.warn(&format!(
                "n8n {version} has no scopes: the key can do everything; `--scope` is noted only"
            ));
        }
        return Ok(());
    }
    let known = || capabilities.available_scopes.iter().map(Scope::as_str);
    // Nobody but n8n's own page tells them where there is no session and no description.
    let all_known = !capabilities.available_scopes.is_empty();
    if scopes.is_empty() {
        let report = operator("a key needs to be told what it may do")
            .because("n8n refuses a key without scopes, and one with all of them is root")
            .mend("--scope workflow:list,workflow:read")
            .mend(format!("scopes there are: {}", known().collect::<Vec<_>>().join(" ")));
        return Err(CommandError::usage(report));
    }
    let mut report: Option<Report> = None;
    for scope in scopes.iter().filter(|scope| all_known && !capabilities.available_scopes.contains(scope)) {
        let near = nearest(scope.as_str(), known())
            .map(|near| format!("; did you mean `{near}`?"))
            .unwrap_or_default();
        let line = format!("`{scope}` is not among them{near}");
        let what = || {
            operator(format!(
                "n8n {version} does not let {} give these scopes",
                instance.admin_email.as_deref().unwrap_or("its user")
            ))
        };
        report = Some(report.unwrap_or_else(what).because(line));
    }
    if let Some(report) = report {
        // A near name is a better answer than a hundred of them.
        let near = report.because.iter().all(|line| line.contains("did you mean"));
        let all = || format!("scopes there are: {}", known().collect::<Vec<_>>().join(" "));
        let report = if near { report.mend("write it as it is suggested above") } else { report.mend(all()) };
        return Err(CommandError::usage(report));
    }
    if capabilities.scopes == ScopeSupport::StoredOnly {
        app.ui.warn(&format!(
            "n8n {version} stores scopes but does not enforce them: the key can do everything"
        ));
    }
    Ok(())
}

/// The other integrations that have a key which works.
pub(super) async fn living_others(
    app: &App,
    integration: &Integration,
) -> Result<Vec<Integration>, CommandError> {
    let keys = app.store.keys(None).await?;
    let mut others = app.store.integrations().await?;
    let lives = |of: &Integration| keys.iter().any(|key| key.integration == of.name && key.state.lives());
    others.retain(|other| other.name != integration.name && lives(other));
    Ok(others)
}

/// Where a user may have one key, there is room for one integration.
pub(super) fn check_room(
    integration: &Integration,
    instance: &Instance,
    others: &[Integration],
) -> Result<(), Report> {
    let full = instance.capabilities.keys != KeyModel::Many;
    let Some(other) = others.iter().find(|other| full && other.instance == integration.instance) else {
        return Ok(());
    };
    let version = instance.version.as_deref().unwrap_or("of this version");
    Err(operator(format!("`{}` has room for one key, and `{}` has it", instance.name, other.name))
        .because(format!("n8n {version} allows one key per user"))
        .mend("keywright connect NAME URL --email OTHER   # another n8n user, for this integration alone")
        .mend("update n8n: from 1.73 on, a user may have several keys"))
}

/// A place holds one key: that of another integration which lives must not be taken from it.
pub(super) fn check_places(integration: &Integration, others: &[Integration]) -> Result<(), CommandError> {
    for other in others {
        if let Some(to) = integration.destinations.iter().find(|to| other.destinations.contains(to)) {
            let report = operator(format!("`{to}` holds the key of `{}`", other.name))
                .because("one integration, one key, and a place of its own")
                .mend(format!("keywright rotate {}   # if that is the key you want there", other.name))
                .mend(format!("keywright key revoke {}   # if it is not used any more", other.name));
            return Err(CommandError::usage(report));
        }
    }
    Ok(())
}

/// Another key that was there before still works: nobody but its maker knows where else it is.
fn tell_of_former(app: &App, rotation: &Rotation) {
    let nothing = Fingerprint::of(&Secret::new(""));
    for step in rotation.steps.iter().filter(|step| step.kind == StepKind::Deliver) {
        let previous =
            step.evidence.get("previous").and_then(|previous| previous.as_str()).unwrap_or_default();
        if let (Ok(fingerprint), Some(to)) = (previous.parse::<Fingerprint>(), &step.destination)
            && fingerprint != nothing
        {
            app.ui.warn(&format!(
                "`{to}` held another text (fingerprint {}); if it was a key of n8n, it works until you delete it there",
                fingerprint.short()
            ));
        }
    }
}

async fn show(
    app: &App,
    integration: &Integration,
    rotation: RotationId,
    options: &KeyCreate,
) -> Result<Exit, CommandError> {
    let keys = app.store.keys(Some(&integration.name)).await?;
    let Some(key) = keys.iter().find(|key| key.rotation == rotation) else {
        return Err(operator(format!("the key of `{}` is not in the store", integration.name)).into());
    };
    let reveal = options.show || integration.destinations.is_empty();
    let secret = if reveal { app.store.key_secret(key.id).await? } else { None };
    if app.ui.is_json() {
        let text = secret.as_ref().map(Secret::expose);
        app.ui.secret(&json!({"key": KeyView::from(key), "secret": text}).to_string())?;
        return Ok(Exit::Done);
    }
    let ends = key
        .expires_at
        .map_or_else(|| "never expires".into(), |at| format!("expires {}", crate::progress::shown(at)));
    app.ui.note(&format!(
        "`{}` has key {BOLD}{}{BOLD:#} …{}, {ends}",
        integration.name,
        key.fingerprint.short(),
        key.tail
    ));
    for to in &integration.destinations {
        app.ui.note(&format!("  in {to}"));
    }
    if let Some(secret) = secret {
        app.ui.note("This is the only time that it is shown:");
        app.ui.secret(secret.expose())?;
    }
    Ok(Exit::Done)
}
