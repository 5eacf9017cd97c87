//! Walks a parsed file: every value is taken by its setting, every fault is noted with its line, and reading goes on.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::Display;
use std::str::FromStr;

use toml::de::{DeTable, DeValue};

use super::nearest;
use super::rules;
use super::settings::{REQUIRED, Setting, Takes, of};

/// Longest accepted text.
pub(super) const MAX_TEXT_BYTES: usize = 4096;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
    /// From 1.
    pub(super) line: usize,
    /// The setting or section, such as `integration.backups.grace`.
    pub(super) setting: String,
    pub(super) problem: String,
    /// What is accepted.
    pub(super) form: String,
}

impl Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, setting, problem, form } = self;
        write!(f, "{line}: `{setting}` {problem}")?;
        if form.is_empty() { Ok(()) } else { write!(f, "; {form}") }
    }
}

/// The text, and what was found in it.
pub(super) struct Page {
    /// Where each line ends.
    ends: Vec<usize>,
    faults: RefCell<Vec<Fault>>,
    lines: RefCell<BTreeMap<String, usize>>,
    /// Whether something of the text could not be read.
    spoilt: Cell<bool>,
}

impl Page {
    pub(super) fn new(text: &str) -> Self {
        Self {
            ends: text.match_indices('\n').map(|(at, _)| at).collect(),
            faults: RefCell::default(),
            lines: RefCell::default(),
            spoilt: Cell::new(false),
        }
    }

    pub(super) fn line(&self, offset: usize) -> usize {
        self.ends.partition_point(|end| *end < offset) + 1
    }

    pub(super) fn fault(
        &self,
        line: usize,
        setting: impl Into<String>,
        problem: impl Into<String>,
        form: impl Into<String>,
    ) {
        let (setting, problem, form) = (setting.into(), problem.into(), form.into());
        self.faults.borrow_mut().push(Fault { line, setting, problem, form });
    }

    /// A fault for which a part of the text is not read.
    pub(super) fn spoilt(
        &self,
        line: usize,
        setting: impl Into<String>,
        problem: impl Into<String>,
        form: impl Into<String>,
    ) {
        self.spoilt.set(true);
        self.fault(line, setting, problem, form);
    }

    /// Whether nothing stands before a place in its line.
    pub(super) fn begins_line(&self, offset: usize, line: &str) -> bool {
        let at = self.ends.partition_point(|end| *end < offset);
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| end + 1);
        line.get(..offset - start).is_some_and(|before| before.trim().is_empty())
    }

    /// A fault because something is not there; not told where it may stand in what could not be read.
    pub(super) fn absence(
        &self,
        line: usize,
        setting: impl Into<String>,
        problem: impl Into<String>,
        form: impl Into<String>,
    ) {
        if !self.spoilt.get() {
            self.fault(line, setting, problem, form);
        }
    }

    /// All faults, by line, and where each setting stands.
    pub(super) fn close(self) -> (Vec<Fault>, BTreeMap<String, usize>) {
        let mut faults = self.faults.into_inner();
        faults.sort();
        faults.dedup();
        (faults, self.lines.into_inner())
    }
}

/// One table, and what may stand in it.
pub(super) struct Section<'a> {
    pub(super) page: &'a Page,
    /// As its settings name it, such as `integration.NAME`.
    pub(super) kind: &'static str,
    /// As the file names it, such as `integration.backups`; nothing at the top.
    pub(super) path: String,
    pub(super) line: usize,
    values: BTreeMap<&'a str, (&'a DeValue<'a>, usize)>,
}

impl<'a> Section<'a> {
    /// Opens a table; what is no setting of its kind is a fault.
    pub(super) fn open(
        page: &'a Page,
        kind: &'static str,
        path: String,
        line: usize,
        table: &'a DeTable<'a>,
    ) -> Self {
        let mut section = Self { page, kind, path, line, values: BTreeMap::new() };
        for (key, value) in table {
            let (name, line) = (key.get_ref().as_ref(), page.line(key.span().start));
            let path = section.at(&shown(name));
            if of(kind).any(|setting| setting.key == name) {
                page.lines.borrow_mut().insert(path, line);
                section.values.insert(name, (value.get_ref(), page.line(value.span().start)));
            } else {
                let near = nearest(name, of(kind).map(|setting| setting.key));
                let all = || of(kind).map(|setting| setting.key).collect::<Vec<_>>().join(", ");
                let near = near.map_or_else(
                    || format!("settings here are {}", all()),
                    |near| format!("did you mean `{near}`?"),
                );
                page.fault(line, path, "is not a setting", near);
            }
        }
        for setting in of(kind).filter(|setting| setting.default == REQUIRED) {
            if !section.values.contains_key(setting.key) {
                let form = format!("write {} = {}", setting.key, setting.form);
                page.absence(line, section.at(setting.key), "is missing", form);
            }
        }
        rules::check(&section);
        section
    }

