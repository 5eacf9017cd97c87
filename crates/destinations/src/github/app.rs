//! A GitHub App as a login: a token of its own signs for a token of one installation, which lives for an hour.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{DestinationError, DestinationErrorKind as Kind, Secret, SecretRef, Timestamp};
use reqwest::Method;
use rustls::{
    SignatureScheme,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::GitHub;
use crate::{
    error::error,
    http::Request,
    service::{Cached, Settings},
};

/// A token of the App itself lives no longer than ten minutes; clocks may differ.
const LIFE_SECS: i64 = 540;
const SKEW_SECS: i64 = 60;

pub(super) struct App {
    id: String,
    installation: String,
    key: SecretRef,
    token: Cached,
    /// What the last token may do, such as `secrets` to `write`.
    permissions: Mutex<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Issued {
    token: Zeroizing<String>,
    expires_at: Timestamp,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
}

impl App {
    /// The App that the settings name, if they do.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        Some(Self {
            id: settings.text("app_id")?.to_owned(),
            installation: settings.text("installation_id")?.to_owned(),
            key: settings.secret("private_key")?,
            token: Cached::default(),
            permissions: Mutex::default(),
        })
    }

    /// A token of the installation.
    pub(super) async fn token(&self, github: &GitHub) -> Result<Secret, DestinationError> {
        let clock = github.remote.outside.clock();
        let issue = async {
            let key = github.remote.secret(&self.key).await?;
            let own = signed(&self.id, &key, clock.now()).map_err(|because| {
                error(
                    Kind::Denied,
                    format!("cannot log in at {}", github.remote.label()),
                    format!("the `private_key` {because}"),
                    "give the private key that was made in the App's settings, the whole PEM file",
                )
            })?;
            let url = github.url(&["app", "installations", &self.installation, "access_tokens"], &[])?;
            let need = "the App's own private key, and its installation at the owner";
            let request = Request::new(Method::POST, url, "log in as the App", need).repeatable();
            let answer = github.remote.send(&GitHub::worded(request)?.bearer(&own)?).await?.ok()?;
            let issued: Issued = answer.json()?;
            *self.permissions.lock().unwrap_or_else(PoisonError::into_inner) = issued.permissions;
            Ok((Secret::new(issued.token.as_str()), Some(issued.expires_at)))
        };
        self.token.get(&*clock, issue).await
    }

    pub(super) async fn forget(&self, refused: &Secret) {
        self.token.forget(refused).await;
    }

    /// Whether the last token may write what that permission is about.
    pub(super) fn may_write(&self, permission: &str) -> bool {
        let permissions = self.permissions.lock().unwrap_or_else(PoisonError::into_inner);
        permissions.get(permission).is_some_and(|level| matches!(level.as_str(), "write" | "admin"))
    }
}

/// A token by which the App says who it is.
fn signed(id: &str, key: &Secret, now: Timestamp) -> Result<Secret, &'static str> {
    let (from, until) = (now.as_second() - SKEW_SECS, now.as_second() + LIFE_SECS);
    let claims = json!({"iat": from, "exp": until, "iss": id}).to_string();
    let text = format!("{}.{}", encoded(br#"{"alg":"RS256","typ":"JWT"}"#), encoded(claims.as_bytes()));
    let signature = rs256(key, text.as_bytes())?;
    Ok(Secret::new(format!("{text}.{}", encoded(&signature))))
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A signature by RSA with SHA-256, by the library that TLS is done with.
fn rs256(key: &Secret, text: &[u8]) -> Result<Vec<u8>, &'static str> {
    let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
        .map_err(|_not_quoted| "is no private key in PEM")?;
    let key = rustls::crypto::ring::sign::any_supported_type(&key)
        .map_err(|_not_quoted| "is of no kind that can sign")?;
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).ok_or("is no RSA key")?;
    signer.sign(text).map_err(|_not_quoted| "does not sign")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 7515, appendix A.2: everybody has it.
    fn published_key() -> Secret {
        let der = include_str!("../../tests/data/rfc7515-a2.txt");
        let kind = "RSA PRIVATE KEY";
        Secret::new(format!("-----BEGIN {kind}-----\n{der}-----END {kind}-----\n"))
    }

    #[test]
    fn signs_as_rfc_7515_does() {
        let text = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = rs256(&published_key(), text.as_bytes()).unwrap();
        let published = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        assert_eq!(encoded(&signature), published);
    }

    #[test]
    fn what_is_no_key_is_told_without_quoting_it() {
        for bad in ["canary", "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n"] {
            let because = rs256(&Secret::new(bad), b"x").unwrap_err();
            assert!(because.starts_with("is "), "{because}");
        }
    }
}
