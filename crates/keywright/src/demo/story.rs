//! The story, act by act.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::{Issuer, Secret};
use tokio::time::Instant;

use super::claims::Claims;
use super::client::{Answer, Client, Place, ask, pause};
use super::stage::Stage;
use crate::error::{CommandError, operator};

const PATIENCE: Duration = Duration::from_secs(10);

/// A deployment hook: takes the key on standard input, and can be told to fail or to hang.
const HOOK: &str = r#"#!/bin/sh
here=$(dirname "$0")
if [ "$1" = read ]; then
    if [ -e "$here/vault.key" ]; then cat "$here/vault.key"; fi
    exit 0
fi
if [ -e "$here/broken" ]; then
    echo "the vault is sealed" >&2
    exit 1
fi
if [ -e "$here/slow" ]; then
    : > "$here/reached"
    while [ -e "$here/slow" ]; do sleep 0.02; done
    exit 1
fi
umask 077
cat > "$here/vault.key"
"#;

struct Cast {
    eye: Arc<dyn Issuer>,
    backups: Client,
    deploy: Client,
    agent: Client,
    /// Every key text that the demo came across.
    seen: Vec<Secret>,
    /// Keys that were at the instance before.
    before: BTreeSet<String>,
    said: String,
}

/// Tells it; an error ends it early, a claim that does not hold goes into `claims`.
pub(crate) async fn tell(stage: &Stage, claims: &mut Claims) -> Result<(), CommandError> {
    let mut cast = opening(stage).await?;
    let told = acts(stage, claims, &mut cast).await;
    let left = leave(stage, &mut cast).await;
    for client in [cast.backups, cast.deploy, cast.agent] {
        client.stop().await;
    }
    told?;
    let left = left?;
    claims.note("nothing is left at the instance", left == 0, format!("{left} keys more than before"));
    Ok(())
}

async fn acts(stage: &Stage, claims: &mut Claims, cast: &mut Cast) -> Result<(), CommandError> {
    graceful(stage, claims, cast).await?;
    leak(stage, claims, cast).await?;
    failing(stage, claims, cast).await?;
    killed(stage, claims, cast).await?;
    log(stage, claims, cast).await?;
    at_rest(stage, claims, cast)
}

fn places(folder: &Path) -> [Place; 3] {
    [
        Place::Dotenv(folder.join("backup/.env")),
        Place::File(folder.join("ci/n8n-api-key")),
        Place::Dotenv(folder.join("agent/.env")),
    ]
}

async fn opening(stage: &Stage) -> Result<Cast, CommandError> {
    let kind = if stage.is_sandbox { "an n8n inside this program" } else { "a real n8n" };
    stage.act(1, &format!("Take charge of an instance: {kind}"));
    let eye = stage.eye().await?;
    let before = eye.list().await?.into_iter().map(|key| key.native_id).collect();
    let mut said = String::new();
    let mut note = |ended: super::stage::Ended| said += &(ended.stdout + &ended.stderr);
    note(stage.must(&["init"]).await?);
    note(stage.connect().await?);

    stage
        .act(2, "Give three integrations a key of their own, where they read it (DEMO is the demo's folder)");
    stage.write("backup/.env", "# nightly backup\nTARGET=s3\nN8N_API_KEY=\nKEEP=30\n")?;
    stage.write("ci/.keep", "")?;
    stage.write("agent/.env", "MODEL=small\n")?;
    let hook = stage.write("agent/hook.sh", HOOK)?;
    let [backup_env, ci_file, agent_env, agent_hook] = [
        format!("dotenv:{}#N8N_API_KEY", stage.folder().join("backup/.env").display()),
        format!("file:{}", stage.folder().join("ci/n8n-api-key").display()),
        format!("dotenv:{}#N8N_API_KEY", stage.folder().join("agent/.env").display()),
        format!("command:/bin/sh {hook}#/bin/sh {hook} read", hook = hook.display()),
    ];
    let list = "workflow:list,workflow:read";
    let scope = ["--scope", list, "--rotate-every", "90d", "--grace", "0s", "--quiet"];
    note(
        stage
            .must(
                &[&["key", "create", "backups", "--owner", "ops", "--to", &backup_env], &scope[..]].concat(),
            )
            .await?,
    );
    note(
        stage
            .must(&[&["key", "create", "deploy", "--owner", "ci", "--to", &ci_file], &scope[..]].concat())
            .await?,
    );
    let two = ["key", "create", "agent", "--owner", "ai", "--to", &agent_env, "--to", &agent_hook];
    note(stage.must(&[&two[..], &scope[..]].concat()).await?);
    stage.say("From here on, three clients read their file and call the instance, again and again.");
    let [backups, deploy, agent] = places(stage.folder()).map(|place| Client::start(Arc::clone(&eye), place));
    for client in [&backups, &deploy, &agent] {
        if !client.works_again(PATIENCE).await {
            return Err(operator("a client of the demo is not let in with its new key").into());
        }
    }
    let mut cast = Cast { eye, backups, deploy, agent, seen: Vec::new(), before, said };
    remember(stage, &mut cast);
    Ok(cast)
}

