//! The bytes that open something.

use zeroize::Zeroizing;

/// A secret text: a key, a password, a session cookie.
///
/// It has no `Display` and no `Serialize`, `Debug` says `Secret(redacted)`, and its memory is zeroed on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; the caller keeps no copy.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Every call is a place to look at in review.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last four characters, for a person to recognise it by; nothing of a text shorter than 16.
    pub fn tail(&self) -> String {
        let count = self.0.chars().count();
        if count < 16 { String::new() } else { self.0.chars().skip(count - 4).collect() }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_is_redacted() {
        assert_eq!(format!("{:?}", Secret::new("canary-text-of-a-key")), "Secret(redacted)");
    }

    #[test]
    fn tail_of_a_short_text_is_empty() {
        assert_eq!(Secret::new("short-canary").tail(), "");
        assert_eq!(Secret::new("canary-text-of-a-key").tail(), "-key");
    }
}
