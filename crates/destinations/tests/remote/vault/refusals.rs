//! What it says where it cannot: mounts, capabilities, nodes that serve nothing.

use std::sync::Arc;

use model::{Destination, DestinationErrorKind as Kind, Retry};

use super::{
    BaoPlace, State, V1Place, V2Place, change,
    engine::Engine,
    places::{Place, version_two},
    policy::Policy,
    writes,
};
use crate::{
    place::{RemotePlace, key, open, open_with, services_of, try_open_at},
    server::{Fault, To},
};

const ADDRESS: &str = "vault:secret/n8n/backups#api_key";
const DATA: &str = "path \"secret/data/n8n/backups\" { capabilities = ";

fn open_as(place: &Place, more: &[(&str, &str)], address: &str) -> Arc<dyn Destination> {
    let mut settings = vec![("url", place.server.url.clone())];
    settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let variables =
        [("VAULT_ADDR", place.server.url.clone()), ("VAULT_TOKEN", "canary-vault-token".to_owned())];
    try_open_at(services_of("vault", settings, &variables), address).unwrap()
}

#[tokio::test]
async fn check_names_what_is_missing() {
    let check = async |rules: &str, old: &str, wanted: Option<&str>| {
        let place = V2Place::start().await;
        if !rules.contains("create") {
            place.put_by_hand("old");
        }
        change(&place.0, |state| state.policy = Policy::parsed(rules));
        let told = open_with(&place, &[("old_versions", old)]).check().await;
        match (told, wanted) {
            (Ok(()), None) => {}
            (Err(failure), Some(wanted)) => {
                assert_eq!(failure.kind, Kind::Denied);
                assert!(failure.report.line().ends_with(wanted), "{failure}");
            }
            (told, _) => panic!("{rules} {told:?}"),
        }
        assert!(writes(&place.0).is_empty(), "it changes nothing");
    };
    check(
        &format!("{DATA}[\"read\"] }}"),
        "keep",
        Some("`patch` or `update` on `secret/data/n8n/backups` is missing"),
    )
    .await;
    check(&format!("{DATA}[\"read\", \"update\"] }}"), "keep", None).await;
    check(&format!("{DATA}[\"read\", \"patch\"] }}"), "keep", None).await;
    check(&format!("{DATA}[\"read\", \"create\"] }}"), "keep", None).await;
    check(
        &format!("{DATA}[\"read\", \"patch\"] }}"),
        "disable",
        Some("`update` on `secret/delete/n8n/backups` is missing"),
    )
    .await;
    check(
        &format!("{DATA}[\"read\", \"patch\"] }}"),
        "destroy",
        Some("`update` on `secret/destroy/n8n/backups` is missing"),
    )
    .await;
    check("path \"secret/*\" { capabilities = [\"root\", \"read\", \"create\"] }", "destroy", None).await;
}

#[tokio::test]
async fn a_token_that_ended_is_told_from_a_missing_capability() {
    let place = V2Place::start().await;
    place.put_by_hand("old");
    let destination = open(&place);
    change(&place.0, |state| {
        state.policy = Policy::parsed("path \"secret/x\" { capabilities = [\"read\"] }");
    });
    let failure = destination.read().await.unwrap_err();
    assert!(failure.report.line().ends_with("`read` on `secret/data/n8n/backups` is missing"), "{failure}");
    place.lock_out();
    let failure = destination.read().await.unwrap_err();
    assert!(failure.report.line().contains("the token has ended or is none, or `read` on"), "{failure}");
}

