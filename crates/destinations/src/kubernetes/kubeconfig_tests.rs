use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, sync::Arc};

use model::{Blame, Clock, Report, SecretRef};
use tempfile::TempDir;

use super::*;
use crate::{
    kubernetes::{KIND, way::find},
    service::{Nowhere, Outside, ServiceConfig},
};

/// Variables of a test.
struct Env(BTreeMap<&'static str, String>);

#[async_trait::async_trait]
impl Outside for Env {
    async fn secret(&self, reference: &SecretRef) -> Result<Secret, Report> {
        Ok(Secret::new(format!("canary of {reference}")))
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        self.0.get(name).map(|value| Secret::new(value.as_str()))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Nowhere.clock()
    }
}

const CLUSTERS: &str = "
apiVersion: v1
kind: Config
current-context: prod
clusters:
- name: prod
  cluster: {server: 'https://prod.example.com:6443/k8s', certificate-authority-data: Y2E=}
- cluster:
    server: https://test.example.com
    certificate-authority: ca.pem
    proxy-url: http://proxy.example.com:3128
  name: test
contexts:
- name: prod
  context: {cluster: prod, user: robot, namespace: backups}
- name: test
  context: {cluster: test, user: certified}
";

const USERS: &str = "
current-context: ignored
users:
- name: robot
  user: {token: canary-token}
- name: certified
  user:
    client-certificate-data: Y2VydA==
    client-key-data: a2V5
- name: file
  user: {tokenFile: folder/token, token: canary-token}
";

async fn way(
    settings: &[(&str, String)],
    variables: &[(&'static str, String)],
    account: &Path,
) -> Result<Way, DestinationError> {
    let values = settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let config = ServiceConfig::new(KIND.name, None, values).unwrap();
    find(&config, &Env(variables.iter().cloned().collect()), account).await
}

fn write(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

const NO_POD: &str = "/nowhere";

#[tokio::test]
async fn several_files_are_one_and_the_first_wins() {
    let folder = tempfile::tempdir().unwrap();
    let list = format!(
        "{}/none::{}:{}",
        folder.path().display(),
        write(&folder, "a", CLUSTERS),
        write(&folder, "b/c", USERS)
    );
    write(&folder, "ca.pem", "canary-ca");
    let environment = [("KUBECONFIG", list)];
    let prod = way(&[], &environment, Path::new(NO_POD)).await.unwrap();
    assert_eq!(
        (prod.url.as_str(), prod.namespace.as_deref()),
        ("https://prod.example.com:6443/k8s", Some("backups"))
    );
    assert!(matches!(&prod.login, Login::Token(token) if token.expose() == "canary-token"));
    assert_eq!(prod.transport.ca.as_deref(), Some(b"ca".as_slice()));
    let test = way(&[("context", "test".into())], &environment, Path::new(NO_POD)).await.unwrap();
    let (certificate, key) = test.transport.identity.unwrap();
    assert_eq!((certificate.as_slice(), key.expose()), (b"cert".as_slice(), "key"));
    assert_eq!(test.transport.ca.as_deref(), Some(b"canary-ca".as_slice()), "relative to its own file");
    assert_eq!(test.transport.proxy.unwrap().url, "http://proxy.example.com:3128");
    assert!(matches!(test.login, Login::Nothing) && test.namespace.is_none());
}

#[tokio::test]
async fn the_ways_are_tried_in_the_order_of_kubectl() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().display().to_string();
    let whole = format!("{CLUSTERS}{}", USERS.replace("current-context: ignored", ""));
    let set = write(&folder, "set", &whole.replace("prod.example.com", "set.example.com"));
    let pod: Vec<(&str, String)> = vec![
        ("KUBERNETES_SERVICE_HOST", "fd00::1".into()),
        ("KUBERNETES_SERVICE_PORT", "443".into()),
        ("HOME", home),
    ];
    // From within.
    for (name, text) in [("ca.crt", "canary-ca"), ("namespace", "backups\n"), ("token", "canary-token")] {
        write(&folder, &format!("account/{name}"), text);
    }
    let account = folder.path().join("account");
    let within = way(&[], &pod, &account).await.unwrap();
    assert_eq!((within.url.as_str(), within.namespace.as_deref()), ("https://[fd00::1]/", Some("backups")));
    assert!(matches!(&within.login, Login::TokenFile(path) if *path == account.join("token")));
    assert_eq!(within.transport.ca.as_deref(), Some(b"canary-ca".as_slice()));
    // A file at home comes before it, a variable before that, a setting before all.
    write(&folder, ".kube/config", &whole);
    let at_home = way(&[], &pod, &account).await.unwrap();
    assert_eq!(at_home.url.host_str(), Some("prod.example.com"));
    let by_setting = way(&[("kubeconfig", set)], &pod, &account).await.unwrap();
    assert_eq!(by_setting.url.host_str(), Some("set.example.com"));
    let url = [("url", "https://direct.example.com".to_owned()), ("token", "env:TOKEN".to_owned())];
    let direct = way(&url, &pod, &account).await.unwrap();
    assert_eq!(direct.url.host_str(), Some("direct.example.com"));
    assert!(matches!(&direct.login, Login::Token(token) if token.expose() == "canary of env:TOKEN"));
    // Nothing says anything.
    let failure = way(&[], &[], Path::new(NO_POD)).await.err().unwrap();
    assert!(failure.kind == Kind::BadAddress && failure.report.mend[0].contains("KUBECONFIG"), "{failure}");
}

#[tokio::test]
async fn what_cannot_be_used_safely_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = "{server: 'https://prod.example.com:6443/k8s', certificate-authority-data: Y2E=}";
    let user = "{token: canary-token}";
    for (from, to, kind, said) in [
        (
            cluster,
            "{server: 'https://a.example.com', insecure-skip-tls-verify: true}",
            Kind::Denied,
            "whoever answers",
        ),
        (cluster, "{server: 'https://a.example.com', tls-server-name: b}", Kind::Denied, "tls-server-name"),
        (cluster, "{server: 'http://a.example.com'}", Kind::BadAddress, "in the clear"),
        (cluster, "{server: 'https://u:canary@a.example.com'}", Kind::BadAddress, "user name or password"),
        (cluster, "{}", Kind::BadAddress, "not a URL"),
        (
            cluster,
            "{server: 'https://a.example.com', certificate-authority-data: 'canary!'}",
            Kind::Malformed,
            "not Base64",
        ),
        (
            cluster,
            "{server: 'https://a.example.com', certificate-authority: gone.pem}",
            Kind::NotFound,
            "not there",
        ),
        (user, "{auth-provider: {name: gcp}}", Kind::Denied, "auth-provider"),
        (user, "{username: canary, password: canary}", Kind::Denied, "user name and password"),
        (user, "{token: canary, as: root}", Kind::Denied, "somebody else"),
        (user, "{client-key-data: a2V5}", Kind::Malformed, "without the other"),
        (
            user,
            "{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}",
            Kind::Malformed,
            "apiVersion",
        ),
        (user, "{exec: {apiVersion: client.authentication.k8s.io/v1}}", Kind::Malformed, "no `command`"),
        ("current-context: prod", "current-context: [canary", Kind::Malformed, "no YAML"),
        ("current-context: prod", "current-context: a\u{1b}", Kind::BadAddress, "no context `a\\u{1b}`"),
        ("current-context: prod", "current-context: other", Kind::BadAddress, "no context `other`"),
        ("current-context: prod", "", Kind::BadAddress, "current one"),
        ("user: robot", "user: nobody", Kind::BadAddress, "no user `nobody`"),
        ("cluster: prod, ", "", Kind::BadAddress, "no cluster ``"),
    ] {
        let whole = format!("{CLUSTERS}{}", USERS.replace("current-context: ignored", ""));
        assert!(whole.contains(from));
        let path = write(&folder, "config", &whole.replace(from, to));
        let failure = way(&[("kubeconfig", path)], &[], Path::new(NO_POD)).await.err().expect(to);
        assert_eq!(failure.kind, kind, "{to}: {failure}");
        assert!(failure.to_string().contains(said), "{to}: {failure}");
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    }
    let failure =
        way(&[("kubeconfig", "/nowhere/config".into())], &[], Path::new(NO_POD)).await.err().unwrap();
    assert_eq!(failure.kind, Kind::NotFound);
}

#[tokio::test]
async fn a_token_file_comes_before_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let whole = format!("{CLUSTERS}{}", USERS.replace("current-context: ignored", ""));
    let path = write(&folder, "config", &whole.replace("user: robot", "user: file"));
    let way = way(&[("kubeconfig", path)], &[], Path::new(NO_POD)).await.unwrap();
    assert!(matches!(&way.login, Login::TokenFile(path) if *path == folder.path().join("folder/token")));
}

#[tokio::test]
async fn a_kubeconfig_that_everyone_can_change_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let exec = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: login}}";
    let whole = format!("{CLUSTERS}{}", USERS.replace("current-context: ignored", ""));
    let path = write(&folder, "config", &whole.replace("{token: canary-token}", exec));
    let settings = [("kubeconfig", path.clone())];
    assert!(matches!(way(&settings, &[], Path::new(NO_POD)).await.unwrap().login, Login::Exec(_)));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let failure = way(&settings, &[], Path::new(NO_POD)).await.err().unwrap();
    assert_eq!((failure.kind, failure.report.blame), (Kind::Denied, Blame::Hostile), "{failure}");
}
