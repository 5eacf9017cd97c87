//! `leakbed SRC DEST [--seed N]`: started by `cargo xtask leakbed`.
use leakbed::{Place, Truth};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "leakbed SRC DEST [--seed N]   (SRC may be `small`, for a repository that is made up)";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (source, dest, seed) = match words.as_slice() {
        [source, dest] => (source, dest, Some(1)),
        [source, dest, "--seed", seed] => (source, dest, seed.parse().ok()),
        _ => return refuse("the command line is not understood", USAGE),
    };
    let Some(seed) = seed else { return refuse("the seed is no number", USAGE) };
    match bed(source, Path::new(dest), seed) {
        Ok(counts) => {
            // A closed stdout is the reader's choice, not a fault.
            std::io::stdout().lock().write_all(counts.as_bytes()).ok();
            ExitCode::SUCCESS
        }
        Err(trouble) => refuse(&trouble.to_string(), "another DEST, or a SRC that git can clone"),
    }
}

fn refuse(what: &str, mend: &str) -> ExitCode {
    writeln!(std::io::stderr().lock(), "error: {what}\ntry: {mend}").ok();
    ExitCode::FAILURE
}

fn bed(source: &str, dest: &Path, seed: u64) -> leakbed::Result<String> {
    let scratch =
        tempfile::tempdir().map_err(|error| leakbed::Trouble::new("a folder for the source", error))?;
    let source = if source == "small" {
        leakbed::small_source(scratch.path())?;
        scratch.path().to_owned()
    } else {
        PathBuf::from(source)
    };
    let truth = leakbed::plant(&source, dest, seed)?;
    let file = PathBuf::from(format!("{}.truth.json", dest.display()));
    truth.write(&file)?;
    Ok(counts(&truth) + &format!("truth: {}\n", file.display()))
}

/// How much there is of each class.
fn counts(truth: &Truth) -> String {
    let mut classes: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for planted in &truth.planted {
        let [history, tree] = classes.entry(planted.hiding.as_str()).or_default();
        *(if planted.place == Place::History { history } else { tree }) += 1;
    }
    let mut lines = vec![format!("{:<28} history  tree\n", "hiding place")];
    for (class, [history, tree]) in &classes {
        lines.push(format!("{class:<28} {history:>7} {tree:>5}\n"));
    }
    let sum = |place, asked: bool| truth.in_place(place).filter(|planted| planted.asked || !asked).count();
    for (said, asked) in [("all", false), ("of the classes asked for", true)] {
        let (history, tree) = (sum(Place::History, asked), sum(Place::Tree, asked));
        lines.push(format!("{said:<28} {history:>7} {tree:>5}\n"));
    }
    lines.concat() + &format!("decoys: {}, traps: {}\n", truth.decoys.len(), truth.traps.len())
}
