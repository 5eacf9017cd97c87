use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use model::{Blame, DestinationError, DestinationErrorKind as Kind};
use rustix::{
    fs::{FlockOperation, XattrFlags, fgetxattr, flock, fsetxattr, stat},
    process::geteuid,
};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::{
    Change, FilePath,
    find::{find, find_as, is_planted},
    load::load,
    overwrite::overwrite,
};

/// A user that is neither root nor whoever runs the tests.
const STRANGER: u32 = 54_321;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn at(folder: &TempDir, name: &str) -> FilePath {
    FilePath(folder.path().canonicalize().unwrap().join(name))
}

async fn write(path: &FilePath, text: &str) -> Result<(), DestinationError> {
    let bytes = text.as_bytes().to_vec();
    path.edit(move |_| Ok(Change::Write(Zeroizing::new(bytes.clone())))).await
}

fn names(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

async fn check_refused(path: &FilePath, kind: Kind, because: &str) {
    for error in [path.read().await.map(drop).unwrap_err(), write(path, "canary").await.unwrap_err()] {
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.report.because[0].contains(because), "{error}");
        assert!(!error.report.mend.is_empty());
    }
    assert_eq!(path.check().await.map(drop).unwrap_err().kind, kind);
}

#[test]
fn only_the_whole_path_of_a_file_is_an_address() {
    let address = "file:/a".parse().unwrap();
    for bad in ["a", "./a", "/a/", "/a/../b", "/a/./b", "/", "/a/.", "~/a"] {
        assert_eq!(FilePath::parse(&address, bad).unwrap_err().kind, Kind::BadAddress, "{bad}");
    }
    assert!(FilePath::parse(&address, "/a b/.ü#x").is_ok());
}

#[tokio::test]
async fn a_new_file_is_its_owners_alone_and_nothing_else_is_left() {
    let folder = folder();
    let path = at(&folder, "new");
    write(&path, "canary").await.unwrap();
    assert_eq!((fs::read(&path.0).unwrap().as_slice(), mode(&path.0)), (&b"canary"[..], 0o600));
    assert_eq!(names(&folder), ["new"]);
    path.edit(|_| Ok(Change::Remove)).await.unwrap();
    path.edit(|_| Ok(Change::Remove)).await.unwrap();
    assert_eq!(names(&folder), [""; 0]);
}

#[tokio::test]
async fn mode_owner_and_attributes_are_kept() {
    let folder = folder();
    let path = at(&folder, "old");
    fs::write(&path.0, "old").unwrap();
    fs::set_permissions(&path.0, fs::Permissions::from_mode(0o640)).unwrap();
    let file = fs::File::open(&path.0).unwrap();
    let labelled = fsetxattr(&file, "user.note", b"kept", XattrFlags::empty()).is_ok();
    // An ACL in the kernel's form: version 2; owner rw, uid 54321 r, group r, mask r, others none.
    let acl: Vec<u8> =
        [(1u16, 6u16, u32::MAX), (2, 4, STRANGER), (4, 4, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)]
            .into_iter()
            .fold(2u32.to_le_bytes().to_vec(), |mut bytes, (tag, permissions, id)| {
                bytes.extend([tag.to_le_bytes(), permissions.to_le_bytes()].concat());
                bytes.extend(id.to_le_bytes());
                bytes
            });
    let listed = fsetxattr(&file, "system.posix_acl_access", &acl, XattrFlags::empty()).is_ok();
    let wanted = if geteuid().is_root() {
        (STRANGER, STRANGER + 1)
    } else {
        (file.metadata().unwrap().uid(), file.metadata().unwrap().gid())
    };
    std::os::unix::fs::chown(&path.0, Some(wanted.0), Some(wanted.1)).unwrap();
    let inode = fs::metadata(&path.0).unwrap().ino();

    path.check().await.unwrap();
    write(&path, "canary").await.unwrap();

    let now = fs::metadata(&path.0).unwrap();
    assert_ne!(now.ino(), inode, "replaced, not overwritten");
    assert_eq!((now.uid(), now.gid(), mode(&path.0)), (wanted.0, wanted.1, 0o640));
    let file = fs::File::open(&path.0).unwrap();
    let mut value = [0u8; 128];
    if labelled {
        let length = fgetxattr(&file, "user.note", value.as_mut_slice()).unwrap();
        assert_eq!(&value[..length], b"kept");
    }
    if listed {
        let length = fgetxattr(&file, "system.posix_acl_access", value.as_mut_slice()).unwrap();
        assert_eq!(&value[..length], acl);
    }
}

