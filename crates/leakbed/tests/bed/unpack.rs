//! Undoes git's own containers with git.
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

fn git(folder: &Path, words: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("git")
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A refusal shows in what comes out.
    child.stdin.take().unwrap().write_all(input).ok();
    child.wait_with_output().unwrap().stdout
}

/// All objects of a bundle or of the pack that lies in it, one after another.
pub(crate) fn objects(name: &str, bytes: &[u8]) -> Vec<Vec<u8>> {
    let Some(at) = bytes.windows(4).position(|window| window == b"PACK") else { return Vec::new() };
    assert!(name == "git_pack" || bytes.starts_with(b"# v2 git bundle"));
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "--quiet"], b"");
    git(folder.path(), &["unpack-objects", "-q"], &bytes[at..]);
    vec![git(folder.path(), &["cat-file", "--batch", "--batch-all-objects"], b"")]
}

/// The file that a patch makes of the one before.
pub(crate) fn patched(patch: &[u8]) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "--quiet"], b"");
    std::fs::write(folder.path().join(".env"), "PORT=1\n").unwrap();
    git(folder.path(), &["apply", "-"], patch);
    vec![std::fs::read(folder.path().join(".env")).unwrap()]
}
