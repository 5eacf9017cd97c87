//! What a `command` program inherits from a real process of ours.

use std::fs;

use model::Address;

use crate::child::{Task, command, outcome};

#[test]
fn a_program_never_sees_our_own_variables() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("put-key");
    fs::write(&script, "cat > /dev/null; env > \"$1\"\n").unwrap();
    let seen = folder.path().join("env");
    let address: Address =
        format!("command:/bin/sh {} {}", script.display(), seen.display()).parse().unwrap();
    let mut child = command(None, Task::CheckAndDeliver, &address);
    child.env("KEYWRIGHT_MASTER_KEY", "canary-master").env("keywright_x", "canary-x");
    child.env("KEYWRIGHT_ACTION", "canary-action").env("VAULT_TOKEN", "of-the-program");
    assert_eq!(outcome(&child.output().unwrap()), ["check done", "deliver done"]);
    let env = fs::read_to_string(&seen).unwrap();
    assert!(!env.contains("canary"), "{env}");
    let has = |wanted: &str| env.lines().any(|line| line == wanted);
    assert!(has("KEYWRIGHT_ACTION=deliver") && has("VAULT_TOKEN=of-the-program"), "{env}");
}
