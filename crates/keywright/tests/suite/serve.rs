//! `serve`: turns what is due, stands by for another, takes over when it dies, ends when told to; and the adoption of
//! keys that exist.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sandbox::{Options, Profile};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::support::client::http;
use crate::support::database::{database, move_into};
use crate::support::ground::Ground;
use crate::support::home::PASSWORD;
use crate::support::places::{Kinds, Places};
use crate::support::world::{World, create};

/// Long enough for a busy machine; where all is well it is seconds.
const SOON: Duration = Duration::from_mins(1);

pub(crate) struct Serving {
    pub(crate) child: Child,
    url: String,
    /// Where webhooks are taken: up to the forge's name.
    pub(crate) hooks: Option<String>,
}

impl Serving {
    pub(crate) async fn start(world: &World) -> Self {
        let mut child = world.home.command(&["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut hooks = None;
        let url = loop {
            let line = tokio::time::timeout(SOON, lines.next_line()).await.unwrap().unwrap().unwrap();
            if let Some(rest) = line.strip_prefix("listening on ") {
                break rest.split(": ").next().unwrap().to_owned();
            }
            if let Some(rest) = line.strip_prefix("taking webhooks at ") {
                hooks = Some(rest.strip_suffix("NAME").unwrap().to_owned());
            }
        };
        // It is read on, or the process would wait for it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, url, hooks }
    }

    pub(crate) async fn ask(&self, path: &str) -> (u16, String) {
        let answer = http().get(format!("{}{path}", self.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn is_leader(&self) -> bool {
        let (status, text) = self.ask("/readyz").await;
        assert_eq!(status, 200, "{text}");
        text.contains("leader")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }
}

pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + SOON;
    while !holds().await {
        assert!(Instant::now() < end, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn made(world: &World, name: &str, kinds: Kinds, every: &str) -> Places {
    let places = world.places(name, kinds);
    let arguments = create(name, &places);
    let more = ["--rotate-every", every];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more).collect();
    world.home.must(&arguments).await;
    places
}

/// What is due is turned without anybody asking, and every rotation ends with one key that works.
async fn turned_by_itself(world: &World) {
    let places = made(world, "often", Kinds::Dotenv, "3s").await;
    let first = places.held().remove(0).unwrap();
    let mut serving = Serving::start(world).await;
    until("a rotation", async || places.held() != [Some(first.clone())]).await;
    until("the old key's death", async || !world.key_works(&first).await).await;
    let (status, _) = serving.ask("/healthz").await;
    assert_eq!(status, 200);
    let (_, metrics) = serving.ask("/metrics").await;
    assert!(metrics.contains("keywright_") && metrics.contains("often"), "{metrics}");
    serving.signal(Signal::TERM);
    let ended = tokio::time::timeout(SOON, serving.child.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(0));
    let status = world.home.json(&["status", "--offline"]).await;
    assert_eq!(status["open_rotations"].as_array().unwrap().len(), 0, "what was in hand has ended: {status}");
    assert!(world.key_works(&places.held().remove(0).unwrap()).await);
    world.home.must(&["log", "verify"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_is_turned_without_being_asked() {
    turned_by_itself(&World::start(Profile::V2_41).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_2_41_what_is_due_is_turned_without_being_asked() {
    let Some(ground) = Ground::of("2.41.1").await else { return };
    turned_by_itself(&World::real(ground).await).await;
}

/// The scheduling process is killed in the middle of a rotation: another finishes it, and no key is made twice.
async fn taken_over(world: World) {
    let places = made(&world, "agent", Kinds::Command, "1s").await;
    let first = places.held().remove(0).unwrap();
    places.raise("slow");
    let mut leader = Serving::start(&world).await;
    until("a delivery in the middle", async || places.folder().join("reached").exists()).await;
    let standby = Serving::start(&world).await;
    assert!(leader.is_leader().await && !standby.is_leader().await);
    leader.signal(Signal::KILL);
    leader.child.wait().await.unwrap();
    let died = Instant::now();
    places.lower("slow");
    let hook = std::fs::read_to_string(places.folder().join("reached")).unwrap();
    let hook = Pid::from_raw(hook.trim().parse().unwrap()).unwrap();
    // The program of the dead process hangs on; it is no part of what is looked at.
    kill_process(hook, Signal::KILL).ok();
    until("another leads", async || standby.is_leader().await).await;
    assert!(died.elapsed() < Duration::from_secs(10), "taken over after {:?}", died.elapsed());
    until("the delivery", async || places.held() != [Some(first.clone())]).await;
    let rotation = &world.show("agent").await["rotations"];
    let begun = rotation.as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    // The first key's rotation is the last of the list; the one that was killed comes before it.
    let killed = rotation.as_array().unwrap().iter().rev().nth(1).unwrap()["id"].as_str().unwrap().to_owned();
    assert_ne!(begun, killed);
    until("its end", async || {
        let show = world.show("agent").await;
        let all = show["rotations"].as_array().unwrap().clone();
        all.iter().any(|rotation| rotation["id"] == killed.as_str() && rotation["status"] == "done")
    })
    .await;
    let of_killed = |key: &&sandbox::KeyView| key.label.ends_with(&killed);
    let keys = world.sandbox().keys();
    assert_eq!(keys.iter().filter(of_killed).count(), 1, "one key was made, once: {keys:?}");
    assert!(!world.key_works(&first).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_finishes_what_a_killed_scheduler_was_at() {
    taken_over(World::start(Profile::V2_41).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_postgres_another_finishes_what_a_killed_scheduler_was_at() {
    let Some(url) = database("kw_taken_over").await else { return };
    let world = World::start(Profile::V2_41).await;
    move_into(&world.home, &url).await;
    taken_over(world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_reach_a_program_and_a_failing_one_stops_nothing() {
    let world = World::start(Profile::V2_41).await;
    let folder = world.home.folder().to_path_buf();
    let (told, script) = (folder.join("told"), folder.join("tell.sh"));
    std::fs::write(&script, format!("#!/bin/sh\ncat >> {0}\necho >> {0}\n", told.display())).unwrap();
    let config = folder.join("keywright.toml");
    let channels = format!(
        "\n[notify.file]\ncommand = \"/bin/sh {}\"\nkinds = [\"done\"]\n\n[notify.broken]\ncommand = \"/bin/false\"\n",
        script.display()
    );
    std::fs::write(&config, std::fs::read_to_string(&config).unwrap() + &channels).unwrap();
    let test = world.home.run(&["notify", "test", "--json"]).await;
    assert_eq!((test.code, test.json()["channels"].as_array().unwrap().len()), (Some(1), 2), "{test:?}");
    world.home.must(&["notify", "test", "file"]).await;
    let near = world.home.run(&["notify", "test", "fil"]).await;
    assert!(near.stderr.contains("keywright notify test file"), "{near:?}");
    let places = made(&world, "often", Kinds::Dotenv, "2s").await;
    let first = places.held();
    let serving = Serving::start(&world).await;
    until("a rotation", async || places.held() != first).await;
    until("a notice", async || std::fs::read_to_string(&told).is_ok_and(|told| told.contains("\"done\"")))
        .await;
    until("a failure that is seen", async || {
        serving.ask("/metrics").await.1.lines().any(|line| {
            line.contains("channel=\"broken\"") && line.contains("keywright_channel") && !line.ends_with(" 0")
        })
    })
    .await;
    let (_, metrics) = serving.ask("/metrics").await;
    let counted = |name: &str, channel: &str| {
        let of = |line: &&str| line.starts_with(name) && line.contains(&format!("channel=\"{channel}\""));
        metrics.lines().find(of).is_some_and(|line| !line.ends_with(" 0"))
    };
    assert!(counted("keywright_notices_sent_total", "file"), "{metrics}");
    assert!(counted("keywright_notices_failed_total", "broken"), "{metrics}");
    assert!(metrics.contains("keywright_rotations_total"), "{metrics}");
    let told = std::fs::read_to_string(&told).unwrap();
    assert!(!told.contains(&places.held().remove(0).unwrap()), "no key in a notice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotations_that_stall_and_end_are_counted() {
    let world = World::start(Profile::V2_41).await;
    let places = made(&world, "often", Kinds::Dotenv, "2s").await;
    let first = places.held();
    let away = world.home.folder().join("away");
    std::fs::rename(places.folder(), &away).unwrap();
    let serving = Serving::start(&world).await;
    let counted = async |outcome: &str| {
        let name = format!("keywright_rotations_total{{mode=\"graceful\",outcome=\"{outcome}\"}} ");
        let (_, metrics) = serving.ask("/metrics").await;
        let count = metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok());
        count.unwrap_or(0)
    };
    until("a try that stalls", async || counted("stalled").await > 0).await;
    assert_eq!(counted("done").await, 0);
    std::fs::rename(&away, places.folder()).unwrap();
    world.home.run(&["rotate", "--resume", "often"]).await;
    until("a rotation", async || places.held() != first).await;
    until("one that is done", async || counted("done").await > 0).await;
}

/// A key that somebody made by hand is taken charge of, turned, and dead afterwards.
async fn adopted(world: &World, by_hand: &str) {
    let places = world.places("legacy", Kinds::Dotenv);
    let env = places.folder().join(".env");
    std::fs::write(&env, format!("# kept\nTARGET=s3\nN8N_API_KEY={by_hand}\n")).unwrap();
    std::fs::write(world.home.folder().join("legacy.key"), format!("{by_hand}\n")).unwrap();
    let to = places.options();
    let adopt =
        ["key", "adopt", "legacy", "--key-from", "file:legacy.key", "--owner", "ops", "--grace", "0s"];
    let adopt = [&adopt[..], &["--scope", "workflow:list"], &[to[0].as_str(), to[1].as_str()]].concat();
    let dry = world.home.must(&[&adopt[..], &["--dry-run"]].concat()).await;
    assert!(dry.stdout.starts_with("would take charge of"), "{dry:?}");
    assert_eq!(world.home.run(&["key", "show", "legacy"]).await.code, Some(1), "a dry run keeps nothing");
    let json = world.home.json(&adopt).await;
    assert_eq!(
        (&json["key"]["state"], json["not_held"].as_array().unwrap().len()),
        (&"active".into(), 0),
        "{json}"
    );
    assert!(world.key_works(by_hand).await, "it works as before");
    let again = world.home.run(&adopt).await;
    assert_eq!(again.code, Some(1), "it is known: {again:?}");
    world.home.must(&["rotate", "legacy"]).await;
    let new = places.held().remove(0).unwrap();
    assert!(new != by_hand && world.key_works(&new).await && !world.key_works(by_hand).await);
    assert!(places.surroundings_are_untouched());
    let nonsense = world.home.folder().join("nonsense.key");
    std::fs::write(&nonsense, "canary-is-no-key\n").unwrap();
    let refused = world.home.run(&["key", "adopt", "other", "--key-from", "file:nonsense.key"]).await;
    assert!(refused.code == Some(1) && !refused.stderr.contains("canary"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_exists_is_taken_charge_of_and_turned() {
    let world = World::start(Profile::V2_41).await;
    let by_hand = made_by_hand(&world.url(), Options::OWNER_EMAIL, Options::OWNER_PASSWORD).await;
    adopted(&world, &by_hand).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_a_key_that_exists_is_taken_charge_of_and_turned() {
    for version in ["2.41.1", "1.123.81"] {
        let Some(ground) = Ground::of(version).await else { return };
        let by_hand = made_by_hand(ground.url(), ground.email(), ground.password()).await;
        adopted(&World::real(ground).await, &by_hand).await;
    }
}

/// Makes a key as a person does in the editor.
async fn made_by_hand(url: &str, email: &str, password: &str) -> String {
    let client = http();
    let login = serde_json::json!({"emailOrLdapLoginId": email, "password": password});
    let login = client.post(format!("{url}/rest/login")).json(&login).send().await.unwrap();
    assert_eq!(login.status().as_u16(), 200, "{PASSWORD}");
    let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let label = format!("by hand {}", std::process::id());
    let key = serde_json::json!({"label": label, "scopes": ["workflow:list"], "expiresAt": null});
    let made = client.post(format!("{url}/rest/api-keys")).header("cookie", cookie).json(&key);
    let made: serde_json::Value = made.send().await.unwrap().json().await.unwrap();
    made["data"]["rawApiKey"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_points_at_keys_that_nobody_declared_and_never_expire() {
    let world = World::start(Profile::V2_41).await;
    made_by_hand(&world.url(), Options::OWNER_EMAIL, Options::OWNER_PASSWORD).await;
    world.integration("backups", Kinds::Dotenv).await;
    let ended = world.home.run(&["status", "--json"]).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let json = ended.json();
    let findings = json["findings"].as_array().unwrap();
    let kinds: Vec<&str> = findings.iter().map(|finding| finding["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["unknown_key", "never_expires"], "{json}");
    assert!(findings[0]["text"].as_str().unwrap().contains("by hand") && findings[0]["subject"] == "prod");
    let text = world.home.run(&["status"]).await.stdout;
    assert!(text.contains("unknown_key a key that nobody declared"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_configuration_is_taken_while_it_runs_and_a_faulty_one_is_not() {
    let world = World::start(Profile::V2_41).await;
    let config = world.home.folder().join("keywright.toml");
    let plain = std::fs::read_to_string(&config).unwrap();
    let mut serving = Serving::start(&world).await;
    let told = async |what: &str| serving.ask("/metrics").await.1.contains(what);
    assert!(!told("channel=\"ops\"").await);
    std::fs::write(&config, format!("{plain}\n[notify.ops]\ncommand = \"/bin/true\"\n")).unwrap();
    serving.signal(Signal::HUP);
    until("the new channel", async || told("channel=\"ops\"").await).await;
    std::fs::write(&config, format!("{plain}\n[notify.dev]\ncomand = \"/bin/true\"\n")).unwrap();
    serving.signal(Signal::HUP);
    std::fs::write(
        &config,
        format!("{plain}\n[notify.ops]\ncommand = \"/bin/true\"\n[notify.new]\ncommand = \"/bin/true\"\n"),
    )
    .unwrap();
    serving.signal(Signal::HUP);
    until("the one after", async || told("channel=\"new\"").await).await;
    assert!(!told("channel=\"dev\"").await && serving.is_leader().await);
    serving.signal(Signal::TERM);
    let ended = tokio::time::timeout(SOON, serving.child.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(0));
}
