use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, Instant},
};

use model::{
    Address, Confirmation, Destination as _, DestinationErrorKind as Kind, Fingerprint, Held, Secret,
};
use tempfile::TempDir;

use super::{Command, split_read};
use crate::{Context, program::shown};

const CANARY: &str = "canary-0123456789-abcdefghij";

fn context() -> Context {
    Context {
        integration: "backups".parse().unwrap(),
        instance: "prod".parse().unwrap(),
        rotation: Some("01jabcdefghjkmnpqrstvwxyz0".parse().unwrap()),
        hidden_variables: vec!["CARGO_PKG_NAME".to_owned()],
        services: std::sync::Arc::new(crate::Services::none()),
    }
}

fn open(address: &str) -> Result<Command, model::DestinationError> {
    Command::new(&address.parse().unwrap(), &context())
}

/// A destination whose programs are shell scripts that find their folder in `$1`.
fn scripts(folder: &TempDir, write: &str, read: Option<&str>) -> Command {
    let place = folder.path().display();
    fs::write(folder.path().join("write.sh"), write).unwrap();
    let mut address = format!("command:/bin/sh {place}/write.sh {place}");
    if let Some(read) = read {
        fs::write(folder.path().join("read.sh"), read).unwrap();
        write!(address, "#/bin/sh {place}/read.sh {place}").unwrap();
    }
    open(&address).unwrap()
}

fn text(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn the_first_unquoted_hash_is_where_the_read_command_starts() {
    for (text, write, read) in [
        ("/a b", "/a b", None),
        ("/a b#/c d", "/a b", Some("/c d")),
        ("/a 'b#c' \"#\\\"#\" d\\#e#/f#g", "/a 'b#c' \"#\\\"#\" d\\#e", Some("/f#g")),
        ("/a#", "/a", Some("")),
    ] {
        assert_eq!(split_read(text), (write, read));
    }
}

#[test]
fn a_bad_address_is_refused() {
    for bad in ["command:put-key", "command:/a 'b", "command:/a#", "command:/a#b", "command: ", "command:#/a"]
    {
        assert_eq!(open(bad).err().unwrap().kind, Kind::BadAddress, "{bad}");
    }
    let command = open("command:/a 'b c' d\\ e").unwrap();
    assert_eq!(
        (command.write.path.as_path(), command.write.arguments),
        (Path::new("/a"), vec!["b c".to_owned(), "d e".to_owned()])
    );
}

#[tokio::test]
async fn the_secret_is_on_stdin_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let script = "cat > $1/stdin; env > $1/env; tr '\\0' ' ' < /proc/$$/cmdline > $1/arguments; pwd > $1/pwd";
    let command = scripts(&folder, script, None);
    let run = async |action: &str, stdin: &str| {
        assert_eq!(text(&folder, "stdin"), stdin);
        let env = text(&folder, "env");
        let line = format!("KEYWRIGHT_ACTION={action}");
        for wanted in [
            line.as_str(),
            "KEYWRIGHT_INTEGRATION=backups",
            "KEYWRIGHT_INSTANCE=prod",
            "KEYWRIGHT_ROTATION=01jabcdefghjkmnpqrstvwxyz0",
        ] {
            assert!(env.lines().any(|line| line == wanted), "{wanted} in {env}");
        }
        assert!(env.contains("PATH="), "the rest is inherited");
        assert!(!env.contains("CARGO_PKG_NAME="), "what the caller hides is hidden");
        assert!(!env.contains("canary") && !text(&folder, "arguments").contains("canary"));
        assert_eq!(text(&folder, "pwd"), "/\n");
    };
    command.deliver(&Secret::new(CANARY)).await.unwrap();
    run("deliver", CANARY).await;
    command.restore(Some(&Secret::new("canary-old"))).await.unwrap();
    run("restore", "canary-old").await;
    command.restore(None).await.unwrap();
    run("remove", "").await;
}

#[tokio::test]
async fn without_a_read_command_only_the_exit_code_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let command = scripts(&folder, "exit 0", None);
    assert_eq!(command.read().await.unwrap(), Held::Unreadable);
    let seen = command.confirm(&Fingerprint::of(&Secret::new(CANARY))).await.unwrap();
    assert!(matches!(&seen, Confirmation::Seen(what) if what.contains("cannot be read back")), "{seen:?}");
}

#[tokio::test]
async fn what_the_read_command_prints_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let read = async |script: &str| scripts(&folder, "exit 0", Some(script)).read().await;
    assert_eq!(read("printf canary").await.unwrap(), Held::Value(Secret::new("canary")));
    assert_eq!(read("echo canary").await.unwrap(), Held::Value(Secret::new("canary")));
    assert_eq!(read("printf 'canary\\r\\n'").await.unwrap(), Held::Value(Secret::new("canary")));
    assert_eq!(read("exit 0").await.unwrap(), Held::Absent);
    assert_eq!(read("echo").await.unwrap(), Held::Absent);
    assert_eq!(read("printf '\\377'").await.unwrap_err().kind, Kind::Malformed);
    assert_eq!(read("yes canary | head -c 1000000").await.unwrap_err().kind, Kind::Malformed);
    let error = read("echo canary; echo canary >&2; exit 3").await.unwrap_err();
    assert_eq!(error.kind, Kind::Failed);
    assert!(error.to_string().contains("exit status: 3"), "{error}");
    assert!(!error.to_string().contains("canary"), "a held key that we don't know cannot be masked: {error}");
}

