//! Credentials that a container's or an instance's own metadata gives. It is asked directly, never through a proxy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use model::{DestinationError, DestinationErrorKind as Kind, Secret, Timestamp};
use reqwest::Method;
use serde::Deserialize;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::{Aws, Keys};
use crate::{
    error::error,
    http::{Answer, Request},
    service::{Token, read_text},
};

const CONTAINER: &str = "http://169.254.170.2";
const INSTANCE: &str = "http://169.254.169.254";
/// Of the container agents of ECS and EKS, and of instances.
const LINK_LOCAL_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(169, 254, 170, 2), Ipv4Addr::new(169, 254, 170, 23), Ipv4Addr::new(169, 254, 169, 254)];
const LINK_LOCAL_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23), Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)];
const ROLES: &str = "latest/meta-data/iam/security-credentials";
/// An answer of metadata is no longer than this.
const MAX_BYTES: usize = 64 << 10;

#[derive(Deserialize)]
struct Given {
    #[serde(rename = "AccessKeyId")]
    id: String,
    #[serde(rename = "SecretAccessKey")]
    secret: Zeroizing<String>,
    #[serde(rename = "Token")]
    token: Zeroizing<String>,
    #[serde(rename = "Expiration")]
    until: Timestamp,
}

impl Aws {
    /// Those of the container, if the environment says that there are any (ECS, EKS Pod Identity).
    pub(super) async fn of_container(&self) -> Result<Option<Token<Keys>>, DestinationError> {
        let relative = self.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let text = match relative.map(|path| format!("{CONTAINER}{path}")) {
            Some(url) => Some(url),
            None => self.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        };
        let Some(text) = text else { return Ok(None) };
        let url = trusted(&text).ok_or_else(|| self.untrusted("AWS_CONTAINER_CREDENTIALS_FULL_URI"))?;
        let purpose = "fetch the credentials of the container";
        let mut request = Request::get(url, purpose, "a role of the task or pod").up_to(MAX_BYTES);
        let token = match self.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(file) => {
                read_text(&file, format!("cannot {purpose}")).await?.map(|text| Secret::new(text.as_str()))
            }
            None => self.remote.outside.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        };
        if let Some(token) = token {
            request = request.secret_header("authorization", "", &token)?;
        }
        given(&self.local.send(&request).await?.ok()?).map(Some)
    }

    /// Those of the instance's role, if this is an instance that has one (`IMDSv2`).
    pub(super) async fn of_instance(&self) -> Result<Option<Token<Keys>>, DestinationError> {
        if self.variable("AWS_EC2_METADATA_DISABLED").is_some_and(|flag| flag.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let variable = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
        let base = self.variable(variable).unwrap_or_else(|| INSTANCE.to_owned());
        let base = base.trim_end_matches('/');
        let url = |path: &str| trusted(&format!("{base}/{path}")).ok_or_else(|| self.untrusted(variable));
        let (purpose, need) = ("fetch the credentials of the instance", "a role of the instance");
        let ask = Request::new(Method::PUT, url("latest/api/token")?, purpose, need)
            .header("x-aws-ec2-metadata-token-ttl-seconds", "300")?
            .up_to(MAX_BYTES);
        let answer = match self.local.send(&ask).await {
            // No instance, or one that is not told to answer.
            Err(failure) if failure.kind == Kind::Unreachable => return Ok(None),
            answer => answer?,
        };
        if matches!(answer.status, 403..=405) {
            return Ok(None);
        }
        let token = Secret::new(line(&answer.ok()?)?.as_str());
        let get = |url: Url| {
            let request = Request::get(url, purpose, need).up_to(MAX_BYTES);
            request.secret_header("x-aws-ec2-metadata-token", "", &token)
        };
        let answer = self.local.send(&get(url(&format!("{ROLES}/"))?)?).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let role = line(&answer.ok()?)?;
        let role = super::sign::encode(&role);
        given(&self.local.send(&get(url(&format!("{ROLES}/{role}"))?)?).await?.ok()?).map(Some)
    }

    fn untrusted(&self, variable: &str) -> DestinationError {
        error(
            Kind::Denied,
            format!("cannot log in at {}", self.remote.label()),
            format!(
                "{variable} names a host that gives no credentials: neither https, nor this machine, nor a link-local address of AWS"
            ),
            format!("see who set {variable}"),
        )
    }
}

/// Only what is this machine, AWS beside it, or proves who it is.
fn trusted(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let ip = match url.host()? {
        Host::Domain(name) => return (url.scheme() == "https" || name == "localhost").then_some(url),
        Host::Ipv4(ip) => IpAddr::V4(ip),
        Host::Ipv6(ip) => IpAddr::V6(ip),
    };
    let near = match ip {
        IpAddr::V4(ip) => ip.is_loopback() || LINK_LOCAL_V4.contains(&ip),
        IpAddr::V6(ip) => ip.is_loopback() || LINK_LOCAL_V6.contains(&ip),
    };
    (url.scheme() == "https" || url.scheme() == "http" && near).then_some(url)
}

fn given(answer: &Answer) -> Result<Token<Keys>, DestinationError> {
    let Given { id, secret, token, until } = answer.json()?;
    let (secret, token) = (Secret::new(secret.as_str()), Some(Secret::new(token.as_str())));
    Ok((Keys { id, secret, token }, Some(until)))
}

/// The first line of an answer.
fn line(answer: &Answer) -> Result<Zeroizing<String>, DestinationError> {
    let text =
        std::str::from_utf8(&answer.body).ok().and_then(|text| text.lines().next()).unwrap_or_default();
    if text.is_empty() || text.len() > 512 || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(answer.misshapen("no metadata of an instance"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_or_proves_itself_is_asked() {
        for good in [
            "http://169.254.170.2/v2/credentials/x",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
            "http://127.0.0.1:8080/c",
            "http://localhost/c",
            "https://agent.example/c",
        ] {
            assert!(trusted(good).is_some(), "{good}");
        }
        for bad in [
            "http://example.com/c",
            "http://10.0.0.1/",
            "http://169.254.170.3/",
            "ftp://127.0.0.1/",
            "http://u:p@127.0.0.1/",
            "x",
        ] {
            assert!(trusted(bad).is_none(), "{bad}");
        }
        // A relative one stays on its host.
        for path in ["/v2/x", "@evil.example/x", ".evil.example/x", ":80@evil.example/"] {
            let url = trusted(&format!("{CONTAINER}{path}"));
            assert!(url.is_none_or(|url| url.host_str() == Some("169.254.170.2")), "{path}");
        }
    }
}
