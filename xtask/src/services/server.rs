//! One server process: started on a free port, known by a record before it is ready, stopped by its identity.
use crate::n8n::record;
use crate::n8n::spawn::{detached, spawn, tail};
use crate::n8n::start::{free_ports, until};
use crate::n8n::{Process, http};
use crate::progress::tell;
use crate::{Fault, Result};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_mins(3);
/// A free port may be taken by another before the server gets to it.
const ATTEMPTS: usize = 3;

/// A server that was started here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Server {
    /// Its port on 127.0.0.1.
    pub(super) port: u16,
    /// Its process.
    #[serde(flatten)]
    pub(super) process: Process,
    /// What it prints.
    pub(super) log: PathBuf,
}

impl Server {
    /// Starts `program` and waits until it answers GET `path`; `prepare` adds what it needs to listen on a port.
    pub(super) fn start(
        run: &Path,
        name: &str,
        program: &Path,
        path: &str,
        prepare: impl Fn(u16, &mut Command) -> Result<()>,
    ) -> Result<Self> {
        for attempts_left in (0..ATTEMPTS).rev() {
            match Self::attempt(run, name, program, path, &prepare) {
                Ok(server) => return Ok(server),
                Err(fault) if attempts_left == 0 => return Err(fault),
                Err(fault) => tell(&format!("{fault}once more")),
            }
        }
        Err(Fault::new("no attempt was made", "report this"))
    }

    fn attempt(
        run: &Path,
        name: &str,
        program: &Path,
        path: &str,
        prepare: impl Fn(u16, &mut Command) -> Result<()>,
    ) -> Result<Self> {
        Self::stop(run, name)?;
        let [port] = free_ports()?;
        let log = run.join(format!("{name}.log"));
        let mut command = detached(program, &log, None)?;
        prepare(port, &mut command)?;
        let fault = |why: String| {
            Fault::new(format!("`{name}` did not become ready"), "look at its log")
                .because(why)
                .because(tail(&log))
        };
        let mut child = spawn(&mut command, name)?;
        let process = i32::try_from(child.id()).ok().and_then(Process::of);
        let process = process.ok_or_else(|| fault("it ended at once".into()))?;
        let server = Self { port, process, log: log.clone() };
        // Before it is ready, so that `stop` knows of it whatever happens here.
        record::write(&Self::file(run, name), &server)?;
        let ready = until(PATIENCE, || match child.try_wait() {
            Ok(Some(status)) => Some(Err(format!("it ended: {status}"))),
            _ => server.answers(path).then_some(Ok(())),
        });
        ready.unwrap_or_else(|| Err(format!("{} s have passed", PATIENCE.as_secs()))).map_err(fault)?;
        Ok(server)
    }

    /// Where it is, without a slash at the end.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The server of that name, if it lives.
    pub(super) fn living(run: &Path, name: &str) -> Option<Self> {
        let found: Self = serde_json::from_slice(&std::fs::read(Self::file(run, name)).ok()?).ok()?;
        found.process.lives().then_some(found)
    }

    /// Whether it answers at all; with what is up to whoever asks.
    pub(super) fn answers(&self, path: &str) -> bool {
        http::call(self.port, "GET", path, None).is_ok()
    }

    /// Ends the server of that name and forgets it. Nothing to end is fine.
    pub(super) fn stop(run: &Path, name: &str) -> Result<()> {
        if let Some(server) = Self::living(run, name) {
            server.process.stop(Signal::TERM, Duration::from_secs(5))?;
            tell(&format!("{name} is stopped"));
        }
        let file = Self::file(run, name);
        match std::fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(Fault::new(format!("`{}` cannot be removed", file.display()), "by hand").because(e))
            }
            _ => Ok(()),
        }
    }

    fn file(run: &Path, name: &str) -> PathBuf {
        run.join(format!("{name}.server.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As much of a server as it takes. A shell cannot listen; Perl can, and is there where `apt-get` is.
    const ANSWER: &str = r#"use IO::Socket::INET;
        my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], Listen => 5) or die;
        while (my $c = $l->accept) { my $h = <$c>; print $c "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n" }"#;

    #[test]
    fn a_server_is_started_known_and_stopped() {
        let run = tempfile::tempdir().unwrap();
        let server = Server::start(run.path(), "x", Path::new("perl"), "/", |port, command| {
            command.args(["-e", ANSWER, &port.to_string()]);
            Ok(())
        })
        .unwrap();
        assert_eq!(Server::living(run.path(), "x"), Some(server.clone()));
        assert!(server.answers("/") && server.url().ends_with(&server.port.to_string()));
        Server::stop(run.path(), "x").unwrap();
        assert!(!server.process.lives() && Server::living(run.path(), "x").is_none());
        Server::stop(run.path(), "x").unwrap();
    }

    #[test]
    fn what_ends_at_once_is_a_fault_with_the_end_of_its_log() {
        let run = tempfile::tempdir().unwrap();
        let fault = Server::start(run.path(), "x", Path::new("sh"), "/", |_, command| {
            command.args(["-c", "echo out of order; exit 3"]);
            Ok(())
        });
        let text = fault.unwrap_err().to_string();
        assert!(text.contains("`x` did not become ready") && text.contains("out of order"), "{text}");
    }
}
