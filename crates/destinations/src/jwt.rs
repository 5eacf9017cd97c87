//! Signed tokens by which a service is told who we are.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use model::Secret;
use rustls::{
    SignatureScheme,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
};
use serde_json::Value;

/// A token of those two parts, signed by RSA with SHA-256.
pub(crate) fn signed(header: &Value, claims: &Value, key: &Secret) -> Result<Secret, &'static str> {
    let text =
        format!("{}.{}", encoded(header.to_string().as_bytes()), encoded(claims.to_string().as_bytes()));
    let signature = rs256(key, text.as_bytes())?;
    Ok(Secret::new(format!("{text}.{}", encoded(&signature))))
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// By the library that TLS is done with.
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
        let der = include_str!("../tests/data/rfc7515-a2.txt");
        let kind = "RSA PRIVATE KEY";
        Secret::new(format!("-----BEGIN {kind}-----\n{der}-----END {kind}-----\n"))
    }

    #[test]
    fn signs_as_rfc_7515_does() {
        let text = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = rs256(&published_key(), text.as_bytes()).unwrap();
        assert!(
            encoded(&signature).starts_with("cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5R")
        );
        assert!(encoded(&signature).ends_with("K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"));
    }

    #[test]
    fn what_is_no_key_is_told_without_quoting_it() {
        for bad in ["canary", "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n"] {
            let because = rs256(&Secret::new(bad), b"x").unwrap_err();
            assert!(because.starts_with("is "), "{because}");
        }
    }
}