#[tokio::test]
async fn a_failure_shows_its_stderr_without_the_secret() {
    let folder = tempfile::tempdir().unwrap();
    let script = "key=$(cat); printf 'no: \\033[31m%s\\n%s\\n' \"$key\" refused >&2; printf %s \"$key\" | base64 >&2; exit 7";
    let error = scripts(&folder, script, None).deliver(&Secret::new(CANARY)).await.unwrap_err();
    assert_eq!(error.kind, Kind::Failed);
    assert_eq!(
        error.report.because,
        [
            "it ended with exit status: 7",
            "stderr: no: \\u{1b}[31m[masked]",
            "stderr: refused",
            "stderr: [masked]"
        ]
    );
    let script = "yes complaint | head -c 10000000 >&2; exit 1";
    let error = scripts(&folder, script, None).deliver(&Secret::new(CANARY)).await.unwrap_err();
    assert!(error.report.line().len() < 4096, "{}", error.report.line().len());
}

/// Whether a process is there and not just waiting to be buried.
fn lives(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn a_program_that_does_not_end_is_killed_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = scripts(&folder, "sleep 1000 & echo $! > $1/pid.new; mv $1/pid.new $1/pid; wait", None);
    // On a busy machine the first second may not be enough for it to start its sleeper.
    for seconds in [1, 5, 25] {
        command.timeout = Duration::from_secs(seconds);
        let error = command.deliver(&Secret::new(CANARY)).await.unwrap_err();
        assert_eq!(error.kind, Kind::Unreachable, "{error}");
        if folder.path().join("pid").exists() {
            break;
        }
    }
    let since = Instant::now();
    while lives(&text(&folder, "pid")) {
        assert!(since.elapsed() < Duration::from_secs(10), "the sleeper lives");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_no_program() {
    let folder = tempfile::tempdir().unwrap();
    let command = scripts(&folder, "sleep 1000 & echo $! > $1/pid.new; mv $1/pid.new $1/pid; wait", None);
    let secret = Secret::new(CANARY);
    let since = Instant::now();
    tokio::select! {
        done = command.deliver(&secret) => assert_eq!(done, Ok(()), "it must not end"),
        () = async { while !folder.path().join("pid").exists() { tokio::task::yield_now().await; } } => {}
    }
    while lives(&text(&folder, "pid")) {
        assert!(since.elapsed() < Duration::from_secs(10), "the sleeper lives");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_a_program_leaves_running_does_not_hold_us_up() {
    let folder = tempfile::tempdir().unwrap();
    let command = scripts(&folder, "cat > $1/held; sleep 1000 & echo $! > $1/pid", None);
    let since = Instant::now();
    command.deliver(&Secret::new(CANARY)).await.unwrap();
    assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
    let pid = text(&folder, "pid");
    assert!(lives(&pid), "a service that it started goes on");
    let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_program_that_does_not_read_its_input_is_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let large = Secret::new("canary".repeat(100_000));
    scripts(&folder, "exec <&-; exit 0", None).deliver(&large).await.unwrap();
    let error = scripts(&folder, "exec <&-; exit 1", None).deliver(&large).await.unwrap_err();
    assert_eq!(error.kind, Kind::Failed);
}

#[tokio::test]
async fn check_looks_at_the_program_and_does_not_run_it() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    let ran = folder.path().join("ran");
    fs::write(&program, format!("#!/bin/sh\ntouch {}\n", ran.display())).unwrap();
    let check = async |mode: u32, read: &str| {
        fs::set_permissions(&program, fs::Permissions::from_mode(mode)).unwrap();
        let address: Address = format!("command:{}{read}", program.display()).parse().unwrap();
        Command::new(&address, &context()).unwrap().check().await.map_err(|error| error.kind)
    };
    assert_eq!(check(0o755, "").await, Ok(()));
    assert_eq!(check(0o644, "").await, Err(Kind::Denied));
    assert_eq!(check(0o757, "").await, Err(Kind::Denied));
    assert_eq!(check(0o755, "#/no/such/program").await, Err(Kind::NotFound));
    assert_eq!(check(0o755, "#/usr").await, Err(Kind::BadAddress));
    assert!(!ran.exists());
    fs::remove_file(&program).unwrap();
    let gone = open(&format!("command:{}", program.display())).unwrap();
    assert_eq!(gone.check().await.unwrap_err().kind, Kind::NotFound);
    assert_eq!(gone.deliver(&Secret::new(CANARY)).await.unwrap_err().kind, Kind::NotFound);
}

#[test]
fn every_form_of_the_secret_is_masked() {
    let secret = Secret::new(CANARY);
    let check = |output: &str, wanted: &str| {
        assert_eq!(shown(output.as_bytes(), Some(&secret)), [format!("stderr: {wanted}")]);
    };
    check("plain words", "plain words");
    check(&format!("key {CANARY}!"), "key [masked]!");
    check("key 0123456789-abc!", "key [masked]!");
    check("cut off at canar", "cut off at [masked]");
    check("hex 63616e6172792d30", "hex [masked]");
    check("hex 63616E6172792D30", "hex [masked]");
    check("base64 Y2FuYXJ5LTAxMjM0", "base64 [masked]");
    check(&format!("another {}", "k3y".repeat(12)), "another [masked]");
    check("path /usr/local/share/some/long/path/to/a/file", "path /usr/local/share/some/long/path/to/a/file");
    check("bell\u{7} turn\u{202e}", "bell\\u{7} turn\\u{202e}");
    assert_eq!(shown(b"\n \n\r\n", Some(&secret)), [""; 0]);
    assert_eq!(shown(b"\xff ok", None), ["stderr: \u{fffd} ok"]);
    assert_eq!(shown("line\n".repeat(100).as_bytes(), None).len(), 12);
}
