//! KV version 2 on `OpenBao`, by the policies of the documentation, which are given to a token of each test.

use destinations::{How, Search, Wanted};
use model::{Confirmation, DestinationErrorKind as Kind, Fingerprint, Held};
use serde_json::{Value, json};

use crate::{
    own::Own,
    record::entry,
    vault::{call, key, open, services},
};

#[tokio::test]
async fn real_openbao_holds_a_key_beside_other_fields() {
    let Some(server) = entry("openbao") else { return };
    let own = Own::new(server, "fields", "2", &["Version 2:"]).await;
    let rules =
        format!("path \"{}\" {{ capabilities = [\"create\", \"read\", \"update\"] }}", own.api("data"));
    let services = own.services(&[]);
    let destination = open(&services, &own.address());
    assert_eq!(destination.read().await.unwrap(), Held::Absent);
    destination.check().await.unwrap();
    destination.deliver(&key("first")).await.unwrap();
    destination.restore(None).await.unwrap();
    assert_eq!(own.now().await, (json!({}), 2));
    let by_hand = json!({"api_key": "old", "other": "kept", "n": 5, "list": [1.5, null]});
    own.root("POST", &own.api("data"), json!({"data": by_hand})).await;
    let metadata = json!({"custom_metadata": {"owner": "ops"}, "cas_required": true});
    own.root("POST", &own.api("metadata"), metadata).await;
    // By a patch, and without the capability for it.
    for (name, version) in [("one", 4), ("two", 5)] {
        destination.check().await.unwrap();
        destination.deliver(&key(name)).await.unwrap();
        let wanted = json!({"api_key": key(name).expose(), "other": "kept", "n": 5, "list": [1.5, null]});
        assert_eq!(own.now().await, (wanted, version));
        assert_eq!(destination.confirm(&Fingerprint::of(&key(name))).await, Ok(Confirmation::ReadBack));
        own.allow(&rules).await;
    }
    destination.restore(None).await.unwrap();
    assert_eq!(own.now().await, (json!({"other": "kept", "n": 5, "list": [1.5, null]}), 6));
    let metadata = own.root("GET", &own.api("metadata"), Value::Null).await;
    assert_eq!(metadata["data"]["custom_metadata"], json!({"owner": "ops"}));
    own.end().await;
}

#[tokio::test]
async fn real_openbao_loses_no_change_in_between() {
    let Some(server) = entry("openbao") else { return };
    let own = Own::new(server, "race", "2", &["Version 2:"]).await;
    // A patch leaves the other fields alone by itself; here all are written.
    let rules =
        format!("path \"{}\" {{ capabilities = [\"create\", \"read\", \"update\"] }}", own.api("data"));
    own.allow(&rules).await;
    let services = own.services(&[]);
    let write = async |field: &str| {
        let destination = open(&services, &format!("openbao:{}/n8n/backups#{field}", own.name));
        let mut refused = 0;
        for number in 0..20 {
            while let Err(failure) = destination.deliver(&key(&format!("{field}{number}"))).await {
                assert_eq!(failure.kind, Kind::Changed, "{failure}");
                refused += 1;
            }
        }
        refused
    };
    tokio::join!(write("a"), write("b"), write("c"));
    let wanted: Value = ["a", "b", "c"]
        .map(|field| (field.to_owned(), json!(key(&format!("{field}19")).expose())))
        .into_iter()
        .collect();
    assert_eq!(own.now().await, (wanted, 60), "a version for each delivery, and no field is lost");
    own.end().await;
}

#[tokio::test]
async fn real_openbao_gives_a_deleted_secret_its_next_version() {
    let Some(server) = entry("openbao") else { return };
    let own = Own::new(server, "deleted", "2", &["Version 2:"]).await;
    let services = own.services(&[]);
    let destination = open(&services, &own.address());
    destination.deliver(&key("one")).await.unwrap();
    own.root("DELETE", &own.api("data"), Value::Null).await;
    assert_eq!(destination.read().await.unwrap(), Held::Absent);
    destination.check().await.unwrap();
    destination.deliver(&key("two")).await.unwrap();
    own.root("PUT", &own.api("destroy"), json!({"versions": [2]})).await;
    assert_eq!(destination.read().await.unwrap(), Held::Absent);
    destination.deliver(&key("three")).await.unwrap();
    assert_eq!(own.now().await, (json!({"api_key": key("three").expose()}), 3));
    own.end().await;
}

