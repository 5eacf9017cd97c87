//! KV version 1 on `RustyVault`, by token and by `AppRole`. It has no policies, and cannot be asked for a path's mount.

use destinations::{How, Search, Wanted};
use model::{Confirmation, DestinationErrorKind as Kind, Fingerprint, Held};
use serde_json::json;

use crate::{
    record::entry,
    vault::{call, key, open, services},
};

/// A path of this process alone.
fn place(mount: &str, name: &str) -> String {
    format!("{mount}/real-{}/{name} #%é", std::process::id())
}

/// As it is written in an address, and in a URL.
fn written(place: &str) -> (String, String) {
    let encoded = place.replace('%', "%25").replace('#', "%23");
    let url = encoded.replace(' ', "%20").replace('é', "%C3%A9");
    (encoded, url)
}

#[tokio::test]
async fn real_rusty_vault_holds_a_key_beside_other_fields() {
    let Some(server) = entry("rusty_vault") else { return };
    let by_token = services(&server, "vault", &[], &[("VAULT_TOKEN", server.text("/token"))]);
    let secret_id = [("SECRET_ID", server.text("/approle/secret_id"))];
    let role = [("role_id", server.text("/approle/role_id")), ("secret_id", "env:SECRET_ID")];
    let by_role = services(&server, "vault", &role, &secret_id);
    let named = [role[0], role[1], ("auth_mount", server.text("/approle/mount"))];
    let by_role_in_mount = services(&server, "vault", &named, &secret_id);
    for (way, services) in [("token", by_token), ("role", by_role), ("mount", by_role_in_mount)] {
        for mount in [server.text("/mounts/0"), server.text("/mounts/1")] {
            let (address, url) = written(&place(mount, way));
            let destination = open(&services, &format!("vault:{address}#api_key"));
            assert_eq!(destination.read().await.unwrap(), Held::Absent, "{address}");
            destination.check().await.unwrap();
            let by_hand = json!({"api_key": "old", "other": "kept", "n": 5, "list": [1, null]});
            assert_eq!(call(&server, "POST", &url, Some(by_hand)).await.0, 204);
            for name in ["one", "two"] {
                destination.deliver(&key(name)).await.unwrap();
            }
            let wanted = json!({"api_key": key("two").expose(), "other": "kept", "n": 5, "list": [1, null]});
            assert_eq!(call(&server, "GET", &url, None).await.1["data"], wanted);
            let confirmed = destination.confirm(&Fingerprint::of(&key("two"))).await;
            assert_eq!(confirmed, Ok(Confirmation::ReadBack));
            let failure = destination.confirm(&Fingerprint::of(&key("one"))).await.unwrap_err();
            assert_eq!(failure.kind, Kind::NotConfirmed);
            destination.restore(None).await.unwrap();
            let wanted = json!({"other": "kept", "n": 5, "list": [1, null]});
            assert_eq!(call(&server, "GET", &url, None).await.1["data"], wanted);
            assert_eq!(call(&server, "DELETE", &url, None).await.0, 204);
        }
    }
}

#[tokio::test]
async fn real_rusty_vault_has_nothing_left_of_an_undone_first_delivery() {
    let Some(server) = entry("rusty_vault") else { return };
    let set = [("mount", "secret"), ("kv_version", "1")];
    let services = services(&server, "vault", &set, &[("VAULT_TOKEN", server.text("/token"))]);
    let (address, url) = written(&place("secret", "undone"));
    let destination = open(&services, &format!("vault:{address}#api_key"));
    destination.deliver(&key("one")).await.unwrap();
    assert_eq!(call(&server, "GET", &url, None).await.0, 200);
    for _ in 0..2 {
        destination.restore(None).await.unwrap();
        assert_eq!(call(&server, "GET", &url, None).await.0, 404);
    }
}

#[tokio::test]
async fn real_rusty_vault_is_not_taken_for_version_two() {
    let Some(server) = entry("rusty_vault") else { return };
    let set = [("mount", "secret"), ("kv_version", "2")];
    let services = services(&server, "vault", &set, &[("VAULT_TOKEN", server.text("/token"))]);
    let name = format!("real-{}-two", std::process::id());
    let failure =
        open(&services, &format!("vault:secret/{name}#api_key")).deliver(&key("one")).await.unwrap_err();
    // Its 404 has no body: nothing was written at all.
    assert_eq!(failure.kind, Kind::NotFound, "{failure}");
    assert!(failure.report.line().ends_with("no KV engine of version 2 answers so"), "{failure}");
    for place in [format!("secret/data/{name}"), format!("secret/{name}")] {
        assert_eq!(call(&server, "GET", &place, None).await.0, 404, "{place}");
    }
}

#[tokio::test]
async fn real_rusty_vault_refuses_what_does_not_log_in() {
    let Some(server) = entry("rusty_vault") else { return };
    let role = [("role_id", server.text("/approle/role_id")), ("secret_id", "env:SECRET_ID")];
    let wrong_secret = services(&server, "vault", &role, &[("SECRET_ID", "canary")]);
    let wrong_token = services(&server, "vault", &[], &[("VAULT_TOKEN", "canary")]);
    let right_token = services(&server, "vault", &[], &[("VAULT_TOKEN", server.text("/token"))]);
    for (services, place, kind, words) in [
        (wrong_secret, "secret/real-none", Kind::Denied, "it does not accept the role id or the secret id"),
        (wrong_token, "secret/real-none", Kind::Denied, "the token has ended or is none"),
        (right_token, "nowhere/real-none", Kind::NotFound, "nothing is mounted there"),
    ] {
        for failure in [
            open(&services, &format!("vault:{place}#api_key")).read().await.unwrap_err(),
            open(&services, &format!("vault:{place}#api_key")).deliver(&key("one")).await.unwrap_err(),
        ] {
            assert_eq!(failure.kind, kind, "{failure}");
            let line = failure.report.line();
            assert!(line.contains(words) && !line.contains("canary"), "{line}");
        }
    }
}

#[tokio::test]
async fn real_rusty_vault_is_looked_through() {
    let Some(server) = entry("rusty_vault") else { return };
    let lost = key(&format!("lost-{}", std::process::id()));
    let mut wanted = Vec::new();
    for mount in [server.text("/mounts/0"), server.text("/mounts/1")] {
        let (address, url) = written(&place(mount, "deep/er/lost"));
        let body = json!({"api_key": lost.expose(), "other": "x"});
        assert_eq!(call(&server, "POST", &url, Some(body)).await.0, 204);
        wanted.push((format!("vault:{address}#api_key"), How::Holds));
    }
    let services = services(&server, "vault", &[], &[("VAULT_TOKEN", server.text("/token"))]);
    let mut search = Search::new(vec![Wanted { name: "backups".into(), secret: lost }], 10_000);
    services.search("vault", &mut search).await.unwrap();
    let found: Vec<_> = search.found.iter().map(|found| (found.at.clone(), found.how)).collect();
    assert_eq!(found, wanted, "{:?}", search.left_out);
    for mount in [server.text("/mounts/0"), server.text("/mounts/1")] {
        call(&server, "DELETE", &written(&place(mount, "deep/er/lost")).1, None).await;
    }
}
