//! What follows `vault:`. In names, `#` is written `%23` and `%` is written `%25`.

use model::{Address, DestinationError, DestinationErrorKind as Kind};

use crate::error::error;

/// The path with its mount, and the field.
pub(super) fn parse(address: &Address) -> Result<(String, String), DestinationError> {
    let unfit = |because: &str| {
        error(
            Kind::BadAddress,
            format!("cannot use the destination `{address}`"),
            because,
            format!("write `{0}:MOUNT/PATH#FIELD`, such as `{0}:secret/n8n/backups#api_key`", address.kind()),
        )
    };
    let Some((path, field)) = address.rest().split_once('#') else {
        return Err(unfit("it has no `#FIELD` at its end"));
    };
    let (Some(path), Some(field)) = (plain(path), plain(field)) else {
        return Err(unfit("in names, `#` is written `%23` and `%` is written `%25`"));
    };
    if field.is_empty() {
        return Err(unfit("the name of the field is empty"));
    }
    if !path.contains('/') || !path.split('/').all(is_segment) {
        return Err(unfit("its path is not a mount and names behind it, each after one `/`"));
    }
    Ok((path, field))
}

/// Whether a path can have it between two `/`.
pub(super) fn is_segment(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains('/') && !name.chars().any(char::is_control)
}

/// As it is written in an address.
pub(super) fn written(name: &str) -> String {
    name.replace('%', "%25").replace('#', "%23")
}

/// As it is; `None` where it is not written so.
fn plain(text: &str) -> Option<String> {
    let plain = text.replace("%23", "#").replace("%25", "%");
    (written(&plain) == text).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rest: &str) -> Option<(String, String)> {
        parse(&format!("vault:{rest}").parse().unwrap()).ok()
    }

    #[test]
    fn an_address_is_a_path_and_a_field() {
        let taken = |rest: &str, path: &str, field: &str| {
            assert_eq!(check(rest), Some((path.to_owned(), field.to_owned())), "{rest}");
        };
        taken("secret/app#key", "secret/app", "key");
        taken("team/kv/a b/ä#n8n key/x", "team/kv/a b/ä", "n8n key/x");
        taken("secret/a%23b%25#c%23d", "secret/a#b%", "c#d");
        taken("secret/%2523#k", "secret/%23", "k");
        for bad in [
            "secret/app",
            "secret/app#",
            "secret#key",
            "#key",
            "/secret/app#key",
            "secret/app/#key",
            "secret//app#key",
            "secret/../sys#key",
            "secret/./app#key",
            "secret/a%2fb#key",
            "secret/100%#key",
            "secret/app#a#b",
        ] {
            assert_eq!(check(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for name in ["a", "a#b", "%23", "%", "100%25#", "ä %2"] {
            assert_eq!(plain(&written(name)).as_deref(), Some(name));
        }
    }
}
