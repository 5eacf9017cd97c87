//! HTTP with bounds: every call ends in time, reads only so much, follows no redirect, and quotes nothing.

use std::time::Duration;

use model::{IssuerError, IssuerErrorKind as Kind, Retry};
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Method, StatusCode};
use transport::{Transport, TransportError};
use zeroize::Zeroizing;

use crate::base_url::BaseUrl;
use crate::call::{Answer, BodyRule, Call};
use crate::report::{Explain, chain, error, shown};

/// Between the two tries of a question that was not answered.
const BEFORE_RETRY: Duration = Duration::from_millis(250);

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For a whole answer, body included.
    pub answer: Duration,
    /// For a whole list of keys.
    pub list: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            list: Duration::from_mins(2),
        }
    }
}

/// Why there is no answer.
enum Failed {
    /// So soon that asking again is worth it.
    Early(IssuerError),
    /// After time or bytes were spent.
    Late(IssuerError),
    /// The answer is larger than it may be.
    TooLarge(IssuerError),
}

impl Failed {
    fn error(self) -> IssuerError {
        match self {
            Self::Late(error) | Self::Early(error) | Self::TooLarge(error) => error,
        }
    }
}

/// A setting of the way to an instance that cannot be used.
fn unusable(name: &str, fault: TransportError) -> IssuerError {
    let what = format!("the `{}` of instance `{name}` is not usable", fault.setting);
    let failed = fault.because.into_iter().fold(error(Kind::Refused, what), Explain::because);
    fault.mend.into_iter().fold(failed, Explain::mend)
}

/// A client of one instance.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    pub(crate) base: BaseUrl,
    /// How the instance is called in reports.
    pub(crate) name: String,
    pub(crate) timeouts: Timeouts,
}

impl Http {
    pub(crate) fn new(
        name: &str,
        base: BaseUrl,
        timeouts: Timeouts,
        transport: &Transport,
    ) -> Result<Self, IssuerError> {
        // The first one to come installs it; that it is there already is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.answer)
            // Node closes connections that idle for five seconds; a change must not meet that moment.
            .pool_idle_timeout(Duration::from_secs(4))
            .user_agent(concat!("keywright/", env!("CARGO_PKG_VERSION")));
        if base.is_loopback() && transport.proxy.is_none() {
            // A proxy elsewhere would look for this machine at itself.
            builder = builder.no_proxy();
        }
        builder = transport.apply(builder).map_err(|fault| unusable(name, fault))?;
        let client = builder.build().map_err(|fault| {
            let failed = error(Kind::Bug, "cannot set up the HTTP client");
            chain(&fault).into_iter().fold(failed, Explain::because)
        })?;
        Ok(Self { client, base, name: name.to_owned(), timeouts })
    }

    /// An error of a call.
    pub(crate) fn error(&self, kind: Kind, call: &Call) -> IssuerError {
        error(kind, format!("cannot {} at instance `{}`", call.purpose, self.name))
    }

