//! The public API over a key: what an instance holds, as typed things and as lists of any length.
//!
//! A list holds one page at a time. What a version does not tell is absent; what is unknown here is kept in `rest`.

mod audit;
mod execution;
mod fields;
mod filter;
mod listing;
mod openapi;
mod page;
mod routes;
mod seen;
mod things;
mod walk;
mod workflow;

use model::{IssuerError, IssuerErrorKind as Kind, Secret};
use reqwest::StatusCode;
use reqwest::header::HeaderValue;

use crate::call::{Answer, Call};
use crate::client::ClientConfig;
use crate::http::Http;
use crate::report::{Explain as _, error};
use crate::wire::is_id;

pub use audit::{AuditCategory, RiskReport};
pub use execution::Execution;
pub use fields::FromFields;
pub use filter::{ExecutionFilter, IncludeData, WorkflowFilter, WorkflowState};
pub use listing::{Completeness, Listing};
pub use routes::{Discovery, RequiredScopes, Route, Routes};
pub use things::{Credential, InstanceUser, Project, Tag, Variable};
pub use workflow::{Share, Workflow, WorkflowVersion};

/// Most things in a page.
const PAGE_ITEMS: u16 = 250;
/// Workflows and executions with data are large.
const LARGE_ITEMS: u16 = 50;

/// A client of one instance's public API with one key.
#[derive(Clone, Debug)]
pub struct PublicApi {
    http: Http,
    key: Secret,
    page_items: u16,
}

impl PublicApi {
    /// A client; nothing is sent yet.
    pub fn new(config: ClientConfig, key: Secret) -> Result<Self, IssuerError> {
        let http = Http::new(config.name.as_str(), config.base_url, config.timeouts, &config.transport)?;
        Ok(Self::over(http, key))
    }

    pub(crate) fn over(http: Http, key: Secret) -> Self {
        Self { http, key, page_items: PAGE_ITEMS }
    }

    /// The same with at most so many things in a page, from 1 to 250.
    #[must_use]
    pub fn with_page_items(mut self, items: u16) -> Self {
        self.page_items = items.clamp(1, PAGE_ITEMS);
        self
    }

    /// Workflows as they are drafted, each with its published version where the instance tells it.
    pub fn workflows(&self, filter: &WorkflowFilter) -> Listing<Workflow> {
        self.list("/api/v1/workflows", "list the workflows", filter.query(), LARGE_ITEMS)
    }

    /// One workflow; `None` if there is none with that id, or the key's user does not see it.
    pub async fn workflow(&self, id: &str) -> Result<Option<Workflow>, IssuerError> {
        let path = format!("/api/v1/workflows/{}", self.id(id, "read a workflow")?);
        self.one(&Call::get(path, "read a workflow")).await
    }

    /// What is known of a workflow's versions, without their nodes (2.x).
    pub fn workflow_history(&self, id: &str) -> Result<Listing<WorkflowVersion>, IssuerError> {
        let purpose = "list the versions of a workflow";
        let path = format!("/api/v1/workflows/{}/history", self.id(id, purpose)?);
        Ok(self.list(path, purpose, String::new(), PAGE_ITEMS))
    }

    /// One version of a workflow; `None` if there is none, or it was pruned.
    pub async fn workflow_version(
        &self,
        id: &str,
        version: &str,
    ) -> Result<Option<WorkflowVersion>, IssuerError> {
        let purpose = "read a version of a workflow";
        let (id, version) = (self.id(id, purpose)?, self.id(version, purpose)?);
        let call = Call::get(format!("/api/v1/workflows/{id}/versions/{version}"), purpose);
        match self.one(&call).await {
            // 1.x has it at another path.
            Err(error) if error.kind == Kind::Unsupported => {
                self.one(&Call::get(format!("/api/v1/workflows/{id}/{version}"), purpose)).await
            }
            answered => answered,
        }
    }

    /// Credentials, without what they hold (2.x).
    pub fn credentials(&self) -> Listing<Credential> {
        self.list("/api/v1/credentials", "list the credentials", String::new(), PAGE_ITEMS)
    }

    /// Users, with their roles.
    pub fn users(&self) -> Listing<InstanceUser> {
        self.list("/api/v1/users", "list the users", "includeRole=true".to_owned(), PAGE_ITEMS)
    }

