//! The configuration that would deliver a key to where it was found.

use std::fmt::Write as _;

use model::{Address, Instance, Integration, Period, Source};
use serde_json::json;

/// Text for `keywright.toml`. `places` are those that are not declared yet; nobody's key has no integration.
pub(super) fn text(of: Option<&Integration>, instances: &[Instance], places: &[&str]) -> String {
    let Some(of) = of else { return nobodys(instances, places) };
    let mut deliver: Vec<String> = of.destinations.iter().map(|to| delivery(of, to)).collect();
    deliver.extend(places.iter().map(quoted));
    let deliver = list(&deliver);
    if of.source == Source::Configuration {
        return format!("# in [integration.{}], instead of the `deliver` there:\n{deliver}", of.name);
    }
    let instance = instances.iter().find(|one| one.name == of.instance);
    let instance = instance.filter(|one| one.source == Source::Command).map(declared).unwrap_or_default();
    format!("{instance}{}{deliver}", record(of))
}

/// A key of which nothing is known.
fn nobodys(instances: &[Instance], places: &[&str]) -> String {
    let several = instances.iter().filter(|one| one.retired_at.is_none()).count() > 1;
    let instance = if several { "instance = \"prod\"   # where its key lives\n" } else { "" };
    let places: Vec<String> = places.iter().map(quoted).collect();
    format!(
        "# first: keywright key adopt found --help   # or the key that lies there stays alive\n\
         [integration.found]   # give it a better name\n{instance}\
         scopes = [\"workflow:list\"]   # what it needs\n{}",
        list(&places)
    )
}

/// What a command declared, as the file would.
fn declared(instance: &Instance) -> String {
    let mut text = format!("[instance.{}]\nurl = {}\n", instance.name, json!(instance.url));
    let admin = match &instance.admin_email {
        None => "assisted = true\n".to_owned(),
        Some(email) => {
            let password = instance.login.password.as_ref().map(ToString::to_string);
            let password = password.map(|at| format!(", password = {}", json!(at))).unwrap_or_default();
            let totp = instance.login.totp.as_ref().map(ToString::to_string);
            let totp = totp.map(|at| format!(", totp = {}", json!(at))).unwrap_or_default();
            format!("admin = {{ email = {}{password}{totp} }}\n", json!(email))
        }
    };
    text.push_str(&admin);
    if instance.transport != model::TransportRefs::default() {
        text.push_str("# and how it is reached: `tls` and `proxy`, as `keywright connect` was told\n");
    }
    text.push('\n');
    text
}

fn record(of: &Integration) -> String {
    let mut text = format!("[integration.{}]\ninstance = {}\n", of.name, json!(of.instance));
    let period = |of: Option<Period>| of.map(|period| period.to_string());
    let settings = [
        ("owner", of.owner.clone()),
        ("rotate_every", period(of.rotate_every)),
        ("rotate_on", of.rotate_on.clone().map(String::from)),
        ("grace", Some(of.grace.to_string())),
        ("expires_after", Some(period(of.expires_after).unwrap_or_else(|| "never".into()))),
        ("silent_after", period(of.silent_after)),
    ];
    for (name, value) in settings {
        let Some(value) = value else { continue };
        writeln!(text, "{name} = {}", json!(value)).unwrap_or_default();
    }
    if !of.scopes.is_empty() {
        writeln!(text, "scopes = {}", json!(of.scopes)).unwrap_or_default();
    }
    text
}

fn delivery(of: &Integration, to: &Address) -> String {
    match of.reload.get(to) {
        None => quoted(&to),
        Some(hook) => format!("{{ to = {}, reload = {} }}", quoted(&to), quoted(&hook)),
    }
}

fn quoted(text: &impl ToString) -> String {
    json!(text.to_string()).to_string()
}

fn list(items: &[String]) -> String {
    format!("deliver = [\n  {},\n]", items.join(",\n  "))
}
