//! A service as it is declared.

use std::{collections::BTreeMap, sync::Arc};

use model::{Period, Secret, SecretRef};
use url::Url;

use super::{
    Form, Nowhere, Outside, ServiceKind, Settings,
    kinds::{find, service_kinds},
};

/// One `[service.NAME]`, checked.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    name: String,
    kind: &'static ServiceKind,
    settings: Settings,
}

/// What is wrong with a declaration. A value that may be a secret is not quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFault {
    /// The setting; empty for the whole section.
    pub setting: String,
    /// What is wrong, in words that follow its name.
    pub problem: String,
    /// What is accepted.
    pub form: String,
}

impl ServiceConfig {
    /// Checks a declaration; `kind` may be left out where the name is one. All faults are told at once.
    pub fn new(
        name: &str,
        kind: Option<&str>,
        values: BTreeMap<String, String>,
    ) -> Result<Self, Vec<SettingFault>> {
        if crate::kinds::kinds().iter().any(|local| local.name == name) {
            return Err(vec![fault("", "has the name of a kind of destination", "give it another name")]);
        }
        if let (Some(named), Some(kind)) = (find(name), kind)
            && named.name != kind
        {
            let form = format!("give it another name, or leave `kind` out: `{name}` is a kind itself");
            return Err(vec![fault("kind", "is not the kind that its section is named after", form)]);
        }
        let Some(found) = find(kind.unwrap_or(name)) else {
            let names = service_kinds().iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
            let problem = if kind.is_some() { "is none that there is" } else { "is missing" };
            return Err(vec![fault("kind", problem, format!("kinds are {names}"))]);
        };
        let faults = faults(found, &values);
        if !faults.is_empty() {
            return Err(faults);
        }
        let config = Self { name: name.to_owned(), kind: found, settings: Settings(values) };
        // What a kind itself refuses. Opening it touches nothing.
        let nowhere: Arc<dyn Outside> = Arc::new(Nowhere);
        match (found.open)(&config, &nowhere) {
            Ok(_) => Ok(config),
            Err(failure) => {
                let problem = format!("cannot be used: {}", failure.report.because.join(": "));
                Err(vec![fault("", problem, failure.report.mend.join("; "))])
            }
        }
    }

    /// A kind as the environment alone has it.
    pub(super) fn undeclared(kind: &'static ServiceKind) -> Self {
        Self { name: kind.name.to_owned(), kind, settings: Settings::default() }
    }

    /// The same, with what the environment says of a setting that is not given.
    pub(crate) fn or_environment(mut self, outside: &dyn Outside, setting: &str) -> Self {
        if let Some((_, value)) = self.said_by(outside, setting) {
            self.settings.0.entry(setting.to_owned()).or_insert_with(|| value.expose().to_owned());
        }
        self
    }

    /// The variables that stand in for a setting, the first one first.
    pub(crate) fn variables(&self, setting: &str) -> impl DoubleEndedIterator<Item = &'static str> {
        self.kind.environment.iter().filter(move |(_, of)| *of == setting).map(|(name, _)| *name)
    }

    /// The first of them that is set, and what it holds.
    pub(crate) fn said_by(&self, outside: &dyn Outside, setting: &str) -> Option<(&'static str, Secret)> {
        self.variables(setting).find_map(|name| Some((name, outside.variable(name)?)))
    }

    /// What addresses start with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its kind.
    pub fn kind(&self) -> &'static ServiceKind {
        self.kind
    }

    /// What was given.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// For messages, such as ``Vault `corp` ``.
    pub(crate) fn label(&self) -> String {
        if self.name == self.kind.name {
            self.kind.title.to_owned()
        } else {
            format!("{} `{}`", self.kind.title, self.name)
        }
    }
}

fn fault(setting: &str, problem: impl Into<String>, form: impl Into<String>) -> SettingFault {
    SettingFault { setting: setting.to_owned(), problem: problem.into(), form: form.into() }
}

