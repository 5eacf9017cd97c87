//! What a store is made with: its id, the check of its master key, and the key that signs its log.

use model::{Blame, Report, Retry, StoreError, StoreErrorKind};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::{corrupt, sqlite};
use crate::log::{LogPublicKey, LogSigningKey};
use crate::seal::{Place, Sealer, random};
use crate::{KeyMark, MasterKey};

const CHECK: Place<'static> = Place { table: "meta", row: "master_key_check", column: "value" };
const SIGNING_KEY: Place<'static> = Place { table: "meta", row: "log_signing_key", column: "value" };
/// What the check holds.
const KNOWN: &[u8] = b"keywright";

/// What was read of an open store.
pub(crate) struct Identity {
    pub(crate) sealer: Sealer,
    /// The name of this store's chain of batches.
    pub(crate) node: String,
    pub(crate) signing_key: LogSigningKey,
}

/// Fills a new store.
pub(crate) fn make(conn: &Connection, key: &MasterKey) -> Result<(), StoreError> {
    let mut store_id = [0; 16];
    random(&mut store_id)?;
    let sealer = Sealer::new(key, store_id);
    let signing_key = LogSigningKey::generate()?;
    put(conn, "store_id", &store_id)?;
    put(conn, "master_key_id", &key.id().0)?;
    put(conn, CHECK.row, &sealer.seal(CHECK, KNOWN)?)?;
    put(conn, "log_public_key", signing_key.public().as_bytes())?;
    put(conn, SIGNING_KEY.row, &sealer.seal(SIGNING_KEY, signing_key.to_bytes().as_slice())?)
}

/// Reads them; refuses another master key than the store was made with.
pub(crate) fn read(conn: &Connection, key: &MasterKey) -> Result<Identity, StoreError> {
    let id = array::<8>(conn, "master_key_id")?;
    if id != key.id().0 {
        let report = Report::new(Blame::Operator, Retry::AfterFix, "this is not the store's master key")
            .because(format!("the store was made with `{}`, this one is `{}`", KeyMark(id), key.id()))
            .mend("give the master key that `keywright init` wrote for this store");
        return Err(StoreError::new(StoreErrorKind::Unsealable, report));
    }
    let store_id = array::<16>(conn, "store_id")?;
    let sealer = Sealer::new(key, store_id);
    if sealer.open(CHECK, &get(conn, CHECK.row)?)?.as_slice() != KNOWN {
        return Err(corrupt("meta/master_key_check", "it holds something else"));
    }
    let seed = sealer.open(SIGNING_KEY, &get(conn, SIGNING_KEY.row)?)?;
    let signing_key = LogSigningKey::from_bytes(&seed)
        .ok_or_else(|| corrupt("meta/log_signing_key", "it is not 32 bytes"))?;
    let public = LogPublicKey::from_bytes(&get(conn, "log_public_key")?);
    if public != Ok(signing_key.public()) {
        return Err(corrupt("meta/log_public_key", "it does not go with the key that signs"));
    }
    // Eight bytes of the store's id, as hex.
    let node = format!("{:016x}", u128::from_be_bytes(store_id) >> 64);
    Ok(Identity { sealer, node, signing_key })
}

fn put(conn: &Connection, name: &str, value: &[u8]) -> Result<(), StoreError> {
    conn.execute("INSERT INTO meta (name, value) VALUES (?1, ?2)", params![name, value])
        .map(|_rows| ())
        .map_err(|error| sqlite(&error))
}

fn get(conn: &Connection, name: &str) -> Result<Vec<u8>, StoreError> {
    conn.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .map_err(|error| sqlite(&error))?
        .ok_or_else(|| corrupt(&format!("meta/{name}"), "it is missing"))
}

fn array<const N: usize>(conn: &Connection, name: &str) -> Result<[u8; N], StoreError> {
    let bytes = get(conn, name)?;
    bytes.try_into().map_err(|_bytes| corrupt(&format!("meta/{name}"), format!("it is not {N} bytes")))
}
