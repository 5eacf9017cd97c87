//! Documents as people and programs wrote them: those of the packages that this machine has for building. In each, a key
//! is put in place of one text and taken out again; everything else stays as it was, by its bytes and to another reader.

#![cfg(test)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use destinations::Context;
use model::{Held, Secret};
use saphyr_parser::{Event, Parser};
use serde_json::Value;

const KEY: &str = "eyJhbGciOiJIUzI1NiJ9.canary-_.x";
/// So many files of each format, and texts of each.
const FILES: usize = 200;
const TEXTS: usize = 4;
const MAX_BYTES: u64 = 200_000;

/// All files below a folder, by the ends of their names.
fn collect(folder: &Path, depth: usize, found: &mut BTreeMap<&'static str, Vec<PathBuf>>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() && depth > 0 {
            collect(&path, depth - 1, found);
        }
        let kind = match path.extension().and_then(|end| end.to_str()) {
            Some("json") => "json",
            Some("toml") => "toml",
            Some("yml" | "yaml") => "yaml",
            _ => continue,
        };
        if path.metadata().is_ok_and(|file| file.is_file() && file.len() <= MAX_BYTES) {
            found.entry(kind).or_default().push(path);
        }
    }
}

/// What another reader makes of a text: every place in it, and what is there.
fn places(kind: &str, text: &str) -> Option<BTreeMap<String, String>> {
    let mut places = BTreeMap::new();
    match kind {
        "json" => walk(&serde_json::from_str(text).ok()?, "", &mut places),
        "toml" => {
            let value: toml::Value = toml::from_str(text).ok()?;
            walk(&serde_json::to_value(value).ok()?, "", &mut places);
        }
        _ => yaml(text, &mut places)?,
    }
    Some(places)
}

fn walk(value: &Value, at: &str, places: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            places.insert(at.to_owned(), "{}".into());
            for (name, value) in map {
                walk(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), places);
            }
        }
        Value::Array(list) => {
            places.insert(at.to_owned(), "[]".into());
            list.iter().enumerate().for_each(|(nth, value)| walk(value, &format!("{at}/{nth}"), places));
        }
        Value::String(text) => drop(places.insert(at.to_owned(), format!("text {text}"))),
        other => drop(places.insert(at.to_owned(), other.to_string())),
    }
}

/// Events as they come, numbered; of one document only, texts in quotes and plain words by their place.
fn yaml(text: &str, places: &mut BTreeMap<String, String>) -> Option<()> {
    let mut open: Vec<(String, Option<usize>, Option<String>)> = Vec::new();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, _) = event.ok()?;
        documents += usize::from(matches!(event, Event::DocumentStart(_)));
        if matches!(event, Event::MappingEnd | Event::SequenceEnd) {
            open.pop();
            continue;
        }
        if !matches!(
            event,
            Event::Scalar(..) | Event::Alias(_) | Event::MappingStart(..) | Event::SequenceStart(..)
        ) {
            continue;
        }
        let at = match open.last_mut() {
            None => String::new(),
            Some((at, Some(nth), _)) => {
                *nth += 1;
                format!("{at}/{}", *nth - 1)
            }
            Some((at, None, name @ Some(_))) => {
                format!("{at}/{}", name.take()?.replace('~', "~0").replace('/', "~1"))
            }
            Some((_, None, name)) => {
                let Event::Scalar(key, ..) = event else { return None };
                *name = Some(key.into_owned());
                continue;
            }
        };
        match event {
            Event::MappingStart(..) => open.push((at, None, None)),
            Event::SequenceStart(..) => open.push((at, Some(0), None)),
            Event::Scalar(text, ..) => drop(places.insert(at, format!("text {text}"))),
            other => drop(places.insert(at, format!("{other:?}"))),
        }
    }
    (documents == 1).then_some(())
}

#[derive(Debug, Default)]
struct Tally {
    files: usize,
    texts: usize,
    /// By its bytes, what was before is there again.
    same_again: usize,
    refused: BTreeMap<String, usize>,
}

async fn try_all(kind: &str, paths: &[PathBuf]) -> Tally {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("document");
    let context = Context {
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        rotation: None,
        hidden_variables: Vec::new(),
        services: std::sync::Arc::new(destinations::Services::none()),
    };
    let mut tally = Tally::default();
    for path in paths {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let Some(before) = places(kind, &text) else { continue };
        let texts: Vec<&String> = before
            .iter()
            .filter(|(at, what)| what.len() > "text ".len() && what.starts_with("text ") && !at.is_empty())
            .map(|(at, _)| at)
            .filter(|at| !at.contains(char::is_control) && at.len() < 1_000)
            .collect();
        if tally.files == FILES || texts.is_empty() {
            continue;
        }
        tally.files += 1;
        for at in texts.iter().step_by(texts.len().div_ceil(TEXTS)) {
            std::fs::write(&file, &text).unwrap();
            let address = format!("{kind}:{}#{at}", file.display()).parse().unwrap();
            let place = destinations::open(&address, &context).unwrap();
            if let Err(failure) = place.deliver(&Secret::new(KEY)).await {
                // What is refused is left as it was.
                assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "{}", path.display());
                let why = failure.report.because[0].split(": ").nth(1).unwrap_or_default().to_owned();
                *tally.refused.entry(why).or_default() += 1;
                continue;
            }
            tally.texts += 1;
            let new = std::fs::read_to_string(&file).unwrap();
            let (start, end) = new.split_once(KEY).unwrap();
            let start = start.trim_end_matches(['"', '\'', ' ']);
            let end = end.trim_start_matches(['"', '\'']);
            assert!(text.starts_with(start) && text.ends_with(end), "{} {at}", path.display());
            let mut wanted = before.clone();
            let held = wanted.insert((*at).clone(), format!("text {KEY}")).unwrap();
            assert_eq!(places(kind, &new).as_ref(), Some(&wanted), "{} {at}", path.display());
            assert_eq!(place.read().await.unwrap(), Held::Value(Secret::new(KEY)));
            place.restore(Some(&Secret::new(held.strip_prefix("text ").unwrap()))).await.unwrap();
            let restored = std::fs::read_to_string(&file).unwrap();
            tally.same_again += usize::from(restored == text);
            assert_eq!(places(kind, &restored).as_ref(), Some(&before), "{} {at}", path.display());
        }
    }
    tally
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "where this machine keeps the packages it builds with")]
async fn documents_of_installed_packages_change_in_one_place() {
    let home = std::env::var("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|_| std::env::var("HOME").map(|home| Path::new(&home).join(".cargo")));
    let mut found = BTreeMap::new();
    collect(&home.unwrap().join("registry/src"), 8, &mut found);
    for (kind, mut paths) in found {
        paths.sort();
        // From all of them, not from the first few packages.
        let step = (paths.len() / (FILES * 2)).max(1);
        let chosen: Vec<PathBuf> = paths.into_iter().step_by(step).collect();
        let tally = try_all(kind, &chosen).await;
        println!("{kind}: {tally:?}");
        assert!(tally.texts > tally.files && tally.same_again * 10 > tally.texts * 8, "{kind}: {tally:?}");
    }
}
