//! `gitea:OWNER/REPO#NAME`, `gitea:ORG#NAME`, and the same for Forgejo: one secret of their Actions.
//!
//! There is no lock, and nothing can be read back: it is confirmed by its name in the list.

use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

use model::{Address, DestinationError, DestinationErrorKind as Kind, Fingerprint, Held, Secret, Timestamp};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::{
    Context,
    error::error,
    http::{Answer, Remote, Request},
    kinds::Opened,
    search::Search,
    service::{Form, Outside, Service, ServiceConfig, ServiceKind, Setting, base_url, login, setting},
    slot::{Slot, Slotted},
};

/// Entries of one page: what both give where nobody changed it.
const PAGE: usize = 50;
/// Pages that are read of one place's secrets.
const MAX_PAGES: usize = 200;

pub(crate) const GITEA: ServiceKind = ServiceKind {
    name: "gitea",
    title: "Gitea",
    example: "gitea:acme/site#N8N_API_KEY",
    form: "OWNER/REPO#NAME or ORG#NAME",
    summary: "one secret of Gitea Actions: of a repository or an organisation",
    settings: SETTINGS_GITEA,
    sets: &[],
    either: &[],
    environment: &[("GITEA_TOKEN", "token"), ("GITEA_SERVER_URL", "url")],
    open,
};

pub(crate) const FORGEJO: ServiceKind = ServiceKind {
    name: "forgejo",
    title: "Forgejo",
    example: "forgejo:acme/site#N8N_API_KEY",
    form: "OWNER/REPO#NAME or ORG#NAME",
    summary: "one secret of Forgejo Actions, as at Codeberg: of a repository or an organisation",
    settings: SETTINGS_FORGEJO,
    sets: &[],
    either: &[],
    environment: &[("FORGEJO_TOKEN", "token"), ("FORGEJO_URL", "url")],
    open,
};

#[rustfmt::skip]
const SETTINGS_GITEA: &[Setting] = &[
    setting("url", Form::Url, "\"https://gitea.example.com\"", "`GITEA_SERVER_URL`", "where it is, without `/api/v1`"),
    setting("token", Form::Secret, "\"sealed:gitea\"", "`GITEA_TOKEN`", "an access token with `write:repository`, for organisations `write:organization`"),
];

#[rustfmt::skip]
const SETTINGS_FORGEJO: &[Setting] = &[
    setting("url", Form::Url, "\"https://codeberg.org\"", "`FORGEJO_URL`", "where it is, without `/api/v1`"),
    setting("token", Form::Secret, "\"sealed:forgejo\"", "`FORGEJO_TOKEN`", "an access token with `write:repository`, for organisations `write:organization`"),
];

#[expect(clippy::unnecessary_wraps, reason = "as every kind is opened")]
fn open(config: &ServiceConfig, outside: &Arc<dyn Outside>) -> Result<Arc<dyn Service>, DestinationError> {
    Ok(Arc::new(Gitea { remote: Remote::new(config, outside), config: config.clone() }))
}

struct Gitea {
    remote: Remote,
    config: ServiceConfig,
}

/// Whose secrets they are.
#[derive(Clone)]
enum Owner {
    Repository(String, String),
    Organisation(String),
}

/// One as it is listed.
#[derive(Deserialize)]
struct Listed {
    name: String,
    #[serde(default)]
    description: Option<String>,
    created_at: Timestamp,
}

#[derive(Deserialize)]
struct Repository {
    name: String,
    owner: Account,
    #[serde(default)]
    permissions: Option<BTreeMap<String, bool>>,
    #[serde(default)]
    archived: bool,
}

#[derive(Deserialize)]
struct Account {
    login: String,
}

#[derive(Deserialize)]
struct Organisation {
    name: String,
}

impl Owner {
    fn parse(text: &str) -> Option<Self> {
        let sound = |name: &str| {
            !matches!(name, "" | "." | "..")
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        match text.split_once('/') {
            Some((owner, repo)) => {
                (sound(owner) && sound(repo)).then(|| Self::Repository(owner.to_owned(), repo.to_owned()))
            }
            None => sound(text).then(|| Self::Organisation(text.to_owned())),
        }
    }

    fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Repository(owner, repo) => vec!["repos", owner, repo, "actions", "secrets"],
            Self::Organisation(org) => vec!["orgs", org, "actions", "secrets"],
        }
    }

    fn need(&self, level: &str) -> String {
        match self {
            Self::Repository(..) => {
                format!(
                    "the scope `{level}:repository`, and its user the role of an administrator of `{self}`"
                )
            }
            Self::Organisation(_) => {
                format!("the scope `{level}:organization`, and its user the role of an owner of `{self}`")
            }
        }
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Repository(owner, repo) => write!(f, "{owner}/{repo}"),
            Self::Organisation(org) => f.write_str(org),
        }
    }
}