#[tokio::test]
async fn a_symlink_stays_and_its_target_is_replaced() {
    let folder = folder();
    fs::create_dir(folder.path().join("real")).unwrap();
    fs::write(folder.path().join("real/file"), "old").unwrap();
    symlink("real", folder.path().join("current")).unwrap();
    symlink("../real/./file", folder.path().join("real/link")).unwrap();
    symlink(folder.path().join("real/absent"), folder.path().join("dangling")).unwrap();
    write(&at(&folder, "current/link"), "canary").await.unwrap();
    assert_eq!(fs::read(folder.path().join("real/file")).unwrap(), b"canary");
    write(&at(&folder, "dangling"), "canary").await.unwrap();
    assert_eq!(fs::read(folder.path().join("real/absent")).unwrap(), b"canary");
    for link in ["current", "real/link", "dangling"] {
        assert!(folder.path().join(link).is_symlink(), "{link}");
    }
}

#[tokio::test]
async fn links_in_circles_are_refused() {
    let folder = folder();
    symlink("b", folder.path().join("a")).unwrap();
    symlink("a", folder.path().join("b")).unwrap();
    check_refused(&at(&folder, "a"), Kind::BadAddress, "symbolic").await;
}

#[test]
fn a_strangers_link_leads_only_to_what_is_theirs() {
    let folder = folder();
    let link = folder.path().canonicalize().unwrap().join("link");
    symlink("/etc/passwd", &link).unwrap();
    // Root makes the link a stranger's; anyone else looks at their own link as a stranger would.
    let me = if geteuid().is_root() {
        std::os::unix::fs::lchown(&link, Some(STRANGER), None).unwrap();
        0
    } else {
        STRANGER
    };
    let error = find_as(me, &link).err().unwrap();
    assert_eq!((error.kind, error.report.blame), (Kind::Denied, Blame::Hostile), "{error}");
    fs::remove_file(&link).unwrap();

    fs::write(folder.path().join("theirs"), "old").unwrap();
    symlink("theirs", &link).unwrap();
    if me == 0 {
        std::os::unix::fs::lchown(&link, Some(STRANGER), None).unwrap();
        std::os::unix::fs::chown(folder.path().join("theirs"), Some(STRANGER), None).unwrap();
    }
    assert_eq!(find_as(me, &link).unwrap().name, "theirs");
}

#[tokio::test]
async fn folders_of_everyone_are_not_trusted() {
    let folder = folder();
    let path = at(&folder, "file");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    check_refused(&path, Kind::Denied, "everyone can replace").await;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    write(&path, "canary").await.unwrap();

    let sticky = stat(folder.path()).unwrap();
    let own = sticky.st_uid;
    let planted = [0, own, STRANGER, STRANGER + 1].map(|owner| is_planted(&sticky, owner, STRANGER + 1));
    assert_eq!(planted, [false, false, true, false]);
    if geteuid().is_root() {
        std::os::unix::fs::chown(&path.0, Some(STRANGER), None).unwrap();
        check_refused(&path, Kind::Denied, "was put by uid 54321").await;
    }
}

#[tokio::test]
async fn what_is_not_a_plain_file_is_refused() {
    let folder = folder();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        folder.path().join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    fs::write(folder.path().join("one"), "old").unwrap();
    fs::hard_link(folder.path().join("one"), folder.path().join("two")).unwrap();
    fs::File::create(folder.path().join("large")).unwrap().set_len(9 * 1024 * 1024).unwrap();
    check_refused(&at(&folder, "pipe"), Kind::BadAddress, "a named pipe").await;
    check_refused(&at(&folder, "folder"), Kind::BadAddress, "a folder").await;
    check_refused(&at(&folder, "socket"), Kind::BadAddress, "a socket").await;
    check_refused(&FilePath("/dev/null".into()), Kind::BadAddress, "a device").await;
    check_refused(&at(&folder, "one"), Kind::Denied, "2 names").await;
    check_refused(&at(&folder, "large"), Kind::Malformed, "larger than 8 MiB").await;
    check_refused(&at(&folder, "one/file"), Kind::NotFound, "not a folder").await;
    check_refused(&at(&folder, "no/file"), Kind::NotFound, "does not exist").await;
    assert_eq!(fs::read(folder.path().join("two")).unwrap(), b"old");
    let large = "x".repeat(super::MAX_BYTES + 1);
    assert_eq!(write(&at(&folder, "new"), &large).await.unwrap_err().kind, Kind::Malformed);
    assert_eq!(names(&folder), ["folder", "large", "one", "pipe", "socket", "two"]);
}

