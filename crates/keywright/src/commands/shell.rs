//! `keywright completions` and `keywright man`: what shells and readers want of a command line.

use std::path::Path;

use clap::CommandFactory as _;
use serde_json::json;

use crate::Exit;
use crate::cli::{Cli, Shell};
use crate::error::{CommandError, operator};
use crate::ui::Ui;

/// More than the longest page that clap could make of us.
const PAGE_BYTES: usize = 64 << 10;

pub(crate) fn completions(ui: Ui, shell: Shell) -> Exit {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Elvish => clap_complete::Shell::Elvish,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::Powershell => clap_complete::Shell::PowerShell,
        Shell::Zsh => clap_complete::Shell::Zsh,
    };
    let mut script = Vec::with_capacity(PAGE_BYTES);
    clap_complete::generate(shell, &mut Cli::command(), "keywright", &mut script);
    ui.out(String::from_utf8_lossy(&script).trim_end());
    Exit::Done
}

pub(crate) fn man(ui: Ui, folder: Option<&Path>) -> Result<Exit, CommandError> {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = folder else {
        ui.out(page(command)?.trim_end());
        return Ok(Exit::Done);
    };
    let cannot = |path: &Path, error: &std::io::Error| {
        operator(format!("cannot write `{}`", path.display())).caused_by(error)
    };
    std::fs::create_dir_all(folder).map_err(|error| cannot(folder, &error))?;
    let mut pages = Vec::new();
    collect(command, &mut pages);
    let number = pages.len();
    for command in pages {
        let name = command.get_display_name().unwrap_or("keywright").replace(' ', "-");
        let path = folder.join(format!("{name}.1"));
        std::fs::write(&path, page(command)?).map_err(|error| cannot(&path, &error))?;
    }
    let text = format!("{number} pages are in {}", folder.display());
    ui.result(&text, &json!({"folder": folder, "pages": number}));
    Ok(Exit::Done)
}

/// A command and all below it.
fn collect(command: clap::Command, pages: &mut Vec<clap::Command>) {
    let below: Vec<clap::Command> =
        command.get_subcommands().filter(|below| below.get_name() != "help").cloned().collect();
    pages.push(command);
    for below in below {
        collect(below, pages);
    }
}

fn page(command: clap::Command) -> Result<String, CommandError> {
    let mut text = Vec::with_capacity(PAGE_BYTES);
    clap_mangen::Man::new(command)
        .render(&mut text)
        .map_err(|error| operator("cannot make the manual page").caused_by(&error))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
