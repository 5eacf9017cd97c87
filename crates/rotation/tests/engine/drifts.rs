//! Whether destinations still hold their keys: looked at, remembered, told.

use std::sync::Arc;

use model::{Clock as _, EventKind, KeyModel, Mode, NoticeKind, Period, SignedDuration};
use rotation::{Drift, Outcome};
use serde_json::{Value, json};

use super::scheduling::{calm, count, live};
use super::support::{Call, FakeNotify, Fault, Rig, Setup, address};

const OLD: &str = "canary-key-the-old-one";
const JUNK: &str = "canary-junk-of-somebody-else";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn rig(destinations: usize) -> Rig {
    let (model, grace) = (KeyModel::Many, Period::seconds(60));
    Rig::new(Setup { model, has_key: true, destinations, grace, text_of_second: false, seed: 37 })
}

async fn drift(rig: &Rig) -> Vec<Drift> {
    let integration = rig.store.look(|kept| kept.integrations[0].clone());
    let found = rig.calm_engine().drift(&integration).await.unwrap();
    let places: Vec<_> = found.iter().map(|(to, _)| to.clone()).collect();
    assert_eq!(places, integration.destinations, "in their order");
    found.into_iter().map(|(_, drift)| drift).collect()
}

fn memo(rig: &Rig) -> Value {
    rig.store.look(|kept| kept.memos["drift/backups"].clone())
}

#[tokio::test]
async fn each_way_to_drift_is_told_apart() {
    let rig = rig(5);
    rig.outside.meddle(&address(1), JUNK);
    rig.outside.arrange(|state| {
        state.places.get_mut(&address(2)).unwrap().text = None;
        state.places.get_mut(&address(3)).unwrap().blind = true;
    });
    rig.outside.breaks(&address(4), true);
    let found = drift(&rig).await;
    let seen: Vec<_> = found.iter().map(|drift| (drift.is_drifted(), json!(drift))).collect();
    let other = json!(found[1])["seen"].as_str().unwrap().to_owned();
    assert_eq!(other.len(), 12);
    assert_eq!(
        seen,
        [
            (Some(false), json!({"state": "none"})),
            (Some(true), json!({"state": "other", "seen": other})),
            (Some(true), json!({"state": "absent"})),
            (None, json!({"state": "unreadable"})),
            (None, json!({"state": "failed", "seen": "Read failed: Refused"})),
        ]
    );
    assert!(!json!(found).to_string().contains("canary"));
}

#[tokio::test]
async fn while_a_rotation_is_open_each_of_its_keys_that_lives_is_right() {
    let rig = rig(2);
    rig.outside.arrange(|state| state.places.get_mut(&address(1)).unwrap().broken_at = Some(Call::Deliver));
    let engine = rig.calm_engine();
    drop(rig.rotate(&engine, Mode::Graceful).await.unwrap());
    assert_ne!(rig.outside.text(&address(0)), rig.outside.text(&address(1)));
    assert_eq!(drift(&rig).await, [Drift::None, Drift::None]);
    rig.outside.meddle(&address(0), JUNK);
    assert!(matches!(drift(&rig).await[..], [Drift::Other(_), Drift::None]));
    rig.outside.arrange(|state| state.places.get_mut(&address(1)).unwrap().broken_at = None);
    rig.recover().await;
    assert_eq!(drift(&rig).await, [Drift::None, Drift::None]);
    // The old key is not right any more.
    rig.outside.meddle(&address(0), OLD);
    assert!(matches!(drift(&rig).await[..], [Drift::Other(_), Drift::None]));
}

#[tokio::test]
async fn of_what_has_no_key_nothing_is_said() {
    let rig = rig(2);
    drop(rig.rotate(&rig.calm_engine(), Mode::Revoke).await.unwrap());
    let integration = rig.store.look(|kept| kept.integrations[0].clone());
    assert_eq!(rig.calm_engine().drift(&integration).await.unwrap(), []);
}

/// What was read before a rotation that came and went meanwhile is read again.
#[tokio::test]
async fn a_rotation_meanwhile_is_no_drift() {
    let rig = Rig::new(Setup { grace: Period::ZERO, ..rig(4).setup });
    let integration = rig.store.look(|kept| kept.integrations[0].clone());
    let process = rig.process(None);
    let engine = rig.engine(&process);
    // Halted when it knows the keys, and nothing is read yet.
    let halted = process.stops_before(process.ticks() + 4);
    let (found, ()) = tokio::join!(engine.drift(&integration), async {
        halted.await;
        let outcome = rig.rotate(&rig.calm_engine(), Mode::Graceful).await.unwrap();
        assert!(matches!(outcome, Outcome::Over(_)));
        process.goes_on();
    });
    let found = found.unwrap();
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|(_, drift)| *drift == Drift::None), "{found:?}");
}

