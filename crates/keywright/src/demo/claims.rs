//! What the demo claims, and what it saw.

use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::ui::{BAD, BOLD, GOOD, Ui};

/// One claim, measured.
#[derive(Debug, Serialize)]
pub(crate) struct Claim {
    /// What is claimed.
    #[serde(rename = "claim")]
    text: &'static str,
    holds: bool,
    seen: String,
}

/// All of them, in the order of the story.
#[derive(Debug, Default)]
pub(crate) struct Claims(Vec<Claim>);

impl Claims {
    /// Notes what was seen.
    pub(crate) fn note(&mut self, claim: &'static str, holds: bool, seen: impl Into<String>) {
        self.0.push(Claim { text: claim, holds, seen: seen.into() });
    }

    /// Whether there are claims and all of them hold.
    pub(crate) fn all_hold(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|claim| claim.holds)
    }

    pub(crate) fn show(&self, ui: Ui, kept: Option<&Path>) {
        let width = self.0.iter().map(|claim| claim.text.chars().count()).max().unwrap_or(0);
        let mut lines = vec![format!("\n{BOLD}What was proved{BOLD:#}")];
        for claim in &self.0 {
            let mark = if claim.holds { format!("{GOOD}✓{GOOD:#}") } else { format!("{BAD}✗{BAD:#}") };
            lines.push(format!("  {mark} {:<width$}  {}", claim.text, claim.seen));
        }
        lines.extend(kept.map(|folder| format!("\nThe demo's folder is kept: {}", folder.display())));
        let text = lines.join("\n");
        ui.result(&text, &json!({"claims": self.0, "all_hold": self.all_hold(), "folder": kept}));
    }
}
