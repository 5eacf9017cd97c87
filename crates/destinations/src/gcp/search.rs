//! The secrets of the project that the settings name, a page at a time.

use std::ops::ControlFlow;

use model::DestinationError;
use serde::Deserialize;
use serde_json::Value;

use super::{SecretManager, calls::accessed, is_project, is_secret};
use crate::search::Search;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    secrets: Vec<Named>,
    #[serde(default)]
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl SecretManager {
    pub(super) async fn search_project(&self, search: &mut Search) -> Result<(), DestinationError> {
        let Some(project) = self.config.settings().text("project").filter(|project| is_project(project))
        else {
            let (label, service) = (self.remote.label(), self.config.name());
            search.pass_by(format!(
                "{label}: which project to search is not said; give `project` in [service.{service}]"
            ));
            return Ok(());
        };
        let mut token = String::new();
        loop {
            if search.read() == ControlFlow::Break(()) {
                return Ok(());
            }
            let mut query = vec![("pageSize", "250")];
            if !token.is_empty() {
                query.push(("pageToken", &token));
            }
            let url = self.url(project, &["secrets"], &query)?;
            let need = "`secretmanager.secrets.list` on the project";
            let answer = self.ask(url, &format!("list the secrets of `{project}`"), need).await?.ok()?;
            let page: Page = answer.json()?;
            for name in page.secrets.iter().filter_map(|secret| secret.name.rsplit('/').next()) {
                if search.read() == ControlFlow::Break(()) {
                    return Ok(());
                }
                if is_secret(name) {
                    self.search_secret(project, name, search).await?;
                }
            }
            match page.next_page_token.filter(|next| !next.is_empty()) {
                None => return Ok(()),
                Some(next) if next == token => return Err(answer.misshapen("a next page that is the same")),
                Some(next) => token = next,
            }
        }
    }

    async fn search_secret(
        &self,
        project: &str,
        name: &str,
        search: &mut Search,
    ) -> Result<(), DestinationError> {
        let at = format!("{}:{project}/{name}", self.config.name());
        let url = self.url(project, &["secrets", name, "versions", "latest:access"], &[])?;
        let need = format!("`secretmanager.versions.access` on the secret `{name}`");
        let answer = self.ask(url, &format!("read `{at}`"), &need).await?;
        // Without a version, or with a disabled one, it holds nothing.
        if matches!(answer.status, 400 | 404) {
            return Ok(());
        }
        if !answer.is_ok() {
            search.leave_out(answer.refusal().report.line());
            return Ok(());
        }
        match accessed(&answer) {
            Ok(payload) => match serde_json::from_str(&payload.text) {
                Ok(Value::Object(object)) => {
                    search.look_fields(&at, object.iter().map(|(name, value)| (name.as_str(), value)));
                }
                _ => search.look(&at, &payload.text),
            },
            Err(failure) => search.leave_out(failure.report.line()),
        }
        Ok(())
    }
}
