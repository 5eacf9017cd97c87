//! Texts in YAML. Of a file with several documents, one alone may have the place.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use zeroize::Zeroizing;

use super::pointer::{Pointer, index};
use super::{Fault, Quotes, Slot, json};

/// A file of 8 MiB that is nothing but brackets has more.
pub(super) const MAX_EVENTS: usize = 500_000;
/// Words that are something else than a text without quotes, to one reader or another.
const RESERVED: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

pub(super) fn find(text: &str, to: &Pointer) -> Result<Slot, Fault> {
    let mut events = Vec::new();
    for event in Parser::new_from_str(text) {
        let event = event.map_err(|fault| Fault::Malformed {
            line: fault.marker().line(),
            why: "it is no YAML from here on".into(),
        })?;
        if events.len() == MAX_EVENTS {
            return Err(Fault::Malformed {
                line: event.1.start.line(),
                why: "it is too large a document".into(),
            });
        }
        events.push(event);
    }
    let page = Page { text, events };
    let mut found = None;
    let mut furthest = Fault::Missing { part: to.upto(0) };
    let mut depth = 0;
    for at in page.roots() {
        match page.walk(at, to) {
            Ok(_) if found.is_some() => {
                return Err(page.fault(at, "a second document in the file has this place too"));
            }
            Ok(slot) => found = Some(slot),
            Err((Fault::Missing { part }, came)) if came >= depth => {
                (furthest, depth) = (Fault::Missing { part }, came);
            }
            Err((Fault::Missing { .. }, _)) => {}
            Err((fault, _)) => return Err(fault),
        }
    }
    found.ok_or(furthest)
}

struct Page<'t> {
    text: &'t str,
    events: Vec<(Event<'t>, Span)>,
}

impl Page<'_> {
    fn event(&self, at: usize) -> Option<&Event<'_>> {
        self.events.get(at).map(|(event, _)| event)
    }

    fn fault(&self, at: usize, why: &str) -> Fault {
        let line = self.events.get(at).map_or(1, |(_, span)| span.start.line());
        Fault::Malformed { line, why: why.into() }
    }

    /// Where each document's content begins.
    fn roots(&self) -> Vec<usize> {
        let starts = self.events.iter().enumerate();
        starts
            .filter(|(_, (event, _))| matches!(event, Event::DocumentStart(_)))
            .map(|(at, _)| at + 1)
            .collect()
    }

    /// Behind the node that begins here.
    fn behind(&self, from: usize) -> usize {
        let mut open = 0_usize;
        let mut at = from;
        while let Some(event) = self.event(at) {
            match event {
                Event::MappingStart(..) | Event::SequenceStart(..) => open += 1,
                Event::MappingEnd | Event::SequenceEnd => open = open.saturating_sub(1),
                _ => {}
            }
            at += 1;
            if open == 0 {
                break;
            }
        }
        at
    }

    /// Follows the pointer; an error tells how far it came.
    fn walk(&self, root: usize, to: &Pointer) -> Result<Slot, (Fault, usize)> {
        let (mut at, mut key) = (root, None);
        for (number, part) in to.parts().iter().enumerate() {
            let next = match self.event(at) {
                Some(Event::MappingStart(..)) => {
                    self.member(at + 1, part).map_err(|fault| (fault, number))?
                }
                Some(Event::SequenceStart(..)) => index(part).and_then(|nth| self.element(at + 1, nth)),
                Some(Event::Alias(_)) => {
                    return Err((self.fault(at, "the way leads through an alias; write it out"), number));
                }
                _ => None,
            };
            let Some(next) = next else {
                return Err((Fault::Missing { part: to.upto(number) }, number));
            };
            key = matches!(self.event(at), Some(Event::MappingStart(..))).then(|| next - 1);
            at = next;
        }
        self.slot(at, key).map_err(|fault| (fault, to.parts().len()))
    }

    fn member(&self, from: usize, name: &str) -> Result<Option<usize>, Fault> {
        let (mut at, mut found) = (from, None);
        while !matches!(self.event(at), Some(Event::MappingEnd) | None) {
            let value = self.behind(at);
            if matches!(self.event(at), Some(Event::Scalar(key, ..)) if key == name) {
                if found.is_some() {
                    return Err(self.fault(at, "this name is there a second time"));
                }
                found = Some(value);
            }
            at = self.behind(value);
        }
        Ok(found)
    }

    fn element(&self, from: usize, nth: usize) -> Option<usize> {
        let mut at = from;
        for _ in 0..nth {
            if matches!(self.event(at), Some(Event::SequenceEnd) | None) {
                return None;
            }
            at = self.behind(at);
        }
        (!matches!(self.event(at), Some(Event::SequenceEnd) | None)).then_some(at)
    }

    fn slot(&self, at: usize, key: Option<usize>) -> Result<Slot, Fault> {
        let refuse = |why: &str| Err(self.fault(at, why));
        let Some((event, span)) = self.events.get(at) else { return refuse("the document ends here") };
        let Event::Scalar(held, style, _, tag) = event else {
            return refuse(match event {
                Event::Alias(_) => "what is there is an alias; write it out",
                _ => "what is there is not a text",
            });
        };
        if tag.is_some() {
            return refuse("what is there has a tag; leave it out");
        }
        let (from, end) = (self.byte(span.start.index()), self.byte(span.end.index()));
        let written = self.text.get(from..end).unwrap_or_default();
        let quoted = |quotes| {
            let start = from + behind_anchor(written);
            let length = self.text.get(start..).and_then(quoted_bytes);
            let Some(length) = length else {
                return refuse("what is there cannot be told from what is around it");
            };
            let held = Zeroizing::new(held.clone().into_owned());
            Ok(Slot { at: start..start + length, held, quotes })
        };
        match style {
            ScalarStyle::DoubleQuoted => quoted(Quotes::Double),
            ScalarStyle::SingleQuoted => quoted(Quotes::Single),
            ScalarStyle::Literal | ScalarStyle::Folded => {
                refuse("what is there is a block; write it on one line")
            }
            ScalarStyle::Plain
                if written.trim().is_empty()
                    || written.starts_with('&') && !written.ends_with(held.as_ref()) =>
            {
                self.nothing(at, key)
            }
            ScalarStyle::Plain if !written.ends_with(held.as_ref()) => {
                refuse("what is there spans several lines; write it on one")
            }
            ScalarStyle::Plain => {
                let null = matches!(held.as_ref(), "~" | "null" | "Null" | "NULL");
                if !null && !is_text(held) {
                    return refuse("what is there is not a text; put quotes around it");
                }
                let start = end - held.len();
                let held =
                    if null { Zeroizing::default() } else { Zeroizing::new(held.clone().into_owned()) };
                Ok(Slot { at: start..end, held, quotes: Quotes::None })
            }
        }
    }

    /// A name with nothing behind its colon.
    fn nothing(&self, at: usize, key: Option<usize>) -> Result<Slot, Fault> {
        let colon = key.and_then(|key| {
            let (_, span) = self.events.get(key)?;
            let end = self.byte(span.end.index());
            let between = self.text.get(end..)?;
            let blanks = between.len() - between.trim_start_matches([' ', '\t']).len();
            between.get(blanks..)?.starts_with(':').then_some(end + blanks + 1)
        });
        let Some(colon) = colon else {
            return Err(self.fault(at, "nothing is there; write an empty text (`\"\"`)"));
        };
        Ok(Slot { at: colon..colon, held: Zeroizing::default(), quotes: Quotes::Nothing })
    }

    /// The parser counts characters.
    fn byte(&self, character: usize) -> usize {
        self.text.char_indices().nth(character).map_or(self.text.len(), |(at, _)| at)
    }
}

