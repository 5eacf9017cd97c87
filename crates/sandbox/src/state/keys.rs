//! The table of keys: unique by text, and by user and label.

use std::collections::{BTreeMap, HashMap};

use crate::clock::Moment;
use crate::token;

/// A key of the instance, for tests to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyView {
    /// Its id; on 1.60, where keys have none, its user's.
    pub id: String,
    /// Its label; empty on 1.60.
    pub label: String,
    /// Its user's login id.
    pub owner: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it ends by itself, in seconds since 1970.
    pub expires_s: Option<i64>,
    /// When the public API last noted its use, in milliseconds since 1970.
    pub last_used_ms: Option<i64>,
    /// SHA-256 of its text, in hex.
    pub fingerprint: String,
    /// It is there and has not expired.
    pub alive: bool,
}

/// A row of the table.
#[derive(Clone)]
pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) user: String,
    pub(crate) label: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) text: String,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
    pub(crate) expires_s: Option<i64>,
    pub(crate) last_used_ms: Option<i64>,
}

impl KeyRow {
    pub(crate) fn lives_at(&self, now_s: i64) -> bool {
        self.expires_s.is_none_or(|end| now_s < end)
    }

    fn view(&self, owner: Option<String>, alive: bool) -> KeyView {
        KeyView {
            id: self.id.clone(),
            label: self.label.clone(),
            owner: owner.unwrap_or_default(),
            scopes: self.scopes.clone(),
            created_ms: self.created.ms(),
            expires_s: self.expires_s,
            last_used_ms: self.last_used_ms,
            fingerprint: token::fingerprint(&self.text),
            alive,
        }
    }
}

/// A row with this text, or with this user and label, is there already.
pub(crate) struct Clash;

/// The table, in the order of making, and what was once in it.
#[derive(Default)]
pub(crate) struct Keys {
    rows: BTreeMap<u64, KeyRow>,
    by_id: HashMap<String, u64>,
    by_text: HashMap<String, u64>,
    by_label: HashMap<(String, String), u64>,
    gone: BTreeMap<u64, KeyRow>,
    next: u64,
}

impl Keys {
    /// The living rows, the oldest first.
    pub(crate) fn rows(&self) -> impl DoubleEndedIterator<Item = &KeyRow> {
        self.rows.values()
    }

    pub(crate) fn of_user<'a>(&'a self, user: &'a str) -> impl DoubleEndedIterator<Item = &'a KeyRow> {
        self.rows().filter(move |row| row.user == user)
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&KeyRow> {
        self.rows.get(self.by_id.get(id)?)
    }

    pub(crate) fn by_text(&self, text: &str) -> Option<&KeyRow> {
        self.rows.get(self.by_text.get(text)?)
    }

    pub(crate) fn insert(&mut self, row: KeyRow) -> Result<(), Clash> {
        let label = (row.user.clone(), row.label.clone());
        if self.by_text.contains_key(&row.text) || self.by_label.contains_key(&label) {
            return Err(Clash);
        }
        let at = self.next;
        self.next += 1;
        self.by_id.insert(row.id.clone(), at);
        self.by_text.insert(row.text.clone(), at);
        self.by_label.insert(label, at);
        self.rows.insert(at, row);
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<KeyRow> {
        let at = self.by_id.remove(id)?;
        let row = self.rows.remove(&at)?;
        self.by_text.remove(&row.text);
        self.by_label.remove(&(row.user.clone(), row.label.clone()));
        self.gone.insert(at, row.clone());
        Some(row)
    }

    /// Gives a key another label and other scopes.
    pub(crate) fn relabel(
        &mut self,
        id: &str,
        label: &str,
        scopes: Vec<String>,
        now_ms: i64,
    ) -> Result<(), Clash> {
        let Some(row) = self.by_id.get(id).and_then(|at| self.rows.get_mut(at)) else { return Ok(()) };
        let new = (row.user.clone(), label.to_owned());
        let old = (row.user.clone(), row.label.clone());
        if new != old {
            if self.by_label.contains_key(&new) {
                return Err(Clash);
            }
            if let Some(at) = self.by_label.remove(&old) {
                self.by_label.insert(new, at);
            }
        }
        label.clone_into(&mut row.label);
        row.scopes = scopes;
        row.updated = Moment::at(now_ms);
        Ok(())
    }

    /// Gives a key another text; the old one is dead.
    pub(crate) fn retext(&mut self, id: &str, text: String, now_ms: i64) -> Option<&KeyRow> {
        let at = *self.by_id.get(id)?;
        let row = self.rows.get_mut(&at)?;
        self.by_text.remove(&row.text);
        // The old text is remembered as a key that is gone, under a number of its own.
        self.gone.insert(self.next, row.clone());
        self.next += 1;
        self.by_text.insert(text.clone(), at);
        row.text = text;
        row.updated = Moment::at(now_ms);
        row.last_used_ms = None;
        Some(row)
    }

    pub(crate) fn touch(&mut self, id: &str, updated_ms: i64) {
        if let Some(row) = self.by_id.get(id).and_then(|at| self.rows.get_mut(at)) {
            row.updated = Moment::at(updated_ms);
        }
    }

    /// Notes a use, at most once a minute as n8n does.
    pub(crate) fn used(&mut self, text: &str, now_ms: i64) {
        let Some(row) = self.by_text.get(text).and_then(|at| self.rows.get_mut(at)) else { return };
        if now_ms - row.last_used_ms.unwrap_or(0) >= 60_000 {
            row.last_used_ms = Some(now_ms);
            row.updated = Moment::at(now_ms);
        }
    }

    pub(crate) fn views(&self, now_s: i64, owner: impl Fn(&str) -> Option<String>) -> Vec<KeyView> {
        let gone = self.gone.iter().map(|(at, row)| (*at, row.view(owner(&row.user), false)));
        let mut all: Vec<_> = self.current_views(now_s, &owner).chain(gone).collect();
        all.sort_by_key(|(at, _)| *at);
        all.into_iter().map(|(_, view)| view).collect()
    }

    /// Those that were not deleted, each with its place in the order of making.
    pub(crate) fn current_views(
        &self,
        now_s: i64,
        owner: impl Fn(&str) -> Option<String>,
    ) -> impl Iterator<Item = (u64, KeyView)> {
        self.rows.iter().map(move |(at, row)| (*at, row.view(owner(&row.user), row.lives_at(now_s))))
    }
}
