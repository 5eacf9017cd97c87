//! All rows of a store, whatever database they are from.

use std::collections::BTreeMap;

use model::StoreError;

use crate::MasterKey;
use crate::error::{bug, corrupt};
use crate::identity::{self, Meta};
use crate::rows::{previous_place, sealed_place, secret_place};

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// Tables and their columns, each after those it refers to. The outbox and the heads stand apart: `SQLite` has
/// one chain, and no name for it.
pub(super) const TABLES: [(&str, &str); 7] = [
    ("instance", "name, record"),
    ("sealed", "name, value"),
    ("integration", "name, instance, record"),
    ("rotation", "id, integration, status, started_at, fence, holder, lease_until, record"),
    ("rotation_step", "rotation, number, kind, state, record, previous"),
    ("key", "id, integration, rotation, state, fingerprint, created_at, record, secret"),
    ("memo", "name, memo"),
];
/// With the node in front.
pub(super) const OUTBOX: (&str, &str) = ("outbox", "node, seq, event, at, json");
/// With the node in front.
pub(super) const HEADS: (&str, &str) = ("log_head", "node, batch, hash, events, segment, ends_at");

pub(super) type Rows = Vec<Vec<Cell>>;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Copy {
    pub(super) meta: Meta,
    pub(super) tables: BTreeMap<&'static str, Rows>,
}

impl Copy {
    pub(super) fn rows(&self, table: &str) -> &[Vec<Cell>] {
        self.tables.get(table).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn counts(&self) -> Vec<(&'static str, usize)> {
        self.tables.iter().map(|(table, rows)| (*table, rows.len())).collect()
    }

    /// Rows of the outbox or of the heads are of other chains than this one.
    pub(super) fn others(&self, table: &str, node: &str) -> bool {
        self.rows(table).iter().any(|row| !matches!(row.first(), Some(Cell::Text(one)) if one == node))
    }

    /// Tables and rows of sealed values, and what is sealed.
    pub(super) fn sealed(&self) -> Vec<(&'static str, String, &[u8])> {
        let found = |table: &'static str, column: usize| {
            self.rows(table).iter().filter_map(move |row| match (row.as_slice(), row.get(column)) {
                ([Cell::Text(id), Cell::Number(number), ..], Some(Cell::Bytes(value))) => {
                    Some((table, format!("{id}/{number}"), value.as_slice()))
                }
                ([Cell::Text(id), ..], Some(Cell::Bytes(value))) => {
                    Some((table, id.clone(), value.as_slice()))
                }
                _ => None,
            })
        };
        found("sealed", 1).chain(found("rotation_step", 5)).chain(found("key", 7)).collect()
    }

    /// What was read back is what was written, and all of it opens.
    pub(super) fn check(&self, back: &Self, key: &MasterKey) -> Result<(), StoreError> {
        for (table, rows) in &self.tables {
            if back.rows(table) != rows.as_slice() {
                return Err(corrupt(table, "it is not what was written there"));
            }
        }
        let sealer = identity::read(&back.meta, key)?.sealer;
        for (table, row, value) in back.sealed() {
            let place = match table {
                "sealed" => sealed_place(&row),
                "key" => secret_place(&row),
                "rotation_step" => previous_place(&row),
                _ => return Err(bug(format!("`{table}` has no sealed values"))),
            };
            sealer.open(place, value)?;
        }
        Ok(())
    }
}
