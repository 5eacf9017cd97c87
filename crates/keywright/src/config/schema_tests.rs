//! The schema takes what the reader takes, and refuses what of the broken files it can say.

use std::fmt::Write as _;
use std::path::Path;

use jsonschema::Validator;
use model::NoticeKind;
use serde_json::Value;

use super::Config;
use super::schema::{property, schema};
use super::settings::{SETTINGS, SHAPES, Shape, of};
use super::tests::{FILE, SOUND, WHOLE, cases};

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

/// `None`, if it is no TOML.
fn json(text: &str) -> Option<Value> {
    Some(serde_json::to_value(text.parse::<toml::Table>().ok()?).unwrap())
}

fn faults(validator: &Validator, text: &str) -> String {
    let value = json(text).unwrap_or_else(|| panic!("no TOML: {text}"));
    validator.iter_errors(&value).fold(String::new(), |mut all, fault| {
        writeln!(all, "{}: {fault}", fault.instance_path()).unwrap();
        all
    })
}

/// Pages with their examples in TOML.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut open = vec![root.join("README.md"), root.join("docs")];
    let mut examples = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let text = std::fs::read_to_string(&path).unwrap();
            let blocks =
                text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
            examples.extend(blocks.map(|block| (path.display().to_string(), block)));
        }
    }
    examples
}

#[test]
fn every_example_is_as_the_schema_says() {
    let (validator, mut examples) = (validator(), pages());
    assert!(examples.len() >= 4, "only {} examples in the docs", examples.len());
    examples.push(("all of it".into(), WHOLE.to_owned()));
    for (page, example) in examples {
        let missing = |line: &&str| !example.contains(line.split('"').next().unwrap());
        let above: Vec<&str> = SOUND.lines().filter(missing).collect();
        let text = format!("{}\n{example}", above.join("\n"));
        assert_eq!(faults(&validator, &text), "", "{page}:\n{text}");
    }
}

#[test]
fn every_form_is_as_its_property_says() {
    for setting in SETTINGS {
        let value = json(&format!("{} = {}", setting.key, setting.form)).unwrap();
        let property = property(setting.section, &setting);
        let validator = jsonschema::draft202012::new(&property).unwrap();
        // The forms of sections of names are cut short.
        if setting.section.is_empty() && matches!(setting.key, "instance") {
            continue;
        }
        let told: Vec<String> =
            validator.iter_errors(&value[setting.key]).map(|fault| fault.to_string()).collect();
        assert!(told.is_empty(), "{setting:?}: {told:?}");
    }
}

#[test]
fn a_shape_belongs_to_a_setting_and_says_its_words() {
    for (section, key, _) in SHAPES {
        assert!(of(section).any(|setting| setting.key == key), "{section}.{key}");
    }
    let kinds: Vec<&str> =
        NoticeKind::ALL.iter().filter(|kind| **kind != NoticeKind::Test).map(|kind| kind.as_str()).collect();
    let shape = SHAPES.iter().find(|(_, key, _)| *key == "kinds").unwrap().2;
    assert!(matches!(shape, Shape::Words(words) if words == kinds), "{shape:?}");
}

#[test]
fn what_is_odd_and_sound_is_taken_by_both() {
    const PROD: &str =
        "[instance.prod]\nurl = \"https://n8n.example.com\"\nadmin = { email = \"a@example.com\" }\n";
    let odd = [
        "[serve]\nlisten = \"[::1]:0\"\nstop_within = \"0s\"\n".to_owned(),
        "[instance.0]\nurl = \" HTTPS://n8n.example.com:8443/n8n/?a=b@c\"\nadmin.email = \"a\"\n".into(),
        "[instance.a]\nurl = \"http://[::1]:5678\"\nadmin.email = \"a\"\nproxy.url = \"HTTP://[::1]:3128/\"\n".into(),
        format!("{PROD}[integration.a]\nrotate_every = \"013w\"\ngrace = \"0s\"\nexpires_after = \"52w\"\n"),
        format!("{PROD}[integration.a]\nrotate_on = \" 0  3 * * MON#1 \"\nexpires_after = \"never\"\nscopes = []\n"),
        format!("{PROD}[integration.a]\ndeliver = [\"command:/bin/a x#/bin/b\", \"file:/a\", \"dotenv:/b#C\"]\n"),
        "[notify.a]\nwebhook = \"http://127.0.0.1:1\"\nsecret = \"sealed:x\"\nkinds = []\n".into(),
        "[notify.a]\nwebhook = \"env:HOOK_URL\"\ndangerous_plain_http = true\n".into(),
        "[notify.a]\nwebhook = \"https://hooks.example.com?token=a@b\"\n".into(),
        "[forge.a]\nkind = \"gitlab\"\nurl = \"file:///srv/git/\"\nrepositories = [\"a/b/c\"]\nsecret = \"file:s\"\n".into(),
        "[forge.a]\nkind = \"github\"\nurl = \"https://[::1]:8443/git\"\nrepositories = [\"A-b/c.d_e\"]\nsecret = \"env:S\"\n".into(),
        "[notify.a.mail]\nserver = \"[::1]:25\"\nsecurity = \"plain\"\nfrom = \"A B <a@b>\"\nto = [\"a@b\", \"b@b\"]\n".into(),
    ];
    let places = destinations::kinds().iter().map(|kind| kind.example).collect::<Vec<_>>();
    let all = format!("{PROD}[integration.a]\ndeliver = {places:?}\n");
    let validator = validator();
    for more in odd.into_iter().chain([all]) {
        let text = format!("{SOUND}{more}");
        assert_eq!(faults(&validator, &text), "", "{text}");
        let read = Config::parse(&text, Path::new(FILE));
        assert!(read.is_ok(), "{text}\n{:?}", read.err());
    }
    for store in
        ["a:b", "a/b", "/srv/kw:1/x.db", "postgresql://kw@db:5432/kw?sslmode=require", "postgres:///kw"]
    {
        let text = format!("store = \"{store}\"\nlog = \"b\"\nmaster_key = \"env:K-1.x\"\n");
        assert_eq!(faults(&validator, &text), "", "{text}");
        assert!(Config::parse(&text, Path::new(FILE)).is_ok(), "{text}");
    }
}

#[test]
fn the_schema_refuses_the_broken_files_that_it_can_tell() {
    let validator = validator();
    let (mut refused, mut malformed, mut passed) = (0, 0, String::new());
    for (name, text) in cases() {
        match json(&text) {
            None => malformed += 1,
            Some(value) if validator.is_valid(&value) => writeln!(passed, "{name}").unwrap(),
            Some(_) => refused += 1,
        }
    }
    insta::assert_snapshot!(format!(
        "refused: {refused}\nno TOML: {malformed}\n\nsound as far as the schema can say:\n{passed}"
    ));
}
