//! `keywright deliver`: a key is put again where it was, its hook runs again, and nothing else happens.

use std::collections::BTreeMap;

use sandbox::Profile;
use serde_json::{Value, json};

use super::{configure, declared, events, integration, is_whole, said};
use crate::serve::{Serving, until};
use crate::support::home::Home;
use crate::support::places::{Kinds, Places};
use crate::support::world::World;

/// An integration with a hook after its first place, which notes that it ran.
async fn hooked() -> (World, Places) {
    let world = declared().await;
    let places = world.places("backups", Kinds::All);
    let script = world.home.folder().join("reload.sh");
    std::fs::write(&script, "echo \"$KEYWRIGHT_ACTION\" >> \"$1\"\n").unwrap();
    let reloads = world.home.folder().join("reloads");
    let hook = format!("command:/bin/sh {} {}", script.display(), reloads.display());
    let to = places.addresses();
    let deliver = [
        format!("{{ to = {}, reload = {} }}", json!(to[0]), json!(hook)),
        json!(to[1]).to_string(),
        json!(to[2]).to_string(),
    ];
    configure(&world.home, &integration("backups", "0s", &deliver));
    world.home.must(&["apply", "--yes"]).await;
    (world, places)
}

fn reloads(home: &Home) -> usize {
    std::fs::read_to_string(home.folder().join("reloads")).unwrap().matches("reload\n").count()
}

