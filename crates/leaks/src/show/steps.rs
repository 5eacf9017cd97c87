//! What to do about a leak. No name from outside is in a command: what is copied to a shell is ours.

use detector::Kind;
use model::{KeyState, Timestamp};
use serde::Serialize;

use crate::{ALLOW_FILE, Alive, InHead, Leak, Object, Owner, Provenance, Source};

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
    pub(super) command: Option<String>,
    /// What one has to know first.
    pub(super) warning: Option<&'static str>,
}

/// How a step is done that is the same for many leaks: what for, and the command.
pub(super) struct Recipe {
    pub(super) what_for: &'static str,
    pub(super) command: &'static str,
    pub(super) warning: Option<&'static str>,
}

const REWRITE: Recipe = Recipe {
    what_for: "clean a history: in a file `leaked.txt` a line for each key, the key and `==>REMOVED` after it",
    command: "git filter-repo --sensitive-data-removal --replace-text leaked.txt --replace-message leaked.txt",
    warning: Some(CLEANING_ALONE),
};
const DROP: Recipe = Recipe {
    what_for: "drop what no ref leads to; stashes and reflogs go with it",
    command: "git reflog expire --expire=now --all && git gc --prune=now",
    warning: None,
};
const LET_BE: Recipe = Recipe {
    what_for: "let be what is no leak: lines such as these in .keywright-allow.toml",
    command: "[[allow]]\nfingerprint = \"its 64 digits\"\nreason = \"why it may stay\"",
    warning: None,
};

/// Each once, if any of these leaks needs it.
pub(super) fn recipes(leaks: &[&Leak]) -> Vec<Recipe> {
    let mut recipes = Vec::new();
    if leaks.iter().any(|leak| is_in_history(leak)) {
        recipes.push(REWRITE);
    }
    if leaks.iter().any(|leak| is_left_behind(leak)) {
        recipes.push(DROP);
    }
    if !leaks.is_empty() {
        recipes.push(LET_BE);
    }
    recipes
}

/// All, in their order.
pub(super) fn steps(leak: &Leak, now: Timestamp) -> Vec<Step> {
    let mut steps = vec![kill(leak, now)];
    steps.extend(clean(leak));
    steps.push(Step {
        name: "allow",
        text: format!("if it is no leak, a line with a reason in {ALLOW_FILE}"),
        command: Some(format!("[[allow]]\nfingerprint = \"{}\"\nreason = \"\"", leak.fingerprint)),
        warning: None,
    });
    steps
}

fn kill(leak: &Leak, now: Timestamp) -> Step {
    let step = |text: &str, command| Step { name: "kill", text: text.to_owned(), command, warning: None };
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
    if leak.is_spent(now) {
        step("it has ended by its own date: see what it was used for while it lived", None)
    } else {
        step(by_kind(leak.token.kind), None)
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
    let step = |text: &str| Step { name: "clean", text: text.to_owned(), command: None, warning: None };
    let is_of = |source: &Source| match source {
        Source::File(_) => "take it out of the files above",
        Source::Stream(_) => "take it out of what this text came from",
        Source::Git(git) => match git.object {
            Object::Index => "take it out of what is staged, before it is committed",
            Object::Administrative => "take it out of the file of git's own",
            _ => "",
        },
    };
    let mut steps: Vec<Step> = Vec::new();
    for text in leak.places.iter().map(|spot| is_of(&spot.place.source)).filter(|text| !text.is_empty()) {
        if !steps.iter().any(|known| known.text == text) {
            steps.push(step(text));
        }
    }
    if is_in_history(leak) {
        let text =
            "then clean the history, with a file `leaked.txt` that has the key and `==>REMOVED` after it";
        let (command, warning) = (Some(REWRITE.command.to_owned()), REWRITE.warning);
        steps.push(Step { command, warning, ..step(text) });
    }
    if is_left_behind(leak) {
        steps.push(Step { command: Some(DROP.command.to_owned()), ..step(DROP.what_for) });
    }
    steps
}

fn of_git(leak: &Leak) -> impl Iterator<Item = &Provenance> {
    leak.places.iter().filter_map(|spot| match &spot.place.source {
        Source::Git(git) => Some(git.as_ref()),
        Source::File(_) | Source::Stream(_) => None,
    })
}

fn is_in_history(leak: &Leak) -> bool {
    of_git(leak).any(|git| {
        let is_rewritten = matches!(
            git.object,
            Object::Blob | Object::Commit | Object::Tag | Object::Tree | Object::Note | Object::RefName
        );
        is_rewritten && git.in_head != InHead::Unreachable
    })
}

fn is_left_behind(leak: &Leak) -> bool {
    of_git(leak).any(|git| git.object == Object::Reflog || git.in_head == InHead::Unreachable)
}
