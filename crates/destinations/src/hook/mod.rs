//! What makes a program take up a new key, one file each behind [`model::Hook`], and the one list of their kinds. Hooks of
//! services are with the service.

mod command;
mod systemd;

use std::sync::Arc;

use model::{Address, DestinationError, DestinationErrorKind, Hook};

use crate::{Context, error::error};

/// One kind of hook, for help and for the reference.
#[derive(Clone, Copy, Debug)]
pub struct HookKind {
    /// What an address starts with.
    pub name: &'static str,
    /// A whole address.
    pub example: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    open: fn(&Address, &Context) -> Opened,
}

/// A hook, not run yet.
pub(crate) type Opened = Result<Arc<dyn Hook>, DestinationError>;

const KINDS: &[HookKind] = &[
    HookKind {
        name: "command",
        example: "command:/usr/local/bin/reload-backups --now",
        summary: "runs a program of your own; it is given no key",
        open: command::open,
    },
    HookKind {
        name: "systemd",
        example: "systemd:backup.service",
        summary: "restarts a unit of systemd, and looks that it did not fail",
        open: systemd::open,
    },
];

/// All kinds, in the order of the docs.
pub fn hook_kinds() -> &'static [HookKind] {
    KINDS
}

/// Makes the hook that an address names. Runs nothing yet.
pub fn open_hook(address: &Address, context: &Context) -> Result<Arc<dyn Hook>, DestinationError> {
    if let Some(kind) = KINDS.iter().find(|kind| kind.name == address.kind()) {
        return (kind.open)(address, context);
    }
    if let Some(service) = context.services.find(address.kind())? {
        return service.hook(address, context);
    }
    let names = KINDS.iter().map(|kind| format!("`{}`", kind.name)).collect::<Vec<_>>().join(", ");
    let nearest = KINDS
        .iter()
        .map(|kind| (strsim::damerau_levenshtein(kind.name, address.kind()), kind))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 3);
    let mend = match nearest {
        Some((_, kind)) => format!("did you mean `{}`? An address of it: `{}`", kind.name, kind.example),
        None => "write `kind:what`, such as `systemd:backup.service`".to_owned(),
    };
    Err(error(
        DestinationErrorKind::BadAddress,
        format!("cannot use the hook `{address}`"),
        format!(
            "there is no kind of hook `{}`; there are {names}, and services that have hooks",
            address.kind()
        ),
        mend,
    ))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
