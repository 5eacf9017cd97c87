//! Repositories made with git, whole ones and broken ones.

mod broken;
mod damaged;
#[expect(
    clippy::cast_possible_truncation,
    reason = "packs made here are short, and bytes are cut out of sizes"
)]
mod forge;
mod stand;
mod whole;
