//! `systemd-creds:`, with the real program and a host key of the case's own, so that the machine's is not touched.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Mutex,
};

use model::{Address, DestinationErrorKind as Kind, Held, Secret};

use crate::{
    child::{Task, User, kind_of, outcome, start},
    drills::Dose,
    place::{Place, key, names_but, open, replace, set_mode},
};

/// Where the program looks for the host's key; its own variable.
const HOST_KEY: &str = "SYSTEMD_CREDENTIAL_SECRET";
const OURS: &str = "contract-host-key";

pub(crate) struct CredentialPlace {
    folder: tempfile::TempDir,
    /// The last look: decrypting takes a process.
    seen: Mutex<(Vec<u8>, String)>,
}

impl CredentialPlace {
    fn path(&self) -> PathBuf {
        self.folder.path().join("n8n-api-key")
    }
}

/// The program by hand.
fn run(arguments: &[&str], stdin: &[u8]) -> Output {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), stdin).unwrap();
    let stdin = fs::File::open(file.path()).unwrap();
    Command::new("systemd-creds").args(arguments).stdin(stdin).output().unwrap()
}

fn sealed(arguments: &[&str], plain: &[u8]) -> String {
    let output = run(&[&["encrypt"], arguments, &["-", "-"]].concat(), plain);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn unsealed(name: &str, sealed: &[u8]) -> String {
    let output = run(&["decrypt", &format!("--name={name}"), "-", "-"], sealed);
    assert!(output.status.success(), "torn, or of another name: {} bytes, {output:?}", sealed.len());
    String::from_utf8(output.stdout).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "how a process that is started tells its child what to do")]
fn host_key() -> Option<PathBuf> {
    std::env::var_os(HOST_KEY).map(PathBuf::from).filter(|path| path.ends_with(OURS))
}

#[expect(clippy::disallowed_methods, reason = "how `./test` says that nothing may be skipped")]
fn is_required() -> bool {
    std::env::var_os("KEYWRIGHT_TEST_REQUIRE_REAL").is_some_and(|value| value == "1")
}

impl Place for CredentialPlace {
    const DOSE: Dose = Dose::OneOf(5);

    /// A case runs in a process of its own, which knows its host key from its environment.
    fn begins(case: &str) -> bool {
        if host_key().is_some() {
            return true;
        }
        if Command::new("systemd-creds").arg("--version").stdout(Stdio::null()).status().is_err() {
            assert!(!is_required(), "there is no `systemd-creds` (`apt-get install systemd`)");
            eprintln!("skipped: there is no `systemd-creds` (`apt-get install systemd`)");
            return false;
        }
        // Not in `/tmp`: the program refuses host keys that a restart would lose.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        set_mode(folder.path(), 0o755);
        let host_key = folder.path().join(OURS);
        let setup = Command::new("systemd-creds").arg("setup").env(HOST_KEY, &host_key).output().unwrap();
        assert!(setup.status.success(), "{setup:?}");
        let mut again = Command::new(std::env::current_exe().unwrap());
        let output = again.args([case, "--exact", "--nocapture"]).env(HOST_KEY, &host_key).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("test result: ok. 1 passed"), "`{case}` is no case: {said}");
        false
    }

    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), seen: Mutex::default() }
    }

    fn address(&self) -> Address {
        format!("systemd-creds:{}", self.path().display()).parse().unwrap()
    }

    fn put_by_hand(&self, key: &str) {
        replace(&self.path(), &sealed(&["--name=n8n-api-key"], key.as_bytes()));
    }

    fn look(&self) -> Option<String> {
        let bytes = match fs::read(self.path()) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            read => read.unwrap(),
        };
        let mut seen = self.seen.lock().unwrap();
        if seen.0 != bytes {
            *seen = (bytes.clone(), unsealed("n8n-api-key", &bytes));
        }
        Some(seen.1.clone())
    }

    fn whole(key: &str) -> String {
        key.to_owned()
    }

    fn emptied() -> Option<String> {
        None
    }

    fn left_over(&self) -> Vec<String> {
        names_but(self.folder.path(), "n8n-api-key")
    }

    fn take_away(&self) {
        fs::remove_dir_all(self.folder.path()).unwrap();
    }

    fn forbid(&self) {
        set_mode(self.folder.path(), 0o555);
    }

    fn change_by_hand(&self, number: usize) -> String {
        // Nothing is in it but the key; another one, then, which a delivery replaces.
        self.put_by_hand(&format!("by-hand-{number}"));
        String::new()
    }
}

