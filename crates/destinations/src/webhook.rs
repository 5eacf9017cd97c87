//! `NAME:/path` as a hook: a signed call to an address of the operator's own, as Standard Webhooks says. It is told whose
//! key is new, and given no key.

use std::{fmt::Write as _, sync::Arc};

use model::{Address, DestinationError, DestinationErrorKind as Kind, Hook};
use reqwest::Method;
use serde_json::json;
use transport::SigningKey;
use url::Url;
use zeroize::Zeroizing;

use crate::{
    Context,
    error::error,
    http::{Remote, Request},
    kinds::Opened,
    search::Search,
    service::{Form, Outside, Service, ServiceConfig, ServiceKind, Setting, setting, url_fault},
};

pub(crate) const KIND: ServiceKind = ServiceKind {
    name: "webhook",
    title: "Webhook",
    example: "webhook:/reload/backups",
    form: "/PATH",
    summary: "a signed call to an address of your own, as a hook; it holds no key",
    settings: SETTINGS,
    sets: &[&["url", "secret"]],
    either: &[],
    environment: &[],
    open,
};

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    setting("url", Form::Url, "\"https://hooks.example.com/keywright\"", "nothing is called", "what is called; the path of a hook's address comes behind it"),
    setting("secret", Form::Secret, "\"sealed:webhook\"", "nothing is called", "what calls are signed with: `whsec_` and Base64, or any other text"),
];

fn open(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Result<Arc<dyn Service>, DestinationError> {
    if config.settings().text("url").is_none() {
        return Err(error(
            Kind::BadAddress,
            format!("cannot call `{}`", config.name()),
            "nothing says where it is",
            format!("declare [service.{}] with `url` and `secret`", config.name()),
        ));
    }
    Ok(Arc::new(Webhook { remote: Remote::new(config, outside), config: config.clone() }))
}

struct Webhook {
    remote: Remote,
    config: ServiceConfig,
}

#[async_trait::async_trait]
impl Service for Webhook {
    fn destination(self: Arc<Self>, address: &Address, _: &Context) -> Opened {
        Err(error(
            Kind::BadAddress,
            format!("cannot use the destination `{address}`"),
            "a webhook holds no key: it is called after a delivery",
            "use it as `reload`; or deliver with `command:`",
        ))
    }

    fn hook(
        self: Arc<Self>,
        address: &Address,
        context: &Context,
    ) -> Result<Arc<dyn Hook>, DestinationError> {
        let path = address.rest();
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        let dots = |part: &str| matches!(part, "." | "..");
        if !path.starts_with('/') || !path.bytes().all(legal) || path.split('/').any(dots) {
            return Err(error(
                Kind::BadAddress,
                format!("cannot use the hook `{address}`"),
                "what stands behind the `:` is no path of letters, digits and `-._~/`",
                format!("write it from its `/` on, such as `{}:/reload/backups`", address.kind()),
            ));
        }
        Ok(Arc::new(Called { service: self, address: address.clone(), context: context.clone() }))
    }

    async fn search(&self, _: &mut Search) -> Result<(), DestinationError> {
        Ok(())
    }
}

struct Called {
    service: Arc<Webhook>,
    address: Address,
    context: Context,
}

impl Called {
    fn bad_setting(&self, setting: &str, because: &str) -> DestinationError {
        error(
            Kind::BadAddress,
            format!("cannot call `{}`", self.address),
            because,
            format!("set `{setting}` in [service.{}]", self.service.config.name()),
        )
    }

    fn url(&self) -> Result<Url, DestinationError> {
        let settings = self.service.config.settings();
        let text = settings.text("url").unwrap_or_default();
        let fault = url_fault(text, settings.flag("dangerous_plain_http"));
        let mut url = Url::parse(text).ok().filter(|_| fault.is_none()).ok_or_else(|| {
            self.bad_setting("url", &format!("its address {}", fault.unwrap_or("is not a URL")))
        })?;
        url.set_path(&format!("{}{}", url.path().trim_end_matches('/'), self.address.rest()));
        Ok(url)
    }

    async fn key(&self) -> Result<SigningKey, DestinationError> {
        let reference = self.service.config.settings().secret("secret");
        let reference =
            reference.ok_or_else(|| self.bad_setting("secret", "there is nothing to sign it with"))?;
        let secret = self.service.remote.secret(&reference).await?;
        SigningKey::new(&secret).ok_or_else(|| {
            let because = "its secret is empty, or starts with `whsec_` and is not Base64 after it";
            self.bad_setting("secret", because)
        })
    }
}

#[async_trait::async_trait]
impl Hook for Called {
    fn address(&self) -> &Address {
        &self.address
    }

    async fn check(&self) -> Result<(), DestinationError> {
        // Calling it would run it.
        self.url()?;
        self.key().await.map(drop)
    }

    async fn run(&self) -> Result<String, DestinationError> {
        let (url, key) = (self.url()?, self.key().await?);
        let purpose = format!("call `{}`", self.address);
        let ours =
            || error(Kind::Failed, format!("cannot {purpose}"), "it cannot be signed", "report it as a bug");
        let id = message_id().ok_or_else(ours)?;
        let at = self.service.remote.outside.clock().now().as_second();
        let rotation = self.context.rotation.map(|rotation| rotation.to_string());
        let body = json!({
            "type": "reload",
            "integration": self.context.integration.as_str(),
            "instance": self.context.instance.as_str(),
            "rotation": rotation,
        });
        let body = serde_json::to_vec(&body).map_err(|_unwritable| ours())?;
        let signature = key.sign(&id, at, &body).ok_or_else(ours)?;
        let request = Request::new(Method::POST, url, purpose.as_str(), "the right `secret`")
            .header("webhook-id", &id)?
            .header("webhook-timestamp", &at.to_string())?
            .header("webhook-signature", &signature)?
            .body("application/json", Zeroizing::new(body));
        let answer = self.service.remote.send(&request).await?;
        let said = format!("it answered {}", answer.status);
        match answer.status {
            200..=299 => Ok(said),
            401 | 403 => Err(answer.error(
                Kind::Denied,
                format!("{said}: it does not accept the signature"),
                "see whether `secret` is the receiver's, and both clocks are right",
            )),
            404 | 410 => Err(answer.error(
                Kind::NotFound,
                said,
                "see whether `url` and the path of the hook are right",
            )),
            _ => Err(answer.error(Kind::Failed, said, "see the receiver's log")),
        }
    }
}

/// A name for one call, which no other has: the same hook is called again in a rotation for each destination, and after an
/// undo, and a receiver passes over what it has seen.
fn message_id() -> Option<String> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).ok()?;
    let mut id = String::from("msg_");
    for byte in random {
        write!(id, "{byte:02x}").ok()?;
    }
    Some(id)
}