#[tokio::test]
async fn real_openbao_discards_versions_with_a_dead_key() {
    for (way, mark, flag) in [
        ("disable", "`old_versions = \"disable\"`:", "deletion_time"),
        ("destroy", "`old_versions = \"destroy\"`:", "destroyed"),
    ] {
        let Some(server) = entry("openbao") else { return };
        let own = Own::new(server, way, "2", &["Version 2:", mark]).await;
        let services = own.services(&[("old_versions", way)]);
        let destination = open(&services, &own.address());
        for name in ["dead", "kept", "dead", "new"] {
            destination.deliver(&key(name)).await.unwrap();
        }
        destination.check().await.unwrap();
        let dead = [Fingerprint::of(&key("dead")), Fingerprint::of(&key("new"))];
        let said = destination.discard(&dead).await.unwrap().unwrap();
        assert!(said.ends_with("versions 1, 3"), "{said}");
        assert_eq!(destination.discard(&dead).await, Ok(None));
        let versions = own.root("GET", &own.api("metadata"), Value::Null).await["data"]["versions"].take();
        for (version, gone) in [("1", true), ("2", false), ("3", true), ("4", false)] {
            let is = &versions[version][flag];
            assert_eq!(*is != json!("") && *is != json!(false), gone, "{version} {versions}");
        }
        own.end().await;
    }
}

#[tokio::test]
async fn real_openbao_names_what_is_missing() {
    let Some(server) = entry("openbao") else { return };
    let own = Own::new(server, "missing", "2", &["Version 2:"]).await;
    let destination = open(&own.services(&[]), &own.address());
    destination.deliver(&key("one")).await.unwrap();
    let set = [("mount", own.name.as_str()), ("kv_version", "2"), ("old_versions", "destroy")];
    let failure = open(&own.services(&set), &own.address()).check().await.unwrap_err();
    assert!(
        failure.report.line().ends_with(&format!("`update` on `{}` is missing", own.api("destroy"))),
        "{failure}"
    );
    own.allow(&format!("path \"{}\" {{ capabilities = [\"read\"] }}", own.api("data"))).await;
    for (failure, capability) in [
        (destination.check().await.unwrap_err(), "`patch` or `update`"),
        (destination.deliver(&key("two")).await.unwrap_err(), "`update`"),
    ] {
        assert_eq!(failure.kind, Kind::Denied);
        let wanted = format!("{capability} on `{}` is missing", own.api("data"));
        assert!(failure.report.line().ends_with(&wanted), "{failure}");
    }
    let failure = open(&own.services(&[]), "openbao:nowhere/x#k").read().await.unwrap_err();
    assert!(failure.report.line().ends_with("both are answered alike"), "{failure}");
    let failure = open(&own.services(&[("namespace", "nix")]), &own.address()).read().await.unwrap_err();
    assert!(matches!(failure.kind, Kind::NotFound | Kind::Denied), "{failure}");
    println!("{failure}");
    let set = [("mount", own.name.as_str()), ("kv_version", "1")];
    let failure = open(&own.services(&set), &own.address()).read().await.unwrap_err();
    assert_eq!(failure.kind, Kind::Denied, "{failure}");
    own.root("POST", "auth/token/revoke", json!({"token": own.token})).await;
    let failure = destination.read().await.unwrap_err();
    assert!(
        failure.kind == Kind::Denied && failure.report.line().contains("the token has ended or is none"),
        "{failure}"
    );
    own.end().await;
}

#[tokio::test]
async fn real_openbao_logs_in_by_role_and_anew_when_that_ended() {
    let Some(server) = entry("openbao") else { return };
    let own = Own::new(server, "role", "2", &["Version 2:"]).await;
    let mount = format!("auth/{}", own.name);
    own.root("POST", &format!("sys/{mount}"), json!({"type": "approle"})).await;
    let role = json!({"token_policies": [own.name], "token_ttl": "20m"});
    own.root("POST", &format!("{mount}/role/keywright"), role).await;
    let id = own.root("GET", &format!("{mount}/role/keywright/role-id"), Value::Null).await;
    let secret = own.root("POST", &format!("{mount}/role/keywright/secret-id"), json!({})).await;
    let id = id["data"]["role_id"].as_str().unwrap();
    let settings = [("role_id", id), ("secret_id", "env:SECRET_ID"), ("auth_mount", own.name.as_str())];
    let variable = [("SECRET_ID", secret["data"]["secret_id"].as_str().unwrap())];
    let destination = open(&services(&own.server, "openbao", &settings, &variable), &own.address());
    destination.deliver(&key("one")).await.unwrap();
    // All that was logged in by it.
    own.root("POST", &format!("sys/leases/revoke-prefix/{mount}/login"), json!({"sync": true})).await;
    destination.deliver(&key("two")).await.unwrap();
    assert_eq!(own.now().await.1, 2);
    let wrong = services(&own.server, "openbao", &settings, &[("SECRET_ID", "canary")]);
    let failure = open(&wrong, &own.address()).read().await.unwrap_err();
    assert!(failure.report.line().contains("does not accept the role id or the secret id"), "{failure}");
    own.root("DELETE", &format!("sys/{mount}"), Value::Null).await;
    own.end().await;
}

