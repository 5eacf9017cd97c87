//! A home that has taken charge of a sandbox.

use sandbox::{Options, Profile, Sandbox};
use serde_json::Value;

use super::home::{Home, PASSWORD};
use super::places::{Kinds, Places};

/// What keys of tests may do.
pub(crate) const SCOPES: &str = "workflow:list,workflow:read";

/// One instance and one Keywright; many drills share them.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) home: Home,
}

impl World {
    pub(crate) async fn start(profile: Profile) -> Self {
        let sandbox = Sandbox::start(profile, Options::default()).await.unwrap();
        let home = Home::empty(Options::OWNER_PASSWORD);
        home.must(&["init"]).await;
        connect(&home, &sandbox.url(), Options::OWNER_EMAIL).await;
        Self { sandbox, home }
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
