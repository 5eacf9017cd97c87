//! Where a service is: its region and its endpoint.

use model::{DestinationError, DestinationErrorKind as Kind};
use url::Url;

use super::Aws;
use crate::{error::error, service::url_fault};

impl Aws {
    /// The region, if the address does not say another.
    pub(super) async fn region(&self) -> Result<&str, DestinationError> {
        self.region.get_or_try_init(|| self.find_region()).await.map(String::as_str)
    }

    async fn find_region(&self) -> Result<String, DestinationError> {
        let given = self.config.settings().text("region").map(str::to_owned);
        let given =
            given.or_else(|| self.variable("AWS_REGION")).or_else(|| self.variable("AWS_DEFAULT_REGION"));
        let region = match given {
            Some(region) => Some(region),
            None => self.of_profile("region").await?,
        };
        match region {
            Some(region) if is_region(&region) => Ok(region),
            found => Err(error(
                Kind::BadAddress,
                format!("cannot reach {}", self.remote.label()),
                if found.is_some() { "its region is none" } else { "nothing says in which region it is" },
                format!(
                    "set `region` in [service.{}], such as \"eu-central-1\"; or AWS_REGION",
                    self.config.name()
                ),
            )),
        }
    }

    /// The service's URL in a region.
    pub(super) async fn url(&self, region: &str) -> Result<Url, DestinationError> {
        let given = self.endpoint.get_or_try_init(|| async {
            let variables = [self.wire.endpoint, "AWS_ENDPOINT_URL"];
            match self.given("endpoint", &variables) {
                Some(url) => Ok(Some(url)),
                None => self.of_profile("endpoint_url").await,
            }
        });
        self.parse(given.await?.clone(), self.wire.service, region)
    }

    /// STS's URL in a region.
    pub(super) fn sts_url(&self, region: &str) -> Result<Url, DestinationError> {
        let given = self.given("sts_endpoint", &["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"]);
        self.parse(given, "sts", region)
    }

    fn given(&self, setting: &str, variables: &[&str]) -> Option<String> {
        let setting = self.config.settings().text(setting).map(str::to_owned);
        setting.or_else(|| variables.iter().find_map(|name| self.variable(name)))
    }

    fn parse(&self, given: Option<String>, service: &str, region: &str) -> Result<Url, DestinationError> {
        let text = given.unwrap_or_else(|| format!("https://{service}.{region}.{}", suffix(region)));
        let plain_http = self.config.settings().flag("dangerous_plain_http");
        match (url_fault(&text, plain_http), Url::parse(&text)) {
            (None, Ok(url)) => Ok(url),
            (fault, _) => Err(error(
                Kind::BadAddress,
                format!("cannot reach {}", self.remote.label()),
                format!("its endpoint {}", fault.unwrap_or("is not a URL")),
                "see `endpoint` and `sts_endpoint`, AWS_ENDPOINT_URL and the variables that begin so, and the profile",
            )),
        }
    }
}

/// The domain of a region's partition.
fn suffix(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "amazonaws.com.cn",
        Some("eusc") => "amazonaws.eu",
        Some("us") if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        Some("us") if region.starts_with("us-isof-") => "csp.hci.ic.gov",
        Some("us") if region.starts_with("us-iso-") => "c2s.ic.gov",
        Some("eu") if region.starts_with("eu-isoe-") => "cloud.adc-e.uk",
        _ => "amazonaws.com",
    }
}

/// It becomes a part of a host's name.
pub(super) fn is_region(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_its_partitions_domain() {
        for (region, expected) in [
            ("eu-central-1", "amazonaws.com"),
            ("us-gov-west-1", "amazonaws.com"),
            ("cn-north-1", "amazonaws.com.cn"),
            ("us-iso-east-1", "c2s.ic.gov"),
            ("us-isob-east-1", "sc2s.sgov.gov"),
            ("eusc-de-east-1", "amazonaws.eu"),
        ] {
            assert_eq!(suffix(region), expected, "{region}");
        }
    }

    #[test]
    fn what_is_no_region_gets_into_no_host() {
        assert!(is_region("eu-central-1"));
        for bad in ["", "-x", "evil.example/", "EU", "a:1", "a@b"] {
            assert!(!is_region(bad), "{bad}");
        }
    }
}
