//! What only files have: two processes in one file, a file that is a mount of its own.

use std::{fs, os::unix::fs::MetadataExt as _, process::Command};

use model::Address;

use crate::{
    child::{Task, User, outcome, start},
    place::{key, open},
};

fn address(folder: &tempfile::TempDir, name: &str) -> Address {
    format!("dotenv:{}/.env#{name}", folder.path().display()).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_lose_nothing_in_one_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), "# ours\nA=1\n").unwrap();
    let children = ["B", "C"].map(|name| start(Task::DeliverHundred, &address(&folder, name), User::Same));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50 {
        let destination = open(&address(&folder, &format!("D{number}")));
        tasks.spawn(async move { destination.deliver(&key("ours")).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    for child in children {
        let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
        assert_eq!(outcome(&output), ["deliver done"]);
    }
    let text = fs::read_to_string(folder.path().join(".env")).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    let mut wanted = vec!["# ours".to_owned(), "A=1".to_owned()];
    wanted.extend(["B", "C"].map(|name| format!("{name}={}", key("99").expose())));
    wanted.extend((0..50).map(|number| format!("D{number}={}", key("ours").expose())));
    wanted.sort();
    assert_eq!(lines, wanted);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left over");
}

/// `unshare` with its own mounts, and with its own users if we are not root.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.arg("--mount");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command
}

#[test]
fn a_file_that_is_a_mount_of_its_own_is_written_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join(".env"));
    let old = format!("A=1\nKEY='{}'\n# end\n", "old".repeat(200));
    fs::write(&source, &old).unwrap();
    fs::write(&target, "").unwrap();
    let inode = fs::metadata(&source).unwrap().ino();
    let run = |options: &str| {
        let own = std::env::current_exe().unwrap();
        let script = "mount --bind \"$1\" \"$2\" && { [ -z \"$4\" ] || mount -o \"$4\" \"$2\"; } && exec \"$3\" child::does_its_task --exact --nocapture";
        let mut command = unshare();
        let words = crate::child::command(Some("unshare"), Task::CheckAndDeliver, &address(&folder, "KEY"));
        command.envs(words.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.args(["sh", "-c", script, "sh"]).args([&source, &target, &own]).arg(options);
        command.output().unwrap()
    };
    let possible =
        unshare().args(["sh", "-c", "mount --bind \"$1\" \"$2\"", "sh"]).args([&source, &target]).status();
    if !possible.is_ok_and(|status| status.success()) {
        // No mounts for us here: writing in place is tested without them beside its code.
        assert_eq!(fs::read_to_string(&source).unwrap(), old);
        return;
    }

    let said = outcome(&run("remount,bind,ro"));
    assert!(said.iter().all(|line| line.contains("Denied") && line.contains("read-only")), "{said:?}");
    assert_eq!(fs::read_to_string(&source).unwrap(), old);

    assert_eq!(outcome(&run("")), ["check done", "deliver done"]);
    let wanted = format!("A=1\nKEY='{}'\n# end\n", key("one").expose());
    assert_eq!(fs::read_to_string(&source).unwrap(), wanted);
    assert_eq!(fs::metadata(&source).unwrap().ino(), inode);
    assert_eq!(fs::read(&target).unwrap(), b"", "what is under the mount is not touched");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left over");
}

#[test]
fn a_full_disk_changes_nothing_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let own = std::env::current_exe().unwrap();
    let script = "mount -t tmpfs -o size=8k tmpfs \"$1\" && cd \"$1\" && echo KEY=old > .env && \
        { cat /dev/zero > full; } 2> /dev/null; \"$2\" child::does_its_task --exact --nocapture; \
        echo; echo outcome $(cat .env) $(ls -A | wc -l)";
    let mut command = unshare();
    let words = crate::child::command(Some("unshare"), Task::CheckAndDeliver, &address(&folder, "KEY"));
    command.envs(words.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args(["sh", "-c", script, "sh"]).args([folder.path(), &own]);
    let mounts =
        unshare().args(["sh", "-c", "mount -t tmpfs tmpfs \"$1\"", "sh"]).arg(folder.path()).status();
    if !mounts.is_ok_and(|status| status.success()) {
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        return;
    }
    let said = outcome(&command.output().unwrap());
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(said[0], "check done");
    assert!(said[1].starts_with("deliver Failed") && said[1].contains("no space left"), "{said:?}");
    assert_eq!(said[2], "KEY=old 2");
}
