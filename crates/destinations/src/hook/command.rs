//! `command:PROGRAM ARGS…`: a program of the operator's own. No shell is involved, and nothing is on its stdin.

use std::sync::Arc;

use model::{Address, DestinationError, DestinationErrorKind, Hook};

use super::Opened;
use crate::{
    Context,
    command::{
        TIMEOUT,
        action::{Action, run},
        parse, split_read,
    },
    error::error,
    program::Program,
};

struct Command {
    address: Address,
    context: Context,
    program: Program,
}

pub(super) fn open(address: &Address, context: &Context) -> Opened {
    if split_read(address.rest()).1.is_some() {
        return Err(error(
            DestinationErrorKind::BadAddress,
            format!("cannot use the hook `{address}`"),
            "a hook has no read command, so there can be no `#` in it",
            "quote it, if it is part of an argument: `'#'`",
        ));
    }
    let program = parse("hook", address, address.rest())?;
    Ok(Arc::new(Command { address: address.clone(), context: context.clone(), program }))
}

#[async_trait::async_trait]
impl Hook for Command {
    fn address(&self) -> &Address {
        &self.address
    }

    async fn check(&self) -> Result<(), DestinationError> {
        self.program.check()
    }

    async fn run(&self) -> Result<String, DestinationError> {
        self.program.check()?;
        run(&self.program, &self.context, Action::Reload, None, TIMEOUT).await?;
        Ok("exit code 0".to_owned())
    }
}
