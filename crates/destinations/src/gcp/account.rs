//! Who we are to Google: application default credentials, in the order that its own libraries look for them.

use model::{DestinationError, DestinationErrorKind as Kind, Secret, Timestamp};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use super::SecretManager;
use crate::{
    error::error,
    http::{Answer, Request},
    jwt,
    service::{Token, over_at, read_text, url_fault},
};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
const JWT_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const EXCHANGE_GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const LIFE_SECS: i64 = 3600;

/// What a file of credentials has, of all types.
#[derive(Deserialize)]
struct Credentials {
    r#type: String,
    client_email: Option<String>,
    private_key: Option<Zeroizing<String>>,
    private_key_id: Option<String>,
    token_uri: Option<String>,
    client_id: Option<String>,
    client_secret: Option<Zeroizing<String>>,
    refresh_token: Option<Zeroizing<String>>,
    audience: Option<String>,
    subject_token_type: Option<String>,
    token_url: Option<String>,
    service_account_impersonation_url: Option<String>,
    credential_source: Option<Source>,
}

/// Where the token of another provider is.
#[derive(Deserialize)]
struct Source {
    file: Option<String>,
    format: Option<Format>,
}

#[derive(Deserialize)]
struct Format {
    r#type: Option<String>,
    subject_token_field_name: Option<String>,
}

impl SecretManager {
    pub(super) fn denied(&self, because: impl Into<String>, mend: impl Into<String>) -> DestinationError {
        error(Kind::Denied, format!("cannot log in at {}", self.remote.label()), because, mend)
    }

    /// A token, as the settings say, else the environment, else gcloud, else the machine.
    pub(super) async fn log_in(&self) -> Result<Token, DestinationError> {
        let (settings, outside) = (self.config.settings(), &self.remote.outside);
        if let Some(reference) = settings.secret("credentials") {
            let text = self.remote.secret(&reference).await?;
            return self.by_credentials(text.expose()).await;
        }
        let variable = outside.variable("GOOGLE_APPLICATION_CREDENTIALS");
        let given = settings.text("credentials_file").or_else(|| variable.as_ref().map(Secret::expose));
        let what = format!("cannot log in at {}", self.remote.label());
        if let Some(path) = given {
            let Some(text) = read_text(path, what.clone()).await? else {
                let mend = "see `credentials_file` and GOOGLE_APPLICATION_CREDENTIALS";
                return Err(error(Kind::NotFound, what, format!("`{path}` is not there"), mend));
            };
            return self.by_credentials(&text).await;
        }
        let folder = outside.variable("CLOUDSDK_CONFIG").map(|folder| folder.expose().to_owned());
        let home = || Some(format!("{}/.config/gcloud", outside.variable("HOME")?.expose()));
        if let Some(folder) = folder.or_else(home)
            && let Some(text) =
                read_text(&format!("{folder}/application_default_credentials.json"), what).await?
        {
            return self.by_credentials(&text).await;
        }
        self.by_metadata().await
    }