/// Somebody else's text in every place.
fn meddle(places: &Places) {
    std::fs::write(places.folder().join(".env"), "# kept\nTARGET=s3\nN8N_API_KEY=by-hand\n").unwrap();
    for name in ["n8n.key", "vault.key"] {
        std::fs::write(places.folder().join(name), "by-hand").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drift_is_mended_and_the_hook_runs_again() {
    let (world, places) = hooked().await;
    let (home, held) = (&world.home, places.held());
    let (keys, made) = (world.living().await.len(), events(home, "key_created").await.len());
    assert_eq!(reloads(home), 1);
    meddle(&places);
    let told = home.must(&["deliver", "backups"]).await;
    assert_eq!((places.held(), reloads(home)), (held.clone(), 2), "{told:?}");
    assert!(places.surroundings_are_untouched());
    let (now, retired) = (events(home, "key_created").await, events(home, "key_retired").await);
    assert_eq!((world.living().await.len(), now.len(), retired.len()), (keys, made, 0));
    let started = events(home, "rotation_started").await.pop().unwrap();
    assert_eq!((&started["detail"]["mode"], &started["detail"]["old_keys"]), (&json!("deliver"), &json!([])));
    let shown = world.show("backups").await;
    let rotation = &shown["rotations"][0];
    assert_eq!((&rotation["mode"], &rotation["status"]), (&json!("deliver"), &json!("done")));
    assert_eq!(rotation["new_key"], shown["keys"][0]["id"], "the key that there is");
    let steps: Vec<&str> =
        rotation["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    let each = ["deliver", "confirm"];
    assert_eq!(steps, [&["check", "prove"][..], &each, &["reload"], &each, &each, &["close"]].concat());
    let done = events(home, "rotation_done").await.pop().unwrap();
    assert_eq!(done["rotation"], started["rotation"]);

    meddle(&places);
    let json = home.json(&["deliver", "backups", "--to", &places.addresses()[1]]).await;
    let by_hand = Some("by-hand".to_owned());
    assert_eq!(places.held(), [by_hand.clone(), held[1].clone(), by_hand]);
    assert_eq!((json["rotations"].as_array().unwrap().len(), reloads(home)), (1, 2), "its hook is another's");
    home.must(&["deliver", "backups", "--to", &places.addresses()[0], "--to", &places.addresses()[2]]).await;
    assert_eq!((places.held(), reloads(home)), (held, 3));
    home.must(&["log", "verify"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_delivers_nothing() {
    let (world, places) = hooked().await;
    let home = &world.home;
    meddle(&places);
    let state = async || {
        let shown = world.show("backups").await;
        (places.held(), reloads(home), shown, home.must(&["log", "export"]).await.stdout)
    };
    let (before, calls) = (state().await, world.sandbox().call_count());
    let told = home.must(&["deliver", "backups", "--dry-run"]).await;
    assert!(
        told.stdout.contains("backups at prod, deliver: would")
            && told.stdout.contains("nothing was changed")
    );
    let json = home.json(&["deliver", "backups", "--dry-run", "--to", &places.addresses()[0]]).await;
    let steps: Vec<&str> = json["rotations"][0]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    assert_eq!(steps, ["check", "prove", "deliver", "confirm", "reload", "close"]);
    assert_eq!(json["rotations"][0]["old_key_dies_at"], Value::Null);
    assert_eq!(state().await, before);
    let made = world.sandbox().calls().into_iter().filter(|call| call.number > calls);
    assert!(made.map(|call| call.method).all(|method| method == "GET"));
    std::fs::rename(places.folder(), home.folder().join("away")).unwrap();
    let refused = said(&world, &["deliver", "backups", "--dry-run"]).await;
    assert!(is_whole(&refused) && refused.starts_with("exit code 1"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_delivered_is_refused_with_a_mend() {
    let world = World::start(Profile::V2_41).await;
    let home = &world.home;
    let places = world.integration("backups", Kinds::Dotenv).await;
    home.must(&["key", "create", "shown", "--scope", "workflow:list"]).await;
    insta::assert_snapshot!(said(&world, &["deliver", "shown"]).await, @r#"
    exit code 1
    error: `shown` has no destination
    because: there is nowhere to deliver its key to
    try: [integration.shown] deliver = ["…"], and `keywright apply`
    "#);
    insta::assert_snapshot!(said(&world, &["deliver", "backup"]).await, @r"
    exit code 1
    error: there is no integration `backup`
    because: there are 3 of other names
    try: did you mean `backups`?
    try: keywright key list
    ");
    insta::assert_snapshot!(said(&world, &["deliver", "backups", "--to", "file:/run/other"]).await, @r"
    exit code 1
    error: `file:/run/other` is no destination of `backups`
    because: it has `dotenv:HOME/places/backups/.env#N8N_API_KEY`
    try: name one of them, or none for all
    ");
    assert_eq!(home.run(&["deliver", "backups", "--to", "nowhere"]).await.code, Some(2));
    assert_eq!(home.run(&["deliver"]).await.code, Some(2));

    // A rotation that waits for its grace has the say; a dry run tells that too.
    home.must(&["rotate", "backups", "--grace", "1h"]).await;
    let held = places.held();
    let refused = said(&world, &["deliver", "backups"]).await;
    insta::assert_snapshot!(refused, @r"
    exit code 1
    error: `backups` is being rotated already
    because: rotation ID is waiting
    try: keywright rotate --resume backups
    try: keywright rotate backups --abort
    try: keywright rotate backups --compromised   # if a key leaked: kills every key of it now
    ");
    assert_eq!(said(&world, &["deliver", "backups", "--dry-run"]).await, refused);
    assert_eq!(places.held(), held);
    home.must(&["rotate", "backups", "--abort"]).await;
    home.must(&["deliver", "backups"]).await;

    home.must(&["key", "revoke", "backups", "--yes"]).await;
    insta::assert_snapshot!(said(&world, &["deliver", "backups"]).await, @r"
    exit code 1
    error: `backups` has no key to deliver
    because: none was made, or all are retired
    try: keywright key create backups --help
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_stalls_gives_way_to_a_leak() {
    let (world, places) = hooked().await;
    let home = &world.home;
    let old = places.held()[0].clone().unwrap();
    places.raise("broken");
    meddle(&places);
    let stalled = home.run(&["deliver", "backups"]).await;
    assert!(stalled.code == Some(1) && stalled.stderr.contains("the vault is sealed"), "{stalled:?}");
    assert!(world.key_works(&old).await, "nothing was killed");
    let again = home.run(&["deliver", "backups"]).await;
    assert!(again.code == Some(1) && again.stderr.contains("keywright rotate --resume backups"), "{again:?}");
    assert_eq!(home.run(&["status"]).await.code, Some(3));
    let held = places.held();
    let undone = said(&world, &["rotate", "backups", "--abort", "--quiet"]).await;
    assert_eq!(undone, "exit code 0\nundone backups: the key stays where it was delivered by now\n");
    assert_eq!(places.held(), held, "nothing is put back");
    assert_eq!(held.iter().filter(|held| **held == Some(old.clone())).count(), 2, "{held:?}");
    assert_eq!(home.run(&["deliver", "backups"]).await.code, Some(1));
    places.lower("broken");
    home.must(&["rotate", "backups", "--compromised"]).await;
    let held = places.held();
    assert!(
        held.iter().all(|key| *key == held[0]) && held[0] != Some(old.clone()),
        "the new one, everywhere"
    );
    assert!(!world.key_works(&old).await && world.key_works(held[0].as_deref().unwrap()).await);
    let shown = world.show("backups").await;
    let statuses: Vec<&Value> =
        shown["rotations"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses[..2], ["done", "superseded"]);
    home.must(&["status", "--offline"]).await;
    home.must(&["log", "verify"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_and_metrics_show_a_drift_until_it_is_delivered() {
    let (world, places) = hooked().await;
    let home = &world.home;
    meddle(&places);
    let serving = Serving::start(&world).await;
    let findings = async || {
        let told = home.run(&["status", "--json"]).await;
        let all = told.json()["findings"].as_array().unwrap().clone();
        let drifted: Vec<Value> = all.into_iter().filter(|one| one["kind"] == "drifted").collect();
        (told.code, drifted)
    };
    let metric = async || {
        let (_, text) = serving.ask("/metrics").await;
        let line = |line: &&str| {
            line.starts_with("keywright_integration_drifted_destinations{") && line.contains("\"backups\"")
        };
        text.lines().find(line).map(|line| line.rsplit(' ').next().unwrap().to_owned())
    };
    until("a look at the places", async || findings().await.1.len() == 3).await;
    let (code, found) = findings().await;
    assert_eq!(code, Some(3));
    assert!(
        found.iter().all(|one| one["try"] == "keywright deliver backups" && one["urgent"] == true),
        "{found:?}"
    );
    assert_eq!(metric().await.as_deref(), Some("3"));
    let seen = events(home, "destination_drifted").await;
    let at: BTreeMap<&str, &str> = seen
        .iter()
        .map(|event| (event["destination"].as_str().unwrap(), event["integration"].as_str().unwrap()))
        .collect();
    assert_eq!(at.len(), 3, "{seen:?}");
    home.must(&["deliver", "backups", "--to", &places.addresses()[1]]).await;
    assert_eq!(findings().await.1.len(), 2, "what was delivered since is not told");
    assert_eq!(metric().await.as_deref(), Some("2"));
    home.must(&["deliver", "backups"]).await;
    let (code, found) = findings().await;
    assert_eq!((code, found), (Some(0), Vec::new()));
    assert_eq!(metric().await.as_deref(), Some("0"));
    // What a rotation that waits will mend is not left to a command that would be refused.
    home.must(&["rotate", "backups", "--grace", "1h"]).await;
    meddle(&places);
    drop(serving);
    let again = Serving::start(&world).await;
    until("a look in the grace", async || findings().await.1.len() == 3).await;
    let waits = findings().await.1.remove(0);
    assert!(waits["try"].as_str().unwrap().starts_with("wait: it is delivered again when"), "{waits}");
    drop(again);
}
