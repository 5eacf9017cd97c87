//! Configuration, master key and store: missing, broken, wrong, too open.

use std::os::unix::fs::PermissionsExt as _;

use super::{is_whole, shown};
use crate::support::home::Home;

async fn said(home: &Home, arguments: &[&str]) -> String {
    let text = shown(&home.run(arguments).await, &[(&home.folder().display().to_string(), "HOME")]);
    assert!(is_whole(&text), "{text}");
    text
}

async fn fresh() -> Home {
    let home = Home::empty("");
    home.must(&["init"]).await;
    home
}

#[tokio::test]
async fn without_a_configuration_one_is_proposed() {
    insta::assert_snapshot!(said(&Home::empty(""), &["status"]).await, @r"
    exit code 1
    error: cannot read `keywright.toml`
    because: No such file or directory (os error 2)
    try: keywright init   # makes one here
    try: keywright --config FILE …   # if it is elsewhere
    ");
}

#[tokio::test]
async fn nothing_that_is_there_is_made_again() {
    let home = fresh().await;
    let before = std::fs::read(home.folder().join("keywright.key")).unwrap();
    insta::assert_snapshot!(said(&home, &["init"]).await, @r"
    exit code 1
    error: `keywright.toml` exists already
    because: nothing that may hold keys is overwritten
    try: keywright status   # if this is your Keywright
    try: keywright --config OTHER/keywright.toml init
    ");
    assert_eq!(std::fs::read(home.folder().join("keywright.key")).unwrap(), before);
    for left in ["keywright.toml", "keywright.db"] {
        std::fs::remove_file(home.folder().join(left)).unwrap();
        assert_eq!(home.run(&["init"]).await.code, Some(1), "{left} is gone, the key is not");
    }
    assert_eq!(std::fs::read(home.folder().join("keywright.key")).unwrap(), before);
}

#[tokio::test]
async fn init_makes_what_is_private_private() {
    let home = fresh().await;
    for name in ["keywright.key", "keywright.db"] {
        let mode = std::fs::metadata(home.folder().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} {mode:o}");
    }
}

#[tokio::test]
async fn all_faults_of_a_configuration_are_told_at_once() {
    let home = fresh().await;
    let faulty = "stor = \"keywright.db\"\nlog = 7\nmaster_key = \"kwmaster1_example\"\ncolour = true\n";
    std::fs::write(home.folder().join("keywright.toml"), faulty).unwrap();
    insta::assert_snapshot!(said(&home, &["status"]).await, @r#"
    exit code 1
    error: `keywright.toml` has 5 faults
    because: keywright.toml:1: `stor` is not a setting; did you mean `store`?
    because: keywright.toml:1: `store` is missing; write store = "keywright.db"
    because: keywright.toml:2: `log` is a whole number, and wants a text; write log = "keywright-log"
    because: keywright.toml:3: `master_key` means nothing: a secret is given by reference: `env:NAME`, `file:PATH` or `sealed:NAME`; write master_key = "file:keywright.key"
    because: keywright.toml:4: `colour` is not a setting; settings here are store, store_password, log, master_key, serve, instance, integration, service, notify, forge
    try: edit `keywright.toml`; its settings are in docs/reference/settings.md
    "#);
    std::fs::write(home.folder().join("keywright.toml"), "store = \"x\nlog = ").unwrap();
    insta::assert_snapshot!(said(&home, &["status"]).await, @r#"
    exit code 1
    error: `keywright.toml` has 2 faults
    because: keywright.toml:1: `store` cannot be read here: invalid basic string, expected `"`; write store = "keywright.db"
    because: keywright.toml:2: `log` cannot be read here: there is no value, or a text without quotes; write log = "keywright-log"
    try: edit `keywright.toml`; its settings are in docs/reference/settings.md
    "#);
}

#[tokio::test]
async fn a_wrong_or_missing_or_open_master_key_opens_nothing() {
    let home = fresh().await;
    let key = home.folder().join("keywright.key");
    let other = fresh().await;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    insta::assert_snapshot!(said(&home, &["status"]).await, @r"
    exit code 1
    error: cannot read the master key `file:keywright.key`
    because: others than its owner may read it
    try: chmod 600 keywright.key
    ");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::copy(other.folder().join("keywright.key"), &key).unwrap();
    let wrong = said(&home, &["status"]).await;
    assert!(wrong.starts_with("exit code 1\nerror: this is not the store's master key\n"), "{wrong}");
    std::fs::write(&key, "not-a-master-key-example").unwrap();
    insta::assert_snapshot!(said(&home, &["status"]).await, @r"
    exit code 1
    error: `file:keywright.key` holds no master key
    because: this is not a master key: a master key starts with `kwmaster1_`
    try: give it back from your backup: without it, nothing sealed can be opened
    ");
    std::fs::remove_file(&key).unwrap();
    insta::assert_snapshot!(said(&home, &["status"]).await, @r"
    exit code 1
    error: cannot read the master key `file:keywright.key`
    because: No such file or directory (os error 2)
    try: give the file back from your backup: without it, nothing sealed can be opened
    ");
}

#[tokio::test]
async fn what_is_no_store_is_left_alone() {
    let home = fresh().await;
    let store = home.folder().join("keywright.db");
    std::fs::write(&store, "not a store").unwrap();
    let ended = home.run(&["status"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.starts_with("error: this file is not a store\nbecause: "), "{ended:?}");
    assert_eq!(std::fs::read(&store).unwrap(), b"not a store");
    std::fs::remove_file(&store).unwrap();
    let ended = home.run(&["status"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.starts_with("error: there is no store at `"), "{ended:?}");
    assert!(!store.exists());
}
