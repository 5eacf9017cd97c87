//! Services that were taken over: they answer what they like, as much of it as they like, for as long as they like.

use std::{collections::BTreeMap, sync::Arc};

use destinations::{How, Search, Services, Wanted};
use model::{Blame, DestinationErrorKind as Kind, Fingerprint, Secret};
use serde_json::{Value, json};

use crate::{
    place::{key, open_at, services_of},
    server::{Fault, Reply, Seen, Server, Shape, To},
};

/// Answers by what it was told.
struct Script<F>(F);

impl<F: Fn(&Seen) -> Value + Send + Sync + 'static> Shape for Script<F> {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        Ok(Reply::json(200, &(self.0)(seen)))
    }
}

async fn aws(
    kind: &str,
    answer: impl Fn(&str, Value) -> Value + Send + Sync + 'static,
) -> (Server, Arc<Services>) {
    let script = Script(move |seen: &Seen| {
        let action = seen.header("x-amz-target").unwrap().rsplit_once('.').unwrap().1.to_owned();
        answer(&action, serde_json::from_slice(&seen.body).unwrap())
    });
    let server = Server::start(Arc::new(script)).await;
    let variables = [
        ("AWS_ENDPOINT_URL", server.url.clone()),
        ("AWS_REGION", "eu-central-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "canary-secret-access-key".to_owned()),
    ];
    let destroy = (kind == "aws-secrets-manager").then(|| ("old_versions", "destroy".to_owned()));
    (server, services_of(kind, destroy, &variables))
}

async fn vault(answer: impl Fn(&Seen) -> Value + Send + Sync + 'static) -> (Server, Arc<Services>) {
    let server = Server::start(Arc::new(Script(answer))).await;
    let settings = [
        ("url", server.url.clone()),
        ("token", "env:TOKEN".to_owned()),
        ("mount", "secret".to_owned()),
        ("kv_version", "2".to_owned()),
    ];
    let services = services_of("vault", settings, &[("TOKEN", "canary-vault-token".to_owned())]);
    (server, services)
}

async fn search(services: &Services, kind: &str, max_reads: u64) -> Search {
    let mut search = Search::new(vec![Wanted { name: "backups".into(), secret: key("lost") }], max_reads);
    services.search(kind, &mut search).await.unwrap();
    search
}

fn found(search: &Search) -> Vec<(&str, How)> {
    search.found.iter().map(|found| (found.at.as_str(), found.how)).collect()
}

fn assert_short(search: &Search) {
    let longest = search.left_out.iter().map(String::len).max().unwrap_or_default();
    assert!(longest < 3000 && search.left_out.len() <= 100, "{longest}");
    assert!(!format!("{search:?}").contains("canary"), "{:?}", search.left_out);
}

#[tokio::test]
async fn one_odd_secret_of_vault_hides_no_other() {
    let (server, services) = vault(|seen| match seen.path.as_str() {
        "/v1/secret/metadata/" => json!({"data": {"keys": [
            "a", "b", "c/", "d", "e", "x".repeat(100_000), "\u{1b}[2J", "y".repeat(100_000) + "/",
        ]}}),
        "/v1/secret/data/a" => json!({"data": {"data": ["canary"], "metadata": {"version": 1}}}),
        "/v1/secret/data/b" => json!({"data": {"data": {"big": "canary".repeat(1 << 20)}}}),
        "/v1/secret/metadata/c/" => json!({"data": {"keys": {"canary": 1}}}),
        "/v1/secret/data/d" => json!(["canary"]),
        "/v1/secret/data/e" => {
            json!({"data": {"data": {"k": key("lost").expose()}, "metadata": {"version": 1}}})
        }
        path => panic!("{path}"),
    })
    .await;
    let search = search(&services, "vault", 1000).await;
    assert_eq!(found(&search), [("vault:secret/e#k", How::Holds)]);
    assert_eq!(search.left_out.len(), 7, "{:?}", search.left_out);
    assert_short(&search);
    server.assert_clean();
}

#[tokio::test]
async fn lists_of_vault_without_an_end_end_with_the_reads() {
    let (server, services) = vault(|seen| {
        if seen.method == "LIST" {
            let keys: Vec<String> = (0..20_000).map(|number| format!("{number}/")).collect();
            return json!({"data": {"keys": keys}});
        }
        panic!("{}", seen.path)
    })
    .await;
    let search = search(&services, "vault", 50).await;
    assert!(search.is_exhausted() && search.reads == 50);
    assert!(server.seen().len() <= 50);
    assert_short(&search);
}

#[tokio::test]
async fn aws_lists_what_no_secret_is_called() {
    let odd = || json!([{"Name": "x".repeat(100_000)}, {"Name": "\u{1b}]0;n8n\u{7}"}, {"Name": ""}]);
    let (server, services) = aws("aws-secrets-manager", move |action, body| match action {
        "ListSecrets" => {
            let mut list = odd();
            list.as_array_mut().unwrap().extend([json!({"Name": "odd"}), json!({"Name": "n8n"})]);
            json!({"SecretList": list})
        }
        _ if body["SecretId"] == "odd" => json!({"VersionId": 5, "SecretString": "canary"}),
        _ => {
            assert_eq!(body["SecretId"], "n8n");
            json!({"VersionId": "v", "SecretString": key("lost").expose()})
        }
    })
    .await;
    let search_of = search(&services, "aws-secrets-manager", 1000).await;
    assert_eq!(found(&search_of), [("aws-secrets-manager:n8n", How::Holds)]);
    assert_eq!(search_of.left_out.len(), 4, "{:?}", search_of.left_out);
    assert_short(&search_of);
    server.assert_clean();

    let (server, services) = aws("aws-ssm", move |action, body| {
        let parameter =
            |name: &str| json!({"Name": name, "Type": "x", "Value": key("lost").expose(), "Version": 1});
        if action == "DescribeParameters" {
            let mut list = odd();
            list.as_array_mut().unwrap().push(json!({"Name": "/n8n"}));
            return json!({"Parameters": list});
        }
        assert_eq!(body["Names"], json!(["/n8n"]));
        json!({"Parameters": [parameter("/n8n"), parameter("\u{1b}[2J/other")]})
    })
    .await;
    let search_of = search(&services, "aws-ssm", 1000).await;
    assert_eq!(found(&search_of), [("aws-ssm:/n8n", How::Holds)]);
    assert_eq!(search_of.left_out.len(), 4, "{:?}", search_of.left_out);
    assert!(search_of.left_out[3].contains("another parameter than was asked for"));
    assert_short(&search_of);
    server.assert_clean();
}

#[tokio::test]
async fn pages_that_go_in_circles_end_with_the_reads() {
    for kind in ["aws-secrets-manager", "aws-ssm"] {
        let (server, services) = aws(kind, |_, body| {
            let next = if body["NextToken"] == "a" { "b" } else { "a" };
            json!({"SecretList": [], "Parameters": [], "NextToken": next})
        })
        .await;
        let search = search(&services, kind, 40).await;
        assert!(search.is_exhausted());
        assert_eq!(server.seen().len(), 40);
    }
}

#[tokio::test]
async fn labels_without_an_end_are_not_all_taken() {
    let (server, services) = aws("aws-secrets-manager", |action, _| match action {
        "DescribeSecret" => {
            let labels = |of: usize| (0..500).map(|label| format!("{of}-{label}")).collect::<Vec<_>>();
            let versions: BTreeMap<String, Vec<String>> =
                (0..500).map(|version| (format!("v{version}"), labels(version))).collect();
            json!({"ARN": "arn", "VersionIdsToStages": versions})
        }
        "GetSecretValue" => json!({"VersionId": "v", "SecretString": key("dead").expose()}),
        _ => json!({"Name": "n8n"}),
    })
    .await;
    let destination = open_at(services, "aws-secrets-manager:n8n");
    destination.discard(&[Fingerprint::of(&key("dead"))]).await.unwrap();
    assert!(server.seen().len() <= 1 + 20 * 21, "{}", server.seen().len());
}

#[tokio::test]
async fn a_parameter_is_found_behind_empty_pages_and_not_looked_for_without_an_end() {
    let shown = || json!({"Name": "/n8n", "Type": "SecureString", "Value": "canary-old", "Version": 1});
    let (server, services) = aws("aws-ssm", move |action, body| match (action, body["NextToken"].as_str()) {
        ("GetParameter", _) => json!({"Parameter": shown()}),
        ("DescribeParameters", None) => json!({"Parameters": [], "NextToken": "more"}),
        ("DescribeParameters", Some("more")) => {
            json!({"Parameters": [{"Name": "/n8n", "KeyId": "alias/mine"}]})
        }
        ("PutParameter", _) => {
            assert_eq!(body["KeyId"], "alias/mine");
            json!({"Version": 2})
        }
        other => panic!("{other:?}"),
    })
    .await;
    open_at(services, "aws-ssm:/n8n").deliver(&key("one")).await.unwrap();
    server.assert_clean();

    let (server, services) = aws("aws-ssm", move |action, body| {
        if action == "GetParameter" {
            return json!({"Parameter": shown()});
        }
        json!({"Parameters": [], "NextToken": format!("{}x", body["NextToken"].as_str().unwrap_or_default())})
    })
    .await;
    let failure = open_at(services, "aws-ssm:/n8n").deliver(&key("one")).await.unwrap_err();
    assert_eq!((failure.kind, failure.report.blame), (Kind::Failed, Blame::Hostile), "{failure}");
    assert!(server.seen().len() < 60);
}

#[tokio::test]
async fn deep_and_odd_json_is_an_error_without_a_word_of_it() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let texts = [
        deep.clone(),
        format!("{{\"data\":{{\"data\":{{\"k\":{deep}}},\"metadata\":{{\"version\":1}}}}}}"),
        format!("{{\"Parameter\":{deep}}}"),
        "{\"data\":{\"data\":{\"k\":\"canary\\ud800\"},\"metadata\":{\"version\":1}}}".to_owned(),
        "{\"data\":{\"data\":{\"k\":\"canary\"},\"metadata\":{\"version\":1e400}}}".to_owned(),
        "{\"data\":{\"data\":{\"k\":\"canary\"},\"metadata\":{\"version\":-1}}}".to_owned(),
        "{\"VersionId\":\"v\",\"SecretString\":\"{\\\"k\\\":".to_owned() + &"[".repeat(100_000) + "\"}",
        "\u{feff}{}".to_owned(),
        "{\"data\":{\"data\":{\"k\":\"canary\"},\"metadata\":".to_owned(),
    ];
    for text in texts {
        let raw = Reply { status: 200, headers: Vec::new(), body: text.clone().into_bytes() };
        let (at_vault, services) = vault(|_| Value::Null).await;
        at_vault.fail(To::All, Fault::Answer(raw.clone()));
        let mut opened = vec![open_at(services, "vault:secret/n8n#k")];
        let mut servers = vec![at_vault];
        for (kind, address) in
            [("aws-secrets-manager", "aws-secrets-manager:n8n#k"), ("aws-ssm", "aws-ssm:/n8n")]
        {
            let (server, services) = aws(kind, |_, _| Value::Null).await;
            server.fail(To::All, Fault::Answer(raw.clone()));
            opened.push(open_at(services, address));
            servers.push(server);
        }
        for destination in opened {
            let failure = destination.deliver(&Secret::new("canary-new")).await.unwrap_err();
            assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        }
        drop(servers);
    }
}
