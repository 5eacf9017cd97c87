//! How a value is written and read, per style.

use zeroize::Zeroizing;

use super::syntax::Style;
use crate::place::Content;

/// Writes a value in the wanted style, or in the nearest that every reader takes literally.
pub(super) fn encode(wanted: Style, value: &str) -> Content {
    let has = |marks: &[u8]| value.bytes().any(|byte| marks.contains(&byte));
    let fits = |style| match style {
        // What no shell and no reader gives a meaning to.
        Style::Bare => {
            value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+/=:@%,".contains(&byte))
        }
        Style::Single => !has(b"'\\"),
        Style::Double => !has(b"\"\\$`"),
        Style::Backtick => !has(b"`\\"),
    };
    let style = [wanted, Style::Single, Style::Double].into_iter().find(|style| fits(*style));
    // Room for every character escaped, so that the buffer does not move and leave a copy behind.
    let mut text: Content = Zeroizing::new(Vec::with_capacity(value.len() * 2 + 2));
    let quote = match style {
        Some(Style::Bare) => None,
        Some(Style::Single) => Some(b'\''),
        Some(Style::Backtick) => Some(b'`'),
        Some(Style::Double) | None => Some(b'"'),
    };
    text.extend(quote);
    for byte in value.bytes() {
        if style.is_none() && b"\"\\$`".contains(&byte) {
            text.push(b'\\');
        }
        text.push(byte);
    }
    text.extend(quote);
    text
}

/// Reads a value; `None` if it is not UTF-8.
pub(super) fn decode(style: Style, text: &[u8]) -> Option<Zeroizing<String>> {
    let inner = match style {
        Style::Bare => text,
        Style::Single | Style::Double | Style::Backtick => text.get(1..text.len().saturating_sub(1))?,
    };
    let inner = std::str::from_utf8(inner).ok()?;
    let mut value = Zeroizing::new(String::with_capacity(inner.len()));
    let mut characters = inner.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped = match characters.peek() {
            Some(next) if style == Style::Double && character == '\\' => match next {
                '"' | '\\' | '$' | '`' => Some(*next),
                'n' => Some('\n'),
                'r' => Some('\r'),
                't' => Some('\t'),
                _ => None,
            },
            _ => None,
        };
        if escaped.is_some() {
            characters.next();
        }
        value.push(escaped.unwrap_or(character));
    }
    Some(value)
}
