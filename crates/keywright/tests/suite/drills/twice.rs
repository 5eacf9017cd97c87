//! Every step is done, forgotten and done again, twice: doing it again does no harm.

use sandbox::Profile;

use super::{Drill, Score, Turn, words};
use crate::support::child::{At, dies};
use crate::support::places::Kinds;
use crate::support::world::World;

async fn thrice(world: &World, name: String, turn: Turn, step: u32) -> Vec<String> {
    let drill = Drill::begin(world, name, turn, Kinds::All).await;
    let first = drill.arguments();
    let again = ["rotate", "--resume", drill.name.as_str()];
    for arguments in [&words(&first)[..], &again] {
        if let Err(fault) = dies(&world.home, arguments, step, At::Effected).await {
            return vec![fault];
        }
    }
    match drill.resume().await {
        Ok(()) => drill.finish(turn.end()).await,
        Err(fault) => vec![fault],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_may_be_done_three_times() {
    let mut score = Score::of("three times");
    let world = World::start(Profile::V2_41).await;
    for turn in [Turn::Create, Turn::Graceful, Turn::Compromised, Turn::Revoke] {
        for step in 0..turn.steps(Kinds::All) {
            let name = format!("{turn:?}-{step}").to_lowercase();
            score.note(&name, thrice(&world, name.clone(), turn, step).await);
        }
    }
    score.tell(&[world]).await;
}
