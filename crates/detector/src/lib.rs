//! Finds the keys and other tokens of n8n in bytes of any kind, and ours.
//!
//! Pure: no files, no clock, no network. A token is proved by its claims or its checksum, never by its looks; who opens
//! archives and git objects is `leaks`. Every bound holds for hostile bytes too: what was too dense to be read to its end
//! is told, and never taken for clean.

mod anchors;
pub mod decode;
mod detector;
mod found;
mod joint;
mod kind;
mod layer;
mod recognise;
#[cfg(test)]
mod testing;
mod token;

pub use anchors::Anchored;
pub use detector::{ALLOW_MARK, Detector, MARGIN, MAX_ANCHOR_BYTES};
pub use found::{Embedded, Found, Hit};
pub use kind::{Kind, Severity};
pub use layer::Layer;
pub use token::{Claims, Proof, Token};
