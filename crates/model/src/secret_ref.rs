//! Where a secret is found; a configuration holds this, never the secret.

/// A reference to a secret: `env:NAME`, `file:PATH` or `sealed:NAME`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file; one line end at its end is not part of the secret.
    File(String),
    /// A secret sealed in the store.
    Sealed(String),
}

/// A text that is not a reference. It is not quoted: it may be the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a secret is given by reference: `env:NAME`, `file:PATH` or `sealed:NAME`")]
pub struct SecretRefError;

impl std::str::FromStr for SecretRef {
    type Err = SecretRefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((_, "")) | None => Err(SecretRefError),
            Some(("env", name)) => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) => Ok(Self::File(path.to_owned())),
            Some(("sealed", name)) => Ok(Self::Sealed(name.to_owned())),
            Some(_) => Err(SecretRefError),
        }
    }
}

impl std::fmt::Display for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::Sealed(name) => write!(f, "sealed:{name}"),
        }
    }
}

impl TryFrom<String> for SecretRef {
    type Error = SecretRefError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SecretRef> for String {
    fn from(reference: SecretRef) -> Self {
        reference.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_never_quotes_what_it_refuses() {
        assert_eq!("env:N8N".parse(), Ok(SecretRef::Env("N8N".into())));
        assert_eq!("file:/run/x:y".parse(), Ok(SecretRef::File("/run/x:y".into())));
        for bad in ["", "env:", "canary-password", "https://canary"] {
            let error = bad.parse::<SecretRef>().unwrap_err().to_string();
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
