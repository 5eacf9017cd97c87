//! A forge: bare repositories behind HTTPS, a clone that pushes there, webhooks signed as GitHub or GitLab does.

use std::path::{Path, PathBuf};
use std::process::Command;

use forges::ForgeKind;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::client::http;
use super::git_server::{GitServer, WRITER};

pub(crate) const SECRET: &str = "canary-hook-secret-example";
pub(crate) const REPOSITORY: &str = "acme/app";
const READ_TOKEN: &str = "canary-read-token-example";
const NOTHING: &str = "0000000000000000000000000000000000000000";

pub(crate) struct Forge {
    folder: PathBuf,
    /// Whose manners it has.
    kind: ForgeKind,
    server: GitServer,
}

/// What one push moved.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    pub(crate) old: String,
    pub(crate) new: String,
}

impl Forge {
    /// In a folder of the home, with one repository that has a commit.
    pub(crate) fn make(home: &Path, kind: ForgeKind) -> Self {
        let folder = home.join("forge");
        let user = match kind {
            ForgeKind::GitHub => "x-access-token",
            ForgeKind::GitLab => "oauth2",
        };
        let server = GitServer::start(&folder.join("served"), &format!("{user}:{READ_TOKEN}"));
        std::fs::write(home.join("forge-ca.pem"), &server.ca).unwrap();
        let forge = Self { folder, kind, server };
        std::fs::create_dir_all(forge.served()).unwrap();
        std::fs::create_dir_all(forge.work()).unwrap();
        git(&forge.served(), &["init", "-q", "--bare"]);
        git(&forge.work(), &["init", "-q"]);
        let origin = forge.server.url.replace("://", &format!("://{WRITER}@"));
        git(&forge.work(), &["remote", "add", "origin", &format!("{origin}/{REPOSITORY}.git")]);
        git(&forge.work(), &["config", "http.sslCAInfo", &home.join("forge-ca.pem").display().to_string()]);
        forge.commit("README", "Nothing secret.\n");
        forge.push();
        forge
    }

    /// The bare repository.
    pub(crate) fn served(&self) -> PathBuf {
        self.folder.join("served").join(format!("{REPOSITORY}.git"))
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.folder.join("work")
    }

    /// What a configuration says of it.
    pub(crate) fn declare(&self, home: &Path, action: &str) {
        std::fs::write(home.join("hook-secret"), SECRET).unwrap();
        std::fs::write(home.join("read-token"), READ_TOKEN).unwrap();
        let config = home.join("keywright.toml");
        let kind = self.kind.as_str();
        let more = format!(
            "\n[serve]\nlisten_hooks = \"127.0.0.1:0\"\n\n[forge.local]\nkind = \"{kind}\"\nurl = \"{}\"\n\
             ca = \"forge-ca.pem\"\nrepositories = [\"{REPOSITORY}\"]\nsecret = \"file:hook-secret\"\n\
             token = \"file:read-token\"\naction = \"{action}\"\n",
            self.server.url
        );
        std::fs::write(&config, std::fs::read_to_string(&config).unwrap() + &more).unwrap();
    }

    pub(crate) fn commit(&self, file: &str, text: &str) {
        std::fs::write(self.work().join(file), text).unwrap();
        git(&self.work(), &["add", file]);
        git(&self.work(), &["commit", "-q", "-m", &format!("Change {file}")]);
    }

    /// The last commit is another one, without what it brought.
    pub(crate) fn take_back(&self) {
        git(&self.work(), &["reset", "-q", "--hard", "HEAD~1"]);
        git(&self.work(), &["commit", "-q", "--allow-empty", "-m", "Something else"]);
    }

    /// Sends the webhook of a push, as it would itself; gives the status of the answer, and its word.
    pub(crate) async fn tells(&self, hooks: &str, id: &str, push: &Push) -> (u16, String) {
        match self.kind {
            ForgeKind::GitHub => deliver(hooks, "push", id, &body(push, REPOSITORY), SECRET).await,
            ForgeKind::GitLab => {
                let body = json!({
                    "object_kind": "push", "ref": "refs/heads/main", "before": push.old, "after": push.new,
                    "project": {"path_with_namespace": REPOSITORY}, "repository": {"name": "app"},
                });
                let sent = http()
                    .post(format!("{hooks}local"))
                    .header("x-gitlab-event", "Push Hook")
                    .header("x-gitlab-event-uuid", id)
                    .header("x-gitlab-token", SECRET)
                    .json(&body);
                word(sent.send().await.unwrap()).await.expect("it is read to its end")
            }
        }
    }

    pub(crate) fn push(&self) -> Push {
        let served = self.served();
        let mut command = Command::new("git");
        command.args(["rev-parse", "-q", "--verify", "refs/heads/main"]).current_dir(&served);
        let old = closed(&mut command).output().unwrap();
        let old = String::from_utf8(old.stdout).unwrap().trim().to_owned();
        git(&self.work(), &["push", "-q", "--force", "origin", "HEAD:refs/heads/main"]);
        let new = git(&served, &["rev-parse", "refs/heads/main"]);
        Push { old: if old.is_empty() { NOTHING.to_owned() } else { old }, new }
    }
}

/// With nothing of the machine's: no settings, no proxy, no other certificates.
fn closed(command: &mut Command) -> &mut Command {
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
}

fn git(at: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]);
    let output = closed(command.args(words).current_dir(at)).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The body that GitHub sends of a push.
pub(crate) fn body(push: &Push, repository: &str) -> Value {
    json!({"ref": "refs/heads/main", "before": push.old, "after": push.new, "repository": {"full_name": repository}})
}

/// Sends a webhook; gives the status of the answer, and its word.
pub(crate) async fn deliver(hooks: &str, event: &str, id: &str, body: &Value, secret: &str) -> (u16, String) {
    try_deliver(hooks, event, id, body, secret).await.expect("it is read to its end")
}

/// The same; nothing if the connection was closed before the body was sent.
pub(crate) async fn try_deliver(
    hooks: &str,
    event: &str,
    id: &str,
    body: &Value,
    secret: &str,
) -> Option<(u16, String)> {
    let body = body.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature =
        mac.finalize().into_bytes().iter().fold("sha256=".to_owned(), |hex, byte| format!("{hex}{byte:02x}"));
    let sent = http()
        .post(format!("{hooks}local"))
        .header("content-type", "application/json")
        .header("x-github-event", event)
        .header("x-github-delivery", id)
        .header("x-hub-signature-256", signature)
        .body(body);
    word(sent.send().await.ok()?).await
}

async fn word(answer: reqwest::Response) -> Option<(u16, String)> {
    let status = answer.status().as_u16();
    let answer: Value = answer.json().await.ok()?;
    Some((status, answer["status"].as_str().unwrap().to_owned()))
}
