//! The vaults that the settings name, a page at a time.

use std::ops::ControlFlow;

use model::DestinationError;

use super::{KeyVault, calls::Bundle, is_vault};
use crate::search::Search;

impl KeyVault {
    pub(super) async fn search_vaults(&self, search: &mut Search) -> Result<(), DestinationError> {
        let vaults = self.config.settings().text("vaults").unwrap_or_default();
        let vaults: Vec<&str> = vaults.split([' ', ',']).filter(|name| !name.is_empty()).collect();
        if vaults.is_empty() {
            let service = self.config.name();
            search.pass_by(format!(
                "{}: which vaults to search is not said; give `vaults` in [service.{service}]",
                self.remote.label()
            ));
        }
        for vault in vaults {
            if !is_vault(vault) {
                search.leave_out(format!("`{vault}` is no name of a vault"));
            } else if let Err(failure) = self.search_vault(vault, search).await {
                search.leave_out(failure.report.line());
            }
        }
        Ok(())
    }

    async fn search_vault(&self, vault: &str, search: &mut Search) -> Result<(), DestinationError> {
        let mut next = Some(self.url(vault, &["secrets"], &[("maxresults", "25")])?);
        while let Some(url) = next {
            if search.read() == ControlFlow::Break(()) {
                return Ok(());
            }
            let (page, following) = self.page(url, &format!("list the secrets of `{vault}`")).await?;
            next = following;
            for (name, _) in page.iter().filter_map(Bundle::name_and_version) {
                if search.read() == ControlFlow::Break(()) {
                    return Ok(());
                }
                let at = format!("{}:{vault}/{name}", self.config.name());
                let answer = self.ask(vault, &["secrets", &name], &format!("read `{at}`")).await?;
                if !answer.is_ok() {
                    search.leave_out(answer.refusal().report.line());
                    continue;
                }
                let bundle: Bundle = answer.json()?;
                search.look(&at, bundle.value.as_ref().map_or("", |value| value.as_str()));
            }
        }
        Ok(())
    }
}
