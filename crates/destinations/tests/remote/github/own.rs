//! What GitHub alone does.

use std::{sync::Arc, time::Duration};

use destinations::Context;
use model::{Confirmation, DestinationErrorKind as Kind, Fingerprint, Hook, Retry, SignedDuration};
use serde_json::json;

use super::{Environment, GitHubPlace, NAME, Organisation, Repository, TOKEN};
use crate::{
    place::{RemotePlace, key, open, open_with, services},
    server::{Seen, Server},
};

type AtRepository = GitHubPlace<Repository>;

fn hook(place: &AtRepository, address: &str) -> Result<Arc<dyn Hook>, model::DestinationError> {
    let context = Context {
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        rotation: None,
        hidden_variables: Vec::new(),
        services: services(place, &[]),
    };
    destinations::open_hook(&address.parse().unwrap(), &context)
}

fn writes(server: &Server) -> Vec<Seen> {
    server.seen().into_iter().filter(Seen::writes).collect()
}

#[tokio::test]
async fn a_changed_public_key_is_looked_up_again() {
    let place = AtRepository::start().await;
    let destination = open(&place);
    place.server().before_write(place.change_by_hand());
    destination.deliver(&key("one")).await.unwrap();
    assert_eq!(place.look().as_deref(), Some(key("one").expose()));
    assert_eq!(writes(place.server()).len(), 2);
    place.server().assert_clean();
}

#[tokio::test]
async fn who_sees_an_organisations_secret_is_kept() {
    let place = GitHubPlace::<Organisation>::start().await;
    let destination = open(&place);
    let visible = || {
        place.with(|state| {
            let secret = &state.secrets[NAME];
            (secret.visibility.clone(), secret.selected.clone())
        })
    };
    destination.deliver(&key("one")).await.unwrap();
    assert_eq!(visible(), ("private".to_owned(), vec![]), "a new one is for private repositories");
    let many: Vec<u64> = (1..=250).collect();
    place.with(|state| {
        let secret = state.secrets.get_mut(NAME).unwrap();
        (secret.visibility, secret.selected) = ("selected".to_owned(), many.clone());
    });
    destination.deliver(&key("two")).await.unwrap();
    assert_eq!(visible(), ("selected".to_owned(), many));
    place.with(|state| "all".clone_into(&mut state.secrets.get_mut(NAME).unwrap().visibility));
    destination.deliver(&key("three")).await.unwrap();
    assert_eq!(visible().0, "all");
    destination.restore(None).await.unwrap();
    open_with(&place, &[("visibility", "selected")]).deliver(&key("one")).await.unwrap();
    assert_eq!(visible(), ("selected".to_owned(), vec![]), "for nobody, until somebody is selected");
    place.server().assert_clean();
}

#[tokio::test]
async fn a_confirmation_says_when_it_was_changed_and_sees_another_writer() {
    let place = GitHubPlace::<Environment>::start().await;
    let destination = open(&place);
    destination.deliver(&key("one")).await.unwrap();
    let wanted = Fingerprint::of(&key("one"));
    let Confirmation::Seen(seen) = destination.confirm(&wanted).await.unwrap() else { panic!("unreadable") };
    assert_eq!(seen, format!("updated_at {}", place.with(|state| state.secrets[NAME].updated_at.clone())));
    let other = destination.confirm(&Fingerprint::of(&key("two"))).await.unwrap_err();
    assert!(other.report.because[0].contains("another key"), "{other}");
    for (late, because) in [(600, "somebody else"), (-600, "not changed")] {
        place.with(|state| {
            state.late_secs = late;
            state.put(NAME, "by-hand");
        });
        let failure = destination.confirm(&wanted).await.unwrap_err();
        assert_eq!(failure.kind, Kind::NotConfirmed);
        assert!(failure.report.because[0].contains(because), "{failure}");
        // Another process knows only that it is there; and this one, where another wrote after it.
        open(&place).confirm(&wanted).await.unwrap();
        let of_another = destination.confirm(&Fingerprint::of(&key("two"))).await;
        assert_eq!(of_another.is_ok(), late > 0, "{of_another:?}");
    }
    place.server().assert_clean();
}

