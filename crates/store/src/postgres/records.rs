//! Instances, integrations, keys, sealed values and memos.

use model::{Integration, Key, KeyId, StoreError, Timestamp};
use serde::de::DeserializeOwned;
use tokio_postgres::Row;

use super::connect::{Conn, get};
use crate::error::{Constraint, not_found};
use crate::rows::{found, from_json, to_json};

/// Records, from rows of their ids and their JSON.
pub(crate) fn all<T: DeserializeOwned>(table: &str, rows: &[Row]) -> Result<Vec<T>, StoreError> {
    rows.iter().map(|row| from_json(table, get(row, 0)?, get(row, 1)?)).collect()
}

pub(crate) fn one<T: DeserializeOwned>(table: &str, rows: &[Row]) -> Result<Option<T>, StoreError> {
    Ok(all(table, rows)?.into_iter().next())
}

/// A sealed value; `None` if its row is not there, or the value was erased.
pub(crate) fn bytes(rows: &[Row]) -> Result<Option<Vec<u8>>, StoreError> {
    rows.first().map_or(Ok(None), |row| get(row, 0))
}

pub(crate) async fn put_instance(conn: &Conn, name: &str, json: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO instance (name, record) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET record = excluded.record";
    conn.execute(Constraint::NONE, sql, &[&name, &json]).await.map(|_rows| ())
}

pub(crate) async fn put_sealed(conn: &Conn, name: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
    let upsert = "INSERT INTO sealed (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    let delete = "DELETE FROM sealed WHERE name = $1";
    match value {
        Some(value) => conn.execute(Constraint::NONE, upsert, &[&name, &value]).await,
        None => conn.execute(Constraint::NONE, delete, &[&name]).await,
    }
    .map(|_rows| ())
}

pub(crate) async fn put_integration(conn: &Conn, record: &Integration) -> Result<(), StoreError> {
    let json = to_json("integration", record.name.as_str(), record)?;
    let missing = format!("there is no instance `{}`", record.instance);
    let sql = "INSERT INTO integration (name, instance, record) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET instance = excluded.instance, record = excluded.record";
    let on = Constraint { missing: &missing, taken: "" };
    conn.execute(on, sql, &[&record.name.as_str(), &record.instance.as_str(), &json]).await.map(|_rows| ())
}

pub(crate) async fn add_key(conn: &Conn, key: &Key, secret: &[u8]) -> Result<(), StoreError> {
    let id = key.id.to_string();
    let on = Constraint {
        missing: &format!("there is no integration `{}` or no rotation `{}`", key.integration, key.rotation),
        taken: &format!("there is a key `{id}` already"),
    };
    let sql = "INSERT INTO key (id, integration, rotation, state, fingerprint, created_at, record, secret)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let (rotation, fingerprint) = (key.rotation.to_string(), key.fingerprint.to_string());
    let (created_at, json) = (key.created_at.as_microsecond(), to_json("key", &id, key)?);
    let integration = key.integration.as_str();
    conn.execute(
        on,
        sql,
        &[&id, &integration, &rotation, &key.state.as_str(), &fingerprint, &created_at, &json, &secret],
    )
    .await
    .map(|_rows| ())
}

pub(crate) async fn put_key(conn: &Conn, key: &Key) -> Result<(), StoreError> {
    let id = key.id.to_string();
    let sql = "UPDATE key SET state = $2, created_at = $3, record = $4
        WHERE id = $1 AND integration = $5 AND rotation = $6 AND fingerprint = $7";
    let (rotation, fingerprint) = (key.rotation.to_string(), key.fingerprint.to_string());
    let (created_at, json) = (key.created_at.as_microsecond(), to_json("key", &id, key)?);
    let integration = key.integration.as_str();
    let rows = conn
        .execute(
            Constraint::NONE,
            sql,
            &[&id, &key.state.as_str(), &created_at, &json, &integration, &rotation, &fingerprint],
        )
        .await?;
    found(rows, || format!("there is no key `{id}` of this integration, rotation and fingerprint"))
}

pub(crate) async fn erase_secret(conn: &Conn, id: KeyId) -> Result<(), StoreError> {
    let sql = "UPDATE key SET secret = NULL WHERE id = $1";
    let rows = conn.execute(Constraint::NONE, sql, &[&id.to_string()]).await?;
    found(rows, || format!("there is no key `{id}`"))
}

/// Its row is locked: what is read here is still so when it is written back.
async fn lock_key(conn: &Conn, id: KeyId) -> Result<Option<Key>, StoreError> {
    let sql = "SELECT id, record FROM key WHERE id = $1 FOR NO KEY UPDATE";
    one("key", &conn.rows(sql, &[&id.to_string()]).await?)
}

/// Notes when keys were last used; a key that is not there, or was used later, is passed over.
pub(crate) async fn note_use(conn: &Conn, mut used: Vec<(KeyId, Timestamp)>) -> Result<(), StoreError> {
    // In one order, so that two of these do not wait for each other.
    used.sort_unstable();
    for (id, at) in used {
        if let Some(mut key) = lock_key(conn, id).await?.filter(|key| key.last_used_at < Some(at)) {
            key.last_used_at = Some(at);
            put_key(conn, &key).await?;
        }
    }
    Ok(())
}

pub(crate) async fn redate_key(conn: &Conn, id: KeyId, made_at: Timestamp) -> Result<(), StoreError> {
    let key = lock_key(conn, id).await?.ok_or_else(|| not_found(format!("there is no key `{id}`")))?;
    put_key(conn, &Key { created_at: made_at, ..key }).await
}

pub(crate) async fn put_memo(conn: &Conn, name: &str, memo: Option<&str>) -> Result<(), StoreError> {
    let upsert = "INSERT INTO memo (name, memo) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET memo = excluded.memo";
    match memo {
        Some(memo) => conn.execute(Constraint::NONE, upsert, &[&name, &memo]).await,
        None => conn.execute(Constraint::NONE, "DELETE FROM memo WHERE name = $1", &[&name]).await,
    }
    .map(|_rows| ())
}

pub(crate) fn memos(rows: &[Row]) -> Result<Vec<(String, serde_json::Value)>, StoreError> {
    rows.iter()
        .map(|row| {
            let name: String = get(row, 0)?;
            let memo = from_json("memo", &name, get(row, 1)?)?;
            Ok((name, memo))
        })
        .collect()
}
