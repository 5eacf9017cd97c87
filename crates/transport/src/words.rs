//! Words for what came from outside: nothing of it gets into a report unescaped or at length.

/// Text from outside, fit for a terminal: escaped, and at most `max` characters of it.
pub fn shown(text: &str, max: usize) -> String {
    let mut shown: String = text.chars().take(max).flat_map(escaped).collect();
    if text.chars().nth(max).is_some() {
        shown.push('…');
    }
    shown
}

fn escaped(c: char) -> impl Iterator<Item = char> {
    // Letters of any script are shown as they are; what moves a cursor or turns the line around is not.
    let plain = c == ' ' || c.is_alphanumeric() || c.is_ascii_graphic();
    let (kept, escape) = if plain { (Some(c), None) } else { (None, Some(c.escape_unicode())) };
    kept.into_iter().chain(escape.into_iter().flatten())
}

/// Any other error's chain, a line each, escaped and short.
pub fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let line = shown(&cause.to_string(), 200);
        if lines.last() != Some(&line) && lines.len() < 8 {
            lines.push(line);
        }
        next = cause.source();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_cursor_is_escaped() {
        assert_eq!(shown("n8n.example.com/ü", 40), "n8n.example.com/ü");
        assert_eq!(shown("a\u{1b}[2Jb\u{202e}c\n", 40), r"a\u{1b}[2Jb\u{202e}c\u{a}");
        assert_eq!(shown(&"a".repeat(50), 3), "aaa…");
    }
}
