//! A real n8n, a user of it that nobody else uses, an address of its own.

use model::{Issuer as _, SecondFactor, Secret};
use n8n::testing::{
    Door, FreshUser, MemoryKeeper, MfaSetup, enable_mfa, fresh_user, kept_session, real_instance,
};
use n8n::{BaseUrl, InsecureHttp, N8nIssuer};
use tokio::sync::OnceCell;

use super::hand::Hand;
use super::world::Living;

/// Where a test on a real n8n takes place.
pub(crate) struct Ground {
    door: Door,
    user: FreshUser,
    pub(crate) mfa: Option<MfaSetup>,
    eye: OnceCell<N8nIssuer>,
}

impl Ground {
    /// A new user of the running instance of a version; `None` if there is none and nobody requires one.
    pub(crate) async fn of(version: &str) -> Option<Self> {
        let Some(instance) = real_instance(version).unwrap() else {
            println!("skipped: no n8n {version} runs here");
            return None;
        };
        let user = fresh_user(&instance).await.unwrap();
        Some(Self { door: Door::open(&instance.url).await.unwrap(), user, mfa: None, eye: OnceCell::new() })
    }

    /// The same, with a second factor.
    pub(crate) async fn with_mfa(version: &str) -> Option<Self> {
        let ground = Self::of(version).await?;
        let instance = real_instance(version).unwrap()?;
        let mfa = enable_mfa(&instance, &ground.user).await.unwrap();
        Some(Self { mfa: Some(mfa), ..ground })
    }

    pub(crate) fn url(&self) -> &str {
        self.door.url()
    }

    pub(crate) fn email(&self) -> &str {
        &self.user.email
    }

    pub(crate) fn password(&self) -> &str {
        &self.user.password
    }

    /// The user's keys, seen with the session it got when it was made: that costs no login.
    pub(crate) async fn living(&self) -> Vec<Living> {
        let keys = self.eye.get_or_init(|| self.open()).await.list().await.unwrap();
        keys.into_iter().map(|key| Living { id: key.native_id, label: key.label }).collect()
    }

    /// Another with the same session.
    pub(crate) async fn hand(&self) -> Hand {
        Hand::of(self.open().await)
    }

    async fn open(&self) -> N8nIssuer {
        let factor = self.mfa.as_ref().map(|mfa| SecondFactor::TotpSeed(Secret::new(mfa.seed.clone())));
        let keeper = MemoryKeeper::new(self.email(), self.password(), factor);
        let base_url = BaseUrl::parse(self.url(), InsecureHttp::Refused).unwrap();
        keeper.put(Some(kept_session(&self.user.cookie, base_url.as_str()).unwrap()));
        Hand::login(self.url(), keeper).await
    }
}
