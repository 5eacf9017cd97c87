use std::fmt::Write as _;
use std::path::Path;

use model::{Cron, Period, SecretRef, Timestamp};
use proptest::prelude::*;

use super::*;

pub(super) const FILE: &str = "/etc/k/keywright.toml";
pub(super) const SOUND: &str = "store = \"a\"\nlog = \"b\"\nmaster_key = \"file:c\"\n";

/// Everything at once.
pub(super) const WHOLE: &str = r#"
store = "keywright.db"
log = "keywright-log"
master_key = "env:KEYWRIGHT_MASTER_KEY"

[serve]
listen = "127.0.0.1:9876"
at_once = 16
survey_every = "2h"

[instance.prod]
url = "https://n8n.example.com/"
admin = { email = "keys@example.com", password = "env:N8N_PASSWORD", totp = "file:totp" }

[instance.dev]
url = "http://n8n.dev.example.com"
dangerous_plain_http = true
admin.email = "dev@example.com"

[integration.backups]
instance = "prod"
scopes = ["workflow:list", "workflow:read"]
owner = "ops"
rotate_every = "90d"
deliver = [
  "dotenv:/srv/backup/.env#N8N_API_KEY",
  { to = "file:/srv/backup/key", reload = "systemd:backup.service" },
  "doppler-client:backups/prd#N8N_API_KEY",
]

[integration.agent]
instance = "dev"
rotate_on = "0 3 1 */3 *"
grace = "1h"
silent_after = "2d"

[service.doppler-client]
kind = "doppler"
token = "env:DOPPLER_OF_CLIENT"
ca = "doppler.pem"
dangerous_plain_http = false

[notify.on-call]
webhook = "https://hooks.example.com/x"
secret = "env:HOOK_SECRET"
kinds = ["stalled", "due_soon"]

[forge.github]
kind = "github"
repositories = ["acme/app", "acme/site"]
secret = "env:GITHUB_HOOK"
token = "sealed:github_read"
action = "notify"

[notify.mail]
mail = { server = "smtp.example.com:587", from = "keys@example.com", to = ["ops@example.com"], user = "kw", password = "file:smtp" }
"#;

#[test]
fn the_template_is_read() {
    let config = Config::parse(TEMPLATE, Path::new(FILE)).unwrap();
    assert_eq!(config.store.to_string(), "/etc/k/keywright.db");
    assert_eq!(config.log, Path::new("/etc/k/keywright-log"));
    assert_eq!(config.master_key, SecretRef::File("/etc/k/keywright.key".into()));
    assert!(config.wishes(Timestamp::UNIX_EPOCH).integrations.is_empty());
}

#[test]
fn all_of_it_is_read() {
    let config = Config::parse(WHOLE, Path::new(FILE)).unwrap();
    let at = Timestamp::from_second(1_800_000_000).unwrap();
    let wishes = config.wishes(at);
    assert_eq!(config.serve.listen, Some("127.0.0.1:9876".parse().unwrap()));
    assert_eq!(
        (config.serve.schedule.at_once, config.serve.schedule.survey_every),
        (16, Period::seconds(7200))
    );
    assert_eq!(wishes.instances.len(), 2);
    let prod = wishes.instances.iter().find(|wish| wish.name.as_str() == "prod").unwrap();
    assert_eq!(prod.url, "https://n8n.example.com");
    assert_eq!(prod.login.totp, Some(SecretRef::File("/etc/k/totp".into())));
    let find = |name: &str| wishes.integrations.iter().find(|wish| wish.name.as_str() == name).unwrap();
    let backups = find("backups");
    assert_eq!((backups.grace, backups.expires_after), (Period::days(1), Some(Period::days(105))));
    assert_eq!((backups.created_at, backups.destinations.len()), (at, 3));
    let hooked: Vec<_> = backups.reload.iter().map(|(to, hook)| format!("{to} {hook}")).collect();
    assert_eq!(hooked, ["file:/srv/backup/key systemd:backup.service"]);
    let services: Vec<_> =
        config.services.iter().map(|service| (service.name(), service.kind().name)).collect();
    assert_eq!(services, [("doppler-client", "doppler")]);
    let agent = find("agent");
    assert_eq!(agent.rotate_on, Some("0 3 1 */3 *".parse::<Cron>().unwrap()));
    // The longest quarter in whole days, an hour, and two weeks.
    assert_eq!(agent.expires_after, Some(Period::days(92) + Period::seconds(3600) + Period::days(14)));
    let forge = &config.forges[0];
    assert_eq!((forge.name.as_str(), forge.action, forge.repositories.len()), ("github", Action::Notify, 2));
    assert_eq!(config.serve.fetched, Path::new("/etc/k/keywright-fetched"));
    let mut variables = config.secret_variables();
    variables.sort();
    variables.dedup();
    assert_eq!(
        variables,
        ["DOPPLER_OF_CLIENT", "GITHUB_HOOK", "HOOK_SECRET", "KEYWRIGHT_MASTER_KEY", "N8N_PASSWORD"]
    );
    assert_eq!(config.line_of("integration.backups.scopes"), Some(22));
    assert_eq!(config.line_of("integration.backups.nothing"), Some(20));
    assert_eq!(config.line_of("nowhere"), None);
}

