//! A search for keys in places that can be looked through: values are compared by fingerprint, names are noted where
//! values cannot be read. Reads are counted and bounded.

mod folder;

use std::ops::ControlFlow;

use model::{Blame, DestinationError, Fingerprint, Secret};
use zeroize::Zeroizing;

/// A key that is looked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What it is called in what is found, such as an integration's name.
    pub name: String,
    /// Its text.
    pub secret: Secret,
}

/// One place where a key lies, or may lie.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Found {
    /// [`Wanted::name`]; empty where only a name was seen.
    pub of: String,
    /// Where: an address that can be delivered to, if `how` is not [`How::Within`].
    pub at: String,
    /// How it was found.
    pub how: How,
}

/// How a key was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The place holds the key and nothing else.
    Holds,
    /// The key is a part of what the place holds.
    Within,
    /// What the place holds cannot be read; its name is like one of a key of n8n.
    NamedLike,
}

/// What is looked for, what was found, and how much may still be read.
#[derive(Debug)]
pub struct Search {
    wanted: Vec<(Wanted, Fingerprint)>,
    reads_left: u64,
    exhausted: bool,
    /// Calls made and files read.
    pub reads: u64,
    /// Values compared.
    pub compared: u64,
    /// What was found.
    pub found: Vec<Found>,
    /// What could not be looked through, and why; a line each.
    pub left_out: Vec<String>,
    /// Whether more was found than is kept.
    overflowed: bool,
    /// Whether a whole service was not looked through.
    passed_by: bool,
}

/// Lines about what was left out; more are not kept.
const MAX_LEFT_OUT: usize = 100;
/// Characters of such a line: a part of it is what a service calls its own things.
const MAX_LINE: usize = 2000;
/// Places that are kept: a service that holds a key everywhere, or says so, is told by fewer.
const MAX_FOUND: usize = 10_000;
/// As long as an address can be.
const MAX_AT_BYTES: usize = 4096;

impl Search {
    /// Looks for these keys with at most `max_reads` calls and files.
    pub fn new(wanted: Vec<Wanted>, max_reads: u64) -> Self {
        let wanted = wanted.into_iter().map(|one| {
            let fingerprint = Fingerprint::of(&one.secret);
            (one, fingerprint)
        });
        Self {
            wanted: wanted.collect(),
            reads_left: max_reads,
            exhausted: false,
            reads: 0,
            compared: 0,
            found: Vec::new(),
            left_out: Vec::new(),
            overflowed: false,
            passed_by: false,
        }
    }

    /// Whether more was to be read than might be.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// Whether a whole service was not looked through, as nothing says where in it to look.
    pub fn has_passed_by(&self) -> bool {
        self.passed_by
    }

    /// Notes a whole service that is not looked through.
    pub(crate) fn pass_by(&mut self, line: impl Into<String>) {
        self.passed_by = true;
        self.leave_out(line);
    }

    /// How many names need be kept of a list: no more than can be looked at.
    pub(crate) fn most_names(&self) -> usize {
        usize::try_from(self.reads_left).unwrap_or(usize::MAX)
    }

    /// Asks for one more call or file; `Break` where there were enough.
    pub(crate) fn read(&mut self) -> ControlFlow<()> {
        let Some(left) = self.reads_left.checked_sub(1) else {
            self.exhausted = true;
            return ControlFlow::Break(());
        };
        self.reads_left = left;
        self.reads += 1;
        ControlFlow::Continue(())
    }

    /// Compares what a place holds. `at` is its address.
    pub(crate) fn look(&mut self, at: &str, text: &str) {
        self.compared += 1;
        let fingerprint = Fingerprint::of(&Secret::new(text.trim()));
        let held = self.wanted.iter().filter_map(|(wanted, its)| {
            let how = if *its == fingerprint {
                How::Holds
            } else if text.contains(wanted.secret.expose()) {
                How::Within
            } else {
                return None;
            };
            Some((wanted.name.clone(), how))
        });
        for (of, how) in held.collect::<Vec<_>>() {
            self.find(of, at, how);
        }
    }

    /// Notes a place. One that is named by a key is told without it, so that nothing can be delivered to it.
    fn find(&mut self, of: String, at: &str, how: How) {
        let masked = self.masked(at);
        let how = if masked == at { how } else { How::Within };
        if at.len() > MAX_AT_BYTES {
            self.leave_out(format!("`{}` has it, and no address can name it", transport::shown(at, 200)));
        } else if self.found.len() < MAX_FOUND {
            self.found.push(Found { of, at: masked, how });
        } else if !self.overflowed {
            self.overflowed = true;
            self.leave_out(format!("more than {MAX_FOUND} places were found: the others are not shown"));
        }
    }

