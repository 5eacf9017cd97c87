//! The clicks in n8n's settings, in the words of its own pages.

use model::{Capabilities, InstanceName, Key, NewKey, ScopeSupport, SignedDuration};
use n8n::BaseUrl;

use crate::ui::{BOLD, DIM, clean};

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

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
            format!("{}  {DIM}as the same n8n user as ever{DIM:#}", self.page()),
        ];
        let press = if self.can.discover { "Create API key" } else { "Create an API Key" };
        if self.can.keys.overlaps() {
            lines.push(format!(
                "  press       {BOLD}{press}{BOLD:#}  {DIM}not Rotate: that kills a key{DIM:#}"
            ));
            lines.push(format!("  Label       {BOLD}{}{BOLD:#}", clean(&key.label)));
        } else {
            lines.push(format!(
                "  if there is a key  {DIM}each user has one: delete it if it is ours; if it is not, stop here{DIM:#}"
            ));
            lines.push(format!("  press       {BOLD}{press}{BOLD:#}"));
        }
        if self.can.expiry {
            let never = if self.can.discover { "Never" } else { "No Expiration" };
            // A day picked there begins a key's last day: the next one.
            let day = key.expires_at.map(|at| at.checked_add(A_DAY).unwrap_or(at));
            let end = day.map_or(never.to_owned(), |at| format!("Custom, {}", at.strftime("%Y-%m-%d")));
            lines.push(format!("  Expiration  {BOLD}{end}{BOLD:#}"));
        }
        if self.can.scopes == ScopeSupport::Enforced {
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
        let which = if self.can.keys.overlaps() {
            format!("{}, …{}", clean(&key.label), clean(&key.tail))
        } else {
            format!("the user's key, …{}", clean(&key.tail))
        };
        [
            format!("no admin session can be had at `{}`: please delete a key by hand", self.instance),
            self.page(),
            format!("  find        {BOLD}{which}{BOLD:#}"),
            format!("  in its menu {BOLD}{}{BOLD:#}", if self.can.discover { "Revoke" } else { "Delete" }),
            format!("waiting until n8n refuses it … {DIM}(Enter: later; nothing is lost, it goes on with --resume){DIM:#}"),
        ]
        .join("\n")
    }

    /// How to see that a key is not there.
    pub(super) fn to_see_gone(&self, label: &str) -> String {
        let which = if self.can.keys.overlaps() {
            format!("a key {BOLD}{}{BOLD:#}", clean(label))
        } else {
            "an API key, made for this integration a moment ago".to_owned()
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
