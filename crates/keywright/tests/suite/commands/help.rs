//! Help, version, and what clap refuses.

use crate::support::home::Home;

const COMMANDS: [&[&str]; 39] = [
    &["init"],
    &["connect"],
    &["key"],
    &["key", "create"],
    &["key", "list"],
    &["key", "show"],
    &["key", "revoke"],
    &["rotate"],
    &["status"],
    &["log", "show"],
    &["log", "verify"],
    &["log", "export"],
    &["doctor"],
    &["plan"],
    &["apply"],
    &["key", "adopt"],
    &["serve"],
    &["seal", "rotate"],
    &["store", "migrate"],
    &["notify", "test"],
    &["config", "check"],
    &["config", "schema"],
    &["completions"],
    &["man"],
    &["demo"],
    &["exec"],
    &["secret", "set"],
    &["secret", "list"],
    &["secret", "delete"],
    &["destination", "list"],
    &["destination", "check"],
    &["destination", "drift"],
    &["deliver"],
    &["discover"],
    &["leaks", "scan"],
    &["leaks", "watch"],
    &["leaks", "hook", "install"],
    &["leaks", "hook", "uninstall"],
    &["leaks", "hook", "status"],
];

#[tokio::test]
async fn every_command_explains_itself_without_a_configuration() {
    let home = Home::empty("");
    let all = home.must(&["--help"]).await.stdout;
    for command in COMMANDS {
        let ended = home.must(&[command, &["--help"]].concat()).await;
        assert!(
            ended.stderr.is_empty()
                && ended.stdout.contains(&format!("Usage: keywright {}", command.join(" "))),
            "{ended:?}"
        );
        for option in ["--config", "--json", "--quiet"] {
            assert!(ended.stdout.contains(option), "{command:?} {option}");
        }
        assert!(all.contains(&format!("\n  {}", command[0])), "{command:?} in {all}");
    }
    assert_eq!(std::fs::read_dir(home.folder()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_with_2() {
    let home = Home::empty("");
    let refused: [&[&str]; 25] = [
        &[],
        &["nope"],
        &["rotate"],
        &["rotate", "x", "--grace"],
        &["rotate", "x", "--due"],
        &["rotate", "--all", "--due"],
        &["rotate", "--owner", "x", "--resume"],
        &["completions", "tcsh"],
        &["rotate", "x", "--grace", "soon"],
        &["rotate", "x", "--compromised", "--grace", "1h"],
        &["rotate", "x", "--compromised", "--abort"],
        &["rotate", "x", "--resume", "--dry-run"],
        &["rotate", "X y"],
        &["rotate", "x", "--at-once", "0"],
        &["key", "create", "x", "--to", "nowhere"],
        &["key", "create", "x", "--scope", "everything"],
        &["log", "verify", "--folder", "x"],
        &["demo", "--instance", "http://127.0.0.1:1"],
        &["exec", "x"],
        &["exec", "x", "true"],
        &["exec", "x", "--env", "1X", "--", "true"],
        &["secret"],
        &["secret", "set"],
        &["secret", "set", "1x"],
        &["secret", "set", "x", "--from", "sealed:y"],
    ];
    for arguments in refused {
        let ended = home.run(arguments).await;
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:?}");
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty(), "{ended:?}");
    }
}

#[tokio::test]
async fn the_version_is_told_in_colour_to_nobody() {
    let home = Home::empty("");
    let ended = home.must(&["--version"]).await;
    assert_eq!(ended.stdout, concat!("keywright ", env!("CARGO_PKG_VERSION"), "\n"));
    let mut coloured = home.command(&["status"]);
    let coloured = coloured.env("CLICOLOR_FORCE", "1").output().await.unwrap();
    assert!(coloured.stderr.contains(&0x1b), "colour can be asked for");
    let mut plain = home.command(&["status"]);
    let plain = plain.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").output().await.unwrap();
    let never = home.run(&["status"]).await.stderr;
    assert!(!plain.stderr.contains(&0x1b) && !never.contains('\u{1b}'), "{never:?}");
}
