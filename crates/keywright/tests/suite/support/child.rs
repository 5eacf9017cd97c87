//! This test binary once more, as a process that is Keywright, watched at every moment: on cue it dies, or
//! something happens around it.

use std::path::PathBuf;
use std::process::{ExitCode, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use keywright::{Hooks, Sealing};
use rotation::{Moment, Observer, Point};
use rustix::process::{Signal, getpid, kill_process};
use tokio::process::Command;

use super::home::{Ended, Home};

const ARGUMENTS: &str = "TEST_ARGUMENTS";
const CUE: &str = "TEST_CUE";
const SEALING: &str = "TEST_SEALING";
const NAME: &str = "support::child::is_keywright_and_acts_on_cue";

/// A moment of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum At {
    Before,
    Started,
    Effected,
    Done,
}

impl At {
    /// Before and after each journal write and each effect.
    pub(crate) const EACH: [Self; 4] = [Self::Before, Self::Started, Self::Effected, Self::Done];

    fn is(self, point: Point) -> bool {
        let wanted = match self {
            Self::Before => Point::Before,
            Self::Started => Point::Started,
            Self::Effected => Point::Effected,
            Self::Done => Point::Done,
        };
        wanted == point
    }
}

/// What happens at a moment.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Act {
    /// `kill -9` of the process itself.
    Die,
    /// A file or folder gets another name.
    Rename(PathBuf, PathBuf),
    /// A file holds something else.
    Write(PathBuf, String),
}

/// When what happens.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Cue {
    /// The step's number.
    pub(crate) step: u32,
    pub(crate) at: At,
    pub(crate) act: Act,
}

struct Prompter {
    cue: Cue,
    times: AtomicU32,
}

impl Observer for Prompter {
    fn at(&self, moment: Moment<'_>) {
        let here = moment.step.number == self.cue.step && self.cue.at.is(moment.point);
        // Only the first time: what is done again is done undisturbed.
        if !here || self.times.fetch_add(1, Ordering::SeqCst) > 0 {
            return;
        }
        match &self.cue.act {
            Act::Die => kill_process(getpid(), Signal::KILL).unwrap(),
            Act::Rename(from, to) => std::fs::rename(from, to).unwrap(),
            Act::Write(path, text) => std::fs::write(path, text).unwrap(),
        }
    }
}

/// Keywright with these arguments, as a child that acts on cue.
pub(crate) fn command(home: &Home, arguments: &[&str], cue: Option<&Cue>) -> Command {
    let mut command = home.command_of(&std::env::current_exe().unwrap());
    command
        .args([NAME, "--exact", "--nocapture"])
        .env(ARGUMENTS, serde_json::to_string(arguments).unwrap())
        .env(CUE, serde_json::to_string(&cue).unwrap());
    command
}

/// Changes the master key until it dies there; an error tells how it ended instead.
pub(crate) async fn dies_sealing(home: &Home, arguments: &[&str], at: Sealing) -> Result<(), String> {
    died(&command(home, arguments, None).env(SEALING, format!("{at:?}")).output().await.unwrap())
}

/// Runs it until it dies on cue; an error tells how it ended instead.
pub(crate) async fn dies(home: &Home, arguments: &[&str], step: u32, at: At) -> Result<(), String> {
    let output = command(home, arguments, Some(&Cue { step, at, act: Act::Die })).output().await.unwrap();
    died(&output).map_err(|ended| format!("it did not come to {at:?} of step {step}: {ended}"))
}

fn died(output: &Output) -> Result<(), String> {
    use std::os::unix::process::ExitStatusExt as _;
    match output.status.signal() {
        Some(signal) if signal == Signal::KILL.as_raw() => Ok(()),
        _ => Err(format!("{:?}", Ended::of(output))),
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how a process that is started tells its child what to do")]
#[expect(clippy::exit, reason = "the child ends as Keywright ends")]
fn is_keywright_and_acts_on_cue() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else {
        // Not a child: it looks at one.
        let home = Home::empty("");
        let looks = async {
            let ended = command(&home, &["--version"], None).output().await.unwrap();
            let text = String::from_utf8_lossy(&ended.stdout).into_owned();
            assert!(text.contains(concat!("keywright ", env!("CARGO_PKG_VERSION"))), "{text}");
            assert_eq!(ended.status.code(), Some(0));
        };
        tokio::runtime::Runtime::new().unwrap().block_on(looks);
        return;
    };
    let arguments: Vec<String> = serde_json::from_str(&arguments).unwrap();
    let cue: Option<Cue> = serde_json::from_str(&std::env::var(CUE).unwrap()).unwrap();
    let prompter = cue.map(|cue| Arc::new(Prompter { cue, times: AtomicU32::new(0) }) as Arc<dyn Observer>);
    let arguments = std::iter::once("keywright".to_owned()).chain(arguments).map(Into::into);
    let sealing = std::env::var(SEALING).ok().map(|cue| {
        let dies = move |at: Sealing| {
            if format!("{at:?}") == cue {
                kill_process(getpid(), Signal::KILL).unwrap();
            }
        };
        Arc::new(dies) as Arc<dyn Fn(Sealing) + Send + Sync>
    });
    let code = keywright::run(arguments, &Hooks { observer: prompter, sealing });
    std::process::exit(i32::from(code != ExitCode::SUCCESS));
}
