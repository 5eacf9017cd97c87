//! Which integrations a command that turns many keys is about.

use model::{Integration, IntegrationName, Key};

use super::key;
use crate::app::App;
use crate::cli::Rotate;
use crate::config::nearest;
use crate::error::{CommandError, operator};

/// The integrations that are named, or that the filters leave.
pub(crate) async fn chosen(app: &App, options: &Rotate) -> Result<Vec<IntegrationName>, CommandError> {
    let known = app.store.integrations().await?;
    if !options.integrations.is_empty() {
        check_known(app, &options.integrations).await?;
        return Ok(options.integrations.clone());
    }
    if let Some(owner) = &options.owner {
        check_owner(&known, owner)?;
    }
    if let Some(name) = &options.instance {
        app.instance(Some(name)).await?;
    }
    let keys = app.store.keys(None).await?;
    let open = app.store.open_rotations().await?;
    let lives =
        |of: &Integration| keys.iter().any(|key: &Key| key.integration == of.name && key.state.lives());
    let busy = |of: &Integration| open.iter().any(|rotation| rotation.integration == of.name);
    let now = app.clock.now();
    let due = |of: &Integration| rotation::is_due(of, &keys, &open, now);
    let wanted = known.into_iter().filter(|of| {
        of.retired_at.is_none()
            && (lives(of) || busy(of))
            && options.owner.as_ref().is_none_or(|owner| of.owner.as_ref() == Some(owner))
            && options.instance.as_ref().is_none_or(|name| of.instance == *name)
            && (!options.due || due(of))
    });
    Ok(wanted.map(|of| of.name).collect())
}

/// Refuses a name that no integration has.
pub(crate) async fn check_known(app: &App, names: &[IntegrationName]) -> Result<(), CommandError> {
    let known = app.store.integrations().await?;
    match names.iter().find(|name| !known.iter().any(|of| of.name == **name)) {
        Some(name) => Err(key::unknown(app, name).await),
        None => Ok(()),
    }
}

fn check_owner(known: &[Integration], owner: &str) -> Result<(), CommandError> {
    let mut owners: Vec<&str> = known.iter().filter_map(|of| of.owner.as_deref()).collect();
    owners.sort_unstable();
    owners.dedup();
    if owners.contains(&owner) {
        return Ok(());
    }
    let report =
        operator(format!("nobody called `{owner}` owns an integration")).because(match owners.as_slice() {
            [] => "none has an owner".to_owned(),
            owners => format!("owners are: {}", owners.join(", ")),
        });
    let near = nearest(owner, owners.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    let report = near.map_or(report.clone(), |near| report.mend(near));
    Err(report.mend("keywright key list").into())
}