/// As they write names themselves, which they turn into capitals.
fn is_secret_name(name: &str) -> bool {
    let taken = ["GITHUB_", "GITEA_", "FORGEJO_"];
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !taken.iter().any(|prefix| name.starts_with(prefix))
}

impl Gitea {
    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, DestinationError> {
        let kind = self.config.kind().environment;
        let variable = kind.iter().find(|(_, of)| *of == "url").map_or("", |(variable, _)| variable);
        let mut url = base_url(&self.config, &self.remote, variable, None)?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    async fn send(&self, request: Request) -> Result<Answer, DestinationError> {
        let kind = self.config.kind().environment;
        let variable = kind.iter().find(|(_, of)| *of == "token").map_or("", |(variable, _)| variable);
        let token = login(&self.config, &self.remote, "token", variable).await?;
        self.remote.send(&request.secret_header("authorization", "token ", &token)?).await
    }

    async fn ask(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        purpose: impl Into<String>,
        need: impl Into<String>,
    ) -> Result<Answer, DestinationError> {
        self.send(Request::get(self.url(path, query)?, purpose, need)).await
    }

    async fn page(
        &self,
        path: &[&str],
        page: usize,
        purpose: &str,
        need: String,
    ) -> Result<Answer, DestinationError> {
        let (number, size) = (page.to_string(), PAGE.to_string());
        self.ask(path, &[("page", &number), ("limit", &size)], purpose, need).await
    }
}

/// Whether there is another page: a server may give shorter ones than it is asked for, and then says how many there are.
fn is_last(answer: &Answer, so_far: usize, now: usize) -> bool {
    let total =
        answer.headers.get("x-total-count").and_then(|text| text.to_str().ok()?.parse::<usize>().ok());
    now == 0 || total.map_or(now < PAGE, |total| so_far >= total)
}

#[async_trait::async_trait]
impl Service for Gitea {
    fn destination(self: Arc<Self>, address: &Address, _: &Context) -> Opened {
        let parts = address.rest().rsplit_once('#');
        let parts = parts.and_then(|(owner, name)| Some((Owner::parse(owner)?, name)));
        match parts {
            Some((owner, name)) if is_secret_name(name) => Ok(Arc::new(Slotted(ActionsSecret {
                service: self,
                address: address.clone(),
                owner,
                name: name.to_owned(),
            }))),
            _ => Err(error(
                Kind::BadAddress,
                format!("cannot use the destination `{address}`"),
                "it names no secret of a repository or organisation; a secret's name has capital letters, digits and \
                 `_`, and does not begin with a digit, `GITHUB_`, `GITEA_` or `FORGEJO_`",
                format!(
                    "write `{kind}:OWNER/REPO#NAME` or `{kind}:ORG#NAME`, such as `{kind}:acme/site#N8N_API_KEY`",
                    kind = address.kind(),
                ),
            )),
        }
    }

