//! What is known of an instance that runs: one file each in the run folder, for tests to read.
use super::{Cache, Process, RELEASES, Release, http, postgres::Cluster};
use crate::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A real n8n that was started for tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningInstance {
    /// Its release.
    pub version: String,
    /// Its address, without a slash at the end.
    pub url: String,
    /// The owner's login.
    pub email: String,
    /// The owner's password.
    pub password: String,
    /// A session of the owner's, as a `Cookie` header; logins are limited to five a minute.
    pub cookie: String,
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// The server process.
    #[serde(flatten)]
    pub process: Process,
    /// Its database, as a URL.
    pub database: String,
    /// What it prints.
    pub log: PathBuf,
    /// Whether it answers and has its owner; false while it starts.
    pub ready: bool,
}

impl RunningInstance {
    /// The instance of this release, if it and its database live and it says that it is ready.
    ///
    /// Its own word is not enough: some go on saying so for a while when their database is gone.
    pub(super) fn healthy(run: &Path, release: &Release) -> Option<Self> {
        Cluster::running(run)?;
        Self::read(run, release.version).filter(Self::answers)
    }

    fn answers(&self) -> bool {
        self.ready
            && self.process.lives()
            && http::call(self.port, "GET", "/healthz/readiness", None).is_ok_and(|a| a.status == 200)
    }

    pub(super) fn file(run: &Path, version: &str) -> PathBuf {
        run.join(format!("{version}.json"))
    }

    pub(super) fn read(run: &Path, version: &str) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(Self::file(run, version)).ok()?).ok()
    }

    pub(super) fn write(&self, run: &Path) -> Result<()> {
        write(&Self::file(run, &self.version), self)
    }
}

/// Writes a record whole or not at all, readable by its owner only.
pub(crate) fn write(file: &Path, record: &impl Serialize) -> Result<()> {
    let fault = |e: &dyn std::fmt::Display| {
        Fault::new(format!("`{}` cannot be written", file.display()), "a folder that can be written to")
            .because(e)
    };
    let text = serde_json::to_vec_pretty(record).map_err(|e| fault(&e))?;
    let new = file.with_extension("new");
    std::fs::File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut opened| opened.write_all(&text))
        .and_then(|()| std::fs::rename(&new, file))
        .map_err(|e| fault(&e))
}

/// The ready instances of the run folder that the environment names, newest release first.
pub fn running() -> Vec<RunningInstance> {
    Cache::from_environment().map(|cache| running_in(&cache.run())).unwrap_or_default()
}

/// The ready instances of that run folder, newest release first.
pub fn running_in(run: &Path) -> Vec<RunningInstance> {
    RELEASES.iter().filter_map(|release| RunningInstance::healthy(run, release)).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::os::unix::fs::PermissionsExt as _;

    pub(in crate::n8n) fn example(version: &str, port: u16) -> RunningInstance {
        RunningInstance {
            version: version.into(),
            url: format!("http://127.0.0.1:{port}"),
            email: "owner@keywright.example".into(),
            password: "Canary-Owner-1".into(),
            cookie: "n8n-auth=canary".into(),
            port,
            process: Process::of(std::process::id().try_into().unwrap()).unwrap(),
            database: "postgres://127.0.0.1:1/x".into(),
            log: "x.log".into(),
            ready: true,
        }
    }

    /// Answers every request with `status`, as long as the test runs.
    fn serve(status: u16) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                std::io::Read::read(&mut stream, &mut [0; 512]).unwrap();
                write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").unwrap();
            }
        });
        port
    }

    #[test]
    fn only_ready_living_answering_instances_are_running() {
        let run = tempfile::tempdir().unwrap();
        let (well, ill) = (serve(200), serve(503));
        let ready = example("2.41.1", well);
        ready.write(run.path()).unwrap();
        example("1.123.81", ill).write(run.path()).unwrap();
        RunningInstance { ready: false, ..example("1.72.1", well) }.write(run.path()).unwrap();
        let mut dead = example("1.60.1", well);
        dead.process.start_ticks += 1;
        dead.write(run.path()).unwrap();
        assert!(running_in(run.path()).is_empty(), "there is no database");
        Cluster::example(std::process::id()).write(run.path()).unwrap();
        assert_eq!(running_in(run.path()), [ready]);
    }

    #[test]
    fn a_record_is_private_and_has_flat_fields() {
        let run = tempfile::tempdir().unwrap();
        example("2.41.1", 1).write(run.path()).unwrap();
        let file = RunningInstance::file(run.path(), "2.41.1");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let value: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        for name in ["version", "url", "email", "password", "cookie", "pid", "start_ticks"] {
            assert!(!value[name].is_null(), "{name}");
        }
        assert_eq!(RunningInstance::read(run.path(), "9"), None);
    }
}
