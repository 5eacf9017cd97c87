use std::fs;

use model::Address;

use super::place::{Place, look, replace, set_mode};

/// The store is a file that two scripts look after.
pub(crate) struct CommandPlace {
    folder: tempfile::TempDir,
}

/// An empty input is a delivery that was cut off; to take the key out has a word of its own.
const WRITE: &str = "#!/bin/sh
cd \"$1\" || exit 1
[ \"$KEYWRIGHT_ACTION\" = remove ] && exec rm -f held
key=$(cat; echo .)
[ \"$key\" != . ] || exit 1
printf %s \"${key%.}\" > new.$$ && mv new.$$ held
";
const READ: &str = "#!/bin/sh\ncd \"$1\" || exit 1\n[ -e held ] || exit 0\ncat held\n";

impl Place for CommandPlace {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("put-key", WRITE), ("get-key", READ)] {
            fs::write(folder.path().join(name), text).unwrap();
            set_mode(&folder.path().join(name), 0o755);
        }
        Self { folder }
    }

    fn address(&self) -> Address {
        let place = self.folder.path().display();
        format!("command:{place}/put-key {place}#{place}/get-key {place}").parse().unwrap()
    }

    fn put_by_hand(&self, key: &str) {
        replace(&self.folder.path().join("held"), key);
    }

    fn look(&self) -> Option<String> {
        look(&self.folder.path().join("held"))
    }

    fn whole(key: &str) -> String {
        key.to_owned()
    }

    fn emptied() -> Option<String> {
        None
    }

    fn left_over(&self) -> Vec<String> {
        // What the operator's program leaves is its own.
        Vec::new()
    }

    fn take_away(&self) {
        fs::remove_file(self.folder.path().join("put-key")).unwrap();
    }

    fn forbid(&self) {
        set_mode(&self.folder.path().join("put-key"), 0o644);
    }

    fn change_by_hand(&self, number: usize) -> String {
        self.put_by_hand(&format!("by-hand-{number}"));
        String::new()
    }
}
