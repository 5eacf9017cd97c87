//! Where the database is: the URL and its parts, and how far the way there is trusted.

use std::path::PathBuf;
use std::time::Duration;

use model::{Blame, Report, Retry, Secret, StoreError, StoreErrorKind};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use url::Url;

use super::tls::{Tls, Trust};

const FORM: &str = "write it as `postgresql://user@host:5432/database?sslmode=verify-full`";

/// A database, and how to get there. Its password is in it, and never shown.
pub(crate) struct Address {
    pub(crate) config: Config,
    pub(crate) tls: Tls,
    /// Without password and parameters.
    pub(crate) shown: String,
}

impl Address {
    /// Reads the URL; a password in it is refused.
    pub(crate) fn parse(url: &str, password: Option<&Secret>) -> Result<Self, StoreError> {
        let mut parsed = Url::parse(url).map_err(|error| refused(error.to_string()).mended(FORM))?;
        if !["postgres", "postgresql"].contains(&parsed.scheme()) {
            return Err(refused("it does not begin with `postgresql://`").mended(FORM));
        }
        let given: Vec<(String, String)> =
            parsed.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        if parsed.password().is_some() || given.iter().any(|(name, _)| name == "password") {
            return Err(refused("a password stands in it, where lists of processes and logs would show it")
                .mended(
                    "take it out, and give it by reference: `store_password = \"env:NAME\"` or \"file:PATH\"",
                ));
        }
        let value = |name: &str| given.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str());
        let (mode, root) = (value("sslmode"), value("sslrootcert").map(PathBuf::from));
        let rest: Vec<&(String, String)> =
            given.iter().filter(|(name, _)| !["sslmode", "sslrootcert"].contains(&name.as_str())).collect();
        parsed.set_query(None);
        if !rest.is_empty() {
            parsed.query_pairs_mut().extend_pairs(rest.iter().map(|(name, value)| (name, value)));
        }
        // Its errors name parameters, never values.
        let mut config: Config =
            parsed.as_str().parse().map_err(|error: tokio_postgres::Error| invalid(&error))?;
        let trust = match mode {
            None => by_default(&config),
            Some("disable") => Trust::Plain,
            Some("prefer") => Trust::IfOffered,
            Some("require") => Trust::Unknown,
            Some("verify-full") => Trust::Verified,
            Some(_) => {
                return Err(refused("its `sslmode` is none that is known here")
                    .mended("sslmode=disable, prefer, require or verify-full"));
            }
        };
        let tls = Tls::new(trust, root.as_deref())?;
        config.ssl_mode(match trust {
            Trust::Plain => SslMode::Disable,
            Trust::IfOffered => SslMode::Prefer,
            Trust::Unknown | Trust::Verified => SslMode::Require,
        });
        if let Some(password) = password {
            config.password(password.expose());
        }
        bound(&mut config);
        Ok(Self { shown: shown(&config), config, tls })
    }
}

/// Within one machine nothing is to be feared that could not read our memory as well.
fn by_default(config: &Config) -> Trust {
    let hosts = config.get_hosts();
    if hosts.iter().all(|host| matches!(host, Host::Unix(_))) {
        Trust::Plain
    } else if hosts.iter().all(is_near) {
        Trust::IfOffered
    } else {
        Trust::Verified
    }
}

fn is_near(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            let bare = name.trim_start_matches('[').trim_end_matches(']');
            name == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
    }
}

/// No wait is without an end, and a side that is gone is noticed.
fn bound(config: &mut Config) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(5));
    }
    config.keepalives_idle(Duration::from_secs(5));
    config.keepalives_interval(Duration::from_secs(2));
    config.keepalives_retries(3);
    config.tcp_user_timeout(Duration::from_secs(10));
    if config.get_application_name().is_none() {
        config.application_name("keywright");
    }
}

fn shown(config: &Config) -> String {
    let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
    let ports = config.get_ports();
    let host = |(place, host): (usize, &Host)| {
        let port = ports.get(place).or_else(|| ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(path) => path.display().to_string(),
        }
    };
    let hosts: Vec<String> = config.get_hosts().iter().enumerate().map(host).collect();
    let database = config.get_dbname().or_else(|| config.get_user()).unwrap_or_default();
    format!("postgresql://{user}{}/{database}", hosts.join(","))
}

struct Refused(Report);

fn refused(why: impl Into<String>) -> Refused {
    Refused(Report::new(Blame::Operator, Retry::AfterFix, "cannot use the store's URL").because(why))
}

impl Refused {
    fn mended(self, mend: &str) -> StoreError {
        StoreError::new(StoreErrorKind::Unavailable, self.0.mend(mend))
    }
}

fn invalid(error: &tokio_postgres::Error) -> StoreError {
    let why = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    refused(why).mended(FORM)
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
