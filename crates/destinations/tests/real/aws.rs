//! AWS as moto plays it, with signatures and permissions checked.

use std::{collections::BTreeMap, sync::Arc};

use destinations::{Context, How, Outside, Search, ServiceConfig, Services, Wanted};
use model::{
    Clock, Confirmation, Destination, DestinationErrorKind as Kind, Fingerprint, Held, Report, Secret,
    SecretRef, Timestamp,
};

use crate::record::{Entry, entry};

const KINDS: [&str; 2] = ["aws-secrets-manager", "aws-ssm"];

struct Env(BTreeMap<String, String>);

struct SystemClock;

#[async_trait::async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the clock of the tests")]
    fn now(&self) -> Timestamp {
        std::time::SystemTime::now().try_into().unwrap()
    }

    async fn wait_until(&self, _: Timestamp) {
        panic!("nothing waits by this clock");
    }
}

#[async_trait::async_trait]
impl Outside for Env {
    async fn secret(&self, reference: &SecretRef) -> Result<Secret, Report> {
        let SecretRef::Env(name) = reference else { panic!("{reference}") };
        Ok(Secret::new(self.0[name].as_str()))
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        self.0.get(name).map(|value| Secret::new(value.as_str()))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }
}

fn services(kind: &str, settings: &[(&str, &str)], variables: &[(&str, &str)]) -> Arc<Services> {
    let own = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let config = ServiceConfig::new(kind, None, own(settings)).unwrap();
    Arc::new(Services::new(vec![config], Arc::new(Env(own(variables)))))
}

/// As a user of the record, from the environment alone.
fn as_user(moto: &Entry, kind: &str, user: &str, settings: &[(&str, &str)]) -> Arc<Services> {
    let variables = [
        ("AWS_ACCESS_KEY_ID", moto.text(&format!("/{user}/id"))),
        ("AWS_SECRET_ACCESS_KEY", moto.text(&format!("/{user}/secret"))),
        ("AWS_REGION", moto.text("/region")),
        ("AWS_ENDPOINT_URL", moto.url()),
    ];
    services(kind, settings, &variables)
}

fn open(services: Arc<Services>, address: &str) -> Arc<dyn Destination> {
    let context = Context {
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        rotation: None,
        hidden_variables: Vec::new(),
        services,
    };
    destinations::open(&address.parse().unwrap(), &context).unwrap()
}

/// A name that no other run has.
fn name(of: &str) -> String {
    format!("keywright-real/{of}/{}", SystemClock.now().as_nanosecond())
}

fn addresses(of: &str) -> Vec<String> {
    let name = name(of);
    vec![
        format!("aws-secrets-manager:{name}"),
        format!("aws-secrets-manager:{name}-fields#N8N_API_KEY"),
        format!("aws-ssm:/{name}"),
    ]
}

fn kind(address: &str) -> &str {
    address.split_once(':').unwrap().0
}

fn key(name: &str) -> Secret {
    Secret::new(format!("canary-key-{name}-{}", name.repeat(20)))
}

#[tokio::test]
async fn real_aws_takes_confirms_and_gives_back() {
    let Some(moto) = entry("moto") else { return };
    for address in addresses("whole-way") {
        let destination = open(as_user(&moto, kind(&address), "admin", &[]), &address);
        assert_eq!(destination.read().await.unwrap(), Held::Absent, "{address}");
        destination.check().await.unwrap();
        for name in ["one", "two", "two", "three", "one"] {
            destination.deliver(&key(name)).await.unwrap();
            assert_eq!(destination.read().await.unwrap(), Held::Value(key(name)), "{address}");
            let confirmed = destination.confirm(&Fingerprint::of(&key(name))).await.unwrap();
            assert_eq!(confirmed, Confirmation::ReadBack);
            destination.check().await.unwrap();
        }
        let other = destination.confirm(&Fingerprint::of(&key("two"))).await.unwrap_err();
        assert_eq!(other.kind, Kind::NotConfirmed);
        destination.restore(Some(&key("old"))).await.unwrap();
        assert_eq!(destination.read().await.unwrap(), Held::Value(key("old")));
        for _ in 0..2 {
            destination.restore(None).await.unwrap();
            assert_eq!(destination.read().await.unwrap(), Held::Absent, "{address}");
        }
        destination.deliver(&key("again")).await.unwrap();
        assert_eq!(destination.read().await.unwrap(), Held::Value(key("again")), "{address}");
    }
}

#[tokio::test]
async fn real_aws_discards_the_versions_of_dead_keys() {
    let Some(moto) = entry("moto") else { return };
    for address in addresses("discard").iter().filter(|address| !address.starts_with("aws-ssm")) {
        let services = as_user(&moto, kind(address), "admin", &[("old_versions", "destroy")]);
        let destination = open(services, address);
        for name in ["other", "dead", "one"] {
            destination.deliver(&key(name)).await.unwrap();
        }
        let dead = [Fingerprint::of(&key("dead")), Fingerprint::of(&key("one"))];
        let said = destination.discard(&dead).await.unwrap().unwrap();
        assert!(said.contains("1 older version"), "{said}");
        assert_eq!(destination.discard(&dead).await.unwrap(), None);
        assert_eq!(destination.read().await.unwrap(), Held::Value(key("one")));
    }
}

