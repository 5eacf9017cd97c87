//! `kubeconfig` files, as `kubectl` reads them: several are one, and the first that says something wins.

use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::{DestinationError, DestinationErrorKind as Kind, Secret};
use transport::{ProxyConfig, Transport, shown};
use url::Url;
use zeroize::Zeroizing;

use super::{
    exec::Plugin,
    node::Node,
    way::{Login, Way},
};
use crate::{
    error::{error, hostile},
    service::{MAX_FILE_BYTES, read_file, read_text, url_fault},
};

/// All that some files say.
pub(super) struct Kubeconfig {
    /// For messages, such as ``Kubernetes `prod` ``.
    label: String,
    files: Vec<File>,
}

struct File {
    path: PathBuf,
    node: Node,
}

impl File {
    /// What its relative paths begin at.
    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new("/"))
    }
}

/// An entry, and the file that it is in.
type Entry<'k> = (&'k File, &'k Node);

impl Kubeconfig {
    /// Those of the files that are there; `None` if none is.
    pub(super) async fn read(label: String, paths: &[String]) -> Result<Option<Self>, DestinationError> {
        let mut files = Vec::new();
        for path in paths {
            let what = format!("cannot read the kubeconfig of {label}");
            let Some(text) = read_text(path, what.clone()).await? else { continue };
            let node = Node::parse(&text).map_err(|fault| {
                let because = format!("`{path}`: {fault}");
                error(Kind::Malformed, what, because, format!("kubectl config view --kubeconfig {path}"))
            })?;
            files.push(File { path: PathBuf::from(path), node });
        }
        Ok((!files.is_empty()).then_some(Self { label, files }))
    }

    /// How the cluster of a context is reached; without a name, of the current one.
    pub(super) async fn way(&self, context: Option<&str>, plain_http: bool) -> Result<Way, DestinationError> {
        let current = || self.files.iter().find_map(|file| file.node.get("current-context").text());
        let name = context.or_else(current).ok_or_else(|| {
            self.unusable(Kind::BadAddress, "no context is the current one", "set `context` of the service")
        })?;
        let (_, context) = self.find("contexts", "context", name)?;
        let cluster = self.named("clusters", "cluster", context)?;
        let user = if context.get("user").text().is_some() {
            self.named("users", "user", context)?
        } else {
            (cluster.0, context.get("user"))
        };
        let transport = Transport {
            ca: self.bytes(cluster, "certificate-authority").await?.map(|pem| pem.to_vec()),
            identity: self.identity(user).await?,
            proxy: cluster.1.get("proxy-url").text().map(|url| ProxyConfig {
                url: url.to_owned(),
                user: None,
                password: None,
            }),
        };
        Ok(Way {
            url: self.server(cluster.1, plain_http)?,
            transport,
            login: self.login(user, cluster.1)?,
            namespace: context.get("namespace").text().map(str::to_owned),
        })
    }

    fn server(&self, cluster: &Node, plain_http: bool) -> Result<Url, DestinationError> {
        if cluster.get("insecure-skip-tls-verify").is_true() {
            return Err(self.unusable(
                Kind::Denied,
                "`insecure-skip-tls-verify` would send secrets to whoever answers",
                "take it out, and give the cluster's `certificate-authority-data`",
            ));
        }
        if cluster.get("tls-server-name").is_there() {
            return Err(self.unusable(
                Kind::Denied,
                "its cluster has a `tls-server-name`, which cannot be used here",
                "give a `server` by the name that its certificate has",
            ));
        }
        let text = cluster.get("server").text().unwrap_or_default();
        match (url_fault(text, plain_http), Url::parse(text)) {
            (None, Ok(url)) => Ok(url),
            (fault, _) => {
                let because = format!("the `server` of its cluster {}", fault.unwrap_or("is not a URL"));
                Err(self.unusable(Kind::BadAddress, &because, "kubectl config view --minify"))
            }
        }
    }

