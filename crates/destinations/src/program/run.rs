//! Running a program: bounded in time and output, its whole process group ended with it.

use std::{
    process::{ExitStatus, Stdio},
    time::Duration,
};

use model::{DestinationError, DestinationErrorKind};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, Command},
};
use zeroize::Zeroizing;

use super::Program;
use crate::{
    error::{error, refused},
    place::Content,
};

/// What is kept of a program's stdout.
pub(crate) const MAX_STDOUT_BYTES: usize = 64 * 1024;
/// And of its stderr. The rest of both is read and thrown away.
const MAX_STDERR_BYTES: usize = 4 * 1024;
/// How long what a program left behind may hold its output open after it ended.
const AFTER_EXIT: Duration = Duration::from_millis(500);

/// What is done with what a program prints on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stdout {
    /// It is kept, up to 64 KiB.
    Kept,
    /// Nobody sees it.
    Thrown,
}

/// One run of a program, said before it begins.
pub(crate) struct Run<'a> {
    /// For messages: what cannot be done if it fails.
    pub(crate) what: String,
    pub(crate) program: &'a Program,
    /// What it gets on its stdin.
    pub(crate) stdin: Option<&'a [u8]>,
    pub(crate) stdout: Stdout,
    /// It does not inherit these, nor anything that starts with `KEYWRIGHT_`.
    pub(crate) hidden_variables: &'a [String],
    pub(crate) variables: Vec<(&'a str, String)>,
    /// After this it and all it started is killed.
    pub(crate) timeout: Duration,
}

/// How a program ended by itself.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Content,
    /// It printed more than is kept.
    pub(crate) overflowed: bool,
    /// The first 4 KiB.
    pub(crate) stderr: Content,
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

impl Run<'_> {
    /// Runs it to its end; its exit code is the caller's to judge.
    pub(crate) async fn run(self) -> Result<Ended, DestinationError> {
        let mut child = self.command().spawn().map_err(|io| {
            let errno = rustix::io::Errno::from_io_error(&io).unwrap_or(rustix::io::Errno::IO);
            refused(self.what.clone(), "execute", &self.program.path, errno)
        })?;
        let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)));
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (mut printed, mut complaint) = (Kept::new(MAX_STDOUT_BYTES), Kept::new(MAX_STDERR_BYTES));
        let whole = async {
            let talk = async {
                tokio::join!(feed(stdin, self.stdin), printed.fill(stdout), complaint.fill(stderr));
            };
            wait_and_talk(&mut child, talk).await
        };
        let status = match tokio::time::timeout(self.timeout, whole).await {
            Ok(ended) => ended
                .map_err(|io| error(DestinationErrorKind::Failed, self.what, io.to_string(), "try again"))?,
            Err(_elapsed) => {
                drop(group);
                drop(child.wait().await);
                return Err(error(
                    DestinationErrorKind::Unreachable,
                    self.what,
                    format!(
                        "it did not end within {} s and was killed; it may have done its work or not",
                        self.timeout.as_secs()
                    ),
                    "run it by hand to see what it waits for",
                ));
            }
        };
        group.0 = None;
        Ok(Ended {
            status,
            stdout: std::mem::take(&mut printed.bytes),
            overflowed: printed.overflowed,
            stderr: std::mem::take(&mut complaint.bytes),
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program.path);
        command
            .args(&self.program.arguments)
            .current_dir("/")
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(if self.stdout == Stdout::Kept { Stdio::piped() } else { Stdio::null() })
            .stderr(Stdio::piped());
        for name in own_variables() {
            command.env_remove(name);
        }
        for name in self.hidden_variables {
            command.env_remove(name);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Waits for the program's end; what it left running may hold its output open only a little longer.
async fn wait_and_talk(child: &mut Child, talk: impl Future<Output = ()>) -> std::io::Result<ExitStatus> {
    tokio::pin!(talk);
    tokio::select! {
        status = child.wait() => {
            drop(tokio::time::timeout(AFTER_EXIT, talk).await);
            status
        }
        () = &mut talk => child.wait().await,
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

async fn feed(stdin: Option<ChildStdin>, bytes: Option<&[u8]>) {
    if let (Some(mut stdin), Some(bytes)) = (stdin, bytes) {
        // A program that does not read its input tells by its exit code whether that was right.
        drop(stdin.write_all(bytes).await);
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