    /// Sends once.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, IssuerError> {
        self.try_send(call).await.map_err(Failed::error)
    }

    /// Asks; once more if nothing was reached or something in between says so. A change is made once.
    pub(crate) async fn ask(&self, call: &Call) -> Result<Answer, IssuerError> {
        self.try_ask(call).await.map_err(Failed::error)
    }

    /// Asks; `None` if the answer is larger than it may be.
    pub(crate) async fn ask_if_fits(&self, call: &Call) -> Result<Option<Answer>, IssuerError> {
        match self.try_ask(call).await {
            Ok(answer) => Ok(Some(answer)),
            Err(Failed::TooLarge(_)) => Ok(None),
            Err(failed) => Err(failed.error()),
        }
    }

    async fn try_ask(&self, call: &Call) -> Result<Answer, Failed> {
        if call.method == Method::GET {
            match self.try_send(call).await {
                Ok(answer) if matches!(answer.status.as_u16(), 502..=504) => {}
                Err(Failed::Early(_)) => {}
                done => return done,
            }
            tokio::time::sleep(BEFORE_RETRY).await;
        }
        self.try_send(call).await
    }

    async fn try_send(&self, call: &Call) -> Result<Answer, Failed> {
        let timeout = call.timeout.unwrap_or(self.timeouts.answer);
        let done = tokio::time::timeout(timeout, self.exchange(call, timeout)).await;
        done.unwrap_or_else(|_elapsed| Err(Failed::Late(self.unanswered(call, timeout))))
    }

    async fn exchange(&self, call: &Call, timeout: Duration) -> Result<Answer, Failed> {
        let mut request =
            self.client.request(call.method.clone(), self.base.join(&call.path)).timeout(timeout);
        request = request.headers(call.headers.clone());
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_vec());
        }
        let mut response = request.send().await.map_err(|fault| self.fault(call, fault, timeout))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(Failed::Late(self.redirected(call, response.headers())));
        }
        let too_large = || {
            let size = format!("{}: the answer is larger than {} bytes", call.name(), call.max_bytes);
            Failed::TooLarge(self.error(Kind::Hostile, call).because(size))
        };
        let whole = call.body_rule == BodyRule::Whole;
        let announced = response.content_length().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
        if whole && announced > call.max_bytes {
            return Err(too_large());
        }
        let headers = response.headers().clone();
        let mut body = Zeroizing::new(Vec::with_capacity(announced.min(call.max_bytes)));
        while let Some(chunk) = response.chunk().await.map_err(|fault| self.fault(call, fault, timeout))? {
            if body.len() + chunk.len() > call.max_bytes {
                if whole {
                    return Err(too_large());
                }
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }

    fn unanswered(&self, call: &Call, timeout: Duration) -> IssuerError {
        self.error(Kind::Unreachable, call)
            .because(format!("{}: no whole answer after {} ms", call.name(), timeout.as_millis()))
            .mend(format!("see whether `{}` is up and answers", self.base))
    }

    fn fault(&self, call: &Call, fault: reqwest::Error, timeout: Duration) -> Failed {
        if fault.is_timeout() {
            return Failed::Late(self.unanswered(call, timeout));
        }
        let connecting = fault.is_connect();
        let lines = chain(&fault.without_url());
        // hyper has fixed texts for what is not HTTP; there is no other way to tell it from a cut.
        let malformed = lines.iter().any(|line| line.contains("invalid HTTP") || line.contains("too large"));
        if let Some(mend) = transport::mend(&lines) {
            let failed =
                self.error(Kind::Unreachable, call).because(format!("{}: no connection", call.name()));
            let failed = lines.into_iter().fold(failed, Explain::because);
            return Failed::Late(failed.mend(mend).retry(Retry::AfterFix));
        }
        let (kind, first) = if connecting {
            (Kind::Unreachable, "no connection")
        } else if malformed {
            (Kind::Hostile, "the answer is not HTTP as it should be")
        } else {
            (Kind::Unreachable, "the connection or the answer was cut")
        };
        let failed = self.error(kind, call).because(format!("{}: {first}", call.name()));
        let failed = lines.into_iter().fold(failed, Explain::because);
        let failed =
            failed.mend(format!("see whether `{}` is up, and whether a proxy stands in between", self.base));
        if kind == Kind::Unreachable { Failed::Early(failed) } else { Failed::Late(failed) }
    }

    fn redirected(&self, call: &Call, headers: &HeaderMap) -> IssuerError {
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("//");
        let host = self.base.target_host(location);
        self.error(Kind::Hostile, call)
            .because(format!("{}: it redirects to `{host}`; redirects are not followed", call.name()))
            .mend(format!(
                "if `{host}` is where the instance really is, connect it with that base URL; a login page in \
                 front of n8n has to let Keywright through"
            ))
    }

    /// The error for an answer that is not the one wanted; its body is not quoted.
    pub(crate) fn refused(&self, call: &Call, answer: &Answer) -> IssuerError {
        let status = answer.status.as_u16();
        let kind = match status {
            200..=299 => Kind::Hostile,
            429 => Kind::Throttled,
            500..=599 => Kind::Failed,
            _ => Kind::Refused,
        };
        let failed = self.error(kind, call).because(format!("{}: status {status}", call.name()));
        match kind {
            Kind::Throttled => failed.retry(Retry::Later(answer.retry_after())),
            Kind::Hostile => self.misshapen(call, answer),
            Kind::Failed => failed.mend("see n8n's own log for the reason"),
            Kind::Refused if status == 407 => failed.mend(transport::PROXY_LOGIN),
            _ => failed,
        }
    }

    /// The error for an answer of another shape than n8n's.
    pub(crate) fn misshapen(&self, call: &Call, answer: &Answer) -> IssuerError {
        let failed = self.error(Kind::Hostile, call);
        if answer.is_json() {
            return failed.because(format!("{}: the JSON is not what n8n answers", call.name()));
        }
        let media =
            answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("nothing");
        failed
            .because(format!("{}: the answer is `{}`, not JSON", call.name(), shown(media, 60)))
            .mend(format!("see whether `{}` is the base URL of n8n, path prefix included", self.base))
    }

    /// A body of that shape with status 200, or the error for anything else.
    pub(crate) fn expect<T: serde::de::DeserializeOwned>(
        &self,
        call: &Call,
        answer: &Answer,
    ) -> Result<T, IssuerError> {
        if answer.status != StatusCode::OK {
            return Err(self.refused(call, answer));
        }
        answer.parse().ok_or_else(|| self.misshapen(call, answer))
    }
}
