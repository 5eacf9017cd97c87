//! What a hiding place in a file is: its name, the file's name, and how the file is made around a key.
use crate::chance::Chance;
use crate::keys::Key;
use crate::trouble::Result;
use crate::truth::Kind;

/// Stands in templates where the key goes.
const SPOT: char = '¤';
/// Stands in templates where some lines of prose go.
const PROSE: char = '¶';

/// A class of hiding place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hiding {
    pub(crate) name: &'static str,
    /// The file's usual name.
    pub(crate) file: &'static str,
    /// Outermost first.
    pub(crate) wrapping: &'static [&'static str],
    /// Whether every search has to know it.
    pub(crate) asked: bool,
    pub(crate) fits: Fits,
    /// Whether the file is the same for the same seed; where not, it is for the work tree only.
    pub(crate) steady: bool,
    way: Way,
}

/// Which sorts of secrets lie in such a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fits {
    Any,
    Native,
    /// With an underscore near the front.
    Prefixed,
    Only(Kind),
}

#[derive(Debug, Clone, Copy)]
enum Way {
    /// A template, and what becomes of the key in it.
    Text(&'static str, fn(&str) -> String),
    /// A template, and what becomes of the whole of it.
    Whole(&'static str, fn(&str) -> Vec<u8>),
    /// Bytes without lines.
    Bytes(fn(&str, &mut Chance) -> Result<Vec<u8>>),
}

/// A file with a key in it.
#[derive(Debug, Clone)]
pub(crate) struct Hidden {
    pub(crate) bytes: Vec<u8>,
    /// The first and the last line of what stands for the key.
    pub(crate) lines: Option<(usize, usize)>,
}

impl Fits {
    /// A key for such a place.
    pub(crate) fn key(self, chance: &mut Chance) -> Key {
        use Kind::{Gateway, Legacy, Native1, Native2};
        let kind = match self {
            Self::Any => chance.one_of(&[
                Native2, Native2, Native2, Native2, Native1, Native1, Legacy, Legacy, Gateway, Gateway,
            ]),
            Self::Native => chance.one_of(&[Native2, Native2, Native1]),
            Self::Prefixed => chance.one_of(&[Legacy, Gateway]),
            Self::Only(kind) => kind,
        };
        Key::make(kind, chance)
    }
}

impl Hiding {
    /// The key as it is, in a template.
    pub(crate) const fn plain(name: &'static str, file: &'static str, template: &'static str) -> Self {
        Self::text(name, file, &[], template, str::to_owned)
    }

    /// The key in another form, in a template.
    pub(crate) const fn text(
        name: &'static str,
        file: &'static str,
        wrapping: &'static [&'static str],
        template: &'static str,
        form: fn(&str) -> String,
    ) -> Self {
        Self::new(name, file, wrapping, Way::Text(template, form))
    }

    /// A whole file in another form. Its lines are those of the template.
    pub(crate) const fn whole(
        name: &'static str,
        file: &'static str,
        wrapping: &'static [&'static str],
        template: &'static str,
        form: fn(&str) -> Vec<u8>,
    ) -> Self {
        Self::new(name, file, wrapping, Way::Whole(template, form))
    }

    /// A file that is no text.
    pub(crate) const fn bytes(
        name: &'static str,
        file: &'static str,
        wrapping: &'static [&'static str],
        make: fn(&str, &mut Chance) -> Result<Vec<u8>>,
    ) -> Self {
        Self::new(name, file, wrapping, Way::Bytes(make))
    }

    /// The same, as one that was thought of in addition.
    pub(crate) const fn extra(self) -> Self {
        Self { asked: false, ..self }
    }

    /// The same, for some sorts of secrets only.
    pub(crate) const fn fits(self, fits: Fits) -> Self {
        Self { fits, ..self }
    }

    /// The same, with bytes that differ from run to run.
    pub(crate) const fn unsteady(self) -> Self {
        Self { steady: false, ..self }
    }

    const fn new(
        name: &'static str,
        file: &'static str,
        wrapping: &'static [&'static str],
        way: Way,
    ) -> Self {
        Self { name, file, wrapping, asked: true, fits: Fits::Any, steady: true, way }
    }

    /// The file with this key in it.
    pub(crate) fn hide(&self, key: &str, chance: &mut Chance) -> Result<Hidden> {
        match self.way {
            Way::Text(template, form) => {
                let (before, after) = around(template, chance);
                let form = form(key);
                let first = lines(&before) + 1;
                let last = first + lines(&form);
                Ok(Hidden { bytes: (before + &form + &after).into_bytes(), lines: Some((first, last)) })
            }
            Way::Whole(template, form) => {
                let (before, after) = around(template, chance);
                let line = lines(&before) + 1;
                Ok(Hidden { bytes: form(&(before + key + &after)), lines: Some((line, line)) })
            }
            Way::Bytes(make) => Ok(Hidden { bytes: make(key, chance)?, lines: None }),
        }
    }
}

/// What stands before the key and after it.
fn around(template: &str, chance: &mut Chance) -> (String, String) {
    let filled: String = template
        .split_inclusive(PROSE)
        .map(|part| match part.strip_suffix(PROSE) {
            Some(part) => format!("{part}{}", chance.prose(700)),
            None => part.to_owned(),
        })
        .collect();
    let (before, after) = filled.split_once(SPOT).unwrap_or((&filled, ""));
    (before.to_owned(), after.to_owned())
}

fn lines(text: &str) -> usize {
    text.matches('\n').count()
}
