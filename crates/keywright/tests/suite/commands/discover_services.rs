//! `keywright discover` through services; and what it refuses to look for.

use serde_json::{Value, json};

use super::discover::{STRANGER, found, says_nothing_of, world};
use super::{configure, events, is_whole, piped, said};
use crate::support::doppler::{Doppler, Mood, TOKEN};
use crate::support::home::Ended;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_are_searched_and_one_that_refuses_does_not_hide_the_others() {
    let (world, _, key) = world().await;
    let home = &world.home;
    let (good, bad) = (Doppler::start().await, Doppler::start().await);
    configure(home, &bad.service("a-client", "env:DOPPLER"));
    configure(home, &good.service("doppler", "file:token"));
    std::fs::write(home.folder().join("token"), TOKEN).unwrap();
    good.put("N8N_API_KEY", &key);
    good.put("HEADER", &format!("Bearer {key}"));
    good.put("OTHER", "canary-of-somebody-else");
    bad.is(Mood::Refusing);
    let search = async |more: &[&str]| {
        let mut command = home.command(&[&["discover", "backups"], more].concat());
        let ended = Ended::of(&command.env("DOPPLER", TOKEN).output().await.unwrap());
        for secret in [&key, TOKEN, "canary"] {
            says_nothing_of(secret, &ended);
        }
        ended
    };
    let ended = search(&[]).await;
    assert!(ended.code == Some(1) && ended.stderr.contains("a-client"), "{ended:?}");
    assert!(
        is_whole(&ended.stderr) && ended.stdout.contains("! doppler:backups/prd#N8N_API_KEY  holds"),
        "{ended:?}"
    );
    let told = search(&["--json"]).await.json();
    assert_eq!(
        (&told["failed"][0]["service"], told["failed"].as_array().unwrap().len()),
        (&json!("a-client"), 1)
    );

    let ended = search(&["--in", "doppler", "--in", "doppler", "--json"]).await;
    let told = ended.json();
    assert_eq!(ended.code, Some(3), "{told}");
    assert_eq!(found(&told, "holds"), ["doppler:backups/prd#N8N_API_KEY"]);
    assert_eq!(found(&told, "within"), ["doppler:backups/prd#HEADER"]);
    assert_eq!((&told["reads"], &told["compared"]), (&json!(3), &json!(3)));
    assert_eq!(events(home, "key_search_started").await.pop().unwrap()["detail"]["services"], "doppler");
    assert_eq!((good.writes(), bad.writes()), (0, 0), "a search only reads");

    let calls = good.calls();
    let ended = search(&["--in", "doppler", "--max-reads", "2", "--json"]).await;
    let told = ended.json();
    assert_eq!((ended.code, &told["exhausted"], good.calls() - calls), (Some(1), &json!(true), 2), "{told}");
    let ended = search(&["--in", "doppler", "--max-reads", "3"]).await;
    assert!(ended.code == Some(3) && !ended.stdout.contains("--max-reads"), "just enough: {ended:?}");
    let cut = search(&["--in", "doppler", "--max-reads", "1"]).await;
    assert!(cut.code == Some(1) && cut.stdout.contains("not all was looked through"), "{cut:?}");

    configure(home, &format!("\n{}\n", told_toml(&search(&["--in", "doppler", "--json"]).await)));
    home.must(&["config", "check"]).await;
    home.must(&["apply", "--yes"]).await;
    let new = good.held("N8N_API_KEY").unwrap();
    assert!(new != key && world.key_works(&new).await);
    good.put("HEADER", "nothing");
    assert_eq!(search(&["--in", "doppler"]).await.code, Some(0));
    let nope = search(&["--in", "nope"]).await;
    assert!(nope.code == Some(1) && is_whole(&nope.stderr) && nope.stderr.contains("nope"), "{nope:?}");
}

fn told_toml(ended: &Ended) -> String {
    ended.json()["proposed"][0]["toml"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_looked_for_is_refused_and_nothing_is_read() {
    let (world, ..) = world().await;
    let home = &world.home;
    std::fs::create_dir(home.folder().join("planted")).unwrap();
    std::fs::write(home.folder().join("planted/short"), "canary").unwrap();
    insta::assert_snapshot!(said(&world, &["discover", "backups"]).await, @r"
    exit code 1
    error: there is nowhere to look
    because: no service is declared, and no folder is named
    try: keywright discover --folder /srv
    try: [service.NAME] in the configuration, or `--in KIND` for one that the environment opens
    ");
    insta::assert_snapshot!(said(&world, &["discover", "backup", "--folder", "planted"]).await, @r"
    exit code 1
    error: there is no integration `backup`
    because: there are 2 of other names
    try: did you mean `backups`?
    try: keywright key list
    ");
    insta::assert_snapshot!(said(&world, &["discover", "backups", "--folder", "gone"]).await, @r"
    exit code 1
    error: cannot look through `gone`
    because: No such file or directory (os error 2)
    try: name a folder that is there and can be read
    ");
    insta::assert_snapshot!(said(&world, &["discover", "--key-from", "file:planted/short", "--folder", "planted"]).await, @r"
    exit code 1
    error: that is no key to look for
    because: it has fewer than 16 characters
    try: give the whole key, on standard input or by `--key-from`
    ");
    let short = piped(home, &["discover", "--folder", "planted"], "canary-short").await;
    assert!(short.code == Some(1) && is_whole(&short.stderr), "{short:?}");
    says_nothing_of("canary-short", &short);
    let file = home.run(&["discover", "backups", "--folder", "planted/short"]).await;
    assert!(file.code == Some(1) && is_whole(&file.stderr), "{file:?}");
    home.must(&["key", "revoke", "backups", "--yes"]).await;
    insta::assert_snapshot!(said(&world, &["discover", "backups", "--folder", "planted"]).await, @r"
    exit code 1
    error: no key of `backups` is known by its text
    because: texts of dead keys are forgotten
    try: give the key itself: `keywright discover --key-from file:PATH`
    ");
    for wrong in [
        &["discover", "--key-from", STRANGER][..],
        &["discover", "x", "--key-from", "-"],
        &["discover", "--max-reads", "x"],
    ] {
        let refused = home.run(wrong).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        says_nothing_of(STRANGER, &refused);
    }
    assert_eq!(events(home, "key_search_started").await, Vec::<Value>::new());
}
