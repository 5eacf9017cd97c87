//! Where the assignments of one name are in a .env file. Looks at bytes and keeps out of the rest.
//!
//! Readers of .env files disagree on the odd cases. What they agree on is accepted; a file on which they
//! would disagree about where a value ends is refused.

use std::ops::Range;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Bare,
    Single,
    Double,
    Backtick,
}

impl Style {
    fn of(first: u8) -> Self {
        match first {
            b'\'' => Self::Single,
            b'"' => Self::Double,
            b'`' => Self::Backtick,
            _ => Self::Bare,
        }
    }
}

/// One assignment of the wanted name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    /// All its lines, their line end included.
    pub(super) lines: Range<usize>,
    /// Its value, the quotes included.
    pub(super) value: Range<usize>,
    pub(super) style: Style,
}

/// What a file holds of the wanted name.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) found: Vec<Assignment>,
    /// The last assignment of any name was written with `export`.
    pub(super) exports: bool,
}

/// Why a file is refused. It says nothing of what is in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) why: &'static str,
}

impl Fault {
    /// At a place in a text.
    pub(super) fn at(text: &[u8], at: usize, why: &'static str) -> Self {
        Self { line: text.get(..at).unwrap_or_default().split(|byte| *byte == b'\n').count(), why }
    }
}

/// A byte order mark is kept and is no part of the first name.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Finds all assignments of `name`.
pub(super) fn parse(text: &[u8], name: &str) -> Result<Parsed, Fault> {
    let mut parser = Parser { text, at: 0, name: name.as_bytes(), parsed: Parsed::default() };
    if let Some(at) = text.iter().position(|byte| *byte == 0) {
        return Err(parser.fault(at, "a NUL byte: it is not a text file, or UTF-16"));
    }
    if text.starts_with(BOM) {
        parser.at = BOM.len();
    }
    while parser.at < text.len() {
        parser.line()?;
    }
    Ok(parser.parsed)
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    name: &'a [u8],
    parsed: Parsed,
}

impl<'a> Parser<'a> {
    fn fault(&self, at: usize, why: &'static str) -> Fault {
        Fault::at(self.text, at, why)
    }

    fn slice(&self, range: Range<usize>) -> &'a [u8] {
        self.text.get(range).unwrap_or_default()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) -> Range<usize> {
        let start = self.at;
        self.at += self.rest().iter().take_while(|byte| wanted(**byte)).count();
        start..self.at
    }

    /// Up to the line end, which is not part of it.
    fn line_content(&self, from: usize) -> Range<usize> {
        let rest = self.text.get(from..).unwrap_or_default();
        let mut end = from + rest.iter().take_while(|byte| **byte != b'\n').count();
        if end > from && end < self.text.len() && self.slice(end - 1..end) == b"\r" {
            end -= 1;
        }
        from..end
    }

    /// Behind the line end.
    fn next_line(&self, from: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        from + rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1)
    }

    fn line(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.skip(is_blank);
        let exported = self.skip_export();
        let name = self.skip(is_name);
        let ours = self.slice(name.clone()) == self.name;
        self.skip(is_blank);
        match self.peek() {
            Some(b'=') if !name.is_empty() => {
                self.at += 1;
                self.parsed.exports = exported;
                self.value(start, ours)
            }
            Some(b':') if ours && self.rest().get(1).is_none_or(u8::is_ascii_whitespace) => {
                Err(self
                    .fault(start, "the name is followed by `:`, which only some readers accept; write `=`"))
            }
            _ => self.end_of_plain_line(start),
        }
    }

    fn end_of_plain_line(&mut self, start: usize) -> Result<(), Fault> {
        if self.slice(self.line_content(start)).contains(&b'\r') {
            return Err(self.fault(start, "a line end without a line feed, as very old Macs wrote"));
        }
        self.at = self.next_line(start);
        Ok(())
    }

    fn skip_export(&mut self) -> bool {
        let start = self.at;
        if let Some(after) = self.rest().strip_prefix(b"export")
            && after.first().is_some_and(|byte| is_blank(*byte))
        {
            self.at += b"export".len();
            self.skip(is_blank);
            if self.peek().is_some_and(is_name) {
                return true;
            }
            self.at = start;
        }
        false
    }

    fn value(&mut self, start: usize, ours: bool) -> Result<(), Fault> {
        let after_equals = self.at;
        let blanks = self.skip(is_blank);
        let style = self.peek().map_or(Style::Bare, Style::of);
        let value = match style {
            Style::Bare => self.bare(start, after_equals, &blanks, ours)?,
            Style::Single | Style::Double | Style::Backtick => self.quoted(start, ours)?,
        };
        // The value's last line is where the assignment ends.
        self.at = self.next_line(value.end);
        if ours {
            self.parsed.found.push(Assignment { lines: start..self.at, value, style });
        }
        Ok(())
    }

    fn bare(
        &self,
        start: usize,
        after_equals: usize,
        blanks: &Range<usize>,
        ours: bool,
    ) -> Result<Range<usize>, Fault> {
        let content = self.line_content(self.at);
        let bytes = self.slice(content.clone());
        if bytes.contains(&b'\r') {
            return Err(self.fault(start, "a line end without a line feed, as very old Macs wrote"));
        }
        if bytes.is_empty() || (bytes.starts_with(b"#") && !blanks.is_empty()) {
            return Ok(after_equals..after_equals);
        }
        let comment = bytes.windows(2).position(|pair| matches!(pair, [b' ' | b'\t', b'#']));
        let upto = bytes.get(..comment.unwrap_or(bytes.len())).unwrap_or_default();
        let value = upto.trim_ascii_end();
        if ours && value.iter().any(|byte| is_quote(*byte)) {
            return Err(self.fault(start, "a quote in the middle of an unquoted value"));
        }
        if ours && value.ends_with(b"\\") {
            return Err(
                self.fault(start, "the value ends with a backslash, which some readers take as `goes on`")
            );
        }
        Ok(content.start..content.start + value.len())
    }

    fn quoted(&self, start: usize, ours: bool) -> Result<Range<usize>, Fault> {
        let quote = self.peek().unwrap_or_default();
        let escaping = self.closing(quote, true);
        // Shells know no escape in single quotes, some readers do: the first end that leaves a clean line.
        let plain = if quote == b'"' { None } else { self.closing(quote, false) };
        let ends = [plain, escaping].into_iter().flatten();
        let mut first = None;
        for end in ends {
            let after = self.slice(self.line_content(end)).trim_ascii_start();
            if after.is_empty() || after.starts_with(b"#") {
                return Ok(self.at..end);
            }
            first = first.or(Some((end, after)));
        }
        match first {
            None => Err(self.fault(start, "a quote that is never closed")),
            Some((end, after)) if !ours && !after.iter().any(|byte| is_quote(*byte)) => Ok(self.at..end),
            Some(_) => Err(self.fault(start, "text after the closing quote")),
        }
    }

    /// Behind the quote that closes the one at hand.
    fn closing(&self, quote: u8, escapes: bool) -> Option<usize> {
        let mut bytes = self.rest().iter().enumerate().skip(1);
        while let Some((offset, byte)) = bytes.next() {
            if escapes && *byte == b'\\' {
                bytes.next();
            } else if *byte == quote {
                return Some(self.at + offset + 1);
            }
        }
        None
    }
}

pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn is_quote(byte: u8) -> bool {
    b"'\"`".contains(&byte)
}
