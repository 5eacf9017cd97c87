//! What may be written, as far as GitHub tells without writing.

use std::collections::BTreeMap;

use model::{DestinationError, DestinationErrorKind as Kind};
use serde::Deserialize;

use super::{
    GitHub,
    address::Owner,
    calls::{ok, refusal},
};

/// What the user may do; a token may do less.
#[derive(Deserialize)]
struct Repository {
    #[serde(default)]
    permissions: Option<BTreeMap<String, bool>>,
    #[serde(default)]
    archived: bool,
}

impl GitHub {
    /// It may write secrets there.
    pub(super) async fn may_write(&self, owner: &Owner) -> Result<(), DestinationError> {
        let need = owner.need("write");
        match owner.repository() {
            Some((account, repo)) => self.may_change(account, repo, owner.permission(), &need).await,
            None => self.may_change_organisation(owner, &need).await,
        }
    }

    /// It may change what that permission of a repository is about.
    pub(super) async fn may_change(
        &self,
        account: &str,
        repo: &str,
        permission: &str,
        need: &str,
    ) -> Result<(), DestinationError> {
        let purpose = format!("see what may be done in `{account}/{repo}`");
        let answer = ok(self.ask(&["repos", account, repo], &[], purpose, "`Metadata: read`").await?)?;
        let missing = |because: String| {
            Err(answer.error(Kind::Denied, because, format!("give its credentials {need}")))
        };
        let repository: Repository = answer.json()?;
        if repository.archived {
            return missing(
                "the repository is archived: permission to write is missing for everybody".into(),
            );
        }
        if let Some(app) = &self.app {
            return if app.may_write(permission) { Ok(()) } else { missing(format!("{need} is missing")) };
        }
        if !has_scope(&answer, "repo") {
            return missing("the scope `repo` of the token is missing".into());
        }
        // Tokens of Apps are told that they may do nothing, whatever they may.
        let role = repository.permissions.filter(|all| all.values().any(|may| *may));
        let may = |name: &str| role.as_ref().is_none_or(|all| all.get(name).copied().unwrap_or(false));
        if may("push") || may("maintain") || may("admin") {
            return Ok(());
        }
        missing(format!("the role `write` of the token's owner in `{account}/{repo}` is missing"))
    }

    async fn may_change_organisation(&self, owner: &Owner, need: &str) -> Result<(), DestinationError> {
        let path: Vec<&str> = owner.secrets().into_iter().chain(["public-key"]).collect();
        let answer = self.ask(&path, &[], format!("see what may be done in `{owner}`"), need).await?;
        if !answer.is_ok() {
            return Err(refusal(&answer));
        }
        let missing = match &self.app {
            Some(app) if !app.may_write(owner.permission()) => format!("{need} is missing"),
            None if !has_scope(&answer, "admin:org") => {
                "the scope `admin:org` of the token is missing".to_owned()
            }
            _ => return Ok(()),
        };
        Err(answer.error(Kind::Denied, missing, format!("give its credentials {need}")))
    }
}

/// Whether a classic token has this scope; of others GitHub tells none.
fn has_scope(answer: &crate::http::Answer, wanted: &str) -> bool {
    let told = answer.headers.get("x-oauth-scopes").and_then(|value| value.to_str().ok());
    told.is_none_or(|scopes| {
        scopes.trim().is_empty() || scopes.split(',').any(|scope| scope.trim() == wanted)
    })
}
