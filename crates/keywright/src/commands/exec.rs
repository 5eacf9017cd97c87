//! `keywright exec`: a program with a key in its environment, and nowhere else. Nothing is written but the log.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use model::{Event, EventKind, Instance, Integration, IntegrationName, Key, KeyState, Secret};
use rustix::fs::{Access, access};

use super::key::unknown;
use crate::app::App;
use crate::cli::Exec;
use crate::config;
use crate::error::{CommandError, operator};
use crate::progress::shown;
use crate::{Exit, masked};

/// As shells say that a program is not there, or cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;

/// A key, and whose it is.
struct Chosen {
    integration: Integration,
    instance: Instance,
    key: Key,
    secret: Secret,
}

pub(crate) async fn run(app: App, options: Exec) -> Result<Exit, CommandError> {
    let Some((program, arguments)) = options.command.split_first() else {
        return Err(CommandError::usage(operator("no program is named")));
    };
    if options.url_env.as_ref() == Some(&options.env) {
        let report = operator(format!("`{}` cannot hold both key and URL", options.env.as_str()));
        let report = report.because("a variable holds one value").mend("--url-env N8N_BASE_URL");
        return Err(CommandError::usage(report));
    }
    let chosen = chosen(&app, &options.integration).await?;
    let path = find(program)?;
    let event = event(&app, &chosen, &path);
    let logged = match app.store.record(vec![event]).await {
        Ok(()) => app.store.flush_log().await,
        failed => failed,
    };
    logged.map_err(|mut failure| {
        failure.report.because.push("what cannot be logged is not run".to_owned());
        failure
    })?;

    let mut command = Command::new(&path);
    command.arg0(program).args(arguments);
    for name in config::own_variables().chain(app.hidden_variables().iter().map(OsString::from)) {
        command.env_remove(name);
    }
    if let Some(name) = &options.url_env {
        command.env(name.as_str(), &chosen.instance.url);
    }
    command.env(options.env.as_str(), chosen.secret.expose());
    let ui = app.ui;
    // Nothing of ours stays open behind the program's back.
    drop(app);
    let failed = if options.mask {
        match masked::run(ui, command, &chosen.secret).await {
            Ok(exit) => return Ok(exit),
            Err(error) => error,
        }
    } else {
        // From here on this process is the program: its signals, its terminal and its end are its own.
        command.exec()
    };
    Err(cannot_run(&path, &failed))
}

async fn chosen(app: &App, name: &IntegrationName) -> Result<Chosen, CommandError> {
    let Some(integration) = app.store.integration(name).await? else { return Err(unknown(app, name).await) };
    if let Some(at) = integration.retired_at {
        let report = operator(format!("`{name}` is out of service"));
        return Err(report.because(format!("since {}", shown(at))).mend("keywright key list").into());
    }
    let keys = app.store.keys(Some(name)).await?;
    let Some(key) = keys.into_iter().rev().find(|key| key.state == KeyState::Active) else {
        return Err(without_key(app, name).await);
    };
    if key.has_ended(app.clock.now()) {
        app.ui.warn(&format!("the key of `{name}` has ended by its own date: keywright rotate {name}"));
    }
    let Some(secret) = app.store.key_secret(key.id).await? else {
        let report = operator(format!("the text of the key of `{name}` is not in the store"));
        return Err(report.mend(format!("keywright rotate {name}   # makes another")).into());
    };
    let instance = app.instance(Some(&integration.instance)).await?;
    Ok(Chosen { integration, instance, key, secret })
}

async fn without_key(app: &App, name: &IntegrationName) -> CommandError {
    let open = match app.store.open_rotations().await {
        Ok(open) => open,
        Err(failure) => return failure.into(),
    };
    let report = match open.iter().find(|rotation| rotation.integration == *name) {
        Some(rotation) => operator(format!("`{name}` has no key in place"))
            .because(format!("its rotation {} is {}", rotation.id, rotation.status.as_str()))
            .mend(format!("keywright rotate --resume {name}")),
        None => operator(format!("`{name}` has no key"))
            .because("none was made, or all are retired")
            .mend(format!("keywright key create {name} --help")),
    };
    report.into()
}

/// The program's name is told, not what it is given: that may be secret.
fn event(app: &App, chosen: &Chosen, program: &Path) -> Event {
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut event = app.event(EventKind::KeyUsedByCommand).with("program", name);
    event.instance = Some(chosen.instance.name.clone());
    event.integration = Some(chosen.integration.name.clone());
    event.key = Some(chosen.key.id);
    event.fingerprint = Some(chosen.key.fingerprint);
    event
}

/// Looks for a program as shells do.
fn find(program: &OsStr) -> Result<PathBuf, CommandError> {
    let shown = program.to_string_lossy();
    let named = program.as_encoded_bytes().contains(&b'/');
    let places: Vec<PathBuf> = if named {
        vec![program.into()]
    } else {
        let folders = config::search_path();
        std::env::split_paths(&folders).map(|folder| Path::new(".").join(folder).join(program)).collect()
    };
    let there = |place: &&PathBuf| !program.is_empty() && place.is_file();
    if let Some(found) = places.iter().filter(there).find(|place| access(*place, Access::EXEC_OK).is_ok()) {
        return Ok(found.clone());
    }
    if let Some(found) = places.iter().find(there) {
        let report = operator(format!("cannot run `{shown}`"))
            .because(format!("`{}` is not executable", found.display()))
            .mend(format!("chmod +x {}", found.display()));
        return Err(CommandError { code: NOT_RUN, ..report.into() });
    }
    if named && places.iter().any(|place| place.is_dir()) {
        let report = operator(format!("cannot run `{shown}`")).because("it is a folder");
        return Err(CommandError { code: NOT_RUN, ..report.mend("name a program").into() });
    }
    let report = operator(format!("there is no program `{shown}`"));
    let report = if named {
        report.because("there is no file of this name").mend("look at its path")
    } else {
        report.because("it is in no folder of PATH").mend("give its whole path")
    };
    Err(CommandError { code: NOT_FOUND, ..report.into() })
}

fn cannot_run(path: &Path, error: &std::io::Error) -> CommandError {
    let code = if error.kind() == std::io::ErrorKind::NotFound { NOT_FOUND } else { NOT_RUN };
    let report = operator(format!("cannot run `{}`", path.display())).caused_by(error);
    let report = report.mend("if it is a script: its first line names its interpreter, such as `#!/bin/sh`");
    CommandError { code, ..report.into() }
}
