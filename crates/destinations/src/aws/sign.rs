//! Signature Version 4: who sends a request, and that it is whole.

use std::{collections::BTreeMap, fmt::Write as _};

use hmac::{Hmac, KeyInit as _, Mac as _};
use model::{DestinationError, DestinationErrorKind as Kind, Secret, Timestamp};
use sha2::{Digest as _, Sha256};
use url::Url;
use zeroize::Zeroizing;

use super::Keys;
use crate::{error::error, http::Request};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// For what a signature holds.
pub(super) struct Scope<'a> {
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) now: Timestamp,
}

/// The request with its signature; every header that it has is signed.
pub(super) fn sign(request: Request, keys: &Keys, scope: &Scope<'_>) -> Result<Request, DestinationError> {
    let time = scope.now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut request = request.header("x-amz-date", &time)?;
    if let Some(token) = &keys.token {
        request = request.secret_header("x-amz-security-token", "", token)?;
    }
    let (canonical, signed) = canonical(&request);
    let date = scope.now.strftime("%Y%m%d").to_string();
    let holds_for = format!("{date}/{}/{}/aws4_request", scope.region, scope.service);
    let to_sign = format!("{ALGORITHM}\n{time}\n{holds_for}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let first = Zeroizing::new(format!("AWS4{}", keys.secret.expose()));
    let mut key = Zeroizing::new(first.as_bytes().to_vec());
    for part in [date.as_str(), scope.region, scope.service, "aws4_request"] {
        key = hmac(&key, part)?;
    }
    let signature = hex(&hmac(&key, &to_sign)?);
    let value = format!(
        "{ALGORITHM} Credential={}/{holds_for}, SignedHeaders={signed}, Signature={signature}",
        keys.id
    );
    request.secret_header("authorization", "", &Secret::new(value))
}

/// The request in the one form that is signed, and the names of its headers. It holds the token: it is zeroed.
fn canonical(request: &Request) -> (Zeroizing<String>, String) {
    let mut headers: BTreeMap<&str, Zeroizing<String>> = BTreeMap::new();
    for (name, value) in &request.headers {
        let value = value.to_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let held = headers.entry(name.as_str()).or_default();
        if !held.is_empty() {
            held.push(',');
        }
        held.push_str(&value);
    }
    headers.insert("host", Zeroizing::new(host(&request.url)));
    let signed = headers.keys().copied().collect::<Vec<_>>().join(";");
    let mut text = Zeroizing::new(String::with_capacity(4096));
    text.extend([request.method.as_str(), "\n", &path(&request.url), "\n", &query(&request.url), "\n"]);
    for (name, value) in &headers {
        text.extend([*name, ":", value.as_str(), "\n"]);
    }
    let body = request.body.as_ref().map_or(&[][..], |body| body.as_slice());
    text.extend(["\n", &signed, "\n", &hex(&Sha256::digest(body))]);
    (text, signed)
}

/// As the `Host` header will have it.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Encoded once more, as all services but S3 want it.
fn path(url: &Url) -> String {
    url.path().split('/').map(encode).collect::<Vec<_>>().join("/")
}

fn query(url: &Url) -> String {
    let pairs = url.query_pairs().map(|(name, value)| format!("{}={}", encode(&name), encode(&value)));
    let mut pairs: Vec<String> = pairs.collect();
    pairs.sort();
    pairs.join("&")
}

/// RFC 3986: all but its unreserved characters.
pub(super) fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _written = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

fn hmac(key: &[u8], text: &str) -> Result<Zeroizing<Vec<u8>>, DestinationError> {
    let unfit =
        |_unfit| error(Kind::Failed, "cannot sign", "the key has a length of none", "report it as a bug");
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(unfit)?;
    mac.update(text.as_bytes());
    Ok(Zeroizing::new(mac.finalize().into_bytes().to_vec()))
}

/// In lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a text does not fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use reqwest::{Method, header::HeaderValue};

    use super::*;

    /// Name, method, path, headers, body; the headers that are signed, and the signature.
    type Case = (
        &'static str,
        &'static str,
        &'static str,
        &'static [(&'static str, &'static str)],
        &'static str,
        &'static str,
        &'static str,
    );

    const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

    fn signature(service: &str, token: Option<&str>, request: Request) -> (String, String) {
        let keys = Keys {
            id: "AKIDEXAMPLE".into(),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            token: token.map(Secret::new),
        };
        let now = "2015-08-30T12:36:00Z".parse().unwrap();
        let signed = sign(request, &keys, &Scope { region: "us-east-1", service, now }).unwrap();
        let value = signed.headers["authorization"].to_str().unwrap().to_owned();
        let start = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request, SignedHeaders="
        );
        let rest = value.strip_prefix(&start).unwrap();
        let (headers, signature) = rest.split_once(", Signature=").unwrap();
        (headers.to_owned(), signature.to_owned())
    }

    fn request(method: &str, url: &str, headers: &[(&'static str, &str)], body: &str) -> Request {
        let mut request =
            Request::new(Method::from_bytes(method.as_bytes()).unwrap(), url.parse().unwrap(), "", "");
        for (name, value) in headers {
            request.headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        if !body.is_empty() {
            request.body = Some(Zeroizing::new(body.as_bytes().to_vec()));
        }
        request
    }

    #[test]
    fn signs_as_the_published_suite_does() {
        let suite = "https://example.amazonaws.com";
        #[rustfmt::skip]
        let cases: &[Case] = &[
            ("get-vanilla", "GET", "/", &[], "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("post-vanilla", "POST", "/", &[], "", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            ("get-header-key-duplicate", "GET", "/", &[("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")], "", "host;my-header1;x-amz-date", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"),
            ("get-header-value-order", "GET", "/", &[("my-header1", "value4"), ("my-header1", "value1"), ("my-header1", "value3"), ("my-header1", "value2")], "", "host;my-header1;x-amz-date", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"),
            ("get-header-value-trim", "GET", "/", &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")], "", "host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
            ("get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", &[], "", "host;x-amz-date", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
            ("get-vanilla-empty-query-key", "GET", "/?Param1=value1", &[], "", "host;x-amz-date", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
            ("get-vanilla-query-order-key", "GET", "/?Param1=value2&Param1=Value1", &[], "", "host;x-amz-date", "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"),
            ("get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", &[], "", "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
            ("get-vanilla-query-order-value", "GET", "/?Param1=value2&Param1=value1", &[], "", "host;x-amz-date", "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"),
            ("post-x-www-form-urlencoded", "POST", "/", &[("content-type", "application/x-www-form-urlencoded")], "Param1=value1", "content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
        ];
        for (name, method, path, headers, body, signed, expected) in cases {
            let found = signature("service", None, request(method, &format!("{suite}{path}"), headers, body));
            assert_eq!(found, ((*signed).to_owned(), (*expected).to_owned()), "{name}");
        }
        let found = signature("service", Some(TOKEN), request("POST", suite, &[], ""));
        let expected = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead";
        assert_eq!(found, ("host;x-amz-date;x-amz-security-token".into(), expected.into()));
    }

    #[test]
    fn signs_a_port_and_a_path_as_the_python_sdk_does() {
        // What botocore 1.44 makes of it.
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "secretsmanager.GetSecretValue"),
        ];
        let request = request("POST", "http://127.0.0.1:4566/a%20b/", &headers, "{\"SecretId\":\"n8n\"}");
        let (signed, found) = signature("secretsmanager", None, request);
        assert_eq!(signed, "content-type;host;x-amz-date;x-amz-target");
        assert_eq!(found, "8e5746e5b4002a017664db4b18941030e800c13d8e71711766e661815119dbe6");
    }

    #[test]
    fn nothing_secret_is_shown() {
        let keys = Keys {
            id: "AKIDEXAMPLE".into(),
            secret: Secret::new("canary-secret"),
            token: Some(Secret::new("canary-token")),
        };
        let now = Timestamp::UNIX_EPOCH;
        let scope = Scope { region: "us-east-1", service: "ssm", now };
        let signed = sign(request("POST", "https://example.com", &[], ""), &keys, &scope).unwrap();
        assert!(!format!("{keys:?} {:?}", signed.headers).contains("canary"));
        assert!(!format!("{:?}", signed.headers).contains("Signature"));
    }
}
