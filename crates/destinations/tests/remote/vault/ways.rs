//! Ways to a token, and settings that do not go together.

use std::{collections::BTreeMap, fs, sync::Arc};

use destinations::ServiceConfig;
use model::{DestinationErrorKind as Kind, Held};

use super::{
    BaoPlace, State,
    places::{Place, version_two},
};
use crate::place::{RemotePlace, key, open, services_of, try_open_at};

const ADDRESS: &str = "vault:secret/n8n/backups#api_key";

fn settings(place: &Place, more: &[(&'static str, String)]) -> Vec<(&'static str, String)> {
    let mut settings = vec![("url", place.server.url.clone())];
    settings.extend_from_slice(more);
    settings
}

#[tokio::test]
async fn a_login_is_kept_until_its_lease_ends() {
    let place = BaoPlace::start().await;
    let destination = open(&place);
    for _ in 0..3 {
        destination.read().await.unwrap();
    }
    let logins = || place.0.vault.0.lock().unwrap().logins;
    assert_eq!(logins(), 1);
    // It was revoked: once more is enough, and nothing is lost.
    place.0.vault.0.lock().unwrap().tokens.clear();
    destination.deliver(&key("one")).await.unwrap();
    assert_eq!((logins(), place.look().as_deref()), (2, Some(key("one").expose())));
    // A lease that is over as soon as it begins is not used for another call.
    place.0.vault.0.lock().unwrap().lease = 10;
    place.0.vault.0.lock().unwrap().tokens.clear();
    destination.read().await.unwrap();
    let before = logins();
    destination.read().await.unwrap();
    assert_eq!(logins(), before + 1);
    place.server().assert_clean();
}

#[tokio::test]
async fn kubernetes_logs_in_with_the_token_of_the_file() {
    let state = State { role: Some(("keywright".into(), "canary-jwt".into())), ..version_two() };
    let place = Place::start(state).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let more = [
        ("kubernetes_role", "keywright".to_owned()),
        ("kubernetes_token_file", file.to_str().unwrap().to_owned()),
        ("auth_mount", "k8s-eu".to_owned()),
    ];
    let destination = try_open_at(services_of("vault", settings(&place, &more), &[]), ADDRESS).unwrap();
    let failure = destination.read().await.unwrap_err();
    assert!(failure.kind == Kind::Denied && failure.report.line().contains("is not there"), "{failure}");
    fs::write(&file, "canary-other").unwrap();
    let failure = destination.read().await.unwrap_err();
    assert_eq!(failure.kind, Kind::Denied);
    assert!(failure.report.line().contains("the role or the service account's token"), "{failure}");
    fs::write(&file, "canary-jwt\n").unwrap();
    assert_eq!(destination.read().await.unwrap(), Held::Absent);
    place.server.assert_clean();
}

#[tokio::test]
async fn a_token_comes_from_a_file_that_is_read_for_each_call() {
    let place = Place::start(version_two()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sink");
    let more = [("token_file", file.to_str().unwrap().to_owned())];
    let destination = try_open_at(services_of("vault", settings(&place, &more), &[]), ADDRESS).unwrap();
    fs::write(&file, "canary-vault-token\n").unwrap();
    destination.read().await.unwrap();
    fs::write(&file, "canary-ended").unwrap();
    assert_eq!(destination.read().await.unwrap_err().kind, Kind::Denied);
    // It is renewed while a call is under way.
    let (sink, vault) = (file.clone(), Arc::clone(&place.vault));
    fs::write(&file, "canary-vault-token").unwrap();
    place.server.before_write(move || {
        fs::write(sink, "canary-renewed").unwrap();
        vault.0.lock().unwrap().tokens = ["canary-renewed".to_owned()].into();
    });
    destination.deliver(&key("one")).await.unwrap();
    fs::remove_file(&file).unwrap();
    assert!(destination.read().await.unwrap_err().report.line().contains("is not there, or empty"));
}

#[tokio::test]
async fn the_environment_alone_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".vault-token"), "canary-vault-token").unwrap();
    for (kind, prefix) in [("vault", "VAULT"), ("openbao", "BAO"), ("openbao", "VAULT")] {
        let place = Place::start(State { namespace: Some("team".into()), ..version_two() }).await;
        let address = format!("{kind}:secret/n8n/backups#api_key");
        let variable = |name: &str| format!("{prefix}_{name}");
        let (addr, namespace, token) = (variable("ADDR"), variable("NAMESPACE"), variable("TOKEN"));
        let both = [(addr.as_str(), place.server.url.clone()), (namespace.as_str(), "/team/".to_owned())];
        let of = |more: (&str, String)| {
            let mut variables = both.to_vec();
            variables.push(more);
            let variables: Vec<(&str, String)> = variables;
            try_open_at(services_of(kind, [], &variables), &address).unwrap()
        };
        of((token.as_str(), "canary-vault-token".to_owned())).deliver(&key("one")).await.unwrap();
        let home = folder.path().to_str().unwrap().to_owned();
        assert_eq!(of(("HOME", home)).read().await.unwrap(), Held::Value(key("one")));
        let failure = of(("HOME", "/nowhere".into())).read().await.unwrap_err();
        assert!(failure.kind == Kind::Denied && !failure.report.mend.is_empty(), "{failure}");
        place.server.assert_clean();
    }
}

#[test]
fn a_certificate_of_the_environment_is_used() {
    let variables = [
        ("VAULT_ADDR", "https://127.0.0.1:9".to_owned()),
        ("VAULT_TOKEN", "canary".to_owned()),
        ("VAULT_CACERT", "/nowhere/ca.pem".to_owned()),
    ];
    let destination = try_open_at(services_of("vault", [], &variables), ADDRESS).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let failure = runtime.block_on(destination.read()).unwrap_err();
    assert!(failure.report.line().contains("/nowhere/ca.pem"), "{failure}");
}

#[test]
fn settings_that_do_not_go_together_are_told() {
    let faults = |settings: &[(&str, &str)]| -> Vec<String> {
        let values: BTreeMap<String, String> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let faults = ServiceConfig::new("vault", None, values).err().unwrap_or_default();
        faults.into_iter().map(|fault| fault.setting).collect()
    };
    assert_eq!(faults(&[("token", "env:A"), ("role_id", "r"), ("secret_id", "env:B")]), ["role_id"]);
    assert_eq!(faults(&[("role_id", "r")]), ["role_id"]);
    assert_eq!(faults(&[("kv_version", "2")]), ["kv_version"]);
    assert_eq!(faults(&[("mount", "secret"), ("kv_version", "3")]), ["kv_version"]);
    assert_eq!(faults(&[("old_versions", "delete")]), ["old_versions"]);
    assert_eq!(faults(&[("kubernetes_role", "r"), ("kubernetes_token_file", "/t")]), [""; 0]);
    for alone in [("auth_mount", "x"), ("auth_namespace", "x"), ("kubernetes_token_file", "/x")] {
        assert_eq!(faults(&[alone]), [""], "{alone:?}");
    }
    assert_eq!(faults(&[("token", "env:A"), ("auth_mount", "x")]), [""]);
}
