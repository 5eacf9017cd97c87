//! Judges by what the instance and the files hold: each key turned when due, none twice, nobody left without one.

use std::collections::{BTreeMap, BTreeSet};

use model::rotation_in_label;
use sandbox::KeyView;

use super::calendar::{DAY_S, HOUR_S, MINUTE_S, Rule};

/// Clocks are set right by so much all the time; a key that was made so little ahead keeps its date.
const SET_RIGHT_S: i64 = 5 * MINUTE_S;
/// How late a key may be turned when nothing is amiss.
const CALM_S: i64 = SET_RIGHT_S + 2 * MINUTE_S;
/// How long, besides its grace, it may take to get over what went wrong: the longest wait between two tries.
const RECOVERED_S: i64 = HOUR_S + 10 * MINUTE_S;
/// A key that ends by itself is turned a week and its grace before.
const BEFORE_THE_END_S: i64 = 7 * DAY_S;

/// An integration as it is declared.
#[derive(Clone, Copy)]
pub(super) struct Declared {
    pub(super) name: &'static str,
    pub(super) rule: Rule,
    pub(super) grace_s: i64,
}

/// A key as it was made.
struct Made {
    id: String,
    born_s: i64,
    ends_s: i64,
    /// The time of the calendar that it was made for.
    stands_for: Option<i64>,
    due_s: i64,
    /// It was due at some time: a clock that steps back takes nothing of that.
    was_due: bool,
}

impl Made {
    fn new(key: &KeyView, of: Declared) -> Self {
        let born_s = key.created_ms.div_euclid(1_000);
        let ends_s = key.expires_s.unwrap_or(i64::MAX / 2);
        // Its label tells when it was begun: a clock that steps back a little while it is made does not make it due again.
        let begun = rotation_in_label(&key.label).and_then(|id| i64::try_from(id.0.timestamp_ms()).ok());
        let begun_s = begun.map_or(born_s, |ms| ms.div_euclid(1_000));
        let stands_for = of.rule.last_by(born_s.max(begun_s));
        let mut made = Self { id: key.id.clone(), born_s, ends_s, stands_for, due_s: 0, was_due: false };
        made.look_ahead(of);
        made
    }

    fn look_ahead(&mut self, of: Declared) {
        let planned = match of.rule {
            Rule::Days(days) => self.born_s + days * DAY_S,
            rule => {
                let next = rule.next_after(self.born_s).unwrap();
                if Some(next) == self.stands_for { rule.next_after(next).unwrap() } else { next }
            }
        };
        let life = (self.ends_s - self.born_s).max(0);
        let early = (BEFORE_THE_END_S + of.grace_s).min(life / 2);
        self.due_s = planned.min(self.ends_s - early);
    }
}

/// What was seen of an integration.
struct Seen {
    declared: Declared,
    labels: BTreeSet<String>,
    /// Its keys, of which the last one counts; a newer one may have been taken back before it was used.
    made: Vec<Made>,
}

impl Seen {
    fn is_of(&self, key: &KeyView) -> bool {
        key.label.split(" kw_").next() == Some(self.declared.name)
    }

    /// Whether this key is one more turn.
    fn note(&mut self, newest: &KeyView) -> bool {
        if let Some(at) = self.made.iter().rposition(|made| made.id == newest.id) {
            self.made.truncate(at + 1);
            return false;
        }
        self.made.push(Made::new(newest, self.declared));
        let excess = self.made.len().saturating_sub(3);
        self.made.drain(..excess);
        // A rotation that lost its key makes another one under the same label.
        self.labels.insert(newest.label.clone())
    }
}

pub(super) struct Judge {
    seen: Vec<Seen>,
    /// When something last went wrong, in time that really passed.
    disturbed_s: i64,
    /// The process ran, and had looked around.
    pub(super) is_up: bool,
    faults_left: usize,
    pub(super) turns: BTreeMap<&'static str, usize>,
    /// The longest that a key was late, in calm and otherwise.
    pub(super) latest_s: (i64, i64),
    pub(super) faults: Vec<String>,
}

impl Judge {
    /// Of integrations whose first keys are there.
    pub(super) fn new(declared: &[Declared], keys: &[KeyView]) -> Self {
        let seen = declared.iter().map(|declared| {
            let mut seen = Seen { declared: *declared, labels: BTreeSet::new(), made: Vec::new() };
            let key = keys.iter().find(|key| seen.is_of(key)).unwrap();
            seen.note(key);
            seen
        });
        Self {
            seen: seen.collect(),
            disturbed_s: i64::MIN / 2,
            is_up: false,
            faults_left: 0,
            turns: BTreeMap::new(),
            latest_s: (0, 0),
            faults: Vec::new(),
        }
    }

    /// Something went wrong, or still does.
    pub(super) fn disturbed(&mut self, passed_s: i64) {
        self.disturbed_s = passed_s;
    }

    /// Looks at everything, before time goes on.
    pub(super) fn look(&mut self, now_s: i64, passed_s: i64, keys: &[KeyView], faults_left: usize) {
        if faults_left < self.faults_left || !self.is_up {
            self.disturbed(passed_s);
        }
        self.faults_left = faults_left;
        let quiet_s = passed_s - self.disturbed_s;
        for seen in &mut self.seen {
            let (name, grace_s) = (seen.declared.name, seen.declared.grace_s);
            let Some(newest) = keys.iter().rfind(|key| seen.is_of(key)) else {
                self.faults.push(format!("{name} has no key at {now_s}"));
                continue;
            };
            let last = seen.made.last_mut().unwrap();
            let due_s = last.due_s;
            last.was_due |= due_s <= now_s;
            // What goes wrong has an end, and is got over; calm is what was so for long before it was due.
            let recovered_s = RECOVERED_S + grace_s;
            let is_calm = quiet_s - (now_s - due_s).max(0) > recovered_s;
            let late_s = (now_s - due_s).min(quiet_s);
            let is_late = late_s > if is_calm { CALM_S } else { recovered_s };
            if is_late {
                // Told once.
                last.due_s = i64::MAX / 2;
            }
            let was_due = last.was_due;
            let is_turned = seen.note(newest);
            if is_late {
                let what = if is_turned { "turned" } else { "not turned yet" };
                let fault = format!("{name} was due at {due_s} and {what} at {now_s}, {late_s} s late");
                self.faults.push(format!("{fault}, after {quiet_s} s of quiet"));
            }
            if is_turned {
                if !was_due {
                    self.faults.push(format!("{name} is due at {due_s}, and was turned at {now_s}"));
                }
                let latest = if is_calm { &mut self.latest_s.0 } else { &mut self.latest_s.1 };
                *latest = late_s.max(*latest);
                *self.turns.entry(name).or_default() += 1;
            }
            // A key that was made in the future is taken for one that is made now.
            for made in seen.made.iter_mut().filter(|_| self.is_up) {
                if made.born_s - now_s > SET_RIGHT_S {
                    made.born_s = now_s;
                    made.look_ahead(seen.declared);
                }
            }
        }
    }

    /// When it is all over: one key each, and no other.
    pub(super) fn end(&mut self, keys: &[KeyView]) {
        for seen in &self.seen {
            let ours: Vec<&KeyView> = keys.iter().filter(|key| seen.is_of(key)).collect();
            if ours.len() != 1 || !ours[0].alive {
                self.faults.push(format!("{} has {} keys at the end", seen.declared.name, ours.len()));
            }
        }
        if keys.len() != self.seen.len() {
            self.faults.push(format!("{} keys at the end", keys.len()));
        }
    }
}
