//! GitLab as its API reference describes it: variables of a project and of a group, and hidden ones.

mod own;
mod shape;

use std::{
    collections::BTreeMap,
    marker::PhantomData,
    sync::{Arc, Mutex},
};

use serde_json::json;

use crate::{place::RemotePlace, server::Server};
use shape::{GitLab, State};

pub(crate) const TOKEN: &str = "canary-gitlab-token";
pub(crate) const NAME: &str = "N8N_API_KEY";

/// Whose variable it is, and how.
pub(crate) trait Whose: Send + Sync + 'static {
    const ADDRESS: &'static str;
    const PATH: &'static str;
    const SCOPE: &'static str = "*";
    const HIDDEN: bool = false;
    /// Whether what may be written can be asked.
    const TELLS: bool = true;
}

pub(crate) struct Project;
pub(crate) struct Group;
pub(crate) struct Hidden;

impl Whose for Project {
    const ADDRESS: &'static str = "gitlab:acme/site@prod/*#N8N_API_KEY";
    const PATH: &'static str = "/api/v4/projects/acme%2Fsite";
    const SCOPE: &'static str = "prod/*";
}

impl Whose for Group {
    const ADDRESS: &'static str = "gitlab:acme/platform/#N8N_API_KEY";
    const PATH: &'static str = "/api/v4/groups/acme%2Fplatform";
    const TELLS: bool = false;
}

impl Whose for Hidden {
    const ADDRESS: &'static str = "gitlab:acme/site#N8N_API_KEY";
    const PATH: &'static str = Project::PATH;
    const HIDDEN: bool = true;
}

pub(crate) struct GitLabPlace<W> {
    server: Server,
    pub(crate) state: Arc<GitLab>,
    whose: PhantomData<W>,
}

impl<W> GitLabPlace<W> {
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.0.lock().unwrap())
    }
}

fn at<W: Whose>() -> (String, String) {
    (NAME.to_owned(), W::SCOPE.to_owned())
}

impl<W: Whose> RemotePlace for GitLabPlace<W> {
    const LOCKED: bool = false;
    const TELLS_PERMISSION: bool = W::TELLS;

    async fn start() -> Self {
        let state = Arc::new(GitLab(Mutex::new(State {
            path: W::PATH,
            variables: BTreeMap::new(),
            gone: false,
            read_only: false,
            read_scope: false,
            locked_out: false,
        })));
        Self { server: Server::start(state.clone()).await, state, whose: PhantomData }
    }

    fn server(&self) -> &Server {
        &self.server
    }

    fn settings(&self) -> (&'static str, Vec<(&'static str, String)>) {
        ("gitlab", vec![("url", self.server.url.clone()), ("token", "env:TOKEN".to_owned())])
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![("TOKEN", TOKEN.to_owned())]
    }

    fn address(&self) -> String {
        W::ADDRESS.to_owned()
    }

    fn put_by_hand(&self, key: &str) {
        self.with(|state| {
            let more = json!({
                "value": key, "hidden": W::HIDDEN, "protected": true, "variable_type": "file", "description": "by hand",
            });
            state.put(NAME, W::SCOPE, &more);
            state.put(NAME, "review", &json!({"value": "another scope"}));
            state.put("OTHER", "*", &json!({"value": "other"}));
        });
    }

    fn look(&self) -> Option<String> {
        self.with(|state| Some(state.variables.get(&at::<W>())?["value"].as_str()?.to_owned()))
    }

    fn surroundings(&self) -> String {
        self.with(|state| {
            let mut all = state.variables.clone();
            all.remove(&at::<W>());
            format!("{all:?}")
        })
    }

    fn change_by_hand(&self) -> Box<dyn FnOnce() + Send> {
        let state = Arc::clone(&self.state);
        Box::new(move || {
            let mut state = state.0.lock().unwrap();
            state.put(NAME, W::SCOPE, &json!({"value": "by-hand", "hidden": W::HIDDEN}));
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
