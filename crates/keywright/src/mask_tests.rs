//! Masking, at every place where a stream can be cut.

use super::*;

const KEY: &str = "eyJcanary0.eyJzdWIiOiJjYW5hcnkifQ.canary-canary_canary/?\"+~";

fn masked(pieces: &[&[u8]]) -> String {
    let mut mask = Mask::new(Arc::new(Forms::of(&Secret::new(KEY))));
    let mut out = Vec::new();
    for piece in pieces {
        mask.pass(piece, &mut out);
    }
    mask.end(&mut out);
    String::from_utf8(out).unwrap()
}

fn check(text: &str, expected: &str) {
    assert_eq!(masked(&[text.as_bytes()]), expected, "{text:?}");
    for at in 0..text.len() {
        let (one, two) = text.as_bytes().split_at(at);
        assert_eq!(masked(&[one, two]), expected, "{text:?} cut at {at}");
    }
    let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
    assert_eq!(masked(&bytes), expected, "{text:?} byte by byte");
}

#[test]
fn a_key_is_masked_wherever_it_stands_and_nothing_else() {
    check("", "");
    check("nothing of it: ey eyJ eyJcanary0 eyJcanary0.", "nothing of it: ey eyJ eyJcanary0 eyJcanary0.");
    check(KEY, "[masked]");
    check(&format!("a{KEY}b{KEY}{KEY}c"), "a[masked]b[masked][masked]c");
    check(&format!("eyJeyJc{KEY}"), "eyJeyJc[masked]");
    let short = KEY.get(..20).unwrap();
    check(&format!("{short}{KEY}"), &format!("{short}[masked]"));
}

#[test]
fn a_key_is_masked_as_programs_write_it() {
    let json = serde_json::to_string(&[KEY]).unwrap();
    check(&json, "[\"[masked]\"]");
    let escaped = KEY.replace('/', "%2F").replace('?', "%3F").replace('"', "%22").replace('+', "%2B");
    check(&format!("?key={escaped}&x"), "?key=[masked]&x");
    check(
        &format!("?key={}&x", escaped.replace("%2F", "%2f").replace("%3F", "%3f").replace("%2B", "%2b")),
        "?key=[masked]&x",
    );
    let hex = KEY.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    check(&format!("{hex} {}", hex.to_uppercase()), "[masked] [masked]");
    for before in ["", "u", "us", "user:"] {
        for encoded in [
            base64::engine::general_purpose::STANDARD.encode(format!("{before}{KEY} and more")),
            base64::engine::general_purpose::URL_SAFE.encode(format!("{before}{KEY} and more")),
        ] {
            let shown = masked(&[encoded.as_bytes()]);
            let middle = encoded.get(10..encoded.len() - 20).unwrap();
            assert!(shown.contains("[masked]") && !shown.contains(middle), "{before}: {encoded} {shown}");
        }
    }
}

#[test]
fn a_key_that_was_folded_is_masked_and_lines_around_it_stay() {
    let folded = |text: &str, end: &str| {
        let lines: Vec<&str> =
            [text.get(..20), text.get(20..40), text.get(40..)].into_iter().flatten().collect();
        lines.join(end)
    };
    check(&format!("a\n{}\nb\n", folded(KEY, "\n")), "a\n[masked]\nb\n");
    check(&format!("a\r\n{}\r\nb", folded(KEY, "\r\n")), "a\r\n[masked]\r\nb");
    let text = folded(KEY, "\n\n\n");
    check(&text, &text);
    let broken = format!("{}x", folded(KEY, "\n").get(..50).unwrap());
    check(&broken, &broken);
}

#[test]
fn nothing_waits_but_what_may_become_a_key() {
    let mut mask = Mask::new(Arc::new(Forms::of(&Secret::new(KEY))));
    let mut pass = |text: &str| {
        let mut out = Vec::new();
        mask.pass(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(pass("Name: "), "Name: ");
    assert_eq!(pass("the\n"), "the\n", "a line that ends as a key begins");
    assert_eq!(pass("see ey"), "see ");
    assert_eq!(pass("e"), "ey");
    assert_eq!(pass("s"), "es");
    let long = "\n".repeat(1000);
    pass(KEY.get(..30).unwrap());
    assert!(pass(&long).ends_with("\n\n\n"), "no more than a line's end is held back");
}

#[test]
fn a_key_without_its_end_is_masked_where_the_stream_ends() {
    check(KEY.get(..KEY.len() - 1).unwrap(), "[masked]");
    check(KEY.get(..10).unwrap(), KEY.get(..10).unwrap());
}

#[test]
fn what_is_no_text_passes() {
    let all: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut mask = Mask::new(Arc::new(Forms::of(&Secret::new(KEY))));
    let mut out = Vec::new();
    all.chunks(7).for_each(|piece| mask.pass(piece, &mut out));
    mask.end(&mut out);
    assert_eq!(out, all);
}
