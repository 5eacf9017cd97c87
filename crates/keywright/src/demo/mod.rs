//! `keywright demo`: the main job, told step by step, by running the very commands that a user would run.
//!
//! Nothing is taken for granted: each claim is measured, and the exit code is 0 only if all held.

mod claims;
mod client;
mod stage;
mod story;

use model::Secret;
use sandbox::{Options, Profile, Sandbox};

use crate::cli::Demo;
use crate::demo::claims::Claims;
use crate::demo::stage::{Door, Stage};
use crate::error::{CommandError, operator};
use crate::ui::Ui;
use crate::{Exit, config, prompt};

pub(crate) async fn run(ui: Ui, options: Demo) -> Result<Exit, CommandError> {
    let (door, sandbox) = if let (Some(url), Some(email)) = (&options.instance, &options.email) {
        let password = match &options.password_from {
            Some(source) => config::secret(source)?,
            None => prompt::secret(&format!("password of {email}"), "--password-from file:PATH").await?,
        };
        (Door { url: url.clone(), email: email.clone(), password }, None)
    } else {
        let sandbox = Sandbox::start(Profile::V2_41, Options::default()).await;
        let sandbox = sandbox.map_err(|error| operator("cannot start the n8n inside").caused_by(&error))?;
        let password = Secret::new(Options::OWNER_PASSWORD);
        (Door { url: sandbox.url(), email: Options::OWNER_EMAIL.into(), password }, Some(sandbox))
    };
    let stage = Stage::set(ui, door, sandbox.is_some(), options.keep)?;
    let mut claims = Claims::default();
    let told = story::tell(&stage, &mut claims).await;
    stage.clear();
    if let Some(sandbox) = sandbox {
        sandbox.shutdown().await;
    }
    told?;
    claims.show(ui, stage.kept());
    Ok(if claims.all_hold() { Exit::Done } else { Exit::Failed })
}
