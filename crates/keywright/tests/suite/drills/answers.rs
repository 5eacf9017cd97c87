//! What can go wrong with each call to the instance: the answer is lost, late, an error before or after the
//! effect, a plea to wait; or the process dies while the call is under way, its effect had or not.

use std::time::Duration;

use sandbox::{Effect, Fault, Matcher, Outcome, Profile};

use super::{Drill, Score, Turn, words};
use crate::support::client::CALL;
use crate::support::home::Ended;
use crate::support::places::Kinds;
use crate::support::world::World;

/// How many instances are drilled at the same time: most of a drill is waiting.
const AT_ONCE: usize = 6;

/// One call of a turn: what it is, and which of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Called {
    method: String,
    path: String,
    nth: usize,
}

impl Called {
    fn matcher(&self) -> Matcher {
        Matcher::of(&self.method, &self.path).nth(self.nth)
    }
}

/// The calls that a turn makes when nothing goes wrong.
async fn calls(turn: Turn) -> Vec<Called> {
    let world = World::start(Profile::V2_41).await;
    let drill = Drill::begin(&world, "clean".into(), turn, Kinds::Dotenv).await;
    let first = world.sandbox().call_count();
    world.home.must(&words(&drill.arguments())).await;
    let mut called: Vec<Called> = Vec::new();
    let made = world.sandbox().calls().into_iter().filter(|call| call.number > first && call.path != CALL);
    for call in made {
        let path = call.path.split('?').next().unwrap();
        // A key's id differs from drill to drill.
        let path = path.strip_prefix("/rest/api-keys/").map_or(path, |_id| "/rest/api-keys/").to_owned();
        let earlier =
            called.iter().filter(|one| one.method == call.method && one.path.starts_with(&path)).count();
        called.push(Called { method: call.method, path, nth: earlier + 1 });
    }
    assert_eq!(drill.finish(turn.end()).await, Vec::<String>::new());
    assert!(called.len() >= 3, "{called:?}");
    called
}

#[derive(Clone, Debug)]
enum Trouble {
    /// The call goes wrong; the process sees it.
    Seen(Effect),
    /// The process dies while it waits for the answer.
    Dies(Effect),
}

fn troubles() -> Vec<Trouble> {
    let seen = [
        Effect::LostAnswer,
        Effect::RefuseBefore,
        Effect::Status(500),
        Effect::StatusAfter(500),
        Effect::Status(503),
        Effect::TooMany { retry_after_s: 1 },
        Effect::Delay(Duration::from_millis(300)),
    ];
    let dies = [Effect::Hang, Effect::HangAfter];
    seen.map(Trouble::Seen).into_iter().chain(dies.map(Trouble::Dies)).collect()
}

async fn goes_wrong(
    world: &World,
    name: String,
    turn: Turn,
    call: &Called,
    trouble: &Trouble,
) -> Vec<String> {
    let drill = Drill::begin(world, name, turn, Kinds::Dotenv).await;
    let (Trouble::Seen(effect) | Trouble::Dies(effect)) = trouble;
    world.sandbox().faults().push(Fault::once(call.matcher(), effect.clone()));
    let ended = match trouble {
        Trouble::Seen(_) => Some(world.home.run(&words(&drill.arguments())).await),
        Trouble::Dies(_) => {
            if let Err(fault) = dies_in_a_call(world, &words(&drill.arguments())).await {
                return vec![fault];
            }
            None
        }
    };
    if world.sandbox().faults().pending() > 0 {
        return vec![format!("nothing went wrong: {ended:?}")];
    }
    if let Err(fault) = make_good(&drill, ended).await {
        return vec![fault];
    }
    drill.finish(turn.end()).await
}

/// Runs a command and kills it while a call of its is held.
async fn dies_in_a_call(world: &World, arguments: &[&str]) -> Result<(), String> {
    let first = world.sandbox().call_count();
    let mut process = world.home.command(arguments).spawn().unwrap();
    let held = |outcome: Outcome| {
        world
            .sandbox()
            .calls()
            .iter()
            .rev()
            .take_while(|call| call.number > first)
            .any(|call| call.outcome == outcome)
    };
    while !held(Outcome::Held) {
        if let Some(status) = process.try_wait().unwrap() {
            return Err(format!("it ended with {status} and no call was held"));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    process.kill().await.unwrap();
    while !held(Outcome::Abandoned) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    world.sandbox().faults().release();
    Ok(())
}

/// What the operator does next: nothing if all went well, `--resume`, or the same once more if it never began.
async fn make_good(drill: &Drill<'_>, ended: Option<Ended>) -> Result<(), String> {
    match ended.as_ref().map(|ended| ended.code) {
        Some(Some(0)) => return Ok(()),
        None | Some(Some(1)) => {}
        Some(_) => return Err(format!("it neither succeeds nor fails well: {ended:?}")),
    }
    if let Some(ended) =
        ended.filter(|ended| !ended.stderr.starts_with("error: ") && !ended.stderr.contains("\nerror: "))
    {
        return Err(format!("it does not say what failed: {ended:?}"));
    }
    let began = drill.turn != Turn::Create
        || drill.world.home.run(&["key", "show", &drill.name]).await.code == Some(0);
    if !began {
        let ended = drill.world.home.run(&words(&drill.arguments())).await;
        return if ended.code == Some(0) { Ok(()) } else { Err(format!("it cannot be begun: {ended:?}")) };
    }
    drill.resume().await
}

async fn at_every_call(of: &'static str, turn: Turn) {
    let mut score = Score::of(of);
    let calls = calls(turn).await;
    let mut drills: Vec<Vec<(String, Called, Trouble)>> = vec![Vec::new(); AT_ONCE];
    let all =
        calls.iter().flat_map(|call| troubles().into_iter().map(move |trouble| (call.clone(), trouble)));
    for (number, (call, trouble)) in all.enumerate() {
        drills[number % AT_ONCE].push((format!("{of}-{number}"), call, trouble));
    }
    let mut worlds = tokio::task::JoinSet::new();
    for drills in drills {
        worlds.spawn(async move {
            let world = World::start(Profile::V2_41).await;
            let mut results = Vec::new();
            for (name, call, trouble) in drills {
                let found = goes_wrong(&world, name, turn, &call, &trouble).await;
                results.push((format!("{call:?} {trouble:?}"), found));
            }
            (world, results)
        });
    }
    let mut settled = Vec::new();
    for (world, results) in worlds.join_all().await {
        for (drill, found) in results {
            score.note(&drill, found);
        }
        settled.push(world);
    }
    score.tell(&settled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_making_of_a_first_key_survives_whatever_its_calls_meet() {
    at_every_call("create", Turn::Create).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_rotation_survives_whatever_its_calls_meet_unnoticed() {
    at_every_call("graceful", Turn::Graceful).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compromised_rotation_survives_whatever_its_calls_meet() {
    at_every_call("compromised", Turn::Compromised).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_survives_whatever_its_calls_meet() {
    at_every_call("revoke", Turn::Revoke).await;
}
