//! Plugins that a `kubeconfig` names to log in with, such as those of cloud providers. Run as `kubectl` runs them, without
//! a terminal: what they would ask a person, nobody answers.

use std::path::{Path, PathBuf};

use model::{DestinationError, DestinationErrorKind as Kind, Secret, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::node::Node;
use crate::{
    command::TIMEOUT,
    error::error,
    program::{Program, Run, Stdout},
    service::Outside,
};

/// The versions of its answer that are understood.
const VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

/// A program, as the user of a `kubeconfig` names it.
#[derive(Debug)]
pub(super) struct Plugin {
    version: &'static str,
    /// With a `/` in it a path; else to be looked for in `PATH`.
    command: String,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    /// What it is told of the cluster, if it wants that.
    cluster: Option<Value>,
}

/// What a plugin gives.
#[derive(Default)]
pub(super) struct Credentials {
    pub(super) token: Option<Secret>,
    /// A certificate and its key, in PEM.
    pub(super) identity: Option<(Vec<u8>, Secret)>,
    pub(super) until: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    api_version: String,
    kind: String,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<Zeroizing<String>>,
    client_certificate_data: Option<String>,
    client_key_data: Option<Zeroizing<String>>,
    expiration_timestamp: Option<String>,
}

impl Plugin {
    /// From the `exec` of a user; an error says why not.
    pub(super) fn parse(exec: &Node, folder: &Path, cluster: &Node) -> Result<Self, &'static str> {
        let version = exec.get("apiVersion").text().unwrap_or_default();
        let version = VERSIONS.into_iter().find(|known| *known == version);
        let version =
            version.ok_or("the `exec` of its user has an `apiVersion` other than v1 and v1beta1")?;
        if exec.get("interactiveMode").text() == Some("Always") {
            return Err("the `exec` of its user has to ask a person each time (`interactiveMode: Always`)");
        }
        let command = exec.get("command").text().ok_or("the `exec` of its user names no `command`")?;
        let command = if command.contains('/') {
            folder.join(command).display().to_string()
        } else {
            command.to_owned()
        };
        let texts = |nodes: &[Node]| nodes.iter().filter_map(Node::text).map(str::to_owned).collect();
        let variable = |node: &Node| {
            let value = node.get("value").text().unwrap_or_default();
            Some((node.get("name").text()?.to_owned(), value.to_owned()))
        };
        let told = |name: &str| cluster.get(name).text().map(|text| (name.to_owned(), json!(text)));
        Ok(Self {
            version,
            command,
            arguments: texts(exec.get("args").list()),
            variables: exec.get("env").list().iter().filter_map(variable).collect(),
            cluster: exec.get("provideClusterInfo").is_true().then(|| {
                let names = ["server", "certificate-authority-data", "proxy-url"];
                Value::Object(names.into_iter().filter_map(told).collect())
            }),
        })
    }

    /// Runs it. `label` names the cluster in messages.
    pub(super) async fn run(
        &self,
        label: &str,
        outside: &dyn Outside,
    ) -> Result<Credentials, DestinationError> {
        let path = self.path(outside).ok_or_else(|| {
            error(
                Kind::NotFound,
                format!("cannot log in at {label}"),
                format!(
                    "there is no `{}` in PATH, which its kubeconfig names",
                    transport::shown(&self.command, 80)
                ),
                "install it, or give its whole path in the kubeconfig",
            )
        })?;
        let program = Program { path, arguments: self.arguments.clone() };
        program.check()?;
        let spec = match &self.cluster {
            Some(cluster) => json!({"interactive": false, "cluster": cluster}),
            None => json!({"interactive": false}),
        };
        let told = json!({"apiVersion": self.version, "kind": "ExecCredential", "spec": spec});
        let mut variables: Vec<(&str, String)> =
            self.variables.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        variables.push(("KUBERNETES_EXEC_INFO", told.to_string()));
        let what = format!("cannot log in at {label} with `{}`", program.path.display());
        let run = Run {
            what: what.clone(),
            program: &program,
            stdin: None,
            stdout: Stdout::Kept,
            hidden_variables: &outside.hidden_variables(),
            variables,
            timeout: TIMEOUT,
        };
        let ended = run.run().await?;
        if !ended.status.success() {
            // Its stderr may hold a token that we don't know and cannot mask.
            let because = format!("it ended with {}", ended.status);
            return Err(error(Kind::Failed, what, because, "run it by hand to see what it lacks"));
        }
        self.credentials(&ended.stdout).map_err(|because| {
            error(
                Kind::Malformed,
                format!("cannot log in at {label}"),
                format!("`{}` printed {because}", program.path.display()),
                "run it by hand and see what it prints",
            )
        })
    }

    fn credentials(&self, printed: &[u8]) -> Result<Credentials, &'static str> {
        // What serde would say may quote a value.
        let answer: ExecCredential =
            serde_json::from_slice(printed).map_err(|_not_quoted| "no `ExecCredential`")?;
        if answer.kind != "ExecCredential" || answer.api_version != self.version {
            return Err("an answer of another version than it was asked for");
        }
        let status = answer.status.ok_or("no `status`")?;
        let identity = match (status.client_certificate_data, status.client_key_data) {
            (Some(certificate), Some(key)) => Some((certificate.into_bytes(), Secret::new(key.as_str()))),
            (None, None) => None,
            _ => return Err("one of certificate and key without the other"),
        };
        let token = status.token.filter(|token| !token.is_empty()).map(|token| Secret::new(token.as_str()));
        if token.is_none() && identity.is_none() {
            return Err("neither a token nor a certificate");
        }
        let until = match status.expiration_timestamp {
            Some(text) => {
                Some(text.parse().map_err(|_not_quoted| "an `expirationTimestamp` that is no time")?)
            }
            None => None,
        };
        Ok(Credentials { token, identity, until })
    }

    fn path(&self, outside: &dyn Outside) -> Option<PathBuf> {
        if self.command.contains('/') {
            return Some(PathBuf::from(&self.command));
        }
        let folders = outside.variable("PATH")?;
        let folders = folders.expose().split(':').filter(|folder| folder.starts_with('/'));
        folders.map(|folder| Path::new(folder).join(&self.command)).find(|path| path.is_file())
    }
}

#[cfg(test)]
#[path = "exec_tests.rs"]
mod tests;
