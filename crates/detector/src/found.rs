//! What a search leaves.

use crate::{Anchored, Layer, Token};

/// What was found in some bytes.
#[derive(Debug, Default)]
pub struct Found {
    /// Tokens, in the order of their places.
    pub hits: Vec<Hit>,
    /// What was encoded and begins as an archive or a compressed file does; to be unpacked and searched.
    pub embedded: Vec<Embedded>,
    /// Which anchors stood in the bytes; all that might have if not all were taken apart.
    pub anchored: Anchored,
    /// The bytes were so dense with encodings that not all were taken apart: what is here may not be all.
    pub is_exhausted: bool,
}

/// A token in the bytes that were searched.
#[derive(Debug)]
pub struct Hit {
    /// The token.
    pub token: Token,
    /// How it was encoded, outermost first.
    pub layers: Vec<Layer>,
    /// Where it begins in the bytes that were searched.
    pub at: usize,
}

/// Bytes that were encoded within those that were searched.
#[derive(Debug)]
pub struct Embedded {
    /// The bytes, decoded; as many as the bound allows.
    pub bytes: Vec<u8>,
    /// How they were encoded, outermost first.
    pub layers: Vec<Layer>,
    /// Where they begin in the bytes that were searched.
    pub at: usize,
    /// There was more than the bound allows.
    pub is_cut: bool,
}
