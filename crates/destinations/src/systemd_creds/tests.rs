//! With programs in the place of `systemd-creds`. The real one is in the contract.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use model::{Address, Destination as _, DestinationError, DestinationErrorKind as Kind, Held, Secret};
use tempfile::TempDir;

use super::{
    Credential,
    creds::{Verb, judge},
};
use crate::{Context, place::FilePath};

const CANARY: &str = "canary-0123456789-abcdefghij";
/// Seals by turning letters, for whoever has the right name.
const TURNS: &str = r#"#!/bin/sh
echo "$@" >> "$0.arguments"
env >> "$0.environment"
[ "$2 $3 $4" = "--name=key - -" ] || exit 9
case $1 in
    encrypt) printf SEALED; tr a-z n-za-m ;;
    decrypt)
        sealed=$(cat; echo .)
        case $sealed in
            Whxq*) echo "Decryption failed (incorrect key?)" >&2; exit 1 ;;
            SEALED*) printf %s "${sealed#SEALED}" | sed 's/[.]$//' | tr n-za-m a-z ;;
            *) echo "Encrypted file too short." >&2; exit 1 ;;
        esac ;;
esac
"#;

fn context() -> Context {
    Context {
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        rotation: None,
        hidden_variables: vec!["CARGO_PKG_NAME".to_owned()],
        services: std::sync::Arc::new(crate::Services::none()),
    }
}

fn new(address: &str) -> Result<Credential, DestinationError> {
    Credential::new(&address.parse::<Address>().unwrap(), &context())
}

/// A credential `key` in the folder, and `program` instead of `systemd-creds`.
fn with(folder: &TempDir, program: &str) -> Credential {
    let path = folder.path().join("program");
    fs::write(&path, program).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let mut credential = new(&format!("systemd-creds:{}/key", folder.path().display())).unwrap();
    credential.creds.programs = vec!["/no/such/program".into(), path];
    credential
}

fn text(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn the_name_is_the_files_unless_it_is_given() {
    let check = |address: &str, wanted: &str| {
        assert_eq!(new(address).unwrap().creds.name, wanted, "{address}");
    };
    check("systemd-creds:/etc/credstore.encrypted/n8n-api-key", "n8n-api-key");
    check("systemd-creds:/etc/app/n8n.cred", "n8n");
    check("systemd-creds:/etc/app/n8n.cred#key", "key");
    check("systemd-creds:/etc/app/a:b#n8n.cred", "n8n.cred");
    check("systemd-creds:/etc/app/key#-a #b", "-a #b");
    for bad in
        ["/a/.cred", "/a/b:c", "/a/b#", "/a/b#c/d", "/a/b#..", "/a/b#ü", "a/b", "/a/../b", "/a/b/", "#c"]
    {
        let error = new(&format!("systemd-creds:{bad}")).err().unwrap();
        assert_eq!(error.kind, Kind::BadAddress, "{bad}");
        assert!(!error.report.mend.is_empty());
    }
}

#[tokio::test]
async fn the_key_is_in_no_argument_and_in_no_environment() {
    let folder = tempfile::tempdir().unwrap();
    let credential = with(&folder, TURNS);
    credential.check().await.unwrap();
    assert!(!folder.path().join("key").exists());
    credential.deliver(&Secret::new(CANARY)).await.unwrap();
    assert_eq!(text(&folder, "key"), "SEALEDpnanel-0123456789-nopqrstuvw");
    assert_eq!(credential.read().await.unwrap(), Held::Value(Secret::new(CANARY)));
    let (arguments, environment) = (text(&folder, "program.arguments"), text(&folder, "program.environment"));
    assert!(arguments.lines().count() >= 6, "{arguments}");
    assert!(!format!("{arguments}{environment}").contains("canary"), "{arguments}");
    assert!(environment.contains("LC_ALL=C\n"), "{environment}");
    assert!(!environment.contains("CARGO_PKG_NAME="), "a hidden variable is inherited");
}

#[tokio::test]
async fn the_same_key_again_leaves_the_file_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    // Each time it seals, it comes out differently.
    let credential = with(
        &folder,
        &TURNS
            .replace("printf SEALED;", "printf SEALED; printf %09d $$;")
            .replace("printf %s \"${sealed#SEALED}\"", "printf %s \"${sealed#SEALED?????????}\""),
    );
    credential.deliver(&Secret::new(CANARY)).await.unwrap();
    let first = text(&folder, "key");
    credential.deliver(&Secret::new(CANARY)).await.unwrap();
    assert_eq!(text(&folder, "key"), first);
    credential.deliver(&Secret::new("canary-2")).await.unwrap();
    assert_ne!(text(&folder, "key"), first);
}

#[tokio::test]
async fn a_final_line_end_is_kept_and_is_no_part_of_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let credential = with(&folder, TURNS);
    fs::write(folder.path().join("key"), "SEALEDbyq\n").unwrap();
    assert_eq!(credential.read().await.unwrap(), Held::Value(Secret::new("old")));
    credential.deliver(&Secret::new("new")).await.unwrap();
    assert_eq!(text(&folder, "key"), "SEALEDarj\n");
}

