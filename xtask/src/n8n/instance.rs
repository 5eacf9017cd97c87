//! Starts one n8n from nothing and waits until it is ready and has its owner.
use super::postgres::Cluster;
use super::spawn::{detached, spawn, tail};
use super::start::{free_ports, until};
use super::{Cache, Process, Release, RunningInstance, http};
use crate::progress::tell;
use crate::{Fault, Result};
use rustix::process::Signal;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

const EMAIL: &str = "owner@keywright.example";
const PASSWORD: &str = "Canary-Owner-1";
const PATIENCE: Duration = Duration::from_mins(5);
/// A free port may be taken by another before the server gets to it.
const ATTEMPTS: usize = 3;

/// What every release gets; the rest is said where it is chosen.
const ENVIRONMENT: [(&str, &str); 14] = [
    ("NODE_ENV", "production"),
    ("DB_TYPE", "postgresdb"),
    ("DB_POSTGRESDB_HOST", "127.0.0.1"),
    ("DB_POSTGRESDB_USER", "postgres"),
    ("DB_POSTGRESDB_PASSWORD", "example"),
    ("N8N_LISTEN_ADDRESS", "127.0.0.1"),
    ("N8N_ENCRYPTION_KEY", "canary-encryption-key-example"),
    ("N8N_SECURE_COOKIE", "false"),
    ("N8N_COMMUNITY_PACKAGES_ENABLED", "false"),
    ("N8N_DIAGNOSTICS_ENABLED", "false"),
    ("N8N_VERSION_NOTIFICATIONS_ENABLED", "false"),
    ("N8N_TEMPLATES_ENABLED", "false"),
    ("N8N_PERSONALIZATION_ENABLED", "false"),
    ("GENERIC_TIMEZONE", "UTC"),
];

/// Stops what is left of an earlier one and starts a new one, with an empty database and one owner.
pub(super) fn start(
    cache: &Cache,
    run: &Path,
    cluster: &Cluster,
    release: &Release,
) -> Result<RunningInstance> {
    let began = Instant::now();
    tell(&format!("start n8n {}", release.version));
    for attempts_left in (0..ATTEMPTS).rev() {
        if let Some(earlier) = RunningInstance::read(run, release.version) {
            earlier.process.stop(Signal::TERM, Duration::from_secs(10))?;
        }
        match attempt(cache, run, cluster, release) {
            Ok(instance) => {
                let seconds = began.elapsed().as_secs_f32();
                tell(&format!("n8n {} is ready at {}, {seconds:.1} s", release.version, instance.url));
                return Ok(instance);
            }
            Err(fault) if attempts_left == 0 => return Err(fault),
            Err(fault) => tell(&format!("{fault}once more")),
        }
    }
    Err(Fault::new("no attempt was made", "report this"))
}

fn attempt(cache: &Cache, run: &Path, cluster: &Cluster, release: &Release) -> Result<RunningInstance> {
    let [port, broker] = free_ports()?;
    let database = release.database();
    cluster.renew_database(&database, run)?;
    let home = run.join(format!("home-{}", release.version));
    let fault = |e: std::io::Error| {
        Fault::new(format!("`{}` cannot be renewed", home.display()), "by hand").because(e)
    };
    if home.exists() {
        std::fs::remove_dir_all(&home).map_err(fault)?;
    }
    std::fs::create_dir_all(&home).map_err(fault)?;
    let log = run.join(format!("{}.log", release.version));
    let node = cache.node_program(release.node);
    let mut command = detached(&node, &log, None)?;
    // It starts its task runner by the name `node`.
    let folder = node.parent().unwrap_or(Path::new("/"));
    command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display()));
    command
        .arg(cache.n8n_script(release))
        .arg("start")
        .envs(ENVIRONMENT)
        .envs(release.environment.iter().copied());
    command.env("HOME", &home).env("N8N_USER_FOLDER", &home).env("DB_POSTGRESDB_DATABASE", &database);
    command.env("DB_POSTGRESDB_PORT", cluster.port.to_string()).env("N8N_PORT", port.to_string());
    command.env("N8N_RUNNERS_BROKER_PORT", broker.to_string());
    let mut child = spawn(&mut command, "n8n")?;
    let process = i32::try_from(child.id()).ok().and_then(Process::of);
    let mut instance = RunningInstance {
        version: release.version.to_owned(),
        url: format!("http://127.0.0.1:{port}"),
        email: EMAIL.to_owned(),
        password: PASSWORD.to_owned(),
        cookie: String::new(),
        port,
        process: process
            .ok_or_else(|| Fault::new("n8n ended at once", "look at its log").because(tail(&log)))?,
        database: format!("postgres://postgres@127.0.0.1:{}/{database}", cluster.port),
        log,
        ready: false,
    };
    // Before it is ready, so that `stop` knows of it whatever happens here.
    instance.write(run)?;
    instance.cookie = wait(&instance, &mut child)?;
    instance.ready = true;
    instance.write(run)?;
    Ok(instance)
}

/// Waits until it says that it is ready and has taken its owner; hands back the owner's session.
fn wait(instance: &RunningInstance, child: &mut Child) -> Result<String> {
    let fault = |why: String| {
        Fault::new(
            format!("n8n {} did not become ready", instance.version),
            "cargo xtask n8n stop, then start",
        )
        .because(why)
        .because(tail(&instance.log))
    };
    let answer = until(PATIENCE, || match child.try_wait() {
        Ok(Some(status)) => Some(Err(format!("it ended: {status}"))),
        _ => owner_session(instance.port).transpose(),
    });
    answer.unwrap_or_else(|| Err(format!("{} s have passed", PATIENCE.as_secs()))).map_err(fault)
}

/// Sets up the owner. `Ok(None)`: not yet. It may say ready before its routes are there, hence the 404.
fn owner_session(port: u16) -> std::result::Result<Option<String>, String> {
    let ready = http::call(port, "GET", "/healthz/readiness", None);
    if !ready.is_ok_and(|answer| answer.status == 200) {
        return Ok(None);
    }
    let owner = serde_json::json!({
        "email": EMAIL, "password": PASSWORD, "firstName": "Canary", "lastName": "Owner",
    });
    match http::call(port, "POST", "/rest/owner/setup", Some(&owner.to_string())) {
        Ok(answer) if answer.status == 200 => {
            answer.cookie.map(Some).ok_or_else(|| "it made the owner and gave no session".to_owned())
        }
        Ok(answer) if answer.status != 404 && answer.status != 503 => {
            Err(format!("it refused its owner with status {}", answer.status))
        }
        _ => Ok(None),
    }
}
