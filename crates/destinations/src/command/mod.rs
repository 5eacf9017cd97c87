//! `command:PROGRAM ARGS…[#READ-PROGRAM ARGS…]`: a program of the operator's own.
//!
//! The secret goes to its stdin, never into its arguments or environment. No shell is involved.

pub(crate) mod action;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc, time::Duration};

use model::{
    Address, Confirmation, Destination, DestinationError, DestinationErrorKind, Fingerprint, Held, Secret,
};

use self::action::Action;
use crate::{
    Context,
    error::{compare, error},
    kinds::Opened,
    program::Program,
};

/// After this a program and all it started is killed.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(1);

struct Command {
    address: Address,
    context: Context,
    write: Program,
    read: Option<Program>,
    timeout: Duration,
}

pub(crate) fn open(address: &Address, context: &Context) -> Opened {
    Ok(Arc::new(Command::new(address, context)?))
}

impl Command {
    fn new(address: &Address, context: &Context) -> Result<Self, DestinationError> {
        let (write, read) = split_read(address.rest());
        Ok(Self {
            address: address.clone(),
            context: context.clone(),
            write: parse("destination", address, write)?,
            read: read.map(|read| parse("destination", address, read)).transpose()?,
            timeout: TIMEOUT,
        })
    }

    async fn write(&self, action: Action, secret: Option<&Secret>) -> Result<(), DestinationError> {
        self.write.check()?;
        action::run(&self.write, &self.context, action, secret, self.timeout).await.map(|_| ())
    }
}

/// Splits at the first `#` that is not quoted.
pub(crate) fn split_read(text: &str) -> (&str, Option<&str>) {
    let (mut quote, mut escaped) = (None, false);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '#') => {
                return (text.get(..at).unwrap_or_default(), text.get(at + 1..));
            }
            _ => {}
        }
    }
    (text, None)
}

/// A program and its arguments; `what` the address is of, a destination or a hook.
pub(crate) fn parse(what: &str, address: &Address, text: &str) -> Result<Program, DestinationError> {
    let bad = |because: &str| {
        error(
            DestinationErrorKind::BadAddress,
            format!("cannot use the {what} `{address}`"),
            because,
            "write the program's whole path and its arguments, such as `command:/usr/local/bin/my-program backups`",
        )
    };
    let mut words = shlex::split(text).ok_or_else(|| bad("a quote in it is never closed"))?.into_iter();
    let path = PathBuf::from(words.next().ok_or_else(|| bad("it names no program"))?);
    if !path.is_absolute() {
        return Err(bad("the program's path does not start with `/`"));
    }
    Ok(Program { path, arguments: words.collect() })
}

#[async_trait::async_trait]
impl Destination for Command {
    fn address(&self) -> &Address {
        &self.address
    }

    async fn check(&self) -> Result<(), DestinationError> {
        self.write.check()?;
        self.read.as_ref().map_or(Ok(()), Program::check)
    }

    async fn read(&self) -> Result<Held, DestinationError> {
        let Some(read) = &self.read else { return Ok(Held::Unreadable) };
        read.check()?;
        let printed = action::run(read, &self.context, Action::Read, None, self.timeout).await?;
        let text = std::str::from_utf8(&printed).map_err(|_not_utf8| {
            error(
                DestinationErrorKind::Malformed,
                format!("cannot read back with `{}`", read.path.display()),
                "what it printed is not UTF-8",
                "let it print the key, and nothing else, on stdout",
            )
        })?;
        let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
        Ok(if text.is_empty() { Held::Absent } else { Held::Value(Secret::new(text)) })
    }

    async fn deliver(&self, secret: &Secret) -> Result<(), DestinationError> {
        self.write(Action::Deliver, Some(secret)).await
    }

    async fn confirm(&self, wanted: &Fingerprint) -> Result<Confirmation, DestinationError> {
        if self.read.is_none() {
            return Ok(Confirmation::Seen(format!(
                "exit code 0; `{}` has no read command, so what it stored cannot be read back",
                self.write.path.display()
            )));
        }
        compare(&self.address, &self.read().await?, wanted)
    }

    async fn restore(&self, previous: Option<&Secret>) -> Result<(), DestinationError> {
        // A word of its own, so that a program whose input was cut short never takes that for `nothing`.
        let action = if previous.is_some() { Action::Restore } else { Action::Remove };
        self.write(action, previous).await
    }
}
