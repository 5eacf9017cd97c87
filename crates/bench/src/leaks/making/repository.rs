//! A generated history as a git repository: imported, packed with deep delta chains, made once.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::history::{self, Shape};
use super::keys::Planted;
use crate::Trouble;

/// Changes whenever the same shape comes to be another history.
const FORM: u32 = 2;

/// Where a generated thing lies, and which keys are in it.
pub(crate) struct Made {
    pub(crate) folder: PathBuf,
    pub(crate) keys: Vec<String>,
}

/// The history of that shape in the cache, made where absent.
pub(crate) fn ensure_history(cache: &Path, shape: &Shape) -> Result<Made, Trouble> {
    let Shape { seed, objects, keys } = shape;
    ensure(cache, &format!("history-{FORM}-{seed}-{objects}-{keys}"), |folder| make(shape, folder))
}

/// A folder that is whole when its list of keys is there; that is written last.
pub(super) fn ensure(
    cache: &Path,
    name: &str,
    make: impl FnOnce(&Path) -> Result<Vec<Planted>, Trouble>,
) -> Result<Made, Trouble> {
    let folder = cache.join(name);
    let list = cache.join(format!("{name}.keys.jsonl"));
    if !list.exists() {
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let planted = make(&folder)?;
        let line = |key: &Planted| serde_json::json!({"secret": key.secret, "form": key.form}).to_string();
        let lines = planted.iter().map(line).collect::<Vec<_>>().join("\n");
        let unfinished = list.with_extension("unfinished");
        std::fs::write(&unfinished, lines)?;
        std::fs::rename(unfinished, &list)?;
    }
    let mut keys = Vec::new();
    for line in std::fs::read_to_string(&list)?.lines() {
        let key: serde_json::Value = serde_json::from_str(line)?;
        keys.extend(key.get("secret").and_then(serde_json::Value::as_str).map(str::to_owned));
    }
    Ok(Made { folder, keys })
}

fn make(shape: &Shape, folder: &Path) -> Result<Vec<Planted>, Trouble> {
    git(folder, &["init", "--quiet", "--bare", "--initial-branch", "main", "."])?;
    git(folder, &["config", "core.compression", "1"])?;
    let mut import = command(folder, &["fast-import", "--quiet", "--done", "--active-branches=64"])
        .stdin(Stdio::piped())
        .spawn()?;
    let stream = import.stdin.take().ok_or("git fast-import takes no stream")?;
    let mut stream = BufWriter::with_capacity(1 << 20, stream);
    let planted = history::write(shape, &mut stream)?;
    stream.flush()?;
    drop(stream);
    succeeded(import.wait()?, "fast-import")?;
    git(folder, &["config", "--unset", "core.compression"])?;
    git(folder, &["repack", "-a", "-d", "-f", "--quiet", "--depth=50", "--window=10"])?;
    git(folder, &["pack-refs", "--all"])?;
    Ok(planted)
}

/// Commits that many times to the trunk, a line to one file each.
pub(crate) fn add_commits(repository: &Path, commits: usize) -> Result<(), Trouble> {
    let mut import = command(repository, &["fast-import", "--quiet", "--done", "--date-format=now"])
        .stdin(Stdio::piped())
        .spawn()?;
    let mut stream = import.stdin.take().ok_or("git fast-import takes no stream")?;
    for number in 0..commits {
        write!(stream, "commit refs/heads/main\ncommitter Bench <bench@example> now\ndata 4\nMore\n")?;
        if number == 0 {
            writeln!(stream, "from refs/heads/main^0")?;
        }
        let line = format!("{number} of {commits}, by process {}\n", std::process::id());
        write!(stream, "M 100644 inline bench/{number}.txt\ndata {}\n{line}\n", line.len())?;
    }
    writeln!(stream, "done")?;
    drop(stream);
    succeeded(import.wait()?, "fast-import")
}

/// Runs git in that folder, untouched by the settings of whoever calls.
pub(crate) fn git(folder: &Path, words: &[&str]) -> Result<(), Trouble> {
    succeeded(command(folder, words).stdin(Stdio::null()).status()?, words.first().copied().unwrap_or("git"))
}

fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(words);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for part in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{part}_NAME"), "Bench").env(format!("GIT_{part}_EMAIL"), "bench@example");
        command.env(format!("GIT_{part}_DATE"), "1735689600 +0000");
    }
    command
}

fn succeeded(status: std::process::ExitStatus, what: &str) -> Result<(), Trouble> {
    if status.success() { Ok(()) } else { Err(format!("git {what} failed: {status}").into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_has_about_its_objects_and_all_its_keys() {
        let cache = tempfile::tempdir().unwrap();
        let made = ensure_history(cache.path(), &Shape { seed: 1, objects: 4_000, keys: 12 }).unwrap();
        let said = |words: &[&str]| {
            String::from_utf8_lossy(&command(&made.folder, words).output().unwrap().stdout).into_owned()
        };
        let listed = said(&["cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"]);
        let count = |kind: &str| listed.lines().filter(|line| *line == kind).count();
        let all = listed.lines().count();
        assert!((3_500..4_700).contains(&all), "{all}");
        assert!(count("commit") > all / 12 && count("tree") > all / 4 && count("tag") > 0, "{listed}");
        assert!(said(&["log", "--all", "--merges", "--oneline"]).lines().count() > 3);
        assert_eq!(made.keys.len(), 12);
        let commits = || said(&["rev-list", "--count", "main"]).trim().parse::<usize>().unwrap();
        let before = commits();
        add_commits(&made.folder, 10).unwrap();
        assert_eq!(commits(), before + 10);
        let everything = said(&["log", "--all", "-p", "-m", "--format=", "--unified=0"]);
        let held = made.keys.iter().filter(|key| everything.contains(*key)).count();
        assert!(held >= 4, "{held} of the keys are there in plain");
        assert_eq!(
            ensure_history(cache.path(), &Shape { seed: 1, objects: 4_000, keys: 12 }).unwrap().keys,
            made.keys
        );
    }
}
