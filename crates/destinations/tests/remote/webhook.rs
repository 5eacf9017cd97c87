//! A receiver of the operator's own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use destinations::{Context, Nowhere, Outside, Search, ServiceConfig, Services};
use model::{Clock, DestinationError, DestinationErrorKind as Kind, Hook, Report, Secret, SecretRef};
use serde_json::json;
use transport::SigningKey;

use crate::server::{Reply, Seen, Server, Shape};

const SECRET: &str = "whsec_Y2FuYXJ5LXNpZ25pbmcta2V5";

/// Answers that, and takes nothing that is not signed.
struct Receiver(Mutex<u16>);

impl Shape for Receiver {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        if (seen.method.as_str(), seen.path.as_str()) != ("POST", "/keywright/reload/backups") {
            return Err("another path".into());
        }
        let header = |name: &str| seen.header(name).ok_or(format!("no {name}"));
        let at = header("webhook-timestamp")?.parse().ok().ok_or("no time")?;
        let key = SigningKey::new(&Secret::new(SECRET)).unwrap();
        if key.sign(header("webhook-id")?, at, &seen.body).as_deref() != Some(header("webhook-signature")?) {
            return Err("another signature".into());
        }
        let rotation = "01jabcdefghjkmnpqrstvwxyz0".to_uppercase();
        let mut body = seen.json()?;
        body["rotation"] = json!(body["rotation"].as_str().unwrap_or_default().to_uppercase());
        if body
            != json!({"type": "reload", "integration": "backups", "instance": "prod", "rotation": rotation})
        {
            return Err(format!("{body}"));
        }
        Ok(Reply { body: b"canary".to_vec(), ..Reply::empty(*self.0.lock().unwrap()) })
    }
}

/// One secret, and a time.
struct Env(&'static str);

#[async_trait::async_trait]
impl Outside for Env {
    async fn secret(&self, _: &SecretRef) -> Result<Secret, Report> {
        Ok(Secret::new(self.0))
    }

    fn variable(&self, _: &str) -> Option<Secret> {
        None
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Nowhere.clock()
    }
}

fn context(url: &str, secret: &'static str) -> Context {
    let values = [("url", format!("{url}/keywright/")), ("secret", "env:SECRET".to_owned())];
    let values: BTreeMap<_, _> = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let config = ServiceConfig::new("apps", Some("webhook"), values).unwrap();
    Context {
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        rotation: Some("01jabcdefghjkmnpqrstvwxyz0".parse().unwrap()),
        hidden_variables: Vec::new(),
        services: Arc::new(Services::new(vec![config], Arc::new(Env(secret)))),
    }
}

fn hook(address: &str, context: &Context) -> Result<Arc<dyn Hook>, DestinationError> {
    destinations::open_hook(&address.parse().unwrap(), context)
}

#[tokio::test]
async fn a_call_is_signed_and_every_answer_means_something() {
    let receiver = Arc::new(Receiver(Mutex::new(204)));
    let server = Server::start(receiver.clone()).await;
    let context = context(&server.url, SECRET);
    let hook = hook("apps:/reload/backups", &context).unwrap();
    hook.check().await.unwrap();
    assert!(server.seen().is_empty(), "checking calls nothing");
    assert_eq!(hook.run().await.unwrap(), "it answered 204");
    hook.run().await.unwrap();
    let ids: Vec<_> =
        server.seen().iter().map(|seen| seen.header("webhook-id").unwrap().to_owned()).collect();
    assert_ne!(ids[0], ids[1]);
    for (status, kind) in [
        (400, Kind::Failed),
        (401, Kind::Denied),
        (404, Kind::NotFound),
        (409, Kind::Failed),
        (500, Kind::Failed),
    ] {
        *receiver.0.lock().unwrap() = status;
        server.forget_seen();
        let failure = hook.run().await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        assert_eq!(server.seen().len(), 1, "a call is not repeated");
    }
    server.assert_clean();
}

#[tokio::test]
async fn what_cannot_be_called_is_told_before() {
    let here = context("http://127.0.0.1:1", SECRET);
    for bad in ["apps:reload", "apps:/a/../b", "apps:/a?b", "apps:/a#b", "apps:/ä", "apps:/a%2fb"] {
        assert_eq!(hook(bad, &here).err().unwrap().kind, Kind::BadAddress, "{bad}");
    }
    assert_eq!(hook("apps:/a", &here).unwrap().run().await.unwrap_err().kind, Kind::Unreachable);
    for secret in ["", "whsec_canary!"] {
        let failure =
            hook("apps:/a", &context("http://127.0.0.1:1", secret)).unwrap().check().await.unwrap_err();
        assert!(failure.report.mend[0].contains("`secret` in [service.apps]"), "{failure}");
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    }
    // Nothing is declared.
    let nothing = Context { services: Arc::new(Services::none()), ..here.clone() };
    let failure = hook("webhook:/a", &nothing).err().unwrap();
    assert!(failure.report.mend[0].contains("[service.webhook]"), "{failure}");
}

#[tokio::test]
async fn a_webhook_holds_no_key() {
    let context = context("http://127.0.0.1:1", SECRET);
    let failure = destinations::open(&"apps:/a".parse().unwrap(), &context).err().unwrap();
    assert_eq!(failure.kind, Kind::BadAddress);
    assert!(failure.report.mend[0].contains("`reload`"), "{failure}");
    let mut search = Search::new(Vec::new(), 10);
    context.services.search("apps", &mut search).await.unwrap();
    assert_eq!((search.reads, search.found.len()), (0, 0));
}
