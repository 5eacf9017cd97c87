//! Looking through the variables of all projects and groups that may be maintained.

use std::ops::ControlFlow;

use model::DestinationError;
use serde::Deserialize;

use super::{
    GitLab,
    address::{Owner, Place, is_key},
    variable::Given,
};
use crate::search::Search;

const PAGE: usize = 100;

#[derive(Deserialize)]
struct Project {
    id: u64,
    path_with_namespace: String,
}

#[derive(Deserialize)]
struct Group {
    full_path: String,
}

impl GitLab {
    pub(super) async fn search_all(&self, search: &mut Search) -> Result<(), DestinationError> {
        self.search_groups(search).await?;
        let size = PAGE.to_string();
        let mut after = 0;
        while search.read() == ControlFlow::Continue(()) {
            let from = after.to_string();
            let query = [
                ("membership", "true"),
                ("min_access_level", "40"),
                ("archived", "false"),
                ("simple", "true"),
                ("pagination", "keyset"),
                ("order_by", "id"),
                ("sort", "asc"),
                ("per_page", size.as_str()),
                ("id_after", from.as_str()),
            ];
            let answer =
                self.ask(&["projects"], &query, "list the projects", "the scope `read_api`").await?.ok()?;
            let projects: Vec<Project> = answer.json()?;
            let count = projects.len();
            let newest = projects.iter().map(|project| project.id).max().unwrap_or(0);
            for Project { path_with_namespace, .. } in projects {
                if let Some(owner) = Owner::parse(&path_with_namespace) {
                    self.variables_of(&owner, search).await?;
                }
            }
            // What does not get on would be asked for ever.
            if count < PAGE || newest <= after {
                return Ok(());
            }
            after = newest;
        }
        Ok(())
    }

    async fn search_groups(&self, search: &mut Search) -> Result<(), DestinationError> {
        let size = PAGE.to_string();
        for page in 1_usize.. {
            if search.read() == ControlFlow::Break(()) {
                return Ok(());
            }
            let number = page.to_string();
            let query = [
                ("min_access_level", "50"),
                ("order_by", "id"),
                ("per_page", size.as_str()),
                ("page", number.as_str()),
            ];
            let answer =
                self.ask(&["groups"], &query, "list the groups", "the scope `read_api`").await?.ok()?;
            let groups: Vec<Group> = answer.json()?;
            let count = groups.len();
            for Group { full_path } in groups {
                if let Some(owner) = Owner::parse(&format!("{full_path}/")) {
                    self.variables_of(&owner, search).await?;
                }
            }
            if count < PAGE {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn variables_of(&self, owner: &Owner, search: &mut Search) -> Result<(), DestinationError> {
        let path: Vec<&str> = owner.path().into_iter().chain(["variables"]).collect();
        let size = PAGE.to_string();
        for page in 1_usize.. {
            if search.read() == ControlFlow::Break(()) {
                return Ok(());
            }
            let number = page.to_string();
            let query = [("per_page", size.as_str()), ("page", number.as_str())];
            let purpose = format!("read the variables of `{owner}`");
            let answer = self.ask(&path, &query, purpose, owner.need("read_api")).await?;
            if !answer.is_ok() {
                search.leave_out(answer.refusal().report.line());
                return Ok(());
            }
            let variables: Vec<Given> = answer.json()?;
            let count = variables.len();
            for given in variables.iter().filter(|given| is_key(&given.key)) {
                let (scope, key) = (given.scope().to_owned(), given.key.clone());
                let at = format!("{}:{}", self.config.name(), Place { owner: owner.clone(), scope, key });
                match given.readable() {
                    Some(text) => search.look(&at, text),
                    None => search.look_at_name(&at, &given.key),
                }
            }
            if count < PAGE {
                return Ok(());
            }
        }
        Ok(())
    }
}