    async fn by_credentials(&self, text: &str) -> Result<Token, DestinationError> {
        let Ok(credentials) = serde_json::from_str::<Credentials>(text) else {
            return Err(self
                .denied("the credentials are no JSON of any type", "give the whole file as Google made it"));
        };
        match credentials.r#type.as_str() {
            "service_account" => self.by_key(&credentials).await,
            "authorized_user" => self.by_refresh_token(&credentials).await,
            "external_account" => self.by_federation(&credentials).await,
            other => Err(self.denied(
                format!("credentials of the type `{}` are not supported", transport::shown(other, 40)),
                "give a service account's key, a workload identity federation by file, or a login of gcloud",
            )),
        }
    }

    fn needed<'c>(&self, value: Option<&'c str>, member: &str) -> Result<&'c str, DestinationError> {
        value.filter(|text| !text.is_empty()).ok_or_else(|| {
            self.denied(
                format!("the credentials have no `{member}`"),
                "give the whole file as Google made it",
            )
        })
    }

    /// Where a token is fetched; as strict as any URL of a service.
    fn token_url(&self, text: &str) -> Result<Url, DestinationError> {
        let plain = self.config.settings().flag("dangerous_plain_http");
        match (url_fault(text, plain), Url::parse(text)) {
            (None, Ok(url)) => Ok(url),
            (fault, _) => {
                let because = format!("the URL of the credentials {}", fault.unwrap_or("is not one"));
                Err(self.denied(because, "give the file as Google made it"))
            }
        }
    }

    async fn by_key(&self, credentials: &Credentials) -> Result<Token, DestinationError> {
        let email = self.needed(credentials.client_email.as_deref(), "client_email")?;
        let key = self.needed(credentials.private_key.as_ref().map(|key| key.as_str()), "private_key")?;
        let audience = credentials.token_uri.as_deref().unwrap_or(TOKEN_URL);
        let url = self.token_url(audience)?;
        let now = self.remote.outside.clock().now().as_second();
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": credentials.private_key_id});
        let claims =
            json!({"iss": email, "scope": SCOPE, "aud": audience, "iat": now, "exp": now + LIFE_SECS});
        let assertion = jwt::signed(&header, &claims, &Secret::new(key)).map_err(|because| {
            self.denied(
                format!("the `private_key` of the credentials {because}"),
                "make a new key of the service account",
            )
        })?;
        let form = [("grant_type", JWT_GRANT), ("assertion", assertion.expose())];
        self.fetch(
            url,
            &form,
            "see whether the service account's key is disabled or deleted, and whether the clock is right",
        )
        .await
    }

    async fn by_refresh_token(&self, credentials: &Credentials) -> Result<Token, DestinationError> {
        let secret =
            |text: &'_ Option<Zeroizing<String>>| text.as_ref().map(|text| Secret::new(text.as_str()));
        let (secret, refresh) = (secret(&credentials.client_secret), secret(&credentials.refresh_token));
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", self.needed(credentials.client_id.as_deref(), "client_id")?),
            ("client_secret", self.needed(secret.as_ref().map(Secret::expose), "client_secret")?),
            ("refresh_token", self.needed(refresh.as_ref().map(Secret::expose), "refresh_token")?),
        ];
        let url = self.token_url(credentials.token_uri.as_deref().unwrap_or(TOKEN_URL))?;
        self.fetch(url, &form, "log in anew: `gcloud auth application-default login`").await
    }

    /// Workload identity federation: another provider's token from a file becomes one of Google.
    async fn by_federation(&self, credentials: &Credentials) -> Result<Token, DestinationError> {
        let source = credentials.credential_source.as_ref();
        let Some(path) = source.and_then(|source| source.file.as_deref()) else {
            return Err(self.denied(
                "a workload identity federation that does not take its token from a file is not supported",
                "make the credentials with `--credential-source-file`",
            ));
        };
        let what = format!("cannot log in at {}", self.remote.label());
        let Some(text) = read_text(path, what.clone()).await? else {
            let mend = "see the `credential_source` of the credentials";
            return Err(error(Kind::NotFound, what, format!("the token `{path}` is not there"), mend));
        };
        let format = source.and_then(|source| source.format.as_ref());
        let subject = match format.filter(|format| format.r#type.as_deref() == Some("json")) {
            None => Secret::new(text.as_str()),
            Some(format) => {
                let member = format.subject_token_field_name.as_deref();
                let member = self.needed(member, "subject_token_field_name")?;
                let value: Value = serde_json::from_str(&text).unwrap_or_default();
                Secret::new(self.needed(value.get(member).and_then(Value::as_str), member)?)
            }
        };
        let form = [
            ("grant_type", EXCHANGE_GRANT),
            ("audience", self.needed(credentials.audience.as_deref(), "audience")?),
            ("scope", SCOPE),
            ("requested_token_type", ACCESS_TOKEN),
            ("subject_token", subject.expose()),
            (
                "subject_token_type",
                self.needed(credentials.subject_token_type.as_deref(), "subject_token_type")?,
            ),
        ];
        let url = self.token_url(self.needed(credentials.token_url.as_deref(), "token_url")?)?;
        let token =
            self.fetch(url, &form, "see the workload identity pool's provider and its conditions").await?;
        match &credentials.service_account_impersonation_url {
            Some(url) => self.impersonate(self.token_url(url)?, &token.0).await,
            None => Ok(token),
        }
    }

    async fn impersonate(&self, url: Url, token: &Secret) -> Result<Token, DestinationError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Issued {
            access_token: Zeroizing<String>,
            expire_time: Timestamp,
        }
        let need = "`iam.serviceAccounts.getAccessToken` on the service account";
        let request = Request::new(Method::POST, url, "act as the service account", need).repeatable();
        let request = request.json(&json!({"scope": [SCOPE]}))?.bearer(token)?;
        let issued: Issued = self.remote.send(&request).await?.ok()?.json()?;
        Ok((Secret::new(issued.access_token.as_str()), Some(issued.expire_time)))
    }

    async fn fetch(&self, url: Url, form: &[(&str, &str)], mend: &str) -> Result<Token, DestinationError> {
        let request = Request::new(Method::POST, url, "log in", "credentials that hold").repeatable();
        let answer = self.remote.send(&request.form(form)).await?;
        self.token(&answer, mend)
    }

    pub(super) fn token(&self, answer: &Answer, mend: &str) -> Result<Token, DestinationError> {
        #[derive(Deserialize)]
        struct Issued {
            access_token: Zeroizing<String>,
            expires_in: i64,
        }
        if matches!(answer.status, 400..=404) {
            return Err(answer.error(Kind::Denied, "the login was refused", mend));
        }
        if !answer.is_ok() {
            return Err(answer.refusal());
        }
        let issued: Issued = answer.json()?;
        let until = over_at(self.remote.outside.clock().now(), issued.expires_in);
        Ok((Secret::new(issued.access_token.as_str()), Some(until)))
    }
}
