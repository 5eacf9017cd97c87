//! Snapshots to render.

use model::{IntegrationRole, Mode, NoticeKind, RotationStatus, Timestamp};
use monitor::{
    ChannelState, Counters, InstanceState, IntegrationState, KeyTimes, OpenRotation, Outcome, SchedulerState,
    Snapshot,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

/// Every field has something to tell.
pub(crate) fn full() -> Snapshot {
    let channel = || "on-call".parse().unwrap();
    Snapshot {
        version: "0.1.0".to_owned(),
        started_at: at(0),
        integrations: vec![IntegrationState {
            name: "backups".parse().unwrap(),
            instance: "prod".parse().unwrap(),
            owner: Some("ops \"night\\shift\"\n".to_owned()),
            role: IntegrationRole::Client,
            key: Some(KeyTimes {
                made_at: at(1),
                due_at: Some(at(2)),
                expires_at: Some(at(3)),
                last_used_at: Some(at(4)),
            }),
            rotation: Some(OpenRotation { status: RotationStatus::Stalled, attempts: 3, started_at: at(5) }),
            silent: true,
            drifted: Some(2),
        }],
        instances: vec![InstanceState {
            name: "prod".parse().unwrap(),
            version: Some("2.41.1".to_owned()),
            reachable: Some(true),
            login_refused: Some(false),
            last_seen: Some(at(6)),
            unknown_keys: Some(1),
            unscoped_keys: Some(2),
            never_expiring_keys: Some(3),
        }],
        channels: vec![ChannelState { name: channel(), failed_in_a_row: 4, last_sent_at: Some(at(7)) }],
        counters: Counters {
            rotations: vec![(Mode::Graceful, Outcome::Done, 5), (Mode::Graceful, Outcome::Stalled, 6)],
            steps_failed: 7,
            notices_sent: [((channel(), NoticeKind::Stalled), 8)].into(),
            notices_failed: [((channel(), NoticeKind::Test), 9)].into(),
            pushes: [(("github".parse().unwrap(), "taken"), 11)].into(),
            leaks: [(("github".parse().unwrap(), "ours"), 12)].into(),
        },
        scheduler: SchedulerState {
            is_leader: true,
            last_tick_at: Some(at(8)),
            next_tick_at: Some(at(9)),
            lag_s: 0.25,
        },
        log_waiting: 10,
    }
}

/// Nothing is known yet.
pub(crate) fn empty() -> Snapshot {
    let full = full();
    let integration = full.integrations.into_iter().next().unwrap();
    let instance = full.instances.into_iter().next().unwrap();
    Snapshot {
        integrations: vec![IntegrationState {
            owner: None,
            role: IntegrationRole::Root,
            key: None,
            rotation: None,
            silent: false,
            drifted: None,
            ..integration
        }],
        instances: vec![InstanceState {
            version: None,
            reachable: None,
            login_refused: None,
            last_seen: None,
            unknown_keys: None,
            unscoped_keys: None,
            never_expiring_keys: None,
            ..instance
        }],
        channels: Vec::new(),
        counters: Counters::default(),
        scheduler: SchedulerState::default(),
        log_waiting: 0,
        ..full
    }
}
