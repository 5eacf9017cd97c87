//! A key that exists is taken charge of, and is a key like any other from then on.

use model::{
    EventKind, Integration, KeyModel, KeyState, Mode, Period, RotationStatus, Secret, SignedDuration,
    Timestamp,
};
use rotation::{Adoptable, Adoption, Outcome, Request, RotationErrorKind};

use super::support::{Call, Fault, Made, Rig, Setup, address, integration_name};

const TEXT: &str = "canary-key-made-by-hand";

fn rig(model: KeyModel) -> Rig {
    let grace = Period::seconds(60);
    Rig::new(Setup { model, has_key: false, destinations: 2, grace, text_of_second: false, seed: 5 })
}

fn made() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

/// Somebody made a key by hand, and put it into the first destination.
fn by_hand(rig: &Rig, native_id: &str, text: &str, created_at: Timestamp) {
    let key = Made {
        native_id: native_id.into(),
        label: format!("label of {native_id}"),
        text: text.into(),
        scopes: Vec::new(),
        created_at,
        expires_at: None,
        lives: true,
        proved: true,
        used_at: None,
    };
    rig.outside.arrange(|state| {
        state.keys.push(key);
        if text == TEXT {
            state.places.get_mut(&address(0)).unwrap().text = Some(text.into());
        }
    });
}

fn declared(rig: &Rig) -> Integration {
    rig.store.look(|kept| kept.integrations[0].clone())
}

fn adoption(rig: &Rig) -> Adoption {
    let claims = Some(Adoptable { issued_at: made(), expires_at: None });
    Adoption { declare: declared(rig), claims, named: None }
}

#[tokio::test]
async fn a_key_made_by_hand_becomes_ours() {
    for model in [KeyModel::Many, KeyModel::OneRefused, KeyModel::OneOverwritten] {
        let rig = rig(model);
        let id = if model == KeyModel::OneOverwritten { "only-key" } else { "by-hand" };
        by_hand(&rig, id, TEXT, made() + SignedDuration::from_millis(900));
        let adopted = rig.calm_engine().adopt(&adoption(&rig), Secret::new(TEXT)).await.unwrap();
        assert_eq!((adopted.key.native_id.as_str(), adopted.key.state), (id, KeyState::Active));
        assert_eq!((adopted.rotation.mode, adopted.rotation.status), (Mode::Adopt, RotationStatus::Done));
        assert_eq!(adopted.not_held.len(), 1, "the second destination holds nothing");
        assert_eq!(rig.store.keys(), [adopted.key]);
        let kinds: Vec<EventKind> = rig.store.events().iter().map(|event| event.kind).collect();
        let wanted = [
            EventKind::IntegrationDeclared,
            EventKind::RotationStarted,
            EventKind::KeyAdopted,
            EventKind::KeyActivated,
            EventKind::RotationDone,
        ];
        assert_eq!(kinds, wanted);
        assert_eq!(rig.outside.look(|state| state.effects), 0);
        // From now on it is turned, or killed, like any other.
        for mode in [Mode::Graceful, Mode::Compromised, Mode::Revoke] {
            let mut outcome = rig.rotate(&rig.calm_engine(), mode).await.unwrap();
            while let Outcome::Waiting(rotation, until) = outcome {
                rig.clock.jump_to(until);
                outcome = rig.calm_engine().drive(rotation.id).await.unwrap();
            }
            assert!(!rig.outside.works(TEXT), "{model:?} {mode:?}");
        }
        assert_eq!(rig.violations(), Vec::<String>::new(), "{model:?}");
    }
}

#[tokio::test]
async fn a_leaked_key_can_be_adopted_and_revoked() {
    let rig = rig(KeyModel::Many);
    by_hand(&rig, "by-hand", TEXT, made());
    by_hand(&rig, "another", "canary-key-of-another", made() + SignedDuration::from_hours(1));
    let engine = rig.calm_engine();
    engine.adopt(&adoption(&rig), Secret::new(TEXT)).await.unwrap();
    assert!(matches!(rig.rotate(&engine, Mode::Revoke).await.unwrap(), Outcome::Over(_)));
    assert_eq!(rig.outside.living(), ["another"], "keys of others are left alone");
    assert!(rig.store.keys()[0].proved_dead_at.is_some());
}

