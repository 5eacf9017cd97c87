//! Hooks in real repositories: they let a commit or push fail, and leave what was there alone.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;

use super::super::is_whole;
use crate::support::home::Home;
use crate::support::repo::{Repo, fingerprint, key, short};

fn script(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Whether git did it, and what it said.
async fn tried(repo: &Repo<'_>, arguments: &[&str]) -> (bool, String) {
    let output = repo.run(arguments).await;
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn allow(repo: &Repo<'_>, number: u32) {
    let line = format!("[[allow]]\nfingerprint = \"{}\"\nreason = \"a canary\"\n", fingerprint(&key(number)));
    std::fs::write(repo.folder.join(".keywright-allow.toml"), line).unwrap();
}

#[tokio::test]
async fn a_commit_with_a_key_is_refused_and_says_how_to_go_on() {
    let home = Home::empty("");
    let repo = Repo::new(&home, "it's a repo").await;
    let made = repo.keywright(&["leaks", "hook", "install", "--json"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let change = |name: &str, change: &str| json!({"hook": name, "change": change});
    assert_eq!(made.json()["hooks"], json!([change("pre-commit", "made"), change("pre-push", "made")]));
    repo.write("x", "nothing\n");
    repo.git(&["add", "x"]).await;
    repo.git(&["commit", "--quiet", "--message", "fine"]).await;

    repo.write("x", &format!("{}\n", key(1)));
    repo.git(&["add", "x"]).await;
    let (done, said) = tried(&repo, &["commit", "--message", "leak"]).await;
    assert!(!done && is_whole(&said) && !said.contains(&key(1)), "{said}");
    assert!(said.contains(&fingerprint(&key(1))) && said.contains(".keywright-allow.toml"), "{said}");
    // Not staged: it is no part of the commit.
    repo.git(&["reset", "--quiet"]).await;
    repo.write("y", "fine\n");
    repo.git(&["add", "y"]).await;
    repo.git(&["commit", "--quiet", "--message", "other"]).await;
    // Staged by the commit itself: git has an index of its own for it.
    assert!(!tried(&repo, &["commit", "--all", "--message", "leak"]).await.0);
    assert!(!tried(&repo, &["commit", "--message", "leak", "x"]).await.0);
    allow(&repo, 1);
    repo.git(&["commit", "--quiet", "--all", "--message", "known"]).await;
    repo.write("x", &format!("{} # keywright:allow\n", key(2)));
    repo.git(&["commit", "--quiet", "--all", "--message", "marked"]).await;
    std::fs::write(repo.folder.join(".keywright-allow.toml"), "nonsense").unwrap();
    repo.write("y", "finer\n");
    assert!(!tried(&repo, &["commit", "--all", "--message", "faulty list"]).await.0);
}

#[tokio::test]
async fn a_push_with_a_key_is_refused_at_either_side() {
    let home = Home::empty("");
    let (repo, server) = (Repo::new(&home, "repo").await, Repo::new(&home, "server.git").await);
    server.git(&["config", "core.bare", "true"]).await;
    repo.git(&["remote", "add", "origin", "../server.git"]).await;
    repo.commit("old", &key(1)).await;
    repo.git(&["push", "--quiet", "origin", "main"]).await;

    assert_eq!(repo.keywright(&["leaks", "hook", "install", "--pre-push"]).await.code, Some(0));
    repo.commit("x", "fine").await;
    repo.git(&["push", "--quiet", "origin", "main"]).await;
    repo.commit("x", &key(2)).await;
    repo.commit("x", "gone again").await;
    let (done, said) = tried(&repo, &["push", "origin", "main"]).await;
    assert!(!done && is_whole(&said) && said.contains(&short(&key(2))), "{said}");
    assert!(!said.contains(&short(&key(1))), "what is there already is not told again: {said}");
    let (done, said) = tried(&repo, &["push", "origin", "main:new-branch"]).await;
    assert!(!done && !said.contains(&short(&key(1))), "{said}");
    // A branch that is deleted brings nothing.
    repo.git(&["push", "--quiet", "--no-verify", "origin", "main:doomed"]).await;
    repo.git(&["push", "--quiet", "origin", ":doomed"]).await;

    assert_eq!(repo.keywright(&["leaks", "hook", "uninstall"]).await.code, Some(0));
    let made = server.keywright(&["leaks", "hook", "install", "--pre-receive"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    repo.commit("z", &format!("{} keywright:allow", key(3))).await;
    let (done, said) = tried(&repo, &["push", "origin", "main"]).await;
    assert!(!done && said.contains(&short(&key(3))), "no mark counts: {said}");
    assert_eq!(server.git(&["for-each-ref", "--format", "%(refname)"]).await, "refs/heads/main");
}

#[tokio::test]
async fn what_was_there_runs_after_ours_and_comes_back() {
    let home = Home::empty("");
    let repo = Repo::new(&home, "repo").await;
    let hook = repo.folder.join(".git/hooks/pre-push");
    script(&hook, "cat > ../told; test ! -e ../veto");
    let made = repo.keywright(&["leaks", "hook", "install", "--pre-push"]).await;
    assert!(made.code == Some(0) && made.stdout.contains("pre-push.local"), "{made:?}");
    Repo::new(&home, "server").await.git(&["config", "core.bare", "true"]).await;
    repo.git(&["remote", "add", "origin", "../server"]).await;
    repo.commit("x", "fine").await;
    std::fs::write(home.folder().join("veto"), "").unwrap();
    assert!(!tried(&repo, &["push", "--quiet", "origin", "main"]).await.0, "it still has its say");
    std::fs::remove_file(home.folder().join("veto")).unwrap();
    repo.git(&["push", "--quiet", "origin", "main"]).await;
    let told = std::fs::read_to_string(home.folder().join("told")).unwrap();
    assert!(told.starts_with("refs/heads/main ") && told.ends_with('\n'), "{told}");
    let gone = repo.keywright(&["leaks", "hook", "uninstall", "--json"]).await;
    assert_eq!(gone.json()["hooks"][1], json!({"hook": "pre-push", "change": "restored"}));
    assert!(std::fs::read_to_string(&hook).unwrap().contains("../told"));
}

#[tokio::test]
async fn a_hook_without_its_program_lets_nothing_pass() {
    let home = Home::empty("");
    let repo = Repo::new(&home, "repo").await;
    repo.keywright(&["leaks", "hook", "install", "--pre-commit"]).await;
    let hook = repo.folder.join(".git/hooks/pre-commit");
    let text = std::fs::read_to_string(&hook).unwrap();
    std::fs::write(&hook, text.replace(env!("CARGO_BIN_EXE_keywright"), "/nowhere/keywright")).unwrap();
    repo.write("x", "fine");
    repo.git(&["add", "x"]).await;
    let (done, said) = tried(&repo, &["commit", "--message", "x"]).await;
    assert!(!done && said.contains("keywright leaks hook install"), "{said}");
    let status = repo.keywright(&["leaks", "hook", "status", "--json"]).await;
    assert_eq!(status.json()["hooks"][0]["state"], "broken", "{status:?}");
}

#[tokio::test]
async fn other_programs_hooks_are_left_to_them() {
    let home = Home::empty("");
    let repo = Repo::new(&home, "repo").await;
    let hook = repo.folder.join(".git/hooks/pre-commit");
    script(&hook, "# File generated by pre-commit: https://pre-commit.com");
    let refused = repo.keywright(&["leaks", "hook", "install"]).await;
    assert!(refused.code == Some(1) && is_whole(&refused.stderr), "{refused:?}");
    assert!(refused.stderr.contains(".pre-commit-config.yaml"), "{refused:?}");
    assert!(!repo.folder.join(".git/hooks/pre-push").exists(), "all or nothing");
    script(&hook, "true");
    script(&repo.folder.join(".git/hooks/pre-commit.local"), "true");
    let refused = repo.keywright(&["leaks", "hook", "install"]).await;
    assert!(refused.code == Some(1) && is_whole(&refused.stderr), "{refused:?}");

    repo.git(&["config", "core.hooksPath", ".githooks"]).await;
    let refused = repo.keywright(&["leaks", "hook", "install"]).await;
    assert!(refused.code == Some(1) && is_whole(&refused.stderr), "{refused:?}");
    assert!(refused.stderr.contains("keywright leaks hook run pre-commit"), "{refused:?}");
    assert!(!repo.folder.join(".githooks").exists());
    let nowhere = home.run(&["leaks", "hook", "install"]).await;
    assert!(nowhere.code == Some(1) && is_whole(&nowhere.stderr), "{nowhere:?}");
}

#[tokio::test]
async fn a_hook_for_all_repositories_lets_each_ones_own_run_too() {
    let home = Home::empty("");
    let repo = Repo::new(&home, "repo").await;
    script(&repo.folder.join(".git/hooks/pre-commit"), "touch ../its-own-ran");
    let made = home.run(&["leaks", "hook", "install", "--global"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(home.folder().join(".config/git/hooks/pre-commit").exists(), "{made:?}");
    repo.write("x", "fine");
    repo.git(&["add", "x"]).await;
    repo.git(&["commit", "--quiet", "--message", "x"]).await;
    assert!(home.folder().join("its-own-ran").exists());
    repo.write("x", &key(1));
    assert!(!tried(&repo, &["commit", "--all", "--message", "x"]).await.0);
    let status = home.run(&["leaks", "hook", "status", "--global", "--json"]).await;
    assert_eq!(status.json()["hooks"][0]["state"], "installed", "{status:?}");
    let status = repo.keywright(&["leaks", "hook", "status", "--json"]).await;
    assert_eq!(status.json()["hooks"][0]["state"], "installed", "{status:?}");
    // A setting that leads to nothing would turn off every repository's own hooks.
    let ended = home.run(&["leaks", "hook", "uninstall", "--global"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    std::fs::remove_file(home.folder().join("its-own-ran")).unwrap();
    repo.write("x", "fine too");
    repo.git(&["commit", "--quiet", "--all", "--message", "y"]).await;
    assert!(home.folder().join("its-own-ran").exists());
    assert!(!repo.run(&["config", "--global", "core.hooksPath"]).await.status.success());
}

#[tokio::test]
async fn what_git_would_not_say_to_a_hook_is_refused() {
    let home = Home::empty("");
    let repo = Repo::new(&home, "repo").await;
    repo.commit("x", "fine").await;
    for (name, told) in [("pre-push", "nonsense\n"), ("pre-receive", "a b c\n")] {
        let mut command = home.command(&["leaks", "hook", "run", name]);
        command.current_dir(&repo.folder).stdin(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut input, told.as_bytes()).await.unwrap();
        drop(input);
        assert_eq!(child.wait().await.unwrap().code(), Some(1), "{name}");
    }
    assert_eq!(home.run(&["leaks", "hook", "run", "post-commit"]).await.code, Some(2));
}
