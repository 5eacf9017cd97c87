//! What has no place of its own: standard input, the body of a request.

use std::io::Read;

use crate::{Contents, Limits, Report, Seen, Source, Unread, Why};

/// Reads a stream to its end; `name` stands for it in the report, such as `-`.
pub fn stream(name: &str, reader: &mut dyn Read, contents: &Contents, limits: &Limits, report: &mut Report) {
    let mut seen = Seen::default();
    if let Err(error) = contents.stream(reader, &mut seen) {
        report.pass_by(Unread { what: name.into(), why: Why::System(error.to_string()) }, limits);
    }
    report.note_all(&Source::Stream(name.to_owned()), name.as_bytes(), seen, limits);
}
