//! Where a service is and what opens it: the setting if it is given, else the environment's variable.

use model::{DestinationError, DestinationErrorKind as Kind, Secret};
use url::Url;

use super::{ServiceConfig, config::url_fault};
use crate::{error::error, http::Remote};

/// The service's URL: `url`, else the variable, else `default`.
pub(crate) fn base_url(
    config: &ServiceConfig,
    remote: &Remote,
    variable: &str,
    default: Option<&str>,
) -> Result<Url, DestinationError> {
    let settings = config.settings();
    let from_environment = remote.outside.variable(variable);
    let given = settings.text("url").or_else(|| from_environment.as_ref().map(Secret::expose)).or(default);
    let what = || format!("cannot reach {}", remote.label());
    let mend = || format!("set `url` in [service.{}], or {variable}", config.name());
    let Some(text) = given else {
        return Err(error(Kind::BadAddress, what(), "nothing says where it is", mend()));
    };
    let fault = url_fault(text, settings.flag("dangerous_plain_http"));
    match (fault, Url::parse(text)) {
        (None, Ok(url)) => Ok(url),
        (fault, _) => {
            let because = format!("its address {}", fault.unwrap_or("is not a URL"));
            Err(error(Kind::BadAddress, what(), because, mend()))
        }
    }
}

/// A secret that opens the service: the setting's, else the variable's.
pub(crate) async fn login(
    config: &ServiceConfig,
    remote: &Remote,
    setting: &str,
    variable: &str,
) -> Result<Secret, DestinationError> {
    if let Some(reference) = config.settings().secret(setting) {
        return remote.secret(&reference).await;
    }
    remote.outside.variable(variable).ok_or_else(|| {
        error(
            Kind::Denied,
            format!("cannot log in at {}", remote.label()),
            format!("there is no `{setting}`"),
            format!("keywright secret set NAME, and `{setting} = \"sealed:NAME\"` in [service.{}]; or set {variable}", config.name()),
        )
    })
}
