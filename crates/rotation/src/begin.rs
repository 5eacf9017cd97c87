//! Begins rotations, and tells beforehand what one would do.

use model::{
    Address, Blame, Event, EventKind, Instance, Integration, Key, KeyModel, Mode, NewRotation, Report, Retry,
    Rotation, RotationId, RotationStatus, StartOutcome, StoreErrorKind, plan,
};

use crate::due::active;
use crate::engine::Engine;
use crate::error::{self, RotationError, RotationErrorKind};
use crate::lease::LEASE;
use crate::request::{Preview, Request};
use crate::steps;

impl Engine {
    /// Begins a rotation: writes its plan, and holds its lease. Drive it next.
    pub async fn start(&self, request: &Request) -> Result<RotationId, RotationError> {
        let (integration, instance, keys) = self.subject(request).await?;
        let living: Vec<&Key> = keys.iter().filter(|key| key.state.lives()).collect();
        self.check_startable(request, &integration, &keys, instance.capabilities.keys).await?;
        let destinations = destinations(request, &integration)?;
        let delivers = request.mode == Mode::Deliver;
        let at = self.clock.now();
        let rotation = Rotation {
            id: self.ids.rotation(at),
            integration: integration.name.clone(),
            instance: instance.name.clone(),
            mode: request.mode,
            status: RotationStatus::Running,
            old_keys: living.iter().filter(|_| !delivers).map(|key| key.id).collect(),
            new_key: None,
            grace: request.grace.unwrap_or(integration.grace),
            grace_until: None,
            attempts: 0,
            next_try: None,
            problem: None,
            gap_ms: None,
            started_at: at,
            finished_at: None,
            steps: plan(request.mode, instance.capabilities.keys, &destinations, &integration.reload),
        };
        let id = rotation.id;
        let mut new = NewRotation {
            rotation,
            integration: request.declare.clone(),
            supersede: None,
            holder: self.holder.clone(),
            lease_for: LEASE,
            adopt: None,
        };
        // Each turn either begins it, fails, or names the open rotation that gives way in the next.
        for _ in 0..8 {
            let events = self.start_events(&new);
            match self.store.start_rotation(new.clone(), events).await {
                Ok(StartOutcome::Started(_)) => return Ok(id),
                Ok(StartOutcome::AlreadyOpen(open)) => {
                    new.supersede = Some(self.yielding(request, open).await?);
                }
                // The one that was to give way is over by now.
                Err(failure)
                    if failure.kind == StoreErrorKind::IllegalTransition && new.supersede.is_some() =>
                {
                    new.supersede = None;
                }
                Err(failure) => return Err(error::store(failure)),
            }
        }
        let report = Report::new(
            Blame::Operator,
            Retry::Later(None),
            format!("`{}` is being rotated again and again", integration.name),
        )
        .because("other processes keep beginning rotations of it");
        Err(model::Failure::new(RotationErrorKind::NotPossible, report))
    }

    /// The open rotation that gives way to the asked one, if it is to.
    async fn yielding(&self, request: &Request, open: RotationId) -> Result<RotationId, RotationError> {
        let rotation = self.store.rotation(open).await.map_err(error::store)?;
        match rotation {
            Some(rotation) if gives_way(&rotation, request.mode) => Ok(open),
            rotation => {
                let status = rotation.map_or(RotationStatus::Running, |rotation| rotation.status);
                Err(error::already_open(&request.integration, open, status))
            }
        }
    }

    /// An event of a rotation that begins.
    pub(crate) fn event_of(&self, rotation: &Rotation, kind: EventKind) -> Event {
        let at = rotation.started_at;
        let mut event = Event::new(self.ids.event(at), at, kind, self.actor.clone());
        event.instance = Some(rotation.instance.clone());
        event.integration = Some(rotation.integration.clone());
        event.rotation = Some(rotation.id);
        event
    }

    pub(crate) fn start_events(&self, new: &NewRotation) -> Vec<Event> {
        let event = |kind| self.event_of(&new.rotation, kind);
        let mut events = Vec::new();
        if let Some(integration) = &new.integration {
            let scopes: Vec<&str> = integration.scopes.iter().map(model::Scope::as_str).collect();
            let to: Vec<String> = integration.destinations.iter().map(Address::to_string).collect();
            events
                .push(event(EventKind::IntegrationDeclared).with("scopes", scopes).with("destinations", to));
        }
        if let Some(id) = new.supersede {
            events.push(Event {
                rotation: Some(id),
                ..event(EventKind::RotationSuperseded).with("by", new.rotation.id.to_string())
            });
        }
        let old: Vec<String> = new.rotation.old_keys.iter().map(ToString::to_string).collect();
        events.push(
            event(EventKind::RotationStarted).with("mode", new.rotation.mode.as_str()).with("old_keys", old),
        );
        events
    }

