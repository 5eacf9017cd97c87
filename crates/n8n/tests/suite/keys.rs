//! Keys: made, listed, used, killed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use model::{
    Fingerprint, Issuer, IssuerErrorKind as Kind, KeyModel, NewKey, ScopeSupport, Secret, SignedDuration,
};

use n8n::testing::MemoryKeeper;

use super::{Ground, assert_kind, clean_up, expiring, new_key, scopes};

pub(crate) async fn learns_what_it_can_do(ground: &Ground) {
    let (client, learned) = ground.learned().await;
    let seen = &learned.capabilities;
    assert_eq!((seen.keys, seen.scopes, seen.expiry, seen.discover), ground.capabilities());
    assert_eq!(seen.available_scopes.len(), ground.scopes);
    assert_eq!(learned.version.as_deref(), Some(ground.version));
    assert_eq!(
        (learned.user.email.as_str(), learned.user.role.as_str()),
        (ground.email.as_str(), ground.role)
    );
    // Asking made nothing and killed nothing.
    assert_eq!(n8n::N8nIssuer::new(client, seen.clone()).list().await.unwrap(), []);
}

pub(crate) async fn learns_without_a_session(ground: &Ground) {
    let nobody = Arc::new(MemoryKeeper::new("nobody@example.com", "canary", None));
    let client = ground.client(Arc::clone(&nobody));
    let seen = client.learn_from_outside().await.unwrap();
    let can = &seen.capabilities;
    assert_eq!((can.keys, can.scopes, can.expiry, can.discover), ground.capabilities());
    assert!(seen.version.is_none_or(|version| version == ground.version));
    // Where it describes its calls, everything that a user may give is among what they need.
    let (_, learned) = ground.learned().await;
    let unnamed =
        learned.capabilities.available_scopes.iter().find(|scope| !can.available_scopes.contains(scope));
    assert!(can.available_scopes.is_empty() || unnamed.is_none(), "{unnamed:?}");
    client.check_from_outside(can).await.unwrap();
    assert_eq!(nobody.logins(), 0);
}

pub(crate) async fn a_key_lives_and_dies(ground: &Ground) {
    let issuer = ground.issuer().await;
    issuer.check().await.unwrap();
    let new = new_key(issuer.capabilities());
    let mut times = Vec::new();
    let mut lap =
        |name: &str, since: Instant| times.push(format!("{name} {} ms", since.elapsed().as_millis()));

    let since = Instant::now();
    let key = issuer.create(&new).await.unwrap();
    lap("create", since);
    if issuer.capabilities().keys == KeyModel::Many {
        assert_eq!(key.label, new.label);
        assert_eq!(BTreeSet::from_iter(key.scopes.clone()), BTreeSet::from_iter(new.scopes.clone()));
    }
    assert!(key.secret.expose().len() >= 88, "a text of {} bytes", key.secret.expose().len());

    let since = Instant::now();
    let listed = issuer.list().await.unwrap();
    lap("list", since);
    let found = listed.iter().find(|listed| listed.native_id == key.native_id).expect("listed");
    assert_eq!((&found.label, &found.scopes), (&key.label, &key.scopes));

    let since = Instant::now();
    let proof = issuer.prove(&key.secret, &new.scopes).await.unwrap();
    lap("prove", since);
    assert_eq!((proof.status, proof.call.starts_with("GET /api/v1/")), (200, true));

    let since = Instant::now();
    issuer.delete(&key.native_id).await.unwrap();
    lap("delete", since);
    let since = Instant::now();
    let death = issuer.prove_dead(&key.secret).await.unwrap();
    lap("prove-dead", since);
    assert_eq!(death.status, 401);
    assert_kind(issuer.prove(&key.secret, &new.scopes).await, Kind::NotProved);
    assert!(issuer.list().await.unwrap().iter().all(|listed| listed.native_id != key.native_id));
    // Gone before is gone.
    issuer.delete(&key.native_id).await.unwrap();
    println!("{}: {}", ground.version, times.join(", "));
}

pub(crate) async fn a_key_is_proved_with_its_scopes(ground: &Ground) {
    let issuer = ground.issuer().await;
    let new = new_key(issuer.capabilities());
    let key = issuer.create(&new).await.unwrap();
    let mut other_way: Vec<_> = new.scopes.clone();
    other_way.reverse();
    let proof = issuer.prove(&key.secret, &other_way).await.unwrap();
    if issuer.capabilities().scopes == ScopeSupport::Enforced {
        let own = proof.scopes.expect("the key tells its scopes");
        assert_eq!(BTreeSet::from_iter(own), BTreeSet::from_iter(new.scopes.clone()));
        let fewer = assert_kind(issuer.prove(&key.secret, &scopes("tag:list")).await, Kind::NotProved);
        assert!(fewer.line().contains("`workflow:list` too many"), "{}", fewer.line());
        let more = issuer.prove(&key.secret, &scopes("tag:list workflow:list workflow:read")).await;
        assert!(assert_kind(more, Kind::NotProved).line().contains("lacks `workflow:read`"));
        // Let in is alive, whatever it may do.
        let narrow = NewKey { scopes: scopes("tag:list"), ..new_key(issuer.capabilities()) };
        let narrow = issuer.create(&narrow).await.unwrap();
        assert_kind(issuer.prove_dead(&narrow.secret).await, Kind::StillAlive);
        clean_up(&issuer, vec![narrow]).await;
    } else {
        assert_eq!(proof.scopes, None);
    }
    clean_up(&issuer, vec![key]).await;
}

