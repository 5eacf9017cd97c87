//! `[service.NAME]`: where destinations lie that are no files. Its settings are its kind's own; they are described where the
//! kind is.

use std::collections::BTreeMap;
use std::path::Path;

use destinations::{Form, ServiceConfig, ServiceKind, service_kinds};
use model::SecretRef;

use super::read::{Section, Table, shown};

/// All of them, and the names of those that have a fault.
pub(super) fn read(top: &Section<'_>, folder: &Path) -> (Vec<ServiceConfig>, Vec<String>) {
    let (mut services, mut faulty) = (Vec::new(), Vec::new());
    for table in top.tables("service") {
        match one(&table, folder) {
            Some(service) => services.push(service),
            None => faulty.push(table.name.to_owned()),
        }
    }
    (services, faulty)
}

fn one(table: &Table<'_>, folder: &Path) -> Option<ServiceConfig> {
    let name = table.name;
    let sound = (1..=40).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !sound {
        let form = "small letters, digits and `-`: addresses start with it";
        table.fault("", "has no name that an address can start with", form);
    }
    let mut values = BTreeMap::new();
    let (mut kind, mut whole) = (None, sound);
    for (key, value) in table.texts(form) {
        match value {
            Some(text) if key == "kind" => kind = Some(text),
            Some(text) => drop(values.insert(key.to_owned(), text)),
            None => whole = false,
        }
    }
    let found = kind.as_deref().unwrap_or(name);
    if let Some(known) = service_kinds().iter().find(|known| known.name == found) {
        for setting in known.all_settings() {
            if let Some(value) = values.get_mut(setting.name) {
                *value = resolved(setting.form, value, folder);
            }
        }
    }
    match ServiceConfig::new(name, kind.as_deref(), values) {
        Ok(service) => whole.then_some(service),
        Err(faults) => {
            for fault in faults {
                table.fault(&shown(&fault.setting), &fault.problem, &fault.form);
            }
            None
        }
    }
}

/// What a setting of that name takes, whatever the kind.
fn form(name: &str) -> String {
    let mut settings = service_kinds().iter().flat_map(ServiceKind::all_settings);
    let found = settings.find(|setting| setting.name == name);
    found.map(|setting| format!("such as {}", setting.example)).unwrap_or_default()
}

/// A file's path begins at the configuration's folder.
fn resolved(form: Form, value: &str, folder: &Path) -> String {
    let within = |path: &str| folder.join(path).display().to_string();
    match (form, value.parse()) {
        (Form::File, _) => within(value),
        (Form::Secret, Ok(SecretRef::File(path))) => SecretRef::File(within(&path)).to_string(),
        _ => value.to_owned(),
    }
}
