//! The difference between what should be and what is; pure.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Instance, InstanceName, Integration, IntegrationName, IntegrationRole, KeyModel, Mode, Report, Rotation,
    RotationId, RotationStatus, ScopeSupport, Source,
};

use super::faults::Fault;
use super::known::{Known, Sides};
use super::wish::{Difference, InstanceWish, Wishes};
use crate::config::nearest;
use crate::error::operator;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Take charge of an instance.
    Connect(InstanceWish),
    /// Renew how an instance is reached or logged in to.
    Reconnect(InstanceWish, Vec<Difference>),
    /// Give up an instance: its root key is revoked, its session ended.
    RetireInstance(InstanceName),
    /// Make an integration's first key.
    Create(Integration),
    /// Go on with the making of it.
    Resume(Integration, RotationId),
    /// Change its record; its key stays.
    Change(Integration, Vec<Difference>),
    /// Change its record and turn its key, which cannot be changed.
    Rotate(Integration, Vec<Difference>),
    /// Kill its key and take it out of service.
    Retire(IntegrationName),
}

/// All that differs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// In the order in which it is done: instances, then keys made before keys killed.
    pub(crate) actions: Vec<Action>,
    /// Wishes that have to wait, and for what.
    pub(crate) later: Vec<(IntegrationName, String)>,
    /// Wishes that cannot be fulfilled. Nothing is done while there is one.
    pub(crate) faults: Vec<Fault>,
}

impl Plan {
    /// Whether nothing differs.
    pub(crate) fn is_empty(&self) -> bool {
        self.actions.is_empty() && self.later.is_empty() && self.faults.is_empty()
    }

    /// What of it can be done where these instances are connected; the rest is told when they could not be.
    pub(crate) fn within(mut self, known: &Known) -> Self {
        self.actions.retain(|action| match action {
            Action::Create(wish) | Action::Resume(wish, _) => known.instance(&wish.instance).is_some(),
            _ => true,
        });
        self
    }
}

/// What has to be done so that all is as wished.
pub(crate) fn plan(wishes: &Wishes, known: &Known) -> Plan {
    let sides = Sides::new(wishes, known);
    let mut plan = Plan::default();
    for wish in &wishes.instances {
        plan_instance(&mut plan, wish, known);
    }
    // Where a user may have one key, the first who wishes for it has it.
    let mut rooms = BTreeMap::new();
    for wish in &wishes.integrations {
        plan_integration(&mut plan, wish, &sides, &mut rooms);
    }
    for orphan in known.integrations.values().filter(|known| sides.is_orphaned(known)) {
        plan.actions.push(Action::Retire(orphan.name.clone()));
    }
    for instance in known.instances.values() {
        let wished = wishes.instances.iter().any(|wish| wish.name == instance.name);
        if instance.source == Source::Configuration && instance.retired_at.is_none() && !wished {
            plan_retirement(&mut plan, instance, &sides);
        }
    }
    plan
}

fn plan_instance(plan: &mut Plan, wish: &InstanceWish, known: &Known) {
    let Some(instance) = known.instance(&wish.name) else {
        plan.actions.push(Action::Connect(wish.clone()));
        return;
    };
    let mut differences = wish.differences(instance);
    differences.extend(source_difference(instance.source));
    if !differences.is_empty() {
        plan.actions.push(Action::Reconnect(wish.clone(), differences));
    }
}

fn plan_retirement(plan: &mut Plan, instance: &Instance, sides: &Sides<'_>) {
    let stays = sides.known.integrations.values().find(|other| {
        other.instance == instance.name
            && other.role == IntegrationRole::Client
            && other.retired_at.is_none()
            && !sides.is_orphaned(other)
    });
    match stays {
        None => plan.actions.push(Action::RetireInstance(instance.name.clone())),
        Some(other) => plan.faults.push(Fault {
            setting: format!("instance.{}", instance.name),
            report: operator(format!("`{}` is not declared any more", instance.name))
                .because(format!("the integration `{}` has its key there", other.name))
                .mend(format!("keywright key revoke {}", other.name))
                .mend(format!("or declare `[instance.{}]` again", instance.name)),
        }),
    }
}

type Rooms<'a> = BTreeMap<&'a InstanceName, &'a IntegrationName>;

