//! Gitea and Forgejo as their API description has it: secrets of a repository and of an organisation.

use std::{
    collections::BTreeMap,
    marker::PhantomData,
    sync::{Arc, Mutex},
};

use model::{Confirmation, Fingerprint};
use serde_json::{Value, json};

use crate::{
    place::{RemotePlace, key, open},
    server::{Reply, Seen, Server, Shape},
};

const TOKEN: &str = "canary-gitea-token";
const NAME: &str = "N8N_API_KEY";

/// Which of the two, and whose secret.
pub(crate) trait Whose: Send + Sync + 'static {
    const KIND: &'static str;
    const ADDRESS: &'static str;
    const PATH: &'static str;
    /// Whether a secret has a description, which a write takes away that does not give it.
    const DESCRIBED: bool = false;
    const TELLS: bool = true;
}

pub(crate) struct Gitea;
pub(crate) struct Forgejo;
pub(crate) struct Organisation;

impl Whose for Gitea {
    const KIND: &'static str = "gitea";
    const ADDRESS: &'static str = "gitea:acme/site#N8N_API_KEY";
    const PATH: &'static str = "/api/v1/repos/acme/site/actions/secrets";
    const DESCRIBED: bool = true;
}

impl Whose for Forgejo {
    const KIND: &'static str = "forgejo";
    const ADDRESS: &'static str = "forgejo:acme/site#N8N_API_KEY";
    const PATH: &'static str = Gitea::PATH;
}

impl Whose for Organisation {
    const KIND: &'static str = "forgejo";
    const ADDRESS: &'static str = "forgejo:acme#N8N_API_KEY";
    const PATH: &'static str = "/api/v1/orgs/acme/actions/secrets";
    const TELLS: bool = false;
}

#[expect(clippy::struct_excessive_bools, reason = "what goes wrong, each by itself")]
struct State {
    path: &'static str,
    described: bool,
    /// Text and description by name.
    secrets: BTreeMap<String, (String, String)>,
    gone: bool,
    read_only: bool,
    locked_out: bool,
    /// So many are given at once, whatever is asked for.
    most: usize,
}

struct Served(Mutex<State>);

pub(crate) struct GiteaPlace<W> {
    server: Server,
    state: Arc<Served>,
    whose: PhantomData<W>,
}

#[expect(clippy::unnecessary_wraps, reason = "as every answer is given")]
fn refused(status: u16) -> Result<Reply, String> {
    Ok(Reply::json(status, &json!({"message": "canary", "url": "https://example.com/api/swagger"})))
}

impl State {
    fn paged(&self, seen: &Seen, all: Vec<Value>) -> Result<Reply, String> {
        let number = |name: &str| seen.query(name).and_then(|text| text.parse::<usize>().ok());
        let (size, page) = (number("limit").ok_or("limit")?.min(self.most), number("page").ok_or("page")?);
        let total = all.len().to_string();
        let these: Vec<Value> = all.into_iter().skip((page - 1) * size).take(size).collect();
        let mut reply = Reply::json(200, &json!(these));
        reply.headers.push(("x-total-count".to_owned(), total));
        Ok(reply)
    }

    fn secrets(&mut self, seen: &Seen, name: &str) -> Result<Reply, String> {
        if self.gone {
            return refused(404);
        }
        if seen.writes() && self.read_only {
            return refused(403);
        }
        match (seen.method.as_str(), name) {
            ("GET", "") => {
                let all = self.secrets.iter().map(|(name, (_, description))| {
                    let mut listed = json!({"name": name, "created_at": "2026-01-02T03:04:05+01:00"});
                    if self.described {
                        listed["description"] = json!(description);
                    }
                    listed
                });
                self.paged(seen, all.collect())
            }
            ("PUT", name) => {
                let body = seen.json()?;
                let known: &[&str] = if self.described { &["data", "description"] } else { &["data"] };
                let given: Vec<&str> =
                    body.as_object().ok_or("no object")?.keys().map(String::as_str).collect();
                if given.iter().any(|field| !known.contains(field)) {
                    return Err(format!("fields {given:?}"));
                }
                let text = body["data"].as_str().filter(|text| !text.is_empty()).ok_or("no data")?;
                let description = body["description"].as_str().unwrap_or_default();
                let former = self.secrets.insert(name.to_owned(), (text.to_owned(), description.to_owned()));
                Ok(Reply::empty(if former.is_some() { 204 } else { 201 }))
            }
            ("DELETE", name) => match self.secrets.remove(name) {
                Some(_) => Ok(Reply::empty(204)),
                None => refused(404),
            },
            _ => Err("no such route".into()),
        }
    }
}