fn remember(stage: &Stage, cast: &mut Cast) {
    for key in places(stage.folder()).iter().filter_map(Place::key) {
        if !cast.seen.contains(&key) {
            cast.seen.push(key);
        }
    }
}

fn key_of(stage: &Stage, index: usize) -> Result<Secret, CommandError> {
    let key = places(stage.folder()).get(index).and_then(Place::key);
    key.ok_or_else(|| operator("a file of the demo holds no key").into())
}

async fn step(stage: &Stage, cast: &mut Cast, arguments: &[&str]) -> Result<Option<i32>, CommandError> {
    let ended = stage.run(arguments).await?;
    cast.said += &ended.stdout;
    cast.said += &ended.stderr;
    remember(stage, cast);
    Ok(ended.code)
}

async fn graceful(stage: &Stage, claims: &mut Claims, cast: &mut Cast) -> Result<(), CommandError> {
    stage.act(3, "Turn a key while its client keeps calling");
    let old = key_of(stage, 0)?;
    let before = cast.backups.tally();
    let delivered = step(stage, cast, &["rotate", "backups", "--grace", "1s"]).await? == Some(0);
    let both = ask(&*cast.eye, &old).await == Answer::Works && key_of(stage, 0)? != old;
    stage.say(
        "For a second, both keys work: a program that has the old one in memory has time to read again.",
    );
    pause(Duration::from_millis(1_100)).await;
    let code = step(stage, cast, &["rotate", "--resume"]).await?;
    let works = cast.backups.works_again(PATIENCE).await;
    let after = cast.backups.tally();
    let (calls, refused) = (after.calls - before.calls, after.refused - before.refused);
    let dead = ask(&*cast.eye, &old).await == Answer::Refused;
    let turned = delivered && both && code == Some(0) && works;
    claims.note(
        "a graceful rotation is never noticed",
        turned && refused == 0 && calls > 0,
        format!("{calls} calls, {refused} refused"),
    );
    claims.note("the old key is dead", dead, "used: 401");
    let env = std::fs::read_to_string(stage.folder().join("backup/.env")).unwrap_or_default();
    let kept = env.starts_with("# nightly backup\nTARGET=s3\nN8N_API_KEY=") && env.ends_with("\nKEEP=30\n");
    claims.note(
        "only the value in the file has changed",
        kept,
        "comments, order and other lines are as they were",
    );
    Ok(())
}

