//! `kill -9` at every moment once more, with the store in a database.

use sandbox::Profile;

use super::kill::killed;
use super::{Score, Turn};
use crate::support::child::At;
use crate::support::database::{database, move_into};
use crate::support::places::Kinds;
use crate::support::world::World;

async fn at_every_moment(of: &'static str, turn: Turn) {
    let Some(url) = database(&format!("kw_drill_{turn:?}").to_lowercase()).await else { return };
    let mut score = Score::of(of);
    let world = World::start(Profile::V2_41).await;
    move_into(&world.home, &url).await;
    let kinds = Kinds::Dotenv;
    for step in 0..turn.steps(kinds) {
        for at in At::EACH {
            let name = format!("{step}-{at:?}").to_lowercase();
            let found = killed(&world, name.clone(), turn, kinds, step, at).await;
            score.note(&name, found);
        }
    }
    score.tell(&[world]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_postgres_first_key_survives_kill_9_at_every_moment() {
    at_every_moment("first key, PostgreSQL", Turn::Create).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_postgres_graceful_survives_kill_9_at_every_moment_unnoticed() {
    at_every_moment("graceful, PostgreSQL", Turn::Graceful).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_postgres_compromised_survives_kill_9_at_every_moment() {
    at_every_moment("compromised, PostgreSQL", Turn::Compromised).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_postgres_revocation_survives_kill_9_at_every_moment() {
    at_every_moment("revoke, PostgreSQL", Turn::Revoke).await;
}
