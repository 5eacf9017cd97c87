//! Each kind of token: from its first character to its proof. A text is a token only if it is one whole.

mod checksum;
mod encryption;
mod jwt;
mod legacy;
mod reader;
mod webhook;

pub(crate) use checksum::gateway;
pub(crate) use encryption::{encryption_field, encryption_name};
pub(crate) use jwt::jwt;
pub(crate) use legacy::legacy;
pub(crate) use webhook::webhook;

use crate::{Layer, Token};

/// A token, and where it stands in the text that was read.
#[derive(Debug)]
pub(crate) struct Recognised {
    pub(crate) token: Token,
    /// How its characters were written.
    pub(crate) layers: Vec<Layer>,
    /// Where it begins.
    pub(crate) from: usize,
}

/// Whether a text is a documentation's: marked as an example, or of too few different characters to be random.
fn is_example(text: &str, fewest_different: usize) -> bool {
    let mut seen = [false; 256];
    text.bytes().for_each(|byte| {
        if let Some(seen) = seen.get_mut(usize::from(byte)) {
            *seen = true;
        }
    });
    let different = seen.iter().filter(|seen| **seen).count();
    different < fewest_different || text.to_ascii_lowercase().contains("example")
}
