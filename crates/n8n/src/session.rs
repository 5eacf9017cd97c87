//! The admin session: kept between runs, renewed once for everybody when it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::{IssuerError, IssuerErrorKind as Kind, Report, Retry, Secret, SignedDuration, Timestamp};
use reqwest::StatusCode;
use reqwest::header::{COOKIE, HeaderValue};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::call::{Answer, Call};
use crate::client::N8nClient;
use crate::login::{LoginFields, auth_cookie};
use crate::report::{Explain as _, error};

/// A session that ends within this is renewed before it is used.
const END_MARGIN_S: i64 = 60;
const FORMAT: u8 = 1;

/// What a session is made of.
pub(crate) struct Session {
    pub(crate) cookie: Secret,
    /// Sent at login and ever after; n8n refuses the cookie without it.
    pub(crate) browser_id: String,
    pub(crate) fields: LoginFields,
    pub(crate) expires_at: Option<Timestamp>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Kept<T> {
    format: u8,
    /// A session is never sent elsewhere than where it was opened.
    base_url: T,
    cookie: T,
    browser_id: T,
    fields: LoginFields,
    expires_at: Option<Timestamp>,
}

impl Session {
    pub(crate) fn keep(&self, base_url: &str) -> Result<Secret, IssuerError> {
        let kept = Kept {
            format: FORMAT,
            base_url,
            cookie: self.cookie.expose(),
            browser_id: &self.browser_id,
            fields: self.fields,
            expires_at: self.expires_at,
        };
        let text = serde_json::to_string(&kept);
        text.map(Secret::new).map_err(|_unserialisable| error(Kind::Bug, "cannot write the session down"))
    }

    /// A kept session; `None` if it is not one, or one of another place.
    fn restore(kept: &Secret, base_url: &str) -> Option<Self> {
        let kept: Kept<String> = serde_json::from_str(kept.expose()).ok()?;
        let cookie = Secret::new(kept.cookie);
        let ours = kept.format == FORMAT && kept.base_url == base_url;
        ours.then(|| Self {
            cookie,
            browser_id: kept.browser_id,
            fields: kept.fields,
            expires_at: kept.expires_at,
        })
    }

    fn ends_soon(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end.duration_since(now) < SignedDuration::from_secs(END_MARGIN_S))
    }

    /// Adds what the session consists of to a call.
    pub(crate) fn sign(&self, call: &Call) -> Option<Call> {
        let cookie = Zeroizing::new(format!("n8n-auth={}", self.cookie.expose()));
        let mut cookie = HeaderValue::from_str(&cookie).ok()?;
        cookie.set_sensitive(true);
        let mut browser_id = HeaderValue::from_str(&self.browser_id).ok()?;
        browser_id.set_sensitive(true);
        let mut call = call.clone();
        call.headers.insert(COOKIE, cookie);
        call.headers.insert("browser-id", browser_id);
        Some(call)
    }
}

/// The session as all callers share it.
#[derive(Default)]
pub(crate) struct SessionState {
    inner: tokio::sync::Mutex<Inner>,
    /// Logins that came to an end.
    attempts: AtomicU64,
}

#[derive(Default)]
struct Inner {
    current: Option<Arc<Session>>,
    asked_keeper: bool,
    /// The last failed login, and its number: those who waited for it get its error and don't try again.
    failure: Option<(u64, IssuerError)>,
    throttled: Option<Instant>,
    /// What the last session's login took, so that the next one need not find out.
    fields: LoginFields,
}

impl N8nClient {
    /// A call with the session. Where n8n refuses the session, a new one is opened, once, and the call made
    /// again: a call refused with 401 has had no effect.
    pub(crate) async fn session_call(&self, call: &Call) -> Result<Answer, IssuerError> {
        let session = self.session(None).await?;
        let answer = self.signed(&session, call).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let session = self.session(Some(&session)).await?;
        let answer = self.signed(&session, call).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        Err(self
            .http
            .error(Kind::LoginRefused, call)
            .because("the login was taken, but its session is refused")
            .mend("see whether two-factor is enforced on this instance and not set up for this account")
            .mend("see whether a proxy removes the `Cookie` or `browser-id` header"))
    }

    async fn signed(&self, session: &Arc<Session>, call: &Call) -> Result<Answer, IssuerError> {
        let signed =
            session.sign(call).ok_or_else(|| error(Kind::Bug, "a session is not fit for a header"))?;
        let answer = self.http.ask(&signed).await?;
        if answer.status.is_success()
            && let Some((cookie, expires_at)) = auth_cookie(&answer, self.now())
        {
            self.prolonged(session, cookie, expires_at).await?;
        }
        Ok(answer)
    }

