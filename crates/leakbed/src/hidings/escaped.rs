//! Keys with some or all of their characters written as escapes.
use crate::hiding::{Fits, Hiding};
use std::fmt::Write as _;

pub(super) const HIDINGS: &[Hiding] = &[
    Hiding::text(
        "url_escaped",
        "redirect.txt",
        &["url"],
        "https://a.corp.test/?next=%2Fapi%3Fkey%3D¤%26x%3D1\n",
        |k| escape(k, Which::Marks, |c| format!("%{:02X}", u32::from(c))),
    ),
    Hiding::text("url_escaped", "form.http", &["url"], "\r\n\r\ntoken=¤&grant=1", |k| {
        escape(k, Which::Marks, |c| format!("%{:02x}", u32::from(c)))
    }),
    Hiding::text("url_escaped_all", "obscured.txt", &["url"], "key=¤\n", |k| {
        escape(k, Which::All, |c| format!("%{:02X}", u32::from(c)))
    })
    .extra(),
    Hiding::text(
        "url_escaped_twice",
        "proxy.log",
        &["url", "url"],
        "GET /?u=%252Fa%253Fkey%253D¤ 302\n",
        |k| escape(k, Which::Marks, |c| format!("%25{:02X}", u32::from(c))),
    )
    .extra(),
    Hiding::text(
        "html_escaped",
        "issue.html",
        &["html"],
        "<pre>{&quot;apiKey&quot;:&quot;¤&quot;}</pre>\n",
        |k| escape(k, Which::Marks, |c| format!("&#{};", u32::from(c))),
    ),
    Hiding::text("html_escaped", "ticket.html", &["html"], "<td>key&#61;¤&amp;x</td>\n", |k| {
        escape(k, Which::Marks, |c| format!("&#x{:X};", u32::from(c)))
    }),
    Hiding::text("html_escaped", "named.html", &["html"], "<td>&lt;¤&gt;</td>\n", |k| {
        k.replace('.', "&period;").replace('_', "&lowbar;")
    }),
    Hiding::text("html_entities_all", "hidden.html", &["html"], "<p>¤</p>\n", |k| {
        escape(k, Which::All, |c| format!("&#{};", u32::from(c)))
    })
    .extra(),
    Hiding::text("html_entities_all", "hexed.html", &["html"], "<p>¤</p>\n", |k| {
        escape(k, Which::All, |c| format!("&#x{:x};", u32::from(c)))
    })
    .extra(),
    Hiding::text("json_unicode_escapes", "escaped.json", &["json_escape"], "{\"key\":\"¤\"}\n", |k| {
        escape(k, Which::All, |c| format!("\\u{:04x}", u32::from(c)))
    })
    .extra(),
    Hiding::text(
        "json_unicode_escapes",
        "marks.json",
        &["json_escape"],
        "{\"key\":\"\\u003d¤\\u0026\"}\n",
        |k| escape(k, Which::Marks, |c| format!("\\u{:04X}", u32::from(c))),
    )
    .extra(),
    Hiding::text("script_hex_escapes", "packed.js", &["backslash_hex"], "var _0x1=['¤'];\n", |k| {
        escape(k, Which::All, |c| format!("\\x{:02x}", u32::from(c)))
    })
    .extra(),
    Hiding::text("octal_escapes", "key.sh", &["backslash_octal"], "KEY=$'¤'\n", |k| {
        escape(k, Which::All, |c| format!("\\{:03o}", u32::from(c)))
    })
    .extra(),
    Hiding::text(
        "quoted_printable",
        "letter.eml",
        &["quoted_printable"],
        "Content-Transfer-Encoding: quoted-printable\n\nKey=20is:=\n¤\n",
        quoted,
    )
    .extra(),
    Hiding::text(
        "quoted_printable",
        "archive.mbox",
        &["quoted_printable"],
        "From ana Mon May  4 10:00:00 2026\nContent-Transfer-Encoding: quoted-printable\n\n<b>¤</b>\n",
        |k| quoted(k).replace('.', "=2E"),
    )
    .extra(),
    Hiding::text("markdown_escaped", "NOTES.md", &["markdown"], "* old key: ¤, do not use\n", |k| {
        k.replace('_', "\\_")
    })
    .extra()
    .fits(Fits::Prefixed),
    Hiding::text("markdown_escaped", "howto.md", &["markdown"], "Key: ¤\n", |k| {
        k.replace('_', "\\_").replace('-', "\\-").replace('.', "\\.")
    })
    .extra(),
    Hiding::text("latex_escaped", "report.tex", &["markdown"], "\\texttt{¤}\n", |k| k.replace('_', "\\_"))
        .extra()
        .fits(Fits::Prefixed),
    Hiding::text("soft_hyphens", "wiki.html", &["invisible"], "<p>¤</p>\n", |k| interleave(k, "\u{AD}", 20))
        .extra(),
    Hiding::text("zero_width_spaces", "chat.txt", &["invisible"], "key: ¤\n", |k| {
        interleave(k, "\u{200B}", 16)
    })
    .extra(),
    Hiding::text("word_break_tags", "table.html", &["tags"], "<td>¤</td>\n", |k| interleave(k, "<wbr>", 24))
        .extra(),
    Hiding::text(
        "json_in_json",
        "event.json",
        &["json_escape", "json_escape"],
        "{\"body\":\"{\\\"log\\\":\\\"{\\\\\\\"key\\\\\\\":\\\\\\\"¤\\\\\\\"}\\\"}\"}\n",
        str::to_owned,
    )
    .extra(),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    /// `.`, `_` and `-`, the only ones in a key that are neither letters nor digits; of an encryption key more.
    Marks,
}

fn escape(key: &str, which: Which, form: fn(char) -> String) -> String {
    let is_escaped = |c: char| which == Which::All || !c.is_ascii_alphanumeric();
    key.chars().map(|c| if is_escaped(c) { form(c) } else { c.to_string() }).collect()
}

/// Soft breaks, so that no line has more than 76 columns.
fn quoted(key: &str) -> String {
    key.chars().enumerate().fold(String::new(), |mut text, (index, c)| {
        // Writing to a string cannot fail.
        if index % 70 == 69 {
            write!(text, "=\n{c}").ok()
        } else {
            write!(text, "{c}").ok()
        };
        text
    })
}

fn interleave(key: &str, between: &str, width: usize) -> String {
    let characters: Vec<char> = key.chars().collect();
    let pieces: Vec<String> = characters.chunks(width).map(|piece| piece.iter().collect()).collect();
    pieces.join(between)
}
