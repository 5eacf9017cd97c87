//! Several processes at one key at the same time: one rotation, no orphan, and whoever loses says so.

use sandbox::{Effect, Fault, Matcher, Outcome, Profile};
use tokio::process::Child;

use crate::support::home::Ended;
use crate::support::places::Kinds;
use crate::support::truth::{End, faults_in, faults_of};
use crate::support::world::{World, until};

const ROUNDS: u32 = 20;
const NONE: Vec<String> = Vec::new();

fn making() -> Matcher {
    Matcher::of("POST", "/rest/api-keys")
}

async fn ended(process: Child) -> Ended {
    Ended::of(&process.wait_with_output().await.unwrap())
}

fn is_held(world: &World) -> bool {
    world.sandbox().calls().iter().any(|call| call.outcome == Outcome::Held)
}

/// Two that begin at once: the one that wins is held at the instance until the other has ended, so that they
/// surely meet.
async fn one_round(world: &World, name: &str, command: &[&str]) {
    let places = world.integration(name, Kinds::Dotenv).await;
    let before = places.held();
    world.sandbox().faults().push(Fault::once(making(), Effect::Hang));
    let (mut one, mut other) =
        (world.home.command(command).spawn().unwrap(), world.home.command(command).spawn().unwrap());
    let (loser, winner) = tokio::select! {
        _ = one.wait() => (one, other),
        _ = other.wait() => (other, one),
    };
    let loser = ended(loser).await;
    assert_eq!(loser.code, Some(1), "{loser:?}");
    assert!(loser.stderr.contains(&format!("error: `{name}` is being rotated already")), "{loser:?}");
    assert!(loser.stderr.contains(&format!("try: keywright rotate --resume {name}")), "{loser:?}");
    until("the winner makes a key", || is_held(world)).await;
    let busy = world.home.run(&["rotate", "--resume", name]).await;
    assert_eq!(busy.code, Some(1), "{busy:?}");
    assert!(busy.stderr.contains(&format!("process {} on ", winner.id().unwrap())), "{busy:?}");
    let cron = world.home.run(&["rotate", "--resume"]).await;
    assert_eq!(cron.code, Some(0), "from cron, that another process is at it is no failure: {cron:?}");
    world.sandbox().faults().release();
    let winner = ended(winner).await;
    assert_eq!(winner.code, Some(0), "{winner:?}");
    assert_eq!(faults_of(world, name, &places, End::Turned, &before).await, NONE);
    let rotations = world.show(name).await["rotations"].as_array().unwrap().len();
    assert_eq!(rotations, 2, "the first key's and one more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_rotations_of_a_key_at_once_one_is_done() {
    let world = World::start(Profile::V2_41).await;
    for round in 0..ROUNDS {
        let name = format!("at-once-{round}");
        let graceful = ["rotate", name.as_str(), "--grace", "0s"];
        let compromised = ["rotate", name.as_str(), "--compromised"];
        one_round(&world, &name, if round % 4 == 3 { &compromised } else { &graceful }).await;
    }
    assert_eq!(faults_in(&world).await, NONE);
}

/// How the process that gives way goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Yields {
    /// Its answer comes after all.
    Late,
    /// It dies.
    Dying,
}

/// A key leaks while it is being turned. The graceful rotation may have made a key that nobody knows.
async fn gives_way(world: &World, name: &str, effect: Effect, yields: Yields) {
    let places = world.integration(name, Kinds::All).await;
    let before = places.held();
    world.sandbox().faults().push(Fault::once(making(), effect));
    let mut graceful = world.home.command(&["rotate", name]).spawn().unwrap();
    until("the graceful rotation makes a key", || is_held(world)).await;
    let urgent = world.home.must(&["rotate", name, "--compromised"]).await;
    assert!(urgent.stdout.contains("rotated"), "{urgent:?}");
    if yields == Yields::Dying {
        graceful.kill().await.unwrap();
        until("n8n sees that it is gone", || !is_held(world)).await;
    }
    world.sandbox().faults().release();
    let graceful = ended(graceful).await;
    if yields == Yields::Late {
        assert_eq!(graceful.code, Some(1), "{graceful:?}");
        assert!(graceful.stderr.contains("error: "), "{graceful:?}");
    }
    assert_eq!(faults_of(world, name, &places, End::Turned, &before).await, NONE);
    let shown = world.show(name).await;
    assert_eq!(shown["rotations"][1]["status"], "superseded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leak_in_the_middle_of_a_rotation_leaves_no_orphan() {
    let world = World::start(Profile::V2_41).await;
    gives_way(&world, "not-made-late", Effect::Hang, Yields::Late).await;
    gives_way(&world, "made-late", Effect::HangAfter, Yields::Late).await;
    gives_way(&world, "not-made-dead", Effect::Hang, Yields::Dying).await;
    gives_way(&world, "made-dead", Effect::HangAfter, Yields::Dying).await;
    assert_eq!(faults_in(&world).await, NONE);
}
