//! Files that are no configuration: each is refused with its name and a mend, whatever it is.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::{Config, MAX_CONFIG_BYTES};

fn refusal(path: &Path) -> String {
    let report = Config::load(path).unwrap_err();
    let all = format!("{}\n{}", report.line(), report.mend.join("\n"));
    assert!(all.contains(&path.display().to_string()), "no name in {all}");
    assert!(!report.mend.is_empty() && !all.contains("canary"), "{all}");
    all
}

fn check(content: &[u8], told: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keywright.toml");
    std::fs::write(&path, content).unwrap();
    let all = refusal(&path);
    assert!(all.contains(told), "`{told}` is not in {all}");
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    assert!(refusal(folder.path()).contains("it is not a file"));
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(refusal(&pipe).contains("it is not a file"));
    assert!(refusal(Path::new("/dev/zero")).contains("it is not a file"));
    let circle = folder.path().join("circle");
    std::os::unix::fs::symlink(&circle, &circle).unwrap();
    assert!(refusal(&circle).contains("keywright --config FILE"));
    assert!(refusal(&folder.path().join("nothing")).contains("keywright init"));
    assert!(refusal(&folder.path().join("a".repeat(300))).contains("keywright --config FILE"));
    assert!(refusal(&circle.join("keywright.toml")).contains("keywright --config FILE"));
    let odd = folder.path().join(std::ffi::OsStr::from_bytes(b"\xff.toml"));
    std::fs::write(&odd, "store = 1").unwrap();
    assert!(refusal(&odd).contains("`store` is a whole number"));
}

#[test]
fn what_is_no_text_is_told_with_its_line() {
    check(b"store = \"a\"\nlog = \"\xff\"\n", "line 2 is no text in UTF-8");
    check(b"\xff\xfes\0t\0o\0r\0e\0", "line 1 is no text in UTF-8");
    check(&vec![b'a'; usize::try_from(MAX_CONFIG_BYTES).unwrap() + 1], "it is longer than");
}

#[test]
fn a_long_file_of_nonsense_is_read_once() {
    for nonsense in
        ["=\n", "canary canary\n", "[", "[[", "a = [\n", "a = {", "\"\"\"", "a.", "a = \"\n", "'", "\0"]
    {
        let times = 60_000 / nonsense.len();
        check(
            nonsense.repeat(times).as_bytes(),
            if nonsense == "a = [\n" { "is not closed" } else { "cannot be read" },
        );
    }
    let mut faulty = String::new();
    for number in 0..5_000 {
        write!(faulty, "[instance.i{number}]\nurl = 1\n").unwrap();
    }
    check(faulty.as_bytes(), "and 9803 more");
}
