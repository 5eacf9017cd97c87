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
    }
    page
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
