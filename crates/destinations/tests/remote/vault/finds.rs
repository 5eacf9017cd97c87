//! Looking through all that is there.

use std::{collections::BTreeMap, sync::Arc};

use destinations::{How, Search, Services, Wanted};

use super::{
    State, V1Place,
    engine::{Engine, Version, fields},
    places::{Place, version_two},
    policy::Policy,
};
use crate::place::{RemotePlace, key, services, services_of, try_open_at};

const EVERYTHING: &str = "path \"secret/*\" { capabilities = [\"read\", \"list\"] }\n\
                          path \"team/kv/*\" { capabilities = [\"read\", \"list\"] }";

fn version(text: &str) -> Vec<Version> {
    vec![Version { fields: fields(text), deleted: false, destroyed: false, dropped: false }]
}

fn holding(field: &str) -> String {
    serde_json::json!({field: key("lost").expose(), "n": 1}).to_string()
}

fn services_at(place: &Place) -> Arc<Services> {
    let settings = [("url", place.server.url.clone()), ("token", "env:TOKEN".to_owned())];
    services_of("vault", settings, &[("TOKEN", "canary-vault-token".to_owned())])
}

async fn search(place: &Place, max_reads: u64) -> Search {
    let wanted = Wanted { name: "backups".into(), secret: key("lost") };
    let mut search = Search::new(vec![wanted], max_reads);
    services_at(place).search("vault", &mut search).await.unwrap();
    search
}

#[tokio::test]
async fn every_mount_is_looked_through_and_what_cannot_be_is_told() {
    let two: BTreeMap<String, Vec<Version>> = [
        ("a", version(&holding("k"))),
        ("a/b", version(&holding("k"))),
        ("odd #1%/ä", version(&holding("x#y"))),
        ("shut", version(&holding("k"))),
        ("within", version(&format!(r#"{{"env": "KEY={}"}}"#, key("lost").expose()))),
        (
            "deleted",
            vec![Version { fields: fields(&holding("k")), deleted: true, destroyed: false, dropped: false }],
        ),
        ("hostile/..", version(&holding("k"))),
    ]
    .map(|(path, versions)| (path.to_owned(), versions))
    .into();
    let one = [("deep/er/est".to_owned(), fields(&holding("k")))].into();
    let rules = format!("{EVERYTHING}\npath \"secret/data/shut\" {{ capabilities = [\"deny\"] }}");
    let place = Place::start(State {
        mounts: [("secret".to_owned(), Engine::Two(two)), ("team/kv".to_owned(), Engine::One(one))].into(),
        policy: Policy::parsed(&rules),
        ..version_two()
    })
    .await;
    let search = search(&place, 1000).await;
    let found: Vec<_> = search.found.iter().map(|found| (found.at.as_str(), found.how)).collect();
    assert_eq!(
        found,
        [
            ("vault:secret/a#k", How::Holds),
            ("vault:secret/a/b#k", How::Holds),
            ("vault:secret/odd %231%25/ä#x%23y", How::Holds),
            ("vault:secret/within#env", How::Within),
            ("vault:team/kv/deep/er/est#k", How::Holds),
        ]
    );
    assert_eq!(search.left_out.len(), 2, "{:?}", search.left_out);
    assert!(search.left_out[0].contains("secret/hostile/.."), "{:?}", search.left_out);
    assert!(search.left_out[1].contains("`read` on `secret/data/shut` is missing"), "{:?}", search.left_out);
    // What is found can be delivered to as it is written.
    for found in &search.found {
        try_open_at(services_at(&place), &found.at).unwrap().read().await.unwrap();
    }
    place.server.assert_clean();
}

#[tokio::test]
async fn folders_without_an_end_are_left() {
    let deep = format!("{}end", "x/".repeat(100));
    let two = [(deep, version(&holding("k"))), ("here".to_owned(), version(&holding("k")))].into();
    let place = Place::start(State {
        mounts: [("secret".to_owned(), Engine::Two(two))].into(),
        policy: Policy::parsed(EVERYTHING),
        ..version_two()
    })
    .await;
    let search = search(&place, 1000).await;
    assert_eq!(search.found.len(), 1);
    assert!(search.reads < 40 && search.left_out[0].contains("folders deep"), "{search:?}");
}

#[tokio::test]
async fn a_server_that_does_not_tell_its_mounts_is_asked_otherwise() {
    let place = V1Place::start().await;
    place.put_by_hand(key("lost").expose());
    {
        let mut state = place.0.vault.0.lock().unwrap();
        (state.tells_mounts, state.policy) = (false, Policy::parsed(EVERYTHING));
    }
    let wanted = Wanted { name: "backups".into(), secret: key("lost") };
    let mut search = Search::new(vec![wanted], 100);
    services(&place, &[]).search("vault", &mut search).await.unwrap();
    assert_eq!(search.found[0].at, place.address());
}

/// Memory that this process holds; pages are taken to be 4 KiB.
fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// The test's own server is in the same process, with what it remembers of each call.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_secrets_are_looked_through_in_bounded_memory() {
    let filler = "x".repeat(10_000);
    let all: BTreeMap<String, Vec<Version>> = (0..10_000)
        .map(|number| {
            let folder = number / 1000;
            let text = match number {
                7777 => holding("k"),
                _ => format!(r#"{{"k": "{filler}"}}"#),
            };
            (format!("team-{folder}/app-{number}"), version(&text))
        })
        .collect();
    let place = Place::start(State {
        mounts: [("secret".to_owned(), Engine::Two(all))].into(),
        policy: Policy::parsed(EVERYTHING),
        ..version_two()
    })
    .await;
    search(&place, 50).await;
    place.server.forget_seen();
    let before = resident_bytes();
    let search = search(&place, 100_000).await;
    let grown = resident_bytes().saturating_sub(before);
    println!("{} calls, {} values, {} KiB more", search.reads, search.compared, grown >> 10);
    assert_eq!((search.found.len(), search.compared), (1, 10_000));
    assert_eq!(search.reads, 1 + 11 + 10_000);
    assert!(grown < 50 << 20, "{grown}");
}
