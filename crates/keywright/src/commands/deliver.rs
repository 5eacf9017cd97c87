//! `keywright deliver`: puts an integration's current key again where it is used.

use model::{Integration, Mode};
use rotation::Request;

use super::rotate;
use crate::Exit;
use crate::app::App;
use crate::cli::Deliver;
use crate::error::{CommandError, operator};
use crate::keeper::Keeping;

pub(crate) async fn run(app: &App, options: Deliver) -> Result<Exit, CommandError> {
    let name = options.integration;
    let Some(of) = app.store.integration(&name).await? else {
        return Err(super::key::unknown(app, &name).await);
    };
    check_places(&of, &options.only)?;
    let only = (!options.only.is_empty()).then_some(options.only);
    let request = Request { only, ..Request::new(name, Mode::Deliver) };
    if options.dry_run {
        return rotate::dry_run(app, &[request]).await;
    }
    rotate::begin_and_drive(app, &app.engine(Keeping::Kept), vec![request], 1).await
}

/// Refuses a place that is none of its own.
fn check_places(of: &Integration, only: &[model::Address]) -> Result<(), CommandError> {
    let all = || of.destinations.iter().map(|to| format!("`{to}`")).collect::<Vec<_>>().join(", ");
    if of.destinations.is_empty() {
        return Err(operator(format!("`{}` has no destination", of.name))
            .because("there is nowhere to deliver its key to")
            .mend(format!("[integration.{}] deliver = [\"…\"], and `keywright apply`", of.name))
            .into());
    }
    match only.iter().find(|to| !of.destinations.contains(to)) {
        None => Ok(()),
        Some(other) => Err(operator(format!("`{other}` is no destination of `{}`", of.name))
            .because(format!("it has {}", all()))
            .mend("name one of them, or none for all")
            .into()),
    }
}
