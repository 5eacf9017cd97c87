//! The shapes of `--json` are those of `docs/reference/json.md`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use sandbox::{Options, Profile};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::support::home::{Ended, Home, PASSWORD};
use crate::support::places::Kinds;
use crate::support::repo::key;
use crate::support::world::{World, create};

/// The examples, by their headings.
fn examples() -> BTreeMap<String, Value> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/json.md");
    let text = std::fs::read_to_string(page).unwrap();
    let mut found = BTreeMap::new();
    for section in text.split("\n## ").skip(1) {
        let heading = section.lines().next().unwrap().replace('`', "");
        let example = section.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
        let value = serde_json::from_str(example).unwrap_or_else(|fault| panic!("{heading}: {fault}"));
        assert!(found.insert(heading.clone(), value).is_none(), "{heading} is there twice");
    }
    found
}

/// Where two values differ in shape: names in objects, kinds of values. What is null may be anything; an empty
/// list may hold anything.
fn differences(at: &str, example: &Value, real: &Value, found: &mut Vec<String>) {
    match (example, real) {
        (Value::Object(example), Value::Object(real)) => {
            let names = |one: &serde_json::Map<String, Value>| one.keys().cloned().collect::<Vec<_>>();
            if names(example) != names(real) {
                found.push(format!("{at}: {:?} in the example, {:?} in truth", names(example), names(real)));
            }
            for (name, value) in example {
                // What evidence holds differs from step to step.
                if let Some(real) = real.get(name).filter(|_| name != "evidence") {
                    differences(&format!("{at}.{name}"), value, real, found);
                }
            }
        }
        (Value::Array(example), Value::Array(real)) => {
            if let Some(example) = example.first() {
                for real in real {
                    differences(&format!("{at}[]"), example, real, found);
                }
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        (example, real) if std::mem::discriminant(example) != std::mem::discriminant(real) => {
            found.push(format!("{at}: {example} in the example, {real} in truth"));
        }
        _ => {}
    }
}

struct Told {
    examples: BTreeMap<String, Value>,
    found: Vec<String>,
    seen: Vec<String>,
}

impl Told {
    fn check(&mut self, heading: &str, real: &Value) {
        self.seen.push(heading.to_owned());
        match self.examples.get(heading) {
            Some(example) => differences(heading, example, real, &mut self.found),
            None => self.found.push(format!("`{heading}` has no example")),
        }
    }

    fn ended(&mut self, heading: &str, ended: &Ended) {
        assert!(
            ended.code == Some(0) && ended.stderr.lines().all(|line| line.starts_with("{\"warning\"")),
            "{ended:?}"
        );
        assert_eq!(ended.stdout.lines().count(), 1, "one object on one line: {ended:?}");
        self.check(heading, &ended.json());
    }
}

/// The first line of a watch, which is ended then.
async fn watched(home: &Home, path: &str) -> Value {
    let mut command = home.command(&["leaks", "watch", path, "--json"]);
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let line = BufReader::new(child.stdout.take().unwrap()).lines().next_line().await.unwrap().unwrap();
    child.kill().await.unwrap();
    serde_json::from_str(&line).unwrap()
}

async fn tell(told: &mut Told, world: &World, heading: &str, arguments: &[&str]) {
    let ended = world.home.run(&[arguments, &["--json"]].concat()).await;
    told.ended(heading, &ended);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_speaks_json_as_documented() {
    let world = World::start(Profile::V2_41).await;
    let mut told = Told { examples: examples(), found: Vec::new(), seen: Vec::new() };
    let other = world.home.folder().join("other/keywright.toml").display().to_string();
    tell(&mut told, &world, "keywright init", &["--config", &other, "init"]).await;
    let (url, password) = (world.url(), format!("env:{PASSWORD}"));
    let connect = ["connect", "prod", &url, "--email", Options::OWNER_EMAIL, "--password-from", &password];
    tell(&mut told, &world, "keywright connect", &connect).await;
    let places = world.places("backups", Kinds::All);
    let made = create("backups", &places);
    let made = [
        &made.iter().map(String::as_str).collect::<Vec<_>>()[..],
        &["--owner", "ops", "--rotate-every", "90d", "--show"],
    ]
    .concat();
    tell(&mut told, &world, "keywright key create", &made).await;
    tell(&mut told, &world, "keywright rotate --dry-run", &["rotate", "backups", "--dry-run"]).await;
    tell(&mut told, &world, "keywright rotate", &["rotate", "backups", "--grace", "0s"]).await;
    tell(&mut told, &world, "keywright deliver", &["deliver", "backups"]).await;
    for action in ["list", "check", "drift"] {
        tell(&mut told, &world, &format!("keywright destination {action}"), &["destination", action]).await;
    }
    let folder = places.folder().display().to_string();
    // The program of its `command` keeps the key in a file that nobody declared.
    let found = world.home.run(&["discover", "backups", "--folder", &folder, "--json"]).await;
    assert_eq!(found.code, Some(3), "{found:?}");
    told.check("keywright discover", &found.json());
    tell(&mut told, &world, "keywright key list", &["key", "list", "--all"]).await;
    tell(&mut told, &world, "keywright key show", &["key", "show", "backups"]).await;
    tell(&mut told, &world, "keywright status", &["status"]).await;
    tell(&mut told, &world, "keywright doctor", &["doctor"]).await;
    tell(&mut told, &world, "keywright log verify", &["log", "verify"]).await;
    let exported = world.home.must(&["log", "export", "--kind", "key_retired", "--json"]).await;
    told.check(
        "keywright log export",
        &serde_json::from_str(exported.stdout.lines().next().unwrap()).unwrap(),
    );
    assert_eq!(
        world.home.must(&["log", "show", "--kind", "key_retired", "--json"]).await.stdout,
        exported.stdout
    );
    let refused = world.home.run(&["rotate", "backup", "--json"]).await;
    assert!(refused.code == Some(1) && refused.stdout.is_empty(), "{refused:?}");
    told.check("An error", &serde_json::from_str(&refused.stderr).unwrap());
    let made = world.home.command_of(Path::new("git")).args(["init", "--quiet"]).status().await.unwrap();
    assert!(made.success());
    tell(&mut told, &world, "keywright leaks hook install", &["leaks", "hook", "install"]).await;
    tell(&mut told, &world, "keywright leaks hook status", &["leaks", "hook", "status"]).await;
    let (found, file) = (world.home.folder().join("leaked"), "leaked/x");
    std::fs::create_dir(&found).unwrap();
    std::fs::write(found.join("x"), key(1)).unwrap();
    let scanned = world.home.run(&["leaks", "scan", file, "--json"]).await;
    assert_eq!(scanned.code, Some(3), "{scanned:?}");
    told.check("keywright leaks scan", &scanned.json());
    told.check("keywright leaks watch", &watched(&world.home, file).await);
    let set = ["secret", "set", "smtp", "--from", &password];
    tell(&mut told, &world, "keywright secret set", &set).await;
    tell(&mut told, &world, "keywright secret list", &["secret", "list"]).await;
    tell(&mut told, &world, "keywright secret delete", &["secret", "delete", "smtp"]).await;
    tell(&mut told, &world, "keywright key revoke", &["key", "revoke", "backups", "--yes"]).await;
    let demo = world.home.run(&["demo", "--json"]).await;
    told.ended("keywright demo", &demo);
    told.seen.sort();
    assert_eq!(told.seen, told.examples.keys().cloned().collect::<Vec<_>>(), "every example is looked at");
    assert_eq!(told.found, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_leaves_results_and_errors() {
    let world = World::start(Profile::V2_41).await;
    let places = world.places("backups", Kinds::Dotenv);
    let made = create("backups", &places);
    let made = [&made.iter().map(String::as_str).collect::<Vec<_>>()[..], &["--quiet", "--show"]].concat();
    let made = world.home.must(&made).await;
    assert_eq!(
        (made.stderr.as_str(), Some(made.stdout.trim())),
        ("", places.held()[0].as_deref()),
        "the key alone"
    );
    let turned = world.home.must(&["rotate", "backups", "--grace", "0s", "--quiet"]).await;
    assert_eq!(turned.stderr, "");
    assert!(
        turned.stdout.starts_with("rotated backups: ") && turned.stdout.lines().count() == 1,
        "{turned:?}"
    );
    let refused = world.home.run(&["rotate", "backup", "--quiet"]).await;
    assert!(refused.stdout.is_empty() && refused.stderr.starts_with("error: "), "{refused:?}");
    let unasked = world.home.must(&["rotate", "backups"]).await;
    assert!(
        unasked.stderr.lines().filter(|line| line.starts_with("✓ backups  ")).count() >= 5,
        "{unasked:?}"
    );
}
