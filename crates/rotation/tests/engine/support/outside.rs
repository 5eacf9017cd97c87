//! What lies outside: the keys at n8n and what the destinations hold. After every effect it is asked whether a
//! client that reads its destination would be let in.

use std::collections::BTreeMap;
use std::sync::Mutex;

use model::{Address, KeyModel, Scope, Timestamp};

use super::Call;

/// A key as n8n has it.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) native_id: String,
    pub(crate) label: String,
    pub(crate) text: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) lives: bool,
    /// It was used and let in.
    pub(crate) proved: bool,
    pub(crate) used_at: Option<Timestamp>,
}

/// Whether somebody else wrote to a place, or it could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Meddled {
    #[default]
    Never,
    /// And then we did.
    Before,
    /// After us.
    Last,
}

/// What a destination holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) text: Option<String>,
    /// It can be written, but not read.
    pub(crate) blind: bool,
    /// Nothing can be done with it.
    pub(crate) broken: bool,
    /// This cannot be done with it.
    pub(crate) broken_at: Option<Call>,
    /// What its program took up last, and whether that was somebody else's; it reads the place itself if `None`.
    pub(crate) taken_up: Option<(Option<String>, bool)>,
    /// How often it was written to, by whomever.
    pub(crate) writes: u32,
    /// What it held before, as places keep versions.
    pub(crate) versions: Vec<String>,
    /// Whether somebody else wrote to it.
    pub(crate) meddled: Meddled,
    /// A client reads it that must never be refused.
    pub(crate) guarded: bool,
}

pub(crate) struct State {
    pub(crate) model: KeyModel,
    /// n8n 1.x: the text of a key is made of the second and the expiry alone.
    pub(crate) text_of_second: bool,
    /// n8n's clock is late by this much.
    pub(crate) late_ms: i64,
    pub(crate) keys: Vec<Made>,
    /// Dead keys that were dropped from the list.
    pub(crate) dropped: usize,
    pub(crate) places: BTreeMap<Address, Place>,
    /// Whether the clients are watched: not once somebody asked to kill the key.
    pub(crate) watched: bool,
    pub(crate) violations: Vec<String>,
    /// Calls that changed something.
    pub(crate) effects: u32,
    /// In order: what was done outside.
    pub(crate) history: Vec<String>,
    /// Hooks that were run after an earlier try, and when their destination was delivered.
    pub(crate) run_again: Vec<(Address, Timestamp)>,
}

pub(crate) struct Outside(pub(crate) Mutex<State>);

impl State {
    pub(crate) fn works(&self, text: &str) -> bool {
        self.keys.iter().any(|key| key.lives && key.text == text)
    }

    /// A key that somebody made by hand.
    pub(crate) fn stranger(&mut self, text: &str) {
        let (native_id, label) = ("only-key".to_owned(), "My API Key".to_owned());
        let created_at = Timestamp::from_second(1_700_000_000).unwrap();
        let text = text.to_owned();
        let (scopes, expires_at) = (Vec::new(), None);
        self.keys.push(Made {
            native_id,
            label,
            text,
            scopes,
            created_at,
            expires_at,
            lives: true,
            proved: true,
            used_at: None,
        });
    }

    fn watch(&mut self, what: &str) {
        if !self.watched {
            return;
        }
        let refused: Vec<String> = self
            .places
            .iter()
            .filter(|(_, place)| place.guarded && place.meddled != Meddled::Last)
            .filter(|(_, place)| !place.taken_up.as_ref().is_some_and(|(_, meddled)| *meddled))
            .filter(|(_, place)| !place.read().is_some_and(|text| self.works(text)))
            .map(|(address, _)| format!("after {what}: a client of `{address}` is refused"))
            .collect();
        self.violations.extend(refused);
    }
}

impl Outside {
    pub(crate) fn new(model: KeyModel, text_of_second: bool) -> Self {
        Self(Mutex::new(State {
            model,
            text_of_second,
            late_ms: 0,
            keys: Vec::new(),
            dropped: 0,
            places: BTreeMap::new(),
            watched: false,
            violations: Vec::new(),
            effects: 0,
            history: Vec::new(),
            run_again: Vec::new(),
        }))
    }

    /// Only looks.
    pub(crate) fn look<T>(&self, with: impl FnOnce(&State) -> T) -> T {
        with(&self.0.lock().unwrap())
    }

    /// Changes what the test itself wants changed.
    pub(crate) fn arrange<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.lock().unwrap())
    }

    /// Changes something, and asks the clients.
    pub(crate) fn effect<T>(&self, what: &str, with: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.0.lock().unwrap();
        let result = with(&mut state);
        state.effects += 1;
        state.history.push(what.to_owned());
        state.watch(what);
        result
    }

    pub(crate) fn text(&self, of: &Address) -> Option<String> {
        self.look(|state| state.places[of].text.clone())
    }

    pub(crate) fn works(&self, text: &str) -> bool {
        self.look(|state| state.works(text))
    }

    /// The native ids of the keys that live.
    pub(crate) fn living(&self) -> Vec<String> {
        self.look(|state| {
            state.keys.iter().filter(|key| key.lives).map(|key| key.native_id.clone()).collect()
        })
    }

    /// Breaks a destination, or mends it.
    pub(crate) fn breaks(&self, at: &Address, broken: bool) {
        self.arrange(|state| state.places.get_mut(at).unwrap().broken = broken);
    }

    /// Somebody else writes to a destination.
    pub(crate) fn meddle(&self, at: &Address, text: &str) {
        self.arrange(|state| state.places.get_mut(at).unwrap().meddle(text));
    }
}

impl Place {
    /// The text that its client uses.
    pub(crate) fn read(&self) -> Option<&String> {
        match &self.taken_up {
            Some((text, _)) => text.as_ref(),
            None => self.text.as_ref(),
        }
    }

    /// Its client takes up what it holds.
    pub(crate) fn take_up(&mut self) {
        self.taken_up = Some((self.text.clone(), self.meddled == Meddled::Last));
    }

    pub(crate) fn meddle(&mut self, text: &str) {
        self.text = Some(text.to_owned());
        self.writes += 1;
        self.meddled = Meddled::Last;
    }
}
