//! What may be shown of a program's stderr.

use std::collections::HashSet;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use model::Secret;
use zeroize::Zeroizing;

/// A piece of a secret this long is masked wherever it stands.
const PIECE: usize = 8;
/// A run of key-like characters this long is masked, whatever it is: it may be a key that we don't know.
const LONG_RUN: usize = 32;
const MAX_LINES: usize = 12;

/// The lines of `output` to show, with the secret, what looks like one, and control characters masked.
pub(crate) fn shown(output: &[u8], secret: Option<&Secret>) -> Vec<String> {
    let mut masked = vec![false; output.len()];
    if let Some(secret) = secret {
        for form in forms(secret) {
            mark_pieces(output, &form, &mut masked);
        }
    }
    mark_long_runs(output, &mut masked);
    let mut clear = Zeroizing::new(Vec::with_capacity(output.len()));
    let mut before = false;
    for (byte, hidden) in output.iter().zip(masked) {
        match (hidden, before) {
            (true, false) => clear.extend_from_slice(b"[masked]"),
            (true, true) => {}
            (false, _) => clear.push(*byte),
        }
        before = hidden;
    }
    let lines = String::from_utf8_lossy(&clear);
    let lines = lines.lines().map(|line| escape(line.trim_end())).filter(|line| !line.is_empty());
    lines.take(MAX_LINES).map(|line| format!("stderr: {line}")).collect()
}

/// No character that moves a cursor, changes a colour or turns the writing direction.
fn escape(line: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let mut shown = String::with_capacity(line.len());
    for character in line.chars() {
        if (character.is_control() && character != '\t') || turns(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The secret as it is and as programs like to print it: hex, and base64 at each of its three offsets.
fn forms(secret: &Secret) -> Vec<Zeroizing<Vec<u8>>> {
    let bytes = secret.expose().as_bytes();
    let hex = |upper: bool| {
        let digits: &[u8; 16] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
        let digit = |value: u8| digits.get(usize::from(value)).copied().unwrap_or_default();
        Zeroizing::new(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect::<Vec<_>>())
    };
    let mut forms = vec![Zeroizing::new(bytes.to_vec()), hex(false), hex(true)];
    for skip in 0..3 {
        let encoded = STANDARD_NO_PAD.encode(bytes.get(skip..).unwrap_or_default());
        forms.push(Zeroizing::new(encoded.into_bytes()));
    }
    forms
}

fn mark_pieces(output: &[u8], form: &[u8], masked: &mut [bool]) {
    let length = PIECE.min(form.len());
    if length == 0 {
        return;
    }
    let pieces: HashSet<&[u8]> = form.windows(length).collect();
    for (start, window) in output.windows(length).enumerate() {
        if pieces.contains(window) {
            masked.iter_mut().skip(start).take(length).for_each(|hidden| *hidden = true);
        }
    }
    // The output may have been cut in the middle of it.
    for cut in 1..length.min(output.len() + 1) {
        let tail = output.get(output.len() - cut..).unwrap_or_default();
        if cut >= 4 && form.starts_with(tail) {
            masked.iter_mut().skip(output.len() - cut).for_each(|hidden| *hidden = true);
        }
    }
}

fn mark_long_runs(output: &[u8], masked: &mut [bool]) {
    let keylike = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.+=".contains(byte);
    let mut at = 0;
    for run in output.split_inclusive(|byte| !keylike(byte)) {
        let length = run.iter().take_while(|byte| keylike(byte)).count();
        if length >= LONG_RUN {
            masked.iter_mut().skip(at).take(length).for_each(|hidden| *hidden = true);
        }
        at += run.len();
    }
}