async fn leak(stage: &Stage, claims: &mut Claims, cast: &mut Cast) -> Result<(), CommandError> {
    stage.act(4, "A key leaks: pasted into a chat");
    let leaked = key_of(stage, 1)?;
    let misused = ask(&*cast.eye, &leaked).await == Answer::Works;
    stage.say(if misused {
        "Somebody tries it: they are in."
    } else {
        "Somebody tries it: they are not let in."
    });
    let others = [cast.backups.tally(), cast.agent.tally()];
    let began = Instant::now();
    let eye = Arc::clone(&cast.eye);
    let intruder = tokio::spawn(async move {
        while ask(&*eye, &leaked).await != Answer::Refused && began.elapsed() < PATIENCE {
            pause(Duration::from_millis(2)).await;
        }
        began.elapsed()
    });
    let code = step(stage, cast, &["rotate", "deploy", "--compromised"]).await?;
    let shut = intruder.await.unwrap_or(PATIENCE);
    let back = cast.deploy.works_again(PATIENCE).await;
    let refused: u64 = [cast.backups.tally(), cast.agent.tally()]
        .iter()
        .zip(others)
        .map(|(after, before)| after.refused - before.refused)
        .sum();
    let ms = shut.as_millis();
    claims.note(
        "a leaked key is dead at once",
        misused && code == Some(0) && shut < PATIENCE,
        format!("{ms} ms from the command to 401"),
    );
    claims.note("its integration works on with a new one", back, "let in again without a hand");
    claims.note("the others do not notice", refused == 0, format!("{refused} calls refused"));
    Ok(())
}

async fn failing(stage: &Stage, claims: &mut Claims, cast: &mut Cast) -> Result<(), CommandError> {
    stage.act(5, "A destination fails, and recovers");
    let old = key_of(stage, 2)?;
    let flag = stage.write("agent/broken", "")?;
    let before = cast.agent.tally();
    let stalled = step(stage, cast, &["rotate", "agent"]).await? == Some(1);
    let new = key_of(stage, 2)?;
    let both = [ask(&*cast.eye, &old).await, ask(&*cast.eye, &new).await] == [Answer::Works, Answer::Works];
    claims.note(
        "a failing destination breaks nothing",
        stalled && both && old != new,
        "stalled; old and new key both work",
    );
    drop(std::fs::remove_file(flag));
    stage.say("The vault is unsealed.");
    let resumed = step(stage, cast, &["rotate", "--resume", "agent"]).await? == Some(0);
    let dead = ask(&*cast.eye, &old).await == Answer::Refused;
    let works = cast.agent.works_again(PATIENCE).await;
    let refused = cast.agent.tally().refused - before.refused;
    let seen = format!("resumed where it stopped; {refused} calls refused");
    claims.note("it goes on once the destination is back", resumed && dead && works && refused == 0, seen);
    Ok(())
}

async fn killed(stage: &Stage, claims: &mut Claims, cast: &mut Cast) -> Result<(), CommandError> {
    stage.act(6, "The process is killed in the middle of a delivery");
    let old = key_of(stage, 2)?;
    let before = cast.agent.tally();
    let flag = stage.write("agent/slow", "")?;
    let mut child = stage.spawn(&["rotate", "agent"])?;
    let reached = stage.folder().join("agent/reached");
    let until = Instant::now() + PATIENCE;
    while !reached.exists() && Instant::now() < until {
        pause(Duration::from_millis(5)).await;
    }
    let in_the_middle = reached.exists();
    child.kill().await.map_err(|error| operator("cannot kill the demo's command").caused_by(&error))?;
    drop(std::fs::remove_file(flag));
    stage.say("kill -9. The new key exists, one file holds it, the vault does not.");
    remember(stage, cast);
    let works = cast.agent.works_again(PATIENCE).await;
    claims.note(
        "a killed rotation leaves a working key",
        in_the_middle && works,
        "killed with SIGKILL during a delivery",
    );
    let resumed = step(stage, cast, &["rotate", "--resume"]).await? == Some(0);
    let dead = ask(&*cast.eye, &old).await == Answer::Refused;
    let refused = cast.agent.tally().refused - before.refused;
    let seen = format!("taken up by the next run; {refused} calls refused");
    claims.note("the next run finishes it", resumed && dead && refused == 0, seen);
    let at_instance = ours(cast).await?;
    claims.note(
        "no orphan key is left",
        at_instance == 4,
        format!("{at_instance} keys of ours at the instance: one each, and the root key"),
    );
    Ok(())
}

