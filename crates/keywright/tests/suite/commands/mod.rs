//! Every command as a person meets it: what it prints, what it refuses, how it ends.

mod config;
mod doctor;
mod dry_run;
mod exec;
mod exec_masked;
mod help;
mod json;
mod many;
mod newcomers;
mod refusals;
mod secret;

use crate::support::home::Ended;
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
