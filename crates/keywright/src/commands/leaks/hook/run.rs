//! What a hook runs: fails closed, asks nobody, opens no store, reads no configuration.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use leaks::{ALLOW_FILE, Coverage, Judged, Marks, tree};

use super::super::history;
use super::super::print::Form;
use super::super::search::{Search, allowlist};
use super::pushed::{lines, range};
use crate::Exit;
use crate::cli::HookName;
use crate::config;
use crate::error::{CommandError, operator};
use crate::ui::Ui;

/// More refs are pushed by nobody.
const MAX_TOLD_BYTES: u64 = 64 << 20;

pub(super) fn run(name: HookName, ui: Ui) -> Result<Exit, CommandError> {
    let says = config::git_says();
    let repository = repository(&says)?;
    let search = match name {
        HookName::PreCommit | HookName::PrePush => {
            let top = std::path::absolute(".").unwrap_or_default();
            Search::of_hook(allowlist(&top.join(ALLOW_FILE))?, Marks::Heeded)
        }
        // Who pushes does not say what is let be: the list is the server's.
        HookName::PreReceive => Search::of_hook(allowlist(&repository.join(ALLOW_FILE))?, Marks::Ignored),
    };
    let report = match name {
        HookName::PreCommit => history::staged(&repository, says.index.as_deref(), &search)?,
        HookName::PrePush | HookName::PreReceive => {
            let mut told = String::new();
            let read = std::io::stdin().lock().take(MAX_TOLD_BYTES).read_to_string(&mut told);
            read.map_err(|error| operator("cannot read what git says to the hook").caused_by(&error))?;
            history::range(&repository, &range(name, &lines(&told)?, &says), &search)?
        }
    };
    let judged = search.judge(report, Coverage::Part);
    let exit = search.exit(&judged);
    if exit != Exit::Done {
        ui.ask(Form::of_table().written(&judged)?.trim_end());
        ui.report(&refusal(name, &judged, exit));
    }
    Ok(exit)
}

/// Git runs hooks in the repository, and says where it is if it is not around.
fn repository(says: &config::GitSays) -> Result<PathBuf, CommandError> {
    if let Some(folder) = &says.folder {
        return Ok(folder.clone());
    }
    let found = tree::around(Path::new(".")).ok().flatten();
    found.map(|(path, _)| path).ok_or_else(|| {
        operator("this is no repository")
            .because("a hook is run by git, in one")
            .mend("keywright leaks scan   # searches any folder")
            .into()
    })
}

fn refusal(name: HookName, judged: &Judged, exit: Exit) -> model::Report {
    let (doing, mend) = match name {
        HookName::PreCommit => ("commit", "take it out of the file and `git add` it again"),
        HookName::PrePush => ("push", "take it out of the commits that are listed: git rebase -i"),
        HookName::PreReceive => ("push", "take it out of the commits that are listed, and push again"),
    };
    if exit == Exit::Failed {
        return operator(format!("this {doing} is refused: not all of it could be read"))
            .because("what is not read may hold a key; the list is above")
            .mend("keywright leaks scan --staged   # the same once more, with other limits")
            .mend(match name {
                HookName::PreReceive => "ask who runs the server".to_owned(),
                _ => format!("git {doing} --no-verify   # if you know what it holds"),
            });
    }
    let report = operator(format!("this {doing} is refused: it holds a key"))
        .because("it is listed above, and everyone who has the repository would have it")
        .mend(mend)
        .mend("keywright rotate NAME --compromised   # if it was ever outside of this machine");
    let first = judged.worst_first().first().map(|leak| leak.fingerprint.to_string()).unwrap_or_default();
    match name {
        HookName::PreReceive => report.mend(format!(
            "if it must stay: who runs the server adds `{first}` and a reason to `{ALLOW_FILE}` there"
        )),
        _ => report.mend(format!(
            "if it must stay: add `{first}` and a reason to `{ALLOW_FILE}`, or `keywright:allow` to its line"
        )),
    }
}
