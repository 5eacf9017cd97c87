//! The clicks in n8n's settings, in the words of its own pages.

use model::{Capabilities, InstanceName, Key, NewKey, ScopeSupport};
use n8n::BaseUrl;

use super::has_one_only;
use crate::ui::{BOLD, DIM, clean};

/// Where the clicks are made.
pub(super) struct Clicks<'a> {
    pub(super) instance: &'a InstanceName,
    pub(super) base_url: &'a BaseUrl,
    pub(super) can: &'a Capabilities,
}

impl Clicks<'_> {
    fn page(&self) -> String {
        format!("  open        {BOLD}{}/settings/api{BOLD:#}", self.base_url)
    }

    /// How the key is made.
    pub(super) fn to_make(&self, key: &NewKey) -> String {
        let mut lines = vec![
            format!("no admin session can be had at `{}`: please make a key by hand", self.instance),
            self.page(),
        ];
        if has_one_only(self.can) {
            lines.push(format!("  press       {BOLD}Create an API Key{BOLD:#}"));
            lines.push(format!(
                "  {DIM}If there is one that is not ours, stop here: each user has one, and making ours kills it{DIM:#}"
            ));
        } else {
            lines.push(format!("  press       {BOLD}Create API key{BOLD:#}"));
            lines.push(format!("  Label       {BOLD}{}{BOLD:#}", clean(&key.label)));
        }
        if self.can.expiry {
            let end = key
                .expires_at
                .map_or("Never".to_owned(), |at| format!("Custom, {}", at.strftime("%Y-%m-%d")));
            lines.push(format!("  Expiration  {BOLD}{end}{BOLD:#}"));
        }
        if self.can.scopes != ScopeSupport::Absent {
            let scopes: Vec<&str> = key.scopes.iter().map(model::Scope::as_str).collect();
            lines.push(format!("  Scopes      {BOLD}{}{BOLD:#}", scopes.join(" ")));
        }
        lines.push(format!(
            "  copy it     {DIM}it is shown once; if this label is taken and its key's text is lost, delete that one first{DIM:#}"
        ));
        lines.join("\n")
    }

    /// How an old key is deleted.
    pub(super) fn to_delete(&self, key: &Key) -> String {
        let which = if has_one_only(self.can) {
            format!("the user's key, …{}", clean(&key.tail))
        } else {
            format!("{}, …{}", clean(&key.label), clean(&key.tail))
        };
        [
            format!("no admin session can be had at `{}`: please delete a key by hand", self.instance),
            self.page(),
            format!("  find        {BOLD}{which}{BOLD:#}"),
            format!("  in its menu {BOLD}Revoke{BOLD:#} (2.x) or {BOLD}Delete{BOLD:#} (1.x), not Rotate"),
            format!("waiting until n8n refuses it … {DIM}(Ctrl-C: nothing is lost, the rotation goes on with --resume){DIM:#}"),
        ]
        .join("\n")
    }

    /// How to see that a key is not there.
    pub(super) fn to_see_gone(&self, label: &str) -> String {
        let which = if has_one_only(self.can) {
            "an API key, made for this integration a moment ago".to_owned()
        } else {
            format!("a key {BOLD}{}{BOLD:#}", clean(label))
        };
        [
            format!(
                "no admin session can be had at `{}`: please look, as its text was never given here",
                self.instance
            ),
            self.page(),
            format!("  if there is {which}, delete it"),
        ]
        .join("\n")
    }
}