    /// Executions, the newest first.
    pub fn executions(&self, filter: &ExecutionFilter, data: IncludeData) -> Listing<Execution> {
        let most = if data == IncludeData::Yes { LARGE_ITEMS } else { PAGE_ITEMS };
        self.list("/api/v1/executions", "list the executions", filter.query(data), most)
    }

    /// Tags.
    pub fn tags(&self) -> Listing<Tag> {
        self.list("/api/v1/tags", "list the tags", String::new(), PAGE_ITEMS)
    }

    /// Projects; needs a licence that has them.
    pub fn projects(&self) -> Listing<Project> {
        self.list("/api/v1/projects", "list the projects", String::new(), PAGE_ITEMS)
    }

    /// Variables; needs a licence that has them.
    pub fn variables(&self) -> Listing<Variable> {
        self.list("/api/v1/variables", "list the variables", String::new(), PAGE_ITEMS)
    }

    fn list<T: FromFields>(
        &self,
        path: impl Into<String>,
        purpose: &'static str,
        query: String,
        most: u16,
    ) -> Listing<T> {
        let list = walk::List { path: path.into(), purpose, query };
        Listing::new(walk::Walk::new(self.clone(), list, self.page_items.min(most)))
    }

    /// An id that can stand in a path.
    fn id<'a>(&self, id: &'a str, purpose: &str) -> Result<&'a str, IssuerError> {
        if is_id(id) {
            return Ok(id);
        }
        let failed = error(Kind::Refused, format!("cannot {purpose} at instance `{}`", self.http.name));
        Err(failed
            .because("its id is not an id")
            .mend("give the id as n8n shows it, such as in the editor's address"))
    }

    async fn one<T: FromFields>(&self, call: &Call) -> Result<Option<T>, IssuerError> {
        let call = self.signed(call.clone().up_to(page::BYTES))?;
        let answer = self.http.ask(&call).await?;
        match answer.status {
            StatusCode::OK => page::one(&answer.body)
                .filter(|_| answer.is_json())
                .map(Some)
                .ok_or_else(|| self.http.misshapen(&call, &answer)),
            StatusCode::NOT_FOUND if is_absence(&answer) => Ok(None),
            _ => Err(self.refusal(&call, &answer)),
        }
    }

    fn signed(&self, call: Call) -> Result<Call, IssuerError> {
        signed(call, &self.key)
    }

    /// What a refusal means.
    fn refusal(&self, call: &Call, answer: &Answer) -> IssuerError {
        let status = answer.status.as_u16();
        let message = answer.message().unwrap_or_default();
        let failed = |kind| self.http.error(kind, call).because(format!("{}: status {status}", call.name()));
        match status {
            401 => failed(Kind::Refused)
                .because("the key is refused")
                .mend("see whether the key lives, and whether it is this instance's"),
            403 if message.starts_with("Your license does not allow for") => {
                failed(Kind::Unsupported).because("the instance's licence does not include it")
            }
            403 => failed(Kind::Refused)
                .because("the key lacks the scope for it, or its user may not")
                .mend("give the key the scope, or use the key of a user who may"),
            404 if !message.is_empty() && message != "not found" => {
                failed(Kind::Refused).because("n8n finds no such thing, or the key's user does not see it")
            }
            404 | 405 => failed(Kind::Unsupported).because("this version of n8n has no such route for it"),
            400 if message.starts_with("Unknown query parameter") => {
                failed(Kind::Unsupported).because("this version of n8n cannot be asked in this way")
            }
            _ => self.http.refused(call, answer),
        }
    }
}

/// A call with a key.
pub(crate) fn signed(mut call: Call, key: &Secret) -> Result<Call, IssuerError> {
    let mut value = HeaderValue::from_str(key.expose())
        .map_err(|_unfit| error(Kind::NotProved, "the key's text cannot be sent as a header"))?;
    value.set_sensitive(true);
    call.headers.insert("x-n8n-api-key", value);
    Ok(call)
}

/// Whether a 404 speaks of the thing, and not of the path.
fn is_absence(answer: &Answer) -> bool {
    answer.message().is_some_and(|message| message != "not found")
}
