//! Connections to the database file, and how the file comes to be.

use std::path::{Path, PathBuf};
use std::time::Duration;

use model::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::{exists, io, sqlite, unavailable};
use crate::files::{PRIVATE, checked_file, checked_folder, ensure_folder, sync_folder};

/// How long a write waits for another process's.
const BUSY: Duration = Duration::from_secs(15);

/// Opens a database that is there and ours alone.
pub(crate) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let conn = Connection::open_with_flags(path, flags).map_err(|error| sqlite(&error))?;
    prepare(&conn).map_err(|error| sqlite(&error))?;
    Ok(conn)
}

fn prepare(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY)?;
    // A file that somebody else could write must not run code of theirs.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Checks the file, its neighbours and its folder; gives its path without symlinks on the way to it.
pub(crate) fn checked_path(path: &Path) -> Result<PathBuf, StoreError> {
    let (folder, name) = split(path)?;
    let path = checked_folder(folder)?.join(name);
    if checked_file(&path)?.is_none() {
        let mut error = crate::error::not_found(format!("there is no store at `{}`", path.display()));
        error.report.mend.push("keywright init".to_owned());
        return Err(error);
    }
    // SQLite would take these over from whoever put them there.
    for suffix in ["-wal", "-shm", "-journal"] {
        checked_file(&with_suffix(&path, suffix))?;
    }
    Ok(path)
}

/// Makes a database with what `fill` puts into it, all or nothing: it is made in a folder of its own beside
/// its place, and put there by a link, which only one of several processes can do.
pub(crate) fn create(
    path: &Path,
    fill: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (folder, name) = split(path)?;
    let folder = ensure_folder(folder)?;
    let path = folder.join(name);
    if path.symlink_metadata().is_ok() {
        return Err(exists(format!("`{}` is there already", path.display())));
    }
    let mut random = [0; 8];
    crate::seal::random(&mut random)?;
    let workshop = folder.join(format!(".new-store-{:016x}", u64::from_be_bytes(random)));
    let workshop = ensure_folder(&workshop)?;
    let made = build(&workshop.join("store"), fill).and_then(|()| place(&workshop.join("store"), &path));
    // What is left of a failed attempt harms nobody, and the attempt's own error says more.
    drop(std::fs::remove_dir_all(&workshop));
    made.and_then(|()| sync_folder(&folder))
}

fn build(path: &Path, fill: impl FnOnce(&Connection) -> Result<(), StoreError>) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt as _;

    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.map_err(|error| io("make", path, &error))?;
    // Whatever the umask is.
    rustix::fs::fchmod(&file, PRIVATE).map_err(|error| io("make", path, &error))?;
    drop(file);
    let mut conn = connect(path)?;
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).map_err(|error| sqlite(&error))?;
    let transaction = conn.transaction().map_err(|error| sqlite(&error))?;
    fill(&transaction)?;
    transaction.commit().map_err(|error| sqlite(&error))?;
    conn.close().map_err(|(_, error)| sqlite(&error))?;
    if with_suffix(path, "-wal").exists() {
        return Err(unavailable(format!("`{}` could not be written whole", path.display())));
    }
    Ok(())
}

fn place(made: &Path, path: &Path) -> Result<(), StoreError> {
    std::fs::hard_link(made, path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(format!("`{}` is there already", path.display())),
        _ => io("make", path, &error),
    })
}

fn split(path: &Path) -> Result<(&Path, &std::ffi::OsStr), StoreError> {
    let name = path.file_name().ok_or_else(|| unavailable(format!("`{}` is not a file", path.display())))?;
    Ok((path.parent().unwrap_or_else(|| Path::new(".")), name))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