    /// The whole name of a setting here.
    pub(super) fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// The line of a setting, or of its section.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.values.get(key).map_or(self.line, |(_, line)| *line)
    }

    /// A fault of a setting here, with the form that its description gives.
    pub(super) fn wrong(&self, key: &str, problem: impl Into<String>) {
        self.page.fault(self.line_of(key), self.at(key), problem, self.form(key));
    }

    /// The same, because something else is not there.
    pub(super) fn wants(&self, key: &str, problem: impl Into<String>) {
        self.page.absence(self.line_of(key), self.at(key), problem, self.form(key));
    }

    fn value(&self, key: &str) -> Option<(&'a DeValue<'a>, &'static Setting)> {
        let setting = of(self.kind).find(|setting| setting.key == key)?;
        self.values.get(key).map(|(value, _)| (*value, setting))
    }

    fn wrong_type(&self, key: &str, value: &DeValue<'_>, wants: &str) {
        self.wrong(key, format!("is {}, and wants {wants}", kind_of(value)));
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        let (value, setting) = self.value(key)?;
        let Some(text) = value.as_str() else {
            let wants = match setting.takes {
                Takes::Reference => "a text that says where the secret is",
                Takes::Period => "a length of time as a text",
                _ => "a text",
            };
            self.wrong_type(key, value, wants);
            return None;
        };
        match fault_in(text) {
            None => Some(text),
            Some(fault) => {
                self.wrong(key, fault);
                None
            }
        }
    }

    /// A text that means something to its type, whose refusal says what is accepted.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, key: &str) -> Option<T> {
        let text = self.text(key)?;
        match text.parse() {
            Ok(parsed) => Some(parsed),
            Err(refused) => {
                let problem = format!("means nothing: {refused}");
                self.page.fault(self.line_of(key), self.at(key), problem, self.form(key));
                None
            }
        }
    }

    pub(super) fn form(&self, key: &str) -> String {
        let form = of(self.kind).find(|setting| setting.key == key);
        form.map(|setting| format!("write {key} = {}", setting.form)).unwrap_or_default()
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        let Some((value, _)) = self.value(key) else { return false };
        value.as_bool().unwrap_or_else(|| {
            self.wrong_type(key, value, "true or false");
            false
        })
    }

    pub(super) fn number(&self, key: &str) -> Option<usize> {
        let (value, setting) = self.value(key)?;
        let Takes::Number(most) = setting.takes else { return None };
        let Some(integer) = value.as_integer() else {
            self.wrong_type(key, value, "a whole number");
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let fits = number.filter(|number| (1..=most).contains(number));
        if fits.is_none() {
            self.wrong(key, format!("is not from 1 to {most}"));
        }
        fits.and_then(|number| usize::try_from(number).ok())
    }

    /// The texts of a list, each with its line.
    pub(super) fn texts(&self, key: &str) -> Vec<(&'a str, usize)> {
        let Some((value, _)) = self.value(key) else { return Vec::new() };
        let Some(array) = value.as_array() else {
            self.wrong_type(key, value, "a list of texts");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in array {
            let line = self.page.line(item.span().start);
            let Some(text) = item.get_ref().as_str() else {
                let problem = format!("holds {}, and wants texts only", kind_of(item.get_ref()));
                self.page.fault(line, self.at(key), problem, self.form(key));
                continue;
            };
            match fault_in(text) {
                None => texts.push((text, line)),
                Some(fault) => self.page.fault(line, self.at(key), fault, self.form(key)),
            }
        }
        texts
    }

    /// The texts of a list that mean something to their type, each with its line.
    pub(super) fn each<T: FromStr<Err: Display>>(&self, key: &str) -> Vec<(T, usize)> {
        let mut parsed = Vec::new();
        for (text, line) in self.texts(key) {
            match text.parse() {
                Ok(one) => parsed.push((one, line)),
                Err(refused) => {
                    let problem = format!("holds what means nothing: {refused}");
                    self.page.fault(line, self.at(key), problem, self.form(key));
                }
            }
        }
        parsed
    }

    /// Each once; what is there twice is a fault.
    pub(super) fn distinct<T: Display>(&self, key: &str, all: Vec<(T, usize)>) -> Vec<T> {
        let mut lines: BTreeMap<String, usize> = BTreeMap::new();
        let mut distinct = Vec::new();
        for (one, line) in all {
            match lines.entry(one.to_string()) {
                Entry::Occupied(first) => {
                    let problem = format!("holds `{one}` twice, first in line {}", first.get());
                    self.page.fault(line, self.at(key), problem, "write it once");
                }
                Entry::Vacant(first) => {
                    first.insert(line);
                    distinct.push(one);
                }
            }
        }
        distinct
    }

    /// A table in this one.
    pub(super) fn section(&self, key: &str, kind: &'static str) -> Option<Self> {
        let (value, _) = self.value(key)?;
        let Some(table) = value.as_table() else {
            self.wrong_type(key, value, "a table");
            return None;
        };
        Some(Self::open(self.page, kind, self.at(key), self.line_of(key), table))
    }

    /// The names of the tables in a table of this one, as far as they are names.
    pub(super) fn names<T: FromStr>(&self, key: &str) -> Vec<T> {
        let table = self.value(key).and_then(|(value, _)| value.as_table());
        table.into_iter().flatten().filter_map(|(name, _)| name.get_ref().parse().ok()).collect()
    }

    /// The tables in this one whose names people give, and whose settings are described elsewhere.
    pub(super) fn tables(&self, key: &str) -> Vec<Table<'a>> {
        self.each_table(key)
            .into_iter()
            .map(|(name, path, line, values)| Table { page: self.page, name, path, line, values })
            .collect()
    }

    /// The tables in this one whose names people give.
    pub(super) fn named<T: FromStr<Err: Display>>(&self, key: &str, kind: &'static str) -> Vec<(T, Self)> {
        let mut sections = Vec::new();
        for (name, path, line, inner) in self.each_table(key) {
            let parsed: Result<T, _> = name.parse();
            if let Err(refused) = &parsed {
                let form = format!("write [{key}.NAME]");
                self.page.fault(line, path.clone(), format!("has no name: {refused}"), form);
            }
            let section = Self::open(self.page, kind, path, line, inner);
            sections.extend(parsed.ok().map(|name| (name, section)));
        }
        sections
    }

    /// Name, path, line and content of each table in a table.
    fn each_table(&self, key: &str) -> Vec<(&'a str, String, usize, &'a DeTable<'a>)> {
        let Some((value, _)) = self.value(key) else { return Vec::new() };
        let Some(table) = value.as_table() else {
            self.wrong_type(key, value, "a table of tables");
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (name, value) in table {
            let line = self.page.line(name.span().start);
            let path = format!("{key}.{}", shown(name.get_ref()));
            let Some(inner) = value.get_ref().as_table() else {
                let problem = format!("is {}, and wants a table", kind_of(value.get_ref()));
                self.page.fault(line, path, problem, format!("write [{key}.NAME]"));
                continue;
            };
            self.page.lines.borrow_mut().insert(path.clone(), line);
            tables.push((name.get_ref().as_ref(), path, line, inner));
        }
        tables
    }

    /// The items of a list, each a text or a table of that kind, with its line.
    pub(super) fn texts_or_tables(&self, key: &str, kind: &'static str) -> Vec<(TextOrTable<'a>, usize)> {
        let Some((value, _)) = self.value(key) else { return Vec::new() };
        let Some(array) = value.as_array() else {
            self.wrong_type(key, value, "a list");
            return Vec::new();
        };
        let mut items = Vec::new();
        for item in array {
            let line = self.page.line(item.span().start);
            match item.get_ref() {
                DeValue::String(text) => match fault_in(text) {
                    None => items.push((TextOrTable::Text(text.as_ref()), line)),
                    Some(fault) => self.page.fault(line, self.at(key), fault, self.form(key)),
                },
                DeValue::Table(table) => {
                    let section = Self::open(self.page, kind, self.at(key), line, table);
                    items.push((TextOrTable::Table(section), line));
                }
                other => {
                    let problem = format!("holds {}, and wants texts and tables only", kind_of(other));
                    self.page.fault(line, self.at(key), problem, self.form(key));
                }
            }
        }
        items
    }
}

/// An item of a list.
pub(super) enum TextOrTable<'a> {
    Text(&'a str),
    Table(Section<'a>),
}

/// A table whose settings are described elsewhere.
pub(super) struct Table<'a> {
    page: &'a Page,
    pub(super) name: &'a str,
    path: String,
    line: usize,
    values: &'a DeTable<'a>,
}

impl<'a> Table<'a> {
    /// A fault of a setting; of the whole table, if it has no name.
    pub(super) fn fault(&self, key: &str, problem: &str, form: &str) {
        let value = self.values.iter().find(|(name, _)| shown(name.get_ref()) == key);
        let line = value.map_or(self.line, |(_, value)| self.page.line(value.span().start));
        let path = if key.is_empty() { self.path.clone() } else { format!("{}.{key}", self.path) };
        self.page.fault(line, path, problem, form);
    }

    /// Every setting as text; `None` where it is none, which is told with the form that is accepted.
    pub(super) fn texts(&self, form: impl Fn(&str) -> String) -> Vec<(&'a str, Option<String>)> {
        let text = |(name, value): (
            &'a toml::Spanned<std::borrow::Cow<'a, str>>,
            &'a toml::Spanned<DeValue<'a>>,
        )| {
            let name = name.get_ref().as_ref();
            let text = match value.get_ref() {
                DeValue::String(text) => match fault_in(text) {
                    None => Some(text.to_string()),
                    Some(fault) => {
                        self.fault(&shown(name), fault, &form(name));
                        None
                    }
                },
                DeValue::Boolean(flag) => Some(flag.to_string()),
                other => {
                    self.fault(
                        &shown(name),
                        &format!("is {}, and wants a text", kind_of(other)),
                        &form(name),
                    );
                    None
                }
            };
            (name, text)
        };
        self.values.iter().map(text).collect()
    }
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn fault_in(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        Some("is empty")
    } else if text.len() > MAX_TEXT_BYTES {
        Some("is too long")
    } else if text.chars().any(char::is_control) {
        Some("has a control character")
    } else {
        None
    }
}

/// A name that somebody gave, fit for a terminal.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(60).flat_map(char::escape_default).collect()
}
