//! Running a program: bounded in time and output, its whole process group ended with it.

use std::{process::Stdio, time::Duration};

use model::{DestinationError, DestinationErrorKind, Secret};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, Command},
};
use zeroize::Zeroizing;

use super::{Program, mask};
use crate::{Context, error::error, error::refused, place::Content};

/// What a read command may print.
const MAX_STDOUT_BYTES: usize = 64 * 1024;
/// What is kept of a program's stderr; the rest is read and thrown away.
const MAX_STDERR_BYTES: usize = 4 * 1024;
/// How long what a program left behind may hold its output open after it ended.
const AFTER_EXIT: Duration = Duration::from_millis(500);

/// What a program is asked to do, in `KEYWRIGHT_ACTION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Deliver,
    Restore,
    Remove,
    Read,
    Reload,
    Look,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Restore => "restore",
            Self::Remove => "remove",
            Self::Read => "read",
            Self::Reload => "reload",
            Self::Look => "look",
        }
    }

    fn prints(self) -> bool {
        matches!(self, Self::Read | Self::Look)
    }
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

/// Runs the program with the secret on its stdin; gives what it printed if it is asked to read or look.
pub(crate) async fn run(
    program: &Program,
    context: &Context,
    action: Action,
    secret: Option<&Secret>,
    timeout: Duration,
) -> Result<Content, DestinationError> {
    let what = || format!("cannot {} with `{}`", action.as_str(), program.path.display());
    let mut child = command(program, context, action).spawn().map_err(|io| {
        let errno = rustix::io::Errno::from_io_error(&io).unwrap_or(rustix::io::Errno::IO);
        refused(what(), "execute", &program.path, errno)
    })?;
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)));
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut printed, mut complaint) = (Kept::new(MAX_STDOUT_BYTES), Kept::new(MAX_STDERR_BYTES));
    let whole = async {
        let talk = async {
            tokio::join!(feed(stdin, secret), printed.fill(stdout), complaint.fill(stderr));
        };
        wait_and_talk(&mut child, talk).await
    };
    let status = match tokio::time::timeout(timeout, whole).await {
        Ok(ended) => {
            ended.map_err(|io| error(DestinationErrorKind::Failed, what(), io.to_string(), "try again"))?
        }
        Err(_elapsed) => {
            drop(group);
            drop(child.wait().await);
            return Err(error(
                DestinationErrorKind::Unreachable,
                what(),
                format!(
                    "it did not end within {} s and was killed; it may have done its work or not",
                    timeout.as_secs()
                ),
                "run it by hand to see what it waits for",
            ));
        }
    };
    group.0 = None;
    if !status.success() {
        let mut failure = error(
            DestinationErrorKind::Failed,
            what(),
            format!("it ended with {status}"),
            "run it by hand to see what it lacks; its exit code must be 0 when it is done",
        );
        // A read command's stderr may hold a key that we don't know and cannot mask.
        if action != Action::Read {
            failure.report.because.extend(mask::shown(&complaint.bytes, secret));
        }
        return Err(failure);
    }
    if printed.overflowed {
        return Err(error(
            DestinationErrorKind::Malformed,
            what(),
            format!("it printed more than {} KiB", MAX_STDOUT_BYTES / 1024),
            "let it print the key, and nothing else, on stdout",
        ));
    }
    Ok(std::mem::take(&mut printed.bytes))
}

/// Waits for the program's end; what it left running may hold its output open only a little longer.
async fn wait_and_talk(
    child: &mut Child,
    talk: impl Future<Output = ()>,
) -> std::io::Result<std::process::ExitStatus> {
    tokio::pin!(talk);
    tokio::select! {
        status = child.wait() => {
            drop(tokio::time::timeout(AFTER_EXIT, talk).await);
            status
        }
        () = &mut talk => child.wait().await,
    }
}

fn command(program: &Program, context: &Context, action: Action) -> Command {
    let mut command = Command::new(&program.path);
    command
        .args(&program.arguments)
        .current_dir("/")
        .process_group(0)
        .kill_on_drop(true)
        .stdin(Stdio::piped())
        .stdout(if action.prints() { Stdio::piped() } else { Stdio::null() })
        .stderr(Stdio::piped());
    for name in own_variables() {
        command.env_remove(name);
    }
    for name in &context.hidden_variables {
        command.env_remove(name);
    }
    command
        .env("KEYWRIGHT_ACTION", action.as_str())
        .env("KEYWRIGHT_INTEGRATION", context.integration.as_str())
        .env("KEYWRIGHT_INSTANCE", context.instance.as_str());
    if let Some(rotation) = context.rotation {
        command.env("KEYWRIGHT_ROTATION", rotation.to_string());
    }
    command
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

async fn feed(stdin: Option<ChildStdin>, secret: Option<&Secret>) {
    if let (Some(mut stdin), Some(secret)) = (stdin, secret) {
        // A program that does not read its input tells by its exit code whether that was right.
        drop(stdin.write_all(secret.expose().as_bytes()).await);
        drop(stdin.shutdown().await);
    }
}

/// The first bytes of an output.
struct Kept {
    bytes: Content,
    limit: usize,
    overflowed: bool,
}

impl Kept {
    fn new(limit: usize) -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(limit)), limit, overflowed: false }
    }

    /// Reads to the end and keeps the first part, so that the program is not stopped by a full pipe.
    async fn fill(&mut self, output: Option<impl AsyncRead + Unpin>) {
        let Some(mut output) = output else { return };
        let mut buffer = Zeroizing::new(vec![0u8; 4096]);
        while let Ok(count @ 1..) = output.read(buffer.as_mut_slice()).await {
            let room = self.limit - self.bytes.len();
            self.overflowed |= count > room;
            self.bytes.extend_from_slice(buffer.get(..count.min(room)).unwrap_or_default());
        }
    }
}
