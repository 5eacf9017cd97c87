//! A plan, for people and as JSON.

use model::{Address, Integration};
use serde_json::{Value, json};

use super::plan::{Action, Plan};
use super::wish::Difference;
use crate::ui::{BAD, BOLD, GOOD, WARN, clean, report_json};

/// A line per difference, and what it comes to.
pub(crate) fn lines(plan: &Plan) -> Vec<String> {
    let mut lines: Vec<String> = plan.actions.iter().flat_map(action_lines).collect();
    for (name, why) in &plan.later {
        lines.push(format!("{WARN}?{WARN:#} integration {BOLD}{name}{BOLD:#}  has to wait: {}", clean(why)));
    }
    if plan.faults.is_empty() {
        lines.push(summary(plan));
    }
    lines
}

/// The shape of `plan --json`.
pub(crate) fn view(plan: &Plan) -> Value {
    let later = plan.later.iter().map(|(name, why)| json!({"integration": name, "because": why}));
    let faults = plan
        .faults
        .iter()
        .map(|fault| json!({"setting": fault.setting, "error": report_json(&fault.report)}));
    json!({
        "actions": plan.actions.iter().map(action_view).collect::<Vec<_>>(),
        "later": later.collect::<Vec<_>>(),
        "faults": faults.collect::<Vec<_>>(),
    })
}

/// How many of each.
pub(crate) fn summary(plan: &Plan) -> String {
    if plan.is_empty() {
        return "nothing differs: all is as the configuration says".into();
    }
    let count = |of: fn(&Action) -> bool| plan.actions.iter().filter(|action| of(action)).count();
    let parts = [
        (count(|a| matches!(a, Action::Connect(_) | Action::Create(_) | Action::Resume(..))), "to make"),
        (count(|a| matches!(a, Action::Reconnect(..) | Action::Change(..))), "to change"),
        (count(|a| matches!(a, Action::Rotate(..))), "to turn"),
        (count(|a| matches!(a, Action::Retire(_) | Action::RetireInstance(_))), "to take away"),
        (plan.later.len(), "to wait"),
    ];
    let parts =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}"));
    parts.collect::<Vec<_>>().join(", ")
}

fn action_lines(action: &Action) -> Vec<String> {
    match action {
        Action::Connect(wish) => {
            vec![format!("{GOOD}+{GOOD:#} instance {BOLD}{}{BOLD:#}  {}", wish.name, wish.url)]
        }
        Action::Reconnect(wish, differences) => changed("instance", wish.name.as_str(), differences, ""),
        Action::RetireInstance(name) => {
            vec![format!("{BAD}-{BAD:#} instance {BOLD}{name}{BOLD:#}  its root key is killed")]
        }
        Action::Create(wish) => {
            vec![format!(
                "{GOOD}+{GOOD:#} integration {BOLD}{}{BOLD:#}  a key at {}{}",
                wish.name,
                wish.instance,
                places(wish)
            )]
        }
        Action::Resume(wish, rotation) => vec![format!(
            "{GOOD}+{GOOD:#} integration {BOLD}{}{BOLD:#}  a key at {}{}; goes on with rotation {rotation}",
            wish.name,
            wish.instance,
            places(wish)
        )],
        Action::Change(wish, differences) => changed("integration", wish.name.as_str(), differences, ""),
        Action::Rotate(wish, differences) => {
            changed("integration", wish.name.as_str(), differences, "  its key is turned")
        }
        Action::Retire(name) => {
            vec![format!("{BAD}-{BAD:#} integration {BOLD}{name}{BOLD:#}  its key is killed")]
        }
    }
}

fn changed(what: &str, name: &str, differences: &[Difference], and: &str) -> Vec<String> {
    let head = format!("{WARN}~{WARN:#} {what} {BOLD}{name}{BOLD:#}{and}");
    let each = differences.iter().map(|difference| {
        format!("    {}: {} → {}", difference.setting, clean(&difference.is), clean(&difference.should))
    });
    std::iter::once(head).chain(each).collect()
}

fn places(wish: &Integration) -> String {
    match wish.destinations.as_slice() {
        [] => ", shown once".into(),
        places => format!(" → {}", places.iter().map(Address::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn action_view(action: &Action) -> Value {
    let integration = |action: &str, name: &str, differences: &[Difference]| json!({"action": action, "integration": name, "changes": differences});
    let instance = |action: &str, name: &str, differences: &[Difference]| json!({"action": action, "instance": name, "changes": differences});
    match action {
        Action::Connect(wish) => instance("connect", wish.name.as_str(), &[]),
        Action::Reconnect(wish, differences) => instance("reconnect", wish.name.as_str(), differences),
        Action::RetireInstance(name) => instance("retire", name.as_str(), &[]),
        Action::Create(wish) => integration("create", wish.name.as_str(), &[]),
        Action::Resume(wish, _) => integration("resume", wish.name.as_str(), &[]),
        Action::Change(wish, differences) => integration("change", wish.name.as_str(), differences),
        Action::Rotate(wish, differences) => integration("rotate", wish.name.as_str(), differences),
        Action::Retire(name) => integration("retire", name.as_str(), &[]),
    }
}
