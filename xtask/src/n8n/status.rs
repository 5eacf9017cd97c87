//! Tells what runs.
use super::{Release, RunningInstance};
use std::fmt::Write as _;
use std::path::Path;

/// A line for each release, and whether all of them are ready.
pub fn status(run: &Path, releases: &[&'static Release]) -> (String, bool) {
    let mut text = String::new();
    let mut all_ready = true;
    for release in releases {
        let lives = RunningInstance::read(run, release.version).filter(|instance| instance.process.lives());
        let line = match (RunningInstance::healthy(run, release), lives) {
            (Some(instance), _) => {
                let memory_mib = instance.process.memory_kib().unwrap_or_default() / 1024;
                format!("ready    {}  pid {}  {memory_mib} MiB", instance.url, instance.process.pid)
            }
            (None, Some(instance)) => format!("unwell   {}  pid {}", instance.url, instance.process.pid),
            (None, None) => "stopped".to_owned(),
        };
        all_ready &= line.starts_with("ready");
        // Writing to a String cannot fail.
        writeln!(text, "{:<9} {line}", release.version).ok();
    }
    (text, all_ready)
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::example;
    use super::*;

    #[test]
    fn each_release_has_its_line() {
        let run = tempfile::tempdir().unwrap();
        let releases = [Release::named("2.41.1").unwrap(), Release::named("1.60.1").unwrap()];
        RunningInstance { ready: false, ..example("1.60.1", 1) }.write(run.path()).unwrap();
        let (text, all_ready) = status(run.path(), &releases);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(
            lines[0].starts_with("2.41.1    stopped") && lines[1].starts_with("1.60.1    unwell"),
            "{text}"
        );
        assert!(!all_ready);
    }
}
