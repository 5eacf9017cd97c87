//! Warnings: rotations that stopped, and keys that only a person can turn.

use std::collections::BTreeSet;

use model::{Integration, Key, NoticeKind, Rotation, RotationStatus, SignedDuration, StoreError, Timestamp};
use serde_json::json;

use super::Scheduler;
use super::notices::{Repeat, rotate};
use super::plan::{Agenda, Look, needs_person};
use super::state::after;

/// A key that a person has to turn.
pub(crate) struct ByHand<'l> {
    pub(crate) key: &'l Key,
    pub(crate) due: Timestamp,
}

/// A rotation in which a person did nothing for so long waits for that person.
const NOBODY_FOR: SignedDuration = SignedDuration::from_hours(1);

/// From when on an open rotation, which nothing but a person drives, waits.
fn waits_from(rotation: &Rotation) -> Timestamp {
    if let (RotationStatus::Waiting, Some(until)) = (rotation.status, rotation.grace_until) {
        return until;
    }
    let moved = rotation.steps.iter().filter_map(|step| step.done_at.max(step.started_at)).max();
    let moved = moved.unwrap_or(rotation.started_at);
    moved.checked_add(NOBODY_FOR).unwrap_or(Timestamp::MAX)
}

impl Scheduler {
    pub(crate) async fn warn(
        &self,
        look: &Look,
        by_hand: &[&Integration],
        agenda: &mut Agenda,
    ) -> Result<(), StoreError> {
        for rotation in &look.open {
            let left_alone =
                look.instances.get(&rotation.instance).is_none_or(|one| one.retired_at.is_some());
            if left_alone {
                continue;
            }
            let instance = look.instances.get(&rotation.instance);
            let by_hand = instance.is_some_and(|instance| needs_person(instance, rotation));
            if by_hand {
                // Nothing else may bring it back here.
                agenda.again(after(look.now, NOBODY_FOR));
            }
            if let Some(problem) = &rotation.problem {
                self.warn_stalled(rotation, problem).await?;
            } else if by_hand {
                let from = waits_from(rotation);
                if look.now < from {
                    agenda.again(from);
                } else {
                    self.warn_stalled(rotation, "it waits for a person, who deletes and makes keys there")
                        .await?;
                }
            }
        }
        self.forget_ended(look).await?;
        for of in by_hand {
            let Some(found) = look.by_hand(of) else { continue };
            let from = found.due.checked_sub(self.config.warn_before.duration()).unwrap_or(Timestamp::MIN);
            if look.now < from {
                agenda.again(from);
                continue;
            }
            if look.now < found.due {
                agenda.again(found.due);
            }
            self.warn_due(look, of, &found).await?;
        }
        Ok(())
    }

    async fn warn_stalled(&self, rotation: &Rotation, problem: &str) -> Result<(), StoreError> {
        let name = &rotation.integration;
        let text = format!("the rotation of `{name}` stopped: {problem}");
        let draft = self
            .notice(NoticeKind::Stalled, text)
            .of_rotation(rotation)
            .mend(format!("keywright rotate --resume {name}"))
            .with("attempts", json!(rotation.attempts));
        self.tell_once(&rotation.id.to_string(), problem, Repeat::Daily, draft).await
    }

    /// What was told of rotations that are over is not needed any more.
    async fn forget_ended(&self, look: &Look) -> Result<(), StoreError> {
        let open: BTreeSet<String> = look.open.iter().map(|rotation| rotation.id.to_string()).collect();
        let prefix = format!("notice/{}/", NoticeKind::Stalled.as_str());
        for (name, _) in self.store().memos(&prefix).await? {
            if !name.strip_prefix(&prefix).is_some_and(|id| open.contains(id)) {
                self.store().put_memo(&name, None, Vec::new()).await?;
            }
        }
        Ok(())
    }

    async fn warn_due(&self, look: &Look, of: &Integration, found: &ByHand<'_>) -> Result<(), StoreError> {
        let (key, due) = (found.key, found.due);
        let (when, verb) = if due <= look.now { ("overdue", "was due") } else { ("soon", "is due") };
        let why = if of.is_told_by_hand() {
            "it is delivered nowhere, so a person has to be told the new one"
        } else {
            "a person makes and deletes keys there"
        };
        let draft = self
            .notice(NoticeKind::DueSoon, format!("the key of `{}` {verb} at {due}; {why}", of.name))
            .of_integration(of)
            .mend(rotate(&of.name))
            .with("due", json!(due))
            .with("expires_at", json!(key.expires_at));
        self.tell_once(of.name.as_str(), &format!("{} {when}", key.id), Repeat::Never, draft).await
    }
}
