//! Every hiding place in a file, one page for each family.
mod archives;
mod encoded;
mod escaped;
mod images;
mod mail;
mod others;
mod plain;
mod repositories;
mod source;
mod split;
mod sqlite;
mod traces;

use encoded::base64_lines;

use crate::hiding::Hiding;

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Hiding> {
    [
        plain::HIDINGS,
        source::HIDINGS,
        traces::HIDINGS,
        split::HIDINGS,
        encoded::HIDINGS,
        escaped::HIDINGS,
        archives::HIDINGS,
        images::HIDINGS,
        mail::HIDINGS,
        sqlite::HIDINGS,
        repositories::HIDINGS,
        others::HIDINGS,
    ]
    .into_iter()
    .flatten()
}