fn plan_integration<'a>(plan: &mut Plan, wish: &'a Integration, sides: &Sides<'a>, rooms: &mut Rooms<'a>) {
    let (name, known) = (&wish.name, sides.known);
    let fault = |setting: &str, report| Fault { setting: format!("integration.{name}.{setting}"), report };
    if let Some(instance) = root_of(name, known) {
        let report = operator(format!("`{name}` is the root key of `{instance}`"))
            .because("what makes and kills keys there is looked after with the instance")
            .mend(format!("call `[integration.{name}]` something else"));
        plan.faults.push(Fault { setting: format!("integration.{name}"), report });
        return;
    }
    let found = known.integration(name);
    if let Some(found) = found.filter(|found| found.instance != wish.instance) {
        let report =
            operator(format!("`{name}` cannot move from `{}` to `{}`", found.instance, wish.instance))
                .because("an integration's key lives at one instance")
                .mend("declare it under another name there, and leave this one out");
        plan.faults.push(fault("instance", report));
        return;
    }
    if let Some((to, holder)) = sides.holder_of(wish) {
        let report = operator(format!("`{to}` holds the key of `{holder}`"))
            .because("one integration, one key, and a place of its own")
            .mend(format!("keywright key revoke {holder}   # if it is not used any more"));
        plan.faults.push(fault("deliver", report));
        return;
    }
    // What an instance can do is learned when it is connected; then this is planned again.
    let wish = match known.instance(&wish.instance) {
        None => wish.clone(),
        Some(instance) => {
            if let Some(report) = room_taken(wish, instance, sides, rooms) {
                plan.faults.push(fault("instance", report));
                return;
            }
            match fitted(wish, instance) {
                Ok(fitted) => fitted,
                Err((setting, report)) => return plan.faults.push(fault(setting, report)),
            }
        }
    };
    match (found, known.open.get(name)) {
        (None, None) => plan.actions.push(Action::Create(wish)),
        (Some(_), Some(rotation))
            if rotation.mode == Mode::Create && rotation.status != RotationStatus::Aborting =>
        {
            plan.actions.push(Action::Resume(wish, rotation.id));
        }
        (Some(_), None) if !known.living.contains(name) => plan.actions.push(Action::Create(wish)),
        (Some(found), open) => plan_change(plan, wish, found, open),
        (None, Some(rotation)) => plan.later.push((name.clone(), waits_for(rotation))),
    }
}

/// The instance whose root key has this name, or would have it.
fn root_of<'a>(name: &IntegrationName, known: &'a Known) -> Option<&'a InstanceName> {
    let root = known.integrations.get(name).filter(|of| of.role == IntegrationRole::Root);
    let instance = name.as_str().strip_suffix("-root").and_then(|instance| instance.parse().ok());
    root.map(|root| &root.instance).or_else(|| known.instance(&instance?).map(|instance| &instance.name))
}

fn plan_change(plan: &mut Plan, wish: Integration, found: &Integration, open: Option<&Rotation>) {
    let mut differences = record_differences(&wish, found);
    let turning = key_differences(&wish, found);
    let wish = Integration { created_at: found.created_at, ..wish };
    match open {
        Some(rotation) if !turning.is_empty() => plan.later.push((wish.name.clone(), waits_for(rotation))),
        _ if !turning.is_empty() => {
            differences.extend(turning);
            plan.actions.push(Action::Rotate(wish, differences));
        }
        _ if !differences.is_empty() => plan.actions.push(Action::Change(wish, differences)),
        _ => {}
    }
}

fn waits_for(rotation: &Rotation) -> String {
    format!(
        "its {} rotation is {}: keywright rotate --resume {}",
        rotation.mode.as_str(),
        rotation.status.as_str(),
        rotation.integration
    )
}

