//! What an address of Kubernetes names: a key of a Secret, or a workload.

use model::{Address, DestinationError, DestinationErrorKind as Kind};

use crate::error::error;

/// The longest name of an object, and of a key.
const LONGEST: usize = 253;

/// One key of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) namespace: String,
    pub(super) secret: String,
    pub(super) key: String,
}

/// What can be restarted, by the words of its API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Workload {
    Deployment,
    StatefulSet,
    DaemonSet,
}

impl Workload {
    /// The resource, as paths and roles have it.
    pub(super) fn resource(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
        }
    }
}

impl Place {
    pub(super) fn parse(address: &Address) -> Result<Self, DestinationError> {
        let bad = |because: &str| {
            error(
                Kind::BadAddress,
                format!("cannot use the destination `{address}`"),
                because,
                format!(
                    "write namespace, Secret and key, such as `{}:backups/n8n#N8N_API_KEY`",
                    address.kind()
                ),
            )
        };
        let (object, key) =
            address.rest().split_once('#').ok_or_else(|| bad("there is no `#` with a key of the Secret"))?;
        let (namespace, secret) =
            object.split_once('/').ok_or_else(|| bad("there is no `/` between namespace and Secret"))?;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !is_name(namespace, false) {
            return Err(bad("what stands before the `/` is no name of a namespace"));
        }
        if !is_name(secret, true) {
            return Err(bad("what stands behind the `/` is no name of a Secret"));
        }
        if key.is_empty()
            || key.len() > LONGEST
            || !key.bytes().all(legal)
            || key == "."
            || key.starts_with("..")
        {
            return Err(bad("a key of a Secret has letters, digits and `-_.` only"));
        }
        Ok(Self { namespace: namespace.to_owned(), secret: secret.to_owned(), key: key.to_owned() })
    }
}

/// A hook's address: namespace, what it is, its name.
pub(super) fn workload(address: &Address) -> Result<(String, Workload, String), DestinationError> {
    let bad = |because: &str| {
        error(
            Kind::BadAddress,
            format!("cannot use the hook `{address}`"),
            because,
            format!(
                "write namespace, `deployment`, `statefulset` or `daemonset`, and its name, such as `{}:backups/deployment/backup`",
                address.kind()
            ),
        )
    };
    let parts: Vec<&str> = address.rest().split('/').collect();
    let [namespace, what, name] = parts.as_slice() else {
        return Err(bad("it has not three parts with `/` between them"));
    };
    let workload = match *what {
        "deployment" | "deploy" => Workload::Deployment,
        "statefulset" | "sts" => Workload::StatefulSet,
        "daemonset" | "ds" => Workload::DaemonSet,
        _ => return Err(bad("what stands in its middle cannot be restarted")),
    };
    if !is_name(namespace, false) || !is_name(name, true) {
        return Err(bad("a name in it is none that Kubernetes takes"));
    }
    Ok(((*namespace).to_owned(), workload, (*name).to_owned()))
}

/// A label of DNS, or several with dots between them.
fn is_name(name: &str, dots: bool) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if dots { name.len() <= LONGEST && name.split('.').all(label) } else { name.len() <= 63 && label(name) }
}

/// Whether it is a namespace's name.
pub(super) fn is_namespace(name: &str) -> bool {
    is_name(name, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_a_secret_is_named_whole() {
        let place = Place::parse(&"kubernetes:backups/n8n.keys#N8N_API-KEY.txt".parse().unwrap()).unwrap();
        assert_eq!(
            (place.namespace.as_str(), place.secret.as_str(), place.key.as_str()),
            ("backups", "n8n.keys", "N8N_API-KEY.txt")
        );
        for bad in [
            "n8n#K",
            "backups/n8n",
            "backups/n8n#",
            "/n8n#K",
            "backups/#K",
            "Backups/n8n#K",
            "a.b/n8n#K",
            "backups/../x#K",
            "backups/n8n/x#K",
            "backups/n8n?x#K",
            "backups/-n8n#K",
            "backups/n8n#a/b",
            "backups/n8n#..",
            "backups/n8n#ä",
            &format!("{}/n8n#K", "a".repeat(64)),
            &format!("backups/n8n#{}", "K".repeat(254)),
        ] {
            let failure = Place::parse(&format!("kubernetes:{bad}").parse().unwrap()).unwrap_err();
            assert_eq!(failure.kind, Kind::BadAddress, "{bad}");
        }
    }

    #[test]
    fn a_hook_names_what_can_be_restarted() {
        for (word, expected) in [
            ("deployment", Workload::Deployment),
            ("deploy", Workload::Deployment),
            ("statefulset", Workload::StatefulSet),
            ("sts", Workload::StatefulSet),
            ("daemonset", Workload::DaemonSet),
            ("ds", Workload::DaemonSet),
        ] {
            let parsed = workload(&format!("kubernetes:backups/{word}/db").parse().unwrap()).unwrap();
            assert_eq!(parsed, ("backups".into(), expected, "db".into()));
        }
        for bad in
            ["backups/db", "backups/pod/db", "backups/deployment/", "a/deployment/b/c", "a/deployment/B"]
        {
            let failure = workload(&format!("kubernetes:{bad}").parse().unwrap()).unwrap_err();
            assert_eq!(failure.kind, Kind::BadAddress, "{bad}");
        }
    }
}
