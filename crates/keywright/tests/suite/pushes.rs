//! What is pushed to a forge: a webhook, a fetch, a key that is found in it, its end.

use std::time::Instant;

use forges::ForgeKind;
use rustix::process::Signal;
use sandbox::Profile;
use serde_json::{Value, json};

use crate::serve::{Serving, until};
use crate::support::forge::{Forge, REPOSITORY, SECRET, body, deliver, try_deliver};
use crate::support::ground::Ground;
use crate::support::hand::Asked;
use crate::support::home::Home;
use crate::support::places::{Kinds, Places};
use crate::support::world::World;

struct Scene {
    world: World,
    forge: Forge,
    places: Places,
    /// The key that leaks.
    key: String,
}

impl Scene {
    async fn begin(world: World, kind: ForgeKind, action: &str) -> Self {
        let places = world.integration("backups", Kinds::Dotenv).await;
        let forge = Forge::make(world.home.folder(), kind);
        forge.declare(world.home.folder(), action);
        let key = places.held().remove(0).unwrap();
        Self { world, forge, places, key }
    }

    async fn sandbox(action: &str) -> Self {
        Self::begin(World::start(Profile::V2_41).await, ForgeKind::GitHub, action).await
    }

    async fn key_is_dead(&self) -> bool {
        !self.world.key_works(&self.key).await
    }

    /// Another key is where the first one was, and works.
    async fn new_key_works(&self) -> bool {
        let held = self.places.held().remove(0).unwrap();
        held != self.key && self.world.key_works(&held).await
    }
}

async fn events(home: &Home, kind: &str) -> Vec<Value> {
    let shown = home.must(&["log", "export"]).await;
    let all = shown.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|event| event["kind"] == kind).collect()
}

/// What is caught up with when it starts is over: from here on, only a webhook leads to anything.
async fn looked_once(serving: &Serving) {
    until("the first look", async || serving.ask("/metrics").await.1.contains("outcome=\"searched\"")).await;
}

