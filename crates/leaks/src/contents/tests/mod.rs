//! What is found at depth, what is told, and what it costs.

mod bombs;
mod files;
mod formats;
mod hostile;
mod made;
mod pieces;
mod sqlite;

use std::sync::{Arc, LazyLock};

use detector::Detector;

use super::{Contents, Seen, Sighting};
use crate::{Limits, Why, Wrapping};

static DETECTOR: LazyLock<Arc<Detector>> = LazyLock::new(|| Arc::new(Detector::new()));

/// Limits that a test can afford to run into.
fn limits() -> Limits {
    Limits { max_unpacked_bytes: 64 << 20, ..Limits::default() }
}

fn contents(limits: Limits) -> Contents {
    Contents::new(Arc::clone(&DETECTOR), limits)
}

fn search(bytes: &[u8]) -> Seen {
    search_within(limits(), bytes)
}

/// In memory; and as a stream, which must see the same.
fn search_within(limits: Limits, bytes: &[u8]) -> Seen {
    let contents = contents(limits);
    let (mut seen, mut streamed) = (Seen::default(), Seen::default());
    contents.bytes(bytes, &mut seen);
    contents.stream(&mut &*bytes, &mut streamed).unwrap();
    assert_eq!(secrets(&seen), secrets(&streamed), "as a stream");
    seen
}

fn secrets(seen: &Seen) -> Vec<&str> {
    let mut secrets: Vec<_> = seen.sightings.iter().map(|one| one.token.secret.expose()).collect();
    secrets.sort_unstable();
    secrets
}

fn wrapping_of(one: &Sighting) -> String {
    let words = one.wrapping.iter().map(|wrapping| match wrapping {
        Wrapping::Layer(layer) => format!("{layer:?}"),
        Wrapping::Member(member) => {
            let name = member.name.as_deref().map(|name| format!(":{}", String::from_utf8_lossy(name)));
            format!("{}{}", member.format, name.unwrap_or_default())
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The wrappings of what was found; nothing may have been passed by.
fn wrappings(bytes: &[u8]) -> Vec<String> {
    let seen = search(bytes);
    assert_eq!(seen.unread, []);
    seen.sightings.iter().map(wrapping_of).collect()
}

fn whys(seen: &Seen) -> Vec<&Why> {
    seen.unread.iter().map(|unread| &unread.why).collect()
}
