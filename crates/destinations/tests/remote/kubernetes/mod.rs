//! Kubernetes: its contract, and what is its own.

mod api;
mod cases;
mod logins;
mod rollouts;
mod store;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use self::{
    api::{Kubernetes, TOKEN},
    store::{Manager, set},
};
use crate::{place::RemotePlace, server::Server};

const AT: (&str, &str) = ("backups", "n8n");
const KEY: &str = "N8N_API_KEY";

/// With `force`, others wrote the key before; without, we did.
pub(crate) struct KubernetesPlace<const FORCE: bool> {
    pub(crate) server: Server,
    pub(crate) api: Arc<Kubernetes>,
}

/// Who writes the key by hand.
fn hand(force: bool) -> Manager {
    if force { ("kubectl-edit".to_owned(), "Update") } else { ("keywright".to_owned(), "Apply") }
}

fn others() -> Manager {
    ("kubectl-edit".to_owned(), "Update")
}

impl<const FORCE: bool> RemotePlace for KubernetesPlace<FORCE> {
    async fn start() -> Self {
        let api = Arc::new(Kubernetes::default());
        Self { server: Server::start(api.clone()).await, api }
    }

    fn server(&self) -> &Server {
        &self.server
    }

    fn settings(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let mut settings = vec![("url", self.server.url.clone()), ("token", "env:TOKEN".to_owned())];
        if FORCE {
            settings.push(("force", "true".to_owned()));
        }
        ("kubernetes", settings)
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![("TOKEN", TOKEN.to_owned())]
    }

    fn address(&self) -> String {
        format!("kubernetes:backups/n8n#{KEY}")
    }

    fn put_by_hand(&self, key: &str) {
        let mut state = self.api.0.lock().unwrap();
        set(&mut state.store, AT, hand(FORCE), KEY, key);
        set(&mut state.store, AT, others(), "OTHER", "other");
        // We have another integration's key in it too.
        set(&mut state.store, AT, ("keywright".to_owned(), "Apply"), "OTHER_KEY", "ours");
    }

    fn look(&self) -> Option<String> {
        let state = self.api.0.lock().unwrap();
        let stored = state.store.secrets.get(&(AT.0.to_owned(), AT.1.to_owned()))?;
        Some(String::from_utf8(STANDARD.decode(stored.data.get(KEY)?).unwrap()).unwrap())
    }

    fn surroundings(&self) -> String {
        let state = self.api.0.lock().unwrap();
        let mut lines = Vec::new();
        for (at, stored) in &state.store.secrets {
            for (key, value) in stored.data.iter().filter(|(key, _)| *key != KEY) {
                let value = String::from_utf8(STANDARD.decode(value).unwrap()).unwrap();
                let managers = stored.managers.iter().filter(|(_, keys)| keys.contains(key));
                let managers: Vec<_> = managers.map(|(manager, _)| manager).collect();
                lines.push(format!("{at:?} {} {key}={value} {managers:?}", stored.kind));
            }
        }
        lines.join("\n")
    }

    fn change_by_hand(&self) -> Box<dyn FnOnce() + Send> {
        let api = Arc::clone(&self.api);
        Box::new(move || {
            let mut state = api.0.lock().unwrap();
            let by_hand =
                format!("{}-by-hand", state.store.secrets.values().next().map_or(0, |stored| stored.version));
            set(&mut state.store, AT, hand(FORCE), KEY, &by_hand);
            set(&mut state.store, AT, others(), "OTHER", "by-hand");
        })
    }

    fn take_away(&self) -> bool {
        let mut state = self.api.0.lock().unwrap();
        state.store.namespaces.clear();
        state.store.secrets.clear();
        true
    }

    fn forbid(&self) {
        self.api.0.lock().unwrap().denied.insert("patch");
    }

    fn lock_out(&self) {
        self.api.0.lock().unwrap().token = "canary-another".to_owned();
    }
}