#[tokio::test]
async fn real_aws_names_the_permission_that_is_missing() {
    let Some(moto) = entry("moto") else { return };
    for address in addresses("denied") {
        open(as_user(&moto, kind(&address), "admin", &[]), &address).deliver(&key("old")).await.unwrap();
        let denied = open(as_user(&moto, kind(&address), "denied", &[]), &address);
        let read =
            if address.starts_with("aws-ssm") { "ssm:GetParameter" } else { "secretsmanager:GetSecretValue" };
        for failure in [denied.check().await.unwrap_err(), denied.deliver(&key("one")).await.unwrap_err()] {
            assert_eq!(failure.kind, Kind::Denied, "{failure}");
            let because = failure.report.because.concat();
            assert!(because.contains(&format!("{read} on ")) && because.contains("missing"), "{failure}");
        }
    }
}

#[tokio::test]
async fn real_aws_refuses_a_wrong_signature_and_an_unknown_key() {
    let Some(moto) = entry("moto") else { return };
    let id = moto.text("/allowed/id");
    for (id, because) in [(id, "not that of the access key"), ("AKIAXXXXXXXXXXXXXXXX", "does not know these")]
    {
        let variables = [
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_SECRET_ACCESS_KEY", "canary-canary-canary-canary-canary-canary"),
            ("AWS_REGION", moto.text("/region")),
            ("AWS_ENDPOINT_URL", moto.url()),
        ];
        for kind in KINDS {
            let failure =
                open(services(kind, &[], &variables), &format!("{kind}:none")).read().await.unwrap_err();
            assert_eq!(failure.kind, Kind::Denied, "{failure}");
            assert!(failure.report.because[0].contains(because), "{failure}");
            assert!(!format!("{failure:?}").contains("canary"));
        }
    }
}

#[tokio::test]
async fn real_aws_takes_a_role_and_a_web_identity() {
    let Some(moto) = entry("moto") else { return };
    // What the role may do, and nothing else.
    let role = [("role_arn", moto.text("/role_arn")), ("role_session_name", "real-test")];
    for kind in KINDS {
        let destination = open(as_user(&moto, kind, "admin", &role), &format!("{kind}:keywright-none"));
        match destination.read().await {
            Ok(held) => assert_eq!(held, Held::Absent),
            Err(failure) => panic!("{failure}"),
        }
        let failure =
            open(as_user(&moto, kind, "denied", &role), &format!("{kind}:none")).read().await.unwrap_err();
        assert!(failure.report.because[0].contains("sts:AssumeRole on arn:aws:iam::"), "{failure}");
    }
    let Some(open_moto) = entry("moto_open") else { return };
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "canary.jwt.token\n").unwrap();
    let settings =
        [("web_identity_token_file", token.to_str().unwrap()), ("role_arn", open_moto.text("/role_arn"))];
    let variables = [("AWS_REGION", open_moto.text("/region")), ("AWS_ENDPOINT_URL", open_moto.url())];
    for address in addresses("web-identity") {
        let destination = open(services(kind(&address), &settings, &variables), &address);
        destination.deliver(&key("one")).await.unwrap();
        assert_eq!(destination.read().await.unwrap(), Held::Value(key("one")));
    }
}

#[tokio::test]
async fn real_aws_is_searched() {
    let Some(moto) = entry("moto") else { return };
    for address in addresses("search") {
        let lost = Secret::new(format!("canary-lost-{}", name("key")));
        let services = as_user(&moto, kind(&address), "admin", &[]);
        open(Arc::clone(&services), &address).deliver(&lost).await.unwrap();
        let mut search = Search::new(vec![Wanted { name: "backups".into(), secret: lost }], 10_000);
        services.search(kind(&address), &mut search).await.unwrap();
        let found: Vec<_> = search.found.iter().map(|found| (found.at.clone(), found.how)).collect();
        assert_eq!(found, [(address, How::Holds)], "{:?}", search.left_out);
    }
}

#[tokio::test]
async fn real_aws_lets_the_documented_policy_write_what_is_there() {
    let Some(moto) = entry("moto") else { return };
    for address in addresses("allowed") {
        open(as_user(&moto, kind(&address), "admin", &[]), &address).deliver(&key("old")).await.unwrap();
        let allowed = open(as_user(&moto, kind(&address), "allowed", &[]), &address);
        allowed.check().await.unwrap();
        match allowed.deliver(&key("one")).await {
            Ok(()) => assert_eq!(allowed.read().await.unwrap(), Held::Value(key("one"))),
            Err(failure) => panic!("{failure}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_aws_loses_no_field_to_who_writes_at_the_same_time() {
    let Some(moto) = entry("moto") else { return };
    let secret = format!("aws-secrets-manager:{}", name("race"));
    let writers = ["A", "B", "C"].map(|field| {
        let destination =
            open(as_user(&moto, "aws-secrets-manager", "admin", &[]), &format!("{secret}#{field}"));
        tokio::spawn(async move {
            for round in 0..6 {
                let wanted = key(&format!("{field}{round}"));
                // Given up because of the others, it is tried anew.
                while let Err(failure) = destination.deliver(&wanted).await {
                    assert_eq!(failure.kind, Kind::Changed, "{failure}");
                }
                assert_eq!(destination.read().await.unwrap(), Held::Value(wanted));
            }
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
}
