//! What a store is made with, whatever database it is in: its id, the check of its master key, and the key that
//! signs its log. It lies in the table `meta`.

use std::collections::BTreeMap;

use model::{Blame, Report, Retry, StoreError, StoreErrorKind};

use crate::error::corrupt;
use crate::log::{LogPublicKey, LogSigningKey};
use crate::seal::{Place, Sealer, random};
use crate::{KeyMark, MasterKey};

/// The id of the master key that is in force.
pub(crate) const KEY_ID: &str = "master_key_id";
/// Where the store went, once it was moved.
pub(crate) const MOVED: &str = "migrated_to";
/// Where the store goes, from before anything is there until it is closed here: a move that was cut off is finished,
/// and nobody works at either end of it unawares.
pub(crate) const MOVING: &str = "migrating_to";
/// The name of a file's chain, where it is not the first one's.
pub(crate) const LOG_NODE: &str = "log_node";
const STORE_ID: &str = "store_id";
const PUBLIC_KEY: &str = "log_public_key";
const CHECK: Place<'static> = Place { table: "meta", row: "master_key_check", column: "value" };
const SIGNING_KEY: Place<'static> = Place { table: "meta", row: "log_signing_key", column: "value" };
/// What the check holds.
const KNOWN: &[u8] = b"keywright";

/// The rows of `meta`.
pub(crate) type Meta = BTreeMap<String, Vec<u8>>;

/// What was read of an open store.
pub(crate) struct Identity {
    pub(crate) sealer: Sealer,
    pub(crate) signing_key: LogSigningKey,
}

/// The rows of a new store.
pub(crate) fn make(key: &MasterKey) -> Result<Meta, StoreError> {
    let mut store_id = [0; 16];
    random(&mut store_id)?;
    written(store_id, &LogSigningKey::generate()?, key)
}

/// The rows that hold an identity under this master key.
pub(crate) fn written(
    store_id: [u8; 16],
    signing_key: &LogSigningKey,
    key: &MasterKey,
) -> Result<Meta, StoreError> {
    let sealer = Sealer::new(key, store_id);
    let rows = [
        (STORE_ID, store_id.to_vec()),
        (KEY_ID, key.id().0.to_vec()),
        (CHECK.row, sealer.seal(CHECK, KNOWN)?),
        (PUBLIC_KEY, signing_key.public().as_bytes().to_vec()),
        (SIGNING_KEY.row, sealer.seal(SIGNING_KEY, signing_key.to_bytes().as_slice())?),
    ];
    Ok(rows.map(|(name, value)| (name.to_owned(), value)).into())
}

/// The rows of the same store under a new master key; `sealer` has the one they are under.
pub(crate) fn rekeyed(meta: &Meta, sealer: &Sealer, new: &MasterKey) -> Result<Meta, StoreError> {
    let seed = sealer.open(SIGNING_KEY, get(meta, SIGNING_KEY.row)?)?;
    let signing_key = LogSigningKey::from_bytes(&seed)
        .ok_or_else(|| corrupt("meta/log_signing_key", "it is not 32 bytes"))?;
    written(array(meta, STORE_ID)?, &signing_key, new)
}

/// Reads them; refuses a store that was moved, and another master key than the store's.
pub(crate) fn read(meta: &Meta, key: &MasterKey) -> Result<Identity, StoreError> {
    check_here(meta.get(MOVED).map(Vec::as_slice), meta.get(MOVING).map(Vec::as_slice))?;
    let id = array::<8>(meta, KEY_ID)?;
    if id != key.id().0 {
        let report = Report::new(Blame::Operator, Retry::AfterFix, "this is not the store's master key")
            .because(format!("the store is sealed with `{}`, this one is `{}`", KeyMark(id), key.id()))
            .mend("give the master key that `keywright init`, or the last `keywright seal rotate`, wrote");
        return Err(StoreError::new(StoreErrorKind::Unsealable, report));
    }
    let store_id = array::<16>(meta, STORE_ID)?;
    let sealer = Sealer::new(key, store_id);
    if sealer.open(CHECK, get(meta, CHECK.row)?)?.as_slice() != KNOWN {
        return Err(corrupt("meta/master_key_check", "it holds something else"));
    }
    let seed = sealer.open(SIGNING_KEY, get(meta, SIGNING_KEY.row)?)?;
    let signing_key = LogSigningKey::from_bytes(&seed)
        .ok_or_else(|| corrupt("meta/log_signing_key", "it is not 32 bytes"))?;
    if LogPublicKey::from_bytes(get(meta, PUBLIC_KEY)?) != Ok(signing_key.public()) {
        return Err(corrupt("meta/log_public_key", "it does not go with the key that signs"));
    }
    Ok(Identity { sealer, signing_key })
}

/// The store was not moved elsewhere, and is not on its way.
pub(crate) fn check_here(moved: Option<&[u8]>, moving: Option<&[u8]>) -> Result<(), StoreError> {
    let report = |what| Report::new(Blame::Operator, Retry::AfterFix, what);
    let report = match (moved.map(String::from_utf8_lossy), moving.map(String::from_utf8_lossy)) {
        (None, None) => return Ok(()),
        (Some(to), _) => report("this store was moved")
            .because(format!("it is now at `{to}`"))
            .mend(format!("name it in keywright.toml: `store = \"{to}\"`")),
        (None, Some(to)) => report("this store is being moved")
            .because(format!("its move to `{to}` goes on, or was cut off"))
            .mend(format!("keywright store migrate --to {to}   # as before: it finishes the move")),
    };
    Err(StoreError::new(StoreErrorKind::Unavailable, report))
}

/// Whether both are of one store.
pub(crate) fn is_same(one: &Meta, other: &Meta) -> bool {
    one.contains_key(STORE_ID) && one.get(STORE_ID) == other.get(STORE_ID)
}

/// The master key that a caller has is the one in force.
pub(crate) fn check_key(mark: KeyMark, in_force: &[u8]) -> Result<(), StoreError> {
    if mark.0 == in_force {
        return Ok(());
    }
    let report = Report::new(Blame::Operator, Retry::AfterFix, "the master key was changed")
        .because(format!("this process still has `{mark}`"))
        .mend("start this process again, with the new master key");
    Err(StoreError::new(StoreErrorKind::Unsealable, report))
}

/// The name of a file's chain: eight bytes of the store's id, as hex, unless it came from elsewhere.
pub(crate) fn node_of(meta: &Meta) -> Result<String, StoreError> {
    match meta.get(LOG_NODE) {
        Some(name) if name.iter().all(u8::is_ascii_hexdigit) => {
            Ok(String::from_utf8_lossy(name).into_owned())
        }
        Some(_) => Err(corrupt("meta/log_node", "it is no name of a chain")),
        None => Ok(format!("{:016x}", u128::from_be_bytes(array(meta, STORE_ID)?) >> 64)),
    }
}

fn get<'a>(meta: &'a Meta, name: &str) -> Result<&'a [u8], StoreError> {
    let value = meta.get(name).ok_or_else(|| corrupt(&format!("meta/{name}"), "it is missing"))?;
    Ok(value)
}

fn array<const N: usize>(meta: &Meta, name: &str) -> Result<[u8; N], StoreError> {
    let bytes = get(meta, name)?;
    bytes.try_into().map_err(|_bytes| corrupt(&format!("meta/{name}"), format!("it is not {N} bytes")))
}
