//! The contract of the `Issuer` port, as one suite for every n8n: sandboxes and real ones.

use std::any::Any;
use std::sync::Arc;

use model::{
    Capabilities, IssuedKey, Issuer as _, IssuerErrorKind as Kind, KeyModel, NewKey, Scope, ScopeSupport,
    SecondFactor, Secret, SignedDuration,
};
use n8n::testing::{MemoryKeeper, RandomIds, WallClock};
use n8n::{BaseUrl, ClientConfig, InsecureHttp, Learned, N8nClient, N8nIssuer, Timeouts, Transport};

pub(crate) mod api;
pub(crate) mod keys;
pub(crate) mod sessions;

/// Where a case takes place: an instance, and a user that nobody else uses.
pub(crate) struct Ground {
    pub(crate) version: &'static str,
    pub(crate) url: String,
    pub(crate) email: String,
    pub(crate) password: String,
    /// TOTP seed and recovery codes, where the user has a second factor.
    pub(crate) mfa: Option<(String, Vec<String>)>,
    /// How many scopes the user has to give.
    pub(crate) scopes: usize,
    pub(crate) role: &'static str,
    /// A session that is open already, to save a login.
    pub(crate) session: Option<Secret>,
    /// What must live as long as the case.
    pub(crate) _keep: Box<dyn Any + Send + Sync>,
}

impl Ground {
    pub(crate) fn keeper(&self) -> Arc<MemoryKeeper> {
        let seed = self.mfa.as_ref().map(|(seed, _)| SecondFactor::TotpSeed(Secret::new(seed.clone())));
        let keeper = MemoryKeeper::new(&self.email, &self.password, seed);
        keeper.put(self.session.clone());
        Arc::new(keeper)
    }

    pub(crate) fn client(&self, keeper: Arc<MemoryKeeper>) -> Arc<N8nClient> {
        let config = ClientConfig {
            name: "contract".parse().unwrap(),
            base_url: BaseUrl::parse(&self.url, InsecureHttp::Refused).unwrap(),
            transport: Transport::default(),
            timeouts: Timeouts::default(),
            clock: Arc::new(WallClock),
            ids: Arc::new(RandomIds),
        };
        Arc::new(N8nClient::new(config, keeper).unwrap())
    }

    pub(crate) async fn learned(&self) -> (Arc<N8nClient>, Learned) {
        let client = self.client(self.keeper());
        let learned = client.learn().await.unwrap();
        (client, learned)
    }

    pub(crate) async fn issuer(&self) -> N8nIssuer {
        let (client, learned) = self.learned().await;
        N8nIssuer::new(client, learned.capabilities)
    }

    /// What the version can do.
    pub(crate) fn capabilities(&self) -> (KeyModel, ScopeSupport, bool, bool) {
        match self.version {
            "2.41.1" => (KeyModel::Many, ScopeSupport::Enforced, true, true),
            "1.123.81" => (KeyModel::Many, ScopeSupport::StoredOnly, true, false),
            "1.72.1" => (KeyModel::OneRefused, ScopeSupport::Absent, false, false),
            _ => (KeyModel::OneOverwritten, ScopeSupport::Absent, false, false),
        }
    }
}

/// A key to be made, with a label that nobody else has.
pub(crate) fn new_key(capabilities: &Capabilities) -> NewKey {
    let label = format!("contract {:024x}", model::Ids::random(&RandomIds) >> 32);
    let scopes = if capabilities.scopes == ScopeSupport::Absent {
        Vec::new()
    } else {
        scopes("workflow:list tag:list")
    };
    NewKey { label, scopes, expires_at: None }
}

pub(crate) fn expiring(capabilities: &Capabilities) -> NewKey {
    let tomorrow = model::Clock::now(&WallClock) + SignedDuration::from_hours(24);
    NewKey { expires_at: Some(tomorrow), ..new_key(capabilities) }
}

pub(crate) fn scopes(text: &str) -> Vec<Scope> {
    text.split(' ').map(|scope| scope.parse().unwrap()).collect()
}

/// Asserts an error's kind, and that its report is fit to be shown.
#[track_caller]
pub(crate) fn assert_kind<T>(result: Result<T, model::IssuerError>, kind: Kind) -> model::Report {
    let error = result.err().expect("an error");
    let all = format!("{} {:?}", error.report.line(), error.report.mend);
    assert_eq!(error.kind, kind, "{all}");
    assert!(!all.chars().any(char::is_control) && !all.contains("anary"), "{all}");
    *error.report
}

/// Deletes what a case made; each must be gone and dead.
pub(crate) async fn clean_up(issuer: &N8nIssuer, keys: Vec<IssuedKey>) {
    for key in keys {
        issuer.delete(&key.native_id).await.unwrap();
        issuer.prove_dead(&key.secret).await.unwrap();
    }
}

/// Every case, as a test of its own on `$ground`.
#[macro_export]
macro_rules! contract {
    ($ground:expr; $($group:ident::{$($case:ident),* $(,)?}),* $(,)?) => {
        $($(
            #[tokio::test]
            async fn $case() {
                if let Some(ground) = $ground.await {
                    $crate::suite::$group::$case(&ground).await;
                }
            }
        )*)*
    };
    ($ground:expr) => {
        $crate::contract!($ground;
            keys::{
                learns_what_it_can_do,
                learns_without_a_session,
                a_key_lives_and_dies,
                a_key_is_proved_with_its_scopes,
                a_living_key_is_not_proved_dead,
                a_second_key_does_what_the_version_does,
                keys_made_at_once_are_all_different,
                a_dead_key_does_not_come_alive_again,
                keys_end_when_asked,
                what_n8n_refuses_is_refused,
                lists_are_shared_and_never_old,
                checks_are_shared_and_kept,
                a_long_list_is_read_whole,
            },
            api::{
                a_list_is_given_whole_in_pages_of_any_size,
                a_list_survives_what_comes_and_goes,
                a_workflow_and_its_versions_are_read,
                credentials_tags_and_users_are_listed,
                executions_are_listed_the_newest_first,
                what_it_can_do_is_told,
                what_may_not_be_read_is_said_so,
            },
            sessions::{
                a_session_is_kept_and_used_again,
                a_refused_session_costs_one_login,
                a_broken_or_foreign_session_is_not_sent,
                a_wrong_password_is_refused_once_for_all,
                too_many_logins_are_throttled,
                logout_ends_the_session,
            },
        );
    };
}
