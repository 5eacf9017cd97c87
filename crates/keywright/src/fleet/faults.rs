//! Wishes that cannot be fulfilled, told with the line that makes them.

use model::Report;

use crate::error::operator;

/// A wish that cannot be fulfilled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    /// The setting, such as `integration.backups.scopes`.
    pub(crate) setting: String,
    pub(crate) report: Report,
}

/// All of them in one report; `None` if there is none.
pub(crate) fn fault_report(
    faults: &[Fault],
    file: &str,
    line_of: impl Fn(&str) -> Option<usize>,
) -> Option<Report> {
    if faults.is_empty() {
        return None;
    }
    let mut report = operator(format!("`{file}` asks for what cannot be"));
    for fault in faults {
        let place = line_of(&fault.setting).map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"));
        report = report.because(format!("{place}: {}: {}", fault.setting, fault.report.line()));
        let new = fault.report.mend.iter().filter(|mend| !report.mend.contains(mend)).cloned();
        let new: Vec<String> = new.collect();
        report.mend.extend(new);
    }
    Some(report)
}
