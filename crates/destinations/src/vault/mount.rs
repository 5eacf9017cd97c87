//! Where KV engines are mounted, and which version they are of.

use std::collections::BTreeMap;

use model::{DestinationError, DestinationErrorKind as Kind};
use reqwest::Method;
use serde::Deserialize;

use super::{Vault, address::is_segment};
use crate::{error::error, http::Answer};

/// A KV engine's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Without a `/` at its end. Of no matter in version 1.
    pub(super) path: String,
    pub(super) version: Version,
}

/// Of the KV engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

#[derive(Deserialize)]
struct Found {
    data: Mounted,
}

#[derive(Deserialize)]
struct Mounted {
    path: String,
    #[serde(flatten)]
    engine: Engine,
}

#[derive(Deserialize)]
struct Engine {
    #[serde(rename = "type")]
    kind: String,
    options: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Listed {
    data: ListedData,
}

#[derive(Deserialize)]
struct ListedData {
    secret: BTreeMap<String, Engine>,
}

impl Engine {
    fn version(&self) -> Option<Version> {
        let version = self.options.as_ref().and_then(|options| options.get("version"));
        match (self.kind.as_str(), version.map(String::as_str)) {
            ("kv", Some("2")) => Some(Version::Two),
            ("kv" | "generic", _) => Some(Version::One),
            _ => None,
        }
    }
}

impl Mount {
    /// The path of a secret in the API: `secret/data/app`, in version 1 `secret/app`.
    pub(super) fn api(&self, part: &str, path: &str) -> String {
        match self.version {
            Version::One => path.to_owned(),
            Version::Two => {
                let below = path.strip_prefix(self.path.as_str()).unwrap_or(path);
                format!("{}/{part}/{}", self.path, below.trim_start_matches('/'))
            }
        }
    }

    /// The part of `mount` that `path` begins with: servers may name the namespace before it.
    fn before(mount: &str, path: &str) -> Option<String> {
        let mut mount = mount.trim_matches('/');
        loop {
            if path.strip_prefix(mount).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/')) {
                return Some(mount.to_owned());
            }
            (_, mount) = mount.split_once('/')?;
        }
    }
}

impl Vault {
    /// The mount that is set, where one is.
    pub(super) fn given_mount(&self) -> Option<Mount> {
        let settings = self.config.settings();
        let version = if settings.text("kv_version")? == "2" { Version::Two } else { Version::One };
        Some(Mount { path: settings.text("mount")?.trim_matches('/').to_owned(), version })
    }

    /// The mount that a path lies in.
    pub(super) async fn mount_of(&self, path: &str) -> Result<Mount, DestinationError> {
        let label = self.remote.label();
        let what = || format!("cannot find the mount of `{path}` at {label}");
        if let Some(mount) = self.given_mount() {
            return match Mount::before(&mount.path, path) {
                Some(before) if before == mount.path => Ok(mount),
                _ => Err(error(
                    Kind::BadAddress,
                    what(),
                    format!(
                        "it is not in the mount `{}` that [service.{}] has",
                        mount.path,
                        self.config.name()
                    ),
                    "declare another service for it, or leave out `mount` and `kv_version`",
                )),
            };
        }
        let asked = format!("sys/internal/ui/mounts/{path}");
        let need = self.on("any capability", path);
        let request = self.request(Method::GET, &asked, format!("find the mount of `{path}`"), need)?;
        let answer = self.send(&request).await?;
        match answer.status {
            403 => Err(self.unmounted(&answer)),
            404 => self.old_mount(&answer, path),
            _ => {
                let answer = answer.ok()?;
                let Found { data } = answer.json()?;
                let Some(version) = data.engine.version() else {
                    let kind = transport::shown(&data.engine.kind, 40);
                    let because = format!("what is mounted there is a `{kind}`");
                    let mend = "give the path of a secret in a KV engine";
                    return Err(answer.error(Kind::BadAddress, because, mend));
                };
                match Mount::before(&data.path, path) {
                    Some(mount) => Ok(Mount { path: mount, version }),
                    None => Err(answer.misshapen("a mount that the path does not lie in")),
                }
            }
        }
    }

    fn unmounted(&self, answer: &Answer) -> DestinationError {
        let mut failure = answer.refusal();
        let settings = format!(
            "see `{} secrets list` and `namespace`; or set `mount` and `kv_version` in [service.{}]",
            self.command(),
            self.config.name()
        );
        failure.report.because.push("or nothing is mounted on its way; both are answered alike".to_owned());
        failure.report.mend.push(settings);
        failure
    }

    /// Servers that cannot be asked have version 1 only. In a namespace it is the namespace that is not there.
    fn old_mount(&self, answer: &Answer, path: &str) -> Result<Mount, DestinationError> {
        match self.config.settings().text("namespace") {
            None => Ok(Mount {
                path: path.split('/').next().unwrap_or_default().to_owned(),
                version: Version::One,
            }),
            Some(namespace) => Err(answer.error(
                Kind::NotFound,
                format!("it answered 404: there is no namespace `{namespace}`, or it cannot tell its mounts"),
                "see whether `namespace` is right; or set `mount` and `kv_version`",
            )),
        }
    }

    /// All KV engines that the token may see.
    pub(super) async fn mounts(&self) -> Result<Vec<Mount>, DestinationError> {
        if let Some(mount) = self.given_mount() {
            return Ok(vec![mount]);
        }
        let purpose = "list the mounts";
        let request = self.request(Method::GET, "sys/internal/ui/mounts", purpose, "a token")?;
        let answer = self.send(&request).await?;
        let engines: BTreeMap<String, Engine> = if answer.status == 404 {
            let need = self.on("read", "sys/mounts");
            let request = self.request(Method::GET, "sys/mounts", purpose, need)?;
            let mut all: BTreeMap<String, serde_json::Value> = self.send(&request).await?.ok()?.json()?;
            all.retain(|path, _| path.ends_with('/'));
            all.into_iter()
                .filter_map(|(path, engine)| Some((path, serde_json::from_value(engine).ok()?)))
                .collect()
        } else {
            answer.ok()?.json::<Listed>()?.data.secret
        };
        let mounts = engines.iter().filter_map(|(path, engine)| {
            let path = path.trim_matches('/');
            let version = engine.version()?;
            path.split('/').all(is_segment).then(|| Mount { path: path.to_owned(), version })
        });
        Ok(mounts.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_the_api_depends_on_the_version() {
        let mount = |version| Mount { path: "team/kv".into(), version };
        assert_eq!(mount(Version::One).api("data", "team/kv/app"), "team/kv/app");
        assert_eq!(mount(Version::Two).api("data", "team/kv/app"), "team/kv/data/app");
        assert_eq!(mount(Version::Two).api("metadata", "team/kv/"), "team/kv/metadata/");
    }

    #[test]
    fn a_namespace_before_the_mount_is_passed_over() {
        let check = |mount: &str, path: &str, wanted: Option<&str>| {
            assert_eq!(Mount::before(mount, path).as_deref(), wanted, "{mount} {path}");
        };
        check("secret/", "secret/app", Some("secret"));
        check("ns/team/secret/", "secret/app", Some("secret"));
        check("team/kv/", "team/kv/app", Some("team/kv"));
        check("sec/", "secret/app", None);
        check("secret/", "secret", None);
        check("secret/", "secret/", None);
        check("", "secret/app", None);
    }
}
