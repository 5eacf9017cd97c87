//! One throwaway `PostgreSQL` cluster per run folder, on loopback, for the instances' databases.
use super::spawn::{Identity, detached, spawn, tail};
use super::{Cache, Process, apt_install, command, record, start::free_ports};
use crate::{Fault, Result};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A cluster that runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Cluster {
    pub(super) port: u16,
    #[serde(flatten)]
    process: Process,
    data: PathBuf,
    programs: PathBuf,
}

const RECORD: &str = "postgres.json";

/// The folder of `PostgreSQL`'s own programs, newest version last by name.
pub(super) fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<PathBuf> = versions.filter_map(|v| Some(v.ok()?.path().join("bin"))).collect();
    folders.sort();
    folders.into_iter().rfind(|folder| folder.join("initdb").is_file())
}

/// Makes sure that `PostgreSQL` is on this machine.
pub(super) fn ensure(cache: &Cache) -> Result<()> {
    if programs().is_some() { Ok(()) } else { apt_install(cache, &["postgresql"]) }
}

impl Cluster {
    /// The cluster of this run folder, if it runs.
    pub(super) fn running(run: &Path) -> Option<Self> {
        let found: Self = serde_json::from_slice(&std::fs::read(run.join(RECORD)).ok()?).ok()?;
        found.process.lives().then_some(found)
    }

    /// A new, empty cluster. Its data lies in the folder for temporary files, since `PostgreSQL` refuses to run as
    /// root and another user may not reach the run folder.
    pub(super) fn create(run: &Path) -> Result<Self> {
        let programs =
            programs().ok_or_else(|| Fault::new("there is no PostgreSQL", "cargo xtask n8n install"))?;
        let identity = identity()?;
        let data = std::env::temp_dir().join(format!("keywright-postgres-{}", std::process::id()));
        let mend = "a `TMPDIR` that every user may enter";
        let fault = |e: std::io::Error| Fault::new("there is no folder for PostgreSQL", mend).because(e);
        std::fs::DirBuilder::new().mode(0o700).create(&data).map_err(fault)?;
        let mut initdb = Command::new(programs.join("initdb"));
        initdb.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"]);
        initdb.arg(&data).current_dir("/");
        if let Some(identity) = identity {
            std::os::unix::fs::chown(&data, Some(identity.user), Some(identity.group)).map_err(fault)?;
            initdb.uid(identity.user).gid(identity.group);
        }
        command::run(&mut initdb, "make a PostgreSQL cluster", &run.join("initdb.log"), mend)?;
        let cluster = Self::launch(run, programs, data, identity)?;
        cluster.write(run)?;
        cluster.wait(run)?;
        Ok(cluster)
    }

    pub(super) fn write(&self, run: &Path) -> Result<()> {
        record::write(&run.join(RECORD), self)
    }

