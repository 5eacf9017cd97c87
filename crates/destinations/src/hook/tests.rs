use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use tempfile::TempDir;

use super::*;
use systemd::Systemd;

fn context() -> Context {
    Context {
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        rotation: Some("01jabcdefghjkmnpqrstvwxyz0".parse().unwrap()),
        hidden_variables: vec!["CARGO_PKG_NAME".to_owned()],
        services: Arc::new(crate::Services::none()),
    }
}

fn open(address: &str) -> Result<Arc<dyn Hook>, DestinationError> {
    open_hook(&address.parse().unwrap(), &context())
}

fn script(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, format!("#!/bin/sh\ncd {}\n{text}", folder.path().display())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn read(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn every_example_opens() {
    for kind in hook_kinds() {
        let hook = open(kind.example).unwrap();
        assert_eq!(hook.address().to_string(), kind.example);
        assert_eq!(hook.address().kind(), kind.name);
    }
}

#[test]
fn an_unknown_kind_gets_the_nearest_name_and_the_list() {
    let error = open("sytemd:backup.service").err().unwrap();
    assert_eq!(error.kind, DestinationErrorKind::BadAddress);
    assert!(error.report.because[0].contains("`command`, `systemd`"), "{error}");
    assert!(error.report.mend[0].contains("did you mean `systemd`"), "{:?}", error.report.mend);
    let error = open("carrier-pigeon:coop").err().unwrap();
    assert!(!error.report.mend[0].contains("did you mean"), "{:?}", error.report.mend);
}

#[tokio::test]
async fn a_program_gets_its_arguments_and_who_it_is_for_and_no_input() {
    let folder = tempfile::tempdir().unwrap();
    let told = "printf '%s|' \"$@\" > words; cat > input; env > environment";
    let path = script(&folder, "reload", told);
    let hook = open(&format!("command:{} one 'two #words'", path.display())).unwrap();
    hook.check().await.unwrap();
    assert!(!folder.path().join("words").exists(), "checking runs nothing");
    assert_eq!(hook.run().await.unwrap(), "exit code 0");
    assert_eq!((read(&folder, "words").as_str(), read(&folder, "input").as_str()), ("one|two #words|", ""));
    let environment = read(&folder, "environment");
    for expected in ["KEYWRIGHT_ACTION=reload", "KEYWRIGHT_INTEGRATION=backups", "KEYWRIGHT_INSTANCE=prod"] {
        assert!(environment.contains(expected), "{environment}");
    }
    assert!(environment.contains("KEYWRIGHT_ROTATION=01jabc"), "{environment}");
    assert!(!environment.contains("CARGO_PKG_NAME="), "{environment}");
}

#[tokio::test]
async fn a_program_that_fails_is_told_with_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = script(&folder, "reload", "echo 'no such app' >&2; exit 3");
    let failure = open(&format!("command:{}", path.display())).unwrap().run().await.unwrap_err();
    assert_eq!(failure.kind, DestinationErrorKind::Failed);
    assert!(failure.report.what.starts_with("cannot reload with"), "{failure}");
    assert!(failure.to_string().contains("exit status: 3: stderr: no such app"), "{failure}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_seen_before_it_is_needed() {
    let failure = open("command:/nowhere/reload").unwrap().check().await.unwrap_err();
    assert_eq!(failure.kind, DestinationErrorKind::NotFound);
    for bad in ["command:reload", "command:/bin/true#/bin/true", "command:/bin/true 'x"] {
        assert_eq!(open(bad).err().unwrap().kind, DestinationErrorKind::BadAddress, "{bad}");
    }
}

#[test]
fn only_a_whole_name_of_a_unit_is_taken() {
    for unit in ["backup.service", "app@1.service", "a-b_c:d\\x2d.socket", "multi.part.timer"] {
        assert!(open(&format!("systemd:{unit}")).is_ok(), "{unit}");
    }
    for unit in [
        "backup",
        "--all.service",
        ".service",
        "app@.service",
        "@1.service",
        "*.service",
        "a b.service",
        "../x.service",
        "é.service",
        "backup.service\u{200b}",
        &format!("{}.service", "a".repeat(250)),
    ] {
        let failure = open(&format!("systemd:{unit}")).err().unwrap();
        assert_eq!(failure.kind, DestinationErrorKind::BadAddress, "{unit}");
    }
}

/// A stand-in for `systemctl`, which tells how it was called.
fn unit(folder: &TempDir, load: &str, active: &str, restart: &str) -> Systemd {
    let says = format!(
        "echo \"$*\" >> calls\ncase \"$*\" in *LoadState*) echo {load};; *ActiveState*) echo {active};; *) {restart};; esac"
    );
    let systemctl = script(folder, "systemctl", &says);
    Systemd::new(&"systemd:backup.service".parse().unwrap(), &context(), Some(systemctl)).unwrap()
}

#[tokio::test]
async fn a_unit_is_restarted_and_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let hook = unit(&folder, "loaded", "active", "exit 0");
    hook.check().await.unwrap();
    assert_eq!(read(&folder, "calls"), "--no-pager show --value -p LoadState -- backup.service\n");
    assert_eq!(hook.run().await.unwrap(), "restarted; it is active");
    let calls = read(&folder, "calls");
    assert_eq!(calls.lines().nth(1), Some("--no-ask-password restart -- backup.service"));
}

#[tokio::test]
async fn a_unit_that_is_not_there_or_fails_is_told() {
    for (load, because) in [("not-found", "knows no unit"), ("masked", "masked"), ("error", "did not load")] {
        let folder = tempfile::tempdir().unwrap();
        let failure = unit(&folder, load, "inactive", "exit 0").check().await.unwrap_err();
        assert_eq!(failure.kind, DestinationErrorKind::NotFound);
        assert!(failure.to_string().contains(because), "{failure}");
    }
    let folder = tempfile::tempdir().unwrap();
    let failure = unit(&folder, "loaded", "failed", "exit 0").run().await.unwrap_err();
    assert!(failure.to_string().contains("restarted, and failed"), "{failure}");
    let refused = "echo 'Interactive authentication required.' >&2; exit 4";
    let failure = unit(&folder, "loaded", "active", refused).run().await.unwrap_err();
    assert!(failure.to_string().contains("exit status: 4: stderr: Interactive"), "{failure}");
}

#[tokio::test]
async fn without_systemctl_another_way_is_shown() {
    let hook = Systemd::new(&"systemd:backup.service".parse().unwrap(), &context(), None).unwrap();
    let failure = hook.check().await.unwrap_err();
    assert_eq!(failure.kind, DestinationErrorKind::NotFound);
    assert!(failure.report.mend[0].contains("command:"), "{failure}");
}
