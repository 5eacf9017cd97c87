//! Every command as a person meets it: what it prints, what it refuses, how it ends.

mod config;
mod deliver;
mod destination;
mod destination_hooks;
mod destination_services;
mod discover;
mod discover_services;
mod doctor;
mod dry_run;
mod exec;
mod exec_masked;
mod help;
mod json;
mod leaks;
mod many;
mod newcomers;
mod refusals;
mod secret;

use std::process::Stdio;

use sandbox::{Options, Profile};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::support::home::{Ended, Home, PASSWORD};
use crate::support::world::World;

/// What a command said, with what differs from run to run taken out.
pub(crate) fn shown(ended: &Ended, hidden: &[(&str, &str)]) -> String {
    let mut text = format!("exit code {}\n{}{}", ended.code.unwrap(), ended.stderr, ended.stdout);
    for (what, instead) in hidden {
        text = text.replace(what, instead);
    }
    let mut tidy = String::new();
    for line in text.lines() {
        let words = line
            .split_inclusive([' ', '`'])
            .map(|word| if is_id(word) { word.replace(id(word), "ID") } else { word.to_owned() });
        tidy.push_str(words.collect::<String>().trim_end());
        tidy.push('\n');
    }
    tidy
}

fn id(word: &str) -> &str {
    word.trim_end_matches([' ', '`', ',', ':', ';'])
}

fn is_id(word: &str) -> bool {
    let word = id(word);
    word.len() == 26
        && word.starts_with("01")
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// What is taken out of what a world's commands say.
pub(crate) async fn said(world: &World, arguments: &[&str]) -> String {
    let ended = world.home.run(arguments).await;
    let folder = world.home.folder().display().to_string();
    let url = world.url();
    shown(
        &ended,
        &[(folder.as_str(), "HOME"), (url.as_str(), "URL"), (url.trim_start_matches("http://"), "ADDRESS")],
    )
}

/// What failed, why, and how to mend it: each of the three is said.
pub(crate) fn is_whole(text: &str) -> bool {
    ["error: ", "because: ", "try: "].iter().all(|part| text.lines().any(|line| line.starts_with(part)))
}

/// Runs a command that reads from standard input.
pub(crate) async fn piped(home: &Home, arguments: &[&str], input: &str) -> Ended {
    let mut child = home.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    Ended::of(&child.wait_with_output().await.unwrap())
}

/// Adds to the configuration.
pub(crate) fn configure(home: &Home, more: &str) {
    let file = home.folder().join("keywright.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, text + more).unwrap();
}

/// A world whose instance the configuration declares.
pub(crate) async fn declared() -> World {
    let world = World::start(Profile::V2_41).await;
    let instance = format!(
        "\n[instance.prod]\nurl = \"{}\"\nadmin = {{ email = \"{}\", password = \"env:{PASSWORD}\" }}\n",
        world.url(),
        Options::OWNER_EMAIL
    );
    configure(&world.home, &instance);
    world
}

/// An integration of the configuration; `deliver` are items of its list, as TOML has them.
pub(crate) fn integration(name: &str, grace: &str, deliver: &[String]) -> String {
    format!(
        "\n[integration.{name}]\nscopes = [\"workflow:list\", \"workflow:read\"]\ngrace = \"{grace}\"\ndeliver = [{}]\n",
        deliver.join(", ")
    )
}

/// Events of one kind, oldest first.
pub(crate) async fn events(home: &Home, kind: &str) -> Vec<Value> {
    let exported = home.must(&["log", "export", "--kind", kind]).await.stdout;
    exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Where in a home's files a text is, but in what somebody put there.
pub(crate) fn files_with(home: &Home, text: &str) -> Vec<String> {
    let (mut folders, mut found) = (vec![home.folder().to_path_buf()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("places") && !path.ends_with("planted") {
                folders.push(path);
            } else if path.is_file() {
                let held = std::fs::read(&path).unwrap();
                if held.windows(text.len()).any(|part| part == text.as_bytes()) {
                    found.push(path.display().to_string());
                }
            }
        }
    }
    found
}
