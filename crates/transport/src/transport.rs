//! Certificates and a proxy. What is malformed is found before anything is sent, and named by its setting.

use model::Secret;
use reqwest::ClientBuilder;
use rustls::RootCertStore;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use url::Url;
use zeroize::Zeroizing;

use crate::words::chain;

/// More than this is no PEM file of certificates.
const MAX_BYTES: usize = 4 << 20;
/// Longest user name or password for a proxy.
const MAX_LOGIN_BYTES: usize = 4096;
/// What mends a proxy that wants a login.
pub const PROXY_LOGIN: &str =
    "give the proxy's user and password (`proxy_user`, `proxy_password`), or see whether they still hold";

const WITH_LOGIN: &str = "it holds a user name or password; URLs end up in logs";

/// How a service is reached. By default, the system's own way: its certificate authorities, and the proxy that
/// the environment names.
#[derive(Clone, Default)]
pub struct Transport {
    /// Certificate authorities, in PEM, instead of the system's. They also judge an HTTPS proxy.
    pub ca: Option<Vec<u8>>,
    /// Our certificate with its chain, in PEM, and its private key, in PEM.
    pub identity: Option<(Vec<u8>, Secret)>,
    /// The proxy to go through, instead of the environment's; also to this machine.
    pub proxy: Option<ProxyConfig>,
}

/// A setting that cannot be used. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportError {
    /// The setting: `ca`, `client_certificate`, `client_key`, `proxy`, `proxy_user` or `proxy_password`.
    pub setting: &'static str,
    /// Why.
    pub because: Vec<String>,
    /// What mends it.
    pub mend: Vec<String>,
}

impl TransportError {
    fn because(mut self, why: String) -> Self {
        self.because.push(why);
        self
    }

    fn mend(mut self, mend: &str) -> Self {
        self.mend.push(mend.to_owned());
        self
    }
}

/// An HTTP or HTTPS proxy.
#[derive(Clone)]
pub struct ProxyConfig {
    /// Its URL, without user and password.
    pub url: String,
    /// Who we are to it.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Secret>,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport")
            .field("ca", &self.ca.is_some())
            .field("identity", &self.identity.is_some())
            .field("proxy", &self.proxy)
            .finish()
    }
}

impl std::fmt::Debug for ProxyConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL is not parsed yet: somebody may have put a password into it.
        f.debug_struct("ProxyConfig")
            .field("user", &self.user.is_some())
            .field("password", &self.password.is_some())
            .finish_non_exhaustive()
    }
}

impl Transport {
    /// Sets a client up for it.
    pub fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, TransportError> {
        let mut builder = builder;
        if let Some(ca) = &self.ca {
            builder = builder.tls_certs_only(authorities(ca)?);
        }
        if let Some((certificate, key)) = &self.identity {
            builder = builder.identity(identity(certificate, key)?);
        }
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.open()?);
        }
        Ok(builder)
    }
}

fn refused(setting: &'static str, why: &str, mend: &str) -> TransportError {
    TransportError { setting, because: vec![why.to_owned()], mend: vec![mend.to_owned()] }
}

fn certificates(setting: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let refused = |why: &str| {
        refused(
            setting,
            why,
            "give a file of certificates in PEM, each from `-----BEGIN CERTIFICATE-----` to its end",
        )
    };
    if pem.len() > MAX_BYTES {
        return Err(refused("it is larger than 4 MiB"));
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|_malformed| refused("it is not well-formed PEM"))?;
    if found.is_empty() {
        return Err(refused("there is no certificate in it"));
    }
    Ok(found)
}

fn authorities(pem: &[u8]) -> Result<Vec<reqwest::Certificate>, TransportError> {
    let mut roots = RootCertStore::empty();
    let mut taken = Vec::new();
    for (at, der) in certificates("ca", pem)?.into_iter().enumerate() {
        let certificate = reqwest::Certificate::from_der(&der);
        let sound = roots.add(der).is_ok();
        let Ok(certificate) = certificate.map_err(drop).and_then(|one| sound.then_some(one).ok_or(())) else {
            let why = format!("its certificate number {} is not a certificate that can be trusted", at + 1);
            return Err(refused("ca", &why, "take it out, or replace it by the authority's own"));
        };
        taken.push(certificate);
    }
    Ok(taken)
}