#[tokio::test]
async fn what_drifts_is_remembered_and_told_once_and_so_is_its_mending() {
    let (rig, notify) = (rig(3), Arc::<FakeNotify>::default());
    live(&rig, &calm(&rig, &notify), HOUR).await;
    let states = || {
        memo(&rig)["destinations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["state"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(states(), ["none"; 3]);
    assert!(memo(&rig)["at"].is_string());
    rig.outside.meddle(&address(1), JUNK);
    rig.outside.arrange(|state| state.places.get_mut(&address(2)).unwrap().text = None);
    live(&rig, &calm(&rig, &notify), HOUR * 3).await;
    // Another process does not tell it again.
    live(&rig, &calm(&rig, &notify), HOUR * 3).await;
    assert_eq!(states(), ["none", "other", "absent"]);
    let since = memo(&rig)["destinations"][1]["drifted_since"].clone();
    assert!(since.is_string() && memo(&rig)["destinations"][0]["drifted_since"].is_null());
    assert_eq!(memo(&rig)["destinations"][1]["to"], "fake:/place/1");
    let told = notify.of(NoticeKind::Drifted);
    assert_eq!((told.len(), count(&rig, EventKind::DestinationDrifted)), (1, 2));
    assert!(told[0].text.contains("`fake:/place/1`, `fake:/place/2`"), "{told:?}");
    assert_eq!(told[0].mend.as_deref(), Some("keywright deliver backups"));
    // What cannot be read is as it was.
    rig.outside.breaks(&address(1), true);
    live(&rig, &calm(&rig, &notify), HOUR * 2).await;
    assert_eq!(memo(&rig)["destinations"][1]["drifted_since"], since);
    assert_eq!(count(&rig, EventKind::DestinationMended), 0);
    rig.outside.breaks(&address(1), false);
    rig.outside.arrange(|state| state.places.get_mut(&address(2)).unwrap().broken_at = Some(Call::Deliver));
    drop(rig.rotate(&rig.calm_engine(), Mode::Deliver).await.unwrap());
    rig.outside.arrange(|state| state.places.get_mut(&address(2)).unwrap().broken_at = None);
    live(&rig, &calm(&rig, &notify), HOUR * 2).await;
    assert_eq!(states(), ["none"; 3]);
    assert_eq!((notify.count(NoticeKind::Drifted), count(&rig, EventKind::DestinationMended)), (1, 2));
    rig.outside.meddle(&address(1), JUNK);
    live(&rig, &calm(&rig, &notify), HOUR * 2).await;
    assert_eq!(notify.count(NoticeKind::Drifted), 2, "it is news again");
    assert!(!memo(&rig).to_string().contains("canary"));
}

#[tokio::test]
async fn it_is_looked_at_though_n8n_does_not_answer_or_only_a_person_can_ask_it() {
    for assisted in [false, true] {
        let (rig, notify) = (rig(1), Arc::<FakeNotify>::default());
        if assisted {
            rig.store.arrange(|kept| kept.instances[0].admin_email = None);
        }
        rig.faults.always(&[(Call::List, Fault::Unreachable)]);
        rig.outside.meddle(&address(0), JUNK);
        live(&rig, &calm(&rig, &notify), HOUR * 2).await;
        assert_eq!(notify.count(NoticeKind::Drifted), 1, "{assisted}");
        assert_eq!(rig.faults.seen(Call::List) > 0, !assisted);
    }
}

#[tokio::test]
async fn what_is_out_of_service_or_has_no_key_is_forgotten() {
    for revoked in [false, true] {
        let (rig, notify) = (rig(1), Arc::<FakeNotify>::default());
        rig.outside.meddle(&address(0), JUNK);
        live(&rig, &calm(&rig, &notify), HOUR).await;
        assert_eq!(memo(&rig)["destinations"][0]["state"], "other");
        if revoked {
            drop(rig.rotate(&rig.calm_engine(), Mode::Revoke).await.unwrap());
        } else {
            rig.store.arrange(|kept| kept.integrations[0].retired_at = Some(rig.clock.now()));
        }
        live(&rig, &calm(&rig, &notify), HOUR * 2).await;
        assert!(rig.store.look(|kept| !kept.memos.contains_key("drift/backups")), "{revoked}");
    }
}

#[tokio::test]
async fn eight_are_read_at_once_and_no_more() {
    let rig = rig(20);
    let integration = rig.store.look(|kept| kept.integrations[0].clone());
    let process = rig.process(None);
    let engine = rig.engine(&process);
    // The open rotations and the keys are asked for first; each call passes the gate twice.
    let first_read = process.ticks() + 4;
    let halted = process.stops_before(first_read);
    let (found, ()) = tokio::join!(engine.drift(&integration), async {
        halted.await;
        tokio::task::yield_now().await;
        assert_eq!(process.ticks() - first_read, 8, "each that is on its way stands at the gate");
        process.goes_on();
    });
    assert_eq!((found.unwrap().len(), rig.faults.seen(Call::Read)), (20, 20));
}
