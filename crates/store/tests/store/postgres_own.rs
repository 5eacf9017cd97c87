//! A `PostgreSQL` of a test's own, with TLS, with users and doors as the test wants them.

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustix::process::{Pid, Signal, kill_process};

use crate::postgres_place::{client, wait};

const STARTS_WITHIN: Duration = Duration::from_mins(1);

/// A certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its key, in PEM.
    pub(crate) fn sign(&self, params: &CertificateParams) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

/// A cluster that goes when this does.
pub(crate) struct OwnServer {
    folder: tempfile::TempDir,
    programs: PathBuf,
    pub(crate) port: u16,
    process: Option<Child>,
}

impl OwnServer {
    /// It runs, without TLS; `doors` are the lines of its `pg_hba.conf`, and `postgres` comes in from here anyway.
    /// `None` if there is no `PostgreSQL` on this machine.
    pub(crate) fn start(doors: &str) -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::tempdir().unwrap();
        own(folder.path());
        let data = folder.path().join("data");
        let mut initdb = as_another(&programs.join("initdb"));
        initdb.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"]);
        assert!(initdb.arg(&data).stdout(Stdio::null()).status().unwrap().success());
        let doors = format!("host all postgres 127.0.0.1/32 trust\n{doors}\n");
        std::fs::write(data.join("pg_hba.conf"), doors).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { folder, programs, port, process: None };
        let mut postgres = as_another(&server.programs.join("postgres"));
        postgres.arg("-D").arg(&data).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        postgres.args(["-c", "unix_socket_directories=", "-c", "fsync=off"]);
        let log = std::fs::File::create(server.folder.path().join("postgres.log")).unwrap();
        server.process = Some(postgres.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        server.until("it starts", |server| {
            let mut ready = Command::new(server.programs.join("pg_isready"));
            ready.args(["-q", "-h", "127.0.0.1", "-p", &server.port.to_string()]).status().unwrap().success()
        });
        Some(server)
    }

    /// Gives it a certificate, and switches TLS on.
    pub(crate) fn show(&self, (certificate, key): &(String, String)) {
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = self.folder.path().join("data").join(name);
            std::fs::write(&path, text).unwrap();
            own(&path);
            rustix::fs::chmod(&path, 0o600.into()).unwrap();
        }
        self.set("ssl", "on");
    }

    /// Changes a setting, and waits until it is in force.
    pub(crate) fn set(&self, name: &str, value: &str) {
        let before = self.text("SELECT pg_conf_load_time()::text");
        self.run(&format!("ALTER SYSTEM SET {name} = '{value}'"));
        self.run("SELECT pg_reload_conf()");
        self.until("it reads its settings", |server| {
            server.text("SELECT pg_conf_load_time()::text") != before
                && server.text(&format!("SELECT current_setting('{name}')")) == value
        });
    }

    /// Runs SQL, as its superuser.
    pub(crate) fn run(&self, sql: &str) {
        wait(async { client(&self.url()).await.batch_execute(sql).await.unwrap() });
    }

    fn text(&self, sql: &str) -> String {
        wait(async { client(&self.url()).await.query_one(sql, &[]).await.unwrap().get(0) })
    }

    /// For its superuser, without TLS.
    fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    fn until(&self, what: &str, happened: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !happened(self) {
            let log = || std::fs::read_to_string(self.folder.path().join("postgres.log"));
            assert!(began.elapsed() < STARTS_WITHIN, "{what}: not in time: {:?}", log());
            wait(async { tokio::time::sleep(Duration::from_millis(20)).await });
        }
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // QUIT is its immediate shutdown.
            kill_process(Pid::from_child(&process), Signal::QUIT).unwrap();
            process.wait().unwrap();
        }
    }
}

/// Where `PostgreSQL`'s own programs are, those of the newest version by name.
#[expect(clippy::disallowed_methods, reason = "tests learn from their surroundings what must be there")]
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.unwrap().path().join("bin")).collect();
    folders.sort();
    let found = folders.into_iter().rfind(|folder| folder.join("initdb").is_file());
    if found.is_none() {
        let required = std::env::var("KEYWRIGHT_TEST_REQUIRE_REAL").is_ok_and(|value| value == "1");
        assert!(!required, "there is no PostgreSQL in /usr/lib/postgresql");
        eprintln!("passed over: there is no PostgreSQL in /usr/lib/postgresql");
    }
    found
}

/// Whom it runs as, since it refuses to run as root: the user that its package made.
fn another() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:")).unwrap();
    let mut fields = line.split(':').skip(2).map(|number| number.parse().unwrap());
    Some((fields.next()?, fields.next()?))
}

fn as_another(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").stdin(Stdio::null());
    if let Some((user, group)) = another() {
        command.uid(user).gid(group);
    }
    command
}

fn own(path: &Path) {
    if let Some((user, group)) = another() {
        std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
    }
}