fn identity(certificate: &[u8], key: &Secret) -> Result<reqwest::Identity, TransportError> {
    let chain_der = certificates("client_certificate", certificate)?;
    let text = key.expose();
    let mend = "give the private key in PEM, unencrypted: PKCS#8, SEC 1 or PKCS#1";
    let bad_key = |why: &str| refused("client_key", why, mend);
    if text.len() > MAX_BYTES {
        return Err(bad_key("it is larger than 4 MiB"));
    }
    if text.contains("ENCRYPTED") {
        return Err(bad_key("it is encrypted").mend(
            "decrypt it with `openssl pkey -in ENCRYPTED.pem -out KEY.pem` and keep the result sealed",
        ));
    }
    let der = PrivateKeyDer::from_pem_slice(text.as_bytes())
        .map_err(|_no_key| bad_key("there is no private key in PEM in it"))?;
    let signing = any_supported_type(&der)
        .map_err(|_unsupported| bad_key("it is no RSA, ECDSA or Ed25519 key that can be used"))?;
    if CertifiedKey::new(chain_der, signing).keys_match().is_err() {
        return Err(refused(
            "client_key",
            "it is not the private key of the `client_certificate`",
            "give the certificate and the key that were made together; the certificate itself comes first in its file",
        ));
    }
    // Certificates alone, so that nothing else in the file is taken for a key.
    let mut both = Zeroizing::new(Vec::with_capacity(certificate.len() + text.len() + 1));
    both.extend_from_slice(text.as_bytes());
    both.push(b'\n');
    both.extend_from_slice(certificate);
    reqwest::Identity::from_pem(&both).map_err(|fault| {
        let lines = chain(&fault);
        let failed = refused("client_certificate", "it cannot be used together with its key", mend);
        lines.into_iter().fold(failed, TransportError::because)
    })
}

impl ProxyConfig {
    /// What is wrong with a proxy's URL; the URL is not quoted.
    pub fn url_fault(text: &str) -> Option<&'static str> {
        Self::parsed(text).err()
    }

    fn parsed(text: &str) -> Result<Url, &'static str> {
        let url = Url::parse(text.trim()).map_err(|_malformed| "it is not a URL")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WITH_LOGIN);
        }
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err("it is neither an HTTP nor an HTTPS proxy's address");
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err("there is more in it than scheme, host and port");
        }
        Ok(url)
    }

    fn open(&self) -> Result<reqwest::Proxy, TransportError> {
        let example = "give its address alone, such as `http://proxy.example.com:3128`";
        // Not quoted: there may be a password in it.
        let bad_url = |why: &str| refused("proxy", why, example);
        let url = Self::parsed(&self.url).map_err(|why| {
            let refused = bad_url(why);
            if why == WITH_LOGIN {
                refused.mend("give them as `proxy_user` and `proxy_password`")
            } else {
                refused
            }
        })?;
        let proxy = reqwest::Proxy::all(url.as_str()).map_err(|_refused| bad_url("it cannot be used"))?;
        match (&self.user, &self.password) {
            (None, None) => Ok(proxy),
            (None, Some(_)) => Err(refused(
                "proxy_password",
                "there is no user that it belongs to",
                "give the proxy's user as `proxy_user`",
            )),
            (Some(user), password) => {
                let fit = |text: &str| text.len() <= MAX_LOGIN_BYTES && !text.chars().any(char::is_control);
                if user.is_empty() || user.contains(':') || !fit(user) {
                    return Err(refused(
                        "proxy_user",
                        "it is empty, too long, or has a colon or control characters in it",
                        "give the name alone; the password is `proxy_password`",
                    ));
                }
                let password = password.as_ref().map_or("", Secret::expose);
                if !fit(password) {
                    return Err(refused(
                        "proxy_password",
                        "it is too long or has control characters in it",
                        "see whether its file ends in more than one line",
                    ));
                }
                Ok(proxy.basic_auth(user, password))
            }
        }
    }
}

/// What mends a connection that certificates or a proxy refused, by the words of TLS and of the tunnel.
pub fn mend(lines: &[String]) -> Option<&'static str> {
    let says = |words: &[&str]| lines.iter().any(|line| words.iter().any(|word| line.contains(word)));
    if says(&["proxy authorization required", "proxy authentication required"]) {
        return Some(PROXY_LOGIN);
    }
    if says(&["tunnel error: unsuccessful"]) {
        return Some("see whether the proxy lets connections to this host and port through");
    }
    if says(&["invalid peer certificate"]) {
        return Some(
            "if its certificate is of an authority of your own, give that authority's certificate as the instance's \
             `ca`; if it has expired or is another host's, renew it there",
        );
    }
    let alerts = [
        "CertificateRequired",
        "CertificateUnknown",
        "BadCertificate",
        "UnknownCA",
        "DecryptError",
        "CertificateExpired",
        "HandshakeFailure",
    ];
    if says(&["received fatal alert"]) && says(&alerts) {
        return Some(
            "give a certificate that the other side takes, as `client_certificate` and `client_key`",
        );
    }
    None
}

#[cfg(test)]
mod tests;