#[tokio::test]
async fn mounts_are_found_or_told_why_not() {
    let told = async |more: &[(&str, &str)], address: &str, kind: Kind, words: &str| {
        let place = Place::start(version_two()).await;
        let failure = open_as(&place, more, address).read().await.unwrap_err();
        let all = format!("{} {:?}", failure.report.line(), failure.report.mend);
        assert_eq!(failure.kind, kind, "{all}");
        assert!(all.contains(words) && !all.contains("canary"), "{all}");
    };
    told(&[], "vault:nowhere/app#k", Kind::Denied, "nothing is mounted on its way").await;
    told(&[], "vault:pki/app#k", Kind::BadAddress, "a `pki`").await;
    told(&[("namespace", "nix")], ADDRESS, Kind::NotFound, "no namespace `nix`").await;
    let mount = |mount, version| [("mount", mount), ("kv_version", version)];
    told(&mount("other", "2"), ADDRESS, Kind::BadAddress, "`other`").await;
    told(&mount("nowhere", "2"), "vault:nowhere/app#k", Kind::NotFound, "nothing is mounted there").await;
    told(&mount("secret", "1"), ADDRESS, Kind::Denied, "see whether `kv_version` is right").await;
    let place = Place::start(version_two()).await;
    change(&place, |state| state.policy = Policy::parsed("path \"secret/*\" { capabilities = [\"read\"] }"));
    let failure = open_as(&place, &mount("secret", "1"), ADDRESS).read().await.unwrap_err();
    assert!(
        failure.kind == Kind::BadAddress && failure.report.line().contains("not of version 1"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_mount_that_is_set_is_not_asked_for() {
    let place = Place::start(State { tells_mounts: false, ..version_two() }).await;
    let destination = open_as(&place, &[("mount", "secret/"), ("kv_version", "2")], ADDRESS);
    destination.deliver(&key("one")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("one").expose()));
    place.server.assert_clean();
}

#[tokio::test]
async fn version_one_is_not_taken_for_version_two() {
    let place = V1Place::start().await;
    place.put_by_hand("old");
    change(&place.0, |state| {
        state.policy =
            Policy::parsed("path \"secret/*\" { capabilities = [\"create\", \"read\", \"delete\"] }");
    });
    let set = [("mount", "secret"), ("kv_version", "2")];
    let failure = open_with(&place, &set).deliver(&key("one")).await.unwrap_err();
    assert_eq!((failure.kind, failure.report.retry), (Kind::BadAddress, Retry::AfterFix), "{failure}");
    assert!(failure.report.line().ends_with("what was written was taken out again"), "{failure}");
    let Engine::One(secrets) = &place.0.vault.0.lock().unwrap().mounts["secret"] else { panic!() };
    assert_eq!(secrets.keys().collect::<Vec<_>>(), ["n8n/backups"], "nothing is left");
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_has_version_one() {
    let place = V1Place::start().await;
    change(&place.0, |state| state.tells_mounts = false);
    let around = {
        place.put_by_hand("old");
        place.surroundings()
    };
    open(&place).deliver(&key("one")).await.unwrap();
    assert_eq!((place.look().as_deref(), place.surroundings()), (Some(key("one").expose()), around));
}

#[tokio::test]
async fn sealed_and_standby_are_told() {
    let place = V2Place::start().await;
    let destination = open(&place);
    let told = async |words: &str| {
        let failure = destination.read().await.unwrap_err();
        assert_eq!(failure.kind, Kind::Failed);
        assert!(matches!(failure.report.retry, Retry::Later(_)));
        let all = format!("{} {:?}", failure.report.line(), failure.report.mend);
        assert!(all.contains(words), "{all}");
    };
    change(&place.0, |state| state.sealed = true);
    told("it is sealed [\"unseal it: `vault operator unseal`\"]").await;
    change(&place.0, |state| (state.sealed, state.serves_nothing) = (false, Some(472)));
    told("a secondary for disaster recovery").await;
    change(&place.0, |state| state.serves_nothing = Some(473));
    told("it is a standby").await;
    change(&place.0, |state| state.serves_nothing = None);
    place.server().fail(To::All, Fault::Status(500));
    told("see the service's own status and log").await;
}

#[tokio::test]
async fn a_missing_capability_of_openbao_is_told_with_its_namespace() {
    let place = BaoPlace::start().await;
    place.forbid();
    let failure = open(&place).deliver(&key("one")).await.unwrap_err();
    let wanted = "`create` on `secret/data/n8n/backups` in namespace `team-a/eu` is missing";
    assert!(failure.report.line().ends_with(wanted), "{failure}");
}
