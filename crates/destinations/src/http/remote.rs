//! A service's HTTP client.

use std::{sync::Arc, time::Duration};

use model::{DestinationError, DestinationErrorKind as Kind, SecretRef};
use reqwest::header::{HeaderMap, LOCATION};
use tokio::sync::OnceCell;
use transport::{ProxyConfig, Transport};
use url::Url;
use zeroize::Zeroizing;

use super::{Answer, Request, fault};
use crate::{
    error::{error, hostile},
    service::{Outside, ServiceConfig, is_here, read_file},
};

const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);
/// What answers on this machine or beside it answers at once, or is not there.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(2);
/// Tries of one call.
const TRIES: u32 = 3;
/// Before the second try; doubled for the third.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// A service that asks for more than this is not waited for here: whoever called decides.
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// A file of certificates is no longer than this.
const MAX_PEM_BYTES: usize = 4 << 20;

/// How one service is reached. The client is made with the first call.
pub(crate) struct Remote {
    config: ServiceConfig,
    pub(crate) outside: Arc<dyn Outside>,
    local: bool,
    /// What holds where no setting says otherwise.
    transport: Transport,
    client: OnceCell<reqwest::Client>,
    /// For this machine's own addresses: a proxy elsewhere would look for them at itself, and see what is sent.
    straight: OnceCell<reqwest::Client>,
}

/// Whether the environment's proxy is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proxies {
    AsTheEnvironmentSays,
    AsSettingsSay,
}

