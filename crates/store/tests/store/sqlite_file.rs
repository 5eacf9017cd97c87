//! Who may touch the file, which files are refused, and what is made of broken rows.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use model::{Rotation, Store as _, StoreError, StoreErrorKind};
use store::SqliteStore;

use crate::fixture::{Place as _, begin, event, instance};
use crate::sqlite_place::SqlitePlace;

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn refused(place: &SqlitePlace) -> StoreError {
    SqliteStore::open(&place.path(), &place.key, &place.log).err().expect("it was opened")
}

#[tokio::test]
async fn only_its_owner_may_read_it() {
    let place = SqlitePlace::fresh();
    let store = place.open();
    store.put_instance(&instance("prod"), Vec::new(), vec![event(1)]).await.unwrap();
    store.flush_log().await.unwrap();
    let folder = place.folder.path().join("state");
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&place.log.folder), 0o700);
    let mut seen = Vec::new();
    for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).chain(place.segments())
    {
        if path.is_file() {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            seen.push(path.extension().unwrap().to_str().unwrap().to_owned());
        }
    }
    seen.sort();
    assert_eq!(seen, ["db", "db-shm", "db-wal", "jsonl"], "and nothing is left of its making");
}

/// Or what was erased would stay in the write-ahead file.
#[tokio::test]
async fn a_closed_store_is_one_file() {
    let place = SqlitePlace::fresh();
    for n in 0..30 {
        let store = place.open();
        store.record(vec![event(n)]).await.unwrap();
        // Readers that are busy until the end.
        let reads = (0..4).map(|_| store.instances());
        for read in reads.collect::<Vec<_>>() {
            assert_eq!(read.await.unwrap(), []);
        }
        drop(store);
        let left = std::fs::read_dir(place.folder.path().join("state")).unwrap();
        let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["keywright.db", "log"]);
    }
}

#[tokio::test]
async fn a_file_that_others_can_touch_is_refused() {
    let place = SqlitePlace::fresh();
    set_mode(&place.path(), 0o640);
    let error = refused(&place);
    assert_eq!(error.kind, StoreErrorKind::Unavailable);
    assert!(error.report.mend.iter().any(|mend| mend.starts_with("chmod 600 ")), "{error}");
    set_mode(&place.path(), 0o600);
    drop(place.open());

    let aside = place.folder.path().join("aside");
    std::fs::rename(place.path(), &aside).unwrap();
    symlink(&aside, place.path()).unwrap();
    assert!(refused(&place).to_string().contains("is a symlink"));
    std::fs::remove_file(place.path()).unwrap();
    std::fs::rename(&aside, place.path()).unwrap();

    let mut planted = place.path().into_os_string();
    planted.push("-wal");
    symlink(&aside, &planted).unwrap();
    assert!(refused(&place).to_string().contains("is a symlink"));
    std::fs::remove_file(&planted).unwrap();

    let folder = place.folder.path().join("state");
    set_mode(&folder, 0o777);
    assert!(refused(&place).to_string().contains("by everybody"));
    set_mode(&folder, 0o700);
    drop(place.open());
}

#[tokio::test]
async fn files_that_are_not_ours_are_refused() {
    let place = SqlitePlace::fresh();
    let good = std::fs::read(place.path()).unwrap();
    for bytes in [b"".as_slice(), b"not a database, but long enough to look at as one, perhaps"] {
        std::fs::write(place.path(), bytes).unwrap();
        assert_eq!(refused(&place).kind, StoreErrorKind::Schema);
    }
    std::fs::remove_file(place.path()).unwrap();
    let error = refused(&place);
    assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
    place.raw().execute_batch("CREATE TABLE other (x)").unwrap();
    set_mode(&place.path(), 0o600);
    assert_eq!(refused(&place).kind, StoreErrorKind::Schema);
    std::fs::write(place.path(), good).unwrap();
    drop(place.open());
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_told() {
    let place = SqlitePlace::fresh();
    place.raw().pragma_update(None, "user_version", 7).unwrap();
    let error = refused(&place);
    assert_eq!(error.kind, StoreErrorKind::Schema);
    assert!(error.to_string().contains("its schema has version 7, this program knows up to 2"), "{error}");
    assert_eq!(error.report.mend.len(), 1);
}

#[tokio::test]
async fn a_store_is_not_made_over_a_file_that_is_there() {
    let place = SqlitePlace::fresh();
    let before = std::fs::read(place.path()).unwrap();
    let error = SqliteStore::create(&place.path(), &place.key, &place.log).err().unwrap();
    assert_eq!(error.kind, StoreErrorKind::Exists, "{error}");
    assert_eq!(std::fs::read(place.path()).unwrap(), before);
}

#[tokio::test]
async fn broken_rows_are_errors() {
    let place = SqlitePlace::fresh();
    let store = place.open();
    let (begun, fence) = begin(&store, 1, "backups").await;
    let breaks = [
        "UPDATE instance SET record = '{}'",
        "UPDATE rotation SET record = 'x'",
        "UPDATE rotation_step SET record = '[1]' WHERE number = 0",
        "UPDATE rotation SET holder = '\"x\"'",
    ];
    for sql in breaks {
        assert!(place.raw().execute(sql, []).unwrap() > 0);
    }
    let step = crate::fixture::step(&begun, 0, model::StepState::Started);
    let errors = [
        store.instances().await.unwrap_err(),
        store.rotation(begun.id).await.unwrap_err(),
        store.open_rotations().await.unwrap_err(),
        store.commit(&fence, vec![crate::fixture::put_step(step)], Vec::new()).await.unwrap_err(),
        store
            .take_lease(
                begun.id,
                &crate::fixture::holder(2),
                crate::fixture::at(1),
                crate::fixture::LEASE,
                None,
            )
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
        assert!(error.to_string().starts_with("cannot read `"), "{error}");
    }
}

#[tokio::test]
async fn a_broken_head_or_key_is_an_error() {
    let place = SqlitePlace::fresh();
    let good = std::fs::read(place.path()).unwrap();
    let breaks = [
        "DELETE FROM meta WHERE name = 'store_id'",
        "UPDATE meta SET value = x'00' WHERE name = 'store_id'",
        "UPDATE meta SET value = x'00' WHERE name = 'master_key_check'",
        "UPDATE meta SET value = zeroblob(32) WHERE name = 'log_public_key'",
        "DELETE FROM meta WHERE name = 'log_signing_key'",
    ];
    for sql in breaks {
        assert_eq!(place.raw().execute(sql, []).unwrap(), 1, "{sql}");
        let error = refused(&place);
        let told = matches!(error.kind, StoreErrorKind::Unavailable | StoreErrorKind::Unsealable);
        assert!(told, "{sql}: {error:?}");
        std::fs::write(place.path(), &good).unwrap();
    }
    drop(place.open());
}

/// The rule holds in the database itself, whatever a program does.
#[tokio::test]
async fn the_database_keeps_one_open_rotation_per_integration() {
    let place = SqlitePlace::fresh();
    let store = place.open();
    let (begun, _) = begin(&store, 1, "backups").await;
    let second = "INSERT INTO rotation (id, integration, status, started_at, fence, record)
        SELECT 'x', integration, ?1, started_at, 1, record FROM rotation";
    for (status, allowed) in [("running", false), ("aborting", false), ("done", true)] {
        assert_eq!(place.raw().execute(second, [status]).is_ok(), allowed, "{status}");
    }
    let open: Vec<Rotation> = store.open_rotations().await.unwrap();
    assert_eq!(open, [begun]);
}
