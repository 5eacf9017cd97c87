//! `.env` files as people and programs write them: those of this machine, and a generated variety. In each, a key is put in
//! place of one value; every other line stays as it was.

#![cfg(test)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use destinations::Context;
use model::{Held, Secret};

const KEY: &str = "eyJhbGciOiJIUzI1NiJ9.canary-_.x";
const FILES: usize = 200;
const MAX_BYTES: u64 = 100_000;

/// Files of variables below a folder, by their names and the folders they are in.
fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() && depth > 0 && !path.is_symlink() {
            collect(&path, depth - 1, found);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let of_variables = name.contains(".env")
            || name == "os-release"
            || name == "environment"
            || path.parent().is_some_and(|folder| folder.ends_with("default"));
        if of_variables && path.metadata().is_ok_and(|file| file.is_file() && file.len() <= MAX_BYTES) {
            found.push(path);
        }
    }
}

/// A small generator: the same files in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn one_of<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[usize::try_from(self.throw(all.len() as u64)).unwrap()]
    }
}

/// Lines of every sort around a few variables.
fn written(dice: &mut Dice) -> String {
    let end = dice.one_of(&["\n", "\n", "\n", "\r\n"]);
    let mut text = String::from(dice.one_of(&["", "", "", "\u{feff}"]));
    for number in 0..=dice.throw(12) {
        let before = dice.one_of(&["", "", "export ", "  ", "\t", "export  "]);
        let equals = dice.one_of(&["=", "=", "=", " = ", "= "]);
        let value = dice.one_of(&[
            "plain",
            "\"in double quotes\"",
            "'in single'",
            "`back`",
            "",
            "\"\"",
            "a.b-c_d",
            "https://x.example.com/a?b=c",
            "\"with \\\"escapes\\\" and #\"",
            "'#no comment'",
            "\"${HOME}/x\"",
            "1",
            "true",
            "\"line\\nbreak\"",
        ]);
        let behind = dice.one_of(&["", "", " # why", "   ", "\t# N8N_API_KEY=old"]);
        let line = match dice.throw(6) {
            0 => format!("# {value}"),
            1 => String::new(),
            2 => format!("#{before}NAME_{number}{equals}{value}"),
            _ => format!("{before}NAME_{number}{equals}{value}{behind}"),
        };
        text.push_str(&line);
        text.push_str(end);
    }
    if dice.throw(4) == 0 {
        text.truncate(text.trim_end().len());
    }
    text
}

/// The names that a file assigns once, each with its line.
fn names(text: &str) -> Vec<(String, usize)> {
    let mut lines: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, line) in text.split('\n').enumerate() {
        let line = line.trim_start_matches('\u{feff}').trim_start();
        let line = line.strip_prefix("export").map_or(line, str::trim_start);
        let Some((name, _)) = line.split_once('=') else { continue };
        let name = name.trim_end();
        let sound = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if sound {
            lines.entry(name).or_default().push(number);
        }
    }
    let once = lines.into_iter().filter(|(_, lines)| lines.len() == 1);
    once.map(|(name, lines)| (name.to_owned(), lines[0])).collect()
}

#[derive(Debug, Default)]
struct Tally {
    files: usize,
    values: usize,
    same_again: usize,
    refused: usize,
}

async fn try_one(text: &str, file: &Path, tally: &mut Tally) {
    let context = Context {
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        rotation: None,
        hidden_variables: Vec::new(),
        services: std::sync::Arc::new(destinations::Services::none()),
    };
    for (name, line) in names(text) {
        std::fs::write(file, text).unwrap();
        let address = format!("dotenv:{}#{name}", file.display()).parse().unwrap();
        let place = destinations::open(&address, &context).unwrap();
        let Ok(held) = place.read().await else {
            tally.refused += 1;
            continue;
        };
        if place.deliver(&Secret::new(KEY)).await.is_err() {
            assert_eq!(std::fs::read_to_string(file).unwrap(), text, "what is refused is left as it was");
            tally.refused += 1;
            continue;
        }
        tally.values += 1;
        let new = std::fs::read_to_string(file).unwrap();
        assert_eq!(place.read().await.unwrap(), Held::Value(Secret::new(KEY)), "{text:?} {name}");
        let (before, after): (Vec<_>, Vec<_>) = (text.split('\n').collect(), new.split('\n').collect());
        assert_eq!(before.len(), after.len(), "{text:?} {name}: a line came or went\n{new:?}");
        for (number, (was, is)) in before.iter().zip(&after).enumerate() {
            assert_eq!(number == line, was != is, "{text:?} {name}: line {number} became {is:?}");
        }
        // In the line, what is before and behind the value stays.
        let (start, end) = after[line].split_once(KEY).unwrap();
        let (start, end) =
            (start.trim_end_matches(['"', '\'', '`', ' ']), end.trim_start_matches(['"', '\'', '`']));
        assert!(
            before[line].starts_with(start) && before[line].ends_with(end),
            "{:?} {:?}",
            before[line],
            after[line]
        );
        if let Held::Value(former) = held {
            place.restore(Some(&former)).await.unwrap();
            assert_eq!(place.read().await.unwrap(), Held::Value(former), "{text:?} {name}");
            tally.same_again += usize::from(std::fs::read_to_string(file).unwrap() == text);
        }
    }
    tally.files += 1;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "where this machine keeps the packages it builds with")]
async fn variables_of_many_files_change_in_one_place() {
    let home = std::env::var("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|_| std::env::var("HOME").map(|home| Path::new(&home).join(".cargo")));
    let mut found = Vec::new();
    for folder in [home.unwrap().join("registry/src"), PathBuf::from("/etc"), PathBuf::from("/usr/lib")] {
        collect(&folder, 6, &mut found);
    }
    found.sort();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    let mut real = Tally::default();
    for path in found.iter().take(FILES) {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        try_one(&text, &file, &mut real).await;
    }
    let (mut dice, mut made) = (Dice(2026), Tally::default());
    while real.files + made.files < FILES {
        let text = written(&mut dice);
        try_one(&text, &file, &mut made).await;
    }
    println!("of this machine: {real:?}; generated: {made:?}");
    assert!(real.files + made.files == FILES && made.values > 100, "{real:?} {made:?}");
    assert!(made.same_again * 10 > made.values * 6, "{made:?}");
}
