//! What is measured: histories, a tree, ten new commits, what is staged.

use std::path::Path;

use model::{Fingerprint, Secret};

use super::contender::{Outcome, in_turn};
use super::making::{Made, add_commits, git};
use super::scanners::Scanners;
use super::table::{Bound, judge, print};
use crate::{Trouble, say};

const PEAK: Bound = Bound::PeakMb(150.0);
/// A key is told from others by its end, which is what scanners print of it at least.
const END: usize = 12;

/// A history and those who read it.
pub(crate) fn history(
    scanners: &Scanners,
    repository: &Path,
    keys: &[String],
    home: &Path,
) -> Result<(), Trouble> {
    let mut contenders = Scanners::bare(repository)?;
    contenders.insert(
        1,
        scanners.keywright(&["--history-only", "--json", &repository.display().to_string()], home),
    );
    contenders.extend(scanners.of_histories(repository));
    let outcomes = in_turn(&contenders, home, || Ok(()))?;
    let title = format!("history of {}", repository.display());
    tell(&title, &outcomes, &[Bound::CpuRatio(1.6), PEAK], &recalls(&outcomes, keys)?);
    Ok(())
}

/// A tree and those who read it.
pub(crate) fn tree(scanners: &Scanners, tree: &Made, home: &Path) -> Result<(), Trouble> {
    let mut contenders = scanners.of_trees(&tree.folder);
    let ours = ["--tree-only", "--json", &tree.folder.display().to_string()];
    contenders.insert(1.min(contenders.len()), scanners.keywright(&ours, home));
    let outcomes = in_turn(&contenders, home, || Ok(()))?;
    let beside_rg = outcomes.first().is_some_and(|first| first.name == "rg");
    let bounds: &[Bound] = if beside_rg { &[Bound::WallRatio(1.5), PEAK] } else { &[PEAK] };
    tell("work tree of 10,000 files", &outcomes, bounds, &recalls(&outcomes, &tree.keys)?);
    Ok(())
}

/// The same history again, each time ten commits later.
pub(crate) fn since_last(scanners: &Scanners, history: &Path, scratch: &Path) -> Result<(), Trouble> {
    let copy = scratch.join("since-last");
    let shown = copy.display().to_string();
    git(scratch, &["clone", "--quiet", "--mirror", &history.display().to_string(), &shown])?;
    let contender = scanners.keywright(&["--history-only", "--since-last", "--json", &shown], scratch);
    let mut outcomes = in_turn(std::slice::from_ref(&contender), scratch, || Ok(()))?;
    let mut title = "ten commits after the last scan".to_owned();
    if outcomes.iter().all(|outcome| outcome.said.is_empty()) {
        outcomes = in_turn(&[contender], scratch, || add_commits(&copy, 10))?;
    } else {
        title.push_str(" (there was no first scan)");
    }
    tell(&title, &outcomes, &[Bound::WallMs(100.0), PEAK], &[]);
    Ok(())
}

/// A few staged files in a large tree.
pub(crate) fn staged(scanners: &Scanners, tree: &Path, scratch: &Path) -> Result<(), Trouble> {
    let copy = scratch.join("staged");
    git(scratch, &["clone", "--quiet", &tree.display().to_string(), &copy.display().to_string()])?;
    for number in 0..4 {
        std::fs::write(copy.join(format!("staged-{number}.env")), format!("NUMBER={number}\n"))?;
    }
    git(&copy, &["add", "--all"])?;
    let outcomes = in_turn(&[scanners.keywright(&["--staged", "--json"], &copy)], scratch, || Ok(()))?;
    tell("what is staged among 10,000 files", &outcomes, &[Bound::WallMs(50.0), PEAK], &[]);
    Ok(())
}

fn tell(title: &str, outcomes: &[Outcome], bounds: &[Bound], recalls: &[Option<String>]) {
    print(title, outcomes, recalls);
    for (line, _) in judge(outcomes, bounds) {
        say(&format!("  {line}"));
    }
}

/// Ours names fingerprints, others print what they found.
fn recalls(outcomes: &[Outcome], keys: &[String]) -> Result<Vec<Option<String>>, Trouble> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let prints: Vec<String> =
        keys.iter().map(|key| Fingerprint::of(&Secret::new(key.as_str())).to_string()).collect();
    let ends: Vec<String> =
        keys.iter().filter_map(|key| key.get(key.len() - END..).map(str::to_owned)).collect();
    let of = |outcome: &Outcome| -> Result<Option<String>, Trouble> {
        if outcome.cost.is_none() || outcome.name == "rg" || outcome.name.starts_with("bare") {
            return Ok(None);
        }
        let texts = if outcome.name == "keywright" { &prints } else { &ends };
        Ok(Some(format!("{} of {}", outcome.named(texts)?, keys.len())))
    };
    outcomes.iter().map(of).collect()
}
