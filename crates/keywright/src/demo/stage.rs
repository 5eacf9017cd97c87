//! The demo's folder, its instance, and the running of commands in front of the audience.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use model::{AdminLogin, Issuer, Secret};
use n8n::{BaseUrl, ClientConfig, InsecureHttp, N8nClient, N8nIssuer, Timeouts};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::error::{CommandError, operator};
use crate::keeper::FreshKeeper;
use crate::system::{SystemClock, SystemIds};
use crate::ui::{BOLD, DIM, Ui, clean};

/// The variable by which the demo's commands get the password.
const PASSWORD: &str = "KEYWRIGHT_DEMO_PASSWORD";

/// The instance, and how to be let in.
pub(crate) struct Door {
    pub(crate) url: String,
    pub(crate) email: String,
    pub(crate) password: Secret,
}

/// Where the story plays.
pub(crate) struct Stage {
    pub(crate) ui: Ui,
    pub(crate) door: Door,
    pub(crate) is_sandbox: bool,
    folder: PathBuf,
    temporary: std::sync::Mutex<Option<TempDir>>,
    program: PathBuf,
}

/// What a command came to.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Stage {
    pub(crate) fn set(ui: Ui, door: Door, is_sandbox: bool, keep: bool) -> Result<Self, CommandError> {
        let cannot = |error: &std::io::Error| operator("cannot set up the demo's folder").caused_by(error);
        let temporary =
            tempfile::Builder::new().prefix("keywright-demo-").tempdir().map_err(|error| cannot(&error))?;
        let folder = temporary.path().canonicalize().map_err(|error| cannot(&error))?;
        let temporary = if keep {
            drop(temporary.keep());
            None
        } else {
            Some(temporary)
        };
        let program = std::env::current_exe().map_err(|error| cannot(&error))?;
        Ok(Self { ui, door, is_sandbox, folder, temporary: std::sync::Mutex::new(temporary), program })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder, if it stays.
    pub(crate) fn kept(&self) -> Option<&Path> {
        let gone = !self.folder.exists();
        if gone { None } else { Some(&self.folder) }
    }

    /// Takes the folder away, unless it is to be kept.
    pub(crate) fn clear(&self) {
        let temporary = self.temporary.lock().map(|mut held| held.take()).unwrap_or_default();
        drop(temporary.map(TempDir::close));
    }

    /// A file of the demo, made now.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, CommandError> {
        let path = self.folder.join(name);
        let made =
            path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, text));
        made.map_err(|error| operator(format!("cannot write `{}`", path.display())).caused_by(&error))?;
        Ok(path)
    }

    /// A heading of the story.
    pub(crate) fn act(&self, number: u32, title: &str) {
        self.ui.note(&format!("\n{BOLD}{number}. {title}{BOLD:#}"));
    }

    /// A line of the story.
    pub(crate) fn say(&self, line: &str) {
        self.ui.note(&format!("   {line}"));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--config")
            .arg(self.folder.join("keywright.toml"))
            .args(arguments)
            .env(PASSWORD, self.door.password.expose())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    fn announce(&self, arguments: &[&str]) {
        let shown: Vec<String> = arguments
            .iter()
            .map(|word| if word.contains([' ', '#']) { format!("'{word}'") } else { (*word).to_owned() })
            .collect();
        let shown = shown.join(" ").replace(&self.folder.display().to_string(), "$DEMO");
        self.ui.note(&format!("   {BOLD}$ keywright {shown}{BOLD:#}"));
    }

    /// Runs a command to its end and shows what it said.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Result<Ended, CommandError> {
        self.announce(arguments);
        let output = self.command(arguments).output().await;
        let output = output.map_err(|error| operator("cannot run the demo's command").caused_by(&error))?;
        let ended = Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        for line in ended.stderr.lines().chain(ended.stdout.lines()) {
            let line = line.replace(&self.folder.display().to_string(), "$DEMO");
            self.ui.note(&format!("     {DIM}{}{DIM:#}", clean(&line)));
        }
        Ok(ended)
    }

    /// Runs a command that has to succeed for the story to go on.
    pub(crate) async fn must(&self, arguments: &[&str]) -> Result<Ended, CommandError> {
        let ended = self.run(arguments).await?;
        if ended.code == Some(0) {
            return Ok(ended);
        }
        let mut report = operator(format!("`keywright {}` failed", arguments.join(" ")));
        for line in ended.stderr.lines().take(6) {
            report = report.because(clean(line));
        }
        Err(report.into())
    }

    /// Starts a command and leaves it running.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Result<Child, CommandError> {
        self.announce(arguments);
        let child = self.command(arguments).spawn();
        Ok(child.map_err(|error| operator("cannot run the demo's command").caused_by(&error))?)
    }

    /// Takes charge of the instance, as a user would.
    pub(crate) async fn connect(&self) -> Result<Ended, CommandError> {
        let password = format!("env:{PASSWORD}");
        let Door { url, email, .. } = &self.door;
        self.must(&["connect", "prod", url, "--email", email, "--password-from", &password, "--quiet"]).await
    }

    /// Another eye on the instance: a client of its own, which shares nothing with the commands.
    pub(crate) async fn eye(&self) -> Result<Arc<dyn Issuer>, CommandError> {
        let login = AdminLogin {
            email: self.door.email.clone(),
            password: self.door.password.clone(),
            second_factor: None,
        };
        let config = ClientConfig {
            name: "eye".parse()?,
            base_url: BaseUrl::parse(&self.door.url, InsecureHttp::Refused)?,
            timeouts: Timeouts::default(),
            transport: n8n::Transport::default(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
        };
        let client = Arc::new(N8nClient::new(config, Arc::new(FreshKeeper::new(login)))?);
        let learned = client.learn().await?;
        if !learned.capabilities.keys.overlaps() {
            let version = learned.version.unwrap_or_default();
            let report = operator(format!(
                "the demo needs an n8n where a user may have several keys; this is {version}"
            ));
            return Err(report.mend("keywright demo   # with the n8n inside").into());
        }
        Ok(Arc::new(N8nIssuer::new(client, learned.capabilities)))
    }
}
