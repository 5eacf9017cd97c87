//! What a program of the operator's is asked to do, and how what it says is judged.

use std::time::Duration;

use model::{DestinationError, DestinationErrorKind, Secret};

use crate::{
    Context,
    error::error,
    place::Content,
    program::{MAX_STDOUT_BYTES, Program, Run, Stdout, shown},
};

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

/// Runs the program with the secret on its stdin; gives what it printed if it is asked to read or look.
pub(crate) async fn run(
    program: &Program,
    context: &Context,
    action: Action,
    secret: Option<&Secret>,
    timeout: Duration,
) -> Result<Content, DestinationError> {
    let what = || format!("cannot {} with `{}`", action.as_str(), program.path.display());
    let run = Run {
        what: what(),
        program,
        stdin: secret.map(|secret| secret.expose().as_bytes()),
        stdout: if action.prints() { Stdout::Kept } else { Stdout::Thrown },
        hidden_variables: &context.hidden_variables,
        variables: variables(context, action),
        timeout,
    };
    let ended = run.run().await?;
    if !ended.status.success() {
        let mut failure = error(
            DestinationErrorKind::Failed,
            what(),
            format!("it ended with {}", ended.status),
            "run it by hand to see what it lacks; its exit code must be 0 when it is done",
        );
        // A read command's stderr may hold a key that we don't know and cannot mask.
        if action != Action::Read {
            failure.report.because.extend(shown(&ended.stderr, secret));
        }
        return Err(failure);
    }
    if ended.overflowed {
        return Err(error(
            DestinationErrorKind::Malformed,
            what(),
            format!("it printed more than {} KiB", MAX_STDOUT_BYTES / 1024),
            "let it print the key, and nothing else, on stdout",
        ));
    }
    Ok(ended.stdout)
}

fn variables(context: &Context, action: Action) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("KEYWRIGHT_ACTION", action.as_str().to_owned()),
        ("KEYWRIGHT_INTEGRATION", context.integration.to_string()),
        ("KEYWRIGHT_INSTANCE", context.instance.to_string()),
    ];
    if let Some(rotation) = context.rotation {
        variables.push(("KEYWRIGHT_ROTATION", rotation.to_string()));
    }
    variables
}
