//! An HTTP POST of the notice as JSON, signed as Standard Webhooks says. No redirect is followed.

use std::{sync::Arc, time::Duration};

use jiff::fmt::rfc2822;
use model::{Channel, ChannelError, ChannelErrorKind as Kind, ChannelName, Clock, Notice, SignedDuration};
use reqwest::{
    Response,
    header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER},
};
use transport::SigningKey;
use url::Url;

use crate::{
    Limits, PlainHttp, Webhook as Settings,
    channels::is_loopback,
    error::{caused_by, error, shown, too_late, wait_for},
};

/// What is read of an answer, so that the other side is not cut off in the middle of a short one.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// How long an answer's body may take, once its status is known.
const DRAIN: Duration = Duration::from_secs(1);

struct Webhook {
    name: ChannelName,
    url: Url,
    /// Scheme, host and port: what may be shown of the URL.
    place: String,
    key: Option<SigningKey>,
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

pub(crate) fn open(
    name: &ChannelName,
    settings: &Settings,
    clock: Arc<dyn Clock>,
    limits: Limits,
) -> Result<Box<dyn Channel>, ChannelError> {
    let (url, place) = parse(settings.url.expose(), settings.plain_http)
        .map_err(|fault| error(Kind::BadSetting, name, fault.because, fault.mend))?;
    let key = settings.secret.as_ref().map(|secret| {
        SigningKey::new(secret).ok_or_else(|| {
            error(
                Kind::BadSetting,
                name,
                "its signing secret is empty, or starts with `whsec_` and is not Base64 after it",
                "give the secret as the receiver shows it",
            )
        })
    });
    let client = client(name, &url, settings.ca_pem.as_deref(), limits)?;
    let key = key.transpose()?;
    Ok(Box::new(Webhook { name: name.clone(), url, place, key, client, clock, limits }))
}

/// What is wrong with a setting. The setting itself is not quoted: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFault {
    /// Why it cannot be used.
    pub because: String,
    /// How it can.
    pub mend: &'static str,
}

/// Sees whether a webhook's URL can be used.
pub fn webhook_url(text: &str, plain_http: PlainHttp) -> Result<(), SettingFault> {
    parse(text, plain_http).map(drop)
}

fn parse(text: &str, plain_http: PlainHttp) -> Result<(Url, String), SettingFault> {
    let bad = |because: &str, mend| SettingFault { because: because.to_owned(), mend };
    let example = "give its whole address, such as `https://hooks.example.com/keywright`";
    // A parser's complaint never quotes the text.
    let url = Url::parse(text.trim())
        .map_err(|malformed| bad(&format!("its URL is not one: {malformed}"), example))?;
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return Err(bad("its URL has no host", example));
    };
    if !url.username().is_empty() || url.password().is_some() {
        let mend = "leave out what stands before the `@`; the signature tells who calls";
        return Err(bad("its URL holds a user name or password", mend));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(host) || plain_http == PlainHttp::DangerousAnywhere => {}
        "http" => {
            let mend = "use `https://`; or set `dangerous_plain_http`, if the network is trusted";
            return Err(bad("the notice would travel in the clear over `http://`", mend));
        }
        _ => return Err(bad("its URL's scheme is neither `https` nor `http`", example)),
    }
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let place = format!("{}://{}{port}", url.scheme(), shown(host, 200));
    Ok((url, place))
}

fn client(
    name: &ChannelName,
    url: &Url,
    ca_pem: Option<&str>,
    limits: Limits,
) -> Result<reqwest::Client, ChannelError> {
    // The first one to come installs it; that it is there already is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(limits.connect)
        .timeout(limits.whole)
        // Notices are rare: a connection that is kept would be a dead one.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("keywright/", env!("CARGO_PKG_VERSION")));
    if url.host_str().is_some_and(is_loopback) {
        // A proxy elsewhere would look for this machine at itself.
        builder = builder.no_proxy();
    }
    if let Some(pem) = ca_pem {
        let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default();
        if certificates.is_empty() {
            return Err(error(
                Kind::BadSetting,
                name,
                "its `ca` holds no certificate that can be read",
                "give a PEM file of certificate authorities",
            ));
        }
        builder = builder.tls_certs_only(certificates);
    }
    builder.build().map_err(|fault| {
        let failed = error(
            Kind::BadSetting,
            name,
            "the HTTP client cannot be set up",
            "see whether the certificate authorities are sound",
        );
        caused_by(failed, &fault.without_url())
    })
}

