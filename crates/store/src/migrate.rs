//! Moves a store to another place: every row, as it is, in one transaction there; then the old place is closed.

mod copy;
mod postgres;
mod sqlite;

use model::{Blame, Report, Retry, StoreError, StoreErrorKind};

use crate::files::ensure_folder;
use crate::log::{Folder, LogConfig};
use crate::postgres::pool;
use crate::{MasterKey, StorePlace, identity, node};
use copy::Copy;

/// What was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationReport {
    /// Where it was, without secrets; opening it there is refused from now on.
    pub from: String,
    /// Where it is.
    pub to: String,
    /// Rows in each table.
    pub rows: Vec<(&'static str, usize)>,
    /// Sealed values, each of which was opened at its new place.
    pub sealed: usize,
}

/// Moves a store into an empty place. All is compared and every sealed value opened there before it counts; an
/// attempt that fails leaves the old place as it was and the new one empty. Nobody may drive a rotation or lead
/// meanwhile, and `log` is the folder that the store's log goes on in.
pub async fn migrate(
    from: &StorePlace,
    to: &StorePlace,
    key: &MasterKey,
    log: &LogConfig,
) -> Result<MigrationReport, StoreError> {
    let folder = Folder::open(&ensure_folder(&log.folder)?)?;
    let (source, target) = (shown(from)?, shown(to)?);
    let copied = match from {
        StorePlace::Sqlite(path) => {
            let open = sqlite::Source::open(path)?;
            let copy = open.read(&target)?;
            node::name(&folder, Some(&identity::node_of(copy.meta())?))?;
            write(to, &copy, key, &folder).await?;
            open.close()?;
            copy
        }
        StorePlace::Postgres { url, password } => {
            let (to, key, log) = (to.clone(), key.clone(), log.folder.clone());
            postgres::leave(pool(url, password.as_ref())?, target.clone(), move |copy| {
                Box::pin(async move {
                    let folder = Folder::open(&log)?;
                    write(&to, copy, &key, &folder).await
                })
            })
            .await?
        }
    };
    let sealed = copied.sealed().len();
    Ok(MigrationReport { from: source, to: target, rows: copied.counts(), sealed })
}

async fn write(to: &StorePlace, copy: &Copy, key: &MasterKey, folder: &Folder) -> Result<(), StoreError> {
    // A wrong key is told before anything is made.
    identity::read(copy.meta(), key)?;
    let node = node::name(folder, None)?;
    match to {
        StorePlace::Sqlite(path) => sqlite::write(path, copy, key, &node),
        StorePlace::Postgres { url, password } => {
            postgres::write(&pool(url, password.as_ref())?, copy.clone(), key.clone()).await
        }
    }
}

fn shown(place: &StorePlace) -> Result<String, StoreError> {
    match place {
        StorePlace::Sqlite(path) => Ok(path.display().to_string()),
        StorePlace::Postgres { url, password } => Ok(pool(url, password.as_ref())?.address().shown.clone()),
    }
}

/// Somebody is at work.
fn busy(why: &str) -> StoreError {
    let report =
        Report::new(Blame::Operator, Retry::AfterFix, "the store is in use, and cannot be moved now")
            .because(why)
            .mend("stop every Keywright that uses it, then try again");
    StoreError::new(StoreErrorKind::Unavailable, report)
}
