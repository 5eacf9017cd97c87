//! The `git` program, with nothing of the machine's or the user's settings, and nothing to run.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::Secret;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use super::{Surroundings, folder};
use crate::Forge;

/// How often it is looked how much came.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Of what it says of its failure.
const MAX_SAID_BYTES: u64 = 16 << 10;
const MAX_SAID_CHARS: usize = 200;

/// What holds for every call. The protocol's own line follows.
const SETTINGS: [&str; 15] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.bundleURI=",
    "transfer.bundleURI=false",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
    "protocol.allow=never",
    "advice.fetchShowForcedUpdates=false",
];

/// One forge's git.
pub(super) struct Git {
    /// Empty: where a home is looked for, there is nothing.
    home: tempfile::TempDir,
    environment: Vec<(String, std::ffi::OsString)>,
    protocol: String,
    ca: Option<String>,
    token: Option<Secret>,
    max_bytes: u64,
}

impl Git {
    pub(super) fn new(forge: &Forge, around: &Surroundings, max_bytes: u64) -> std::io::Result<Self> {
        let home = tempfile::tempdir()?;
        let mut environment: Vec<(String, std::ffi::OsString)> =
            vec![("PATH".into(), around.search_path.clone())];
        for name in ["HOME", "XDG_CONFIG_HOME"] {
            environment.push((name.into(), home.path().into()));
        }
        for (name, value) in [
            ("LC_ALL", "C"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_OPTIONAL_LOCKS", "0"),
        ] {
            environment.push((name.into(), value.into()));
        }
        environment.extend(around.proxies.iter().map(|(name, value)| (name.clone(), value.into())));
        if let Some(token) = &forge.token {
            // In the environment and not in an argument, which every user of the machine can read.
            let login = STANDARD.encode(format!("{}:{}", forge.kind.user(), token.expose()));
            for (name, value) in [
                ("GIT_CONFIG_COUNT", "1".to_owned()),
                ("GIT_CONFIG_KEY_0", "http.extraHeader".to_owned()),
                ("GIT_CONFIG_VALUE_0", format!("Authorization: Basic {login}")),
            ] {
                environment.push((name.into(), value.into()));
            }
        }
        // It is run elsewhere than here.
        let ca = forge.ca.as_ref().map(std::path::absolute).transpose()?;
        let scheme = if forge.url.starts_with("file://") { "file" } else { "https" };
        Ok(Self {
            home,
            environment,
            protocol: format!("protocol.{scheme}.allow=always"),
            ca: ca.map(|ca| format!("http.sslCAInfo={}", ca.display())),
            token: forge.token.clone(),
            max_bytes,
        })
    }

    /// Runs it on a bare repository; an error says in its own words why it failed.
    pub(super) async fn run(&self, words: &[&str], repository: &Path) -> Result<(), String> {
        let mut command = Command::new("git");
        for setting in SETTINGS.into_iter().chain([self.protocol.as_str()]).chain(self.ca.as_deref()) {
            command.args(["-c", setting]);
        }
        command
            .args(words)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("GIT_DIR", repository)
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "there is no program `git` on this machine".to_owned(),
            _ => format!("`git` cannot be run: {error}"),
        })?;
        let group = Group(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)));
        let stderr = child.stderr.take();
        let said = async move {
            let mut said = Vec::new();
            if let Some(mut stderr) = stderr {
                // What is beyond is read and forgotten, or it would wait for us.
                (&mut stderr).take(MAX_SAID_BYTES).read_to_end(&mut said).await.ok();
                tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await.ok();
            }
            said
        };
        let ended = tokio::select! {
            (status, said) = async { tokio::join!(child.wait(), said) } => Some((status, said)),
            () = self.outgrown(repository) => None,
        };
        drop(group);
        match ended {
            None => Err(format!("it is larger than {} MiB", self.max_bytes >> 20)),
            Some((Ok(status), _)) if status.success() => Ok(()),
            Some((Ok(_), said)) => Err(self.said(&said)),
            Some((Err(error), _)) => Err(format!("`git` was lost: {error}")),
        }
    }

    /// Returns when the folder is too large.
    async fn outgrown(&self, repository: &Path) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let folder = repository.to_owned();
            let bytes = tokio::task::spawn_blocking(move || folder::bytes_of(&folder)).await;
            if bytes.is_ok_and(|bytes| bytes > self.max_bytes) {
                return;
            }
        }
    }

    /// Git's own first word on what failed; nothing that the other side said.
    fn said(&self, said: &[u8]) -> String {
        let said = String::from_utf8_lossy(said);
        let own = said.lines().find_map(|line| {
            let line = line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: "))?;
            (!line.starts_with("remote error")).then_some(line)
        });
        let Some(own) = own else { return "`git` failed; the other side refused it".to_owned() };
        let hidden = self.token.as_ref().map(Secret::expose).filter(|token| own.contains(token));
        let own = hidden.map_or_else(|| own.to_owned(), |token| own.replace(token, "…"));
        let own: String = own.chars().filter(|c| !c.is_control()).take(MAX_SAID_CHARS).collect();
        format!("git: {own}")
    }
}

/// Whatever it started ends with it.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}
