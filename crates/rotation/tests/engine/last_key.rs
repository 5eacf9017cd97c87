//! The last key that works is never killed, whoever else kills keys meanwhile.

use model::{KeyModel, Mode, Period, RotationStatus};
use rotation::Outcome;

use super::support::{Call, Fault, Rig, Setup, address};

fn rig() -> Rig {
    let grace = Period::seconds(3600);
    Rig::new(Setup {
        model: KeyModel::Many,
        has_key: true,
        destinations: 2,
        grace,
        text_of_second: false,
        seed: 23,
    })
}

#[tokio::test]
async fn the_old_key_stays_if_the_new_one_died_in_the_grace() {
    let rig = rig();
    let engine = rig.calm_engine();
    let Outcome::Waiting(rotation, until) = rig.rotate(&engine, Mode::Graceful).await.unwrap() else {
        panic!("it does not wait")
    };
    // Somebody deletes it in n8n, or an older backup of n8n's database is put back.
    rig.outside.arrange(|state| state.keys[1].lives = false);
    rig.clock.jump_to(until);
    let Outcome::Stalled(stalled, reports) = engine.drive(rotation.id).await.unwrap() else {
        panic!("it goes on")
    };
    assert_eq!((stalled.status, reports.len()), (RotationStatus::Stalled, 1));
    assert_eq!(rig.outside.living(), ["native-old"]);
}

#[tokio::test]
async fn the_new_key_stays_if_the_old_one_died_while_undoing() {
    let rig = rig();
    let engine = rig.calm_engine();
    let Outcome::Waiting(rotation, _) = rig.rotate(&engine, Mode::Graceful).await.unwrap() else {
        panic!("it does not wait")
    };
    rig.faults.always(&[(Call::Restore, Fault::Refused)]);
    assert!(matches!(engine.abort(rotation.id).await.unwrap(), Outcome::Stalled(..)));
    rig.faults.always(&[]);
    let new = rig.outside.living().into_iter().find(|id| id != "native-old").unwrap();
    rig.outside.arrange(|state| state.keys[0].lives = false);
    let Outcome::Stalled(stalled, reports) = engine.drive(rotation.id).await.unwrap() else {
        panic!("it goes on")
    };
    assert_eq!(stalled.status, RotationStatus::Aborting);
    assert!(reports[0].line().contains("the last that works"), "{reports:?}");
    assert_eq!(rig.outside.living(), [new]);
    // The way out that the report names.
    let outcome = rig.rotate(&engine, Mode::Compromised).await.unwrap();
    assert!(matches!(outcome, Outcome::Over(_)), "{outcome:?}");
    assert_eq!(rig.outside.text(&address(0)), rig.outside.text(&address(1)));
    assert_eq!(rig.outside.living().len(), 1);
}
