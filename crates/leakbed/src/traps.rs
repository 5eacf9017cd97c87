//! Programs in the copy's settings that leave a trace when they are run. A search must not run any.
use crate::git::Git;
use crate::trouble::{Doing as _, Result};

/// What the copy's `.gitattributes` says, so that the traps are on the way.
pub(crate) const ATTRIBUTES: &str = "* filter=trap diff=trap\n";

/// Settings that name a program.
const PROGRAMS: [(&str, &str); 12] = [
    ("core.fsmonitor", "fsmonitor"),
    ("core.sshCommand", "ssh"),
    ("core.pager", "pager"),
    ("core.editor", "editor"),
    ("core.askPass", "askpass"),
    ("core.alternateRefsCommand", "alternate-refs"),
    ("credential.helper", "credential"),
    ("diff.trap.textconv", "textconv"),
    ("diff.external", "external-diff"),
    ("filter.trap.clean", "clean"),
    ("filter.trap.smudge", "smudge"),
    ("gpg.program", "gpg"),
];

/// Sets all, last of all: git itself runs some of them. Returns the files that they make.
pub(crate) fn set(git: &Git) -> Result<Vec<String>> {
    let folder = git.folder().canonicalize().doing("the copy's folder")?;
    let mut traps = Vec::new();
    for (setting, name) in PROGRAMS {
        let trace = format!(".git/sprung-{name}");
        let file = folder.join(&trace).display().to_string().replace('\'', "'\\''");
        let shell = if setting == "credential.helper" { "!" } else { "" };
        git.run(&["config", setting, &format!("{shell}touch '{file}'; cat")])?;
        traps.push(trace);
    }
    Ok(traps)
}
