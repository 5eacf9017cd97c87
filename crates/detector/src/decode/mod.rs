//! Encodings undone, each from where an anchor stands and for a bounded length. Lenient: what is no longer encoded ends it.

mod base64;
mod escapes;
mod hex;
mod utf16;

pub use base64::{Phase, base64};
pub use escapes::{html, percent, unicode};
pub use hex::{decimal, hex, octal};
pub use utf16::{utf16, utf32};
