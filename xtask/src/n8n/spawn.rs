//! Starts processes that outlive us: own session, no pipe of the caller held, output to a log file.
use crate::{Fault, Result};
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Whoever calls us may have left files open beyond the standard three; a server must not keep those alive.
const CLOSE_AND_RUN: &str = r#"
for file in /proc/$$/fd/*; do
    number=${file##*/}
    if [ "$number" -gt 2 ]; then eval "exec $number>&-"; fi
done
exec "$@""#;

/// A user and group to run as.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity {
    pub(super) user: u32,
    pub(super) group: u32,
}

/// A command that will lead its own session, with nothing of our environment, and `log` for its output.
///
/// `setsid` and the shell replace themselves, so the child's number is that of `program`.
pub(crate) fn detached(program: &Path, log: &Path, identity: Option<Identity>) -> Result<Command> {
    let fault = |e: std::io::Error| {
        Fault::new(format!("`{}` cannot be written", log.display()), "a folder that can be written to")
            .because(e)
    };
    let out = File::create(log).map_err(fault)?;
    let err = out.try_clone().map_err(fault)?;
    let mut command = Command::new("setsid");
    command.args(["bash", "-c", CLOSE_AND_RUN, "bash"]).arg(program).env_clear();
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LANG", "C.UTF-8");
    command.stdin(Stdio::null()).stdout(out).stderr(err).current_dir("/");
    if let Some(identity) = identity {
        command.uid(identity.user).gid(identity.group);
    }
    Ok(command)
}

/// Starts it.
pub(crate) fn spawn(command: &mut Command, what: &str) -> Result<Child> {
    command.spawn().map_err(|e| {
        Fault::new(format!("`{what}` cannot be started"), "apt-get install util-linux").because(e)
    })
}

/// The last lines of a log, to say why something failed.
pub(crate) fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(5)).copied().collect::<Vec<_>>().join(" | ");
    format!("{} ends with: {last}", Path::new(OsStr::new(log)).display())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: &str = r#"
        read -r -a stat < /proc/$$/stat; echo "${stat[0]} ${stat[5]}"
        for ((n = 3; n < 300; n++)); do if [ -e /proc/$$/fd/$n ]; then echo "leaked $n"; fi; done
        env | grep -c CARGO"#;

    #[test]
    fn a_detached_command_leads_a_session_and_holds_nothing_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let leaking: Vec<_> = (0..20).map(|_| rustix::io::dup(File::open("/").unwrap()).unwrap()).collect();
        let mut command = detached(Path::new("bash"), &log, None).unwrap();
        let mut child = spawn(command.args(["-c", LOOK]), "bash").unwrap();
        let pid = child.id();
        child.wait().unwrap();
        drop(leaking);
        let text = std::fs::read_to_string(&log).unwrap();
        let expected = [format!("{pid} {pid}"), "0".to_owned()];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected, "own session, no open file, no variable");
    }

    #[test]
    fn the_tail_is_the_last_five_lines() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, b"1\n2\n\n3\n4\n5\n6\n").unwrap();
        assert!(tail(file.path()).ends_with("ends with: 2 | 3 | 4 | 5 | 6"), "{}", tail(file.path()));
    }
}
