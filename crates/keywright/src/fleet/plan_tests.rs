//! Wishes that a store's contents rule out.

use model::{Instance, Timestamp};
use serde_json::json;

use super::{Known, fault_report, plan};
use crate::config::Config;

fn connected(name: &str) -> Instance {
    let capabilities = json!({
        "keys": "many", "scopes": "enforced", "expiry": true, "discover": true, "available_scopes": ["workflow:list"],
    });
    let instance = json!({
        "name": name, "url": "https://n8n.example.com", "admin_email": "a@example.com", "version": "2.41.1",
        "capabilities": capabilities, "connected_at": "2026-11-24T00:00:00Z",
    });
    serde_json::from_value(instance).unwrap()
}

#[test]
fn a_root_key_of_an_instance_that_a_command_made_is_no_integration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keywright.toml");
    let text = "store = \"a\"\nlog = \"b\"\nmaster_key = \"file:c\"\n[instance.dev]\nurl = \"https://n8n.example.com\"\n\
                admin = { email = \"a@example.com\" }\n[integration.prod-root]\nscopes = [\"workflow:list\"]\n\
                [integration.other-root]\nscopes = [\"workflow:list\"]\n";
    std::fs::write(&file, text).unwrap();
    let config = Config::load(&file).unwrap();
    let wishes = config.wishes(Timestamp::UNIX_EPOCH);
    let mut known = Known::default();
    known.instances.extend(["dev", "prod"].map(|name| (name.parse().unwrap(), connected(name))));
    let plan = plan(&wishes, &known);
    let report = fault_report(&plan.faults, "k.toml", |setting| config.line_of(setting)).unwrap();
    assert_eq!(plan.faults.len(), 1, "{report:?}");
    let line = report.line();
    assert!(
        line.contains("k.toml:7: integration.prod-root: `prod-root` is the root key of `prod`"),
        "{line}"
    );
    assert_eq!(report.mend, ["call `[integration.prod-root]` something else"]);
}