    /// n8n renews a session by itself when most of its life is over.
    async fn prolonged(
        &self,
        old: &Arc<Session>,
        cookie: Secret,
        expires_at: Option<Timestamp>,
    ) -> Result<(), IssuerError> {
        let mut inner = self.session.inner.lock().await;
        if inner.current.as_ref().is_some_and(|current| Arc::ptr_eq(current, old)) {
            let browser_id = old.browser_id.clone();
            let session = Session { cookie, browser_id, fields: old.fields, expires_at };
            self.adopt(&mut inner, session).await?;
        }
        Ok(())
    }

    /// A session other than `refused`: the one there is, the one that another process kept, or a new one.
    async fn session(&self, refused: Option<&Arc<Session>>) -> Result<Arc<Session>, IssuerError> {
        let attempts_before = self.session.attempts.load(Ordering::SeqCst);
        let mut inner = self.session.inner.lock().await;
        let usable = |session: &Session| {
            !session.ends_soon(self.now()) && refused.is_none_or(|refused| refused.cookie != session.cookie)
        };
        if let Some(current) = inner.current.as_ref().filter(|current| usable(current)) {
            return Ok(current.clone());
        }
        if let Some((_, failure)) = inner.failure.as_ref().filter(|(attempt, _)| *attempt > attempts_before) {
            return Err(failure.clone());
        }
        if refused.is_some() || !inner.asked_keeper {
            inner.asked_keeper = true;
            let kept = self.keeper.load().await.map_err(kept_badly)?;
            let kept = kept.and_then(|kept| Session::restore(&kept, self.http.base.as_str()));
            if let Some(kept) = kept {
                inner.fields = kept.fields;
                if usable(&kept) {
                    let kept = Arc::new(kept);
                    inner.current = Some(kept.clone());
                    return Ok(kept);
                }
            }
        }
        let opened = self.open(&mut inner).await;
        // Counted at its end: whoever came while it was under way shares it.
        let attempt = self.session.attempts.fetch_add(1, Ordering::SeqCst) + 1;
        if let Err(failure) = &opened {
            inner.failure = Some((attempt, failure.clone()));
        }
        opened
    }

    async fn open(&self, inner: &mut Inner) -> Result<Arc<Session>, IssuerError> {
        if let Some(until) = inner.throttled {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return Err(throttled_still(&self.http.name, left));
            }
            inner.throttled = None;
        }
        let login =
            self.keeper.login().await.map_err(|report| IssuerError::new(Kind::LoginRefused, report))?;
        match self.login(&login, inner.fields).await {
            Ok(session) => self.adopt(inner, session).await,
            Err(failure) => {
                if let (Kind::Throttled, Retry::Later(Some(wait))) = (failure.kind, failure.report.retry) {
                    let wait = Duration::try_from(wait).unwrap_or_default();
                    inner.throttled = Instant::now().checked_add(wait);
                }
                Err(failure)
            }
        }
    }

    async fn adopt(&self, inner: &mut Inner, session: Session) -> Result<Arc<Session>, IssuerError> {
        let kept = session.keep(self.http.base.as_str())?;
        inner.fields = session.fields;
        let session = Arc::new(session);
        inner.current = Some(session.clone());
        inner.asked_keeper = true;
        self.keeper.save(Some(&kept)).await.map_err(kept_badly)?;
        Ok(session)
    }

    /// Ends the session at the instance, and forgets it.
    pub async fn logout(&self) -> Result<(), IssuerError> {
        let mut inner = self.session.inner.lock().await;
        let mut session = inner.current.take();
        if session.is_none() {
            let kept = self.keeper.load().await.map_err(kept_badly)?;
            session = kept.and_then(|kept| Session::restore(&kept, self.http.base.as_str())).map(Arc::new);
        }
        let call = Call::new(reqwest::Method::POST, "/rest/logout", "end the session");
        let signed = session.and_then(|session| session.sign(&call));
        self.keeper.save(None).await.map_err(kept_badly)?;
        let Some(signed) = signed else { return Ok(()) };
        let answer = self.http.send(&signed).await?;
        match answer.status {
            StatusCode::OK | StatusCode::UNAUTHORIZED => Ok(()),
            _ => Err(self.http.refused(&call, &answer)),
        }
    }
}

fn kept_badly(report: Report) -> IssuerError {
    IssuerError::new(Kind::Failed, report)
}

fn throttled_still(name: &str, left: Duration) -> IssuerError {
    let seconds = i64::try_from(left.as_secs()).unwrap_or(i64::MAX).saturating_add(1);
    error(Kind::Throttled, format!("cannot log in at instance `{name}`"))
        .because(format!("n8n asked to wait; {seconds} s are left"))
        .retry(Retry::Later(Some(SignedDuration::from_secs(seconds))))
}
