//! GitHub, played by a server that holds every request to GitHub's own published description. It keeps nothing: what is
//! asked and sent is tested, not what becomes of it.

use std::{collections::BTreeMap, sync::Arc};

use destinations::{Context, How, Outside, Search, ServiceConfig, Services, Wanted};
use model::{Clock, Confirmation, Fingerprint, Held, Report, Secret, SecretRef, Timestamp};

use crate::record::{Entry, entry};

const PLACES: [&str; 3] =
    ["github:octo/demo#N8N_API_KEY", "github:octo/demo@prod/eu#N8N_API_KEY", "github:octo#N8N_API_KEY"];

struct Env;

#[async_trait::async_trait]
impl Outside for Env {
    async fn secret(&self, reference: &SecretRef) -> Result<Secret, Report> {
        let (der, kind) = (include_str!("../data/rfc7515-a2.txt"), "RSA PRIVATE KEY");
        Ok(match reference.to_string().as_str() {
            "env:APP_KEY" => Secret::new(format!("-----BEGIN {kind}-----\n{der}-----END {kind}-----\n")),
            _ => Secret::new("canary-token"),
        })
    }

    fn variable(&self, _: &str) -> Option<Secret> {
        None
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Clock for Env {
    #[expect(clippy::disallowed_methods, reason = "the clock of the tests")]
    fn now(&self) -> Timestamp {
        std::time::SystemTime::now().try_into().unwrap()
    }

    async fn wait_until(&self, _: Timestamp) {}
}

const TOKEN: &[(&str, &str)] = &[("token", "env:TOKEN"), ("search", "octo"), ("visibility", "selected")];
const APP: &[(&str, &str)] =
    &[("app_id", "123456"), ("installation_id", "4567890"), ("private_key", "env:APP_KEY")];

fn context(server: &Entry, settings: &[(&str, &str)]) -> Context {
    let url = [("url", server.url())];
    let settings = settings.iter().chain(&url);
    let values: BTreeMap<String, String> =
        settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let config = ServiceConfig::new("github", None, values).unwrap();
    Context {
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        rotation: None,
        hidden_variables: Vec::new(),
        services: Arc::new(Services::new(vec![config], Arc::new(Env))),
    }
}

#[tokio::test]
async fn real_prism_github_takes_what_is_written_and_removed() {
    let Some(server) = entry("prism_github") else { return };
    for settings in [TOKEN, APP] {
        let context = context(&server, settings);
        for place in PLACES {
            let destination = destinations::open(&place.parse().unwrap(), &context).unwrap();
            assert_eq!(destination.read().await.unwrap(), Held::Unreadable, "{place}");
            destination.deliver(&Secret::new("canary-key")).await.unwrap();
            destination.restore(None).await.unwrap();
            let confirmed = destination.confirm(&Fingerprint::of(&Secret::new("canary-key"))).await.unwrap();
            let Confirmation::Seen(seen) = confirmed else { panic!("{place}") };
            assert!(seen.starts_with("updated_at 20"), "{seen}");
        }
    }
}

#[tokio::test]
async fn real_prism_github_answers_what_may_be_done() {
    let Some(server) = entry("prism_github") else { return };
    let context = context(&server, TOKEN);
    for place in PLACES {
        let destination = destinations::open(&place.parse().unwrap(), &context).unwrap();
        // The description's example is a repository that its user may not write.
        let checked = destination.check().await.map_err(|failure| failure.to_string());
        assert!(
            checked.as_ref().err().is_none_or(|failure| failure.contains("the role `write`")),
            "{checked:?}"
        );
    }
}

#[tokio::test]
async fn real_prism_github_runs_a_workflow() {
    let Some(server) = entry("prism_github") else { return };
    let context = context(&server, TOKEN);
    // A workflow's number is one too, but the description takes it for a text and a number at once, and refuses it.
    for address in [
        "github:octo/demo/deploy.yml@main",
        "github:octo/demo/deploy.yaml@release/v1?environment=prod&dry=false",
    ] {
        let hook = destinations::open_hook(&address.parse().unwrap(), &context).unwrap();
        assert!(hook.run().await.unwrap().contains("took the order"), "{address}");
    }
}

#[tokio::test]
async fn real_prism_github_lists_what_is_searched() {
    let Some(server) = entry("prism_github") else { return };
    let wanted = Wanted { name: "backups".into(), secret: Secret::new("canary-key") };
    for settings in [TOKEN, APP] {
        let mut search = Search::new(vec![wanted.clone()], 50);
        context(&server, settings).services.search("github", &mut search).await.unwrap();
        assert_eq!((&search.left_out, search.is_exhausted()), (&vec![], false), "{search:?}");
        assert!(
            search.reads > 1 && search.found.iter().all(|found| found.how == How::NamedLike),
            "{search:?}"
        );
    }
}
