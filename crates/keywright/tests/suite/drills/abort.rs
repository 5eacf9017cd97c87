//! Undoing: begun at every moment of a rotation, and killed at every moment of its own.

use sandbox::Profile;

use super::{Drill, Score, Turn, words};
use crate::support::child::{At, dies};
use crate::support::places::Kinds;
use crate::support::truth::End;
use crate::support::world::World;

/// The rotation dies, and is undone instead of resumed; where it is too late for that, this is said, and it
/// goes on.
async fn undone(world: &World, name: String, turn: Turn, kinds: Kinds, step: u32, at: At) -> Vec<String> {
    let drill = Drill::begin(world, name, turn, kinds).await;
    if let Err(fault) = dies(&world.home, &words(&drill.arguments()), step, at).await {
        return vec![fault];
    }
    let retire = turn.steps(kinds) - 3;
    let over = step + 1 == turn.steps(kinds) && at == At::Done;
    let too_late =
        over || (turn == Turn::Graceful && (step > retire || (step == retire && at != At::Before)));
    let ended = world.home.run(&["rotate", &drill.name, "--abort"]).await;
    if !too_late {
        let end = if turn == Turn::Create { End::Nothing } else { End::Undone };
        return match ended.code {
            Some(0) => drill.finish(end).await,
            _ => vec![format!("it cannot be undone: {ended:?}")],
        };
    }
    let why = if over { "there is nothing to undo" } else { "the only way is forward" };
    if ended.code != Some(1) || !ended.stderr.contains(why) || !ended.stderr.contains("try: keywright ") {
        return vec![format!("it is too late to undo it, and this is not said: {ended:?}")];
    }
    match drill.resume().await {
        Ok(()) => drill.finish(End::Turned).await,
        Err(fault) => vec![fault],
    }
}

async fn at_every_moment(of: &'static str, turn: Turn, each: &[Kinds]) {
    let mut score = Score::of(of);
    let world = World::start(Profile::V2_41).await;
    for &kinds in each {
        for step in 0..turn.steps(kinds) {
            for at in At::EACH {
                let name = format!("{kinds:?}-{step}-{at:?}").to_lowercase();
                score.note(&name, undone(&world, name.clone(), turn, kinds, step, at).await);
            }
        }
    }
    score.tell(&[world]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_rotation_is_undone_from_every_moment_until_the_old_key_goes() {
    at_every_moment("graceful, undone", Turn::Graceful, &Kinds::ONE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_rotation_with_three_destinations_is_undone_from_every_moment() {
    at_every_moment("graceful with three destinations, undone", Turn::Graceful, &[Kinds::All]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_making_of_a_first_key_is_undone_from_every_moment() {
    at_every_moment("first key, undone", Turn::Create, &Kinds::EACH).await;
}

/// A delivered rotation is being undone, and that dies; it is undone again, or resumed.
async fn killed(world: &World, name: String, kinds: Kinds, step: u32, at: At) -> Vec<String> {
    let drill = Drill::begin(world, name.clone(), Turn::Graceful, kinds).await;
    world.home.must(&["rotate", &name, "--grace", "1h"]).await;
    let step_number = Turn::Graceful.steps(kinds) + step;
    if let Err(fault) = dies(&world.home, &["rotate", &name, "--abort"], step_number, at).await {
        return vec![fault];
    }
    let over = step == kinds.count() + 1 && at == At::Done;
    let again = step.is_multiple_of(2) && !over;
    let ended = if again {
        world.home.run(&["rotate", &name, "--abort"]).await
    } else {
        world.home.run(&["rotate", "--resume", &name]).await
    };
    match ended.code {
        Some(0) => drill.finish(End::Undone).await,
        _ => vec![format!("undoing cannot be ended: {ended:?}")],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undoing_survives_kill_9_at_every_moment_unnoticed() {
    let mut score = Score::of("undoing");
    let world = World::start(Profile::V2_41).await;
    for kinds in Kinds::EACH {
        for step in 0..kinds.count() + 2 {
            for at in At::EACH {
                let name = format!("{kinds:?}-{step}-{at:?}").to_lowercase();
                score.note(&name, killed(&world, name.clone(), kinds, step, at).await);
            }
        }
    }
    score.tell(&[world]).await;
}

/// A rotation dies, is resumed up to its grace, and is undone then: what is put back is what was there at
/// first, not what a second try found.
async fn undone_after_death(world: &World, name: String, kinds: Kinds, step: u32, at: At) -> Vec<String> {
    let drill = Drill::begin(world, name, Turn::Graceful, kinds).await;
    if let Err(fault) = dies(&world.home, &["rotate", &drill.name, "--grace", "1h"], step, at).await {
        return vec![fault];
    }
    if let Err(fault) = drill.resume().await {
        return vec![fault];
    }
    let shown = world.show(&drill.name).await;
    if shown["rotations"][0]["status"] != "waiting" {
        return vec![format!("it does not wait for its grace to end: {shown}")];
    }
    let ended = world.home.run(&["rotate", &drill.name, "--abort"]).await;
    match ended.code {
        Some(0) => drill.finish(End::Undone).await,
        _ => vec![format!("it cannot be undone: {ended:?}")],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_there_before_a_death_is_put_back() {
    let mut score = Score::of("resumed, then undone");
    let world = World::start(Profile::V2_41).await;
    for kinds in Kinds::EACH {
        // Up to the last confirmation.
        for step in 0..Turn::Graceful.steps(kinds) - 4 {
            for at in [At::Started, At::Effected] {
                let name = format!("{kinds:?}-{step}-{at:?}").to_lowercase();
                score.note(&name, undone_after_death(&world, name.clone(), kinds, step, at).await);
            }
        }
    }
    score.tell(&[world]).await;
}