/// Check, read, deliver and both ways of restoring fail with this kind and without a key; gives what they said.
async fn refused(address: &Address, wanted: Kind) -> String {
    let destination = open(address);
    let errors = [
        destination.check().await.unwrap_err(),
        destination.read().await.unwrap_err(),
        destination.deliver(&key("one")).await.unwrap_err(),
        destination.restore(Some(&key("one"))).await.unwrap_err(),
        destination.restore(None).await.unwrap_err(),
    ];
    let mut said = String::new();
    for error in errors {
        assert_eq!(error.kind, wanted, "{error:?}");
        said = format!("{said}{error} {:?}\n", error.report);
    }
    assert!(!said.contains("canary"), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn real_credentials_that_are_not_ours_stay_as_they_are() {
    if !CredentialPlace::begins("systemd_creds::real_credentials_that_are_not_ours_stay_as_they_are") {
        return;
    }
    let place = CredentialPlace::new();
    let name = "--name=n8n-api-key";
    let good = sealed(&[name], b"canary");
    let other_host = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut elsewhere = Command::new("systemd-creds");
    elsewhere.args(["encrypt", name, "-", "-"]).env(HOST_KEY, other_host.path().join("key"));
    let elsewhere = elsewhere.stdin(fs::File::open("/proc/self/comm").unwrap()).output().unwrap();
    assert!(elsewhere.status.success());
    let cases: [(&str, Vec<u8>, &str); 10] = [
        ("another name", sealed(&["--name=db-password"], b"canary").into(), "'db-password'"),
        (
            "expired",
            sealed(&[name, "--timestamp=2020-01-01", "--not-after=2020-01-02"], b"canary").into(),
            "expired",
        ),
        ("another machine's", elsewhere.stdout, "of another machine"),
        ("empty", Vec::new(), "too short"),
        ("no base64", b"root:x:0:0:root:/root:/bin/sh\n".into(), "no credential at all"),
        (
            "base64 of something",
            b"Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LWNhbmFyeQ==\n".into(),
            "no credential at all",
        ),
        ("cut", good.as_bytes()[..good.len() / 2].into(), "damaged"),
        ("bytes", vec![0, 159, 146, 150], "damaged"),
        ("two lines", sealed(&[name], b"canary\ncanary").into(), "more than one line"),
        ("no text", sealed(&[name], b"\xff\xfe").into(), "not UTF-8"),
    ];
    for (what, held, words) in cases {
        fs::write(place.path(), &held).unwrap();
        let said = refused(&place.address(), Kind::Malformed).await;
        assert!(said.contains(words), "{what}: {said}");
        assert_eq!(fs::read(place.path()).unwrap(), held, "{what}");
    }
    // The mends do mend: the name in the address, and a file that does not exist.
    fs::write(place.path(), sealed(&["--name=db-password"], b"canary")).unwrap();
    let address: Address = format!("{}#db-password", place.address()).parse().unwrap();
    assert_eq!(open(&address).read().await.unwrap(), Held::Value(Secret::new("canary")));
    fs::remove_file(place.path()).unwrap();
    open(&place.address()).deliver(&key("one")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn real_host_keys_are_never_made_by_us() {
    if !CredentialPlace::begins("systemd_creds::real_host_keys_are_never_made_by_us") {
        return;
    }
    let (place, host_key) = (CredentialPlace::new(), host_key().unwrap());
    let away = host_key.with_extension("away");
    fs::rename(&host_key, &away).unwrap();
    let destination = open(&place.address());
    assert_eq!(destination.read().await.unwrap(), Held::Absent);
    for error in [destination.check().await, destination.deliver(&key("one")).await] {
        let error = error.unwrap_err();
        assert_eq!(error.kind, Kind::NotFound, "{error:?}");
        assert!(error.report.mend[0].contains("`systemd-creds setup`"), "{error:?}");
    }
    assert!(!host_key.exists() && place.look().is_none());

    fs::rename(&away, &host_key).unwrap();
    destination.check().await.unwrap();
    destination.deliver(&key("one")).await.unwrap();
    fs::rename(&host_key, &away).unwrap();
    let said = refused(&place.address(), Kind::NotFound).await;
    assert!(said.contains("from a backup"), "{said}");
    assert!(!host_key.exists());

    // The mend does mend.
    fs::remove_file(place.path()).unwrap();
    assert!(run(&["setup"], b"").status.success());
    destination.deliver(&key("two")).await.unwrap();
    assert_eq!(place.look().unwrap(), key("two").expose());
}

#[tokio::test(flavor = "multi_thread")]
async fn real_host_keys_that_cannot_be_read_are_named() {
    if !CredentialPlace::begins("systemd_creds::real_host_keys_that_cannot_be_read_are_named") {
        return;
    }
    let (place, host_key) = (CredentialPlace::new(), host_key().unwrap());
    let child = |place: &CredentialPlace| {
        let child = start(Task::CheckAndDeliver, &place.address(), User::Nobody);
        outcome(&child.wait_with_output().unwrap())
    };
    // The folder is theirs, so that only the host's key is in the way.
    std::os::unix::fs::chown(place.folder.path(), nobody(), nobody()).unwrap();
    set_mode(place.folder.path(), 0o700);
    set_mode(&host_key, 0);
    let said = child(&place);
    for (line, what) in said.iter().zip(["check", "deliver"]) {
        let (kind, line) = kind_of(line, what).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(kind, Kind::Denied, "{line}");
        assert!(line.contains("no read permission on `/var/lib/systemd/credential.secret`"), "{line}");
    }
    assert_eq!(said.len(), 2);
    assert_eq!(place.look(), None);
    // Nor does the program take one that others may read.
    set_mode(&host_key, 0o440);
    let error = open(&place.address()).check().await.unwrap_err();
    assert_eq!(error.kind, Kind::Denied, "{error:?}");
    assert!(error.report.mend[0].contains("chmod 0400"), "{error:?}");
}

/// Whom [`User::Nobody`] is; ourselves if we are not root.
fn nobody() -> Option<u32> {
    rustix::process::geteuid().is_root().then_some(65_534)
}

#[tokio::test(flavor = "multi_thread")]
async fn real_credentials_keep_what_is_around_the_key() {
    if !CredentialPlace::begins("systemd_creds::real_credentials_keep_what_is_around_the_key") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let deliver = async |address: String| open(&address.parse().unwrap()).deliver(&key("one")).await.unwrap();
    // New: mode 0600; named as the file is, without `.cred`.
    let new = folder.path().join("n8n.cred");
    deliver(format!("systemd-creds:{}", new.display())).await;
    assert_eq!(mode(&new), 0o600);
    assert_eq!(unsealed("n8n", &fs::read(&new).unwrap()), key("one").expose());
    // There: mode, owner, link and a final line end stay; the name is the given one.
    let (there, link) = (folder.path().join("real"), folder.path().join("link"));
    fs::write(&there, sealed(&["--name=api key"], b"old\n")).unwrap();
    set_mode(&there, 0o640);
    std::os::unix::fs::chown(&there, nobody(), nobody()).unwrap();
    symlink("real", &link).unwrap();
    let (owner, before) = (fs::metadata(&there).unwrap().uid(), fs::read(&there).unwrap());
    deliver(format!("systemd-creds:{}#api key", link.display())).await;
    assert_eq!((mode(&there), fs::metadata(&there).unwrap().uid()), (0o640, owner));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let after = fs::read(&there).unwrap();
    assert_ne!(after, before);
    assert_eq!(unsealed("api key", &after), format!("{}\n", key("one").expose()));
    // The same key again: not one byte is different, though each encryption is.
    deliver(format!("systemd-creds:{}#api key", link.display())).await;
    assert_eq!(fs::read(&there).unwrap(), after);
    assert_eq!(names_but(folder.path(), "link").len(), 2, "nothing is left over");
}