#[test]
fn a_key_outlives_the_longest_gap_of_its_calendar() {
    let days = |pattern: &str| {
        let text = format!(
            "{SOUND}[instance.prod]\nurl = \"https://n8n.example.com\"\nadmin = {{ email = \"a@example.com\" }}\n\
             [integration.x]\ngrace = \"0s\"\nrotate_on = \"{pattern}\"\n"
        );
        let config = Config::parse(&text, Path::new(FILE)).unwrap();
        let expires = config.wishes(Timestamp::UNIX_EPOCH).integrations.remove(0).expires_after.unwrap();
        expires.as_seconds() / 86_400 - 14
    };
    let patterns = ["0 3 1 */3 *", "*/10 * 1 1 *", "0 * 1 */3 *", "0 3 * * 1", "0 0 29 2 *", "*/5 * * * *"];
    assert_eq!(patterns.map(days), [92, 366, 92, 7, 1461, 1]);
}

#[test]
fn a_byte_order_mark_is_no_fault() {
    assert!(Config::parse(&format!("\u{feff}{SOUND}"), Path::new(FILE)).is_ok());
}

/// Broken files, a line each: what is wrong, and the text behind the three settings that have to be there. One that
/// begins with `!` is the whole file; `␀` and `␍` stand for the control characters that they name.
const BROKEN: &str = include_str!("broken.txt");

pub(super) fn cases() -> Vec<(&'static str, String)> {
    let blocks = BROKEN.split("\n=== ").map(|block| block.trim_start_matches("=== "));
    let cases = blocks.map(|block| {
        let (name, text) = block.split_once('\n').unwrap();
        let text = match text.strip_prefix("!\n") {
            Some(whole) => whole.to_owned(),
            None => format!("{SOUND}{text}"),
        };
        (name, text.replace('␀', "\0").replace('␍', "\r"))
    });
    cases.collect()
}

#[test]
fn a_hundred_broken_files_are_told_with_line_setting_and_mend() {
    let cases = cases();
    assert!(cases.len() >= 100, "only {} cases", cases.len());
    let mut told = String::new();
    for (name, text) in &cases {
        let faults =
            Config::parse(text, Path::new(FILE)).err().unwrap_or_else(|| panic!("`{name}` is no fault"));
        writeln!(told, "=== {name}").unwrap();
        for fault in faults {
            let line = fault.to_string();
            assert!((1..=text.lines().count().max(1)).contains(&fault.line), "{name}: {line}");
            assert!(!fault.setting.is_empty() && !fault.problem.is_empty(), "{name}: {line}");
            let mends = [
                "write",
                "did you mean",
                "such as",
                "`env:NAME`",
                "settings here",
                "twice",
                "name",
                "see ",
                "kinds are",
                "one place",
                "its root key",
                "declare",
                "letter or digit",
                "leave out",
                "use `https://`",
                "allowed",
                "write",
                "give ",
                "small letters",
                "together",
            ];
            assert!(mends.iter().any(|mend| line.contains(mend)), "{name}: no mend in {line}");
            assert!(!line.contains("canary") && !line.chars().any(char::is_control), "{name}: {line}");
            writeln!(told, "{line}").unwrap();
        }
    }
    insta::assert_snapshot!(told);
}

proptest! {
    #[test]
    fn nothing_that_is_read_makes_it_panic(text in ".{0,400}") {
        drop(Config::parse(&text, Path::new(FILE)));
    }

    #[test]
    fn a_file_that_was_cut_or_changed_makes_no_panic(at in 0..1_400_usize, byte: u8, cut: bool) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        if cut { bytes.truncate(at) } else if let Some(slot) = bytes.get_mut(at) { *slot = byte }
        if let Ok(text) = String::from_utf8(bytes) {
            drop(Config::parse(&text, Path::new(FILE)));
        }
    }
}
