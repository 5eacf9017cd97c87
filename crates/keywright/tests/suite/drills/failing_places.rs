//! Destinations that fail: before or after they took the key, while the process dies, by losing their folder, by
//! somebody else who writes to them.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sandbox::Profile;

use super::{Drill, Score, Turn, words};
use crate::support::child::{Act, At, Cue, command};
use crate::support::home::Ended;
use crate::support::places::Kinds;
use crate::support::world::World;

/// The hook fails; the rotation stalls with both keys working, and goes on once the hook is mended.
async fn hook_fails(world: &World, name: String, turn: Turn, kinds: Kinds, flag: &str) -> Vec<String> {
    let drill = Drill::begin(world, name, turn, kinds).await;
    drill.places.raise(flag);
    let ended = world.home.run(&words(&drill.arguments())).await;
    drill.places.lower(flag);
    if ended.code != Some(1) || !ended.stderr.contains("cannot deliver with `/bin/sh`") {
        return vec![format!("the failing hook is not told: {ended:?}")];
    }
    if turn != Turn::Create && !ended.stderr.contains("the vault is") {
        return vec![format!("what the hook said is not shown: {ended:?}")];
    }
    match drill.resume().await {
        Ok(()) => drill.finish(turn.end()).await,
        Err(fault) => vec![fault],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_hook_stalls_and_goes_on() {
    let mut score = Score::of("failing hook");
    let world = World::start(Profile::V2_41).await;
    for turn in [Turn::Create, Turn::Graceful, Turn::Compromised] {
        for kinds in [Kinds::Command, Kinds::All] {
            for flag in ["broken", "broken-after"] {
                let name = format!("{turn:?}-{kinds:?}-{flag}").to_lowercase();
                score.note(&name, hook_fails(&world, name.clone(), turn, kinds, flag).await);
            }
        }
    }
    score.tell(&[world]).await;
}

/// The process dies while the hook runs.
async fn dies_in_the_hook(world: &World, name: String, turn: Turn, kinds: Kinds) -> Vec<String> {
    let drill = Drill::begin(world, name, turn, kinds).await;
    drill.places.raise("slow");
    let mut process = world.home.command(&words(&drill.arguments())).spawn().unwrap();
    let reached = drill.places.folder().join("reached");
    let pid = loop {
        if let Some(pid) = std::fs::read_to_string(&reached).ok().and_then(|text| text.trim().parse().ok()) {
            break Pid::from_raw(pid).unwrap();
        }
        if let Some(status) = process.try_wait().unwrap() {
            return vec![format!("it ended with {status} and did not come to the hook")];
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    process.kill().await.unwrap();
    // The hook outlives its caller.
    kill_process(pid, Signal::KILL).unwrap();
    drill.places.lower("slow");
    drill.places.lower("reached");
    match drill.resume().await {
        Ok(()) => drill.finish(turn.end()).await,
        Err(fault) => vec![fault],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn death_while_a_hook_runs_is_survived() {
    let mut score = Score::of("death in a hook");
    let world = World::start(Profile::V2_41).await;
    for turn in [Turn::Create, Turn::Graceful, Turn::Compromised] {
        for kinds in [Kinds::Command, Kinds::All] {
            let name = format!("{turn:?}-{kinds:?}").to_lowercase();
            score.note(&name, dies_in_the_hook(&world, name.clone(), turn, kinds).await);
        }
    }
    score.tell(&[world]).await;
}

async fn disturbed(drill: &Drill<'_>, step: u32, at: At, act: Act) -> Ended {
    let cue = Cue { step, at, act };
    let output = command(&drill.world.home, &words(&drill.arguments()), Some(&cue)).output().await.unwrap();
    Ended::of(&output)
}

/// The number of the first delivery.
fn delivery(turn: Turn) -> u32 {
    if turn == Turn::Compromised { 5 } else { 3 }
}

/// The folder is there when it is checked, and gone when the key is delivered or confirmed.
async fn folder_goes(
    world: &World,
    name: String,
    turn: Turn,
    kinds: Kinds,
    step: u32,
    at: At,
) -> Vec<String> {
    let drill = Drill::begin_unused(world, name, turn, kinds).await;
    let folder = drill.places.folder().to_path_buf();
    let away = folder.with_extension("away");
    let ended = disturbed(&drill, delivery(turn) + step, at, Act::Rename(folder.clone(), away.clone())).await;
    std::fs::rename(away, folder).unwrap();
    if ended.code != Some(1) || !ended.stderr.contains("error: ") {
        return vec![format!("that the folder is gone is not told: {ended:?}")];
    }
    match drill.resume().await {
        Ok(()) => drill.finish(turn.end()).await,
        Err(fault) => vec![fault],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_goes_stalls_and_goes_on_when_it_is_back() {
    let mut score = Score::of("lost folder");
    let world = World::start(Profile::V2_41).await;
    for turn in [Turn::Create, Turn::Graceful, Turn::Compromised] {
        for kinds in Kinds::EACH {
            for (step, at) in [(0, At::Before), (0, At::Started), (1, At::Started)] {
                let name = format!("{turn:?}-{kinds:?}-{step}-{at:?}").to_lowercase();
                let found = folder_goes(&world, name.clone(), turn, kinds, step, at).await;
                score.note(&name, found);
            }
        }
    }
    score.tell(&[world]).await;
}

/// Somebody else writes to the file between our delivery and our look.
async fn meddled(world: &World, name: String, turn: Turn, step: u32, at: At) -> Vec<String> {
    let drill = Drill::begin_unused(world, name, turn, Kinds::File).await;
    let file = drill.places.folder().join("n8n.key");
    let act = Act::Write(file, "not-a-key-example".into());
    let ended = disturbed(&drill, delivery(turn) + step, at, act).await;
    if ended.code != Some(0) {
        return vec![format!("it is not delivered again: {ended:?}")];
    }
    drill.finish(turn.end()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_writes_is_overwritten_before_the_old_key_goes() {
    let mut score = Score::of("meddling");
    let world = World::start(Profile::V2_41).await;
    for turn in [Turn::Create, Turn::Graceful, Turn::Compromised] {
        for (step, at) in [(0, At::Effected), (0, At::Done), (1, At::Before), (1, At::Started)] {
            let name = format!("{turn:?}-{step}-{at:?}").to_lowercase();
            score.note(&name, meddled(&world, name.clone(), turn, step, at).await);
        }
    }
    score.tell(&[world]).await;
}
