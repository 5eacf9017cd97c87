//! What both servers with Vault's API are asked by: services opened here, and calls by hand as root.

use std::{collections::BTreeMap, sync::Arc};

use destinations::{Context, Outside, ServiceConfig, Services};
use model::{Clock, Destination, Report, Secret, SecretRef, Timestamp};
use serde_json::Value;

use crate::record::Entry;

struct Env(BTreeMap<String, String>);

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

pub(crate) type Given<'a> = &'a [(&'a str, &'a str)];

pub(crate) fn services(
    server: &Entry,
    kind: &str,
    settings: Given<'_>,
    variables: Given<'_>,
) -> Arc<Services> {
    let owned =
        |all: Given<'_>| all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut values: BTreeMap<String, String> = owned(settings);
    values.insert("url".to_owned(), server.url().to_owned());
    let config = ServiceConfig::new(kind, None, values).unwrap();
    let mut variables: BTreeMap<String, String> = owned(variables);
    variables.insert("VAULT_ADDR".to_owned(), server.url().to_owned());
    Arc::new(Services::new(vec![config], Arc::new(Env(variables))))
}

pub(crate) fn open(services: &Arc<Services>, address: &str) -> Arc<dyn Destination> {
    let context = Context {
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        rotation: None,
        hidden_variables: Vec::new(),
        services: Arc::clone(services),
    };
    destinations::open(&address.parse().unwrap(), &context).unwrap()
}

/// By hand, as root: what is there.
pub(crate) async fn call(server: &Entry, method: &str, place: &str, body: Option<Value>) -> (u16, Value) {
    // Another test of this process may have installed it already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/v1/{place}", server.url());
    let mut request = client.request(method.parse().unwrap(), url);
    request = request.header("x-vault-token", server.text("/root_token"));
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let answer = request.body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

pub(crate) fn key(name: &str) -> Secret {
    Secret::new(format!("canary-key-{name}-{}", name.repeat(20)))
}
