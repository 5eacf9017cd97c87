//! The text format of Prometheus, version 0.0.4.

use std::fmt::Write as _;

use model::Timestamp;

/// What a number means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Type {
    Gauge,
    Counter,
}

/// A page of metrics, written one metric after the other.
#[derive(Default)]
pub(crate) struct Page(String);

/// One metric: its samples follow.
pub(crate) struct Metric<'a> {
    page: &'a mut String,
    name: &'static str,
}

impl Page {
    pub(crate) fn gauge(&mut self, name: &'static str, help: &str) -> Metric<'_> {
        self.metric(name, Type::Gauge, help)
    }

    pub(crate) fn counter(&mut self, name: &'static str, help: &str) -> Metric<'_> {
        self.metric(name, Type::Counter, help)
    }

    fn metric(&mut self, name: &'static str, kind: Type, help: &str) -> Metric<'_> {
        let kind = match kind {
            Type::Gauge => "gauge",
            Type::Counter => "counter",
        };
        // Writing to a text cannot fail.
        write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n").ok();
        Metric { page: &mut self.0, name }
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

impl Metric<'_> {
    /// One sample.
    pub(crate) fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.page.push_str(self.name);
        for (index, (name, value)) in labels.iter().enumerate() {
            self.page.push_str(if index == 0 { "{" } else { "," });
            write!(self.page, "{name}=\"{}\"", escaped(value)).ok();
        }
        if !labels.is_empty() {
            self.page.push('}');
        }
        let value = if value.is_finite() { value.to_string() } else { "NaN".to_owned() };
        writeln!(self.page, " {value}").ok();
    }

    /// One sample, if there is a value.
    pub(crate) fn maybe(&mut self, labels: &[(&str, &str)], value: Option<f64>) {
        if let Some(value) = value {
            self.sample(labels, value);
        }
    }
}

/// Seconds since 1970.
pub(crate) fn unix(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

/// Counts are exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no count comes near 2^53")]
pub(crate) fn count(value: u64) -> f64 {
    value as f64
}

/// One or nothing.
pub(crate) fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '"' => escaped.push_str("\\\""),
            '\n' => escaped.push_str("\\n"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_numbers_plain() {
        let mut page = Page::default();
        let mut metric = page.gauge("a", "An a.");
        metric.sample(&[("x", "q\"b\\n\n"), ("y", "ü")], 1_700_000_000.0);
        metric.sample(&[], 0.5);
        metric.sample(&[], f64::INFINITY);
        metric.maybe(&[], None);
        let text =
            "# HELP a An a.\n# TYPE a gauge\na{x=\"q\\\"b\\\\n\\n\",y=\"ü\"} 1700000000\na 0.5\na NaN\n";
        assert_eq!(page.into_text(), text);
    }
}
