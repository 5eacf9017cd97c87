//! Where a service is and what opens it: the setting if it is given, else the environment's variable.

use model::{DestinationError, DestinationErrorKind as Kind, Secret};
use url::Url;

use super::{Outside, ServiceConfig, config::url_fault};
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

/// A secret that opens the service: the setting's, else the variable's. `default` is where the variable's is for where
/// the environment says nothing else.
pub(crate) async fn login(
    config: &ServiceConfig,
    remote: &Remote,
    setting: &str,
    variable: &str,
    default: Option<&str>,
) -> Result<Secret, DestinationError> {
    if let Some(reference) = config.settings().secret(setting) {
        return remote.secret(&reference).await;
    }
    let found = remote.outside.variable(variable);
    let elsewhere = found.as_ref().and_then(|_| elsewhere(config, &*remote.outside, default));
    let own = match (found, &elsewhere) {
        (Some(secret), None) => return Ok(secret),
        (Some(_), Some(_)) => format!("if it is for here too, `{setting} = \"env:{variable}\"`"),
        (None, _) => format!("set {variable}"),
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
    let mut variables =
        config.kind().environment.iter().filter(|(_, of)| *of == "url").map(|(name, _)| *name);
    let named = variables.next().unwrap_or("url");
    let theirs = std::iter::once(named).chain(variables).find_map(|name| outside.variable(name));
    match theirs.as_ref().map(Secret::expose).or(default).and_then(origin) {
        Some(theirs) if origin(here).as_ref() == Some(&theirs) => None,
        // One that is no URL of a host has nothing that can be shown.
        Some(theirs) if theirs.is_tuple() => {
            Some(format!("the environment's is for `{}`", theirs.ascii_serialization()))
        }
        _ => Some(format!("where the environment's is for is not said: {named} holds no URL")),
    }
}
