//! All projects that the identity belongs to, an environment at a time.

use std::ops::ControlFlow;

use model::DestinationError;
use serde::Deserialize;

use super::{Infisical, slot::Found};
use crate::search::Search;

#[derive(Deserialize)]
struct Projects {
    projects: Vec<Project>,
}

#[derive(Deserialize)]
struct Project {
    id: String,
    environments: Vec<Environment>,
}

#[derive(Deserialize)]
struct Environment {
    slug: String,
}

#[derive(Deserialize)]
struct Many {
    secrets: Vec<Found>,
}

impl Infisical {
    pub(super) async fn search_all(&self, search: &mut Search) -> Result<(), DestinationError> {
        if search.read() == ControlFlow::Break(()) {
            return Ok(());
        }
        let query = [("type", "secret-manager")];
        let need = "to be a member of projects";
        let answer = self.ask(&["v1", "projects"], &query, "list the projects", need).await?.ok()?;
        let Projects { projects } = answer.json()?;
        for project in projects {
            for environment in project.environments {
                if search.read() == ControlFlow::Break(()) {
                    return Ok(());
                }
                if let Err(failure) = self.search_environment(&project.id, &environment.slug, search).await {
                    search.leave_out(failure.report.line());
                }
            }
        }
        Ok(())
    }

    async fn search_environment(
        &self,
        project: &str,
        environment: &str,
        search: &mut Search,
    ) -> Result<(), DestinationError> {
        let place = format!("{}:{project}/{environment}", self.config.name());
        let query = [
            ("projectId", project),
            ("environment", environment),
            ("secretPath", "/"),
            ("recursive", "true"),
            ("viewSecretValue", "true"),
            ("expandSecretReferences", "false"),
            ("include_imports", "false"),
        ];
        let need = format!("`readValue` on secrets in `{environment}`");
        let answer = self.ask(&["v4", "secrets"], &query, &format!("read `{place}`"), &need).await?.ok()?;
        let Many { secrets } = answer.json()?;
        for secret in secrets {
            let path = secret.path.as_deref().unwrap_or_default().trim_end_matches('/');
            let at = format!("{place}{path}#{}", secret.name);
            if secret.is_hidden {
                search.look_at_name(&at, &secret.name);
            } else {
                search.look(&at, &secret.value);
            }
        }
        Ok(())
    }
}
