//! All vaults that the token sees, item by item.

use std::ops::ControlFlow;

use model::DestinationError;
use serde_json::Value;

use super::{Named, OnePassword, item};
use crate::search::Search;

impl OnePassword {
    pub(super) async fn search_all(&self, search: &mut Search) -> Result<(), DestinationError> {
        if search.read() == ControlFlow::Break(()) {
            return Ok(());
        }
        let vaults = self.list(&[], None, "list the vaults").await?;
        for vault in &vaults {
            if search.read() == ControlFlow::Break(()) {
                return Ok(());
            }
            let name = address_part(vault, &vaults, &['/']);
            match self.list(&[&vault.id, "items"], None, &format!("list the items of `{name}`")).await {
                Ok(items) => self.search_items(name, &vault.id, &items, search).await?,
                Err(failure) => search.leave_out(failure.report.line()),
            }
        }
        Ok(())
    }

    async fn search_items(
        &self,
        vault: &str,
        vault_id: &str,
        items: &[Named],
        search: &mut Search,
    ) -> Result<(), DestinationError> {
        for found in items {
            if search.read() == ControlFlow::Break(()) {
                return Ok(());
            }
            let place = format!("{}:{vault}/{}", self.config.name(), address_part(found, items, &[]));
            let answer = self.ask(&[vault_id, "items", &found.id], &[], &format!("read `{place}`")).await?;
            if !answer.is_ok() {
                search.leave_out(answer.refusal().report.line());
                continue;
            }
            let item: Value = answer.json()?;
            for field in item::fields(&item).unwrap_or_default() {
                let text =
                    |member: &str| field.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
                let Some(value) = text("value") else { continue };
                // The label where it names this field and no other.
                let label = text("label").filter(|label| !label.contains('#'));
                let label = label.filter(|label| item::value(&item, label) == Ok(Some(value)));
                if let Some(name) = label.or_else(|| text("id")) {
                    search.look(&format!("{place}#{name}"), value);
                }
            }
        }
        Ok(())
    }
}

/// The name where it can stand in an address and is the only one of its kind, else the id.
fn address_part<'n>(named: &'n Named, all: &[Named], not_in: &[char]) -> &'n str {
    let alone = |name: &&str| all.iter().filter(|other| other.name.as_deref() == Some(*name)).count() == 1;
    let sound =
        |name: &&str| !name.is_empty() && !name.contains(not_in) && !name.chars().any(char::is_control);
    named.name.as_deref().filter(sound).filter(alone).unwrap_or(&named.id)
}