async fn log(stage: &Stage, claims: &mut Claims, cast: &mut Cast) -> Result<(), CommandError> {
    stage.act(7, "The log verifies; a tampered one does not");
    let good = step(stage, cast, &["log", "verify"]).await? == Some(0);
    claims.note("the log verifies", good, "every line against the chain and its signatures");
    let key = stage.must(&["log", "export", "--public-key"]).await?;
    let copy = stage.folder().join("copy-of-log");
    let tampered = tamper(&stage.folder().join("keywright-log"), &copy);
    tampered.map_err(|error| operator("cannot copy the log").caused_by(&error))?;
    stage.say("In a copy, one word of one line is changed: an intruder hides which key they used.");
    let folder = copy.display().to_string();
    let caught =
        step(stage, cast, &["log", "verify", "--folder", &folder, "--public-key", key.stdout.trim()]).await?
            == Some(3);
    claims.note("a tampered log is caught", caught, "offline, with the public key alone");
    Ok(())
}

/// Copies the log's segments and changes one name in one line of the first.
fn tamper(log: &Path, copy: &Path) -> std::io::Result<()> {
    std::fs::create_dir(copy)?;
    let mut changed = false;
    for entry in std::fs::read_dir(log)? {
        let entry = entry?;
        if entry.path().extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let text = std::fs::read_to_string(entry.path())?;
        let other =
            if changed { text.clone() } else { text.replacen("\"key_retired\"", "\"key_created\"", 1) };
        changed = changed || other != text;
        std::fs::write(copy.join(entry.file_name()), other)?;
    }
    if changed { Ok(()) } else { Err(std::io::Error::other("the log has no line to change")) }
}

/// Looks for every key's text in all that was kept and said.
fn at_rest(stage: &Stage, claims: &mut Claims, cast: &Cast) -> Result<(), CommandError> {
    let mut kept = cast.said.clone().into_bytes();
    let mut files = 0;
    let failed = |error: &std::io::Error| operator("cannot read the demo's folder").caused_by(error);
    for folder in [stage.folder().to_path_buf(), stage.folder().join("keywright-log")] {
        for entry in std::fs::read_dir(&folder).map_err(|error| failed(&error))? {
            let path = entry.map_err(|error| failed(&error))?.path();
            if path.is_file() {
                kept.extend(std::fs::read(&path).map_err(|error| failed(&error))?);
                files += 1;
            }
        }
    }
    let holds =
        |key: &Secret| kept.windows(key.expose().len()).any(|window| window == key.expose().as_bytes());
    let found = cast.seen.iter().filter(|key| holds(key)).count();
    let seen = format!("{} keys looked for in {files} files and all output: {found} found", cast.seen.len());
    claims.note(
        "no key is in the clear in our own files",
        found == 0 && cast.seen.len() >= 6 && files >= 3,
        seen,
    );
    Ok(())
}

/// Revokes all that the demo made; gives how many keys are left over.
async fn leave(stage: &Stage, cast: &mut Cast) -> Result<usize, CommandError> {
    stage.act(8, "Leave: revoke all that was made");
    for name in ["backups", "deploy", "agent", "prod-root"] {
        step(stage, cast, &["key", "revoke", name, "--yes", "--quiet"]).await?;
    }
    ours(cast).await
}

/// How many keys there are that the demo's commands made: an owner sees everybody's, and others work too.
async fn ours(cast: &Cast) -> Result<usize, CommandError> {
    let names = ["backups kw_", "deploy kw_", "agent kw_", "prod-root kw_"];
    let ours = |key: &model::ListedKey| {
        !cast.before.contains(&key.native_id) && names.iter().any(|name| key.label.starts_with(name))
    };
    Ok(cast.eye.list().await?.iter().filter(|key| ours(key)).count())
}
