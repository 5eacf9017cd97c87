//! Instances, integrations, keys and sealed values.

use model::{Instance, Integration, IntegrationName, Key, KeyId, StoreError, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Params, params};
use serde::de::DeserializeOwned;

use crate::error::{Constraint, constraint, not_found, sqlite};
use crate::rows::{found, from_json, to_json};

/// Reads records by a query that gives their ids and their JSON.
pub(crate) fn select<T: DeserializeOwned>(
    conn: &Connection,
    table: &str,
    sql: &str,
    params: impl Params,
) -> Result<Vec<T>, StoreError> {
    let mut statement = conn.prepare_cached(sql).map_err(|error| sqlite(&error))?;
    let rows = statement
        .query_map(params, |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .map_err(|error| sqlite(&error))?;
    rows.map(|row| {
        let (id, json) = row.map_err(|error| sqlite(&error))?;
        from_json(table, &id, &json)
    })
    .collect()
}

/// Runs one statement; gives how many rows it changed.
pub(crate) fn execute(
    conn: &Connection,
    on: Constraint<'_>,
    sql: &str,
    params: impl Params,
) -> Result<usize, StoreError> {
    let run = conn.prepare_cached(sql).and_then(|mut statement| statement.execute(params));
    run.map_err(|error| constraint(&error, on))
}

/// A sealed value; `None` if its row is not there, or the value was erased.
pub(crate) fn bytes(
    conn: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Option<Vec<u8>>, StoreError> {
    conn.prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(params, |row| row.get(0)).optional())
        .map(Option::flatten)
        .map_err(|error| sqlite(&error))
}

pub(crate) fn put_instance(conn: &Connection, name: &str, json: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO instance (name, record) VALUES (?1, ?2)
        ON CONFLICT (name) DO UPDATE SET record = excluded.record";
    execute(conn, Constraint::NONE, sql, params![name, json]).map(|_rows| ())
}

pub(crate) fn instances(conn: &Connection) -> Result<Vec<Instance>, StoreError> {
    select(conn, "instance", "SELECT name, record FROM instance ORDER BY name", [])
}

pub(crate) fn instance(conn: &Connection, name: &str) -> Result<Option<Instance>, StoreError> {
    let sql = "SELECT name, record FROM instance WHERE name = ?1";
    select(conn, "instance", sql, [name]).map(|found| found.into_iter().next())
}

pub(crate) fn put_sealed(conn: &Connection, name: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
    let upsert = "INSERT INTO sealed (name, value) VALUES (?1, ?2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    match value {
        Some(value) => execute(conn, Constraint::NONE, upsert, params![name, value]),
        None => execute(conn, Constraint::NONE, "DELETE FROM sealed WHERE name = ?1", [name]),
    }
    .map(|_rows| ())
}

pub(crate) fn put_integration(conn: &Connection, record: &Integration) -> Result<(), StoreError> {
    let json = to_json("integration", record.name.as_str(), record)?;
    let missing = format!("there is no instance `{}`", record.instance);
    let sql = "INSERT INTO integration (name, instance, record) VALUES (?1, ?2, ?3)
        ON CONFLICT (name) DO UPDATE SET instance = excluded.instance, record = excluded.record";
    let params = params![record.name.as_str(), record.instance.as_str(), json];
    execute(conn, Constraint { missing: &missing, taken: "" }, sql, params).map(|_rows| ())
}

pub(crate) fn integrations(conn: &Connection) -> Result<Vec<Integration>, StoreError> {
    select(conn, "integration", "SELECT name, record FROM integration ORDER BY name", [])
}

pub(crate) fn integration(conn: &Connection, name: &str) -> Result<Option<Integration>, StoreError> {
    let sql = "SELECT name, record FROM integration WHERE name = ?1";
    select(conn, "integration", sql, [name]).map(|found| found.into_iter().next())
}

pub(crate) fn keys(conn: &Connection, of: Option<&IntegrationName>) -> Result<Vec<Key>, StoreError> {
    match of {
        Some(name) => {
            let sql = "SELECT id, record FROM key WHERE integration = ?1 ORDER BY created_at, id";
            select(conn, "key", sql, [name.as_str()])
        }
        None => select(conn, "key", "SELECT id, record FROM key ORDER BY created_at, id", []),
    }
}

pub(crate) fn living_keys(conn: &Connection) -> Result<Vec<Key>, StoreError> {
    let sql = "SELECT id, record FROM key WHERE state <> 'retired' ORDER BY created_at, id";
    select(conn, "key", sql, [])
}

