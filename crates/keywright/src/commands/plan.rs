//! `keywright plan` and `keywright apply`: what differs from the configuration; make it as it says.

use crate::app::App;
use crate::cli::Apply;
use crate::error::CommandError;
use crate::fleet::{self, Known, Plan, Wishes};
use crate::{Exit, prompt};

pub(crate) async fn plan(app: &App) -> Result<Exit, CommandError> {
    let wishes = app.config.wishes(app.clock.now());
    let (_, plan) = look(app, &wishes).await?;
    app.ui.result_lines(&fleet::lines(&plan), &fleet::view(&plan));
    refuse_faults(app, &plan)?;
    Ok(if plan.is_empty() { Exit::Done } else { Exit::Findings })
}

pub(crate) async fn apply(app: &App, options: &Apply) -> Result<Exit, CommandError> {
    let wishes = app.config.wishes(app.clock.now());
    let (_, first) = look(app, &wishes).await?;
    refuse_faults(app, &first)?;
    if options.dry_run || first.is_empty() {
        app.ui.result_lines(&fleet::lines(&first), &fleet::view(&first));
        return Ok(if first.is_empty() { Exit::Done } else { Exit::Findings });
    }
    if !app.ui.is_json() {
        for line in fleet::lines(&first) {
            app.ui.note(&line);
        }
    }
    if !options.yes && !prompt::confirm("Make it so?", "keywright apply --yes").await? {
        app.ui.note("nothing was changed");
        return Ok(Exit::Failed);
    }
    let exit = carry_out(app, &wishes, &first, usize::from(options.at_once)).await?;
    fleet::record(app, &first).await?;
    app.store.flush_log().await?;
    Ok(exit)
}

async fn carry_out(app: &App, wishes: &Wishes, first: &Plan, at_once: usize) -> Result<Exit, CommandError> {
    let mut exit = fleet::connect(app, first).await?;
    // What a new instance can do is known now, and decides what its integrations can have.
    let (known, second) = look(app, wishes).await?;
    let reachable = second.within(&known);
    refuse_faults(app, &reachable)?;
    exit = exit.and(fleet::integrations(app, &reachable, &known, at_once).await?);
    let (known, third) = look(app, wishes).await?;
    Ok(exit.and(fleet::retire_instances(app, &third, &known).await?))
}

async fn look(app: &App, wishes: &Wishes) -> Result<(Known, Plan), CommandError> {
    let known = Known::read(&*app.store).await?;
    let plan = fleet::plan(wishes, &known);
    Ok((known, plan))
}

fn refuse_faults(app: &App, plan: &Plan) -> Result<(), CommandError> {
    let file = app.config.file.display().to_string();
    let report = fleet::fault_report(&plan.faults, &file, |setting| app.config.line_of(setting));
    report.map_or(Ok(()), |report| Err(report.into()))
}