#[tokio::test]
async fn a_403_that_asks_to_wait_is_no_missing_permission() {
    let header = |name: &str, value: String| (name.to_owned(), value);
    #[expect(clippy::disallowed_methods, reason = "GitHub says when, not how long")]
    let soon = model::Timestamp::try_from(std::time::SystemTime::now()).unwrap().as_second() + 900;
    for (headers, least, most) in [
        (vec![header("retry-after", "120".to_owned())], 120, 120),
        (
            vec![header("x-ratelimit-remaining", "0".into()), header("x-ratelimit-reset", soon.to_string())],
            890,
            900,
        ),
        (vec![header("x-ratelimit-remaining", "0".into())], 60, 60),
    ] {
        let place = AtRepository::start().await;
        place.with(|state| state.headers = headers);
        let failure = open(&place).deliver(&key("one")).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Throttled, "{failure}");
        let Retry::Later(Some(wait)) = failure.report.retry else { panic!("{failure:?}") };
        assert!(
            (SignedDuration::from_secs(least)..=SignedDuration::from_secs(most)).contains(&wait),
            "{wait:?}"
        );
        assert_eq!(writes(place.server()).len(), 1);
    }
}

#[tokio::test]
async fn a_missing_permission_is_told_in_githubs_words() {
    for (name, value, because) in [
        ("x-accepted-github-permissions", "secrets=write", "`secrets=write`"),
        ("x-github-sso", "required; url=https://example.com/canary", "single sign-on"),
    ] {
        let place = AtRepository::start().await;
        place.with(|state| state.headers = vec![(name.to_owned(), value.to_owned())]);
        let failure = open(&place).deliver(&key("one")).await.unwrap_err();
        assert_eq!((failure.kind, failure.report.retry), (Kind::Denied, Retry::AfterFix));
        assert!(
            failure.report.because[0].contains(because) && !failure.to_string().contains("canary"),
            "{failure}"
        );
    }
}

/// Settings and variables of an App, in place of a token.
struct ByApp(AtRepository);

impl RemotePlace for ByApp {
    const READABLE: bool = false;
    const LOCKED: bool = false;

    async fn start() -> Self {
        Self(AtRepository::start().await)
    }

    fn server(&self) -> &Server {
        self.0.server()
    }

    fn settings(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let settings = [
            ("url", self.server().url.as_str()),
            ("app_id", "123456"),
            ("installation_id", "4567890"),
            ("private_key", "env:APP_KEY"),
        ];
        ("github", settings.map(|(name, value)| (name, value.to_owned())).to_vec())
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let (der, kind) = (include_str!("../../data/rfc7515-a2.txt"), "RSA PRIVATE KEY");
        vec![("APP_KEY", format!("-----BEGIN {kind}-----\n{der}-----END {kind}-----\n"))]
    }

    fn address(&self) -> String {
        self.0.address()
    }

    fn put_by_hand(&self, key: &str) {
        self.0.put_by_hand(key);
    }

    fn look(&self) -> Option<String> {
        self.0.look()
    }

    fn surroundings(&self) -> String {
        self.0.surroundings()
    }

    fn change_by_hand(&self) -> Box<dyn FnOnce() + Send> {
        self.0.change_by_hand()
    }

    fn take_away(&self) -> bool {
        self.0.take_away()
    }

    fn forbid(&self) {
        self.0.forbid();
    }