    fn launch(run: &Path, programs: PathBuf, data: PathBuf, identity: Option<Identity>) -> Result<Self> {
        let [port] = free_ports()?;
        let mut server = detached(&programs.join("postgres"), &run.join("postgres.log"), identity)?;
        server.arg("-D").arg(&data).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        server.args(["-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "fsync=off"]);
        server.args([
            "-c",
            "full_page_writes=off",
            "-c",
            "synchronous_commit=off",
            "-c",
            "shared_buffers=64MB",
        ]);
        let child = spawn(&mut server, "postgres")?;
        let process = i32::try_from(child.id()).ok().and_then(Process::of);
        let process = process.ok_or_else(|| Fault::new("PostgreSQL ended at once", "look at its log"))?;
        Ok(Self { port, process, data, programs })
    }

    fn wait(&self, run: &Path) -> Result<()> {
        let port = self.port.to_string();
        let ready = super::start::until(Duration::from_mins(1), || {
            let answer = command::output(self.client("pg_isready").args(["-q", "-p", &port]));
            if answer.is_some() { Some(true) } else { (!self.process.lives()).then_some(false) }
        });
        if ready == Some(true) {
            return Ok(());
        }
        Err(Fault::new("PostgreSQL did not start", "cargo xtask n8n stop, then start")
            .because(tail(&run.join("postgres.log"))))
    }

    /// Makes a database of that name from nothing.
    pub(super) fn renew_database(&self, name: &str, run: &Path) -> Result<()> {
        let (port, log) = (self.port.to_string(), run.join(format!("{name}.log")));
        let mend = "cargo xtask n8n stop, then start";
        let mut drop = self.client("dropdb");
        drop.args(["--if-exists", "--force", "-U", "postgres", "-p", &port, name]);
        command::run_quietly(&mut drop, &format!("drop the database {name}"), &log, mend)?;
        let mut create = self.client("createdb");
        create.args(["-U", "postgres", "-p", &port, name]);
        command::run_quietly(&mut create, &format!("make the database {name}"), &log, mend)
    }

    fn client(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.args(["-h", "127.0.0.1"]);
        command
    }

    /// Stops it and forgets its data; databases of tests are not kept.
    pub(super) fn stop(run: &Path) -> Result<()> {
        if let Some(cluster) = Self::running(run) {
            // INT is its fast shutdown: it does not wait for clients.
            cluster.process.stop(Signal::INT, Duration::from_secs(20))?;
        }
        Self::forget(run)
    }

    /// Removes what a cluster that has ended left behind.
    pub(super) fn forget(run: &Path) -> Result<()> {
        let Ok(text) = std::fs::read(run.join(RECORD)) else { return Ok(()) };
        let fault =
            |e: std::io::Error| Fault::new("the PostgreSQL data cannot be removed", "by hand").because(e);
        if let Ok(left) = serde_json::from_slice::<Self>(&text)
            && left.data.join("PG_VERSION").is_file()
        {
            std::fs::remove_dir_all(&left.data).map_err(fault)?;
        }
        std::fs::remove_file(run.join(RECORD)).map_err(fault)
    }
}

/// Whom `PostgreSQL` runs as: us, or, as it refuses root, the user that its package made.
fn identity() -> Result<Option<Identity>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    find_user(&users, "postgres").map(Some).ok_or_else(|| {
        Fault::new("PostgreSQL has no user to run as", "useradd --system postgres")
            .because("it refuses to run as root, and `/etc/passwd` has no `postgres`")
    })
}

fn find_user(users: &str, name: &str) -> Option<Identity> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        found.then_some(Identity { user, group })
    })
}

#[cfg(test)]
impl Cluster {
    /// One that is no `PostgreSQL`, but lives as long as that process.
    pub(super) fn example(pid: u32) -> Self {
        let pid = pid.try_into().unwrap();
        let process = Process::of(pid).unwrap_or(Process { pid, start_ticks: 1 });
        Self { port: 1, process, data: "none".into(), programs: "none".into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users =
            "root:x:0:0:root:/root:/bin/sh\n\nbroken\npostgresx:x:1:1::/:/x\npostgres:x:101:102::/:/x\n";
        let found = find_user(users, "postgres").unwrap();
        assert_eq!((found.user, found.group), (101, 102));
        assert!(find_user(users, "nobody").is_none());
    }

    #[test]
    fn forgetting_removes_the_data_of_a_cluster_only() {
        let run = tempfile::tempdir().unwrap();
        Cluster::forget(run.path()).unwrap();
        let data = run.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let cluster = Cluster { data: data.clone(), ..Cluster::example(u32::MAX / 2) };
        cluster.write(run.path()).unwrap();
        assert!(Cluster::running(run.path()).is_none());
        Cluster::stop(run.path()).unwrap();
        assert!(data.exists(), "a folder that is no cluster is left alone");
        std::fs::write(data.join("PG_VERSION"), "15").unwrap();
        cluster.write(run.path()).unwrap();
        Cluster::stop(run.path()).unwrap();
        assert!(!data.exists() && !run.path().join(RECORD).exists());
    }
}
