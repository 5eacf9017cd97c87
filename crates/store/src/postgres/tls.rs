//! TLS on the way to the database, and whom it takes for the database.

use std::path::Path;
use std::sync::Arc;

use model::{Blame, Report, Retry, StoreError, StoreErrorKind};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How far the way to the database is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// No TLS.
    Plain,
    /// TLS if the server has it, whoever it is.
    IfOffered,
    /// TLS, whoever it is; with a certificate authority given, only who has its word for this name.
    Unknown,
    /// TLS with a certificate for this name, by an authority that is trusted.
    Verified,
}

/// Makes TLS sessions.
#[derive(Clone)]
pub(crate) struct Tls(pub(crate) MakeRustlsConnect);

impl Tls {
    pub(crate) fn new(trust: Trust, authority: Option<&Path>) -> Result<Self, StoreError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| crate::error::bug(format!("TLS cannot be set up: {error}")))?;
        let config = match (trust, authority) {
            (Trust::Verified, None) => builder.with_root_certificates(system()?).with_no_client_auth(),
            (_, Some(path)) => builder.with_root_certificates(given(path)?).with_no_client_auth(),
            (Trust::Plain | Trust::IfOffered | Trust::Unknown, None) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(DangerousAnybody(provider)))
                .with_no_client_auth(),
        };
        Ok(Self(MakeRustlsConnect::new(config)))
    }
}

/// Why no TLS session came to be, and how to mend it.
pub(crate) fn refusal(error: &tokio_postgres::Error) -> (&'static str, &'static str) {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet, NotValidYetContext,
    };
    let cause = std::error::Error::source(error);
    let alert = cause.and_then(<dyn std::error::Error>::downcast_ref::<std::io::Error>);
    let alert = alert.and_then(std::io::Error::get_ref).and_then(|inner| inner.downcast_ref());
    match alert {
        Some(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => (
            "its certificate is for another name",
            "name its host in the URL as its certificate does, or give it a certificate for that name",
        ),
        Some(rustls::Error::InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. },
        )) => ("its certificate is not valid at this time", "renew it, or set this machine's clock"),
        Some(rustls::Error::InvalidCertificate(_)) => (
            "its certificate is by no authority that is trusted",
            "name its authority: `…?sslrootcert=/path/to/ca.pem`",
        ),
        None if cause.is_some_and(|cause| cause.to_string().contains("does not support TLS")) => (
            "it has no TLS, and without it everybody on the way could listen",
            "switch TLS on there: `ssl = on` in its postgresql.conf",
        ),
        _ => ("no TLS connection came to be", "look at the database's log, and at `sslmode` in the URL"),
    }
}

/// The authorities that this system trusts.
fn system() -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let report = Report::new(
            Blame::Operator,
            Retry::AfterFix,
            "no certificate authority is known, so the database's certificate cannot be checked",
        )
        .mend("apt-get install ca-certificates")
        .mend("or name the database's own: `…?sslrootcert=/path/to/ca.pem`");
        return Err(StoreError::new(StoreErrorKind::Unavailable, report));
    }
    Ok(roots)
}

/// The authorities in a file.
fn given(path: &Path) -> Result<RootCertStore, StoreError> {
    let failed = |why: String| {
        let what = format!("cannot read the certificate authority `{}`", path.display());
        let report = Report::new(Blame::Operator, Retry::AfterFix, what)
            .because(why)
            .mend("`sslrootcert` names a file with certificates in PEM form");
        StoreError::new(StoreErrorKind::Unavailable, report)
    };
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
    for certificate in found {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        roots.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    if roots.is_empty() { Err(failed("there is none in it".to_owned())) } else { Ok(roots) }
}

/// Takes anybody for the database: what is said cannot be overheard, but by whom it is heard is not known.
#[derive(Debug)]
struct DangerousAnybody(Arc<CryptoProvider>);

impl ServerCertVerifier for DangerousAnybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
