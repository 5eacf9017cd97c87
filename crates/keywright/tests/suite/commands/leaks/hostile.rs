//! Repositories that would like to do something to whoever scans them.

use std::os::unix::fs::symlink;

use crate::support::home::Home;
use crate::support::repo::{Repo, fingerprint, key};

/// All that git would run for a repository, each of which leaves a file behind.
fn arm(repo: &Repo<'_>) {
    let touch = format!("touch {}", repo.home.folder().join("canary-ran").display());
    for setting in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.askPass",
        "core.gitProxy",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "filter.evil.smudge",
        "filter.evil.clean",
        "filter.evil.process",
        "merge.evil.driver",
        "credential.helper",
        "gpg.program",
        "uploadpack.packObjectsHook",
        "interactive.diffFilter",
    ] {
        let output = std::fs::OpenOptions::new().append(true).open(repo.folder.join(".git/config")).unwrap();
        let (section, name) = setting.rsplit_once('.').unwrap();
        let section =
            section.split_once('.').map_or(format!("[{section}]"), |(a, b)| format!("[{a} \"{b}\"]"));
        std::io::Write::write_all(&mut &output, format!("{section}\n\t{name} = {touch}\n").as_bytes())
            .unwrap();
    }
    repo.write(".gitattributes", "* filter=evil diff=evil merge=evil\n");
    for hook in
        ["post-checkout", "post-index-change", "pre-commit", "reference-transaction", "fsmonitor-watchman"]
    {
        let path = repo.folder.join(".git/hooks").join(hook);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\n{touch}\n")).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
}

#[tokio::test]
async fn nothing_of_a_repository_is_run() {
    let home = Home::empty("");
    let repo = Repo::new(&home, "repo").await;
    repo.commit("x", &key(1)).await;
    repo.write("y", &key(2));
    repo.git(&["add", "y"]).await;
    arm(&repo);
    for arguments in [
        &["leaks", "scan", "repo"][..],
        &["leaks", "scan", "repo", "--staged"],
        &["leaks", "scan", "repo", "--range", "..HEAD"],
    ] {
        assert_eq!(home.run(arguments).await.code, Some(3), "{arguments:?}");
        assert!(!home.folder().join("canary-ran").exists(), "{arguments:?}");
    }
    // The trap is sharp: git itself springs it.
    repo.run(&["status"]).await;
    assert!(home.folder().join("canary-ran").exists());
}

#[tokio::test]
async fn links_lead_nobody_out_of_the_tree() {
    let home = Home::empty("");
    for name in ["secret", "tree"] {
        std::fs::create_dir(home.folder().join(name)).unwrap();
    }
    std::fs::write(home.folder().join("secret/x"), key(1)).unwrap();
    for (to, link) in [("../secret", "folder"), ("../secret/x", "file"), ("/proc/self/environ", "environ")] {
        symlink(to, home.folder().join("tree").join(link)).unwrap();
    }
    let ended = home.run(&["leaks", "scan", "tree"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test]
async fn names_reach_the_terminal_escaped() {
    let home = Home::empty("");
    std::fs::create_dir(home.folder().join("tree")).unwrap();
    let name = "a\u{1b}[2J\u{202e}\rb\n";
    std::fs::write(home.folder().join("tree").join(name), key(1)).unwrap();
    for format in ["table", "json", "sarif", "github", "gitlab-secrets", "gitlab-codequality"] {
        let ended = home.run(&["leaks", "scan", "tree", "--format", format]).await;
        assert_eq!(ended.code, Some(3), "{ended:?}");
        let is_bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!ended.stdout.contains(is_bad), "{format}: {ended:?}");
        assert!(ended.stdout.lines().all(|line| !line.starts_with('b')), "{format}: {ended:?}");
    }
}

#[tokio::test]
async fn a_configuration_that_lies_in_the_tree_is_not_believed() {
    let home = Home::empty("");
    std::fs::write(home.folder().join("x"), key(1)).unwrap();
    // It would ask a host for its store, with a secret of ours as the password.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = format!(
        "store = \"postgresql://u@{address}/d\"\nstore_password = \"env:TEST_N8N_PASSWORD\"\nlog = \"log\"\nmaster_key = \"env:TEST_N8N_PASSWORD\"\n"
    );
    std::fs::write(home.folder().join("keywright.toml"), config).unwrap();
    let ended = home.run(&["leaks", "scan"]).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("--config ./keywright.toml"), "{ended:?}");
    for action in [&["--check"][..], &["--rotate"]] {
        let refused = home.run(&[&["leaks", "scan"], action].concat()).await;
        assert!(refused.code == Some(1) && super::super::is_whole(&refused.stderr), "{refused:?}");
    }
    let asked =
        std::future::poll_fn(|context| std::task::Poll::Ready(listener.poll_accept(context).is_ready()))
            .await;
    assert!(!asked, "the host was asked");
}

#[tokio::test]
async fn objects_of_an_alternate_are_read_and_told_as_what_they_are() {
    let home = Home::empty("");
    let lender = Repo::new(&home, "lender").await;
    lender.commit("x", &key(1)).await;
    home.must(&["leaks", "scan", "absent", "--help"]).await;
    let output = lender.run(&["clone", "--quiet", "--shared", ".", "../borrower"]).await;
    assert!(output.status.success(), "{output:?}");
    let ended = home.run(&["leaks", "scan", "borrower", "--history-only", "--json"]).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stdout.contains(&fingerprint(&key(1))), "{ended:?}");
}

#[tokio::test]
async fn pipes_do_not_hold_it_up_and_faces_of_the_system_are_told() {
    let home = Home::empty("");
    let pipe = home.folder().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
        .unwrap();
    assert_eq!(home.run(&["leaks", "scan"]).await.code, Some(0));
    let ended = home.run(&["leaks", "scan", "/proc"]).await;
    assert!(ended.code == Some(1) && ended.stdout.contains("/proc"), "{ended:?}");
}
