//! Sessions: opened once, kept, renewed, ended.

use std::sync::Arc;

use model::{Issuer as _, IssuerErrorKind as Kind, Retry, SecondFactor, Secret};
use n8n::N8nIssuer;
use n8n::testing::MemoryKeeper;

use super::{Ground, assert_kind};

/// A kept session whose cookie no longer opens anything.
fn spoilt(kept: &Secret) -> Secret {
    let mut kept: serde_json::Value = serde_json::from_str(kept.expose()).unwrap();
    let cookie = kept["cookie"].as_str().unwrap();
    let turned: String = cookie.chars().rev().take(8).collect();
    let kept_part: String = cookie.chars().take(cookie.len() - 8).collect();
    let spoilt = kept_part + &turned;
    assert_ne!(spoilt, cookie);
    kept["cookie"] = spoilt.into();
    Secret::new(kept.to_string())
}

pub(crate) async fn a_session_is_kept_and_used_again(ground: &Ground) {
    let keeper = ground.keeper();
    ground.client(keeper.clone()).user().await.unwrap();
    let kept = keeper.kept().expect("a session");
    // Another process, later.
    let later = ground.client(keeper.clone());
    later.user().await.unwrap();
    assert_eq!(later.learn().await.unwrap().user.email, ground.email);
    assert_eq!((keeper.logins(), keeper.kept()), (1, Some(kept)));
}

pub(crate) async fn a_refused_session_costs_one_login(ground: &Ground) {
    let keeper = ground.keeper();
    ground.client(keeper.clone()).user().await.unwrap();
    keeper.put(Some(spoilt(&keeper.kept().unwrap())));
    let client = ground.client(keeper.clone());
    let callers: Vec<_> = (0..64)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.user().await.unwrap() })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap().email, ground.email);
    }
    assert_eq!(keeper.logins(), 2);
}

pub(crate) async fn a_broken_or_foreign_session_is_not_sent(ground: &Ground) {
    let keeper = ground.keeper();
    ground.client(keeper.clone()).user().await.unwrap();
    let mut foreign: serde_json::Value = serde_json::from_str(keeper.kept().unwrap().expose()).unwrap();
    foreign["base_url"] = "https://elsewhere.example".into();
    for (kept, logins) in [("{".to_owned(), 2), (foreign.to_string(), 3)] {
        keeper.put(Some(Secret::new(kept)));
        ground.client(keeper.clone()).user().await.unwrap();
        assert_eq!(keeper.logins(), logins);
    }
}

pub(crate) async fn a_wrong_password_is_refused_once_for_all(ground: &Ground) {
    let keeper = Arc::new(MemoryKeeper::new(&ground.email, "Canary-wrong-1", None));
    let client = ground.client(keeper.clone());
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.user().await })
        })
        .collect();
    for caller in callers {
        assert_kind(caller.await.unwrap(), Kind::LoginRefused);
    }
    assert_eq!((keeper.logins(), keeper.kept()), (1, None));
    let no_address = Arc::new(MemoryKeeper::new("nobody", "Canary-wrong-1", None));
    assert_kind(ground.client(no_address).user().await, Kind::LoginRefused);
}

pub(crate) async fn too_many_logins_are_throttled(ground: &Ground) {
    let mut last = None;
    for _ in 0..6 {
        let keeper = Arc::new(MemoryKeeper::new(&ground.email, "Canary-wrong-1", None));
        let client = ground.client(keeper);
        last = Some((client.user().await.unwrap_err(), client));
    }
    let (refused, client) = last.unwrap();
    let report = assert_kind::<()>(Err(refused), Kind::Throttled);
    let Retry::Later(Some(wait)) = report.retry else { panic!("{report:?}") };
    assert!((1..=60).contains(&wait.as_secs()), "{wait:?}");
    // While it lasts, n8n is not even asked.
    assert!(assert_kind(client.user().await, Kind::Throttled).line().contains("are left"));
}

pub(crate) async fn logout_ends_the_session(ground: &Ground) {
    let keeper = ground.keeper();
    let client = ground.client(keeper.clone());
    client.user().await.unwrap();
    let kept = keeper.kept().unwrap();
    client.logout().await.unwrap();
    assert_eq!(keeper.kept(), None);
    // What was kept opens nothing any more: it costs a login.
    keeper.put(Some(kept));
    ground.client(keeper.clone()).user().await.unwrap();
    assert_eq!(keeper.logins(), 2);
    // Ending what is not there is no error.
    ground.client(ground.keeper()).logout().await.unwrap();
}

/// Only where the ground's user has a second factor.
pub(crate) async fn a_second_factor_opens_a_session(ground: &Ground) {
    let (seed, recovery_codes) = ground.mfa.clone().expect("a second factor");
    let with = |factor: Option<SecondFactor>| {
        ground.client(Arc::new(MemoryKeeper::new(&ground.email, &ground.password, factor)))
    };
    assert_kind(with(None).user().await, Kind::SecondFactorRequired);
    let totp = with(Some(SecondFactor::TotpSeed(Secret::new(seed.to_lowercase()))));
    let learned = totp.learn().await.unwrap();
    N8nIssuer::new(totp, learned.capabilities).check().await.unwrap();
    let recovery = || with(Some(SecondFactor::RecoveryCode(Secret::new(recovery_codes[0].clone()))));
    recovery().user().await.unwrap();
    // Each works once. This is the fifth login; a sixth would be too many.
    let again = assert_kind(recovery().user().await, Kind::LoginRefused);
    assert!(again.line().contains("second factor"), "{}", again.line());
}

/// The other half of the one above, for another user: n8n counts logins.
pub(crate) async fn a_wrong_second_factor_is_refused(ground: &Ground) {
    let with = |factor: SecondFactor| {
        ground.client(Arc::new(MemoryKeeper::new(&ground.email, &ground.password, Some(factor))))
    };
    let other_seed = SecondFactor::TotpSeed(Secret::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
    assert_kind(with(other_seed).user().await, Kind::LoginRefused);
    assert_kind(with(SecondFactor::Code(Secret::new("000000"))).user().await, Kind::LoginRefused);
}