    async fn search(&self, search: &mut Search) -> Result<(), DestinationError> {
        let (mut page, mut so_far) = (1, 0);
        while search.read() == ControlFlow::Continue(()) {
            let need = "the scope `read:user`".to_owned();
            let answer = self.page(&["user", "orgs"], page, "list the organisations", need).await?;
            if !answer.is_ok() {
                search.leave_out(answer.refusal().report.line());
                break;
            }
            let organisations: Vec<Organisation> = answer.json()?;
            so_far += organisations.len();
            let last = is_last(&answer, so_far, organisations.len());
            for organisation in organisations {
                self.names_of(&Owner::Organisation(organisation.name), search).await?;
            }
            if last {
                break;
            }
            page += 1;
        }
        (page, so_far) = (1, 0);
        while search.read() == ControlFlow::Continue(()) {
            let need = "the scope `read:repository`".to_owned();
            let answer = self.page(&["user", "repos"], page, "list the repositories", need).await?.ok()?;
            let repositories: Vec<Repository> = answer.json()?;
            so_far += repositories.len();
            let last = is_last(&answer, so_far, repositories.len());
            for repository in repositories {
                self.names_of(&Owner::Repository(repository.owner.login, repository.name), search).await?;
            }
            if last {
                break;
            }
            page += 1;
        }
        Ok(())
    }
}

impl Gitea {
    /// The secrets of one owner.
    async fn names_of(&self, owner: &Owner, search: &mut Search) -> Result<(), DestinationError> {
        let (mut page, mut so_far) = (1, 0);
        while search.read() == ControlFlow::Continue(()) {
            let purpose = format!("list the secrets of `{owner}`");
            let answer = self.page(&owner.secrets(), page, &purpose, owner.need("read")).await?;
            if !answer.is_ok() {
                search.leave_out(answer.refusal().report.line());
                return Ok(());
            }
            let secrets: Vec<Listed> = answer.json()?;
            so_far += secrets.len();
            let last = is_last(&answer, so_far, secrets.len());
            for Listed { name, .. } in secrets.iter().filter(|secret| is_secret_name(&secret.name)) {
                search.look_at_name(&format!("{}:{owner}#{name}", self.config.name()), name);
            }
            if last {
                return Ok(());
            }
            page += 1;
        }
        Ok(())
    }
}

struct ActionsSecret {
    service: Arc<Gitea>,
    address: Address,
    owner: Owner,
    name: String,
}

impl ActionsSecret {
    /// It as the list has it; there is no way to ask for one.
    async fn listed(&self) -> Result<Option<Listed>, DestinationError> {
        let mut so_far = 0;
        for page in 1..=MAX_PAGES {
            let purpose = format!("look at `{}`", self.address);
            let answer =
                self.service.page(&self.owner.secrets(), page, &purpose, self.owner.need("read")).await?;
            let answer = answer.ok()?;
            let secrets: Vec<Listed> = answer.json()?;
            so_far += secrets.len();
            let last = is_last(&answer, so_far, secrets.len());
            if let Some(found) = secrets.into_iter().find(|secret| secret.name == self.name) {
                return Ok(Some(found));
            }
            if last {
                return Ok(None);
            }
        }
        Err(error(
            Kind::Failed,
            format!("cannot look at `{}`", self.address),
            format!("`{}` lists more than {MAX_PAGES} pages of secrets", self.owner),
            "see whether `url` is right, and what answers there",
        ))
    }
}

#[async_trait::async_trait]
impl Slot for ActionsSecret {
    /// What is written beside it by people, which a write without it takes away.
    type Seen = Option<String>;

    fn address(&self) -> &Address {
        &self.address
    }

    async fn look(&self) -> Result<(Held, Self::Seen), DestinationError> {
        Ok(match self.listed().await? {
            Some(listed) => (Held::Unreadable, listed.description.filter(|text| !text.is_empty())),
            None => (Held::Absent, None),
        })
    }

    async fn put(&self, seen: &Self::Seen, value: Option<&Secret>) -> Result<(), DestinationError> {
        let path: Vec<&str> = self.owner.secrets().into_iter().chain([self.name.as_str()]).collect();
        let (url, need) = (self.service.url(&path, &[])?, self.owner.need("write"));
        let Some(secret) = value else {
            let request = Request::new(Method::DELETE, url, format!("remove `{}`", self.address), need);
            let answer = self.service.send(request.repeatable()).await?;
            return if answer.status == 404 { Ok(()) } else { answer.ok().map(drop) };
        };
        let body = match seen {
            Some(description) => json!({"data": secret.expose(), "description": description}),
            None => json!({"data": secret.expose()}),
        };
        let request = Request::new(Method::PUT, url, format!("write `{}`", self.address), need);
        self.service.send(request.json(&body)?).await?.ok().map(drop)
    }

    async fn may_put(&self, _: &Self::Seen) -> Result<(), DestinationError> {
        // Who may list an organisation's secrets may write them.
        let Owner::Repository(owner, repo) = &self.owner else { return Ok(()) };
        let purpose = format!("see what may be done in `{}`", self.owner);
        let answer =
            self.service.ask(&["repos", owner, repo], &[], purpose, "`read:repository`").await?.ok()?;
        let Repository { permissions, archived, .. } = answer.json()?;
        let need = self.owner.need("write");
        if archived {
            let because = "the repository is archived: permission to write is missing for everybody";
            return Err(answer.error(
                Kind::Denied,
                because,
                "take it out of the archive, or write elsewhere",
            ));
        }
        if permissions.is_none_or(|all| all.get("admin").copied().unwrap_or(false)) {
            return Ok(());
        }
        let because = format!("the role of an administrator of `{}` is missing", self.owner);
        Err(answer.error(Kind::Denied, because, format!("give its token {need}")))
    }

    async fn seen_instead(&self, _: &Fingerprint) -> Result<Option<String>, DestinationError> {
        let listed = self.listed().await?;
        Ok(listed.map(|listed| format!("it is in the list of secrets, created_at {}", listed.created_at)))
    }
}
