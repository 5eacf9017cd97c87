//! Keys in files of `.git` that are no objects: settings, hooks, logs, half-written messages.
use crate::chance::Chance;
use crate::git::Git;
use crate::hiding::Fits;
use crate::scribe::{Spot, entry};
use crate::tree::write;
use crate::trouble::Result;
use crate::truth::{ObjectKind, Place, Planted};

const FILES: [(&str, &str, &str, usize); 7] = [
    ("half_written_message", ".git/COMMIT_EDITMSG", "Use ¤\n\n# Please enter the commit message\n", 1),
    ("half_written_message", ".git/TAG_EDITMSG", "\nkey: ¤\n", 2),
    ("git_hook", ".git/hooks/pre-push", "#!/bin/sh\ncurl -H 'X-N8N-API-KEY: ¤' http://n8n:5678/\n", 2),
    ("git_exclude", ".git/info/exclude", "# key ¤\nnode_modules/\n", 1),
    ("git_description", ".git/description", "mirror, key ¤\n", 1),
    ("rebase_patch", ".git/rebase-apply/patch", "--- a/.env\n+++ b/.env\n@@ -0,0 +1 @@\n+KEY=¤\n", 4),
    ("git_credentials", ".git/.git-credentials", "https://ana:¤@git.corp.test\n", 1),
];

pub(super) fn plant(git: &Git, seed: u64) -> Result<Vec<Planted>> {
    let mut planted = Vec::new();
    let key = |name: &str| Fits::Any.key(&mut Chance::of(seed, name));
    let mut found = |name: &str, hiding: &str, path: &str, line: Option<usize>| {
        let spot = Spot {
            object: ObjectKind::GitFile,
            path: Some(path.to_owned()),
            lines: line.map(|line| (line, line)),
            ..Spot::corner(hiding)
        };
        planted.push(entry(&key(name), Place::History, spot));
    };
    for (hiding, path, template, line) in FILES {
        write(git.folder(), path, template.replace('¤', &key(path).text).as_bytes())?;
        found(path, hiding, path, Some(line));
    }
    let url = format!("https://ci:{}@git.corp.test/a.git", key("remote").text);
    git.run(&["config", "remote.deploy.url", &url])?;
    found("remote", "git_config", ".git/config", None);
    let header = format!("Authorization: Bearer {}", key("header").text);
    git.run(&["config", "http.https://git.corp.test/.extraheader", &header])?;
    found("header", "git_config", ".git/config", None);
    let tip = git.run(&["rev-parse", "HEAD"])?;
    let message = format!("pull https://ci:{}@git.corp.test/a.git: Fast-forward", key("log").text);
    git.point("refs/heads/pulled", &tip, &message)?;
    found("log", "reflog_message", ".git/logs/refs/heads/pulled", Some(1));
    let fetched = format!("{tip}\t\tbranch 'main' of https://ci:{}@git.corp.test/a\n", key("fetched").text);
    write(git.folder(), ".git/FETCH_HEAD", fetched.as_bytes())?;
    found("fetched", "fetch_head", ".git/FETCH_HEAD", Some(1));
    Ok(planted)
}
