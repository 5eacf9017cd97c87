//! The service account of the machine, by its metadata server.

use model::{DestinationError, Secret};
use url::Url;

use super::SecretManager;
use crate::{
    http::Request,
    service::{Token, below},
};

const HOST: &str = "169.254.169.254";
const PATH: &[&str] = &["computeMetadata", "v1", "instance", "service-accounts", "default", "token"];

impl SecretManager {
    pub(super) async fn by_metadata(&self) -> Result<Token, DestinationError> {
        let host = self.remote.outside.variable("GCE_METADATA_HOST");
        let host = host.as_ref().map_or(HOST, Secret::expose);
        let Some(base) = Url::parse(&format!("http://{host}")).ok().filter(is_beside) else {
            let because = "GCE_METADATA_HOST is not beside this machine";
            return Err(self.denied(because, "leave it out, or give the metadata server's address"));
        };
        let url = below(base, PATH, &[]);
        let need = "a service account of the machine with the scope `cloud-platform`";
        let request =
            Request::get(url, "get the machine's token", need).header("metadata-flavor", "Google")?;
        let mend = "set GOOGLE_APPLICATION_CREDENTIALS, give `credentials`, or run where a service account is attached";
        match self.local.send(&request).await {
            Ok(answer) => self.token(&answer, mend),
            Err(mut failure) => {
                failure.report.mend.push(mend.to_owned());
                Err(failure)
            }
        }
    }
}

/// Only what is beside this machine is asked in the clear.
fn is_beside(url: &Url) -> bool {
    let bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
    bare && match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback() || ip.is_link_local(),
        Some(url::Host::Domain(name)) => matches!(name, "localhost" | "metadata.google.internal"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_beside_is_asked() {
        let check = |text: &str, wanted: bool| {
            assert_eq!(Url::parse(text).is_ok_and(|url| is_beside(&url)), wanted, "{text}");
        };
        check("http://169.254.169.254", true);
        check("http://metadata.google.internal", true);
        check("http://127.0.0.1:8080", true);
        check("http://198.51.100.1", false);
        check("http://evil.example", false);
        check("http://localhost/x", false);
        check("http://localhost@evil.example", false);
    }
}
