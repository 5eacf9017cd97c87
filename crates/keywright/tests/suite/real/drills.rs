//! A sample of the drills that covers every step: `kill -9` with the effect to come, and with the effect had.

use crate::drills::kill::killed;
use crate::drills::{Score, Turn};
use crate::support::child::At;
use crate::support::ground::Ground;
use crate::support::places::Kinds;
use crate::support::world::World;

async fn at_every_step(of: &'static str, turn: Turn) {
    let Some(ground) = Ground::of("2.41.1").await else { return };
    let mut score = Score::of(of);
    let world = World::real(ground).await;
    let kinds = Kinds::Dotenv;
    for step in 0..turn.steps(kinds) {
        for at in [At::Started, At::Effected] {
            let name = format!("{step}-{at:?}").to_lowercase();
            score.note(&name, killed(&world, name.clone(), turn, kinds, step, at).await);
        }
    }
    score.tell(&[world]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_2_41_graceful_survives_kill_9_at_every_step_unnoticed() {
    at_every_step("real 2.41.1, graceful", Turn::Graceful).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_2_41_compromised_survives_kill_9_at_every_step() {
    at_every_step("real 2.41.1, compromised", Turn::Compromised).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_2_41_first_key_survives_kill_9_at_every_step() {
    at_every_step("real 2.41.1, first key", Turn::Create).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_2_41_revocation_survives_kill_9_at_every_step() {
    at_every_step("real 2.41.1, revoke", Turn::Revoke).await;
}