#[tokio::test]
async fn which_key_it_is_must_be_clear() {
    let rig = rig(KeyModel::Many);
    by_hand(&rig, "one", TEXT, made());
    by_hand(&rig, "two", "canary-key-made-at-once", made() + SignedDuration::from_secs(1));
    by_hand(&rig, "late", "canary-key-made-later", made() + SignedDuration::from_secs(60));
    let engine = rig.calm_engine();
    let secret = || Secret::new(TEXT);
    let unclear = engine.adopt(&adoption(&rig), secret()).await.unwrap_err();
    assert_eq!(unclear.kind, RotationErrorKind::NotPossible);
    let said = unclear.report.line();
    assert!(
        said.contains("2 keys fit") && said.contains("`label of one`") && !said.contains("canary"),
        "{said}"
    );
    let without = Adoption { claims: None, ..adoption(&rig) };
    assert!(engine.adopt(&without, secret()).await.is_err(), "nothing says which it is");
    let other_end = Some(Adoptable { issued_at: made(), expires_at: Some(made()) });
    let wrong = Adoption { claims: other_end, named: Some("one".into()), ..adoption(&rig) };
    assert!(engine.adopt(&wrong, secret()).await.is_err(), "its end is another");
    assert_eq!(rig.store.writes(), 0);
    for named in ["one", "label of one"] {
        let named = Adoption { named: Some(named.into()), ..adoption(&rig) };
        let would = engine.preview_adoption(&named, &secret()).await.unwrap();
        assert_eq!(would.key.native_id, "one");
        assert_eq!((rig.store.writes(), rig.outside.look(|state| state.effects)), (0, 0));
    }
}

#[tokio::test]
async fn a_key_that_is_dead_known_or_one_too_many_is_refused() {
    let rig = rig(KeyModel::Many);
    let engine = rig.calm_engine();
    let failure = engine.adopt(&adoption(&rig), Secret::new(TEXT)).await.unwrap_err();
    assert_eq!(failure.kind, RotationErrorKind::NotPossible, "n8n refuses it");
    by_hand(&rig, "by-hand", TEXT, made());
    engine.adopt(&adoption(&rig), Secret::new(TEXT)).await.unwrap();
    let again = engine.adopt(&adoption(&rig), Secret::new(TEXT)).await.unwrap_err();
    assert!(again.report.line().contains("is known"), "{again}");
    let second = engine.adopt(&adoption(&rig), Secret::new("canary-key-of-another")).await.unwrap_err();
    assert!(second.report.line().contains("has a key already"), "{second}");
    let start = engine.start(&Request::new(integration_name(), Mode::Adopt)).await.unwrap_err();
    assert_eq!(start.kind, RotationErrorKind::NotPossible);
}

#[tokio::test]
async fn a_mishap_anywhere_adopts_wholly_or_not_at_all() {
    let mut adopted = 0;
    for tick in 0..40 {
        let rig = rig(KeyModel::Many);
        by_hand(&rig, "by-hand", TEXT, made());
        let process = rig.process(None);
        process.dies_at(tick);
        process.run(rig.engine(&process).adopt(&adoption(&rig), Secret::new(TEXT))).await;
        process.kill();
        let (keys, rotations) = rig.store.look(|kept| (kept.keys.len(), kept.rotations.len()));
        assert_eq!(keys, rotations, "died at {tick}");
        adopted += keys;
    }
    assert!((1..40).contains(&adopted), "{adopted}");
    for (call, fault) in
        [(Call::Begin, Fault::Refused), (Call::List, Fault::Unreachable), (Call::Prove, Fault::Broken)]
    {
        let rig = rig(KeyModel::Many);
        by_hand(&rig, "by-hand", TEXT, made());
        rig.faults.once(call, 0, fault);
        assert!(rig.calm_engine().adopt(&adoption(&rig), Secret::new(TEXT)).await.is_err());
        assert_eq!(rig.store.look(|kept| kept.keys.len() + kept.rotations.len()), 0);
        rig.calm_engine().adopt(&adoption(&rig), Secret::new(TEXT)).await.unwrap();
    }
}
