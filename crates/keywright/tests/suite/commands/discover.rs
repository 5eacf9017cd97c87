//! `keywright discover`: where a key lies, and the configuration that delivers there; nothing of it is said.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{configure, declared, events, files_with, integration, piped};
use crate::support::home::{Ended, Home};
use crate::support::places::{Kinds, Places};
use crate::support::world::World;

/// A key of nobody.
pub(super) const STRANGER: &str = "canary-stranger-key-04d9";

/// A folder with a key in files of every sort.
fn plant(home: &Home, key: &str) -> PathBuf {
    let folder = home.folder().join("planted");
    std::fs::create_dir_all(folder.join("agent")).unwrap();
    let files = [
        (".env", "A=1\nN8N_API_KEY=\"THE-ONE\" # old\n#N8N_OLD=THE-ONE\n"),
        ("agent/mcp.json", "{\"n8n\": {\"env\": {\"N8N_API_KEY\": \"THE-ONE\"}}}\n"),
        ("values.yaml", "n8n:\n  apiKey: THE-ONE\n"),
        ("config.toml", "[n8n]\napi_key = 'THE-ONE'\n"),
        ("n8n.key", "THE-ONE\n"),
        ("backup.sh", "set -e\ncurl -H 'X-N8N-API-KEY: THE-ONE' $1\n"),
        ("other.env", "N8N_API_KEY=canary-of-somebody-else\n"),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text.replace("THE-ONE", key)).unwrap();
    }
    folder
}

/// What was planted, as addresses, in the order of `found`.
fn planted(folder: &std::path::Path) -> Vec<String> {
    let at = folder.display();
    [
        format!("dotenv:{at}/.env#N8N_API_KEY"),
        format!("file:{at}/n8n.key"),
        format!("json:{at}/agent/mcp.json#/n8n/env/N8N_API_KEY"),
        format!("toml:{at}/config.toml#/n8n/api_key"),
        format!("yaml:{at}/values.yaml#/n8n/apiKey"),
    ]
    .to_vec()
}

pub(super) fn found(told: &Value, how: &str) -> Vec<String> {
    let all = told["found"].as_array().unwrap().iter().filter(|one| one["how"] == how);
    let mut found: Vec<String> = all.map(|one| one["at"].as_str().unwrap().to_owned()).collect();
    found.sort();
    found
}

pub(super) fn says_nothing_of(key: &str, ended: &Ended) {
    assert!(!ended.stdout.contains(key) && !ended.stderr.contains(key), "a key was said");
}

