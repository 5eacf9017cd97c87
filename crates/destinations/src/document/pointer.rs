//! JSON Pointers (RFC 6901): `/n8n/apiKey`, `/servers/0/key`; in a name, `~1` stands for `/` and `~0` for `~`.

/// A way into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    parts: Vec<String>,
}

/// Why a text is no pointer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadPointer(pub(super) &'static str);

impl Pointer {
    pub(super) fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The first parts of it, up to and with this one.
    pub(super) fn upto(&self, part: usize) -> String {
        shown(self.parts.iter().take(part + 1))
    }
}

/// The index that a part of a pointer is: digits, no leading zero.
pub(super) fn index(part: &str) -> Option<usize> {
    let plain = part == "0" || (!part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit()));
    part.parse().ok().filter(|_| plain)
}

impl std::str::FromStr for Pointer {
    type Err = BadPointer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix('/').ok_or(BadPointer("a JSON Pointer starts with `/`"))?;
        let part = |part: &str| {
            let mut escapes = part.split('~').skip(1);
            if escapes.any(|after| !after.starts_with(['0', '1'])) {
                return Err(BadPointer("in a JSON Pointer, `~` is written `~0`, and `/` in a name `~1`"));
            }
            Ok(part.replace("~1", "/").replace("~0", "~"))
        };
        Ok(Self { parts: rest.split('/').map(part).collect::<Result<_, _>>()? })
    }
}

impl std::fmt::Display for Pointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&shown(self.parts.iter()))
    }
}

fn shown<'a>(parts: impl Iterator<Item = &'a String>) -> String {
    parts.fold(String::new(), |shown, part| shown + "/" + &shown_part(part))
}

/// A name as a pointer writes it.
pub(super) fn shown_part(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_read_and_shown() {
        let check = |text: &str, wanted: &[&str]| {
            let pointer: Pointer = text.parse().unwrap();
            assert_eq!(pointer.parts(), wanted, "{text}");
            assert_eq!(pointer.to_string(), text);
        };
        check("/a", &["a"]);
        check("/a/0/b c", &["a", "0", "b c"]);
        check("/", &[""]);
        check("/a~1b/~0~01/", &["a/b", "~~1", ""]);
        for bad in ["", "a", "#/a", "/a~", "/a~2", "/~x/b"] {
            assert!(bad.parse::<Pointer>().is_err(), "{bad}");
        }
        assert_eq!("/a/b~1/c".parse::<Pointer>().unwrap().upto(1), "/a/b~1");
    }

    #[test]
    fn an_index_is_written_in_one_way() {
        for (text, wanted) in
            [("0", Some(0)), ("12", Some(12)), ("01", None), ("-", None), ("+1", None), ("", None)]
        {
            assert_eq!(index(text), wanted, "{text}");
        }
    }
}
