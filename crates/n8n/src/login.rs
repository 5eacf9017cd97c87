//! The login exchange: one request wherever possible, since n8n counts them (5 a minute).

use model::{AdminLogin, IssuerError, IssuerErrorKind as Kind, Retry, Secret, SignedDuration, Timestamp};
use reqwest::header::{HeaderValue, SET_COOKIE};
use reqwest::{Method, StatusCode};
use zeroize::Zeroizing;

use crate::call::{Answer, Call};
use crate::client::N8nClient;
use crate::key_text::claims_of;
use crate::report::Explain as _;
use crate::second_factor::{Code, codes};
use crate::session::Session;

/// How the login names its fields. Versions differ, and ignore what they don't know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LoginFields {
    /// The names of all versions at once.
    #[default]
    All,
    /// Only today's: `emailOrLdapLoginId`, `mfaCode`.
    Modern,
    /// Only those of 1.60: `email`, `mfaToken`.
    Legacy,
}

/// When no second factor is sent and the account has one.
const SECOND_FACTOR_CODE: i64 = 998;
/// How long a throttled login waits if n8n does not say.
const THROTTLED_S: i64 = 60;
/// A cookie that is longer is not n8n's.
const COOKIE_MAX_BYTES: usize = 8192;

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    email_or_ldap_login_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    password: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_recovery_code: Option<&'a str>,
}

impl<'a> Body<'a> {
    fn new(login: &'a AdminLogin, fields: LoginFields, code: Option<&'a Code>) -> Self {
        let modern = |value| Some(value).filter(|_| fields != LoginFields::Legacy);
        let legacy = |value| Some(value).filter(|_| fields != LoginFields::Modern);
        let (totp, recovery) = match code {
            Some(Code::Totp(code)) => (Some(code.expose()), None),
            Some(Code::Recovery(code)) => (None, Some(code.expose())),
            None => (None, None),
        };
        Self {
            email_or_ldap_login_id: modern(login.email.as_str()),
            email: legacy(login.email.as_str()),
            password: login.password.expose(),
            mfa_code: totp.and_then(modern),
            mfa_token: totp.and_then(legacy),
            mfa_recovery_code: recovery,
        }
    }
}

impl N8nClient {
    /// Opens a session. At most two requests, three where the names of the fields have to be found out.
    pub(crate) async fn login(
        &self,
        login: &AdminLogin,
        fields: LoginFields,
    ) -> Result<Session, IssuerError> {
        let codes = match &login.second_factor {
            Some(factor) => codes(factor, self.now())?,
            None => Vec::new(),
        };
        let browser_id = self.browser_id();
        let mut fields = fields;
        let mut codes = codes.iter();
        let mut code = codes.next();
        loop {
            let call = login_call(login, fields, code, &browser_id)?;
            let answer = self.http.send(&call).await?;
            match (answer.status, fields) {
                (StatusCode::OK, _) => {
                    let found =
                        auth_cookie(&answer, self.now()).ok_or_else(|| self.no_cookie(&call, &answer))?;
                    let (cookie, expires_at) = found;
                    return Ok(Session { cookie, browser_id, fields, expires_at });
                }
                (StatusCode::BAD_REQUEST, _) if about_the_address(&answer) => {
                    return Err(self.login_refused(&call, &answer));
                }
                // A version that refuses names it does not know is a newer one.
                (StatusCode::BAD_REQUEST, LoginFields::All) => fields = LoginFields::Modern,
                (StatusCode::BAD_REQUEST, LoginFields::Modern) => fields = LoginFields::Legacy,
                (StatusCode::UNAUTHORIZED, _) if code.is_some() && about_the_code(&answer) => {
                    match codes.next() {
                        Some(next) => code = Some(next),
                        None => return Err(self.login_refused(&call, &answer)),
                    }
                }
                _ => return Err(self.login_refused(&call, &answer)),
            }
        }
    }