pub(crate) async fn a_living_key_is_not_proved_dead(ground: &Ground) {
    let issuer = ground.issuer().await;
    let key = issuer.create(&new_key(issuer.capabilities())).await.unwrap();
    assert_kind(issuer.prove_dead(&key.secret).await, Kind::StillAlive);
    let made_up = Secret::new(format!("n8n_api_{}", "0c".repeat(40)));
    assert_kind(issuer.prove(&made_up, &[]).await, Kind::NotProved);
    assert_eq!(issuer.prove_dead(&made_up).await.unwrap().status, 401);
    assert_kind(issuer.prove(&Secret::new("can\nary"), &[]).await, Kind::NotProved);
    clean_up(&issuer, vec![key]).await;
}

pub(crate) async fn a_second_key_does_what_the_version_does(ground: &Ground) {
    let issuer = ground.issuer().await;
    let new = new_key(issuer.capabilities());
    let first = issuer.create(&new).await.unwrap();
    match issuer.capabilities().keys {
        KeyModel::Many => {
            assert_kind(issuer.create(&new).await, Kind::Clash);
            let second = issuer.create(&new_key(issuer.capabilities())).await.unwrap();
            issuer.prove(&first.secret, &new.scopes).await.unwrap();
            clean_up(&issuer, vec![first, second]).await;
        }
        KeyModel::OneRefused => {
            assert_kind(issuer.create(&new).await, Kind::OneKeyOnly);
            issuer.prove(&first.secret, &[]).await.unwrap();
            clean_up(&issuer, vec![first]).await;
        }
        KeyModel::OneOverwritten => {
            let second = issuer.create(&new).await.unwrap();
            issuer.prove_dead(&first.secret).await.unwrap();
            issuer.prove(&second.secret, &[]).await.unwrap();
            clean_up(&issuer, vec![second]).await;
        }
    }
}

pub(crate) async fn keys_made_at_once_are_all_different(ground: &Ground) {
    let issuer = Arc::new(ground.issuer().await);
    if issuer.capabilities().keys != KeyModel::Many {
        // One at a time is all there can be; the others are refused or overwritten, never the same.
        let both = [new_key(issuer.capabilities()), new_key(issuer.capabilities())];
        let (one, two) = tokio::join!(issuer.create(&both[0]), issuer.create(&both[1]));
        let made: Vec<_> = [one, two].into_iter().flatten().collect();
        let texts: BTreeSet<_> = made.iter().map(|key| Fingerprint::of(&key.secret)).collect();
        assert_eq!(texts.len(), made.len());
        issuer.delete(&made[0].native_id).await.unwrap();
        return;
    }
    let capabilities = issuer.capabilities().clone();
    let wanted: Vec<NewKey> =
        (0..24).map(|_| expiring(&capabilities)).chain((0..3).map(|_| new_key(&capabilities))).collect();
    let tasks: Vec<_> = wanted
        .into_iter()
        .map(|new| {
            let issuer = issuer.clone();
            tokio::spawn(async move { issuer.create(&new).await.unwrap() })
        })
        .collect();
    let mut made = Vec::new();
    for task in tasks {
        made.push(task.await.unwrap());
    }
    let texts: BTreeSet<_> = made.iter().map(|key| Fingerprint::of(&key.secret)).collect();
    assert_eq!(texts.len(), 27);
    clean_up(&issuer, made).await;
}

pub(crate) async fn a_dead_key_does_not_come_alive_again(ground: &Ground) {
    let issuer = ground.issuer().await;
    let mut texts = BTreeSet::new();
    for _ in 0..3 {
        let key = issuer.create(&new_key(issuer.capabilities())).await.unwrap();
        assert!(texts.insert(Fingerprint::of(&key.secret)), "the text of a dead key");
        clean_up(&issuer, vec![key]).await;
    }
}

