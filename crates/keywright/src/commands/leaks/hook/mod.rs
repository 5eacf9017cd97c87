//! `keywright leaks hook …`: files that git runs, which call `keywright leaks hook run`.

mod file;
mod place;
mod pushed;
mod run;

use serde_json::json;

use crate::Exit;
use crate::cli::{HookName, LeaksHook, LeaksHookInstall};
use crate::error::CommandError;
use crate::ui::{Ui, table};

use file::{Change, State};
use place::{Place, Reach};

pub(super) fn run(command: LeaksHook, ui: Ui) -> Result<Exit, CommandError> {
    match command {
        LeaksHook::Install(options) => install(&options, ui),
        LeaksHook::Uninstall(options) => uninstall(&options, ui),
        LeaksHook::Status { global } => status(reach(global), ui),
        LeaksHook::Run(options) => run::run(options.name, ui),
    }
}

fn reach(global: bool) -> Reach {
    if global { Reach::Global } else { Reach::Repository }
}

fn install(options: &LeaksHookInstall, ui: Ui) -> Result<Exit, CommandError> {
    let place = Place::to_install(reach(options.global))?;
    let program = file::program()?;
    let names = named(options, &place);
    // All that can be refused is, before anything is changed.
    for name in &names {
        file::may_install(&place, *name)?;
    }
    let mut done = Vec::new();
    for name in names {
        done.push((name, file::install(&place, name, &program)?));
    }
    tell(&place, &done, ui);
    if options.global {
        ui.warn(
            "git runs no other hooks of repositories, such as `commit-msg`, while `core.hooksPath` is set; their \
             `pre-commit` and `pre-push` run after these",
        );
    }
    Ok(Exit::Done)
}

fn uninstall(options: &LeaksHookInstall, ui: Ui) -> Result<Exit, CommandError> {
    let place = Place::find(reach(options.global))?;
    let names = match chosen(options) {
        none if none.is_empty() => HookName::ALL.to_vec(),
        names => names,
    };
    let mut done = Vec::new();
    for name in names {
        done.push((name, file::uninstall(&place, name)?));
    }
    place.leave()?;
    tell(&place, &done, ui);
    Ok(Exit::Done)
}

fn chosen(options: &LeaksHookInstall) -> Vec<HookName> {
    let is_chosen = |name: &HookName| match name {
        HookName::PreCommit => options.pre_commit,
        HookName::PrePush => options.pre_push,
        HookName::PreReceive => options.pre_receive,
    };
    HookName::ALL.into_iter().filter(is_chosen).collect()
}

/// Those that are named; otherwise what the repository is for: a bare one is pushed to, the others are worked in.
fn named(options: &LeaksHookInstall, place: &Place) -> Vec<HookName> {
    match chosen(options) {
        none if none.is_empty() && place.is_bare => vec![HookName::PreReceive],
        none if none.is_empty() => vec![HookName::PreCommit, HookName::PrePush],
        names => names,
    }
}

fn tell(place: &Place, done: &[(HookName, Change)], ui: Ui) {
    let folder = place.folder.display();
    let line = |(name, change): &(HookName, Change)| {
        let name = name.as_str();
        match change {
            Change::Made => format!("installed `{folder}/{name}`"),
            Change::Renewed => format!("renewed `{folder}/{name}`"),
            Change::Chained => {
                format!("installed `{folder}/{name}`; what was there runs after it, as `{name}.local`")
            }
            Change::Removed => format!("took away `{folder}/{name}`"),
            Change::Restored => format!("took away `{folder}/{name}`; what was there before is back"),
            Change::Nothing => format!("there is no hook of ours at `{folder}/{name}`"),
        }
    };
    let lines: Vec<String> = done.iter().map(line).collect();
    let hooks: Vec<_> =
        done.iter().map(|(name, change)| json!({"hook": name.as_str(), "change": change.as_str()})).collect();
    ui.result_lines(&lines, &json!({"folder": place.folder, "hooks": hooks}));
}

fn status(reach: Reach, ui: Ui) -> Result<Exit, CommandError> {
    let place = Place::find(reach)?;
    let states: Vec<(HookName, State)> =
        HookName::ALL.into_iter().map(|name| (name, file::state(&place, name))).collect();
    let rows: Vec<Vec<String>> = states
        .iter()
        .map(|(name, state)| vec![name.as_str().to_owned(), state.as_str().to_owned(), state.text()])
        .collect();
    let hooks: Vec<_> = states
        .iter()
        .map(|(name, state)| json!({"hook": name.as_str(), "state": state.as_str(), "text": state.text()}))
        .collect();
    let text = table(&["HOOK", "STATE", ""], &rows);
    ui.result(&text, &json!({"folder": place.folder, "hooks": hooks}));
    Ok(Exit::Done)
}
