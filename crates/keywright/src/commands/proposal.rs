//! The configuration that would deliver a key to where it was found.

use std::fmt::Write as _;

use model::{Address, Instance, Integration, IntegrationRole, Period, SecretRef, Source};
use n8n::{BaseUrl, InsecureHttp};
use serde_json::json;

/// Text for `keywright.toml`. `places` are those that are not declared yet; nobody's key has no integration.
pub(super) fn text(of: Option<&Integration>, instances: &[Instance], places: &[&str]) -> String {
    let Some(of) = of else { return nobodys(instances, places) };
    if of.role == IntegrationRole::Root {
        return format!(
            "# it makes and kills keys of `{}`, and belongs nowhere: keywright rotate {} --compromised",
            of.instance, of.name
        );
    }
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
    let reference = |of: &Option<SecretRef>| of.as_ref().map(ToString::to_string);
    let (login, way) = (&instance.login, &instance.transport);
    let mut text = format!("[instance.{}]\nurl = {}\n", instance.name, json!(instance.url));
    if BaseUrl::parse(&instance.url, InsecureHttp::Refused).is_err() {
        text.push_str("dangerous_plain_http = true\n");
    }
    match &instance.admin_email {
        None => text.push_str("assisted = true\n"),
        Some(email) => text.push_str(&inline(
            "admin",
            [
                ("email", Some(email.clone())),
                ("password", reference(&login.password)),
                ("totp", reference(&login.totp)),
            ],
        )),
    }
    text.push_str(&inline(
        "tls",
        [
            ("ca", way.ca.clone()),
            ("client_certificate", way.client_certificate.clone()),
            ("client_key", reference(&way.client_key)),
        ],
    ));
    text.push_str(&inline(
        "proxy",
        [
            ("url", way.proxy.clone()),
            ("user", way.proxy_user.clone()),
            ("password", reference(&way.proxy_password)),
        ],
    ));
    text.push('\n');
    text
}

/// A table on one line, if there is anything in it.
fn inline(name: &str, settings: [(&str, Option<String>); 3]) -> String {
    let given = settings.into_iter().filter_map(|(key, value)| Some(format!("{key} = {}", json!(value?))));
    let given: Vec<String> = given.collect();
    if given.is_empty() { String::new() } else { format!("{name} = {{ {} }}\n", given.join(", ")) }
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

#[cfg(test)]
mod tests {
    use model::{Capabilities, KeyModel, LoginRefs, ScopeSupport, Timestamp, TransportRefs};

    use super::*;

    fn integration(role: IntegrationRole) -> Integration {
        Integration {
            name: "prod-root".parse().unwrap(),
            instance: "prod".parse().unwrap(),
            role,
            owner: Some("o\"ps".into()),
            scopes: Vec::new(),
            rotate_every: None,
            rotate_on: Some("0 3 * * 1".parse().unwrap()),
            grace: Period::days(1),
            expires_after: Some(Period::days(90)),
            destinations: vec!["file:/a".parse().unwrap()],
            reload: [("file:/a".parse().unwrap(), "systemd:a.service".parse().unwrap())].into(),
            silent_after: None,
            source: Source::Command,
            created_at: Timestamp::UNIX_EPOCH,
            retired_at: None,
        }
    }

    #[test]
    fn an_integration_is_proposed_as_it_is() {
        insta::assert_snapshot!(text(Some(&integration(IntegrationRole::Client)), &[], &["file:/b\\c"]), @r#"
        [integration.prod-root]
        instance = "prod"
        owner = "o\"ps"
        rotate_on = "0 3 * * 1"
        grace = "1d"
        expires_after = "90d"
        deliver = [
          { to = "file:/a", reload = "systemd:a.service" },
          "file:/b\\c",
        ]
        "#);
    }

    #[test]
    fn a_root_key_is_delivered_nowhere() {
        let told = text(Some(&integration(IntegrationRole::Root)), &[], &["file:/b"]);
        assert!(
            told.starts_with("# ") && told.ends_with("keywright rotate prod-root --compromised"),
            "{told}"
        );
        assert!(!told.contains('\n'), "{told}");
    }

    #[test]
    fn an_instance_is_proposed_as_it_was_connected() {
        let instance = Instance {
            name: "prod".parse().unwrap(),
            url: "http://n8n.example.com".into(),
            admin_email: Some("keys@example.com".into()),
            login: LoginRefs { password: None, totp: Some("env:TOTP".parse().unwrap()) },
            transport: TransportRefs {
                ca: Some("/etc/ca.pem".into()),
                proxy: Some("http://proxy.example.com:3128".into()),
                ..TransportRefs::default()
            },
            source: Source::Command,
            version: None,
            capabilities: Capabilities {
                keys: KeyModel::Many,
                scopes: ScopeSupport::Enforced,
                expiry: true,
                discover: true,
                available_scopes: Vec::new(),
            },
            connected_at: Timestamp::UNIX_EPOCH,
            learned_at: None,
            retired_at: None,
        };
        insta::assert_snapshot!(declared(&instance), @r#"
        [instance.prod]
        url = "http://n8n.example.com"
        dangerous_plain_http = true
        admin = { email = "keys@example.com", totp = "env:TOTP" }
        tls = { ca = "/etc/ca.pem" }
        proxy = { url = "http://proxy.example.com:3128" }
        "#);
        let by_hand = Instance { admin_email: None, ..instance };
        assert!(declared(&by_hand).contains("\nassisted = true\n") && !declared(&by_hand).contains("admin"));
    }
}