impl Webhook {
    async fn post(&self, notice: &Notice) -> Result<(), ChannelError> {
        let ours = || error(Kind::Failed, &self.name, "the notice cannot be written", "report this");
        let body = serde_json::to_vec(notice).map_err(|_unserialisable| ours())?;
        let (id, at) = (notice.id.to_string(), self.clock.now().as_second());
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", at.to_string());
        if let Some(key) = &self.key {
            request = request.header("webhook-signature", key.sign(&id, at, &body).ok_or_else(ours)?);
        }
        let answer = request.body(body).send().await.map_err(|fault| self.unreached(fault))?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        drain(answer).await;
        self.judge(status, &headers)
    }

    fn unreached(&self, fault: reqwest::Error) -> ChannelError {
        if fault.is_timeout() {
            return self.too_late();
        }
        let mend = format!("see whether `{}` is up and answers", self.place);
        let failed = error(Kind::Unreachable, &self.name, format!("`{}` was not reached", self.place), mend);
        caused_by(failed, &fault.without_url())
    }

    fn too_late(&self) -> ChannelError {
        too_late(&self.name, self.limits.whole, format!("see whether `{}` is up and answers", self.place))
    }

    /// What a status means. The body of the answer is not quoted.
    fn judge(&self, status: u16, headers: &HeaderMap) -> Result<(), ChannelError> {
        let kind = match status {
            200..=299 => return Ok(()),
            429 => Kind::Throttled,
            300..=407 | 409..=424 | 426..=499 => Kind::Refused,
            _ => Kind::Failed,
        };
        let mend = match (kind, status) {
            (Kind::Refused, 300..=399) => {
                "it redirects, which is not followed: give the address where it leads"
            }
            (Kind::Refused, 401 | 403) => {
                "see whether the signing secret is the receiver's, and both clocks are right"
            }
            (Kind::Refused, _) => "see whether the URL is the receiver's, and what its own log says",
            (Kind::Throttled, _) => "it is tried again later",
            _ => "see the receiver's own log",
        };
        let failed = error(kind, &self.name, format!("`{}` answered with status {status}", self.place), mend);
        Err(match kind {
            Kind::Throttled | Kind::Failed => wait_for(failed, self.retry_after(headers)),
            _ => failed,
        })
    }

    /// `Retry-After`, in seconds or as a date.
    fn retry_after(&self, headers: &HeaderMap) -> Option<SignedDuration> {
        let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse::<u32>() {
            return Some(SignedDuration::from_secs(seconds.into()));
        }
        let until = rfc2822::parse(text).ok()?.timestamp();
        Some(until.duration_since(self.clock.now()))
    }
}

/// Reads a short answer to its end, and of any other the first part.
async fn drain(mut answer: Response) {
    let all = async {
        let mut read = 0;
        while let Ok(Some(chunk)) = answer.chunk().await {
            read += chunk.len();
            if read > MAX_ANSWER_BYTES {
                break;
            }
        }
    };
    // The status is known; what comes late or not at all changes nothing.
    drop(tokio::time::timeout(DRAIN, all).await);
}

#[async_trait::async_trait]
impl Channel for Webhook {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    async fn send(&self, notice: &Notice) -> Result<(), ChannelError> {
        let done = tokio::time::timeout(self.limits.whole, self.post(notice)).await;
        done.unwrap_or_else(|_elapsed| Err(self.too_late()))
    }
}