pub(crate) async fn keys_end_when_asked(ground: &Ground) {
    let issuer = ground.issuer().await;
    let new = expiring(issuer.capabilities());
    let key = issuer.create(&new).await.unwrap();
    let wanted = new.expires_at.unwrap();
    if issuer.capabilities().expiry {
        let end = key.expires_at.expect("an end");
        assert!(end <= wanted + SignedDuration::from_secs(1), "{end} is later than {wanted}");
        assert!(end >= wanted - SignedDuration::from_secs(602), "{end} is much earlier than {wanted}");
        let listed = issuer.list().await.unwrap();
        let listed = listed.iter().find(|listed| listed.native_id == key.native_id).unwrap();
        assert_eq!(listed.expires_at, Some(end));
    } else {
        assert_eq!(key.expires_at, None);
    }
    clean_up(&issuer, vec![key]).await;
}

pub(crate) async fn what_n8n_refuses_is_refused(ground: &Ground) {
    let issuer = ground.issuer().await;
    if issuer.capabilities().keys == KeyModel::Many {
        let good = new_key(issuer.capabilities());
        let no_scopes = NewKey { scopes: Vec::new(), ..good.clone() };
        assert_kind(issuer.create(&no_scopes).await, Kind::Refused);
        let past = NewKey {
            expires_at: Some(model::Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1)),
            ..good.clone()
        };
        assert_kind(issuer.create(&past).await, Kind::Refused);
        let odd = NewKey { scopes: scopes("no-such:scope"), ..good.clone() };
        assert_kind(issuer.create(&odd).await, Kind::Refused);
        let long = NewKey { label: "x".repeat(51), ..good };
        assert_kind(issuer.create(&long).await, Kind::Refused);
    }
    assert_kind(issuer.delete("../login").await, Kind::Bug);
    assert_eq!(issuer.list().await.unwrap(), []);
}

pub(crate) async fn lists_are_shared_and_never_old(ground: &Ground) {
    let issuer = Arc::new(ground.issuer().await);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let issuer = issuer.clone();
            tokio::spawn(async move { issuer.list().await.unwrap() })
        })
        .collect();
    let key = issuer.create(&new_key(issuer.capabilities())).await.unwrap();
    // Whatever was under way: a list asked for now has the key.
    assert!(issuer.list().await.unwrap().iter().any(|listed| listed.native_id == key.native_id));
    for task in tasks {
        assert!(task.await.unwrap().len() <= 1);
    }
    clean_up(&issuer, vec![key]).await;
}

pub(crate) async fn checks_are_shared_and_kept(ground: &Ground) {
    let issuer = Arc::new(ground.issuer().await);
    let since = Instant::now();
    issuer.check().await.unwrap();
    let first = since.elapsed();
    let since = Instant::now();
    for _ in 0..1000 {
        issuer.check().await.unwrap();
    }
    // A thousand checks that asked would take a thousand times as long as one.
    assert!(since.elapsed() < first * 100, "{:?} after {first:?}", since.elapsed());
}

pub(crate) async fn a_long_list_is_read_whole(ground: &Ground) {
    const COUNT: usize = 270;
    let issuer = Arc::new(ground.issuer().await);
    if issuer.capabilities().keys != KeyModel::Many {
        return;
    }
    let since = Instant::now();
    let free = Arc::new(tokio::sync::Semaphore::new(16));
    let tasks: Vec<_> = (0..COUNT)
        .map(|_| {
            let (issuer, free) = (issuer.clone(), free.clone());
            tokio::spawn(async move {
                let _turn = free.acquire().await.unwrap();
                issuer.create(&expiring(issuer.capabilities())).await.unwrap()
            })
        })
        .collect();
    let mut made = Vec::new();
    for task in tasks {
        made.push(task.await.unwrap());
    }
    let created = since.elapsed();
    let since = Instant::now();
    let listed: BTreeSet<_> = issuer.list().await.unwrap().into_iter().map(|key| key.native_id).collect();
    let read = since.elapsed();
    assert_eq!(listed, made.iter().map(|key| key.native_id.clone()).collect());
    // While keys die, a list misses none that lives.
    let keep = made.pop().unwrap();
    let since = Instant::now();
    let tasks: Vec<_> = made
        .into_iter()
        .map(|key| {
            let (issuer, free) = (issuer.clone(), free.clone());
            tokio::spawn(async move {
                let _turn = free.acquire().await.unwrap();
                issuer.delete(&key.native_id).await.unwrap();
            })
        })
        .collect();
    while !tasks.iter().all(tokio::task::JoinHandle::is_finished) {
        assert!(issuer.list().await.unwrap().iter().any(|listed| listed.native_id == keep.native_id));
    }
    for task in tasks {
        task.await.unwrap();
    }
    println!(
        "{}: {COUNT} keys: create {created:?}, list {read:?}, delete {:?}",
        ground.version,
        since.elapsed()
    );
    assert_eq!(issuer.list().await.unwrap().len(), 1);
    clean_up(&issuer, vec![keep]).await;
}
