//! The file that git runs: a few lines of shell, which find this program by its whole path and let a commit or push fail
//! if it is gone. What was there before runs after it.

use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::place::{Place, Reach};
use crate::cli::HookName;
use crate::error::{CommandError, operator};

/// By this line we know our own.
const OURS: &[u8] =
    b"# Made by `keywright leaks hook install`; `keywright leaks hook uninstall` takes it away.";
/// What is longer is nobody's hook that we would understand.
const MAX_BYTES: u64 = 1 << 20;
/// Programs that write hooks themselves and would write over ours, and what they want instead.
const MANAGERS: [(&str, &str); 4] = [
    ("pre-commit.com", "a local hook in `.pre-commit-config.yaml` with `language: system` and this entry"),
    ("lefthook", "a command in `lefthook.yml` with this `run`"),
    ("husky", "a line in `.husky/`, in the file of this name"),
    ("overcommit", "a custom hook in `.overcommit.yml` with this command"),
];

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Made,
    Renewed,
    /// Something was there, and runs after ours.
    Chained,
    Removed,
    /// What was there before has its name back.
    Restored,
    Nothing,
}

impl Change {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Renewed => "renewed",
            Self::Chained => "chained",
            Self::Removed => "removed",
            Self::Restored => "restored",
            Self::Nothing => "nothing",
        }
    }
}

/// What there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ours,
    /// Ours, but git would not run it, or the program that it calls is not there.
    Broken(String),
    Other,
    Absent,
}

impl State {
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Ours => "installed",
            Self::Broken(_) => "broken",
            Self::Other => "other",
            Self::Absent => "absent",
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Ours | Self::Absent => String::new(),
            Self::Broken(why) => format!("{why}: keywright leaks hook install"),
            Self::Other => "a hook of someone else's, which `install` lets run after ours".to_owned(),
        }
    }
}

/// Where this program is; a path that holds after the next upgrade too, as far as anybody knows.
pub(super) fn program() -> Result<PathBuf, CommandError> {
    let program = std::env::current_exe().ok().filter(|program| program.is_file());
    program.ok_or_else(|| {
        operator("cannot tell where this program is")
            .because("its file was moved or replaced while it runs")
            .mend("run it once more")
            .into()
    })
}

/// Whether a hook can be put there: what others manage is left alone.
pub(super) fn may_install(place: &Place, name: HookName) -> Result<(), CommandError> {
    let (file, local) = (path(place, name), local(place, name));
    let name = name.as_str();
    let Some(there) = read(&file)? else { return Ok(()) };
    if is_ours(&there) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&there).to_lowercase();
    if let Some((manager, how)) = MANAGERS.iter().find(|(manager, _)| text.contains(manager)) {
        return Err(operator(format!("`{}` is managed by another program", file.display()))
            .because(format!("it says `{manager}`, which would write over ours"))
            .mend(format!("{how}: keywright leaks hook run {name}"))
            .into());
    }
    if local.symlink_metadata().is_ok() {
        return Err(operator(format!("`{}` is in the way", file.display()))
            .because(format!("it would be kept as `{}`, and there is one already", local.display()))
            .mend("join the two into one")
            .into());
    }
    Ok(())
}

/// Puts ours there.
pub(super) fn install(place: &Place, name: HookName, program: &Path) -> Result<Change, CommandError> {
    let (file, local) = (path(place, name), local(place, name));
    let change = match read(&file)? {
        None => Change::Made,
        Some(there) if is_ours(&there) => Change::Renewed,
        Some(_) => {
            std::fs::rename(&file, &local).map_err(|error| cannot(&file, &error))?;
            Change::Chained
        }
    };
    let put = || -> std::io::Result<()> {
        let mut new = tempfile::NamedTempFile::new_in(&place.folder)?;
        new.write_all(&text(place.reach, name, program))?;
        new.as_file().set_permissions(std::fs::Permissions::from_mode(0o755))?;
        new.persist(&file).map(drop).map_err(|error| error.error)
    };
    put().map_err(|error| {
        if change == Change::Chained {
            std::fs::rename(&local, &file).ok();
        }
        cannot(&file, &error)
    })?;
    Ok(change)
}

/// Takes ours away; what is another's stays.
pub(super) fn uninstall(place: &Place, name: HookName) -> Result<Change, CommandError> {
    let (file, local) = (path(place, name), local(place, name));
    if !read(&file)?.is_some_and(|there| is_ours(&there)) {
        return Ok(Change::Nothing);
    }
    if local.symlink_metadata().is_ok() {
        std::fs::rename(&local, &file).map_err(|error| cannot(&file, &error))?;
        return Ok(Change::Restored);
    }
    std::fs::remove_file(&file).map_err(|error| cannot(&file, &error))?;
    Ok(Change::Removed)
}