impl Remote {
    pub(crate) fn new(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Self {
        Self::with_transport(config, outside, Transport::default())
    }

    /// Reached as `transport` says, but for what settings say.
    pub(crate) fn with_transport(
        config: &ServiceConfig,
        outside: &Arc<dyn Outside>,
        transport: Transport,
    ) -> Self {
        let (config, outside) = (config.clone(), Arc::clone(outside));
        let (client, straight) = (OnceCell::new(), OnceCell::new());
        Self { config, outside, local: false, transport, client, straight }
    }

    /// For what gives credentials beside the machine, such as its metadata: never through a proxy, and not waited for.
    pub(crate) fn local(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Self {
        Self { local: true, ..Self::new(config, outside) }
    }

    /// For messages, such as ``Vault `corp` ``.
    pub(crate) fn label(&self) -> String {
        self.config.label()
    }

    /// Sends; again where that can help. Any status but a redirect, 429 and 5xx is an answer.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer, DestinationError> {
        let (mut tried, mut wait) = (1, FIRST_WAIT);
        loop {
            let (failure, pause) = match self.send_once(request).await {
                // Not carried out: it can be sent again, whatever it is.
                Ok(answer) if answer.status == 429 => {
                    let asked = answer.retry_after().and_then(|wait| Duration::try_from(wait).ok());
                    let pause = asked.unwrap_or(wait);
                    (answer.refusal(), Some(pause).filter(|pause| *pause <= LONGEST_WAIT))
                }
                Ok(answer) if answer.status >= 500 => (answer.refusal(), request.repeatable.then_some(wait)),
                Err(failure) if is_worth_a_try(&failure) => (failure, request.repeatable.then_some(wait)),
                done => return done,
            };
            let Some(pause) = pause.filter(|_| tried < TRIES) else { return Err(failure) };
            tokio::time::sleep(pause).await;
            tried += 1;
            wait *= 2;
        }
    }

    /// An error of a request that got no answer.
    fn what(&self, request: &Request) -> String {
        format!("cannot {} at {}", request.purpose, self.label())
    }

    async fn send_once(&self, request: &Request) -> Result<Answer, DestinationError> {
        let client = self.client(&request.url).await?;
        let timeout = self.timeout();
        let (what, origin) = (self.what(request), origin(&request.url));
        let exchange = self.exchange(client, request, &what, &origin, timeout);
        match tokio::time::timeout(timeout, exchange).await {
            Ok(result) => result,
            Err(_elapsed) => Err(fault::unanswered(&what, &origin, timeout)),
        }
    }

    async fn exchange(
        &self,
        client: &reqwest::Client,
        request: &Request,
        what: &str,
        origin: &str,
        timeout: Duration,
    ) -> Result<Answer, DestinationError> {
        let mut sent = client.request(request.method.clone(), request.url.clone());
        sent = sent.headers(request.headers.clone()).timeout(timeout);
        if let Some(body) = &request.body {
            sent = sent.body(body.to_vec());
        }
        let faulty = |error| fault::fault(what, origin, error, timeout);
        let mut response = sent.send().await.map_err(faulty)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(redirected(what, &request.url, response.headers()));
        }
        let too_large = || {
            hostile(
                what,
                format!("the answer of `{origin}` is larger than {} bytes", request.max_bytes),
                "see whether its address is right, and what answers there",
            )
        };
        let announced = response.content_length().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
        if announced > request.max_bytes {
            return Err(too_large());
        }
        let headers = response.headers().clone();
        let mut body = Zeroizing::new(Vec::with_capacity(announced));
        while let Some(chunk) = response.chunk().await.map_err(faulty)? {
            if body.len() + chunk.len() > request.max_bytes {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        let (what, origin) = (what.to_owned(), origin.to_owned());
        let need = request.need.clone();
        let mut answer = Answer { status: status.as_u16(), headers, body, what, need, origin };
        (request.understand)(&mut answer, self.outside.clock().now());
        Ok(answer)
    }

    fn timeout(&self) -> Duration {
        let timeout = self.config.settings().seconds("timeout").map_or(TIMEOUT, Duration::from_secs);
        if self.local { timeout.min(LOCAL_TIMEOUT) } else { timeout }
    }

    async fn client(&self, url: &Url) -> Result<&reqwest::Client, DestinationError> {
        if self.local || is_here(url) {
            return self.straight.get_or_try_init(|| self.build(Proxies::AsSettingsSay)).await;
        }
        self.client.get_or_try_init(|| self.build(Proxies::AsTheEnvironmentSays)).await
    }

    async fn build(&self, proxies: Proxies) -> Result<reqwest::Client, DestinationError> {
        let settings = self.config.settings();
        let what = || format!("cannot reach {}", self.label());
        let transport = Transport {
            ca: match settings.text("ca") {
                Some(path) => Some(self.pem("ca", path).await?),
                None => self.transport.ca.clone(),
            },
            identity: match (settings.text("client_certificate"), settings.secret("client_key")) {
                (Some(path), Some(key)) => {
                    Some((self.pem("client_certificate", path).await?, self.secret(&key).await?))
                }
                _ => self.transport.identity.clone(),
            },
            proxy: match settings.text("proxy").filter(|_| !self.local) {
                Some(url) => Some(ProxyConfig {
                    url: url.to_owned(),
                    user: settings.text("proxy_user").map(str::to_owned),
                    password: match settings.secret("proxy_password") {
                        Some(password) => Some(self.secret(&password).await?),
                        None => None,
                    },
                }),
                None => self.transport.proxy.clone(),
            },
        };
        // The first one to come installs it; that it is there already is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT.min(self.timeout()))
            .pool_idle_timeout(Duration::from_secs(4))
            .user_agent(concat!("keywright/", env!("CARGO_PKG_VERSION")));
        // A proxy that is set comes after it, and is used.
        let builder = if proxies == Proxies::AsSettingsSay { builder.no_proxy() } else { builder };
        let builder = transport.apply(builder).map_err(|fault| {
            let setting = format!("`{}` of service `{}`", fault.setting, self.config.name());
            error(
                Kind::Denied,
                what(),
                format!("the {setting} is not usable: {}", fault.because.join(": ")),
                fault.mend.join("; "),
            )
        })?;
        builder.build().map_err(|fault| {
            error(Kind::Failed, what(), transport::chain(&fault).join(": "), "report it as a bug")
        })
    }

    /// A secret that a setting refers to.
    pub(crate) async fn secret(&self, reference: &SecretRef) -> Result<model::Secret, DestinationError> {
        self.outside.secret(reference).await.map_err(|report| {
            let mut failure =
                error(Kind::Denied, format!("cannot log in at {}", self.label()), report.line(), "");
            failure.report.mend = report.mend;
            failure
        })
    }

    async fn pem(&self, setting: &str, path: &str) -> Result<Vec<u8>, DestinationError> {
        let what = format!("cannot read the `{setting}` of service `{}`", self.config.name());
        match read_file(path, MAX_PEM_BYTES, what.clone()).await? {
            Some(bytes) => Ok(bytes.to_vec()),
            None => {
                Err(error(Kind::NotFound, what, format!("`{path}` is not there"), "give the file's path"))
            }
        }
    }
}

/// Whether there was no answer, and another try may get one.
fn is_worth_a_try(failure: &DestinationError) -> bool {
    failure.kind == Kind::Unreachable && matches!(failure.report.retry, model::Retry::Later(_))
}

/// Scheme, host and port.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn redirected(what: &str, from: &Url, headers: &HeaderMap) -> DestinationError {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let to = from.join(location).ok();
    let host = to.as_ref().and_then(Url::host_str).unwrap_or("nowhere");
    hostile(
        what,
        format!(
            "`{}` redirects to `{}`, and nothing secret is sent on",
            origin(from),
            transport::shown(host, 200)
        ),
        "give the address where the service itself answers",
    )
}