/// Someone without our lock changes the file after it was read, the first `times` times.
async fn race(times: usize) -> (Result<(), DestinationError>, String, usize) {
    let folder = folder();
    let path = at(&folder, "file");
    fs::write(&path.0, "A").unwrap();
    let (asked, theirs) = (Arc::new(AtomicUsize::new(0)), path.0.clone());
    let count = Arc::clone(&asked);
    let result = path
        .edit(move |old| {
            let mut new = old.unwrap().to_vec();
            if count.fetch_add(1, Ordering::Relaxed) < times {
                fs::write(&theirs, [&new, b"B".as_slice()].concat()).unwrap();
            }
            new.extend_from_slice(b"+ours");
            Ok(Change::Write(Zeroizing::new(new)))
        })
        .await;
    assert_eq!(names(&folder), ["file"]);
    (result, fs::read_to_string(&path.0).unwrap(), asked.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_change_in_between_is_seen_and_not_lost() {
    assert_eq!(race(0).await, (Ok(()), "A+ours".to_owned(), 1));
    assert_eq!(race(1).await, (Ok(()), "AB+ours".to_owned(), 2));
    let (result, text, asked) = race(9).await;
    assert_eq!(result.unwrap_err().kind, Kind::Changed);
    assert_eq!((text.as_str(), asked), ("ABBB", 3));
}

#[tokio::test]
async fn a_file_that_appears_in_between_is_not_replaced() {
    let folder = folder();
    let path = at(&folder, "file");
    let theirs = path.0.clone();
    path.edit(move |old| {
        if old.is_none() {
            fs::write(&theirs, "theirs").unwrap();
        }
        let new = [old.unwrap_or_default(), b"+ours"].concat();
        Ok(Change::Write(Zeroizing::new(new)))
    })
    .await
    .unwrap();
    assert_eq!(fs::read(&path.0).unwrap(), b"theirs+ours");
}

#[tokio::test]
async fn what_a_killed_run_left_is_swept_and_nothing_else() {
    let folder = folder();
    let left = format!(".keywright-{}.tmp", "0123456789abcdef".repeat(2));
    let others = [
        format!(".keywright-{}.tmp", "0123456789ABCDEF".repeat(2)),
        ".keywright-0123.tmp".to_owned(),
        format!("x{left}"),
    ];
    for name in others.iter().chain([&left]) {
        fs::write(folder.path().join(name), "canary").unwrap();
    }
    let alive = format!(".keywright-{}.tmp", "fedcba9876543210".repeat(2));
    let somebodys = fs::File::create(folder.path().join(&alive)).unwrap();
    flock(&somebodys, FlockOperation::LockExclusive).unwrap();
    write(&at(&folder, "file"), "canary").await.unwrap();
    let mut wanted = vec!["file".to_owned(), alive];
    wanted.extend(others);
    wanted.sort();
    assert_eq!(names(&folder), wanted);
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_another_process_is_bounded() {
    let folder = folder();
    let path = at(&folder, "file");
    let theirs = fs::File::open(folder.path()).unwrap();
    flock(&theirs, FlockOperation::LockExclusive).unwrap();
    let since = tokio::time::Instant::now();
    let error = write(&path, "canary").await.unwrap_err();
    assert_eq!(error.kind, Kind::Unreachable, "{error}");
    assert!((10..12).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());
    assert_eq!(names(&folder), [""; 0]);
    drop(theirs);
    write(&path, "canary").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_tasks_lose_nothing() {
    let folder = folder();
    let link = folder.path().join("link");
    fs::create_dir(folder.path().join("real")).unwrap();
    symlink("real", &link).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50 {
        // Two names of the same folder have two queues: only the lock itself is between them.
        let path = at(&folder, if number % 2 == 0 { "real/file" } else { "link/file" });
        tasks.spawn(async move {
            path.edit(move |old| {
                let mut new = old.unwrap_or_default().to_vec();
                new.extend_from_slice(format!("{number}\n").as_bytes());
                Ok(Change::Write(Zeroizing::new(new)))
            })
            .await
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    let text = fs::read_to_string(folder.path().join("real/file")).unwrap();
    let mut numbers: Vec<u32> = text.lines().map(|line| line.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..50).collect::<Vec<_>>());
}

#[test]
fn a_file_that_cannot_be_replaced_is_written_in_place() {
    let folder = folder();
    let path = at(&folder, "file");
    for (old, new) in [("a longer old text", "new"), ("old", "a longer new text"), ("old", "")] {
        fs::write(&path.0, old).unwrap();
        let inode = fs::metadata(&path.0).unwrap().ino();
        let spot = find(&path.0).unwrap();
        let loaded = load(&spot).unwrap().unwrap();
        overwrite(&spot, &loaded, new.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(&path.0).unwrap(), new);
        assert_eq!(fs::metadata(&path.0).unwrap().ino(), inode);
    }
}