pub(crate) fn key(conn: &Connection, id: KeyId) -> Result<Option<Key>, StoreError> {
    let sql = "SELECT id, record FROM key WHERE id = ?1";
    select(conn, "key", sql, [id.to_string()]).map(|found| found.into_iter().next())
}

/// The newest, if several have this text.
pub(crate) fn key_with_fingerprint(conn: &Connection, fingerprint: &str) -> Result<Option<Key>, StoreError> {
    let sql = "SELECT id, record FROM key WHERE fingerprint = ?1 ORDER BY created_at DESC, id DESC LIMIT 1";
    select(conn, "key", sql, [fingerprint]).map(|found| found.into_iter().next())
}

pub(crate) fn add_key(conn: &Connection, key: &Key, secret: &[u8]) -> Result<(), StoreError> {
    let id = key.id.to_string();
    let on = Constraint {
        missing: &format!("there is no integration `{}` or no rotation `{}`", key.integration, key.rotation),
        taken: &format!("there is a key `{id}` already"),
    };
    let sql = "INSERT INTO key (id, integration, rotation, state, fingerprint, created_at, record, secret)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let params = params![
        id,
        key.integration.as_str(),
        key.rotation.to_string(),
        key.state.as_str(),
        key.fingerprint.to_string(),
        key.created_at.as_microsecond(),
        to_json("key", &id, key)?,
        secret
    ];
    execute(conn, on, sql, params).map(|_rows| ())
}

pub(crate) fn put_key(conn: &Connection, key: &Key) -> Result<(), StoreError> {
    let id = key.id.to_string();
    let sql = "UPDATE key SET state = ?2, created_at = ?3, record = ?4
        WHERE id = ?1 AND integration = ?5 AND rotation = ?6 AND fingerprint = ?7";
    let params = params![
        id,
        key.state.as_str(),
        key.created_at.as_microsecond(),
        to_json("key", &id, key)?,
        key.integration.as_str(),
        key.rotation.to_string(),
        key.fingerprint.to_string()
    ];
    let rows = execute(conn, Constraint::NONE, sql, params)?;
    found(rows, || format!("there is no key `{id}` of this integration, rotation and fingerprint"))
}

pub(crate) fn erase_secret(conn: &Connection, id: KeyId) -> Result<(), StoreError> {
    let rows =
        execute(conn, Constraint::NONE, "UPDATE key SET secret = NULL WHERE id = ?1", [id.to_string()])?;
    found(rows, || format!("there is no key `{id}`"))
}

/// Notes when keys were last used; a key that is not there, or was used later, is passed over.
pub(crate) fn note_use(conn: &Connection, used: &[(KeyId, Timestamp)]) -> Result<(), StoreError> {
    for (id, at) in used {
        if let Some(mut found) = key(conn, *id)?.filter(|key| key.last_used_at < Some(*at)) {
            found.last_used_at = Some(*at);
            put_key(conn, &found)?;
        }
    }
    Ok(())
}

pub(crate) fn redate_key(conn: &Connection, id: KeyId, made_at: Timestamp) -> Result<(), StoreError> {
    let found = key(conn, id)?.ok_or_else(|| not_found(format!("there is no key `{id}`")))?;
    put_key(conn, &Key { created_at: made_at, ..found })
}

pub(crate) fn put_memo(conn: &Connection, name: &str, memo: Option<&str>) -> Result<(), StoreError> {
    let upsert = "INSERT INTO memo (name, memo) VALUES (?1, ?2)
        ON CONFLICT (name) DO UPDATE SET memo = excluded.memo";
    match memo {
        Some(memo) => execute(conn, Constraint::NONE, upsert, params![name, memo]),
        None => execute(conn, Constraint::NONE, "DELETE FROM memo WHERE name = ?1", [name]),
    }
    .map(|_rows| ())
}

/// Those whose names begin so.
pub(crate) fn memos(conn: &Connection, prefix: &str) -> Result<Vec<(String, serde_json::Value)>, StoreError> {
    let sql = "SELECT name, memo FROM memo WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name";
    let mut statement = conn.prepare_cached(sql).map_err(|error| sqlite(&error))?;
    let rows = statement
        .query_map([prefix], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .map_err(|error| sqlite(&error))?;
    rows.map(|row| {
        let (name, json) = row.map_err(|error| sqlite(&error))?;
        let memo = from_json("memo", &name, &json)?;
        Ok((name, memo))
    })
    .collect()
}