pub(super) async fn world() -> (World, Places, String) {
    let world = World::start(sandbox::Profile::V2_41).await;
    let places = world.integration("backups", Kinds::Dotenv).await;
    let key = places.held()[0].clone().unwrap();
    (world, places, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_found_in_every_sort_of_file_and_then_delivered_there() {
    let (world, places, key) = world().await;
    let home = &world.home;
    let folder = plant(home, &key);
    let at = folder.display().to_string();
    // A name for the folder that no address may have.
    let asked = "planted/../planted/.";
    let ended = home.run(&["discover", "backups", "--folder", asked, "--json"]).await;
    says_nothing_of(&key, &ended);
    let told = ended.json();
    assert_eq!((ended.code, found(&told, "holds")), (Some(3), planted(&folder)), "{told}");
    assert_eq!(found(&told, "within"), [format!("{at}/backup.sh:2")]);
    assert!(
        told["found"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["of"] == "backups (active)" && one["declared"] == false)
    );
    assert_eq!((&told["reads"], &told["exhausted"], &told["failed"]), (&json!(7), &json!(false), &json!([])));
    // By its text, the same is found.
    let text = piped(home, &["discover", "--folder", &at], &format!("{key}\n")).await;
    says_nothing_of(&key, &text);
    assert!(
        text.code == Some(3) && text.stdout.contains("6 found; 7 values compared in 7 reads"),
        "{text:?}"
    );
    for place in planted(&folder) {
        assert!(text.stdout.contains(&format!("! {place}  holds backups (active)\n")), "{place} {text:?}");
    }
    // Where it is delivered already, there is nothing to do.
    let own = places.folder().display().to_string();
    let known = home.must(&["discover", "backups", "--folder", &own]).await;
    assert!(
        known.stdout.contains("delivered by Keywright") && !known.stdout.contains("deliver = ["),
        "{known:?}"
    );

    let proposed = told["proposed"][0]["toml"].as_str().unwrap();
    assert_eq!(told["proposed"][0]["integration"], "backups");
    assert!(text.stdout.ends_with(&format!("{proposed}\n")), "{text:?}");
    configure(home, &format!("\n{proposed}\n"));
    home.must(&["config", "check"]).await;
    home.must(&["apply", "--yes"]).await;
    assert_eq!(home.run(&["plan"]).await.code, Some(0));
    let new = places.held()[0].clone().unwrap();
    assert!(new != key && world.key_works(&new).await && !world.key_works(&key).await);
    let again = home.json(&["discover", "backups", "--folder", &at, "--folder", &own]).await;
    assert_eq!(found(&again, "holds").len(), 6, "{again}");
    assert!(again["found"].as_array().unwrap().iter().all(|one| one["declared"] == true), "{again}");
    assert_eq!(again["proposed"], json!([]));

    let kinds: Vec<String> = home
        .must(&["log", "export"])
        .await
        .stdout
        .lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).unwrap();
            event["kind"].as_str().unwrap().to_owned()
        })
        .filter(|kind| kind.starts_with("key_search"))
        .collect();
    assert_eq!(kinds.len(), 8);
    assert!(kinds.chunks(2).all(|pair| pair == ["key_search_started", "key_searched"]), "{kinds:?}");
    let started = &events(home, "key_search_started").await[1];
    assert_eq!(started["detail"], json!({"folders": at, "services": ""}));
    let searched = &events(home, "key_searched").await[0];
    assert_eq!(searched["detail"], json!({"reads": 7, "compared": 7, "found": 6}));
    for key in [key, new] {
        assert_eq!(files_with(home, &key), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_file_declares_is_proposed_as_a_change_of_it() {
    let world = declared().await;
    let home = &world.home;
    let places = world.places("backups", Kinds::Dotenv);
    let to = &places.addresses()[0];
    let hooked = format!("{{ to = {}, reload = \"command:/bin/true\" }}", json!(to));
    configure(home, &integration("backups", "0s", std::slice::from_ref(&hooked)));
    home.must(&["apply", "--yes"]).await;
    let folder = plant(home, places.held()[0].as_deref().unwrap());
    let ended = home.run(&["discover", "backups", "--folder", "planted", "--json"]).await;
    let told = ended.json();
    let proposed = told["proposed"][0]["toml"].as_str().unwrap();
    let (comment, deliver) = proposed.split_once('\n').unwrap();
    assert_eq!(comment, "# in [integration.backups], instead of the `deliver` there:");
    assert!(deliver.contains(&hooked), "the hook stays: {deliver}");
    let file = home.folder().join("keywright.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(&format!("deliver = [{hooked}]"), deliver)).unwrap();
    home.must(&["config", "check"]).await;
    home.must(&["apply", "--yes"]).await;
    let held = places.held()[0].clone().unwrap();
    assert_eq!(std::fs::read_to_string(folder.join("n8n.key")).unwrap().trim(), held);
    home.must(&["discover", "backups", "--folder", "planted"]).await;
    // A link to a place is no other place, and a text in a place of another key is no delivery.
    std::os::unix::fs::symlink(&folder, home.folder().join("link")).unwrap();
    home.must(&["discover", "backups", "--folder", "link"]).await;
    let foreign = folder.join("n8n.key");
    std::fs::write(foreign, format!("{STRANGER}\n")).unwrap();
    let ended = piped(home, &["discover", "--folder", "planted"], STRANGER).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.stdout.contains("should hold the key of backups: keywright destination drift backups"),
        "{ended:?}"
    );
    assert!(!ended.stdout.contains("deliver = ["), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_nobody_knows_is_found_and_never_said() {
    let world = declared().await;
    let home = &world.home;
    plant(home, STRANGER);
    // Even where a file or a name in it is called by the key.
    let named = home.folder().join("planted/named");
    std::fs::create_dir(&named).unwrap();
    std::fs::write(named.join(STRANGER), STRANGER).unwrap();
    std::fs::write(named.join("x.json"), json!({STRANGER: STRANGER}).to_string()).unwrap();
    for more in [&[][..], &["--json"]] {
        let ended = piped(home, &[&["discover", "--folder", "planted"], more].concat(), STRANGER).await;
        says_nothing_of(STRANGER, &ended);
        assert_eq!(ended.code, Some(3), "{ended:?}");
    }
    std::fs::write(home.folder().join("planted/key"), STRANGER).unwrap();
    let ended =
        home.run(&["discover", "--key-from", "file:planted/key", "--folder", "planted", "--json"]).await;
    let told = ended.json();
    assert_eq!(found(&told, "within").len(), 3, "{told}");
    assert_eq!(found(&told, "holds").len(), 6, "{told}");
    assert_eq!(told["proposed"][0]["integration"], Value::Null);
    let proposed = told["proposed"][0]["toml"].as_str().unwrap();
    assert!(proposed.starts_with("# first: keywright key adopt found"), "{proposed}");
    configure(home, &format!("\n{proposed}\n"));
    home.must(&["config", "check"]).await;
    home.must(&["apply", "--yes"]).await;
    let held = std::fs::read_to_string(home.folder().join("planted/n8n.key")).unwrap();
    assert!(world.key_works(held.trim()).await);
    assert_eq!(files_with(home, STRANGER), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_of_an_integration_is_looked_for_and_proposed_once() {
    let (world, places, old) = world().await;
    let home = &world.home;
    home.must(&["rotate", "backups", "--grace", "1h"]).await;
    let new = places.held()[0].clone().unwrap();
    let folder = home.folder().join("planted");
    std::fs::create_dir(&folder).unwrap();
    for (name, key) in [("old.key", &old), ("new.key", &new)] {
        std::fs::write(folder.join(name), key).unwrap();
    }
    let ended = home.run(&["discover", "backups", "--folder", "planted", "--json"]).await;
    let told = ended.json();
    let of = |name: &str| {
        let at = format!("file:{}/{name}", folder.display());
        let found = told["found"].as_array().unwrap().iter().find(|one| one["at"] == at.as_str());
        found.unwrap()["of"].as_str().unwrap().to_owned()
    };
    assert!(of("old.key") != of("new.key") && of("old.key").starts_with("backups ("), "{told}");
    let proposed = told["proposed"].as_array().unwrap();
    assert_eq!((proposed.len(), &proposed[0]["integration"]), (1, &json!("backups")), "{told}");
    let toml = proposed[0]["toml"].as_str().unwrap();
    assert!(toml.contains("/old.key\"") && toml.contains("/new.key\""), "{toml}");
    for key in [&old, &new] {
        says_nothing_of(key, &ended);
    }
}
