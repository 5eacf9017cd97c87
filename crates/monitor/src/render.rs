//! Which metrics there are, and what they say. Each has a row in `docs/guides/monitoring.md`.

use model::{IntegrationRole, RotationStatus};

use crate::{
    IntegrationState, Snapshot, process,
    text::{Page, count, flag, unix},
};

/// Each is a label's value, so that a query for one of them always finds a number.
const OPEN: [RotationStatus; 4] =
    [RotationStatus::Running, RotationStatus::Waiting, RotationStatus::Stalled, RotationStatus::Aborting];

/// The metrics in Prometheus' text format, this process' own among them.
pub fn render(snapshot: &Snapshot) -> String {
    let mut page = Page::default();
    page.gauge("keywright_build_info", "The version of Keywright; always 1.")
        .sample(&[("version", &snapshot.version)], 1.0);
    integrations(&mut page, &snapshot.integrations);
    rotations(&mut page, &snapshot.integrations);
    instances(&mut page, snapshot);
    notices(&mut page, snapshot);
    scheduler(&mut page, snapshot);
    process::write(&mut page);
    page.gauge("process_start_time_seconds", "When the process started.")
        .sample(&[], unix(snapshot.started_at));
    page.into_text()
}

/// `instance` would be taken by Prometheus itself.
fn labels(integration: &IntegrationState) -> [(&'static str, &str); 2] {
    [("integration", integration.name.as_str()), ("n8n_instance", integration.instance.as_str())]
}

fn integrations(page: &mut Page, all: &[IntegrationState]) {
    let mut metric = page.gauge("keywright_integration_info", "An integration in service; always 1.");
    for one in all {
        let role = match one.role {
            IntegrationRole::Root => "root",
            IntegrationRole::Client => "client",
        };
        let [name, instance] = labels(one);
        let owner = one.owner.as_deref().unwrap_or_default();
        metric.sample(&[name, instance, ("owner", owner), ("role", role)], 1.0);
    }
    let mut metric = page.gauge("keywright_integration_has_key", "1 if the integration has a working key.");
    for one in all {
        metric.sample(&labels(one), flag(one.key.is_some()));
    }
    let mut metric = page.gauge("keywright_integration_silent", "1 if its key calls no more.");
    for one in all {
        metric.sample(&labels(one), flag(one.silent));
    }
    let mut metric = page.gauge(
        "keywright_integration_drifted_destinations",
        "Destinations that do not hold the current key any more.",
    );
    for one in all {
        #[expect(clippy::cast_precision_loss, reason = "destinations are few")]
        metric.maybe(&labels(one), one.drifted.map(|drifted| drifted as f64));
    }

    let mut metric = page.gauge("keywright_key_made_timestamp_seconds", "When the key was made.");
    for one in all {
        metric.maybe(&labels(one), one.key.map(|key| unix(key.made_at)));
    }
    let mut metric = page.gauge("keywright_key_due_timestamp_seconds", "When the key is due to be turned.");
    for one in all {
        metric.maybe(&labels(one), one.key.and_then(|key| key.due_at).map(unix));
    }
    let mut metric = page.gauge("keywright_key_expires_timestamp_seconds", "When n8n itself ends the key.");
    for one in all {
        metric.maybe(&labels(one), one.key.and_then(|key| key.expires_at).map(unix));
    }
    let mut metric =
        page.gauge("keywright_key_last_used_timestamp_seconds", "When the key was last seen to be used.");
    for one in all {
        metric.maybe(&labels(one), one.key.and_then(|key| key.last_used_at).map(unix));
    }
}

fn rotations(page: &mut Page, all: &[IntegrationState]) {
    let mut metric = page.gauge("keywright_rotation_status", "1 for the status of an open rotation.");
    for one in all {
        for status in OPEN {
            let is = one.rotation.is_some_and(|rotation| rotation.status == status);
            let [name, instance] = labels(one);
            metric.sample(&[name, instance, ("status", status.as_str())], flag(is));
        }
    }
    let mut metric =
        page.gauge("keywright_rotation_failed_attempts", "Failed tries in a row of an open rotation.");
    for one in all {
        metric.maybe(&labels(one), one.rotation.map(|rotation| f64::from(rotation.attempts)));
    }
    let mut metric =
        page.gauge("keywright_rotation_started_timestamp_seconds", "When an open rotation began.");
    for one in all {
        metric.maybe(&labels(one), one.rotation.map(|open| unix(open.started_at)));
    }
}

fn instances(page: &mut Page, snapshot: &Snapshot) {
    let all = &snapshot.instances;
    let mut metric = page.gauge("keywright_instance_info", "An instance in service; always 1.");
    for one in all {
        let version = one.version.as_deref().unwrap_or_default();
        metric.sample(&[("n8n_instance", one.name.as_str()), ("version", version)], 1.0);
    }
    let mut each = |name, help, value: &dyn Fn(&crate::InstanceState) -> Option<f64>| {
        let mut metric = page.gauge(name, help);
        for one in all {
            metric.maybe(&[("n8n_instance", one.name.as_str())], value(one));
        }
    };
    each("keywright_instance_reachable", "1 if the instance answered last.", &|one| one.reachable.map(flag));
    each("keywright_instance_login_refused", "1 if the admin's login was refused last.", &|one| {
        one.login_refused.map(flag)
    });
    each("keywright_instance_last_seen_timestamp_seconds", "When the instance last answered.", &|one| {
        one.last_seen.map(unix)
    });
    each("keywright_instance_unknown_keys", "Keys that nobody declared.", &|one| one.unknown_keys.map(count));
    each("keywright_instance_unscoped_keys", "Keys that may do everything, needlessly.", &|one| {
        one.unscoped_keys.map(count)
    });
    each("keywright_instance_never_expiring_keys", "Keys that never expire, needlessly.", &|one| {
        one.never_expiring_keys.map(count)
    });
}

fn notices(page: &mut Page, snapshot: &Snapshot) {
    let mut metric =
        page.gauge("keywright_channel_failures_in_a_row", "Notices in a row that the channel did not take.");
    for one in &snapshot.channels {
        metric.sample(&[("channel", one.name.as_str())], count(one.failed_in_a_row));
    }
    let mut metric =
        page.gauge("keywright_channel_last_sent_timestamp_seconds", "When the channel last took a notice.");
    for one in &snapshot.channels {
        metric.maybe(&[("channel", one.name.as_str())], one.last_sent_at.map(unix));
    }
    let counters = &snapshot.counters;
    for (name, help, of) in [
        ("keywright_notices_sent_total", "Notices that a channel took.", &counters.notices_sent),
        ("keywright_notices_failed_total", "Tries at a notice that failed.", &counters.notices_failed),
    ] {
        let mut metric = page.counter(name, help);
        for ((channel, kind), times) in of {
            metric.sample(&[("channel", channel.as_str()), ("kind", kind.as_str())], count(*times));
        }
    }
    let mut metric = page.counter("keywright_rotations_total", "Ends of rotations and of tries at them.");
    for (mode, outcome, times) in &counters.rotations {
        metric.sample(&[("mode", mode.as_str()), ("outcome", outcome.as_str())], count(*times));
    }
    let mut metric =
        page.counter("keywright_pushes_total", "Webhooks of a forge, and searches of what was pushed.");
    for ((forge, outcome), times) in &counters.pushes {
        metric.sample(&[("forge", forge.as_str()), ("outcome", outcome)], count(*times));
    }
    let mut metric = page.counter("keywright_leaks_total", "Keys that were found in what was pushed.");
    for ((forge, whose), times) in &counters.leaks {
        metric.sample(&[("forge", forge.as_str()), ("whose", whose)], count(*times));
    }
    page.counter("keywright_steps_failed_total", "Steps of rotations that failed.")
        .sample(&[], count(counters.steps_failed));
}

fn scheduler(page: &mut Page, snapshot: &Snapshot) {
    let of = &snapshot.scheduler;
    page.gauge("keywright_scheduler_leader", "1 if this process schedules, 0 if it stands by.")
        .sample(&[], flag(of.is_leader));
    page.gauge("keywright_scheduler_last_tick_timestamp_seconds", "When it last looked what is due.")
        .maybe(&[], of.last_tick_at.map(unix));
    page.gauge("keywright_scheduler_next_tick_timestamp_seconds", "When it will look again.")
        .maybe(&[], of.next_tick_at.map(unix));
    page.gauge("keywright_scheduler_lag_seconds", "How far it is behind its own time.").sample(&[], of.lag_s);
    page.gauge("keywright_log_waiting_events", "Events that are not in the log yet.")
        .sample(&[], count(snapshot.log_waiting));
}
