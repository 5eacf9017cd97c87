//! Looking through names of secrets, as values cannot be read.

use std::ops::ControlFlow;

use model::DestinationError;
use serde::Deserialize;

use super::{
    GitHub,
    address::{Owner, is_secret_name},
    calls::{ok, refusal},
};
use crate::{http::Answer, search::Search};

const PAGE: usize = 100;

#[derive(Deserialize)]
struct Secrets {
    secrets: Vec<Named>,
}

#[derive(Deserialize)]
struct Environments {
    environments: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Installed {
    repositories: Vec<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    name: String,
    owner: Account,
}

#[derive(Deserialize)]
struct Account {
    login: String,
}

/// Where repositories are listed.
enum Listed {
    /// Those that the App sees.
    Installation,
    Organisation,
    /// Those that the token's user sees, as the owner is no organisation.
    User,
}

impl GitHub {
    pub(super) async fn search_all(&self, search: &mut Search) -> Result<(), DestinationError> {
        let wanted = self.config.settings().text("search");
        let mut listed = match (wanted, &self.app) {
            (_, Some(_)) => Listed::Installation,
            (Some(_), None) => Listed::Organisation,
            (None, None) => {
                let name = self.config.name();
                search.pass_by(format!(
                    "{}: `search` in [service.{name}] does not say whose repositories",
                    self.remote.label()
                ));
                return Ok(());
            }
        };
        if let Some(org) = wanted {
            self.names_of(&Owner::Organisation { org: org.to_owned() }, search).await?;
        }
        let mut page = 1_usize;
        loop {
            let path: &[&str] = match (&listed, wanted) {
                (Listed::Organisation, Some(org)) => &["orgs", org, "repos"],
                (Listed::Installation, _) => &["installation", "repositories"],
                _ => &["user", "repos"],
            };
            let Some(answer) = self.page(path, page, "list the repositories", search).await? else {
                return Ok(());
            };
            if answer.status == 404 && matches!(listed, Listed::Organisation) {
                listed = Listed::User;
                continue;
            }
            let answer = ok(answer)?;
            let repositories = match listed {
                Listed::Installation => answer.json::<Installed>()?.repositories,
                Listed::Organisation | Listed::User => answer.json()?,
            };
            let last = repositories.len() < PAGE;
            for repository in repositories {
                let owner = repository.owner.login;
                if wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(&owner)) {
                    self.search_repository(&owner, &repository.name, search).await?;
                }
            }
            if last {
                return Ok(());
            }
            page += 1;
        }
    }

    async fn search_repository(
        &self,
        owner: &str,
        repo: &str,
        search: &mut Search,
    ) -> Result<(), DestinationError> {
        let (owner, repo) = (owner.to_owned(), repo.to_owned());
        let place = Owner::Repository { owner: owner.clone(), repo: repo.clone() };
        self.names_of(&place, search).await?;
        let path = ["repos", &owner, &repo, "environments"];
        let mut page = 1;
        loop {
            let purpose = format!("list the environments of `{place}`");
            let Some(answer) = self.page(&path, page, &purpose, search).await? else { return Ok(()) };
            if !answer.is_ok() {
                search.leave_out(refusal(&answer).report.line());
                return Ok(());
            }
            let Environments { environments } = answer.json()?;
            let last = environments.len() < PAGE;
            for Named { name: environment } in environments {
                let (owner, repo) = (owner.clone(), repo.clone());
                self.names_of(&Owner::Environment { owner, repo, environment }, search).await?;
            }
            if last {
                return Ok(());
            }
            page += 1;
        }
    }

    /// The secrets of one owner.
    async fn names_of(&self, owner: &Owner, search: &mut Search) -> Result<(), DestinationError> {
        let mut page = 1;
        loop {
            let purpose = format!("list the secrets of `{owner}`");
            let Some(answer) = self.page(&owner.secrets(), page, &purpose, search).await? else {
                return Ok(());
            };
            if !answer.is_ok() {
                search.leave_out(refusal(&answer).report.line());
                return Ok(());
            }
            let Secrets { secrets } = answer.json()?;
            let last = secrets.len() < PAGE;
            for Named { name } in secrets.into_iter().filter(|secret| is_secret_name(&secret.name)) {
                search.look_at_name(&format!("{}:{owner}#{name}", self.config.name()), &name);
            }
            if last {
                return Ok(());
            }
            page += 1;
        }
    }

    /// One page, if it may still be read.
    async fn page(
        &self,
        path: &[&str],
        page: usize,
        purpose: &str,
        search: &mut Search,
    ) -> Result<Option<Answer>, DestinationError> {
        if search.read() == ControlFlow::Break(()) {
            return Ok(None);
        }
        let (number, size) = (page.to_string(), PAGE.to_string());
        let query = [("per_page", size.as_str()), ("page", number.as_str())];
        self.ask(path, &query, purpose, "the permission to read what is listed").await.map(Some)
    }
}
