//! A home that has taken charge of an instance, in this process or a real one.

use std::time::Duration;

use n8n::testing::MemoryKeeper;
use sandbox::{Options, Profile, Sandbox};
use serde_json::Value;

use super::client::{self, http};
use super::ground::Ground;
use super::hand::Hand;
use super::home::{Home, PASSWORD};
use super::places::{Kinds, Places};

/// What keys of tests may do.
pub(crate) const SCOPES: &str = "workflow:list,workflow:read";

enum Instance {
    Sandbox(Sandbox),
    Real(Box<Ground>),
}

/// A key that lives at the instance.
#[derive(Clone, Debug)]
pub(crate) struct Living {
    pub(crate) id: String,
    pub(crate) label: String,
}

/// One instance and one Keywright; many drills share them.
pub(crate) struct World {
    pub(crate) home: Home,
    instance: Instance,
}

impl World {
    /// A world with a sandbox.
    pub(crate) async fn start(profile: Profile) -> Self {
        Self::with(profile, Options::default()).await
    }

    /// A world with a sandbox of one's own making.
    pub(crate) async fn with(profile: Profile, options: Options) -> Self {
        let sandbox = Sandbox::start(profile, options).await.unwrap();
        let home = Home::empty(Options::OWNER_PASSWORD);
        home.must(&["init"]).await;
        connect(&home, &sandbox.url(), Options::OWNER_EMAIL).await;
        Self { home, instance: Instance::Sandbox(sandbox) }
    }

    /// A world with a real n8n, as a user of its own.
    pub(crate) async fn real(ground: Ground) -> Self {
        let home = Home::empty(ground.password());
        home.must(&["init"]).await;
        connect(&home, ground.url(), ground.email()).await;
        Self { home, instance: Instance::Real(Box::new(ground)) }
    }

    /// A world with a sandbox whose keys a person makes.
    pub(crate) async fn assisted(profile: Profile) -> Self {
        let sandbox = Sandbox::start(profile, Options::default()).await.unwrap();
        let home = Home::empty("");
        home.must(&["init"]).await;
        home.must(&["connect", "prod", &sandbox.url(), "--assisted"]).await;
        Self { home, instance: Instance::Sandbox(sandbox) }
    }

    /// A world with a real n8n whose keys a person makes.
    pub(crate) async fn real_assisted(ground: Ground) -> Self {
        let home = Home::empty("");
        home.must(&["init"]).await;
        home.must(&["connect", "prod", ground.url(), "--assisted"]).await;
        Self { home, instance: Instance::Real(Box::new(ground)) }
    }

    /// A person in n8n's settings.
    pub(crate) async fn hand(&self) -> Hand {
        match &self.instance {
            Instance::Sandbox(sandbox) => {
                let keeper = MemoryKeeper::new(Options::OWNER_EMAIL, Options::OWNER_PASSWORD, None);
                Hand::of(Hand::login(&sandbox.url(), keeper).await)
            }
            Instance::Real(ground) => ground.hand().await,
        }
    }

    /// The sandbox; a test that wants one has one.
    pub(crate) fn sandbox(&self) -> &Sandbox {
        match &self.instance {
            Instance::Sandbox(sandbox) => sandbox,
            Instance::Real(_) => panic!("this world has a real n8n"),
        }
    }

    pub(crate) fn url(&self) -> String {
        match &self.instance {
            Instance::Sandbox(sandbox) => sandbox.url(),
            Instance::Real(ground) => ground.url().to_owned(),
        }
    }

    /// How often somebody logged in, where that can be seen.
    pub(crate) fn logins(&self) -> Option<usize> {
        let Instance::Sandbox(sandbox) = &self.instance else { return None };
        let calls = sandbox.calls();
        Some(calls.iter().filter(|call| call.method == "POST" && call.path == "/rest/login").count())
    }

    /// The keys that live at the instance.
    pub(crate) async fn living(&self) -> Vec<Living> {
        match &self.instance {
            Instance::Sandbox(sandbox) => {
                let keys = sandbox.keys().into_iter().filter(|key| key.alive);
                keys.map(|key| Living { id: key.id, label: key.label }).collect()
            }
            Instance::Real(ground) => ground.living().await,
        }
    }

    /// Whether the instance lets this key in.
    pub(crate) async fn key_works(&self, key: &str) -> bool {
        match client::status(&http(), &self.url(), key).await {
            Some(200 | 403) => true,
            Some(401) => false,
            other => panic!("the instance says neither yes nor no: {other:?}"),
        }
    }

    /// Places for an integration's keys.
    pub(crate) fn places(&self, name: &str, kinds: Kinds) -> Places {
        Places::make(self.home.folder(), name, kinds)
    }

    /// An integration with its first key.
    pub(crate) async fn integration(&self, name: &str, kinds: Kinds) -> Places {
        let places = self.places(name, kinds);
        let arguments = create(name, &places);
        self.home.must(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await;
        places
    }

    /// `key show`, as JSON.
    pub(crate) async fn show(&self, name: &str) -> Value {
        self.home.json(&["key", "show", name]).await
    }
}

/// Takes charge of an instance under the name `prod`.
pub(crate) async fn connect(home: &Home, url: &str, email: &str) {
    let password = format!("env:{PASSWORD}");
    home.must(&["connect", "prod", url, "--email", email, "--password-from", &password]).await;
}

/// The command line that makes an integration's first key.
pub(crate) fn create(name: &str, places: &Places) -> Vec<String> {
    let words = ["key", "create", name, "--scope", SCOPES, "--grace", "0s"];
    words.iter().map(|word| (*word).to_owned()).chain(places.options()).collect()
}

/// Returns when `happened` says so; fails if it never does.
pub(crate) async fn until(what: &str, happened: impl Fn() -> bool) {
    let looks = async {
        while !happened() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), looks)
        .await
        .unwrap_or_else(|_late| panic!("{what}: not in a minute"));
}
