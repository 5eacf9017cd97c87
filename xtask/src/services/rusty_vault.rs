//! `RustyVault`: a real server with Vault's API, KV version 1, tokens and `AppRole`. It knows no policies.
use super::place;
use super::server::Server;
use crate::environment::program;
use crate::n8n::{Cache, apt_install, command, http, install};
use crate::{Fault, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

const VERSION: &str = "0.2.1";
/// `secret/` is there from the start.
const SECOND_MOUNT: &str = "team/kv";
const ROLE: &str = "keywright";

/// An unsealed one with two KV mounts, a root token, another token, and a role to log in as.
pub(super) fn begin(cache: &Cache, run: &Path, name: &str) -> Result<Value> {
    let folder = ensure(cache)?;
    let home = run.join("rusty_vault");
    let fault = |e: std::io::Error| {
        Fault::new(format!("`{}` cannot be renewed", home.display()), "by hand").because(e)
    };
    let server = Server::start(run, name, &folder.join("bin/rvault"), "/v1/sys/init", |port, command| {
        if home.exists() {
            std::fs::remove_dir_all(&home).map_err(fault)?;
        }
        std::fs::create_dir_all(&home).map_err(fault)?;
        let settings = home.join("rusty_vault.hcl");
        std::fs::write(&settings, configuration(port, &home)).map_err(fault)?;
        command.args(["server", "--config"]).arg(settings);
        Ok(())
    })?;
    set_up(&server)
}

/// Blocks are read line by line: one on a single line is refused.
fn configuration(port: u16, home: &Path) -> String {
    let home = home.display();
    format!(
        "storage \"file\" {{\n  path = \"{home}/data\"\n}}\nlistener \"tcp\" {{\n  address = \"127.0.0.1:{port}\"\n  \
         tls_disable = \"true\"\n}}\nwork_dir = \"{home}\"\nlog_level = \"info\"\n"
    )
}

fn set_up(server: &Server) -> Result<Value> {
    let port = server.port;
    let shares = json!({"secret_shares": 1, "secret_threshold": 1});
    let made = ask(port, "", "PUT", "sys/init", &shares)?;
    let (key, root) = (text(&made, "/keys/0")?, text(&made, "/root_token")?);
    ask(port, "", "PUT", "sys/unseal", &json!({"key": key}))?;
    let root_may = |method: &str, path: &str, body: Value| ask(port, &root, method, path, &body);
    root_may("POST", &format!("sys/mounts/{SECOND_MOUNT}"), json!({"type": "kv"}))?;
    let token = root_may("POST", "auth/token/create", json!({"policies": [ROLE], "ttl": "768h"}))?;
    root_may("POST", "sys/auth/approle", json!({"type": "approle"}))?;
    let role = format!("auth/approle/role/{ROLE}");
    let rules = json!({"token_policies": [ROLE], "token_ttl": "20m", "token_max_ttl": "30m"});
    root_may("POST", &role, rules)?;
    let role_id = root_may("GET", &format!("{role}/role-id"), Value::Null)?;
    let secret_id = root_may("POST", &format!("{role}/secret-id"), json!({}))?;
    Ok(json!({
        "url": server.url(), "unseal_key": key, "root_token": root, "mounts": ["secret", SECOND_MOUNT],
        "token": text(&token, "/auth/client_token")?,
        "approle": {
            "mount": "approle",
            "role_id": text(&role_id, "/data/role_id")?, "secret_id": text(&secret_id, "/data/secret_id")?,
        },
    }))
}

/// Asks it as the owner of `token`; an answer without a body is null.
fn ask(port: u16, token: &str, method: &str, path: &str, body: &Value) -> Result<Value> {
    let fault =
        || Fault::new(format!("RustyVault did not take `{path}`"), "look at its log in the run folder");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut headers = vec![("content-type", "application/json")];
    // An empty header would be a token that is not known.
    headers.extend((!token.is_empty()).then_some(("x-vault-token", token)));
    let answer =
        http::ask(port, method, &format!("/v1/{path}"), &headers, &body).map_err(|e| fault().because(e))?;
    match answer.status {
        200 => serde_json::from_str(&answer.body).map_err(|e| fault().because(e)),
        204 => Ok(Value::Null),
        status => Err(fault().because(format!("it answered with status {status}"))),
    }
}

fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| {
        Fault::new("RustyVault was not set up", "report this")
            .because(format!("an answer has no `{pointer}`"))
    })
}

/// Built in a hurry, and out of the way of what else is built; an interrupted build goes on where it stopped.
fn ensure(cache: &Cache) -> Result<PathBuf> {
    let name = format!("rusty-vault-{VERSION}");
    place::ensure(cache, &name, VERSION, |folder| {
        if command::output(Command::new("pkg-config").arg("openssl")).is_none() {
            apt_install(cache, &["libssl-dev", "pkg-config"])?;
        }
        let built = cache.root().join("build").join(&name);
        let mut cargo = if program("nice").is_some() { Command::new("nice") } else { Command::new("env") };
        cargo.args(["cargo", "install", "--quiet", "--locked", "--root"]).arg(folder);
        cargo.arg(format!("rusty_vault@{VERSION}")).env("CARGO_TARGET_DIR", &built);
        for (name, value) in [("OPT_LEVEL", "0"), ("LTO", "off"), ("CODEGEN_UNITS", "16"), ("DEBUG", "0")] {
            cargo.env(format!("CARGO_PROFILE_RELEASE_{name}"), value);
        }
        install::with_second_try(&mut cargo, "build RustyVault", &cache.log("install-rusty-vault"))?;
        std::fs::remove_dir_all(&built)
            .map_err(|e| Fault::new(format!("`{}` cannot be removed", built.display()), "by hand").because(e))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_configuration_is_one_thing() {
        let text = configuration(1, Path::new("/x"));
        assert!(
            text.contains("  path = \"/x/data\"\n") && text.contains("  address = \"127.0.0.1:1\"\n"),
            "{text}"
        );
        assert!(text.lines().all(|line| line.matches(['{', '}']).count() + line.matches(" = ").count() == 1));
    }

    #[test]
    fn what_an_answer_lacks_is_named() {
        assert_eq!(text(&json!({"keys": ["canary"]}), "/keys/0").unwrap(), "canary");
        assert!(text(&json!({}), "/keys/0").unwrap_err().to_string().contains("`/keys/0`"));
    }
}
