//! What a key may do, in n8n's own names.

/// A scope such as `workflow:read`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Scope(String);

/// A text that is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope; write `resource:action`, such as `workflow:read`")]
pub struct ScopeError(String);

impl Scope {
    /// The scope as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        match text.split_once(':') {
            Some((resource, action)) if text.len() <= 80 && word(resource) && word(action) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(ScopeError(text.chars().take(80).flat_map(char::escape_default).collect())),
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_and_refuses() {
        assert_eq!("workflow:read".parse::<Scope>().unwrap().as_str(), "workflow:read");
        for bad in ["", "workflow", ":read", "workflow:", "a:b:c", "a b:c", "*"] {
            assert!(bad.parse::<Scope>().is_err(), "{bad}");
        }
    }
}