/// The wish as this instance can fulfil it, or what it cannot.
fn fitted(wish: &Integration, instance: &Instance) -> Result<Integration, (&'static str, Report)> {
    let can = &instance.capabilities;
    let version = instance.version.as_deref().unwrap_or("of unknown version");
    let mut fitted = wish.clone();
    if !can.expiry {
        fitted.expires_after = None;
    }
    if can.scopes == ScopeSupport::Absent || can.available_scopes.is_empty() {
        return Ok(fitted);
    }
    if wish.scopes.is_empty() {
        let report = operator(format!("`{}` is not told what its key may do", wish.name))
            .because("n8n refuses a key without scopes, and one with all of them is root")
            .mend("scopes = [\"workflow:list\", \"workflow:read\"]");
        return Err(("scopes", report));
    }
    let mut report: Option<Report> = None;
    for scope in wish.scopes.iter().filter(|scope| !can.available_scopes.contains(scope)) {
        let near = nearest(scope.as_str(), can.available_scopes.iter().map(model::Scope::as_str));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let what = || operator(format!("n8n {version} at `{}` does not give these scopes", instance.name));
        report = Some(report.unwrap_or_else(what).because(format!("`{scope}` is not among them{near}")));
    }
    report.map_or(Ok(fitted), |report| Err(("scopes", report)))
}

/// Where a user may have one key, there is room for one integration.
fn room_taken<'a>(
    wish: &'a Integration,
    instance: &'a Instance,
    sides: &Sides<'a>,
    rooms: &mut Rooms<'a>,
) -> Option<Report> {
    if instance.capabilities.keys == KeyModel::Many {
        return None;
    }
    let lives = |of: &&Integration| {
        of.instance == instance.name && !sides.is_orphaned(of) && sides.known.living.contains(&of.name)
    };
    let first = rooms.entry(&instance.name).or_insert_with(|| {
        sides.known.integrations.values().find(lives).map_or(&wish.name, |found| &found.name)
    });
    if **first == wish.name {
        return None;
    }
    let version = instance.version.as_deref().unwrap_or("of this version");
    let what = format!("`{}` has room for one key, and `{first}` has it", instance.name);
    Some(
        operator(what)
            .because(format!("n8n {version} allows one key per user"))
            .mend("declare another instance with the same url and another user, for this integration alone")
            .mend("update n8n: from 1.73 on, a user may have several keys"),
    )
}

fn source_difference(is: Source) -> Option<Difference> {
    (is == Source::Command).then(|| Difference {
        setting: "declared by",
        is: "a command".into(),
        should: "the configuration".into(),
    })
}

/// What can be changed without touching the key.
fn record_differences(wish: &Integration, found: &Integration) -> Vec<Difference> {
    let shown = |of: Option<String>| of.unwrap_or_else(|| "none".into());
    let pairs = [
        ("owner", shown(found.owner.clone()), shown(wish.owner.clone())),
        (
            "rotate_every",
            shown(found.rotate_every.map(String::from)),
            shown(wish.rotate_every.map(String::from)),
        ),
        (
            "rotate_on",
            shown(found.rotate_on.clone().map(String::from)),
            shown(wish.rotate_on.clone().map(String::from)),
        ),
        ("grace", found.grace.to_string(), wish.grace.to_string()),
        (
            "silent_after",
            shown(found.silent_after.map(String::from)),
            shown(wish.silent_after.map(String::from)),
        ),
        ("reload", hooks(found), hooks(wish)),
    ];
    let mut differences = differing(pairs);
    differences.extend(source_difference(found.source));
    differences
}

fn hooks(of: &Integration) -> String {
    let hooks: Vec<String> = of.reload.iter().map(|(to, hook)| format!("{hook} after {to}")).collect();
    if hooks.is_empty() { "none".into() } else { hooks.join(" ") }
}

/// What is part of the key, or of where it is.
fn key_differences(wish: &Integration, found: &Integration) -> Vec<Difference> {
    fn set<T: Ord + ToString>(of: &[T]) -> String {
        let sorted: BTreeSet<&T> = of.iter().collect();
        let texts: Vec<String> = sorted.into_iter().map(ToString::to_string).collect();
        if texts.is_empty() { "none".into() } else { texts.join(" ") }
    }
    let period = |of: Option<model::Period>| of.map_or_else(|| "never".into(), String::from);
    differing([
        ("scopes", set(&found.scopes), set(&wish.scopes)),
        ("expires_after", period(found.expires_after), period(wish.expires_after)),
        ("deliver", set(&found.destinations), set(&wish.destinations)),
    ])
}

fn differing(pairs: impl IntoIterator<Item = (&'static str, String, String)>) -> Vec<Difference> {
    let pairs = pairs.into_iter().filter(|(_, is, should)| is != should);
    pairs.map(|(setting, is, should)| Difference { setting, is, should }).collect()
}
