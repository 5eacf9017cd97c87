//! Where hooks lie: asked of git itself, since its configuration has many places. Only where a person installs hooks of
//! their own; a hook that runs, and a scan, ask git nothing.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::config;
use crate::error::{CommandError, operator};

/// For whom hooks hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Repository,
    Global,
}

/// A folder of hooks.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    pub(super) reach: Reach,
    /// Others push to the repository, and nobody works in it.
    pub(super) is_bare: bool,
    /// What `core.hooksPath` says, if hooks do not lie in the git folder.
    elsewhere: Option<PathBuf>,
}

impl Place {
    /// Where hooks are now.
    pub(super) fn find(reach: Reach) -> Result<Self, CommandError> {
        match reach {
            Reach::Repository => repository(),
            Reach::Global => {
                let folder = global_setting()?.or_else(config::git_hooks_folder).ok_or_else(|| {
                    operator("cannot tell where hooks of all repositories are kept")
                        .because("neither XDG_CONFIG_HOME nor HOME is set")
                        .mend("git config --global core.hooksPath FOLDER")
                })?;
                Ok(Self { folder, reach, is_bare: false, elsewhere: None })
            }
        }
    }

    /// Where ours may be put: a folder of our own, or the one of this user. It is made if it is not there.
    pub(super) fn to_install(reach: Reach) -> Result<Self, CommandError> {
        let place = Self::find(reach)?;
        if let Some(elsewhere) = &place.elsewhere {
            let shown = elsewhere.display();
            return Err(operator("the hooks of this repository lie elsewhere")
                .because(format!(
                    "`core.hooksPath` is `{shown}`: files there are tracked, or other repositories use them"
                ))
                .mend(format!(
                    "add this line to `{shown}/pre-commit`: keywright leaks hook run pre-commit || exit 1"
                ))
                .mend(format!(
                    "add this line to `{shown}/pre-push`: keywright leaks hook run pre-push || exit 1"
                ))
                .mend(
                    "keywright leaks hook install --global   # if it is the folder of all your repositories",
                )
                .into());
        }
        std::fs::create_dir_all(&place.folder).map_err(|error| {
            operator(format!("cannot make the folder `{}`", place.folder.display()))
                .caused_by(&error)
                .mend("let who runs keywright write there")
        })?;
        if reach == Reach::Global && global_setting()?.is_none() {
            let folder = place.folder.clone().into_os_string();
            git(&["config".into(), "--global".into(), "core.hooksPath".into(), folder])?;
        }
        Ok(place)
    }

    /// Lets each repository's own hooks run again once nothing is left in the folder that was made for all: a
    /// `core.hooksPath` that leads to nothing would turn them all off.
    pub(super) fn leave(&self) -> Result<(), CommandError> {
        let is_made_by_us =
            self.reach == Reach::Global && config::git_hooks_folder().as_deref() == Some(&*self.folder);
        let is_empty = match std::fs::read_dir(&self.folder) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        if is_made_by_us && is_empty && global_setting()?.as_deref() == Some(&*self.folder) {
            git(&["config", "--global", "--unset", "core.hooksPath"].map(Into::into))?;
        }
        Ok(())
    }
}

fn repository() -> Result<Place, CommandError> {
    let ask = |question: &[&str]| {
        let words: Vec<OsString> =
            std::iter::once("rev-parse").chain(question.iter().copied()).map(Into::into).collect();
        git(&words)
    };
    let folder = PathBuf::from(ask(&["--git-path", "hooks"])?);
    let common = PathBuf::from(ask(&["--git-common-dir"])?);
    let is_bare = ask(&["--is-bare-repository"])? == "true";
    let whole =
        |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or(path.to_owned());
    // The folder itself need not be there.
    let is_inside = whole(&folder) == whole(&common).join("hooks");
    let elsewhere = (!is_inside).then(|| folder.clone());
    Ok(Place { folder, reach: Reach::Repository, is_bare, elsewhere })
}

fn global_setting() -> Result<Option<PathBuf>, CommandError> {
    let words = ["config", "--global", "--type=path", "--get", "core.hooksPath"].map(Into::into);
    let (code, text) = ended(&words)?;
    match code {
        Some(0) if !text.is_empty() => Ok(Some(PathBuf::from(text))),
        // Not set, or no such file.
        Some(0 | 1) => Ok(None),
        _ => Err(refused(&words)),
    }
}

fn git(words: &[OsString]) -> Result<OsString, CommandError> {
    match ended(words)? {
        (Some(0), text) => Ok(text),
        _ => Err(refused(words)),
    }
}

fn refused(words: &[OsString]) -> CommandError {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    operator("git does not say where hooks lie")
        .because(format!("`git {}` failed", words.join(" ")))
        .mend("run it in a repository of yours: git status")
        .into()
}

/// Runs git, and takes what it says.
fn ended(words: &[OsString]) -> Result<(Option<i32>, OsString), CommandError> {
    let mut command = Command::new("git");
    command.args(words).stdin(std::process::Stdio::null());
    for name in config::own_variables() {
        command.env_remove(name);
    }
    let output = command.output().map_err(|error| {
        operator("cannot run git").caused_by(&error).mend("install git, or put it where PATH says")
    })?;
    let mut text = output.stdout;
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    Ok((output.status.code(), OsString::from_vec(text)))
}

#[cfg(test)]
impl Place {
    pub(super) fn of_test(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), reach: Reach::Repository, is_bare: false, elsewhere: None }
    }
}
