//! One of the programs that are measured in turn, and what its runs cost.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;
use wait4::Wait4 as _;

use crate::Trouble;
use crate::measure::{Cost, median};

/// A program with its words.
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) words: Vec<String>,
    /// Where it runs.
    pub(crate) folder: PathBuf,
    /// Exit codes of a run that did its work.
    pub(crate) accepted: &'static [i32],
    /// How often it is run; those that take a minute are run once.
    pub(crate) runs: usize,
}

/// The middle of its runs; `said` is why there is none.
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) cost: Option<Cost>,
    pub(crate) printed: Option<NamedTempFile>,
    pub(crate) said: String,
}

/// Runs all of them in turn, `between` before each run, and takes the medians.
pub(crate) fn in_turn(
    contenders: &[Contender],
    home: &Path,
    mut between: impl FnMut() -> Result<(), Trouble>,
) -> Result<Vec<Outcome>, Trouble> {
    let mut costs: Vec<Vec<Cost>> = contenders.iter().map(|_| Vec::new()).collect();
    let mut outcomes: Vec<Outcome> = contenders.iter().map(|one| Outcome::empty(&one.name)).collect();
    for round in 0..contenders.iter().map(|one| one.runs).max().unwrap_or(0) {
        for ((one, costs), outcome) in contenders.iter().zip(&mut costs).zip(&mut outcomes) {
            if round >= one.runs || !outcome.said.is_empty() {
                continue;
            }
            between()?;
            match one.run(home) {
                Ok((cost, printed)) => {
                    costs.push(cost);
                    outcome.printed = Some(printed);
                }
                Err(trouble) => outcome.said = trouble.to_string(),
            }
        }
    }
    for (outcome, costs) in outcomes.iter_mut().zip(&costs) {
        outcome.cost = middle(costs);
    }
    Ok(outcomes)
}

impl Contender {
    fn run(&self, home: &Path) -> Result<(Cost, NamedTempFile), Trouble> {
        let (printed, complained) = (NamedTempFile::new()?, NamedTempFile::new()?);
        let mut command = Command::new(&self.program);
        command.args(&self.words).current_dir(&self.folder).stdin(Stdio::null());
        command.stdout(printed.reopen()?).stderr(complained.reopen()?);
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            command.env(name, home);
        }
        let began = Instant::now();
        let ended = command.spawn()?.wait4()?;
        let wall = began.elapsed();
        if ended.status.code().is_none_or(|code| !self.accepted.contains(&code)) {
            let complaint = std::fs::read_to_string(complained.path())?;
            let first: String = complaint.lines().next().unwrap_or_default().chars().take(160).collect();
            return Err(format!("{}: {first}", ended.status).into());
        }
        let cpu = ended.rusage.utime + ended.rusage.stime;
        Ok((Cost { wall, cpu, peak_bytes: ended.rusage.maxrss }, printed))
    }
}

impl Outcome {
    fn empty(name: &str) -> Self {
        Self { name: name.to_owned(), cost: None, printed: None, said: String::new() }
    }

    /// How many of these texts it printed.
    pub(crate) fn named(&self, texts: &[String]) -> Result<usize, Trouble> {
        let Some(printed) = &self.printed else { return Ok(0) };
        let printed = String::from_utf8_lossy(&std::fs::read(printed.path())?).into_owned();
        Ok(texts.iter().filter(|text| printed.contains(text.as_str())).count())
    }
}

/// Each figure's own median.
fn middle(costs: &[Cost]) -> Option<Cost> {
    let of = |figure: fn(&Cost) -> Duration| {
        Duration::from_secs_f64(median(costs.iter().map(|cost| figure(cost).as_secs_f64()).collect()))
    };
    let peak_bytes = costs.iter().map(|cost| cost.peak_bytes).max()?;
    Some(Cost { wall: of(|cost| cost.wall), cpu: of(|cost| cost.cpu), peak_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, runs: usize) -> Contender {
        Contender {
            name: script.into(),
            program: "/bin/sh".into(),
            words: vec!["-c".into(), script.into()],
            folder: std::env::temp_dir(),
            accepted: &[0, 3],
            runs,
        }
    }

    #[test]
    fn a_refusal_is_told_and_a_finding_is_none() {
        let home = tempfile::tempdir().unwrap();
        let contenders =
            [shell("echo canary; exit 3", 2), shell("echo no such option >&2; exit 2", 2), shell("true", 1)];
        let mut rounds = 0;
        let outcomes = in_turn(&contenders, home.path(), || {
            rounds += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(rounds, 4, "who refused is not asked again");
        assert!(outcomes[0].cost.is_some() && outcomes[0].said.is_empty());
        assert_eq!(outcomes[0].named(&["canary".into(), "other".into()]).unwrap(), 1);
        assert!(outcomes[1].cost.is_none() && outcomes[1].said.contains("no such option"));
        assert!(outcomes[2].cost.is_some_and(|cost| cost.peak_bytes > 100_000));
    }
}
