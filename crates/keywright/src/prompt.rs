//! What a person is asked. Waiting for an answer ends with the future: Ctrl-C is heard meanwhile.

use std::fs::File;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

use model::{Blame, Report, Retry, Secret};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;

/// Whether there is a person to ask.
pub(crate) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
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
    let _hidden = Echo::off();
    let prompt = format!("{question}: ");
    let text = wait_for(question, move || rpassword::prompt_password(prompt)).await?;
    Ok(Some(text).filter(|text| !text.is_empty()).map(Secret::new))
}

/// Asks yes or no; no is the answer to anything else.
pub(crate) async fn confirm(question: &str, instead: &str) -> Result<bool, Report> {
    if !is_interactive() {
        let report =
            Report::new(Blame::Operator, Retry::AfterFix, "cannot ask on the terminal").because(question);
        return Err(report.mend(instead));
    }
    let prompt = format!("{question} [y/N] ");
    let answer = wait_for(question, move || {
        let mut terminal = anstream::stderr().lock();
        write!(terminal, "{prompt}").and_then(|()| terminal.flush())?;
        drop(terminal);
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        Ok(answer)
    });
    Ok(matches!(answer.await?.trim(), "y" | "Y" | "yes"))
}

/// Asks on a thread that nobody waits for when the process ends.
async fn wait_for<T: Send + 'static>(
    question: &str,
    ask: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Report> {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || drop(tell.send(ask())));
    match told.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(cannot(question).caused_by(&error)),
        Err(_ended) => Err(cannot(question)),
    }
}

fn cannot(question: &str) -> Report {
    Report::new(Blame::Operator, Retry::AfterFix, format!("cannot ask on the terminal: {question}"))
}

/// Hides what is typed from before it is asked for, and puts the terminal back as it was, also where the asking is given
/// up in its middle.
struct Echo(Option<(File, Termios)>);

impl Echo {
    fn off() -> Self {
        let terminal = File::options().read(true).write(true).open("/dev/tty").ok();
        let modes = terminal.and_then(|terminal| tcgetattr(&terminal).ok().map(|modes| (terminal, modes)));
        if let Some((terminal, modes)) = &modes {
            let mut hidden = modes.clone();
            hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
            tcsetattr(terminal, OptionalActions::Now, &hidden).ok();
        }
        Self(modes)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        if let Some((terminal, modes)) = &self.0 {
            tcsetattr(terminal, OptionalActions::Now, modes).ok();
        }
    }
}
