//! Each decoder on any bytes: within its bound, and the inverse of its encoder.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use detector::decode::{self, Phase};
use libfuzzer_sys::fuzz_target;

const MAX: usize = 512;

fuzz_target!(|bytes: &[u8]| {
    for skip_bits in [0, 2, 4, 6] {
        let (decoded, taken) = decode::base64(bytes, Phase { skip_bits }, MAX);
        assert!(decoded.len() <= MAX && taken <= bytes.len());
    }
    for decoded in [
        decode::hex(bytes, MAX),
        decode::octal(bytes, MAX),
        decode::decimal(bytes, MAX),
        decode::utf32(bytes, MAX),
        decode::utf16(bytes, MAX),
        decode::percent(bytes, MAX),
        decode::html(bytes, MAX),
        decode::unicode(bytes, MAX),
    ] {
        assert!(decoded.len() <= MAX && decoded.len() <= bytes.len());
    }
    let whole = bytes.get(..MAX.min(bytes.len())).unwrap_or_default();
    for text in [STANDARD.encode(whole), URL_SAFE_NO_PAD.encode(whole)] {
        let (decoded, taken) = decode::base64(text.as_bytes(), Phase::default(), MAX);
        assert_eq!(decoded.as_slice(), whole);
        assert!(taken <= text.len());
    }
    let each = |write: fn(&u8) -> String| whole.iter().map(write).collect::<String>();
    assert_eq!(decode::hex(each(|byte| format!("{byte:02x}")).as_bytes(), MAX).as_slice(), whole);
    assert_eq!(decode::hex(each(|byte| format!(r"\x{byte:02X}")).as_bytes(), MAX).as_slice(), whole);
    assert_eq!(decode::octal(each(|byte| format!(r"\{byte:03o}")).as_bytes(), MAX).as_slice(), whole);
    assert_eq!(decode::decimal(each(|byte| format!("{byte},")).as_bytes(), MAX).as_slice(), whole);
    assert_eq!(decode::percent(each(|byte| format!("%{byte:02x}")).as_bytes(), MAX).as_slice(), whole);
    assert_eq!(decode::html(each(|byte| format!("&#{byte};")).as_bytes(), MAX).as_slice(), whole);
    assert_eq!(decode::unicode(each(|byte| format!(r"\u{byte:04x}")).as_bytes(), MAX).as_slice(), whole);
});
