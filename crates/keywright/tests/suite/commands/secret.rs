//! `keywright secret`: sealed, listed, used, replaced, deleted; never shown.

use sandbox::{Options, Profile};
use serde_json::json;

use super::{configure, is_whole, piped, said};
use crate::support::home::Home;
use crate::support::terminal::Terminal;
use crate::support::world::World;

const CANARY: &str = "http://127.0.0.1:1/canary-path";

async fn sealed() -> World {
    let world = World::start(Profile::V2_41).await;
    configure(&world.home, "\n[notify.hook]\nwebhook = \"sealed:HOOK\"\n");
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_set_used_listed_and_deleted() {
    let world = sealed().await;
    let home = &world.home;
    insta::assert_snapshot!(said(&world, &["notify", "test"]).await, @r"
    exit code 1
    error: there is no secret `sealed:HOOK`
    because: a setting refers to it, and it was never set, or was deleted
    try: keywright secret set HOOK
    ");
    assert_eq!(
        home.json(&["secret", "list"]).await,
        json!({"missing": [{"name": "HOOK", "used_by": ["notify.hook.webhook"]}], "secrets": []})
    );
    let table = home.must(&["secret", "list"]).await.stdout;
    assert!(table.contains("NOT SET") && table.contains("keywright secret set HOOK"), "{table}");

    let set = piped(home, &["secret", "set", "HOOK"], &format!("{CANARY}\n")).await;
    assert_eq!((set.code, set.stdout.as_str()), (Some(0), "set sealed:HOOK\n"), "{set:?}");
    let used = home.run(&["notify", "test"]).await;
    assert!(used.code == Some(1) && used.stderr.contains("127.0.0.1"), "it is resolved: {used:?}");
    home.must(&["seal", "rotate"]).await;
    let again = home.run(&["notify", "test"]).await;
    assert!(
        again.code == Some(1) && again.stderr.contains("127.0.0.1"),
        "after `seal rotate` too: {again:?}"
    );

    let listed = home.json(&["secret", "list"]).await;
    let secret = &listed["secrets"][0];
    assert!(secret["set_by"] == "tester" && secret["used_by"] == json!(["notify.hook.webhook"]), "{listed}");
    let replaced = home.json(&["secret", "set", "HOOK", "--from", "env:TEST_N8N_PASSWORD"]).await;
    assert_eq!(replaced, json!({"name": "HOOK", "replaced": true}));

    insta::assert_snapshot!(said(&world, &["secret", "delete", "HOOK"]).await, @r"
    exit code 1
    error: `sealed:HOOK` is in use
    because: keywright.toml:20: `notify.hook.webhook` refers to it
    try: let the setting refer to another place, and `keywright apply` it
    try: keywright secret delete HOOK --force   # whatever uses it fails
    ");
    insta::assert_snapshot!(said(&world, &["secret", "delete", "HOOC"]).await, @r"
    exit code 1
    error: there is no secret `sealed:HOOC`
    because: there is 1 of another name
    try: did you mean `HOOK`?
    try: keywright secret list
    ");
    let forced = home.must(&["secret", "delete", "HOOK", "--force"]).await;
    assert!(forced.stdout == "deleted sealed:HOOK\n" && forced.stderr.contains("notify.hook.webhook"));
    assert_eq!(home.json(&["secret", "list"]).await["secrets"], json!([]));
    insta::assert_snapshot!(said(&world, &["secret", "delete", "HOOK"]).await, @r"
    exit code 1
    error: there is no secret `sealed:HOOK`
    because: there is none yet
    try: keywright secret list
    ");

    let events = home.must(&["log", "export"]).await.stdout;
    for (kind, times) in [("secret_set", 2), ("secret_deleted", 1)] {
        assert_eq!(events.matches(&format!("\"kind\":\"{kind}\"")).count(), times, "{events}");
    }
    for text in [&events, &table, &set.stderr, &used.stderr, &again.stderr, &again.stdout] {
        assert!(!text.contains("canary"), "{text}");
    }
    for entry in
        std::fs::read_dir(home.folder()).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file())
    {
        let held = std::fs::read(entry.path()).unwrap();
        assert!(!held.windows(6).any(|window| window == b"canary"), "{entry:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_logs_in_with_a_sealed_password_and_needs_it_as_long_as_it_is_applied() {
    let world = World::start(Profile::V2_41).await;
    let (home, url) = (&world.home, world.url());
    let instance = |password: &str| {
        format!(
            "\n[instance.prod]\nurl = \"{url}\"\nadmin = {{ email = \"{}\"{password} }}\n",
            Options::OWNER_EMAIL
        )
    };
    let before = std::fs::read_to_string(home.folder().join("keywright.toml")).unwrap();
    configure(home, &instance(", password = \"sealed:n8n\""));
    let refused = home.run(&["apply", "--yes"]).await;
    assert!(refused.code != Some(0) && refused.stderr.contains("keywright secret set n8n"), "{refused:?}");
    home.must(&["secret", "set", "n8n", "--from", "env:TEST_N8N_PASSWORD"]).await;
    home.must(&["apply", "--yes"]).await;
    // The file does not say it any more, but it is in force.
    std::fs::write(home.folder().join("keywright.toml"), before).unwrap();
    let kept = said(&world, &["secret", "delete", "n8n"]).await;
    assert!(is_whole(&kept) && kept.contains("as it was last applied"), "{kept}");
}

#[tokio::test]
async fn a_secret_is_no_argument_and_not_repeated() {
    let home = Home::empty("");
    home.must(&["init"]).await;
    let wrong: [&[&str]; 7] = [
        &["secret", "set", "smtp", "canary-value"],
        &["secret", "set", "smtp", "--canary-value"],
        &["secret", "set", "smtp", "-canary"],
        &["secret", "set", "smtp", "--value=canary"],
        &["secret", "set", "smtp", "--from", "canary-value"],
        &["secret", "set", "canary value"],
        &["secret", "set", "smtp", "--from=canary"],
    ];
    for arguments in wrong {
        let refused = home.run(arguments).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(!refused.stderr.contains("canary") && refused.stdout.is_empty(), "{refused:?}");
    }
    let refused = home.run(wrong[0]).await;
    assert!(refused.stderr.contains("a secret is never an argument"), "{refused:?}");
    let empty = home.run(&["secret", "set", "smtp"]).await;
    assert!(empty.code == Some(1) && empty.stderr.contains("it is empty"), "{empty:?}");
    assert_eq!(home.json(&["secret", "list"]).await, json!({"missing": [], "secrets": []}));
}

#[tokio::test]
async fn at_a_terminal_it_is_asked_for_and_not_shown() {
    let home = Home::empty("");
    home.must(&["init"]).await;
    let mut terminal = Terminal::start(&home, &["secret", "set", "smtp"]);
    terminal.reads("secret `smtp`: ").await;
    terminal.types("canary-typed").await;
    let (code, shown) = terminal.ends().await;
    assert!(code == Some(0) && shown.contains("set sealed:smtp") && !shown.contains("canary"), "{shown}");
    assert_eq!(home.json(&["secret", "list"]).await["secrets"][0]["name"], "smtp");
}
