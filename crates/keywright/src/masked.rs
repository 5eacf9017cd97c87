//! A program whose output is masked on its way to ours. It stays in our process group, so that the terminal treats it
//! as it treats us; other signals that we get are passed on to it.

use std::fs::File;
use std::future::poll_fn;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use model::Secret;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::mask::{Forms, Mask};
use crate::ui::Ui;
use crate::{Exit, process};

const CHUNK_BYTES: usize = 64 << 10;
/// How long output may take that was printed before we were told to end.
const AFTER_END: Duration = Duration::from_secs(2);

/// Runs a program to its end and to the end of what it printed.
pub(crate) async fn run(ui: Ui, command: std::process::Command, secret: &Secret) -> io::Result<Exit> {
    let [our_out, our_err] = ui.streams()?;
    let mut signals = Signals::listen()?;
    let mut command = tokio::process::Command::from(command);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // Its copy of the key is not needed any more.
    drop(command);
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let forms = Arc::new(Forms::of(secret));
    let out = out.map(ChildStdout::into_owned_fd).transpose()?;
    let err = err.map(ChildStderr::into_owned_fd).transpose()?;
    let out = out.map(|out| passed_on(out, our_out, Mask::new(Arc::clone(&forms))));
    let err = err.map(|err| passed_on(err, our_err, Mask::new(forms)));
    let mut printed = std::pin::pin!(async {
        for ended in [out, err].into_iter().flatten() {
            ended.await.ok();
        }
    });
    let (status, told) = until_ended(&mut child, &mut signals).await?;
    if told {
        // We were to end with it: what it had printed may come, what it left running is not waited for.
        tokio::time::timeout(AFTER_END, printed).await.ok();
        return Ok(Exit::Of(code(status)));
    }
    // What it left running may print on; whoever ends us now need not wait for that.
    loop {
        tokio::select! {
            () = &mut printed => break,
            signal = signals.next() => if ends(signal) { break },
        }
    }
    Ok(Exit::Of(code(status)))
}

/// How it ended, and whether we were told to end before.
async fn until_ended(child: &mut Child, signals: &mut Signals) -> io::Result<(ExitStatus, bool)> {
    let mut told = false;
    loop {
        tokio::select! {
            status = child.wait() => return Ok((status?, told)),
            signal = signals.next() => {
                told |= [Signal::TERM, Signal::HUP].contains(&signal);
                // Nobody else reaps it: its id is its own until `wait` has told of its end.
                let id = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
                if let Some(id) = id.filter(|_| !came_from_terminal(signal)) {
                    kill_process(id, signal).ok();
                }
            }
        }
    }
}

/// As shells say it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// What keys and windows send to the whole foreground has reached the program already.
fn came_from_terminal(signal: Signal) -> bool {
    [Signal::INT, Signal::QUIT, Signal::WINCH].contains(&signal) && process::is_in_foreground()
}

fn ends(signal: Signal) -> bool {
    [Signal::INT, Signal::QUIT, Signal::TERM, Signal::HUP].contains(&signal)
}

/// Signals that are passed on.
struct Signals(Vec<(Signal, tokio::signal::unix::Signal)>);

impl Signals {
    fn listen() -> io::Result<Self> {
        let all =
            [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2, Signal::WINCH];
        let heard = all.into_iter().filter(|signal| !process::ignores(*signal));
        let streams = heard.map(|one| Ok((one, signal(SignalKind::from_raw(one.as_raw()))?)));
        Ok(Self(streams.collect::<io::Result<_>>()?))
    }

    async fn next(&mut self) -> Signal {
        poll_fn(|context| {
            let mut come = self
                .0
                .iter_mut()
                .filter_map(|(signal, stream)| stream.poll_recv(context).is_ready().then_some(*signal));
            come.next().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// Passes a stream on in a thread of its own, and tells when it has ended. Where nobody reads ours any more, the
/// program learns it as if it were written to directly.
fn passed_on(from: OwnedFd, to: File, mask: Mask) -> oneshot::Receiver<()> {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        copy(from.into(), to, mask).ok();
        tell.send(()).ok();
    });
    told
}

fn copy(mut from: File, mut to: File, mut mask: Mask) -> io::Result<()> {
    let mut come = Zeroizing::new(vec![0; CHUNK_BYTES]);
    let mut goes = Vec::with_capacity(CHUNK_BYTES);
    loop {
        let count = match from.read(&mut come) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        goes.clear();
        match come.get(..count) {
            Some(come) if !come.is_empty() => mask.pass(come, &mut goes),
            _ => {
                mask.end(&mut goes);
                return write(&mut to, &goes);
            }
        }
        write(&mut to, &goes)?;
    }
}

/// Also where somebody else has made our stream one that does not wait.
fn write(to: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                poll(&mut [PollFd::new(to, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
