//! Logging in as a `kubeconfig` says, and anew when a login has ended.

use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc};

use destinations::{Search, Services, Wanted};
use model::{Destination, DestinationErrorKind as Kind};

use super::{KubernetesPlace, api::TOKEN};
use crate::place::{RemotePlace, key, open_at, services_of};

type Place = KubernetesPlace<false>;

/// The service, by a `kubeconfig` with that cluster and user.
fn services(folder: &tempfile::TempDir, cluster: &str, user: &str) -> Arc<Services> {
    let path = folder.path().join("config");
    let text = format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u, namespace: backups}}}}]\nclusters: [{{name: c, cluster: {{{cluster}}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\n"
    );
    fs::write(&path, text).unwrap();
    services_of("kubernetes", [("kubeconfig", path.display().to_string())], &[])
}

fn open(place: &Place, folder: &tempfile::TempDir, cluster: &str, user: &str) -> Arc<dyn Destination> {
    open_at(services(folder, cluster, user), &place.address())
}

fn turn_token(place: &Place, token: &str) {
    place.api.0.lock().unwrap().token = token.to_owned();
}

#[tokio::test]
async fn a_token_that_was_turned_in_its_file_is_read_again() {
    let (place, folder) = (Place::start().await, tempfile::tempdir().unwrap());
    let token = folder.path().join("token");
    fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let destination = open(&place, &folder, &format!("server: '{}'", place.server.url), "tokenFile: token");
    destination.deliver(&key("one")).await.unwrap();
    turn_token(&place, "canary-turned");
    fs::write(&token, "canary-turned").unwrap();
    destination.deliver(&key("two")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("two").expose()));
    place.server().assert_clean();
}

#[tokio::test]
async fn a_plugin_runs_once_and_again_when_its_token_is_refused() {
    let (place, folder) = (Place::start().await, tempfile::tempdir().unwrap());
    let path = folder.path().join("login");
    let answer = "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"'$(cat token)'\"}}";
    let script = format!("#!/bin/sh\ncd {}\necho run >> runs\necho '{answer}'\n", folder.path().display());
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("token"), TOKEN).unwrap();
    let user = "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login}";
    let destination = open(&place, &folder, &format!("server: '{}'", place.server.url), user);
    let runs = || fs::read_to_string(folder.path().join("runs")).unwrap().lines().count();
    // Those who come together share one login.
    let (read, checked) = tokio::join!(destination.read(), destination.check());
    read.unwrap();
    checked.unwrap();
    destination.deliver(&key("one")).await.unwrap();
    assert_eq!(runs(), 1);
    turn_token(&place, "canary-turned");
    fs::write(folder.path().join("token"), "canary-turned").unwrap();
    destination.deliver(&key("two")).await.unwrap();
    assert_eq!(runs(), 2);
    // One that stays refused is refused, and not asked for again and again.
    turn_token(&place, "canary-another");
    let failure = destination.read().await.unwrap_err();
    assert_eq!((failure.kind, runs()), (Kind::Denied, 3), "{failure}");
    place.server().assert_clean();
}

#[tokio::test]
async fn certificates_of_a_kubeconfig_are_used() {
    let (place, folder) = (Place::start().await, tempfile::tempdir().unwrap());
    let server = place.server.url.replace("http://", "https://");
    for (cluster, user, said) in [
        ("certificate-authority-data: Y2FuYXJ5", "token: canary-x", "`ca` of service"),
        ("proxy-url: 'socks5://canary.example.com'", "token: canary-x", "`proxy` of service"),
        (
            "",
            "client-certificate-data: Y2FuYXJ5, client-key-data: Y2FuYXJ5",
            "`client_certificate` of service",
        ),
    ] {
        let cluster = format!("server: '{server}', {cluster}");
        let failure = open(&place, &folder, cluster.trim_end_matches(", "), user).read().await.unwrap_err();
        assert_eq!(failure.kind, Kind::Denied, "{failure}");
        assert!(failure.to_string().contains(said), "{failure}");
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    }
    assert!(place.server().seen().is_empty());
}

#[tokio::test]
async fn a_search_falls_back_to_the_namespace_of_the_context() {
    let (place, folder) = (Place::start().await, tempfile::tempdir().unwrap());
    place.put_by_hand(key("lost").expose());
    place.api.0.lock().unwrap().cluster_wide = false;
    let services = services(&folder, &format!("server: '{}'", place.server.url), &format!("token: {TOKEN}"));
    let wanted = Wanted { name: "backups".into(), secret: key("lost") };
    let mut search = Search::new(vec![wanted], 100);
    services.search("kubernetes", &mut search).await.unwrap();
    let found: Vec<_> = search.found.iter().map(|found| found.at.clone()).collect();
    assert_eq!(found, [place.address()]);
    // What could not be looked through is told.
    assert!(search.left_out.iter().any(|line| line.contains("all namespaces")), "{search:?}");
    place.server().assert_clean();
}