/// Commits the key, pushes it, says so; gives how long it lived from then on.
async fn pushed_and_dead(scene: &Scene, serving: &Serving) -> f64 {
    let hooks = serving.hooks.clone().unwrap();
    looked_once(serving).await;
    scene.forge.commit("config.yaml", &format!("api:\n  key: {}\n", scene.key));
    let began = Instant::now();
    let push = scene.forge.push();
    let taken = scene.forge.tells(&hooks, "first", &push).await;
    assert_eq!(taken, (202, "taken".to_owned()));
    until("the key's death", async || scene.key_is_dead().await).await;
    let seconds = began.elapsed().as_secs_f64();
    until("a new key in its place", async || scene.new_key_works().await).await;
    until("the end of the rotation", async || {
        let show = scene.world.show("backups").await;
        show["rotations"][0]["mode"] == "compromised" && show["rotations"][0]["status"] == "done"
    })
    .await;
    let known = scene.forge.tells(&hooks, "first", &push).await;
    assert_eq!(known, (200, "known".to_owned()));
    seconds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_pushed_is_killed_and_replaced() {
    let scene = Scene::sandbox("rotate").await;
    let mut serving = Serving::start(&scene.world).await;
    pushed_and_dead(&scene, &serving).await;
    let show = scene.world.show("backups").await;
    assert_eq!(show["rotations"].as_array().unwrap().len(), 2, "one rotation for the leak: {show}");
    until("the search is in the log", async || {
        let searched = events(&scene.world.home, "push_searched").await;
        assert!(!format!("{searched:?}").contains(&scene.key));
        searched.iter().any(|event| event["detail"]["ours"] == 1)
    })
    .await;
    let found = events(&scene.world.home, "leak_found").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["integration"], "backups");
    assert!(found[0]["detail"]["by"].as_str().unwrap().contains(REPOSITORY), "{found:?}");
    assert!(!format!("{found:?}").contains(&scene.key));
    let (_, metrics) = serving.ask("/metrics").await;
    for line in [
        "keywright_pushes_total{forge=\"local\",outcome=\"taken\"} 1",
        "keywright_pushes_total{forge=\"local\",outcome=\"known\"} 1",
        "keywright_leaks_total{forge=\"local\",whose=\"ours\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in {metrics}");
    }
    serving.signal(Signal::TERM);
    assert_eq!(serving.child.wait().await.unwrap().code(), Some(0));
    scene.world.home.must(&["log", "verify"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_pushed_to_gitlab_is_killed_and_replaced() {
    let scene = Scene::begin(World::start(Profile::V2_41).await, ForgeKind::GitLab, "rotate").await;
    pushed_and_dead(&scene, &Serving::start(&scene.world).await).await;
}

/// The forge refuses the token: that counts as a failure, and nothing is taken for clean.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_that_the_token_does_not_open_is_not_taken_for_clean() {
    let scene = Scene::sandbox("rotate").await;
    let token = scene.world.home.folder().join("read-token");
    std::fs::write(&token, "canary-wrong-token-example").unwrap();
    let serving = Serving::start(&scene.world).await;
    let hooks = serving.hooks.clone().unwrap();
    scene.forge.commit("config.yaml", &scene.key);
    let push = scene.forge.push();
    assert_eq!(scene.forge.tells(&hooks, "refused", &push).await, (202, "taken".to_owned()));
    until("a failure", async || {
        let (_, metrics) = serving.ask("/metrics").await;
        assert!(!metrics.contains("outcome=\"searched\""), "{metrics}");
        metrics.contains("keywright_pushes_total{forge=\"local\",outcome=\"failed\"}")
    })
    .await;
    assert!(!scene.key_is_dead().await);
    assert_eq!(events(&scene.world.home, "push_searched").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_signed_or_not_ours_leads_to_nothing() {
    let scene = Scene::sandbox("rotate").await;
    let serving = Serving::start(&scene.world).await;
    let hooks = serving.hooks.clone().unwrap();
    looked_once(&serving).await;
    scene.forge.commit("config.yaml", &scene.key);
    let push = scene.forge.push();
    let told = body(&push, REPOSITORY);
    let forged = deliver(&hooks, "push", "a", &told, "another-secret").await;
    assert_eq!(forged, (401, "not_genuine".to_owned()));
    let elsewhere = deliver(&hooks, "push", "b", &body(&push, "evil/app"), SECRET).await;
    assert_eq!(elsewhere, (200, "passed_over".to_owned()));
    let malformed = deliver(&hooks, "push", "c", &json!({"ref": "x"}), SECRET).await;
    assert_eq!(malformed, (400, "malformed".to_owned()));
    assert_eq!(deliver(&hooks, "ping", "d", &json!({}), SECRET).await, (200, "passed_over".to_owned()));
    let unknown = deliver(&hooks.replace("/hooks/", "/hooks/x"), "push", "e", &told, SECRET).await;
    assert_eq!(unknown, (404, "not_found".to_owned()));
    let large = json!({ "x": "x".repeat(9 << 20) });
    // Whether the answer is seen before the connection ends is a race: the rest of the body is not read.
    let refused = try_deliver(&hooks, "push", "f", &large, SECRET).await;
    assert!(refused.is_none_or(|answer| answer == (413, "too_large".to_owned())));
    assert!(!scene.key_is_dead().await);
    let (_, metrics) = serving.ask("/metrics").await;
    assert!(metrics.contains("keywright_pushes_total{forge=\"local\",outcome=\"refused\"} 2"), "{metrics}");
    assert!(metrics.contains("keywright_pushes_total{forge=\"local\",outcome=\"searched\"} 1"), "{metrics}");
}

/// What was pushed away again before anybody looked is still on the server, and so are those who saw it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_pushed_away_again_is_killed_too() {
    let scene = Scene::sandbox("rotate").await;
    let serving = Serving::start(&scene.world).await;
    let hooks = serving.hooks.clone().unwrap();
    looked_once(&serving).await;
    scene.forge.commit("config.yaml", &scene.key);
    scene.forge.push();
    scene.forge.take_back();
    let away = scene.forge.push();
    let taken = deliver(&hooks, "push", "away", &body(&away, REPOSITORY), SECRET).await;
    assert_eq!(taken, (202, "taken".to_owned()));
    until("the key's death", async || scene.key_is_dead().await).await;
}

/// A webhook that was answered is not lost, whatever becomes of the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_outlives_the_process_that_took_it() {
    let scene = Scene::sandbox("rotate").await;
    let mut serving = Serving::start(&scene.world).await;
    let hooks = serving.hooks.clone().unwrap();
    looked_once(&serving).await;
    scene.forge.commit("config.yaml", &scene.key);
    let push = scene.forge.push();
    let away = scene.world.home.folder().join("away");
    std::fs::rename(scene.forge.served(), &away).unwrap();
    let taken = deliver(&hooks, "push", "kept", &body(&push, REPOSITORY), SECRET).await;
    assert_eq!(taken, (202, "taken".to_owned()));
    serving.signal(Signal::KILL);
    serving.child.wait().await.unwrap();
    std::fs::rename(&away, scene.forge.served()).unwrap();
    assert!(!scene.key_is_dead().await);
    let next = Serving::start(&scene.world).await;
    until("the key's death", async || scene.key_is_dead().await).await;
    until("the webhook is worked off", async || {
        let searched = events(&scene.world.home, "push_searched").await;
        searched.iter().any(|event| event["detail"]["deliveries"] == 1)
    })
    .await;
    let known = deliver(&next.hooks.clone().unwrap(), "push", "kept", &body(&push, REPOSITORY), SECRET).await;
    assert_eq!(known, (200, "known".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_only_people_are_to_be_told_the_key_lives() {
    let scene = Scene::sandbox("notify").await;
    let (told, config) =
        (scene.world.home.folder().join("told"), scene.world.home.folder().join("keywright.toml"));
    let script = scene.world.home.folder().join("tell.sh");
    std::fs::write(&script, format!("#!/bin/sh\ncat >> {0}\necho >> {0}\n", told.display())).unwrap();
    let channel =
        format!("\n[notify.file]\ncommand = \"/bin/sh {}\"\nkinds = [\"leaked\"]\n", script.display());
    std::fs::write(&config, std::fs::read_to_string(&config).unwrap() + &channel).unwrap();
    let serving = Serving::start(&scene.world).await;
    let hooks = serving.hooks.clone().unwrap();
    let asked = Asked { label: "by hand".into(), scopes: vec!["workflow:list".into()], ends: None };
    let foreign = scene.world.hand().await.makes(&asked).await;
    scene.forge.commit("keys", &format!("{}\n{foreign}\n", scene.key));
    let push = scene.forge.push();
    deliver(
        &hooks,
        "secret_scanning_alert",
        "alert",
        &json!({"repository": {"full_name": REPOSITORY}}),
        SECRET,
    )
    .await;
    deliver(&hooks, "push", "push", &body(&push, REPOSITORY), SECRET).await;
    let notices = || std::fs::read_to_string(&told).unwrap_or_default();
    until("a notice of each", async || {
        let notices = notices();
        notices.contains("the key of `backups` was pushed")
            && notices.contains("a key that is not ours was pushed")
    })
    .await;
    let notices = notices();
    assert!(!notices.contains(&scene.key) && !notices.contains(&foreign), "no key in a notice");
    assert!(notices.contains("keywright rotate backups --compromised"), "{notices}");
    assert!(!scene.key_is_dead().await && scene.world.key_works(&foreign).await);
    assert_eq!(scene.world.show("backups").await["rotations"].as_array().unwrap().len(), 1);
}

async fn from_push_to_401(version: &str) {
    let Some(ground) = Ground::of(version).await else { return };
    let scene = Scene::begin(World::real(ground).await, ForgeKind::GitHub, "rotate").await;
    let serving = Serving::start(&scene.world).await;
    let seconds = pushed_and_dead(&scene, &serving).await;
    println!("n8n {version}: {seconds:.2} s from the push to 401");
    let show = scene.world.show("backups").await;
    let proof = &show["rotations"][0]["steps"][1];
    assert_eq!(
        (&proof["step"], &proof["evidence"]["proofs"][0]["status"]),
        (&"prove-dead".into(), &401.into()),
        "{show}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_2_41_from_push_to_401() {
    from_push_to_401("2.41.1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_1_123_from_push_to_401() {
    from_push_to_401("1.123.81").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_1_72_from_push_to_401() {
    from_push_to_401("1.72.1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_1_60_from_push_to_401() {
    from_push_to_401("1.60.1").await;
}