    /// What a rotation would do: its plan, after all checks that change nothing.
    pub async fn preview(&self, request: &Request) -> Result<Preview, RotationError> {
        let (integration, instance, keys) = self.subject(request).await?;
        self.check_startable(request, &integration, &keys, instance.capabilities.keys).await?;
        for open in self.open_rotations(Some(&integration.name)).await? {
            if !gives_way(&open, request.mode) {
                return Err(error::already_open(&integration.name, open.id, open.status));
            }
        }
        let issuer = self.issuer(&instance).await?;
        let destinations = destinations(request, &integration)?;
        let unwritable = steps::preview(self, &*issuer, &integration, request.mode, &destinations).await?;
        let steps = plan(request.mode, instance.capabilities.keys, &destinations, &integration.reload);
        let gap = request.mode == Mode::Compromised
            || (request.mode == Mode::Graceful && !instance.capabilities.keys.overlaps());
        let grace = request.grace.unwrap_or(integration.grace);
        let dies = match request.mode {
            Mode::Create | Mode::Deliver => None,
            Mode::Graceful if !gap => self.clock.now().checked_add(grace.duration()).ok(),
            _ => Some(self.clock.now()),
        };
        Ok(Preview {
            integration,
            mode: request.mode,
            steps,
            has_gap: gap,
            old_key_dies_at: dies,
            unwritable,
        })
    }

    async fn subject(&self, request: &Request) -> Result<(Integration, Instance, Vec<Key>), RotationError> {
        let known = self.store.integration(&request.integration).await.map_err(error::store)?;
        let integration =
            request.declare.clone().or(known).ok_or_else(|| error::no_integration(&request.integration))?;
        let instance = self.instance(&integration.instance).await?;
        let keys = self.store.keys(Some(&integration.name)).await.map_err(error::store)?;
        Ok((integration, instance, keys))
    }

    /// Whether the integration's keys allow what is asked.
    async fn check_startable(
        &self,
        request: &Request,
        integration: &Integration,
        keys: &[Key],
        model: KeyModel,
    ) -> Result<(), RotationError> {
        let name = &integration.name;
        let living = keys.iter().find(|key| key.state.lives());
        match (request.mode, living) {
            (Mode::Adopt, _) => Err(error::not_possible(
                format!("`{name}` cannot be rotated so"),
                "a key that exists is taken charge of by its text",
            )),
            (Mode::Create, Some(key)) => {
                let what = format!("`{name}` has a key already");
                let mut failure =
                    error::not_possible(what, format!("key {} is {}", key.id, key.state.as_str()));
                failure.report.mend.push(format!("keywright rotate {name}"));
                Err(failure)
            }
            (Mode::Graceful | Mode::Compromised | Mode::Revoke, None) => {
                // One that is stuck on its way may have made a key, or not proved one dead. Only a label tells
                // whose key is one that nobody knows.
                let urgent = request.mode != Mode::Graceful && model == KeyModel::Many;
                if urgent && !self.open_rotations(Some(name)).await?.is_empty() {
                    return Ok(());
                }
                let what = format!("`{name}` has no key");
                let mut failure = error::not_possible(what, "none was made, or all are retired");
                failure.report.mend.push(format!("keywright key create {name} --help"));
                Err(failure)
            }
            (Mode::Deliver, _) if active(integration, keys).is_none() => {
                if let Some(open) = self.open_rotations(Some(name)).await?.first() {
                    return Err(error::already_open(name, open.id, open.status));
                }
                let mut failure = error::not_possible(
                    format!("`{name}` has no key to deliver"),
                    "none was made, or all are retired",
                );
                failure.report.mend.push(format!("keywright key create {name} --help"));
                Err(failure)
            }
            _ => Ok(()),
        }
    }
}

/// Where the key goes.
fn destinations(request: &Request, integration: &Integration) -> Result<Vec<Address>, RotationError> {
    let (name, all) = (&integration.name, &integration.destinations);
    let what = format!("`{name}` cannot be delivered so");
    match &request.only {
        None if request.mode == Mode::Deliver && all.is_empty() => {
            Err(error::not_possible(format!("`{name}` cannot be delivered"), "it has no destination"))
        }
        None => Ok(all.clone()),
        Some(_) if request.mode != Mode::Deliver => {
            Err(error::not_possible(what, "a key that is turned goes to all of its destinations"))
        }
        Some(only) => match only.iter().find(|to| !all.contains(to)) {
            Some(stranger) => {
                let known = all.iter().map(|to| format!("`{to}`")).collect::<Vec<_>>().join(", ");
                let why = format!("`{stranger}` is none of its destinations; they are {known}");
                Err(error::not_possible(what, why))
            }
            None if only.is_empty() => Err(error::not_possible(what, "no destination was named")),
            None => Ok(all.iter().filter(|to| only.contains(to)).cloned().collect()),
        },
    }
}

/// Whether an open rotation gives way to one of this mode.
fn gives_way(open: &Rotation, mode: Mode) -> bool {
    match (open.mode, mode) {
        (Mode::Create | Mode::Graceful | Mode::Deliver, Mode::Compromised | Mode::Revoke)
        | (Mode::Compromised, Mode::Revoke) => true,
        // Stuck behind a destination, and its new key leaked too.
        (Mode::Compromised, Mode::Compromised) => {
            open.status == RotationStatus::Stalled && open.new_key.is_some()
        }
        _ => false,
    }
}
