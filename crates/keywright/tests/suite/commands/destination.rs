//! `keywright destination list`, `check`, `drift`.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::{configure, declared, integration, is_whole, said};
use crate::support::home::Home;
use crate::support::places::{Kinds, Places};
use crate::support::world::World;

fn addresses(told: &Value, list: &str) -> Vec<String> {
    let all = told[list].as_array().unwrap().iter();
    all.map(|one| one["destination"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Makes a place hold something else, as a person does.
fn edit(places: &Places) {
    std::fs::write(places.folder().join(".env"), "# kept\nTARGET=s3\nN8N_API_KEY=by-hand\n").unwrap();
}

async fn world() -> World {
    World::start(sandbox::Profile::V2_41).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_delivered_where_is_listed() {
    let world = world().await;
    let home = &world.home;
    let none = home.must(&["destination", "list"]).await;
    assert!(none.stdout.starts_with("no destination yet"), "{none:?}");
    let (backups, agent) =
        (world.integration("backups", Kinds::All).await, world.integration("agent", Kinds::File).await);
    let listed = home.json(&["destination", "list"]).await;
    assert_eq!(addresses(&listed, "destinations"), [agent.addresses(), backups.addresses()].concat());
    for one in listed["destinations"].as_array().unwrap() {
        assert!(one["delivered_at"].is_string() && one["reload"].is_null(), "{one}");
    }
    let only = home.json(&["destination", "list", "agent"]).await;
    assert_eq!(addresses(&only, "destinations"), agent.addresses());
    let table = home.must(&["destination", "list", "backups"]).await.stdout;
    let heading: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(heading, ["INTEGRATION", "DESTINATION", "DELIVERED", "RELOAD"]);
    assert!(
        table.lines().skip(1).all(|line| line.starts_with("backups ") && line.contains("s ago")),
        "{table}"
    );
    for action in ["list", "check", "drift"] {
        let refused = said(&world, &["destination", action, "backup"]).await;
        assert!(is_whole(&refused) && refused.contains("did you mean `backups`?"), "{refused}");
    }
    home.must(&["key", "revoke", "agent", "--yes"]).await;
    // Its record stays, and so does the place that a next key goes to.
    assert_eq!(addresses(&home.json(&["destination", "list", "agent"]).await, "destinations").len(), 1);
}

#[tokio::test]
async fn kinds_of_destinations_are_listed_without_a_configuration() {
    let home = Home::empty("");
    let told = home.json(&["destination", "list", "--kinds"]).await;
    let kinds = told["kinds"].as_array().unwrap();
    for (what, kind) in [
        ("destination", "dotenv"),
        ("destination", "systemd-creds"),
        ("service", "doppler"),
        ("hook", "command"),
        ("hook", "systemd"),
    ] {
        let one = kinds.iter().find(|one| one["what"] == what && one["kind"] == kind);
        let one = one.unwrap_or_else(|| panic!("no {what} {kind} in {told}"));
        assert!(one["example"].as_str().unwrap().starts_with(&format!("{kind}:")), "{one}");
    }
    let table = home.must(&["destination", "list", "--kinds"]).await.stdout;
    assert_eq!(table.lines().count(), kinds.len() + 1, "{table}");
    assert_eq!(home.run(&["destination", "list", "x", "--kinds"]).await.code, Some(2));
    assert_eq!(std::fs::read_dir(home.folder()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_cannot_be_written_is_found_with_a_mend() {
    let world = declared().await;
    let home = &world.home;
    let nothing = home.must(&["destination", "check"]).await;
    assert_eq!(nothing.stdout, "there is no destination\n");
    let (backups, open) = (world.places("backups", Kinds::All), world.places("open", Kinds::File));
    let hook = backups.folder().join("put.sh");
    let hooked = backups.addresses();
    let deliver: Vec<String> = hooked.iter().map(|to| json!(to).to_string()).collect();
    let with_hook = format!("{{ to = {}, reload = \"command:{}\" }}", json!(hooked[1]), hook.display());
    let deliver = vec![deliver[0].clone(), with_hook, deliver[2].clone()];
    let other = vec![json!(open.addresses()[0]).to_string()];
    configure(home, &integration("backups", "0s", &deliver));
    configure(home, &integration("open", "0s", &other));
    std::fs::set_permissions(&hook, Permissions::from_mode(0o755)).unwrap();
    home.must(&["apply", "--yes"]).await;
    let (held, calls) = (backups.held(), world.sandbox().call_count());
    let well = home.must(&["destination", "check"]).await;
    assert!(well.stdout.ends_with("all 5 can be reached and written\n"), "{well:?}");
    assert!(well.stdout.contains("hook command:") && well.stdout.contains("can be run"), "{well:?}");
    let json = home.json(&["destination", "check"]).await;
    assert_eq!((&json["faults"], json["checks"].as_array().unwrap().len()), (&json!(0), 5));
    assert_eq!(
        (backups.held(), world.sandbox().call_count()),
        (held, calls),
        "nothing is changed, n8n not asked"
    );

    // Everyone may write there, so that anybody could have put a link.
    std::fs::set_permissions(open.folder(), Permissions::from_mode(0o777)).unwrap();
    std::fs::set_permissions(&hook, Permissions::from_mode(0o644)).unwrap();
    let ended = home.run(&["destination", "check", "--json"]).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let json = ended.json();
    assert_eq!(json["faults"], 2, "{json}");
    let faulty = json["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == false);
    let faulty: Vec<&Value> = faulty.collect();
    assert!(faulty[0]["reload"].as_str().unwrap().ends_with("put.sh"), "{json}");
    assert_eq!(faulty[1]["destination"], open.addresses()[0].as_str());
    assert!(faulty.iter().all(|check| !check["error"]["try"].as_array().unwrap().is_empty()), "{json}");
    assert_eq!(home.run(&["destination", "check", "backups"]).await.code, Some(3));
    std::fs::rename(open.folder(), home.folder().join("away")).unwrap();
    let gone = said(&world, &["destination", "check", "open"]).await;
    insta::assert_snapshot!(gone, @r"
    exit code 3
    ✗ open file:HOME/places/open/n8n.key  cannot use the file `HOME/places/open/n8n.key`
        because: `HOME/places/open` does not exist, or something on the way to it is not a folder
        try: make the folder, such as `mkdir -p HOME/places/open`
    1 of 1 cannot
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_not_where_it_was_put_is_drift() {
    let world = world().await;
    let home = &world.home;
    let nothing = home.must(&["destination", "drift"]).await;
    assert_eq!(nothing.stdout, "there is no destination of a key\n");
    let backups = world.integration("backups", Kinds::All).await;
    let agent = world.places("agent", Kinds::Command);
    // Without a read command.
    let blind = agent.addresses()[0].split('#').next().unwrap().to_owned();
    home.must(&["key", "create", "agent", "--scope", "workflow:list", "--to", &blind]).await;
    let well = home.must(&["destination", "drift"]).await.stdout;
    assert!(well.ends_with("none of 4 has drifted\n") && well.contains("cannot be read back"), "{well}");
    let states = |told: &Value| -> Vec<String> {
        let all = told["destinations"].as_array().unwrap().iter();
        all.map(|one| one["drift"]["state"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(states(&home.json(&["destination", "drift"]).await), ["unreadable", "none", "none", "none"]);

    edit(&backups);
    std::fs::remove_file(backups.folder().join("n8n.key")).unwrap();
    let read = std::fs::read_to_string(backups.folder().join("read.sh")).unwrap();
    std::fs::write(backups.folder().join("read.sh"), "echo canary-of-a-reader >&2; exit 1\n").unwrap();
    let ended = home.run(&["destination", "drift", "--json"]).await;
    let json = ended.json();
    assert_eq!((ended.code, &json["drifted"], &json["unknown"]), (Some(3), &json!(2), &json!(1)), "{json}");
    assert_eq!(states(&json), ["unreadable", "other", "absent", "failed"]);
    assert!(!ended.stdout.contains("by-hand") && !ended.stdout.contains("canary"), "{ended:?}");
    let text = home.run(&["destination", "drift", "backups"]).await.stdout;
    assert!(text.contains("try: keywright deliver backups") && !text.contains("by-hand"), "{text}");
    assert!(text.ends_with("2 of 3 have drifted, 1 could not be read\n"), "{text}");

    home.must(&["deliver", "backups", "--to", &backups.addresses()[0], "--to", &backups.addresses()[1]])
        .await;
    let unknown = home.run(&["destination", "drift", "backups"]).await;
    assert_eq!(unknown.code, Some(1), "what could not be read may have drifted: {unknown:?}");
    std::fs::write(backups.folder().join("read.sh"), read).unwrap();
    home.must(&["destination", "drift"]).await;

    // While a rotation waits, each of its keys may be there, and what is there instead is mended by it.
    let old = std::fs::read(backups.folder().join(".env")).unwrap();
    home.must(&["rotate", "backups", "--grace", "1h"]).await;
    home.must(&["destination", "drift"]).await;
    std::fs::write(backups.folder().join(".env"), old).unwrap();
    home.must(&["destination", "drift"]).await;
    edit(&backups);
    let waits = home.run(&["destination", "drift"]).await;
    assert!(
        waits.code == Some(3) && waits.stdout.contains("try: wait: it is delivered again when"),
        "{waits:?}"
    );
    home.must(&["rotate", "backups", "--abort"]).await;
    home.must(&["key", "revoke", "backups", "--yes"]).await;
    let none = home.json(&["destination", "drift", "backups"]).await;
    assert_eq!(none, json!({"destinations": [], "drifted": 0, "unknown": 0}));
}
