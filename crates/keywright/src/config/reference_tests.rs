//! The settings' reference and schema are made from their descriptions.

use std::fmt::Write as _;
use std::path::Path;

use super::schema::schema;
use super::settings::{REQUIRED, SECTIONS, SETTINGS, Takes, of};

const BLESS: &str = "KEYWRIGHT_BLESS=1 cargo nextest run -p keywright --lib settings_reference";

fn takes(takes: Takes) -> &'static str {
    match takes {
        Takes::Text => "text",
        Takes::Reference => "where a secret is",
        Takes::Period => "length of time",
        Takes::Number(_) => "number",
        Takes::Flag => "true or false",
        Takes::Texts => "list of texts",
        Takes::Addresses => "list of addresses",
        Takes::Table => "table",
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Settings\n\nEvery setting of `keywright.toml`. Made from the program's own descriptions: do not edit it. Editors complete the\n\
         file with [its schema](keywright.schema.json): begin it with `#:schema ./keywright.schema.json`, made by\n\
         `keywright config schema`.\n",
    );
    for (section, means) in SECTIONS {
        let heading =
            if section.is_empty() { "The top of the file".to_owned() } else { format!("`[{section}]`") };
        write!(page, "\n## {heading}\n\n{means}\n\n| setting | takes | without it | means |\n| --- | --- | --- | --- |\n").unwrap();
        for setting in of(section) {
            let default = if setting.default.is_empty() { "–" } else { setting.default };
            writeln!(
                page,
                "| `{}` | {}, such as `{}` | {default} | {} |",
                setting.key,
                takes(setting.takes),
                setting.form,
                setting.means
            )
            .unwrap();
        }
        if section == "service.NAME" {
            for setting in destinations::HTTP {
                page.push_str(&row(setting));
            }
            page.push_str("\nBesides, each kind has its own:\n\n| kind | what it is | its own settings |\n| --- | --- | --- |\n");
            for kind in destinations::service_kinds() {
                let own = kind
                    .settings
                    .iter()
                    .map(|setting| format!("`{}`", setting.name))
                    .collect::<Vec<_>>()
                    .join(", ");
                writeln!(
                    page,
                    "| [`{}`](../destinations/{}.md) | {} | {own} |",
                    kind.name,
                    page_of(kind.name),
                    kind.summary
                )
                .unwrap();
            }
        }
    }
    page
}

/// A setting of a service as a row.
fn row(setting: &destinations::Setting) -> String {
    let takes = match setting.form {
        destinations::Form::Text | destinations::Form::OneOf(_) => "text",
        destinations::Form::Secret => "where a secret is",
        destinations::Form::File => "file",
        destinations::Form::Url => "URL",
        destinations::Form::Flag => "true or false",
        destinations::Form::Period => "length of time",
    };
    format!(
        "| `{}` | {takes}, such as `{}` | {} | {} |\n",
        setting.name, setting.example, setting.absent, setting.summary
    )
}

/// The page of a kind; kinds that are one thing by two names share it.
fn page_of(kind: &str) -> &str {
    match kind {
        "openbao" => "vault",
        "aws-secrets-manager" | "aws-ssm" => "aws",
        "forgejo" => "gitea",
        kind => kind,
    }
}

/// Each kind's page has a table of its settings, between two marks.
#[test]
fn the_pages_of_services_hold_their_settings() {
    for kind in destinations::service_kinds() {
        let file = format!("../destinations/{}.md", page_of(kind.name));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(&file);
        let page = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        let (from, to) = (format!("<!-- settings:{} -->", kind.name), "<!-- end of settings -->");
        let (before, rest) = page.split_once(&from).unwrap_or_else(|| panic!("{file} has no {from}"));
        let after = rest.split_once(to).map_or(rest, |(_, after)| after);
        let mut table = String::from("| setting | takes | without it | means |\n| --- | --- | --- | --- |\n");
        for setting in kind.settings {
            table.push_str(&row(setting));
        }
        if !kind.environment.is_empty() {
            let pairs =
                kind.environment.iter().map(|(variable, stands_for)| format!("`{variable}` ({stands_for})"));
            let pairs = pairs.collect::<Vec<_>>().join(", ");
            write!(
                table,
                "\nWithout a setting, the environment says it: {pairs}.\n\nHow it is reached (`ca`, `proxy`, `timeout` and others) is \
                 said by [settings that every service has](../reference/settings.md#servicename).\n"
            )
            .unwrap();
        }
        check(&file, &format!("{before}{from}\n\n{table}\n{to}{after}"));
    }
}

#[expect(clippy::disallowed_methods, reason = "whether to write the page comes from whoever runs the tests")]
fn check(file: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(file);
    if std::env::var_os("KEYWRIGHT_BLESS").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == made, "docs/reference/{file} is not what the program says; write it anew: {BLESS}");
}

#[test]
fn the_settings_reference_and_schema_are_made_from_the_settings() {
    check("settings.md", &page());
    check("keywright.schema.json", &format!("{:#}\n", schema()));
}

#[test]
fn every_setting_is_in_a_section_and_its_form_is_toml() {
    for setting in SETTINGS {
        assert!(SECTIONS.iter().any(|(section, _)| *section == setting.section), "{setting:?}");
        let line = format!("{} = {}", setting.key, setting.form);
        line.parse::<toml::Table>().unwrap_or_else(|fault| panic!("{line}: {fault}"));
        assert!(
            !setting.means.is_empty() && (setting.default == REQUIRED || !setting.default.contains(REQUIRED))
        );
    }
}
