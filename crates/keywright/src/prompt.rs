//! What a person is asked. Waiting for an answer ends with the future: Ctrl-C is heard meanwhile, and nothing is left
//! that reads what is typed for somebody else.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};

use model::{Blame, Report, Retry, Secret};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

const TERMINAL: &str = "/dev/tty";
/// The terminal gives no longer line.
const LINE_BYTES: usize = 4096;

/// Whether there is a person to ask.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a secret; nothing is shown while it is typed.
pub(crate) async fn secret(question: &str, instead: &str) -> Result<Secret, Report> {
    if !is_interactive() {
        return Err(cannot(question).because("there is no terminal").mend(instead));
    }
    let given = secret_or_nothing(question).await?;
    given.ok_or_else(|| Report::new(Blame::Operator, Retry::AfterFix, format!("no {question} was given")))
}

/// The same, where nothing is an answer too.
pub(crate) async fn secret_or_nothing(question: &str) -> Result<Option<Secret>, Report> {
    let _hidden = Hidden::begin();
    let text = line(question, ": ").await?;
    Ok(text.filter(|text| !text.is_empty()).map(|text| Secret::new(text.as_str())))
}

/// Asks yes or no; no is the answer to anything else.
pub(crate) async fn confirm(question: &str, instead: &str) -> Result<bool, Report> {
    if !is_interactive() {
        let report =
            Report::new(Blame::Operator, Retry::AfterFix, "cannot ask on the terminal").because(question);
        return Err(report.mend(instead));
    }
    let answer = line(question, " [y/N] ").await?;
    Ok(answer.is_some_and(|answer| matches!(answer.trim(), "y" | "Y" | "yes")))
}

/// Returns when a line was ended, whatever is in it.
pub(crate) async fn enter() -> Result<(), Report> {
    line("", "").await.map(drop)
}

/// What a person types up to the line's end; `None` at the end of all input.
async fn line(question: &str, mark: &str) -> Result<Option<Zeroizing<String>>, Report> {
    let failed = |error: &io::Error| cannot(question).caused_by(error);
    let terminal = File::options().read(true).write(true).open(TERMINAL).map_err(|error| failed(&error))?;
    show(&format!("{question}{mark}")).map_err(|error| failed(&error))?;
    let (given_up, _until_dropped) = pipe_with(PipeFlags::CLOEXEC).map_err(|errno| failed(&errno.into()))?;
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || drop(tell.send(read_line(terminal, &given_up))));
    let read = told.await.map_err(|_ended| cannot(question))?;
    read.map_err(|error| failed(&error))
}

fn show(text: &str) -> io::Result<()> {
    let mut screen = anstream::stderr().lock();
    write!(screen, "{text}")?;
    screen.flush()
}

/// Reads a line, unless the asking is given up before: the other end of `given_up` is closed then.
fn read_line(mut terminal: File, given_up: &OwnedFd) -> io::Result<Option<Zeroizing<String>>> {
    let mut bytes = Zeroizing::new(vec![0; LINE_BYTES]);
    let mut events =
        [PollFd::new(&terminal, PollFlags::IN), PollFd::from_borrowed_fd(given_up.as_fd(), PollFlags::IN)];
    poll(&mut events, None)?;
    if events.iter().skip(1).any(|event| !event.revents().is_empty()) {
        return Err(io::ErrorKind::Interrupted.into());
    }
    let count = terminal.read(&mut bytes)?;
    let line = bytes.get(..count).filter(|line| !line.is_empty());
    let text =
        line.map(|line| std::str::from_utf8(line).map_err(|_utf8| io::ErrorKind::InvalidData)).transpose()?;
    Ok(text.map(|text| Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())))
}

fn cannot(question: &str) -> Report {
    let what = if question.is_empty() {
        "cannot ask on the terminal".into()
    } else {
        format!("cannot ask for the {question}")
    };
    Report::new(Blame::Operator, Retry::AfterFix, what)
}

/// A time in which nothing that is typed is shown. At its end the terminal is as it was, also where the asking was given
/// up in its middle, and what was typed and not read is gone: it could be a key, and a shell would take it as a command.
pub(crate) struct Hidden(Option<(File, Termios)>);

impl Hidden {
    pub(crate) fn begin() -> Self {
        let terminal = File::options().read(true).write(true).open(TERMINAL).ok();
        let modes = terminal.and_then(|terminal| tcgetattr(&terminal).ok().map(|modes| (terminal, modes)));
        if let Some((terminal, modes)) = &modes {
            let mut hidden = modes.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            hidden.local_modes.insert(LocalModes::ECHONL);
            tcsetattr(terminal, OptionalActions::Flush, &hidden).ok();
        }
        Self(modes)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some((terminal, modes)) = &self.0 {
            tcsetattr(terminal, OptionalActions::Flush, modes).ok();
        }
    }
}
