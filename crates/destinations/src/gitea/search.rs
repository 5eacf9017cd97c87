//! Looking through names of secrets, as values cannot be read.

use std::ops::ControlFlow;

use model::DestinationError;
use serde::Deserialize;

use super::{
    Gitea, is_last,
    owner::{Owner, is_secret_name},
    secret::Listed,
};
use crate::search::Search;

#[derive(Deserialize)]
struct Repository {
    name: String,
    owner: Account,
}

#[derive(Deserialize)]
struct Account {
    login: String,
}

#[derive(Deserialize)]
struct Organisation {
    name: String,
}

impl Gitea {
    pub(super) async fn search_all(&self, search: &mut Search) -> Result<(), DestinationError> {
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