/// What there is.
pub(super) fn state(place: &Place, name: HookName) -> State {
    let file = path(place, name);
    match read(&file) {
        Ok(None) => State::Absent,
        Ok(Some(there)) if is_ours(&there) => {
            let is_executable = file.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0);
            let program = program().unwrap_or_default();
            // What a repository runs may be the one for all.
            let is_as_made = there == text(Reach::Global, name, &program)
                || place.reach == Reach::Repository && there == text(Reach::Repository, name, &program);
            match (is_executable, is_as_made) {
                (false, _) => State::Broken("git runs only what may be executed".to_owned()),
                (true, false) => {
                    State::Broken("it is of another version, or calls another program".to_owned())
                }
                (true, true) => State::Ours,
            }
        }
        Ok(Some(_)) | Err(_) => State::Other,
    }
}

fn path(place: &Place, name: HookName) -> PathBuf {
    place.folder.join(name.as_str())
}

fn local(place: &Place, name: HookName) -> PathBuf {
    place.folder.join(format!("{}.local", name.as_str()))
}

fn is_ours(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').any(|line| line == OURS)
}

/// What a hook holds; of a link, what it leads to. A link that leads nowhere is something, too.
fn read(file: &Path) -> Result<Option<Vec<u8>>, CommandError> {
    match file.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(file, &error)),
        Ok(_) => {}
    }
    match file.metadata() {
        Ok(meta) if meta.is_file() && meta.len() <= MAX_BYTES => {
            std::fs::read(file).map(Some).map_err(|error| cannot(file, &error))
        }
        Ok(_) | Err(_) => Ok(Some(Vec::new())),
    }
}

fn cannot(file: &Path, error: &std::io::Error) -> CommandError {
    operator(format!("cannot use `{}`", file.display()))
        .caused_by(error)
        .mend("let who runs keywright write in that folder")
        .into()
}

/// The file. What git says on standard input is for both.
fn text(reach: Reach, name: HookName, program: &Path) -> Vec<u8> {
    let name = name.as_str();
    let mut text = b"#!/bin/sh\n".to_vec();
    text.extend_from_slice(OURS);
    text.extend_from_slice(b"\nkeywright=");
    text.extend(quoted(program.as_os_str().as_bytes()));
    // Beside it what was there before; of a hook for all repositories, each one's own.
    let next = match reach {
        Reach::Repository => format!("\"$(dirname -- \"$0\")/{name}.local\""),
        Reach::Global => format!("\"$(git rev-parse --git-common-dir)/hooks/{name}\""),
    };
    let rest = format!(
        r#"
if [ ! -x "$keywright" ]; then
    echo "keywright is not where this hook looks for it: $keywright" >&2
    echo "try: keywright leaks hook install   # again, or uninstall it" >&2
    exit 1
fi
input=
{read}
said() {{ if [ -n "$input" ]; then printf '%s\n' "$input"; fi; }}
said | "$keywright" leaks hook run {name} "$@" || exit $?
for next in {next} {beside}; do
    if [ -x "$next" ] && ! [ "$next" -ef "$0" ]; then
        said | "$next" "$@" || exit $?
    fi
done
"#,
        read = if name == HookName::PreCommit.as_str() { ":" } else { "input=$(cat)" },
        beside = match reach {
            Reach::Repository => String::new(),
            Reach::Global => format!("\"$(dirname -- \"$0\")/{name}.local\""),
        },
    );
    text.extend_from_slice(rest.as_bytes());
    text
}

/// A word for the shell, whatever is in it.
fn quoted(word: &[u8]) -> Vec<u8> {
    let inner = word.split(|byte| *byte == b'\'').collect::<Vec<_>>().join(&b"'\\''"[..]);
    [&b"'"[..], &inner, b"'"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_for_the_shell_whatever_is_in_it() {
        for path in ["/usr/bin/keywright", "/a b/k", "/it's/k", "/$(touch x)/`y`/\"/k", "/new\nline/k"] {
            let line = [b"printf %s ", &quoted(path.as_bytes())[..]].concat();
            let shell = std::process::Command::new("sh")
                .args([std::ffi::OsStr::new("-c"), std::ffi::OsStr::from_bytes(&line)])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(shell.stdout).unwrap(), path);
        }
    }

    #[test]
    fn what_was_there_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of_test(folder.path());
        let name = HookName::PrePush;
        let (file, program) = (folder.path().join("pre-push"), Path::new("/usr/bin/true"));
        std::fs::write(&file, "#!/bin/sh\necho former\n").unwrap();
        assert_eq!(install(&place, name, program).unwrap(), Change::Chained);
        assert_eq!(install(&place, name, program).unwrap(), Change::Renewed);
        assert_eq!(uninstall(&place, name).unwrap(), Change::Restored);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "#!/bin/sh\necho former\n");
        assert_eq!(uninstall(&place, name).unwrap(), Change::Nothing);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(install(&place, name, program).unwrap(), Change::Made);
        assert_eq!(uninstall(&place, name).unwrap(), Change::Removed);
        assert_eq!(state(&place, name), State::Absent);
    }
}