#[tokio::test]
async fn real_openbao_is_looked_through() {
    for (version, mark, data) in [("2", "searched, version 2:", "data/"), ("1", "searched, version 1:", "")] {
        let Some(server) = entry("openbao") else { return };
        let own = Own::new(server, &format!("search{version}"), version, &[mark]).await;
        let body = json!({"api_key": key("lost").expose(), "n": 1});
        let body = if version == "2" { json!({"data": body}) } else { body };
        for path in ["a", "a/b", "deep/er/odd%20%23%25"] {
            own.root("POST", &format!("{}/{data}{path}", own.name), body.clone()).await;
        }
        let mut search = Search::new(vec![Wanted { name: "backups".into(), secret: key("lost") }], 1000);
        own.services(&[]).search("openbao", &mut search).await.unwrap();
        let found: Vec<_> = search.found.iter().map(|found| (found.at.clone(), found.how)).collect();
        let wanted = ["a", "a/b", "deep/er/odd %23%25"]
            .map(|path| (format!("openbao:{}/{path}#api_key", own.name), How::Holds));
        assert_eq!(found, wanted, "{:?}", search.left_out);
        assert_eq!(search.left_out, [""; 0]);
        own.end().await;
    }
}

#[tokio::test]
async fn real_openbao_has_version_one_too() {
    let Some(server) = entry("openbao") else { return };
    let own = Own::new(server, "one", "1", &["Version 1:"]).await;
    let place = format!("{}/n8n/backups", own.name);
    let destination = open(&own.services(&[]), &own.address());
    destination.check().await.unwrap();
    destination.deliver(&key("one")).await.unwrap();
    destination.restore(None).await.unwrap();
    assert_eq!(call(&own.server, "GET", &place, None).await.0, 404);
    own.root("POST", &place, json!({"other": "kept", "n": 5})).await;
    destination.check().await.unwrap();
    destination.deliver(&key("two")).await.unwrap();
    let now = own.root("GET", &place, Value::Null).await;
    assert_eq!(now["data"], json!({"api_key": key("two").expose(), "other": "kept", "n": 5}));
    // A wrong version that is set writes nothing that stays.
    own.allow(&format!(
        "path \"{}/*\" {{ capabilities = [\"create\", \"read\", \"update\", \"delete\"] }}",
        own.name
    ))
    .await;
    let set = [("mount", own.name.as_str()), ("kv_version", "2")];
    let failure = open(&own.services(&set), &own.address()).deliver(&key("one")).await.unwrap_err();
    assert!(failure.report.line().ends_with("what was written was taken out again"), "{failure}");
    assert_eq!(call(&own.server, "GET", &own.api("data"), None).await.0, 404);
    own.end().await;
}

#[tokio::test]
async fn real_openbao_logs_in_at_one_namespace_for_another() {
    let Some(server) = entry("openbao") else { return };
    let own = Own::new(server, "spaces", "2", &["Version 2:"]).await;
    // It is logged in at the top; the secret is in a namespace below.
    let space = format!("{}-below", own.name);
    let space = space.as_str();
    own.root("POST", &format!("sys/namespaces/{space}"), json!({})).await;
    own.root("POST", &format!("{space}/sys/mounts/kv"), json!({"type": "kv"})).await;
    own.allow(&format!("path \"{space}/kv/n8n\" {{ capabilities = [\"create\", \"read\"] }}")).await;
    let mount = format!("auth/{}", own.name);
    own.root("POST", &format!("sys/{mount}"), json!({"type": "approle"})).await;
    own.root("POST", &format!("{mount}/role/keywright"), json!({"token_policies": [own.name]})).await;
    let id = own.root("GET", &format!("{mount}/role/keywright/role-id"), Value::Null).await;
    let secret = own.root("POST", &format!("{mount}/role/keywright/secret-id"), json!({})).await;
    let settings = [
        ("role_id", id["data"]["role_id"].as_str().unwrap()),
        ("secret_id", "env:SECRET_ID"),
        ("auth_mount", own.name.as_str()),
        ("auth_namespace", "/"),
        ("namespace", space),
    ];
    let variable = [("SECRET_ID", secret["data"]["secret_id"].as_str().unwrap())];
    let destination = open(&services(&own.server, "openbao", &settings, &variable), "openbao:kv/n8n#api_key");
    destination.check().await.unwrap();
    destination.deliver(&key("one")).await.unwrap();
    let now = own.root("GET", &format!("{space}/kv/n8n"), Value::Null).await;
    assert_eq!(now["data"], json!({"api_key": key("one").expose()}));
    let failure = destination.deliver(&key("two")).await.unwrap_err();
    let wanted = format!("`update` on `kv/n8n` in namespace `{space}` is missing");
    assert!(failure.report.line().ends_with(&wanted), "{failure}");
    own.root("DELETE", &format!("{space}/sys/mounts/kv"), Value::Null).await;
    own.root("DELETE", &format!("sys/namespaces/{space}"), Value::Null).await;
    own.root("DELETE", &format!("sys/{mount}"), Value::Null).await;
    own.end().await;
}
