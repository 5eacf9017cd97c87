//! What to do about a leak. No name from outside is in a command: what is copied to a shell is ours.

use detector::Kind;
use model::{KeyState, Timestamp};
use serde::Serialize;

use crate::{ALLOW_FILE, Alive, InHead, Leak, Object, Owner, Source};

/// Said wherever a history is to be cleaned.
pub(super) const CLEANING_ALONE: &str = "Cleaning a history without rotating the key helps nobody: clones, forks, \
                                         caches and backups keep what was pushed, and whoever read it has it.";

/// One step.
#[derive(Serialize)]
pub(super) struct Step {
    /// `kill`, `clean` or `allow`.
    #[serde(rename = "step")]
    pub(super) name: &'static str,
    pub(super) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<String>,
}

/// All, in their order.
pub(super) fn steps(leak: &Leak, now: Timestamp) -> Vec<Step> {
    let mut steps = vec![kill(leak, now)];
    steps.extend(clean(leak));
    steps.push(Step {
        name: "allow",
        text: format!("if it is no leak, a line with a reason in {ALLOW_FILE}"),
        command: Some(format!("[[allow]]\nfingerprint = \"{}\"\nreason = \"\"", leak.fingerprint)),
    });
    steps
}

fn kill(leak: &Leak, now: Timestamp) -> Step {
    let step = |text: &str, command: Option<String>| Step { name: "kill", text: text.to_owned(), command };
    if leak.alive == Alive::No {
        return step("it is dead: see what it was used for while it lived", None);
    }
    if let Owner::Key { integration, state, .. } = &leak.owner {
        return match (state, &leak.alive) {
            (KeyState::Retired, Alive::Yes { .. }) => step(
                "it was retired and still works: delete it in n8n's settings under API, by its label",
                Some(format!("keywright key show {integration} --json")),
            ),
            (KeyState::Retired, _) => {
                step("it was retired; ask whether it is dead: scan again with --check", None)
            }
            _ => step(
                "kill it, and put a new key where it is used",
                Some(format!("keywright rotate {integration} --compromised")),
            ),
        };
    }
    let what = by_kind(leak.token.kind);
    if leak.is_spent(now) {
        step(&format!("it has ended by its own date; make sure, scan again with --check. Else: {what}"), None)
    } else {
        step(what, None)
    }
}

pub(super) fn by_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Native2 | Kind::Native1 | Kind::Legacy => {
            "sign in to n8n as its user, delete the key in the settings under n8n API, make another there, and put it \
             where the old one was used"
        }
        Kind::Gateway => "revoke it at the gateway that gave it out, and make another there",
        Kind::Mcp => "make a new access token in n8n's settings under MCP: the old one ends with it",
        Kind::Scim => "make a new SCIM token in n8n's settings, and give it to the identity provider",
        Kind::SessionCookie => {
            "change the password of its user in n8n: that ends the sessions of this user, signing out does not end \
             all of them"
        }
        Kind::WebhookUrl => {
            "change the user name and the password that the webhook asks for, and tell them to who calls it"
        }
        Kind::EncryptionKey => {
            "who has a copy of n8n's database can read its credentials with it: change every credential at its \
             service; then export them decrypted, start n8n with a new encryption key, and import them again"
        }
    }
}

fn clean(leak: &Leak) -> Vec<Step> {
    let step = |text: String, command: Option<&str>| Step {
        name: "clean",
        text,
        command: command.map(str::to_owned),
    };
    let git = || {
        leak.places.iter().filter_map(|spot| match &spot.place.source {
            Source::Git(git) => Some(git),
            Source::File(_) | Source::Stream(_) => None,
        })
    };
    let mut steps = Vec::new();
    if leak.places.iter().any(|spot| !matches!(spot.place.source, Source::Git(_))) {
        steps.push(step("take it out of the files above".to_owned(), None));
    }
    if git().any(|git| git.object == Object::Index) {
        steps.push(step("take it out of what is staged, before it is committed".to_owned(), None));
    }
    if git().any(|git| git.object == Object::Administrative) {
        steps.push(step("take it out of the file of git's own".to_owned(), None));
    }
    let in_history = |git: &Object| {
        matches!(
            git,
            Object::Blob | Object::Commit | Object::Tag | Object::Tree | Object::Note | Object::RefName
        )
    };
    if git().any(|git| in_history(&git.object) && git.in_head != InHead::Unreachable) {
        steps.push(step(
            format!(
                "then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it. \
                 {CLEANING_ALONE}"
            ),
            Some(
                "git filter-repo --sensitive-data-removal --replace-text leaked.txt --replace-message leaked.txt",
            ),
        ));
    }
    if git().any(|git| git.object == Object::Reflog || git.in_head == InHead::Unreachable) {
        steps.push(step(
            "drop what no ref leads to; stashes and reflogs go with it".to_owned(),
            Some("git reflog expire --expire=now --all && git gc --prune=now"),
        ));
    }
    steps
}
