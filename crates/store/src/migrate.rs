//! Moves a store to another place: every row, as it is, in one transaction there; then the old place is closed.

mod copy;
mod postgres;
mod sqlite;

use model::{Blame, Report, Retry, StoreError, StoreErrorKind};

use crate::error::exists;
use crate::files::ensure_folder;
use crate::identity::{MOVING, Meta};
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
///
/// The old place is marked before anything is at the new one, and refuses work from then on. A move that was cut off
/// is finished by the next one to the same place, however far it had come.
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
            let meta = open.meta()?;
            let node = identity::node_of(&meta)?;
            let stage = stage(meta, to, &target, key).await?;
            node::name(&folder, Some(&node))?;
            open.mark(&target)?;
            let copied = match open.read() {
                Ok(copy) if stage == Stage::Empty => write(to, &copy, key, &folder).await.map(|()| copy),
                read => read,
            };
            match copied {
                Err(failure) if nothing_at(to).await => return Err(open.stay(failure)),
                copied => {
                    let copy = copied?;
                    open.close(&target)?;
                    copy
                }
            }
        }
        StorePlace::Postgres { url, password } => {
            let pool = pool(url, password.as_ref())?;
            let stage = stage(postgres::meta_of(&pool).await?, to, &target, key).await?;
            postgres::mark(&pool, target.clone()).await?;
            let (there, key, log) = (to.clone(), key.clone(), log.folder.clone());
            let left = postgres::leave(&pool, target.clone(), move |copy| {
                Box::pin(async move {
                    if stage == Stage::Filled {
                        return Ok(());
                    }
                    let folder = Folder::open(&log)?;
                    write(&there, copy, &key, &folder).await
                })
            });
            match left.await {
                Err(failure) if nothing_at(to).await => return Err(postgres::stay(&pool, failure).await),
                left => left?,
            }
        }
    };
    let sealed = copied.sealed().len();
    Ok(MigrationReport { from: source, to: target, rows: copied.counts(), sealed })
}

/// How far a move has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing is at the new place.
    Empty,
    /// All is at the new place; the old one is to be closed.
    Filled,
}

/// How far this store's move to that place has come; refuses what may not be begun.
async fn stage(mut meta: Meta, to: &StorePlace, target: &str, key: &MasterKey) -> Result<Stage, StoreError> {
    let moving = meta.remove(MOVING);
    let began = moving.as_deref() == Some(target.as_bytes());
    if !began {
        identity::check_here(None, moving.as_deref())?;
    }
    // A wrong key is told before anything is made, and a store that was moved.
    identity::read(&meta, key)?;
    match resident(to).await? {
        None => Ok(Stage::Empty),
        Some(there) if began && identity::is_same(&meta, &there) => Ok(Stage::Filled),
        Some(_) => Err(exists(format!("there is a store at `{target}` already"))),
    }
}

/// The identity of the store that is at a place.
async fn resident(place: &StorePlace) -> Result<Option<Meta>, StoreError> {
    match place {
        StorePlace::Sqlite(path) => sqlite::resident(path),
        StorePlace::Postgres { url, password } => postgres::resident(&pool(url, password.as_ref())?).await,
    }
}

/// Whether it is known that nothing came to be there.
async fn nothing_at(place: &StorePlace) -> bool {
    matches!(resident(place).await, Ok(None))
}

async fn write(to: &StorePlace, copy: &Copy, key: &MasterKey, folder: &Folder) -> Result<(), StoreError> {
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