    fn masked(&self, text: &str) -> String {
        let keys = self.wanted.iter().map(|(wanted, _)| wanted.secret.expose());
        keys.fold(text.to_owned(), |text, key| text.replace(key, "[masked]"))
    }

    /// Compares each text of a JSON object of one level as a place of its own, `at#field`; what is deeper is a part of it.
    pub(crate) fn look_fields<'v>(
        &mut self,
        at: &str,
        fields: impl IntoIterator<Item = (&'v str, &'v serde_json::Value)>,
    ) {
        for (name, value) in fields {
            let at = format!("{at}#{name}");
            match value {
                serde_json::Value::String(text) => self.look(&at, text),
                serde_json::Value::Object(_) | serde_json::Value::Array(_) => {
                    let text = Zeroizing::new(value.to_string());
                    self.look(&at, &text);
                }
                _ => {}
            }
        }
    }

    /// Notes a place whose value cannot be read, if its name is like one of a key of n8n.
    pub(crate) fn look_at_name(&mut self, at: &str, name: &str) {
        if name.to_ascii_lowercase().contains("n8n") {
            self.find(String::new(), at, How::NamedLike);
        }
    }

    /// Notes what could not be looked through.
    pub(crate) fn leave_out(&mut self, line: impl Into<String>) {
        if self.left_out.len() < MAX_LEFT_OUT {
            let mut line = self.masked(&line.into());
            if let Some((end, _)) = line.char_indices().nth(MAX_LINE) {
                line.truncate(end);
                line.push('…');
                line.shrink_to_fit();
            }
            self.left_out.push(line);
        }
    }

    /// Goes on after an answer that no such service gives: one odd thing does not hide the others. Anything else that
    /// went wrong ends the search.
    pub(crate) fn pass_over(&mut self, looked: Result<(), DestinationError>) -> Result<(), DestinationError> {
        match looked {
            Err(failure) if failure.report.blame == Blame::Hostile => {
                self.leave_out(failure.report.line());
                Ok(())
            }
            looked => looked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search() -> Search {
        let wanted = Wanted { name: "backups".into(), secret: Secret::new("canary-key") };
        Search::new(vec![wanted], 1)
    }

    #[test]
    fn tells_a_key_from_a_text_that_holds_it() {
        let mut search = search();
        search.look("a", "canary-key\n");
        search.look("b", "export KEY=canary-key");
        search.look("c", "canary-kex");
        search.look_fields(
            "d",
            serde_json::json!({"x": "canary-key", "y": ["canary-key"], "z": 1})
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (name.as_str(), value)),
        );
        search.look("e#canary-key", "canary-key");
        search.leave_out("the folder `canary-key`");
        let found: Vec<_> = search.found.iter().map(|found| (found.at.as_str(), found.how)).collect();
        let expected = [("a", How::Holds), ("b", How::Within), ("d#x", How::Holds), ("d#y", How::Within)];
        assert_eq!(found, [&expected[..], &[("e#[masked]", How::Within)]].concat());
        assert_eq!(search.left_out, ["the folder `[masked]`"]);
        assert!(!format!("{search:?}").contains("canary"));
    }

    #[test]
    fn what_is_kept_has_bounds() {
        let mut search = search();
        for number in 0..=MAX_FOUND + 5 {
            search.look(&format!("a{number}"), "canary-key");
        }
        search.look(&"a".repeat(MAX_AT_BYTES + 1), "canary-key");
        assert_eq!((search.found.len(), search.left_out.len()), (MAX_FOUND, 2));
        assert!(search.left_out[0].starts_with("more than 10000 places") && search.left_out[1].len() < 300);
        for _ in 0..MAX_LEFT_OUT {
            search.leave_out("ä".repeat(MAX_LINE + 1));
        }
        assert_eq!(search.left_out.len(), MAX_LEFT_OUT);
        assert_eq!(search.left_out[2], format!("{}…", "ä".repeat(MAX_LINE)));
    }

    #[test]
    fn reads_are_counted_out() {
        let mut search = search();
        // What was just enough was enough.
        assert_eq!((search.read(), search.is_exhausted()), (ControlFlow::Continue(()), false));
        assert_eq!((search.read(), search.is_exhausted()), (ControlFlow::Break(()), true));
    }
}
