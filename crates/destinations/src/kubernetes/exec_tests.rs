use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc};

use model::{Clock, Report, SecretRef};
use tempfile::TempDir;

use super::*;
use crate::service::Nowhere;

/// A `PATH`, and variables that programs must not see.
struct Env(String);

#[async_trait::async_trait]
impl Outside for Env {
    async fn secret(&self, reference: &SecretRef) -> Result<Secret, Report> {
        Nowhere.secret(reference).await
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        (name == "PATH").then(|| Secret::new(self.0.as_str()))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Nowhere.clock()
    }

    fn hidden_variables(&self) -> Vec<String> {
        vec!["CARGO_PKG_NAME".to_owned()]
    }
}

const V1: &str = "client.authentication.k8s.io/v1";

fn plugin(folder: &TempDir, exec: &str, says: &str) -> Plugin {
    let path = folder.path().join("bin/login");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let script =
        format!("#!/bin/sh\ncd {}\nenv > environment\necho \"$@\" > words\n{says}", folder.path().display());
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let cluster = Node::parse("{server: 'https://a.example.com', certificate-authority-data: Y2E=}").unwrap();
    Plugin::parse(&Node::parse(exec).unwrap(), folder.path(), &cluster).unwrap()
}

async fn run(folder: &TempDir, plugin: &Plugin) -> Result<Credentials, DestinationError> {
    plugin.run("Kubernetes", &Env(format!("relative:{}/bin", folder.path().display()))).await
}

#[tokio::test]
async fn a_plugin_is_told_what_it_needs_and_its_token_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let exec = format!(
        "{{apiVersion: {V1}, command: login, args: [get-token, 'two words'], env: [{{name: PROFILE, value: prod}}], provideClusterInfo: true, interactiveMode: IfAvailable}}"
    );
    let says = format!(
        "echo '{{\"apiVersion\":\"{V1}\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"canary-token\",\"expirationTimestamp\":\"2026-11-27T12:00:00Z\"}}}}'"
    );
    let credentials = run(&folder, &plugin(&folder, &exec, &says)).await.unwrap();
    assert_eq!(credentials.token.unwrap().expose(), "canary-token");
    assert_eq!(credentials.until.unwrap().to_string(), "2026-11-27T12:00:00Z");
    assert!(credentials.identity.is_none());
    let environment = fs::read_to_string(folder.path().join("environment")).unwrap();
    let told = environment.lines().find_map(|line| line.strip_prefix("KUBERNETES_EXEC_INFO=")).unwrap();
    let told: Value = serde_json::from_str(told).unwrap();
    let cluster = json!({"server": "https://a.example.com", "certificate-authority-data": "Y2E="});
    assert_eq!(told["spec"], json!({"interactive": false, "cluster": cluster}));
    assert_eq!((told["apiVersion"].as_str(), told["kind"].as_str()), (Some(V1), Some("ExecCredential")));
    assert!(
        environment.contains("PROFILE=prod") && !environment.contains("CARGO_PKG_NAME="),
        "{environment}"
    );
    assert_eq!(fs::read_to_string(folder.path().join("words")).unwrap(), "get-token two words\n");
}

#[tokio::test]
async fn a_plugin_may_give_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let v1beta1 = "client.authentication.k8s.io/v1beta1";
    let says = format!(
        "echo '{{\"apiVersion\":\"{v1beta1}\",\"kind\":\"ExecCredential\",\"status\":{{\"clientCertificateData\":\"cert\",\"clientKeyData\":\"canary-key\"}}}}'"
    );
    // A path is relative to the kubeconfig's folder.
    let exec = format!("{{apiVersion: {v1beta1}, command: ./bin/login}}");
    let credentials = run(&folder, &plugin(&folder, &exec, &says)).await.unwrap();
    let (certificate, key) = credentials.identity.unwrap();
    assert_eq!((certificate.as_slice(), key.expose()), (b"cert".as_slice(), "canary-key"));
    assert!(credentials.token.is_none() && credentials.until.is_none());
}

#[tokio::test]
async fn a_plugin_that_fails_or_prints_something_else_is_told_without_quoting_it() {
    let exec = format!("{{apiVersion: {V1}, command: login}}");
    let answer = |status: &str| {
        format!("echo '{{\"apiVersion\":\"{V1}\",\"kind\":\"ExecCredential\",\"status\":{status}}}'")
    };
    for (says, kind, said) in [
        ("echo canary >&2; exit 3".to_owned(), Kind::Failed, "exit status: 3"),
        ("echo canary".to_owned(), Kind::Malformed, "no `ExecCredential`"),
        (answer("null"), Kind::Malformed, "no `status`"),
        (answer("{}"), Kind::Malformed, "neither"),
        (answer("{\"token\":\"\"}"), Kind::Malformed, "neither"),
        (answer("{\"clientKeyData\":\"canary\"}"), Kind::Malformed, "without the other"),
        (answer("{\"token\":\"canary\",\"expirationTimestamp\":\"canary\"}"), Kind::Malformed, "no time"),
        (answer("{\"token\":\"canary\"}").replace("/v1", "/v1beta1"), Kind::Malformed, "another version"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let failure = run(&folder, &plugin(&folder, &exec, &says)).await.err().expect(said);
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(failure.to_string().contains(said), "{failure}");
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let missing = plugin(&folder, &format!("{{apiVersion: {V1}, command: nowhere}}"), "");
    assert_eq!(run(&folder, &missing).await.err().unwrap().kind, Kind::NotFound);
}
