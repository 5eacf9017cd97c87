//! A program of the operator's own: the notice as JSON on its stdin. No shell is involved.
//!
//! Its output is thrown away. Exit codes are those of `sysexits.h`: 0 sent, 75 try later, 77 refused, 69 not
//! reached; any other is a failure.

use std::{path::PathBuf, process::Stdio};

use model::{Channel, ChannelError, ChannelErrorKind as Kind, ChannelName, Notice};
use rustix::fs::{Access, AtFlags, CWD, FileType, accessat, stat};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStdin, Command as Process};

use crate::{
    Limits,
    error::{caused_by, error, too_late},
};

const EXIT_UNREACHABLE: i32 = 69;
const EXIT_LATER: i32 = 75;
const EXIT_REFUSED: i32 = 77;

struct Command {
    name: ChannelName,
    path: PathBuf,
    arguments: Vec<String>,
    hidden_variables: Vec<String>,
    limits: Limits,
}

pub(crate) fn open(
    name: &ChannelName,
    line: &str,
    hidden_variables: &[String],
    limits: Limits,
) -> Result<Box<dyn Channel>, ChannelError> {
    let bad = |because: &str| {
        let mend = "write the program's whole path and its arguments, such as `/usr/local/bin/tell ops`";
        error(Kind::BadSetting, name, because, mend)
    };
    let mut words =
        shlex::split(line).ok_or_else(|| bad("a quote in its command is never closed"))?.into_iter();
    let path = PathBuf::from(words.next().ok_or_else(|| bad("it names no program"))?);
    if !path.is_absolute() {
        return Err(bad("its program's path does not start with `/`"));
    }
    Ok(Box::new(Command {
        name: name.clone(),
        path,
        arguments: words.collect(),
        hidden_variables: hidden_variables.to_vec(),
        limits,
    }))
}

/// Ends a program and all that it started, unless it has ended by itself.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may be gone already.
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

impl Command {
    /// The program is there, may be run, and not everyone can change it.
    fn check(&self) -> Result<(), ChannelError> {
        let shown = self.path.display();
        let bad = |because: String, mend: String| error(Kind::BadSetting, &self.name, because, mend);
        let look = || format!("look with `ls -l {shown}`");
        let stat = stat(&self.path).map_err(|errno| bad(format!("`{shown}`: {errno}"), look()))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(bad(format!("`{shown}` is not a file"), "give the path of a program".to_owned()));
        }
        if stat.st_mode & 0o002 != 0 {
            return Err(bad(format!("everyone can change `{shown}`"), format!("`chmod o-w {shown}`")));
        }
        accessat(CWD, &self.path, Access::EXEC_OK, AtFlags::EACCESS)
            .map_err(|errno| bad(format!("`{shown}` cannot be run: {errno}"), look()))
    }

    fn process(&self, notice: &Notice) -> Process {
        let mut process = Process::new(&self.path);
        process
            .args(&self.arguments)
            .current_dir("/")
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for name in own_variables() {
            process.env_remove(name);
        }
        for name in &self.hidden_variables {
            process.env_remove(name);
        }
        process
            .env("KEYWRIGHT_NOTICE_ID", notice.id.to_string())
            .env("KEYWRIGHT_NOTICE_KIND", notice.kind.as_str())
            .env("KEYWRIGHT_NOTICE_CHANNEL", self.name.as_str());
        if let Some(instance) = &notice.instance {
            process.env("KEYWRIGHT_INSTANCE", instance.as_str());
        }
        if let Some(integration) = &notice.integration {
            process.env("KEYWRIGHT_INTEGRATION", integration.as_str());
        }
        if let Some(rotation) = notice.rotation {
            process.env("KEYWRIGHT_ROTATION", rotation.to_string());
        }
        process
    }

    fn judge(&self, status: std::process::ExitStatus) -> Result<(), ChannelError> {
        if status.success() {
            return Ok(());
        }
        let kind = match status.code() {
            Some(EXIT_UNREACHABLE) => Kind::Unreachable,
            Some(EXIT_LATER) => Kind::Throttled,
            Some(EXIT_REFUSED) => Kind::Refused,
            _ => Kind::Failed,
        };
        let because = format!("`{}` ended with {status}", self.path.display());
        Err(error(
            kind,
            &self.name,
            because,
            "run it by hand to see what it lacks; it must end with 0 when it is done",
        ))
    }
}

/// Keywright's own variables, its master key among them.
#[expect(
    clippy::disallowed_methods,
    reason = "only the names are looked at, to keep ours from a program; forgetting one must not be possible"
)]
fn own_variables() -> impl Iterator<Item = std::ffi::OsString> {
    std::env::vars_os().map(|(name, _)| name).filter(|name| {
        name.as_encoded_bytes().get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"KEYWRIGHT_"))
    })
}

async fn feed(stdin: Option<ChildStdin>, body: &[u8]) {
    if let Some(mut stdin) = stdin {
        // A program that does not read its input tells by its exit code whether that was right.
        drop(stdin.write_all(body).await);
        drop(stdin.shutdown().await);
    }
}

#[async_trait::async_trait]
impl Channel for Command {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    async fn send(&self, notice: &Notice) -> Result<(), ChannelError> {
        self.check()?;
        let failed = |io: &std::io::Error| {
            let because = format!("`{}` cannot be run", self.path.display());
            caused_by(error(Kind::Failed, &self.name, because, "run it by hand"), io)
        };
        let body = serde_json::to_vec(notice).map_err(|unserialisable| failed(&unserialisable.into()))?;
        let mut child = self.process(notice).spawn().map_err(|io| failed(&io))?;
        let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)));
        let stdin = child.stdin.take();
        let ended = async {
            let feeding = feed(stdin, &body);
            tokio::pin!(feeding);
            tokio::select! {
                biased;
                status = child.wait() => status,
                () = &mut feeding => child.wait().await,
            }
        };
        let Ok(ended) = tokio::time::timeout(self.limits.whole, ended).await else {
            drop(group);
            drop(child.wait().await);
            return Err(too_late(&self.name, self.limits.whole, "run it by hand to see what it waits for"));
        };
        let status = ended.map_err(|io| failed(&io))?;
        group.0 = None;
        self.judge(status)
    }
}
