//! Runs the long commands of an installation: output to a log, a sign of life now and then, a reason on failure.
use super::spawn::tail;
use crate::progress::tell;
use crate::{Fault, Result};
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// Runs it to its end and tells of both ends. `what` is a verb phrase, such as `install node 24`.
pub(crate) fn run(command: &mut Command, what: &str, log: &Path, mend: &str) -> Result<()> {
    let began = Instant::now();
    tell(&format!("{what} (log: {})", log.display()));
    run_quietly(command, what, log, mend)?;
    tell(&format!("done: {what}, {} s", began.elapsed().as_secs()));
    Ok(())
}

/// Runs it to its end and tells only where that takes long.
pub(crate) fn run_quietly(command: &mut Command, what: &str, log: &Path, mend: &str) -> Result<()> {
    let fault = |e: std::io::Error| Fault::new(format!("could not {what}"), mend).because(e);
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder).map_err(fault)?;
    }
    let out = File::create(log).map_err(fault)?;
    let err = out.try_clone().map_err(fault)?;
    let began = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().map_err(|e| {
            fault(e).because(format!("`{}` was called", command.get_program().to_string_lossy()))
        })?;
    let status = std::thread::scope(|scope| {
        let (ended, waiting) = channel::<()>();
        scope.spawn(move || {
            while waiting.recv_timeout(SIGN_OF_LIFE) == Err(RecvTimeoutError::Timeout) {
                tell(&format!("still busy: {what}, {} s", began.elapsed().as_secs()));
            }
        });
        let status = child.wait();
        drop(ended);
        status
    });
    let status = status.map_err(fault)?;
    if status.success() {
        return Ok(());
    }
    Err(Fault::new(format!("could not {what}"), mend).because(status).because(tail(log)))
}

/// Runs it and hands back what it prints.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_the_status_and_the_end_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("logs/x.log");
        run(Command::new("true").arg("x"), "do it", &log, "again").unwrap();
        let fault =
            run(Command::new("sh").args(["-c", "echo first; echo last >&2; exit 7"]), "do it", &log, "again");
        let text = fault.unwrap_err().to_string();
        for part in ["could not do it", "7", "first | last", "try: again"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let text = run(&mut Command::new("/nowhere/x"), "do it", &log, "again").unwrap_err().to_string();
        assert!(text.contains("/nowhere/x"), "{text}");
    }

    #[test]
    fn output_is_trimmed_and_only_of_a_success() {
        assert_eq!(output(Command::new("echo").arg("a")), Some("a".into()));
        assert_eq!(output(&mut Command::new("false")), None);
    }
}
