//! GitHub as its API reference describes it: secrets of a repository, an environment, an organisation.

mod open_box;
mod own;
mod shape;

use std::{marker::PhantomData, sync::Arc};

use crate::{place::RemotePlace, server::Server};
use shape::{GitHub, State};

pub(crate) const TOKEN: &str = "canary-github-token";
pub(crate) const NAME: &str = "N8N_API_KEY";

/// Whose secret it is.
pub(crate) trait Whose: Send + Sync + 'static {
    const ADDRESS: &'static str;
    /// The path of its secrets, as it is sent.
    const PATH: &'static str;
    const ORGANISATION: bool = false;
}

pub(crate) struct Repository;
pub(crate) struct Environment;
pub(crate) struct Organisation;

impl Whose for Repository {
    const ADDRESS: &'static str = "github:acme/site#N8N_API_KEY";
    const PATH: &'static str = "/repos/acme/site/actions/secrets";
}

impl Whose for Environment {
    const ADDRESS: &'static str = "github:acme/site@prod/eu#N8N_API_KEY";
    const PATH: &'static str = "/repos/acme/site/environments/prod%2Feu/secrets";
}

impl Whose for Organisation {
    const ADDRESS: &'static str = "github:acme#N8N_API_KEY";
    const PATH: &'static str = "/orgs/acme/actions/secrets";
    const ORGANISATION: bool = true;
}

pub(crate) struct GitHubPlace<W> {
    server: Server,
    pub(crate) state: Arc<GitHub>,
    whose: PhantomData<W>,
}

impl<W> GitHubPlace<W> {
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.0.lock().unwrap())
    }
}

impl<W: Whose> RemotePlace for GitHubPlace<W> {
    const READABLE: bool = false;
    const LOCKED: bool = false;

    async fn start() -> Self {
        let state = Arc::new(GitHub::at(W::PATH, W::ORGANISATION));
        Self { server: Server::start(state.clone()).await, state, whose: PhantomData }
    }

    fn server(&self) -> &Server {
        &self.server
    }

    fn settings(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let settings = [("url", self.server.url.as_str()), ("token", "env:TOKEN"), ("search", "acme")];
        ("github", settings.map(|(name, value)| (name, value.to_owned())).to_vec())
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![("TOKEN", TOKEN.to_owned())]
    }

    fn address(&self) -> String {
        W::ADDRESS.to_owned()
    }

    fn put_by_hand(&self, key: &str) {
        self.with(|state| {
            state.put(NAME, key);
            state.put("OTHER", "other");
            let visible = state.secrets.get_mut(NAME).unwrap();
            (visible.visibility, visible.selected) = ("selected".to_owned(), vec![7, 9]);
        });
    }

    fn look(&self) -> Option<String> {
        self.with(|state| state.secrets.get(NAME).map(|secret| secret.text.clone()))
    }

    fn surroundings(&self) -> String {
        self.with(|state| {
            let others = state.secrets.iter().filter(|(name, _)| *name != NAME);
            let others: Vec<_> = others.map(|(name, secret)| format!("{name}={}", secret.text)).collect();
            others.join(" ")
        })
    }

    fn change_by_hand(&self) -> Box<dyn FnOnce() + Send> {
        let state = Arc::clone(&self.state);
        Box::new(move || {
            let mut state = state.0.lock().unwrap();
            state.keys += 1;
            state.put(NAME, "by-hand");
        })
    }

    fn take_away(&self) -> bool {
        self.with(|state| state.gone = true);
        true
    }

    fn forbid(&self) {
        self.with(|state| state.read_only = true);
    }

    fn lock_out(&self) {
        self.with(|state| state.locked_out = true);
    }
}
