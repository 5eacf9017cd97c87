//! Reports of GitLab: Code Quality, which every edition shows in a merge request, and Secret Detection, which fills the
//! list of vulnerabilities.

mod quality;
mod secrets;

pub use quality::gitlab_codequality;
pub use secrets::gitlab_secrets;

use std::path::Path;

use model::{Fingerprint, Secret};

use crate::{Leak, Spot};

/// An id of a leak at a place, the same in the next scan: it stands on the path, and not on the line.
fn id(leak: &Leak, spot: &Spot, root: &Path, number: usize) -> String {
    let path = super::location::uri(&super::location::path(&spot.place, root));
    // The hash of a fingerprint and a path is no fingerprint of a key.
    Fingerprint::of(&Secret::new(format!("{}\n{path}\n{number}", leak.fingerprint))).to_string()
}

/// The places of a leak, each with its number among those of the same path.
fn numbered<'a>(leak: &'a Leak, root: &'a Path) -> impl Iterator<Item = (&'a Spot, usize)> {
    let mut seen = std::collections::HashMap::new();
    leak.places.iter().map(move |spot| {
        let number = seen.entry(super::location::path(&spot.place, root)).or_insert(0_usize);
        *number += 1;
        (spot, *number)
    })
}
