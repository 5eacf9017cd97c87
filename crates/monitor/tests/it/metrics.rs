//! The metrics, the guide, the rules, and Prometheus' own checks of them.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use monitor::render;

use crate::states::{empty, full};

fn docs(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(docs(path)).unwrap()
}

/// Names of metrics, from their types.
fn names(page: &str) -> BTreeSet<&str> {
    page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

#[test]
fn every_value_is_told() {
    let page = render(&full());
    for line in [
        "keywright_build_info{version=\"0.1.0\"} 1",
        r#"keywright_integration_info{integration="backups",n8n_instance="prod",owner="ops \"night\\shift\"\n",role="client"} 1"#,
        r#"keywright_integration_has_key{integration="backups",n8n_instance="prod"} 1"#,
        r#"keywright_integration_silent{integration="backups",n8n_instance="prod"} 1"#,
        r#"keywright_integration_drifted_destinations{integration="backups",n8n_instance="prod"} 2"#,
        r#"keywright_key_made_timestamp_seconds{integration="backups",n8n_instance="prod"} 1700000001"#,
        r#"keywright_key_due_timestamp_seconds{integration="backups",n8n_instance="prod"} 1700000002"#,
        r#"keywright_key_expires_timestamp_seconds{integration="backups",n8n_instance="prod"} 1700000003"#,
        r#"keywright_key_last_used_timestamp_seconds{integration="backups",n8n_instance="prod"} 1700000004"#,
        r#"keywright_rotation_status{integration="backups",n8n_instance="prod",status="stalled"} 1"#,
        r#"keywright_rotation_status{integration="backups",n8n_instance="prod",status="running"} 0"#,
        r#"keywright_rotation_failed_attempts{integration="backups",n8n_instance="prod"} 3"#,
        r#"keywright_rotation_started_timestamp_seconds{integration="backups",n8n_instance="prod"} 1700000005"#,
        r#"keywright_instance_info{n8n_instance="prod",version="2.41.1"} 1"#,
        r#"keywright_instance_reachable{n8n_instance="prod"} 1"#,
        r#"keywright_instance_login_refused{n8n_instance="prod"} 0"#,
        r#"keywright_instance_last_seen_timestamp_seconds{n8n_instance="prod"} 1700000006"#,
        r#"keywright_instance_unknown_keys{n8n_instance="prod"} 1"#,
        r#"keywright_instance_unscoped_keys{n8n_instance="prod"} 2"#,
        r#"keywright_instance_never_expiring_keys{n8n_instance="prod"} 3"#,
        r#"keywright_channel_failures_in_a_row{channel="on-call"} 4"#,
        r#"keywright_channel_last_sent_timestamp_seconds{channel="on-call"} 1700000007"#,
        r#"keywright_rotations_total{mode="graceful",outcome="done"} 5"#,
        r#"keywright_rotations_total{mode="graceful",outcome="stalled"} 6"#,
        "keywright_steps_failed_total 7",
        r#"keywright_pushes_total{forge="github",outcome="taken"} 11"#,
        r#"keywright_leaks_total{forge="github",whose="ours"} 12"#,
        r#"keywright_notices_sent_total{channel="on-call",kind="stalled"} 8"#,
        r#"keywright_notices_failed_total{channel="on-call",kind="test"} 9"#,
        "keywright_scheduler_leader 1",
        "keywright_scheduler_last_tick_timestamp_seconds 1700000008",
        "keywright_scheduler_next_tick_timestamp_seconds 1700000009",
        "keywright_scheduler_lag_seconds 0.25",
        "keywright_log_waiting_events 10",
        "process_start_time_seconds 1700000000",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} in {page}");
    }
    let resident = page.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    assert!(!cfg!(target_os = "linux") || resident.unwrap().parse::<f64>().unwrap() > 100_000.0);
}

#[test]
fn what_is_not_known_has_no_sample() {
    let page = render(&empty());
    assert_eq!(names(&page), names(&render(&full())));
    for absent in ["keywright_key_made", "keywright_instance_reachable", "keywright_rotation_failed"] {
        assert!(!page.lines().any(|line| line.starts_with(absent)), "{absent} in {page}");
    }
    assert!(
        page.contains("keywright_integration_has_key{integration=\"backups\",n8n_instance=\"prod\"} 0\n")
    );
}

#[test]
fn every_metric_has_its_row_in_the_guide() {
    let (page, guide) = (render(&full()), text("guides/monitoring.md"));
    let rows =
        |line: &str| line.strip_prefix("| `").and_then(|rest| Some(rest.split_once('`')?.0.to_owned()));
    let metric = |name: &String| name.starts_with("keywright_") || name.starts_with("process_");
    let told: BTreeSet<String> = guide.lines().filter_map(rows).filter(metric).collect();
    let there: BTreeSet<String> = names(&page).into_iter().map(str::to_owned).collect();
    assert_eq!(told, there);
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, labels)) = line.split_once('{') else { continue };
        let row = guide.lines().find(|row| row.starts_with(&format!("| `{name}` |"))).unwrap();
        for label in labels.split(',').filter_map(|label| label.split_once("=\"")) {
            assert!(row.contains(&format!("`{}`", label.0)), "{} in {row}", label.0);
        }
    }
}

#[test]
fn every_rule_asks_for_what_there_is_and_has_two_cases_and_a_row() {
    let (page, rules) = (render(&full()), text("reference/prometheus-rules.yml"));
    let (cases, guide) = (text("reference/prometheus-rules-test.yml"), text("guides/monitoring.md"));
    let names = names(&page);
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let asked: Vec<&str> = rules.split(|c| !word(c)).filter(|name| name.starts_with("keywright_")).collect();
    assert!(asked.len() > 10, "{asked:?}");
    assert!(asked.iter().all(|name| names.contains(name)), "{asked:?}");
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert_eq!(alerts.len(), 12);
    for alert in alerts {
        assert_eq!(cases.matches(&format!("alertname: {alert}\n")).count(), 2, "{alert}");
        assert!(guide.contains(&format!("\n| `{alert}` |")), "{alert}");
    }
    assert_eq!(cases.matches("exp_alerts: []").count(), 12);
}

/// Whether `promtool` is there; a run that requires real things fails without it.
#[expect(clippy::disallowed_methods, reason = "a test is told by the environment what it must find")]
fn promtool_is_there() -> bool {
    let there = Command::new("promtool").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !there {
        let required = std::env::var_os("KEYWRIGHT_TEST_REQUIRE_REAL").is_some_and(|value| value == "1");
        assert!(!required, "there is no `promtool` (`apt-get install prometheus`)");
        eprintln!("skipped: there is no `promtool` (`apt-get install prometheus`)");
    }
    there
}

fn promtool(arguments: &[&str], input: &str) {
    let mut child = Command::new("promtool")
        .args(arguments)
        .current_dir(docs("reference"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said =
        format!("{} {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
    assert!(arguments[1] != "metrics" || said.trim().is_empty(), "promtool {arguments:?} warns: {said}");
}

#[test]
fn real_promtool_takes_metrics_rules_and_cases() {
    if promtool_is_there() {
        promtool(&["check", "metrics"], &render(&full()));
        promtool(&["check", "metrics"], &render(&empty()));
        promtool(&["check", "rules", "prometheus-rules.yml"], "");
        promtool(&["test", "rules", "prometheus-rules-test.yml"], "");
    }
}
