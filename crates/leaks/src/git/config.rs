//! What is needed of a repository's configuration. Includes are not followed, nothing of it is run.

/// What is needed of a configuration; what is not there has git's own default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Config {
    /// `core.bare`.
    pub(super) is_bare: Option<bool>,
    /// `extensions.objectformat`.
    pub(super) object_format: Option<String>,
    /// `extensions.refstorage`.
    pub(super) ref_storage: Option<String>,
    /// Whether there is a section `remote`.
    pub(super) has_remote: bool,
}

impl Config {
    /// Reads it, as far as it can be read.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut config = Self::default();
        let mut section = String::new();
        for line in text.split(|&byte| byte == b'\n') {
            let line = String::from_utf8_lossy(line);
            let mut line = line.trim();
            if let Some(rest) = line.strip_prefix('[') {
                let Some((head, after)) = rest.split_once(']') else { continue };
                head.trim().to_ascii_lowercase().clone_into(&mut section);
                config.has_remote |= section.starts_with("remote ");
                line = after.trim();
            }
            let (key, value) = line.split_once('=').unwrap_or((line, "true"));
            let value = value.split(['#', ';']).next().unwrap_or_default().trim().trim_matches('"');
            match (section.as_str(), key.trim().to_ascii_lowercase().as_str()) {
                ("core", "bare") => {
                    config.is_bare =
                        Some(matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1"));
                }
                ("extensions", "objectformat") => config.object_format = Some(value.to_ascii_lowercase()),
                ("extensions", "refstorage") => config.ref_storage = Some(value.to_ascii_lowercase()),
                _ => {}
            }
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_needed() {
        let config = Config::of(
            b"[core]\n\tbare = TRUE ; said\n[Extensions]\n objectFormat=sha256\n[remote \"o]x\"]\n url = x\n[core] ignorecase",
        );
        assert_eq!(config.is_bare, Some(true));
        assert_eq!(config.object_format.as_deref(), Some("sha256"));
        assert!(config.has_remote);
        assert_eq!(Config::of(b"[core\nbare=yes\n\xff\xfe = ["), Config::default());
        assert_eq!(Config::of(b"[core]\nbare").is_bare, Some(true));
    }
}