    fn lock_out(&self) {
        self.0.lock_out();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_logs_in_once_and_again_when_its_token_has_ended() {
    let place = ByApp::start().await;
    let destination = open(&place);
    let (one, two) = (key("one"), key("two"));
    let both = tokio::join!(destination.deliver(&one), destination.check());
    assert_eq!((both.0, both.1), (Ok(()), Ok(())));
    let issued = || place.0.with(|state| state.issued);
    assert_eq!(issued(), 1, "callers share one login");
    // What was given is no longer taken.
    place.0.with(|state| state.issued += 1);
    destination.deliver(&two).await.unwrap();
    assert_eq!((place.look().as_deref(), issued()), (Some(two.expose()), 3));
    // What it may not do is known without trying.
    place.0.with(|state| {
        state.permissions = json!({"secrets": "read", "metadata": "read"});
        state.issued += 1;
    });
    let failure = destination.check().await.unwrap_err();
    assert_eq!(failure.kind, Kind::Denied);
    assert!(failure.report.because[0].contains("`secrets: write` on `acme/site`"), "{failure}");
    place.server().assert_clean();
}

#[tokio::test]
async fn a_hook_runs_a_workflow() {
    let place = AtRepository::start().await;
    let address = "github:acme/site/deploy.yml@release/v1?environment=prod";
    let deploy = hook(&place, address).unwrap();
    deploy.check().await.unwrap();
    assert!(place.with(|state| state.runs.is_empty()), "a check runs nothing");
    assert!(deploy.run().await.unwrap().contains("`deploy.yml` at `release/v1`"));
    hook(&place, "github:acme/site/deploy.yml@main").unwrap().run().await.unwrap();
    let runs = [json!({"ref": "release/v1", "inputs": {"environment": "prod"}}), json!({"ref": "main"})];
    assert_eq!(place.with(|state| state.runs.clone()), runs);
    place.with(|state| state.refused = Some(422));
    let failure = deploy.run().await.unwrap_err();
    assert!(failure.report.because[0].contains("`workflow_dispatch`"), "{failure}");
    place.with(|state| state.refused = Some(403));
    let failure = deploy.run().await.unwrap_err();
    assert!(failure.report.because[0].contains("`actions: write` on `acme/site`"), "{failure}");
    place.with(|state| state.workflow = "disabled_manually");
    let failure = deploy.check().await.unwrap_err();
    assert!(failure.report.because[0].contains("`disabled_manually`"), "{failure}");
    let failure = hook(&place, "github:acme/site#N8N_API_KEY").err().unwrap();
    assert_eq!(failure.kind, Kind::BadAddress);
    place.server().assert_clean();
}

#[tokio::test]
async fn a_throttled_dispatch_is_sent_again_only_where_it_was_not_taken() {
    let place = AtRepository::start().await;
    let deploy = hook(&place, "github:acme/site/deploy.yml@main").unwrap();
    place.server().fail_once(crate::server::To::Writes, crate::server::Fault::Throttled(0));
    deploy.run().await.unwrap();
    assert_eq!(place.with(|state| state.runs.len()), 1);
    place.server().fail(crate::server::To::Writes, crate::server::Fault::Status(502));
    assert_eq!(deploy.run().await.unwrap_err().kind, Kind::Failed);
    assert_eq!(writes(place.server()).len(), 3, "a failure is not tried again");
}

#[tokio::test]
async fn a_search_is_told_where() {
    let place = AtRepository::start().await;
    let mut search = destinations::Search::new(Vec::new(), 100);
    let config = destinations::ServiceConfig::new("github", None, std::collections::BTreeMap::new()).unwrap();
    let nowhere = destinations::Services::new(vec![config], Arc::new(destinations::Nowhere));
    nowhere.search("github", &mut search).await.unwrap();
    assert_eq!((search.reads, search.left_out.len()), (0, 1), "{search:?}");
    assert!(search.left_out[0].contains("`search` in [service.github]"), "{search:?}");
    // An App knows where it is installed.
    let place = ByApp(place);
    place.put_by_hand("old");
    let mut search = destinations::Search::new(Vec::new(), 100);
    services(&place, &[]).search("github", &mut search).await.unwrap();
    assert_eq!(search.found.iter().map(|found| found.at.as_str()).collect::<Vec<_>>(), [place.address()]);
}

#[tokio::test]
async fn the_environment_says_all() {
    let place = AtRepository::start().await;
    let variables = [
        ("GITHUB_TOKEN", "canary-of-the-workflow"),
        ("GH_TOKEN", TOKEN),
        ("GITHUB_API_URL", &place.server().url),
    ];
    let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let destination = crate::place::open_undeclared(&place, variables);
    tokio::time::timeout(Duration::from_secs(10), destination.deliver(&key("one"))).await.unwrap().unwrap();
    assert_eq!(place.look().as_deref(), Some(key("one").expose()));
    place.server().assert_clean();
}
