//! Answers that are lost, late or wrong, and how much is asked when many ask at once.

use std::sync::Arc;

use model::{Issuer as _, IssuerErrorKind as Kind, Retry, SignedDuration};
use n8n::testing::{MemoryKeeper, RandomIds, WallClock};
use n8n::{BaseUrl, ClientConfig, InsecureHttp, N8nClient, N8nIssuer, Timeouts, Transport};
use sandbox::{Effect, Fault, Matcher, Options, Profile, Sandbox};

use crate::suite::{assert_kind, expiring, new_key};

async fn issuer(profile: Profile) -> (Sandbox, Arc<N8nIssuer>) {
    let sandbox = Sandbox::start(profile, Options::default()).await.unwrap();
    let keeper = MemoryKeeper::new(Options::OWNER_EMAIL, Options::OWNER_PASSWORD, None);
    let config = ClientConfig {
        name: "sandbox".parse().unwrap(),
        base_url: BaseUrl::parse(&sandbox.url(), InsecureHttp::Refused).unwrap(),
        transport: Transport::default(),
        timeouts: Timeouts::default(),
        clock: Arc::new(WallClock),
        ids: Arc::new(RandomIds),
    };
    let client = Arc::new(N8nClient::new(config, Arc::new(keeper)).unwrap());
    let learned = client.learn().await.unwrap();
    (sandbox, Arc::new(N8nIssuer::new(client, learned.capabilities)))
}

fn asked(sandbox: &Sandbox, method: &str, prefix: &str) -> usize {
    let calls = sandbox.calls();
    calls.iter().filter(|call| call.method == method && call.path.starts_with(prefix)).count()
}

#[tokio::test]
async fn a_wall_of_401_tells_nothing_about_what_is_behind_it() {
    for profile in [Profile::V1_123, Profile::V1_60] {
        let (sandbox, issuer) = issuer(profile).await;
        // As a gateway answers that lets calls of the public API through, and nothing else.
        sandbox.faults().push(Fault::always(Matcher::any().path("/rest/"), Effect::Status(401)));
        let report = assert_kind(issuer.client().learn_from_outside().await, Kind::Unsupported);
        assert!(report.because[0].contains("401 to every call"), "{report:?}");
    }
    // Nothing there is needed where keys can ask for their own scopes.
    let (sandbox, issuer) = issuer(Profile::V2_41).await;
    sandbox.faults().push(Fault::always(Matcher::any().path("/rest/"), Effect::Status(401)));
    let seen = issuer.client().learn_from_outside().await.unwrap();
    assert_eq!((seen.capabilities.discover, seen.version), (true, None));
}

#[tokio::test]
async fn a_lost_answer_to_a_create_leaves_a_key_that_its_label_finds() {
    for profile in [Profile::V2_41, Profile::V1_123] {
        let (sandbox, issuer) = issuer(profile).await;
        let on = Matcher::of("POST", "/rest/api-keys");
        for (effect, kind) in
            [(Effect::LostAnswer, Kind::Unreachable), (Effect::StatusAfter(500), Kind::Failed)]
        {
            sandbox.faults().push(Fault::once(on.clone(), effect));
            let new = expiring(issuer.capabilities());
            assert_kind(issuer.create(&new).await, kind);
            let listed = issuer.list().await.unwrap();
            let orphan = listed.iter().find(|key| key.label == new.label).expect("made, though not told");
            issuer.delete(&orphan.native_id).await.unwrap();
        }
        assert_eq!(issuer.list().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_delete_is_believed_by_what_is_there_and_not_by_its_answer() {
    for profile in Profile::ALL {
        let (sandbox, issuer) = issuer(profile).await;
        let on = Matcher::any().method("DELETE");
        for effect in [Effect::LostAnswer, Effect::StatusAfter(500)] {
            let key = issuer.create(&new_key(issuer.capabilities())).await.unwrap();
            sandbox.faults().push(Fault::once(on.clone(), effect));
            issuer.delete(&key.native_id).await.unwrap();
            issuer.prove_dead(&key.secret).await.unwrap();
        }
        let key = issuer.create(&new_key(issuer.capabilities())).await.unwrap();
        // Taken, and not done.
        sandbox.faults().push(Fault::once(on.clone(), Effect::Status(200)));
        assert_kind(issuer.delete(&key.native_id).await, Kind::StillAlive);
        sandbox.faults().push(Fault::once(on, Effect::RefuseBefore));
        assert_kind(issuer.delete(&key.native_id).await, Kind::Unreachable);
        issuer.delete(&key.native_id).await.unwrap();
    }
}

#[tokio::test]
async fn throttling_says_how_long() {
    let (sandbox, issuer) = issuer(Profile::V2_41).await;
    let on = Matcher::of("POST", "/rest/api-keys");
    sandbox.faults().push(Fault::once(on, Effect::TooMany { retry_after_s: 9 }));
    let report = assert_kind(issuer.create(&new_key(issuer.capabilities())).await, Kind::Throttled);
    assert_eq!(report.retry, Retry::Later(Some(SignedDuration::from_secs(9))));
}

#[tokio::test]
async fn a_check_fails_where_a_proof_would_mean_nothing() {
    for (effect, kind) in [
        (Effect::Status(404), Kind::Unsupported),
        (Effect::Status(500), Kind::Failed),
        (Effect::Hostile(sandbox::Hostile::Bytes(b"{\"data\":[]}".to_vec())), Kind::Hostile),
    ] {
        let (sandbox, issuer) = issuer(Profile::V2_41).await;
        sandbox.faults().push(Fault::always(Matcher::any().path("/api/v1"), effect));
        assert_kind(issuer.check().await, kind);
        sandbox.faults().clear();
        issuer.check().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_ask_little() {
    const TURNS: usize = 640;
    let (sandbox, issuer) = issuer(Profile::V2_41).await;
    let before = (asked(&sandbox, "GET", "/rest/api-keys?"), asked(&sandbox, "GET", "/rest/login"));
    let free = Arc::new(tokio::sync::Semaphore::new(64));
    let turns: Vec<_> = (0..TURNS)
        .map(|_| {
            let (issuer, free) = (issuer.clone(), free.clone());
            tokio::spawn(async move {
                let _turn = free.acquire().await.unwrap();
                issuer.check().await.unwrap();
                let new = new_key(issuer.capabilities());
                let key = issuer.create(&new).await.unwrap();
                issuer.prove(&key.secret, &new.scopes).await.unwrap();
                issuer.delete(&key.native_id).await.unwrap();
                issuer.prove_dead(&key.secret).await.unwrap();
            })
        })
        .collect();
    for turn in turns {
        turn.await.unwrap();
    }
    let lists = asked(&sandbox, "GET", "/rest/api-keys?") - before.0;
    let users = asked(&sandbox, "GET", "/rest/login") - before.1;
    assert!(lists < TURNS / 2, "{lists} lists for {TURNS} deletes");
    assert_eq!((users, asked(&sandbox, "POST", "/rest/login")), (1, 1));
    println!("{TURNS} turns, 64 at once: {lists} pages of lists");
}
