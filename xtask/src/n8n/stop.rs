//! Ends exactly the processes that were started here, by their identity.
use super::lock::Lock;
use super::postgres::Cluster;
use super::{RELEASES, Release, RunningInstance};
use crate::progress::tell;
use crate::{Fault, Result};
use rustix::process::Signal;
use std::path::Path;
use std::time::Duration;

/// Stops these releases; with `None`, all and `PostgreSQL` too.
pub fn stop(run: &Path, releases: Option<&[&'static Release]>) -> Result<()> {
    let _lock = Lock::take(run, "run.lock")?;
    let all: Vec<&Release> = RELEASES.iter().collect();
    std::thread::scope(|scope| {
        let chosen = releases.unwrap_or(&all);
        let stopping: Vec<_> = chosen.iter().map(|release| scope.spawn(|| stop_one(run, release))).collect();
        let broken = || Fault::new("stopping an instance broke off", "report this with the text above");
        let ended: Vec<_> =
            stopping.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(broken()))).collect();
        ended.into_iter().collect::<Result<()>>()
    })?;
    if releases.is_none() {
        Cluster::stop(run)?;
    }
    Ok(())
}

fn stop_one(run: &Path, release: &Release) -> Result<()> {
    let Some(instance) = RunningInstance::read(run, release.version) else { return Ok(()) };
    if instance.process.lives() {
        instance.process.stop(Signal::TERM, Duration::from_secs(10))?;
        tell(&format!("n8n {} is stopped", release.version));
    }
    let file = RunningInstance::file(run, release.version);
    std::fs::remove_file(&file)
        .map_err(|e| Fault::new(format!("`{}` cannot be removed", file.display()), "by hand").because(e))
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::example;
    use super::super::{Process, running_in};
    use super::*;
    use std::process::Command;

    #[test]
    fn stop_ends_what_the_record_names_and_forgets_it() {
        let run = tempfile::tempdir().unwrap();
        let mut child = Command::new("setsid").args(["sleep", "600"]).spawn().unwrap();
        let process = Process::of(child.id().try_into().unwrap()).unwrap();
        RunningInstance { process, ..example("1.60.1", 1) }.write(run.path()).unwrap();
        stop(run.path(), Some(&[Release::named("2.41.1").unwrap()])).unwrap();
        assert!(process.lives(), "another release was named");
        stop(run.path(), None).unwrap();
        assert!(!process.lives());
        child.wait().unwrap();
        assert!(running_in(run.path()).is_empty() && !RunningInstance::file(run.path(), "1.60.1").exists());
        stop(run.path(), None).unwrap();
    }
}