/// Every call that uses the program fails with this kind, without the key, and leaves the file alone.
async fn refuses(folder: &TempDir, credential: &Credential, held: &[u8], wanted: Kind) -> DestinationError {
    let path = folder.path().join("key");
    fs::write(&path, held).unwrap();
    let secret = Secret::new(CANARY);
    let errors = [
        credential.check().await.unwrap_err(),
        credential.read().await.unwrap_err(),
        credential.deliver(&secret).await.unwrap_err(),
        credential.restore(Some(&secret)).await.unwrap_err(),
        credential.restore(None).await.unwrap_err(),
    ];
    assert_eq!(fs::read(&path).unwrap(), held);
    let [.., last] = &errors;
    let last = last.clone();
    for error in errors {
        assert_eq!(error.kind, wanted, "{error:?}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        assert!(!error.report.mend.is_empty());
    }
    last
}

#[tokio::test]
async fn what_is_no_credential_of_a_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let credential = with(&folder, TURNS);
    for held in ["", "root:x:0:0", "SEALEDgjb\nyvarf", "SEALEDgjb\nyvarf\n"] {
        refuses(&folder, &credential, held.as_bytes(), Kind::Malformed).await;
    }
    refuses(&folder, &credential, b"SEALED\xff", Kind::Malformed).await;
    let large = with(&folder, "#!/bin/sh\nhead -c 1000000 /dev/zero\n");
    refuses(&folder, &large, b"SEALEDbyq", Kind::Malformed).await;
}

#[tokio::test]
async fn a_program_that_lies_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    for lie in ["encrypt) cat > /dev/null;", "encrypt) printf SEALED; head -c 5;", "encrypt) cat;"] {
        let credential = with(&folder, &TURNS.replace("encrypt) printf SEALED;", lie));
        assert!(credential.check().await.is_err(), "{lie}");
        assert!(credential.deliver(&Secret::new(CANARY)).await.is_err(), "{lie}");
        assert!(!path.exists(), "{lie}");
    }
}

#[tokio::test]
async fn a_missing_program_and_one_that_does_not_end_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut credential = with(&folder, "#!/bin/sh\nexec sleep 1000\n");
    credential.creds.timeout = Duration::from_millis(200);
    refuses(&folder, &credential, b"SEALEDbyq", Kind::Unreachable).await;
    fs::set_permissions(folder.path().join("program"), fs::Permissions::from_mode(0o777)).unwrap();
    let error = refuses(&folder, &credential, b"SEALEDbyq", Kind::Denied).await;
    assert!(error.report.because[0].contains("everyone can change"), "{error:?}");
    fs::remove_file(folder.path().join("program")).unwrap();
    let error = refuses(&folder, &credential, b"SEALEDbyq", Kind::NotFound).await;
    assert!(error.report.mend[0].contains("apt install systemd"), "{error:?}");
}

#[test]
fn what_the_program_says_is_judged() {
    let address: Address = "systemd-creds:/etc/key".parse().unwrap();
    let path = FilePath::parse(&address, "/etc/key").unwrap();
    let check = |verb: Verb, said: &str, wanted: Option<(Kind, &str)>| {
        let judged = judge(verb, said.as_bytes(), "key", &path);
        assert_eq!(judged.as_ref().map(|(kind, ..)| *kind), wanted.map(|(kind, _)| kind), "{said}");
        if let (Some((_, _, mend)), Some((_, words))) = (judged, wanted) {
            assert!(mend.contains(words), "{said}: {mend}");
        }
    };
    let none = "Failed to determine local credential key: No such file or directory";
    check(Verb::Encrypt, none, Some((Kind::NotFound, "`systemd-creds setup`")));
    check(Verb::Decrypt, none, Some((Kind::NotFound, "from a backup")));
    let denied = "Failed to determine local credential host secret: Permission denied";
    check(Verb::Encrypt, denied, Some((Kind::Denied, "root")));
    let mode = "Failed to determine local credential key: Operation not permitted";
    check(Verb::Decrypt, mode, Some((Kind::Denied, "chmod 0400")));
    let name = "Embedded credential name 'other' does not match filename 'key', refusing.";
    check(Verb::Decrypt, name, Some((Kind::Malformed, "`systemd-creds:/etc/key#…`")));
    check(
        Verb::Decrypt,
        "Credential's time passed, refusing to use.",
        Some((Kind::Malformed, "`rm /etc/key`")),
    );
    check(Verb::Decrypt, "Encrypted file too short.", Some((Kind::Malformed, "--name=key /etc/key -")));
    check(Verb::Decrypt, "Out of memory.", None);
    check(Verb::Encrypt, "TPM2 not available and host key located on temporary file system", None);
}
