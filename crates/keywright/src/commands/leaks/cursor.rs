//! How far the last scan came: a small file for each repository and each folder, in the user's state folder.
//!
//! It holds no key. Who loses it scans everything once more.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use leaks::{Finding, Source};
use sha2::{Digest as _, Sha256};

use crate::config;
use crate::error::operator;

const MAX_BYTES: u64 = 64 << 20;

/// Where cursors are kept.
pub(super) struct Cursors(PathBuf);

impl Cursors {
    /// The folder; made if it is not there.
    pub(super) fn open() -> Result<Self, model::Report> {
        let cannot = || operator("cannot keep a cursor for `--since-last`");
        let Some(state) = config::state_folder() else {
            return Err(cannot()
                .because("neither XDG_STATE_HOME nor HOME says where state is kept")
                .mend("set XDG_STATE_HOME to a folder of yours"));
        };
        let folder = state.join("keywright/leaks");
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| {
            cannot()
                .because(format!("`{}` cannot be made", folder.display()))
                .caused_by(&error)
                .mend("set XDG_STATE_HOME to a folder that you may write to")
        })?;
        Ok(Self(folder))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// What was told of a tree the last time. What cannot be read counts for nothing: then all is told once more.
    pub(super) fn told(&self, tree: &Path) -> Told {
        let file = self.file(tree);
        let is_small = std::fs::metadata(&file).is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_BYTES);
        let kept = if is_small { std::fs::read_to_string(file).ok() } else { None };
        Told::parse(&kept.unwrap_or_default())
    }

    /// Keeps it, all or nothing.
    pub(super) fn save(&self, tree: &Path, told: &Told) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.0)?;
        file.write_all(told.text().as_bytes())?;
        file.persist(self.file(tree)).map(drop).map_err(|error| error.error)
    }

    fn file(&self, tree: &Path) -> PathBuf {
        let whole = tree.canonicalize().unwrap_or_else(|_| tree.to_owned());
        self.0.join(format!("tree-{}", hex(&Sha256::digest(whole.as_os_str().as_bytes()))))
    }
}

/// What was told of a tree. Files are read anew each time: a moved folder looks old and is new.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told(BTreeSet<String>);

impl Told {
    fn parse(kept: &str) -> Self {
        Self(kept.lines().map(str::to_owned).collect())
    }

    fn text(&self) -> String {
        self.0.iter().fold(String::new(), |text, line| text + line + "\n")
    }

    /// Leaves what was not told before; keeps what is there now. What lies in repositories has their own cursors.
    pub(super) fn only_new(&self, findings: &mut Vec<Finding>) -> Self {
        let mut now = BTreeSet::new();
        findings.retain(|finding| {
            let Source::File(path) = &finding.place.source else { return true };
            let mut hash = Sha256::new();
            hash.update(finding.token.fingerprint().to_string());
            hash.update(path.canonicalize().unwrap_or_else(|_| path.clone()).as_os_str().as_bytes());
            let line = hex(&hash.finalize());
            let is_new = !self.0.contains(&line);
            now.insert(line);
            is_new
        });
        Self(now)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}