    fn no_cookie(&self, call: &Call, answer: &Answer) -> IssuerError {
        if !answer.is_json() {
            return self.http.misshapen(call, answer);
        }
        self.http
            .error(Kind::Hostile, call)
            .because(format!("{}: the login was taken, but no `n8n-auth` cookie came with it", call.name()))
            .mend("see whether a proxy removes the `Set-Cookie` header")
    }

    fn login_refused(&self, call: &Call, answer: &Answer) -> IssuerError {
        let failed = |kind| {
            self.http.error(kind, call).because(format!("{}: status {}", call.name(), answer.status.as_u16()))
        };
        match answer.status.as_u16() {
            429 => failed(Kind::Throttled).because("too many logins; n8n takes 5 a minute").retry(
                Retry::Later(Some(answer.retry_after().unwrap_or(SignedDuration::from_secs(THROTTLED_S)))),
            ),
            401 if !answer.is_json() => failed(Kind::Refused)
                .because("the 401 is not n8n's: something in front of it asks for a login of its own")
                .mend("give a base URL that leads to n8n directly"),
            401 if code_of(answer) == Some(SECOND_FACTOR_CODE) => failed(Kind::SecondFactorRequired)
                .because("the account has two-factor authentication")
                .mend("give its TOTP seed, a code, or a recovery code"),
            401 if about_the_code(answer) => failed(Kind::LoginRefused)
                .because("the second factor was refused")
                .mend("see whether this machine's clock is right, and give a fresh code"),
            401 => failed(Kind::LoginRefused)
                .because("e-mail or password is wrong, or the account may only use single sign-on")
                .mend("give the e-mail and password that open n8n's editor"),
            400 => failed(Kind::LoginRefused)
                .because("n8n does not take the login id")
                .mend("give the e-mail address with which you open n8n's editor"),
            404 => failed(Kind::Refused).because("there is no login here").mend(format!(
                "see whether `{}` is the base URL of n8n, path prefix included",
                self.http.base
            )),
            _ => self.http.refused(call, answer),
        }
    }
}

fn login_call(
    login: &AdminLogin,
    fields: LoginFields,
    code: Option<&Code>,
    browser_id: &str,
) -> Result<Call, IssuerError> {
    let call = Call::new(Method::POST, "/rest/login", "log in");
    let mut call = call.json(&Body::new(login, fields, code))?;
    if let Ok(mut value) = HeaderValue::from_str(browser_id) {
        value.set_sensitive(true);
        call.headers.insert("browser-id", value);
    }
    Ok(call)
}

fn code_of(answer: &Answer) -> Option<i64> {
    #[derive(serde::Deserialize)]
    struct Coded {
        code: i64,
    }
    answer.parse::<Coded>().map(|coded| coded.code)
}

fn about_the_code(answer: &Answer) -> bool {
    answer.message().is_some_and(|message| message.contains("mfa token") || message.contains("recovery code"))
}

fn about_the_address(answer: &Answer) -> bool {
    answer.message().is_some_and(|message| message == "Invalid email address")
}

/// The session cookie that an answer sets, and when it ends; `None` if it sets none, or clears it.
pub(crate) fn auth_cookie(answer: &Answer, now: Timestamp) -> Option<(Secret, Option<Timestamp>)> {
    answer.headers.get_all(SET_COOKIE).iter().find_map(|header| {
        let header = Zeroizing::new(header.to_str().ok()?.to_owned());
        let mut parts = header.split(';').map(str::trim);
        let value = parts.next()?.strip_prefix("n8n-auth=")?;
        let clean = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b',' | b';' | b'\\');
        if value.is_empty() || value.len() > COOKIE_MAX_BYTES || !value.bytes().all(clean) {
            return None;
        }
        let max_age =
            parts.find_map(|part| part.to_ascii_lowercase().strip_prefix("max-age=")?.parse::<i64>().ok());
        let by_age = max_age.and_then(|age_s| now.checked_add(SignedDuration::from_secs(age_s)).ok());
        let by_claim = value.split('.').nth(1).and_then(claims_of).and_then(|claims| claims.expires_at);
        Some((Secret::new(value), by_claim.or(by_age)))
    })
}