    fn login(&self, (file, user): Entry<'_>, cluster: &Node) -> Result<Login, DestinationError> {
        let refused = |because: &str, mend: &str| Err(self.unusable(Kind::Denied, because, mend));
        if user.get("auth-provider").is_there() {
            return refused(
                "its user logs in by an `auth-provider`, which Kubernetes itself has given up",
                "let the user log in by the `exec` plugin that has replaced it",
            );
        }
        if user.get("username").is_there() || user.get("password").is_there() {
            return refused(
                "its user has a user name and password, which Kubernetes no longer takes",
                "give a service account's token",
            );
        }
        if ["as", "as-uid", "as-groups", "as-user-extra"].iter().any(|name| user.get(name).is_there()) {
            return refused(
                "its user acts as somebody else (`as`)",
                "name a user that has the rights itself, such as a service account",
            );
        }
        if user.get("exec").is_there() {
            let stat = rustix::fs::stat(&file.path);
            if stat.is_ok_and(|stat| stat.st_mode & 0o002 != 0) {
                let shown = file.path.display();
                return Err(hostile(
                    format!("cannot log in at {}", self.label),
                    format!("everyone can change `{shown}`, which names a program to run"),
                    format!("`chmod o-w {shown}`"),
                ));
            }
            return Plugin::parse(user.get("exec"), file.folder(), cluster)
                .map(|plugin| Login::Exec(Box::new(plugin)))
                .map_err(|because| self.unusable(Kind::Malformed, because, "kubectl config view --minify"));
        }
        Ok(match (user.get("tokenFile").text(), user.get("token").text()) {
            (Some(path), _) => Login::TokenFile(file.folder().join(path)),
            (None, Some(token)) => Login::Token(Secret::new(token)),
            (None, None) => Login::Nothing,
        })
    }

    async fn identity(&self, user: Entry<'_>) -> Result<Option<(Vec<u8>, Secret)>, DestinationError> {
        let certificate = self.bytes(user, "client-certificate").await?;
        let key = self.bytes(user, "client-key").await?;
        match (certificate, key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => {
                let text = std::str::from_utf8(&key).map_err(|_not_quoted| {
                    self.unusable(Kind::Malformed, "the `client-key` of its user is not PEM", "see its user")
                })?;
                Ok(Some((certificate.to_vec(), Secret::new(text))))
            }
            _ => Err(self.unusable(
                Kind::Malformed,
                "its user has one of `client-certificate` and `client-key` without the other",
                "give both",
            )),
        }
    }

    /// What stands there as Base64, or in a file.
    async fn bytes(
        &self,
        (file, node): Entry<'_>,
        name: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, DestinationError> {
        let data = format!("{name}-data");
        if let Some(text) = node.get(&data).text() {
            let bytes = STANDARD.decode(text.trim()).map_err(|_not_quoted| {
                let because = format!("its `{data}` is not Base64");
                self.unusable(Kind::Malformed, &because, "kubectl config view --raw --minify")
            })?;
            return Ok(Some(Zeroizing::new(bytes)));
        }
        let Some(path) = node.get(name).text() else { return Ok(None) };
        let path = file.folder().join(path).display().to_string();
        let what = format!("cannot read the `{name}` of {}", self.label);
        match read_file(&path, MAX_FILE_BYTES, what.clone()).await? {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(error(Kind::NotFound, what, format!("`{path}` is not there"), "mend its kubeconfig")),
        }
    }

    /// The entry that a context names.
    fn named(&self, list: &str, what: &str, context: &Node) -> Result<Entry<'_>, DestinationError> {
        self.find(list, what, context.get(what).text().unwrap_or_default())
    }

    fn find(&self, list: &str, what: &str, name: &str) -> Result<Entry<'_>, DestinationError> {
        let has_name = |entry: &&Node| entry.get("name").text() == Some(name);
        let found = self.files.iter().find_map(|file| {
            let entry = file.node.get(list).list().iter().find(has_name)?;
            Some((file, entry.get(what)))
        });
        found.ok_or_else(|| {
            let because = format!("there is no {what} `{}` in its kubeconfig", shown(name, 80));
            self.unusable(Kind::BadAddress, &because, format!("kubectl config get-{list}"))
        })
    }

    fn unusable(&self, kind: Kind, because: &str, mend: impl Into<String>) -> DestinationError {
        error(kind, format!("cannot log in at {}", self.label), because, mend)
    }
}

#[cfg(test)]
#[path = "kubeconfig_tests.rs"]
mod tests;