impl Shape for Served {
    fn answer(&self, seen: &Seen) -> Result<Reply, String> {
        let mut state = self.0.lock().unwrap();
        if seen.header("authorization") != Some(&format!("token {TOKEN}")) {
            return Err("authorization".into());
        }
        if state.locked_out {
            return refused(401);
        }
        if let Some(name) = seen.path.strip_prefix(state.path) {
            let name = name.trim_start_matches('/').to_owned();
            return state.secrets(seen, &name);
        }
        let repository = json!({
            "id": 7, "name": "site", "owner": {"login": "acme"}, "archived": false,
            "permissions": {"admin": !state.read_only, "push": true, "pull": true},
        });
        match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", "/api/v1/repos/acme/site") => Ok(Reply::json(200, &repository)),
            ("GET", "/api/v1/user/orgs") => {
                state.paged(seen, vec![json!({"id": 3, "name": "acme", "username": "acme"})])
            }
            ("GET", "/api/v1/user/repos") => state.paged(seen, vec![repository]),
            ("GET", path) if path.ends_with("/actions/secrets") => refused(403),
            _ => Err("no such route".into()),
        }
    }
}

impl<W> GiteaPlace<W> {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.0.lock().unwrap())
    }
}

impl<W: Whose> RemotePlace for GiteaPlace<W> {
    const READABLE: bool = false;
    const LOCKED: bool = false;
    const TELLS_PERMISSION: bool = W::TELLS;

    async fn start() -> Self {
        let state = Arc::new(Served(Mutex::new(State {
            path: W::PATH,
            described: W::DESCRIBED,
            secrets: BTreeMap::new(),
            gone: false,
            read_only: false,
            locked_out: false,
            most: 50,
        })));
        Self { server: Server::start(state.clone()).await, state, whose: PhantomData }
    }

    fn server(&self) -> &Server {
        &self.server
    }

    fn settings(&self) -> (&'static str, Vec<(&'static str, String)>) {
        (W::KIND, vec![("url", self.server.url.clone()), ("token", "env:TOKEN".to_owned())])
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![("TOKEN", TOKEN.to_owned())]
    }

    fn address(&self) -> String {
        W::ADDRESS.to_owned()
    }

    fn put_by_hand(&self, key: &str) {
        self.with(|state| {
            state.secrets.insert(NAME.to_owned(), (key.to_owned(), "by hand".to_owned()));
            state.secrets.insert("OTHER".to_owned(), ("other".to_owned(), String::new()));
        });
    }

    fn look(&self) -> Option<String> {
        self.with(|state| state.secrets.get(NAME).map(|(text, _)| text.clone()))
    }

    fn surroundings(&self) -> String {
        self.with(|state| format!("{:?}", state.secrets.iter().find(|(name, _)| *name != NAME)))
    }

    fn change_by_hand(&self) -> Box<dyn FnOnce() + Send> {
        let state = Arc::clone(&self.state);
        Box::new(move || {
            let by_hand = ("by-hand".to_owned(), String::new());
            state.0.lock().unwrap().secrets.insert(NAME.to_owned(), by_hand);
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

#[tokio::test]
async fn the_description_beside_a_secret_is_kept() {
    let place = GiteaPlace::<Gitea>::start().await;
    place.put_by_hand("old");
    open(&place).deliver(&key("one")).await.unwrap();
    let held = place.with(|state| state.secrets[NAME].clone());
    assert_eq!(held, (key("one").expose().to_owned(), "by hand".to_owned()));
    place.server().assert_clean();
}

#[tokio::test]
async fn it_is_found_in_a_list_of_many_short_pages() {
    let place = GiteaPlace::<Forgejo>::start().await;
    place.with(|state| {
        state.most = 7;
        for number in 0..40 {
            state.secrets.insert(format!("A{number:02}"), ("other".to_owned(), String::new()));
        }
    });
    let destination = open(&place);
    assert_eq!(destination.read().await, Ok(model::Held::Absent));
    destination.deliver(&key("one")).await.unwrap();
    let confirmed = destination.confirm(&Fingerprint::of(&key("one"))).await.unwrap();
    let seen = "it is in the list of secrets, created_at 2026-01-02T02:04:05Z";
    assert_eq!(confirmed, Confirmation::Seen(seen.to_owned()));
    place.server().assert_clean();
}
