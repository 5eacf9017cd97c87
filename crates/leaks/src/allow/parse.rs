//! Reads the text of an allowlist, and tells all its faults at once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use globset::{Glob, GlobBuilder};
use model::{Fingerprint, SignedDuration, Timestamp};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{AllowError, AllowFault, AllowLine, Allowlist, Reach};
use crate::show::text;

const FIELDS: &str = "`fingerprint`, `reason`, `until`, `path` and `by`";
const MAX_FAULTS: usize = 50;
const MAX_REASON_CHARS: usize = 500;
const MAX_PATH_BYTES: usize = 1_000;

impl Allowlist {
    /// Reads a text; `file` is what it is called in reports.
    pub fn parse(text: &str, file: &Path, reach: Reach) -> Result<Self, AllowError> {
        let mut reading = Reading { text, faults: Vec::new(), lines: BTreeMap::new() };
        reading.whole();
        reading.faults.sort_by_key(|fault| fault.line);
        reading.faults.truncate(MAX_FAULTS);
        if reading.faults.is_empty() {
            Ok(Self { file: file.to_owned(), reach, lines: reading.lines })
        } else {
            Err(AllowError { file: file.to_owned(), faults: reading.faults })
        }
    }
}

struct Reading<'a> {
    text: &'a str,
    faults: Vec<AllowFault>,
    lines: BTreeMap<Fingerprint, Arc<AllowLine>>,
}

impl Reading<'_> {
    fn whole(&mut self) {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let at = error.span().unwrap_or_default();
            self.fault(&at, format!("it is no TOML: {}", text(error.message().as_bytes(), 200)), EXAMPLE);
        }
        if !errors.is_empty() {
            return;
        }
        for (key, value) in table.get_ref() {
            match value.get_ref() {
                DeValue::Array(entries) if key.get_ref() == "allow" => {
                    for entry in entries {
                        self.entry(entry);
                    }
                }
                _ if key.get_ref() == "allow" => {
                    self.fault(&key.span(), "`allow` is no list of tables".to_owned(), EXAMPLE);
                }
                _ => self.unknown(key, "there is nothing but `[[allow]]`"),
            }
        }
    }

    fn entry(&mut self, entry: &Spanned<DeValue<'_>>) {
        let DeValue::Table(table) = entry.get_ref() else {
            return self.fault(&entry.span(), "this entry is no table".to_owned(), EXAMPLE);
        };
        let before = self.faults.len();
        for (key, _) in table {
            if !["fingerprint", "reason", "until", "path", "by"].contains(&key.get_ref().as_ref()) {
                self.unknown(key, &format!("an entry has {FIELDS}"));
            }
        }
        let fingerprint = self.fingerprint(table, entry);
        let reason = self.words(table, "reason");
        if reason.is_none() && !table.contains_key("reason") {
            self.fault(
                &entry.span(),
                "it has no `reason`".to_owned(),
                "say why it may be there: `reason = \"…\"`",
            );
        }
        let by = self.words(table, "by");
        let until = self.until(table);
        let path = self.path(table);
        let (Some((fingerprint, at)), Some(reason)) = (fingerprint, reason) else { return };
        if before < self.faults.len() {
            return;
        }
        let line = self.line_of(&entry.span());
        let entry = AllowLine { line, fingerprint, reason, by, until, path };
        if let Some(first) = self.lines.get(&fingerprint) {
            let what = format!("line {} has the same fingerprint", first.line);
            self.fault(&at, what, "leave one; a `path` may name several: `{docs,examples}/**`");
        } else {
            self.lines.insert(fingerprint, Arc::new(entry));
        }
    }

    fn fingerprint(
        &mut self,
        table: &DeTable<'_>,
        entry: &Spanned<DeValue<'_>>,
    ) -> Option<(Fingerprint, Range<usize>)> {
        let Some(value) = table.get("fingerprint") else {
            self.fault(
                &entry.span(),
                "it has no `fingerprint`".to_owned(),
                "take the 64 hex digits of the report",
            );
            return None;
        };
        let found = value.get_ref().as_str().and_then(|digits| digits.parse().ok());
        if found.is_none() {
            let mend = "take the 64 hex digits of the report; never the key itself";
            self.fault(&value.span(), "`fingerprint` is not 64 hex digits".to_owned(), mend);
        }
        found.map(|fingerprint| (fingerprint, value.span()))
    }

    fn words(&mut self, table: &DeTable<'_>, name: &str) -> Option<String> {
        let value = table.get(name)?;
        let words = value.get_ref().as_str().map(str::trim).filter(|words| !words.is_empty());
        let words = words.filter(|words| words.chars().count() <= MAX_REASON_CHARS);
        if words.is_none() {
            let mend = format!("write 1 to {MAX_REASON_CHARS} characters: `{name} = \"…\"`");
            self.fault(&value.span(), format!("`{name}` is empty, too long, or no text"), &mend);
        }
        words.map(str::to_owned)
    }

    fn until(&mut self, table: &DeTable<'_>) -> Option<Timestamp> {
        let value = table.get("until")?;
        let end = match value.get_ref() {
            DeValue::Datetime(when) if when.time.is_none() && when.offset.is_none() => when.date,
            _ => None,
        };
        let end = end.and_then(|day| format!("{day}T00:00:00Z").parse::<Timestamp>().ok());
        let end = end.and_then(|day| day.checked_add(SignedDuration::from_hours(24)).ok());
        if end.is_none() {
            self.fault(
                &value.span(),
                "`until` is no day".to_owned(),
                "write a day, unquoted: `until = 2027-01-31`",
            );
        }
        end
    }

    fn path(&mut self, table: &DeTable<'_>) -> Option<Glob> {
        let value = table.get("path")?;
        let glob = value.get_ref().as_str().filter(|path| {
            let is_inside = !path.starts_with('/') && path.split('/').all(|part| part != ".." && part != ".");
            !path.is_empty() && path.len() <= MAX_PATH_BYTES && is_inside
        });
        let glob = glob.and_then(|path| GlobBuilder::new(path).literal_separator(true).build().ok());
        if glob.is_none() {
            let mend = "write it from the root down, without `..`: `path = \"docs/**\"`";
            self.fault(&value.span(), "`path` is no pattern".to_owned(), mend);
        }
        glob
    }

    fn unknown(&mut self, key: &Spanned<std::borrow::Cow<'_, str>>, mend: &str) {
        let what = format!("there is no field `{}`", text(key.get_ref().as_bytes(), 40));
        self.fault(&key.span(), what, mend);
    }

    fn fault(&mut self, at: &Range<usize>, what: String, mend: &str) {
        if self.faults.len() < MAX_FAULTS {
            let line = self.line_of(at);
            self.faults.push(AllowFault { line, what, mend: mend.to_owned() });
        }
    }

    fn line_of(&self, at: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..at.start).unwrap_or(self.text.as_bytes());
        1 + memchr::memchr_iter(b'\n', before).count()
    }
}

const EXAMPLE: &str = "write a table for each: `[[allow]]`, `fingerprint = \"…\"`, `reason = \"…\"`";
