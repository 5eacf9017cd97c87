//! This test binary once more, as another process.

use std::{
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
};

use model::{Address, DestinationErrorKind};

use crate::place::{key, open};

const TASK: &str = "CONTRACT_TASK";
const ADDRESS: &str = "CONTRACT_ADDRESS";
/// What is delivered for ever: a short key and a long one.
pub(crate) const KEYS: [&str; 2] = ["one", "twenty-times-as-long"];
const UID: u32 = 65_534;

/// What the other process does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Task {
    /// Delivers [`KEYS`] in turn until it is killed.
    DeliverForEver,
    /// Delivers `0` to `99`.
    DeliverHundred,
    /// Checks, then delivers `one`.
    CheckAndDeliver,
}

/// Who runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    Same,
    /// Someone who is not root, if we are.
    Nobody,
}

pub(crate) fn command(program: Option<&str>, task: Task, address: &Address) -> Command {
    let own = std::env::current_exe().unwrap();
    let mut command = Command::new(program.map_or(own.clone(), Into::into));
    if program.is_none() {
        command.args(["child::does_its_task", "--exact", "--nocapture"]);
    }
    command.env(TASK, format!("{task:?}")).env(ADDRESS, address.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) fn start(task: Task, address: &Address, user: User) -> Child {
    let mut command = command(None, task, address);
    if user == User::Nobody && rustix::process::geteuid().is_root() {
        command.uid(UID).gid(UID);
    }
    command.spawn().unwrap()
}

/// What a child that ended had to say of its task.
pub(crate) fn outcome(output: &std::process::Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text.lines().filter_map(|line| line.strip_prefix("outcome ")).map(str::to_owned).collect()
}

fn said(what: &str, result: Result<(), model::DestinationError>) {
    match result {
        Ok(()) => println!("\noutcome {what} done"),
        Err(error) => println!("\noutcome {what} {:?} {}", error.kind, error.report.line()),
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how a process that is started tells its child what to do")]
async fn does_its_task() {
    let (Ok(task), Ok(address)) = (std::env::var(TASK), std::env::var(ADDRESS)) else {
        // Not a child: it delivers all the same.
        let folder = tempfile::tempdir().unwrap();
        let address = format!("file:{}/key", folder.path().display()).parse().unwrap();
        open(&address).deliver(&key("one")).await.unwrap();
        return;
    };
    let destination = open(&address.parse().unwrap());
    match task.as_str() {
        "DeliverForEver" => loop {
            for name in KEYS {
                destination.deliver(&key(name)).await.unwrap();
            }
        },
        "DeliverHundred" => {
            for number in 0..100 {
                destination.deliver(&key(&number.to_string())).await.unwrap();
            }
            said("deliver", Ok(()));
        }
        "CheckAndDeliver" => {
            said("check", destination.check().await);
            said("deliver", destination.deliver(&key("one")).await);
        }
        other => panic!("no task {other}"),
    }
}

/// The kind and the line of a child's outcome.
pub(crate) fn kind_of(outcome: &str, what: &str) -> Option<(DestinationErrorKind, String)> {
    let rest = outcome.strip_prefix(what)?.trim_start();
    let (kind, line) = rest.split_once(' ')?;
    let kinds = [DestinationErrorKind::Denied, DestinationErrorKind::NotFound, DestinationErrorKind::Failed];
    kinds.into_iter().find(|known| format!("{known:?}") == kind).map(|kind| (kind, line.to_owned()))
}
