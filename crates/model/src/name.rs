//! Names that people give.

/// A name that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is not a name: {why}; a name is 1 to 40 of a-z, 0-9, `-`, `_`, `.`, and starts with a letter or digit"
)]
pub struct NameError {
    name: String,
    why: &'static str,
}

fn check(name: &str) -> Result<(), NameError> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.len() > 40 {
        "it is too long"
    } else if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b)) {
        "it has a character that names do not have"
    } else if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        "it starts with a mark"
    } else {
        return Ok(());
    };
    // What is shown of a refused name is short and has no control characters.
    Err(NameError { name: name.chars().take(48).flat_map(char::escape_default).collect(), why })
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                check(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The name of an instance, such as `prod`.
    InstanceName
);
name!(
    /// The name of an integration, such as `backups`. Unique over all instances.
    IntegrationName
);
name!(
    /// The name of a channel of notices, such as `on-call`.
    ChannelName
);
name!(
    /// The name of a forge, such as `github`.
    ForgeName
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_and_refuses() {
        for good in ["prod", "a", "7", "back-ups_2.eu", &"a".repeat(40)] {
            assert!(good.parse::<IntegrationName>().is_ok(), "{good}");
        }
        for bad in ["", "Prod", "-a", ".", "a b", "a/b", "a\u{1b}[31m", "ü", &"a".repeat(41)] {
            assert!(bad.parse::<IntegrationName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_shows_no_control_characters() {
        let error = "a\u{1b}[31m".parse::<InstanceName>().unwrap_err().to_string();
        assert!(!error.contains('\u{1b}'), "{error:?}");
    }
}
