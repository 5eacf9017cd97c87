//! What people paste as the address of an instance, made one base URL. Pure.

use std::net::IpAddr;

use url::{Host, Url};

use crate::report::{Explain as _, error, shown};
use model::{IssuerError, IssuerErrorKind};

/// First words of the editor's and the API's own paths: what follows a path prefix, not part of it.
const OWN_PATHS: [&str; 20] = [
    "home",
    "workflow",
    "workflows",
    "projects",
    "credentials",
    "executions",
    "settings",
    "signin",
    "signout",
    "setup",
    "templates",
    "variables",
    "insights",
    "personal",
    "shared",
    "overview",
    "healthz",
    "rest",
    "mfa",
    "data-tables",
];
const MAX_CHARS: usize = 2048;

/// Whether a password may travel in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsecureHttp {
    /// `http://` only to this machine.
    Refused,
    /// `http://` to any host; somebody decided so.
    Accepted,
}

/// Where an instance is: scheme, host, port, path prefix; no `/api/v1`, no slash at the end, no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    url: Url,
    loopback: bool,
}

impl BaseUrl {
    /// Reads what a person pasted: with or without `/api/v1`, an editor's path, a query, a slash at the end.
    pub fn parse(pasted: &str, insecure: InsecureHttp) -> Result<Self, IssuerError> {
        let text = pasted.trim();
        // Up to here, nothing is quoted: there may be a password in it.
        let refuse = |why: &str| {
            error(IssuerErrorKind::Refused, "the base URL of the instance is not usable").because(why)
        };
        let example = "give the address of the editor, such as `https://n8n.example.com`";
        if text.is_empty() || text.len() > MAX_CHARS || text.chars().any(char::is_control) {
            return Err(refuse("it is empty, too long, or has control characters").mend(example));
        }
        if text.contains('@') && authority(text).contains('@') {
            return Err(refuse("it holds a user name or password; URLs end up in logs and process lists")
                .mend("leave out what stands before the `@`; the login is asked for"));
        }
        if !text.contains("://") {
            let host = shown(text.trim_start_matches('/'), 200);
            return Err(refuse("it has no scheme").mend(format!("write `https://{host}`")));
        }
        let url = Url::parse(text).map_err(|parse| refuse(&format!("{parse}")).mend(example))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it holds a user name or password")
                .mend("leave out what stands before the `@`; the login is asked for"));
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("its scheme is neither `https` nor `http`").mend(example));
        }
        let loopback = is_loopback(&url);
        let base = Self::mended(url, loopback).map_err(|()| refuse("it has no host").mend(example))?;
        if base.url.scheme() == "http" && !loopback && insecure == InsecureHttp::Refused {
            let host = shown(base.url.host_str().unwrap_or_default(), 200);
            return Err(refuse(&format!(
                "the admin's password and every key would travel to `{host}` in the clear"
            ))
            .mend(format!("use `https://{host}` if the instance has TLS"))
            .mend("or accept plain HTTP for this instance explicitly"));
        }
        Ok(base)
    }

    fn mended(mut url: Url, loopback: bool) -> Result<Self, ()> {
        url.host_str().filter(|host| !host.is_empty()).ok_or(())?;
        url.set_query(None);
        url.set_fragment(None);
        let segments: Vec<&str> =
            url.path_segments().into_iter().flatten().filter(|s| !s.is_empty()).collect();
        let own = |(at, segment): (usize, &&str)| {
            let api = *segment == "api" && segments.get(at + 1).is_some_and(|next| *next == "v1");
            api || OWN_PATHS.contains(segment)
        };
        let end = segments.iter().enumerate().position(own).unwrap_or(segments.len());
        let path = segments.iter().take(end).fold(String::new(), |path, segment| path + "/" + segment);
        url.set_path(&path);
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { text, url, loopback })
    }

    /// As text, no slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// The full URL of a path that starts with a slash.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Where a redirect leads: the host, escaped, without path or query.
    pub(crate) fn target_host(&self, location: &str) -> String {
        let host = self.url.join(location).ok().map(|to| {
            let port = to.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}", to.scheme(), to.host_str().unwrap_or_default())
        });
        host.map_or_else(|| "an unreadable address".to_owned(), |host| shown(&host, 200))
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

fn authority(text: &str) -> &str {
    let after = text.split_once("://").map_or(text, |(_, after)| after);
    after.split(['/', '?', '#']).next().unwrap_or_default()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pasted: &str, base: &str) {
        assert_eq!(BaseUrl::parse(pasted, InsecureHttp::Refused).unwrap().as_str(), base, "{pasted}");
    }

    #[test]
    fn mends_what_people_paste() {
        check("https://n8n.example.com", "https://n8n.example.com");
        check(" https://n8n.example.com/ \n", "https://n8n.example.com");
        check("https://N8N.example.com:443/api/v1/", "https://n8n.example.com");
        check("https://example.com/tools/n8n/api/v1/workflows?limit=1", "https://example.com/tools/n8n");
        check("https://n8n.example.com/home/workflows#x", "https://n8n.example.com");
        check("https://n8n.example.com/workflow/abc?projectId=1", "https://n8n.example.com");
        check("https://example.com/n8n/signin?redirect=%2F", "https://example.com/n8n");
        check("https://example.com/api", "https://example.com/api");
        check("http://localhost:5678/", "http://localhost:5678");
        check("http://127.0.0.9:5678/rest", "http://127.0.0.9:5678");
        check("http://[::1]:5678", "http://[::1]:5678");
    }

    #[test]
    fn refuses_and_never_quotes_a_password() {
        for bad in [
            "",
            "n8n.example.com",
            "localhost:5678",
            "ftp://n8n.example.com",
            "https://",
            "https://canary:canary@n8n.example.com",
            "canary:canary@n8n.example.com/x",
            "https://canary@n8n.example.com",
            "https://n8n.\u{7}example.com",
            "https://n8n.example.com:99999",
        ] {
            let report = BaseUrl::parse(bad, InsecureHttp::Accepted).unwrap_err().report;
            let all = format!("{} {:?}", report.line(), report.mend);
            assert!(!all.contains("canary") && !report.mend.is_empty(), "{bad}: {all}");
        }
    }

    #[test]
    fn a_missing_scheme_is_mended_in_words() {
        let report = BaseUrl::parse("n8n.example.com", InsecureHttp::Refused).unwrap_err().report;
        assert_eq!(report.mend, ["write `https://n8n.example.com`"]);
    }

    #[test]
    fn plain_http_to_another_host_needs_a_decision() {
        let refused = BaseUrl::parse("http://n8n.example.com", InsecureHttp::Refused).unwrap_err();
        assert!(refused.report.line().contains("in the clear"), "{refused}");
        assert!(BaseUrl::parse("http://n8n.example.com", InsecureHttp::Accepted).is_ok());
        assert!(BaseUrl::parse("http://127.0.0.1.example.com", InsecureHttp::Refused).is_err());
    }

    #[test]
    fn a_redirect_names_its_host_alone() {
        let base = BaseUrl::parse("https://n8n.example.com/n8n", InsecureHttp::Refused).unwrap();
        assert_eq!(base.target_host("/login?canary=1"), "https://n8n.example.com");
        assert_eq!(base.target_host("//evil.example:8443/x?canary"), "https://evil.example:8443");
        assert_eq!(base.target_host("https://u:canary@evil.example/"), "https://evil.example");
        assert_eq!(base.target_host("https://["), "an unreadable address");
    }
}
