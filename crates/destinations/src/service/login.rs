//! Where a service is and what opens it: the setting if it is given, else the environment's variable.

use model::{DestinationError, DestinationErrorKind as Kind, Secret};
use url::Url;

use super::{Outside, ServiceConfig, config::url_fault};
use crate::{error::error, http::Remote};

/// The service's URL: `url`, else the environment's, else `default`.
pub(crate) fn base_url(
    config: &ServiceConfig,
    remote: &Remote,
    default: Option<&str>,
) -> Result<Url, DestinationError> {
    let settings = config.settings();
    let theirs = config.said_by(&*remote.outside, "url").map(|(_, url)| url);
    let given = settings.text("url").or_else(|| theirs.as_ref().map(Secret::expose)).or(default);
    let what = || format!("cannot reach {}", remote.label());
    let variable = config.variables("url").next().unwrap_or("its variable");
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

/// A secret that opens the service: the setting's, else the environment's. `default` is where the environment's is for
/// where it says nothing else.
pub(crate) async fn login(
    config: &ServiceConfig,
    remote: &Remote,
    setting: &str,
    default: Option<&str>,
) -> Result<Secret, DestinationError> {
    if let Some(reference) = config.settings().secret(setting) {
        return remote.secret(&reference).await;
    }
    let found = config.said_by(&*remote.outside, setting);
    let elsewhere = found.as_ref().and_then(|_| elsewhere(config, &*remote.outside, default));
    let own = match (found, &elsewhere) {
        (Some((_, secret)), None) => return Ok(secret),
        (Some((variable, _)), Some(_)) => format!("if it is for here too, `{setting} = \"env:{variable}\"`"),
        (None, _) => format!("set {}", config.variables(setting).next_back().unwrap_or("its variable")),
    };
    let mut failure = error(
        Kind::Denied,
        format!("cannot log in at {}", remote.label()),
        format!("there is no `{setting}`"),
        format!(
            "keywright secret set NAME, and `{setting} = \"sealed:NAME\"` in [service.{}]; or {own}",
            config.name()
        ),
    );
    failure.report.because.extend(elsewhere);
    Err(failure)
}

/// Why the environment's credentials are not for this service: `url` is given, and is not where the environment says, or
/// `default`.
pub(crate) fn elsewhere(
    config: &ServiceConfig,
    outside: &dyn Outside,
    default: Option<&str>,
) -> Option<String> {
    let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
    let here = config.settings().text("url")?;
    let named = config.variables("url").next().unwrap_or("url");
    let theirs = config.said_by(outside, "url").map(|(_, url)| url);
    match theirs.as_ref().map(Secret::expose).or(default).and_then(origin) {
        Some(theirs) if origin(here).as_ref() == Some(&theirs) => None,
        // One that is no URL of a host has nothing that can be shown.
        Some(theirs) if theirs.is_tuple() => {
            Some(format!("the environment's is for `{}`", theirs.ascii_serialization()))
        }
        _ => Some(format!("where the environment's is for is not said: {named} holds no URL")),
    }
}
