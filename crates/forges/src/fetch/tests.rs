use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use model::Secret;

use super::*;
use crate::ForgeKind;

/// A forge in a folder, a clone of its repository `acme/app`, and a fetcher.
struct Ground {
    folder: tempfile::TempDir,
    forge: Forge,
    fetcher: Fetcher,
}

fn around() -> Surroundings {
    Surroundings { search_path: OsString::from("/usr/local/bin:/usr/bin:/bin"), proxies: Vec::new() }
}

fn git(at: &Path, words: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"])
        .args(words)
        .current_dir(at)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let served = folder.path().join("served/acme/app.git");
        std::fs::create_dir_all(&served).unwrap();
        git(&served, &["init", "-q", "--bare"]);
        let work = folder.path().join("work");
        std::fs::create_dir(&work).unwrap();
        git(&work, &["init", "-q"]);
        git(&work, &["remote", "add", "origin", &format!("file://{}", served.display())]);
        let forge = Forge {
            name: "local".parse().unwrap(),
            kind: ForgeKind::GitHub,
            url: format!("file://{}", folder.path().join("served").display()),
            repositories: ["acme/app".to_owned()].into(),
            secret: Secret::new("canary"),
            token: Some(Secret::new("canary-token")),
            ca: None,
        };
        let fetcher = Fetcher::new(folder.path().join("fetched"), around());
        Self { folder, forge, fetcher }
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn commit(&self, text: &str) -> String {
        std::fs::write(self.work().join("file"), text).unwrap();
        git(&self.work(), &["add", "file"]);
        git(&self.work(), &["commit", "-q", "-m", text]);
        git(&self.work(), &["rev-parse", "HEAD"])
    }

    fn push(&self) {
        git(&self.work(), &["push", "-q", "--force", "origin", "HEAD:main"]);
    }

    async fn fetch(&self, ids: &[String]) -> Result<Fetched, Report> {
        self.fetcher.fetch(&self.forge, "acme/app", ids).await
    }

    fn holds(&self, id: &str) -> bool {
        let at = self.fetcher.folder_of(&self.forge, "acme/app");
        let command = ["cat-file", "-e", id];
        Command::new("git").args(command).current_dir(at).output().unwrap().status.success()
    }
}

#[tokio::test]
async fn what_was_pushed_is_fetched_and_stays_when_it_is_pushed_away() {
    let ground = Ground::new();
    let first = ground.commit("first");
    ground.push();
    assert_eq!(ground.fetch(&[]).await.unwrap(), Fetched::default());
    assert!(ground.holds(&first));
    git(&ground.work(), &["commit", "-q", "--amend", "-m", "another"]);
    let second = git(&ground.work(), &["rev-parse", "HEAD"]);
    ground.push();
    ground.fetch(std::slice::from_ref(&first)).await.unwrap();
    assert!(ground.holds(&first) && ground.holds(&second));
    let folder = ground.fetcher.folder_of(&ground.forge, "acme/app");
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name == "FETCH_HEAD" || name == "hooks" || name == "file"), "{names:?}");
}

#[tokio::test]
async fn a_branch_may_be_called_as_the_folder_of_one_that_is_gone() {
    let ground = Ground::new();
    let (first, work) = (ground.commit("first"), ground.work());
    git(&work, &["push", "-q", "origin", "HEAD:refs/heads/a", "HEAD:refs/tags/t/u"]);
    ground.fetch(&[]).await.unwrap();
    git(&work, &["push", "-q", "origin", ":refs/heads/a", ":refs/tags/t/u"]);
    git(&work, &["checkout", "-q", "--orphan", "other"]);
    let second = ground.commit("second");
    git(&work, &["push", "-q", "origin", "HEAD:refs/heads/a/b", "HEAD:refs/tags/t"]);
    assert_eq!(ground.fetch(&[]).await.unwrap(), Fetched::default());
    assert!(ground.holds(&first) && ground.holds(&second));
}

#[tokio::test]
async fn a_commit_that_no_ref_leads_to_is_asked_for_by_its_id() {
    let ground = Ground::new();
    let lost = ground.commit("lost");
    ground.push();
    git(&ground.work(), &["commit", "-q", "--amend", "-m", "another"]);
    ground.push();
    let nowhere = "ab".repeat(20);
    let ids = [lost.clone(), nowhere.clone()];
    assert_eq!(ground.fetch(&ids).await.unwrap().missing, [nowhere]);
    assert!(ground.holds(&lost));
}

#[tokio::test]
async fn locks_and_half_packs_of_a_killed_fetch_do_not_stop_the_next() {
    let ground = Ground::new();
    ground.commit("first");
    ground.push();
    ground.fetch(&[]).await.unwrap();
    let second = ground.commit("second");
    ground.push();
    let folder = ground.fetcher.folder_of(&ground.forge, "acme/app");
    std::fs::write(folder.join("refs/heads/main.lock"), "").unwrap();
    let half = folder.join("objects/pack/tmp_pack_canary");
    std::fs::create_dir_all(half.parent().unwrap()).unwrap();
    std::fs::write(&half, "half").unwrap();
    ground.fetch(&[]).await.unwrap();
    assert!(ground.holds(&second) && !half.exists());
}

/// Settings and hooks of the machine, of the user and of the folder are there to be run, and are not.
#[tokio::test]
async fn nothing_of_anybodys_is_run() {
    let ground = Ground::new();
    ground.commit("first");
    ground.push();
    ground.fetch(&[]).await.unwrap();
    let ran = ground.folder.path().join("ran");
    let script = ground.folder.path().join("script");
    std::fs::write(&script, format!("#!/bin/sh\necho \"$0 $*\" >> {}\n", ran.display())).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = script.display().to_string();
    let folder = ground.fetcher.folder_of(&ground.forge, "acme/app");
    for hook in ["post-checkout", "reference-transaction", "post-merge", "pre-auto-gc"] {
        let hooks = folder.join("hooks");
        std::fs::create_dir_all(&hooks).unwrap();
        std::fs::copy(&script, hooks.join(hook)).unwrap();
    }
    git(&folder, &["config", "core.fsmonitor", &run]);
    git(&folder, &["config", "credential.helper", &run]);
    ground.commit("second");
    ground.push();
    ground.fetch(&[]).await.unwrap();
    assert!(!ran.exists(), "{}", std::fs::read_to_string(&ran).unwrap());
    // The hook does run where it is not kept from it: the test would see it.
    git(&folder, &["update-ref", "refs/heads/other", "refs/heads/main"]);
    assert!(ran.exists());
}

#[tokio::test]
async fn what_cannot_be_fetched_is_told_without_the_token() {
    let mut ground = Ground::new();
    let failed = ground.fetcher.fetch(&ground.forge, "acme/other", &[]).await.unwrap_err();
    let all = format!("{}{:?}", failed.line(), failed.mend);
    assert!(all.contains("acme/other") && !all.contains("canary"), "{all}");
    ground.forge.url = "ext::sh -c touch% canary".into();
    let failed = ground.fetch(&[]).await.unwrap_err();
    assert!(failed.line().contains("transport 'ext' not allowed"), "{failed}");
    ground.fetcher.surroundings.search_path = "/nonexistent".into();
    let failed = ground.fetch(&[]).await.unwrap_err();
    assert!(failed.line().contains("there is no program `git`"), "{failed}");
}
