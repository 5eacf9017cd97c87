//! The file's side of a move.

use std::path::{Path, PathBuf};

use model::StoreError;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::busy;
use super::copy::{Cell, Copy, HEADS, OUTBOX, Rows, TABLES};
use crate::MasterKey;
use crate::error::{corrupt, exists, sqlite};
use crate::identity::{LOG_NODE, MOVED, MOVING, Meta, node_of};
use crate::sqlite::{connect, leadership, meta, schema};

/// A store that is left.
pub(super) struct Source {
    conn: Connection,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let path: PathBuf = connect::checked_path(path)?;
        let mut conn = connect::connect(&path)?;
        schema::bring_up_to_date(&mut conn, &path)?;
        if leadership::is_led(&path)? {
            return Err(busy("somebody leads"));
        }
        Ok(Self { conn })
    }

    pub(super) fn meta(&self) -> Result<Meta, StoreError> {
        meta::read(&self.conn)
    }

    /// From now on nobody works here.
    pub(super) fn mark(&self, shown: &str) -> Result<(), StoreError> {
        self.run("BEGIN IMMEDIATE")?;
        let leased = "SELECT count(*) FROM rotation
            WHERE lease_until > CAST(unixepoch('subsec') * 1000000 AS INTEGER)";
        let leased: i64 =
            self.conn.query_row(leased, [], |row| row.get(0)).map_err(|error| sqlite(&error))?;
        if leased > 0 {
            return Err(busy("a rotation is being driven"));
        }
        meta::write(&self.conn, &Meta::from([(MOVING.to_owned(), shown.as_bytes().to_vec())]))?;
        self.run("COMMIT")
    }

    /// All of it. Nobody else writes until it is closed.
    pub(super) fn read(&self) -> Result<Copy, StoreError> {
        self.run("BEGIN IMMEDIATE")?;
        read(&self.conn)
    }

    /// Nothing came of it: work goes on here.
    pub(super) fn stay(self, failure: StoreError) -> StoreError {
        let ended = if self.conn.is_autocommit() { Ok(()) } else { self.run("ROLLBACK") };
        let stayed = ended
            .and_then(|()| self.run("BEGIN IMMEDIATE"))
            .and_then(|()| meta::forget(&self.conn, MOVING))
            .and_then(|()| self.run("COMMIT"));
        // What cannot be unmarked says so itself when it is opened.
        stayed.map_or_else(|again| again, |()| failure)
    }

    /// It is at `shown`.
    pub(super) fn close(self, shown: &str) -> Result<(), StoreError> {
        meta::write(&self.conn, &Meta::from([(MOVED.to_owned(), shown.as_bytes().to_vec())]))?;
        meta::forget(&self.conn, MOVING)?;
        self.run("COMMIT")
    }

    fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.conn.execute_batch(sql).map_err(|error| sqlite(&error))
    }
}

/// The identity of the store in a file; none if there is no file.
pub(super) fn resident(path: &Path) -> Result<Option<Meta>, StoreError> {
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let there = connect::checked_path(path).and_then(|path| meta::read(&connect::connect(&path)?));
    there.map(Some).map_err(|_other| exists(format!("`{}` is there already", path.display())))
}

/// Makes a store of it where there is none. It has one chain: this folder's.
pub(super) fn write(path: &Path, copy: &Copy, key: &MasterKey, node: &str) -> Result<(), StoreError> {
    if copy.others("outbox", node) {
        return Err(busy("events of other hosts are not in their logs yet: start Keywright there once"));
    }
    if copy.others("log_head", node) {
        return Err(busy(
            "other hosts have logs of this store, and a file has room for one: keep it in a database",
        ));
    }
    connect::create(path, |conn| {
        schema::make(conn)?;
        meta::write(conn, &copy.meta)?;
        meta::write(conn, &Meta::from([(LOG_NODE.to_owned(), node.as_bytes().to_vec())]))?;
        for (table, columns) in TABLES {
            insert(conn, table, columns, copy.rows(table), 0)?;
        }
        insert(conn, "outbox", "seq, event, at, json", copy.rows("outbox"), 1)?;
        insert(conn, "log_head", "batch, hash, events, segment, ends_at, one", copy.rows("log_head"), 1)?;
        copy.check(&read(conn)?, key)
    })
}

fn insert(
    conn: &Connection,
    table: &str,
    columns: &str,
    rows: &[Vec<Cell>],
    skipped: usize,
) -> Result<(), StoreError> {
    let places = vec!["?"; columns.split(',').count()].join(", ");
    let mut statement = conn
        .prepare(&format!("INSERT INTO {table} ({columns}) VALUES ({places})"))
        .map_err(|error| sqlite(&error))?;
    for row in rows {
        let mut values: Vec<Value> = row.iter().skip(skipped).cloned().map(value).collect();
        if table == "log_head" {
            values.push(Value::Integer(1));
        }
        statement.execute(params_from_iter(values)).map_err(|error| sqlite(&error))?;
    }
    Ok(())
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Number(number) => Value::Integer(number),
        Cell::Text(text) => Value::Text(text),
        Cell::Bytes(bytes) => Value::Blob(bytes),
    }
}

fn read(conn: &Connection) -> Result<Copy, StoreError> {
    let mut copy = Copy { meta: meta::read(conn)?, ..Copy::default() };
    copy.meta.remove(MOVING);
    let node = node_of(&copy.meta)?;
    for (table, columns) in TABLES.into_iter().chain([HEADS, OUTBOX]) {
        let columns = columns.replacen("node", &format!("'{node}'"), 1);
        let mut statement = conn
            .prepare(&format!("SELECT {columns} FROM {table} ORDER BY 1, 2"))
            .map_err(|error| sqlite(&error))?;
        let width = statement.column_count();
        let rows = statement
            .query_map([], |row| {
                (0..width).map(|column| row.get::<_, Value>(column)).collect::<Result<Vec<_>, _>>()
            })
            .map_err(|error| sqlite(&error))?;
        let mut cells = Rows::new();
        for row in rows {
            let row = row.map_err(|error| sqlite(&error))?;
            cells.push(row.into_iter().map(|value| cell(table, value)).collect::<Result<_, _>>()?);
        }
        copy.tables.insert(table, cells);
    }
    Ok(copy)
}

fn cell(table: &str, value: Value) -> Result<Cell, StoreError> {
    match value {
        Value::Null => Ok(Cell::Null),
        Value::Integer(number) => Ok(Cell::Number(number)),
        Value::Text(text) => Ok(Cell::Text(text)),
        Value::Blob(bytes) => Ok(Cell::Bytes(bytes)),
        Value::Real(_) => Err(corrupt(table, "a number is not whole")),
    }
}
