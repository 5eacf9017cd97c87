//! `kill -9`, before and after each journal write and each effect, in every step of every mode.

use sandbox::Profile;

use super::{Drill, Score, Turn, words};
use crate::support::child::{At, dies};
use crate::support::places::Kinds;
use crate::support::world::World;

/// The process dies there; then somebody resumes it.
pub(crate) async fn killed(
    world: &World,
    name: String,
    turn: Turn,
    kinds: Kinds,
    step: u32,
    at: At,
) -> Vec<String> {
    let drill = Drill::begin(world, name, turn, kinds).await;
    let arguments = drill.arguments();
    if let Err(fault) = dies(&world.home, &words(&arguments), step, at).await {
        return vec![fault];
    }
    if let Err(fault) = drill.resume().await {
        return vec![fault];
    }
    drill.finish(turn.end()).await
}

async fn at_every_moment(of: &'static str, turn: Turn, each: &[Kinds]) {
    let mut score = Score::of(of);
    let world = World::start(Profile::V2_41).await;
    for &kinds in each {
        for step in 0..turn.steps(kinds) {
            for at in At::EACH {
                let name = format!("{kinds:?}-{step}-{at:?}").to_lowercase();
                let found = killed(&world, name.clone(), turn, kinds, step, at).await;
                score.note(&name, found);
            }
        }
    }
    score.tell(&[world]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_making_of_a_first_key_survives_kill_9_at_every_moment() {
    at_every_moment("first key", Turn::Create, &Kinds::EACH).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_rotation_survives_kill_9_at_every_moment_unnoticed() {
    at_every_moment("graceful", Turn::Graceful, &Kinds::ONE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_rotation_with_three_destinations_survives_kill_9_at_every_moment_unnoticed() {
    at_every_moment("graceful with three destinations", Turn::Graceful, &[Kinds::All]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compromised_rotation_survives_kill_9_at_every_moment() {
    at_every_moment("compromised", Turn::Compromised, &Kinds::EACH).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_survives_kill_9_at_every_moment() {
    at_every_moment("revoke", Turn::Revoke, &Kinds::EACH).await;
}