/// How much of what is written is an anchor, and the blanks behind it.
fn behind_anchor(written: &str) -> usize {
    if !written.starts_with('&') {
        return 0;
    }
    let name = written.find(char::is_whitespace).unwrap_or(written.len());
    let rest = written.get(name..).unwrap_or_default();
    name + rest.len() - rest.trim_start().len()
}

/// The length of the quoted text that begins here, quotes included.
fn quoted_bytes(text: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    let (_, quote) = chars.next().filter(|(_, quote)| matches!(quote, '"' | '\''))?;
    while let Some((at, c)) = chars.next() {
        if c == '\\' && quote == '"' {
            chars.next()?;
        } else if c == quote {
            // In single quotes, two of them stand for one.
            let doubled = quote == '\'' && text.get(at + 1..).is_some_and(|rest| rest.starts_with('\''));
            if !doubled {
                return Some(at + 1);
            }
            chars.next()?;
        }
    }
    None
}

/// Whether what is written without quotes is a text to every reader, and no number, date or word of another meaning.
fn is_text(plain: &str) -> bool {
    plain.starts_with(|c: char| c.is_ascii_alphabetic())
        && !RESERVED.contains(&plain.to_ascii_lowercase().as_str())
}

/// Without quotes only where there were none: whether it reads the same there is seen by reading it.
pub(super) fn ways(value: &str, quotes: Quotes) -> Vec<Zeroizing<String>> {
    let one_line = !value.contains(char::is_control);
    match quotes {
        Quotes::Single if one_line => vec![Zeroizing::new(format!("'{}'", value.replace('\'', "''")))],
        Quotes::None if one_line && is_text(value) => {
            vec![Zeroizing::new(value.to_owned()), json::write(value)]
        }
        Quotes::Nothing => vec![Zeroizing::new(format!(" {}", *json::write(value)))],
        Quotes::Single | Quotes::Double | Quotes::None => vec![json::write(value)],
    }
}
