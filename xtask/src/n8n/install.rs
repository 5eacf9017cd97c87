//! Installs what runs an n8n, once: a folder is complete when its marker is there, and done again where it is not.
use super::{Cache, Release, command, lock::Lock, node, postgres};
use crate::progress::tell;
use crate::{Fault, Result};
use std::path::Path;
use std::process::Command;

/// Written last into a folder that was installed whole.
const MARKER: &str = ".complete";

/// Makes sure that `PostgreSQL`, Node and these releases of n8n are there. Two at once take turns.
pub fn install(cache: &Cache, releases: &[&'static Release]) -> Result<()> {
    if present(cache, releases) {
        return Ok(());
    }
    let _lock = Lock::take(cache.root(), "install.lock")?;
    postgres::ensure(cache)?;
    for release in releases {
        let n8n = cache.n8n(release);
        node::ensure(cache, release.node)?;
        if complete_for(&n8n, release.manifest) {
            continue;
        }
        let what = format!("install n8n {}", release.version);
        folder(&n8n, release.manifest, |n8n| {
            let mut npm = node::npm(cache)?;
            npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]);
            npm.arg("--legacy-peer-deps").current_dir(n8n);
            with_second_try(&mut npm, &what, &cache.log(&format!("install-n8n-{}", release.version)))?;
            let script = cache.n8n_script(release);
            script.is_file().then_some(()).ok_or_else(|| {
                Fault::new(format!("could not {what}"), "cargo xtask n8n install")
                    .because(format!("npm ended well, but `{}` is not there", script.display()))
            })
        })?;
    }
    Ok(())
}

fn present(cache: &Cache, releases: &[&'static Release]) -> bool {
    postgres::programs().is_some()
        && releases.iter().all(|r| complete_for(&cache.n8n(r), r.manifest) && complete(&cache.node(r.node)))
}

pub(super) fn complete(folder: &Path) -> bool {
    folder.join(MARKER).exists()
}

/// Complete, and by this very manifest.
fn complete_for(folder: &Path, manifest: &str) -> bool {
    let installed = std::fs::read_to_string(folder.join("package.json")).unwrap_or_default();
    complete(folder) && installed.trim() == manifest
}

/// Fills a folder by `fill` from nothing, and marks it as complete.
pub(super) fn folder(folder: &Path, manifest: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let fault = |e: std::io::Error| {
        Fault::new(format!("`{}` cannot be filled", folder.display()), "a folder that can be written to")
            .because(e)
    };
    if folder.exists() {
        tell(&format!("{} is not as it should be: again from nothing", folder.display()));
        std::fs::remove_dir_all(folder).map_err(fault)?;
    }
    std::fs::create_dir_all(folder).map_err(fault)?;
    std::fs::write(folder.join("package.json"), manifest).map_err(fault)?;
    fill(folder)?;
    std::fs::write(folder.join(MARKER), "").map_err(fault)
}

/// A registry that fails once is asked once more; what it gave already is in npm's own cache.
pub(crate) fn with_second_try(command: &mut Command, what: &str, log: &Path) -> Result<()> {
    let mend = "cargo xtask n8n install (it goes on where it stopped)";
    command::run(command, what, log, mend).or_else(|first| {
        tell(&format!("{first}once more"));
        command::run(command, what, log, mend)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_complete_only_when_filled() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("x");
        let failed = folder(&target, "{}", |path| {
            std::fs::write(path.join("half"), "").unwrap();
            Err(Fault::new("no network", "again"))
        });
        assert!(failed.is_err() && !complete(&target) && target.join("half").exists());
        folder(&target, "{\"a\":1}", |path| {
            assert!(!path.join("half").exists(), "done again from nothing");
            Ok(())
        })
        .unwrap();
        assert!(complete(&target) && complete_for(&target, "{\"a\":1}"));
        assert!(!complete_for(&target, "{\"a\":2}"), "what is to be installed has changed");
        assert_eq!(std::fs::read_to_string(target.join("package.json")).unwrap(), "{\"a\":1}");
    }

    #[test]
    fn a_failing_command_is_tried_twice() {
        let home = tempfile::tempdir().unwrap();
        let log = home.path().join("log");
        let mut second_works = Command::new("sh");
        second_works.args(["-c", "test -e seen || { touch seen; exit 1; }"]).current_dir(home.path());
        with_second_try(&mut second_works, "do it", &log).unwrap();
        let mut never = Command::new("sh");
        never.args(["-c", "echo x >> tries; exit 1"]).current_dir(home.path());
        assert!(with_second_try(&mut never, "do it", &log).is_err());
        assert_eq!(std::fs::read_to_string(home.path().join("tries")).unwrap(), "x\nx\n");
    }
}
