//! `keywright exec`: the key is in the program's environment, and nowhere else.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;

use sandbox::{Effect, Fault, Matcher, Profile};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout};

use super::{is_whole, said};
use crate::support::places::{Kinds, Places};
use crate::support::world::World;

pub(super) async fn world() -> (World, Places) {
    let world = World::start(Profile::V2_41).await;
    let places = world.integration("backups", Kinds::Dotenv).await;
    (world, places)
}

pub(super) fn key(places: &Places) -> String {
    places.held()[0].clone().unwrap()
}

/// A script that runs, its output line by line.
pub(super) fn running(world: &World, options: &[&str], script: &str) -> (Child, BufReader<ChildStdout>) {
    let arguments = [&["exec", "backups"], options, &["--", "sh", "-c", script]].concat();
    let mut child = world.home.command(&arguments).stdin(Stdio::piped()).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

pub(super) async fn line(out: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    out.read_line(&mut line).await.unwrap();
    line.trim_end().to_owned()
}

/// Files that hold a text, but the places where it belongs.
fn holding(folder: &Path, text: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() && entry.file_name() != "places" {
            holding(&path, text, found);
        } else if path.is_file() {
            let held = std::fs::read(&path).unwrap();
            let holds = held.windows(text.len()).any(|window| window == text.as_bytes());
            found.extend(holds.then(|| path.display().to_string()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_is_in_the_environment_and_nowhere_else() {
    let (world, places) = world().await;
    let (folder, key) = (world.home.folder(), key(&places));
    let script = "echo $$; echo \"$N8N_API_KEY\"; echo \"$N8N_BASE_URL\"; read end";
    for options in [&["--url-env", "N8N_BASE_URL"][..], &["--url-env", "N8N_BASE_URL", "--mask"]] {
        let masked = options.len() > 2;
        let (mut child, mut out) = running(&world, options, script);
        let us = child.id().unwrap();
        let pid: u32 = line(&mut out).await.parse().unwrap();
        assert_eq!(pid == us, !masked, "without --mask, our process is the program");
        assert_eq!(line(&mut out).await, if masked { "[masked]" } else { &key });
        assert_eq!(line(&mut out).await, world.url());
        let shown = |pid: u32, what: &str| std::fs::read_to_string(format!("/proc/{pid}/{what}")).unwrap();
        assert!(shown(pid, "environ").contains(&key), "that it would be found");
        for pid in [pid, us] {
            assert!(!shown(pid, "cmdline").contains(&key));
            let limits = shown(pid, "limits");
            let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
            assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
        }
        let mut found = Vec::new();
        holding(folder, &key, &mut found);
        let dotenv = found.iter().all(|path| path.contains("backups"));
        assert!(dotenv && found.len() <= 1, "{found:?}");
        drop(child.stdin.take());
        assert_eq!(child.wait().await.unwrap().code(), Some(1), "`read` found the end");
    }
    let events = world.home.must(&["log", "export", "--kind", "key_used_by_command"]).await.stdout;
    assert_eq!(events.lines().count(), 2);
    for event in events.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()) {
        assert_eq!(
            (&event["detail"], &event["integration"]),
            (&serde_json::json!({"program": "sh"}), &"backups".into())
        );
        assert!(event["key"].is_string() && event["actor"] == "tester", "{event}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_secrets_are_not_inherited() {
    let (world, places) = world().await;
    let file = world.home.folder().join("keywright.toml");
    let config = std::fs::read_to_string(&file).unwrap() + "\n[notify.hook]\nwebhook = \"env:HOOK_URL\"\n";
    std::fs::write(&file, config).unwrap();
    for options in [&["--env", "OTHER_NAME"][..], &["--env", "OTHER_NAME", "--mask"]] {
        let arguments = [&["exec", "backups"], options, &["--", "env"]].concat();
        let mut command = world.home.command(&arguments);
        command.env("KEYWRIGHT_CONFIG", "keywright.toml").env("KEYWRIGHT_MASTER_KEY", "canary-master");
        command.env("keywright_lower", "canary").env("HOOK_URL", "https://canary").env("KEPT", "yes");
        let output = command.env("N8N_API_KEY", "another").output().await.unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(!shown.contains("canary") && !shown.to_lowercase().contains("keywright_"), "{shown}");
        let held = if options.len() > 2 { "[masked]".to_owned() } else { key(&places) };
        for part in ["KEPT=yes\n", "N8N_API_KEY=another\n", &format!("OTHER_NAME={held}\n")] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_end_is_ours() {
    let (world, _places) = world().await;
    for (script, plain, masked) in [
        ("exit 0", Some(0), 0),
        ("exit 42", Some(42), 42),
        ("kill -TERM $$", None, 143),
        ("kill -KILL $$", None, 137),
    ] {
        for (options, code) in [(&["--quiet"][..], plain), (&["--mask"], Some(masked))] {
            let (mut child, _out) = running(&world, options, script);
            let status = child.wait().await.unwrap();
            assert_eq!(status.code(), code, "{script} {options:?}");
            assert_eq!(
                status.signal().map(|signal| 128 + signal),
                code.is_none().then_some(masked),
                "{script}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_grace_it_is_the_new_key() {
    let (world, places) = world().await;
    let old = key(&places);
    world.home.must(&["rotate", "backups", "--grace", "1h"]).await;
    let (_child, mut out) = running(&world, &[], "echo \"$N8N_API_KEY\"");
    let given = line(&mut out).await;
    assert!(given == key(&places) && given != old);
    assert!(world.key_works(&given).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_run_is_told_and_not_logged() {
    let (world, _places) = world().await;
    std::fs::write(world.home.folder().join("plain"), "no program").unwrap();
    let refused = async |arguments: &[&str]| {
        let text = said(&world, &[&["exec"], arguments].concat()).await;
        assert!(is_whole(&text), "{text}");
        text
    };
    insta::assert_snapshot!(refused(&["backup", "--", "true"]).await, @r"
    exit code 1
    error: there is no integration `backup`
    because: there are 2 of other names
    try: did you mean `backups`?
    try: keywright key list
    ");
    insta::assert_snapshot!(refused(&["backups", "--", "no-such-program"]).await, @r"
    exit code 127
    error: there is no program `no-such-program`
    because: it is in no folder of PATH
    try: give its whole path
    ");
    insta::assert_snapshot!(refused(&["backups", "--mask", "--", "./no/such"]).await, @r"
    exit code 127
    error: there is no program `./no/such`
    because: there is no file of this name
    try: look at its path
    ");
    insta::assert_snapshot!(refused(&["backups", "--", "./plain"]).await, @r"
    exit code 126
    error: cannot run `./plain`
    because: `./plain` is not executable
    try: chmod +x ./plain
    ");
    insta::assert_snapshot!(refused(&["backups", "--mask", "--", "/"]).await, @r"
    exit code 126
    error: cannot run `/`
    because: it is a folder
    try: name a program
    ");
    insta::assert_snapshot!(said(&world, &["exec", "backups", "--url-env", "N8N_API_KEY", "--", "true"]).await, @r"
    exit code 2
    error: `N8N_API_KEY` cannot hold both key and URL
    because: a variable holds one value
    try: --url-env N8N_BASE_URL
    ");
    let making = Matcher::of("POST", "/rest/api-keys");
    world.sandbox().faults().push(Fault::times(9, making, Effect::Status(500)));
    assert_eq!(world.home.run(&["rotate", "backups", "--compromised"]).await.code, Some(1));
    insta::assert_snapshot!(refused(&["backups", "--", "true"]).await, @r"
    exit code 1
    error: `backups` has no key in place
    because: its rotation ID is stalled
    try: keywright rotate --resume backups
    ");
    world.sandbox().faults().clear();
    world.home.must(&["rotate", "--resume", "backups"]).await;
    world.home.must(&["key", "revoke", "backups", "--yes"]).await;
    insta::assert_snapshot!(refused(&["backups", "--", "true"]).await, @r"
    exit code 1
    error: `backups` has no key
    because: none was made, or all are retired
    try: keywright key create backups --help
    ");
    let events = world.home.must(&["log", "export", "--kind", "key_used_by_command"]).await.stdout;
    assert_eq!(events, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_logged_is_not_run() {
    let (world, _places) = world().await;
    let folder = world.home.folder();
    let not_run = async || {
        let ended = world.home.run(&["exec", "backups", "--", "touch", "ran"]).await;
        assert!(ended.code == Some(1) && ended.stderr.starts_with("error: "), "{ended:?}");
        assert!(!folder.join("ran").exists());
        ended.stderr
    };
    // A log that was cut off is not gone on with.
    for entry in std::fs::read_dir(folder.join("keywright-log")).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|end| end == "jsonl") {
            std::fs::write(entry.path(), "").unwrap();
        }
    }
    let why = not_run().await;
    assert!(why.contains("what cannot be logged is not run"), "{why}");
    std::fs::rename(folder.join("keywright-log"), folder.join("elsewhere")).unwrap();
    std::fs::write(folder.join("keywright-log"), "in the way").unwrap();
    not_run().await;
}