fn faults(kind: &ServiceKind, values: &BTreeMap<String, String>) -> Vec<SettingFault> {
    let mut faults = Vec::new();
    let plain_http = values.get("dangerous_plain_http").is_some_and(|value| value == "true");
    for (name, value) in values {
        let Some(setting) = kind.all_settings().find(|setting| setting.name == name) else {
            faults.push(fault(name, format!("is not a setting of `{}`", kind.name), nearest(kind, name)));
            continue;
        };
        faults.extend(misfit(setting.form, value, plain_http).map(|(problem, form)| {
            let form = if form.is_empty() { format!("such as {}", setting.example) } else { form };
            fault(name, problem, form)
        }));
    }
    for set in kind.all_sets() {
        let (given, missing): (Vec<&str>, Vec<&str>) =
            set.iter().partition(|name| values.contains_key(**name));
        if let ([first, ..], [_, ..]) = (given.as_slice(), missing.as_slice()) {
            let problem = format!("stands without `{}`", missing.join("`, `"));
            faults.push(fault(first, problem, "they are given together, or not at all"));
        }
    }
    if values.contains_key("proxy_user") && !values.contains_key("proxy") {
        faults.push(fault("proxy_user", "stands without `proxy`", "give the proxy that it is for"));
    }
    for ways in kind.either {
        // Settings of one way may stand together; those of two ways may not.
        let given: Vec<&str> = ways
            .iter()
            .filter_map(|way| way.iter().find(|name| values.contains_key(**name)).copied())
            .collect();
        if let [first, second, ..] = given.as_slice() {
            faults.push(fault(second, format!("stands beside `{first}`"), "give one of them"));
        }
    }
    faults
}

/// The setting that is nearest to a name, or all there are.
fn nearest(kind: &ServiceKind, name: &str) -> String {
    let near = kind
        .all_settings()
        .map(|setting| (strsim::damerau_levenshtein(setting.name, name), setting.name))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    if let Some((_, near)) = near {
        return format!("did you mean `{near}`?");
    }
    let all: Vec<&str> = kind.all_settings().map(|setting| setting.name).collect();
    format!("settings here are {}", all.join(", "))
}

/// What is wrong with a value, and what is accepted.
fn misfit(form: Form, value: &str, plain_http: bool) -> Option<(String, String)> {
    if value.is_empty() || value.chars().any(char::is_control) {
        return Some(("is empty, or has control characters in it".to_owned(), String::new()));
    }
    let none = String::new;
    match form {
        Form::Text | Form::File => None,
        Form::Secret => {
            value.parse::<SecretRef>().err().map(|error| ("is no reference".to_owned(), error.to_string()))
        }
        Form::Url => url_fault(value, plain_http).map(|problem| (problem.to_owned(), none())),
        Form::Flag => {
            (!matches!(value, "true" | "false")).then(|| ("is neither true nor false".to_owned(), none()))
        }
        Form::OneOf(words) => {
            (!words.contains(&value)).then(|| ("is none that there is".to_owned(), words.join(", ")))
        }
        Form::Period => value
            .parse::<Period>()
            .ok()
            .filter(|period| *period != Period::ZERO)
            .map_or_else(|| Some(("is no length of time".to_owned(), none())), |_| None),
    }
}

/// What is wrong with the address of a service; it is not quoted, as there may be a password in it.
pub(crate) fn url_fault(text: &str, plain_http: bool) -> Option<&'static str> {
    let Ok(url) = Url::parse(text) else { return Some("is not a URL") };
    if !url.username().is_empty() || url.password().is_some() {
        return Some("holds a user name or password; URLs end up in logs");
    }
    if url.query().is_some() || url.fragment().is_some() || url.host_str().is_none_or(str::is_empty) {
        return Some("is more than scheme, host, port and path, or less");
    }
    match url.scheme() {
        "https" => None,
        "http" if is_here(&url) || plain_http => None,
        "http" => Some("sends secrets in the clear; write https, or set `dangerous_plain_http`"),
        _ => Some("is neither https nor http"),
    }
}

/// Whether an address is this machine's by its text alone.
pub(crate) fn is_here(url: &Url) -> bool {
    match url.host() {
        // Names below it are asked of DNS by plain resolvers.
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_travel_in_the_clear_on_this_machine_alone() {
        for here in ["localhost:8200", "LOCALHOST", "127.0.0.9", "[::1]:8200", "127.1"] {
            assert_eq!(url_fault(&format!("http://{here}/"), false), None, "{here}");
        }
        for elsewhere in ["vault.localhost", "localhost.example", "10.0.0.1", "[::2]", "127.0.0.1.example"] {
            let url = format!("http://{elsewhere}/");
            assert!(url_fault(&url, false).is_some_and(|fault| fault.contains("in the clear")), "{url}");
            assert_eq!(url_fault(&url, true), None, "{url}");
        }
    }
}
