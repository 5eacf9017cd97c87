//! Destinations of one integration, and what they hold.

use std::path::{Path, PathBuf};

/// Which kinds of destination an integration has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kinds {
    Dotenv,
    File,
    Command,
    All,
}

impl Kinds {
    pub(crate) const ONE: [Self; 3] = [Self::Dotenv, Self::File, Self::Command];
    pub(crate) const EACH: [Self; 4] = [Self::Dotenv, Self::File, Self::Command, Self::All];

    pub(crate) fn count(self) -> u32 {
        match self {
            Self::Dotenv | Self::File | Self::Command => 1,
            Self::All => 3,
        }
    }

    fn has(self, kind: Self) -> bool {
        self == kind || self == Self::All
    }
}

/// Takes a key on standard input and keeps it; can be told to fail before or after it is kept, or to hang.
const HOOK: &str = r#"#!/bin/sh
here=$1
if [ -e "$here/broken" ]; then
    echo "the vault is sealed" >&2
    exit 1
fi
if [ -e "$here/slow" ]; then
    echo $$ > "$here/reached"
    exec sleep 600
fi
case $KEYWRIGHT_ACTION in
    remove) rm -f "$here/vault.key" ;;
    *) umask 077
        cat > "$here/vault.new"
        mv "$here/vault.new" "$here/vault.key" ;;
esac
if [ -e "$here/broken-after" ]; then
    echo "the vault is out of breath" >&2
    exit 1
fi
exit 0
"#;

const READ: &str = r#"#!/bin/sh
if [ -e "$1/vault.key" ]; then exec cat "$1/vault.key"; fi
"#;

/// Destinations in a folder of their own.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    folder: PathBuf,
    kinds: Kinds,
}

impl Places {
    /// Makes the folder, with what is there before the first key comes.
    pub(crate) fn make(home: &Path, name: &str, kinds: Kinds) -> Self {
        let folder = home.join("places").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for (file, text) in [("put.sh", HOOK), ("read.sh", READ), (".env", "# kept\nTARGET=s3\n")] {
            std::fs::write(folder.join(file), text).unwrap();
        }
        Self { folder, kinds }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The options of `key create` that name them.
    pub(crate) fn options(&self) -> Vec<String> {
        let addresses = self.addresses();
        addresses.into_iter().flat_map(|address| ["--to".to_owned(), address]).collect()
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        let at = self.folder.display();
        let all = [
            (Kinds::Dotenv, format!("dotenv:{at}/.env#N8N_API_KEY")),
            (Kinds::File, format!("file:{at}/n8n.key")),
            (Kinds::Command, format!("command:/bin/sh {at}/put.sh {at}#/bin/sh {at}/read.sh {at}")),
        ];
        all.into_iter().filter(|(kind, _)| self.kinds.has(*kind)).map(|(_, address)| address).collect()
    }

    /// The key in each of them, as a program that uses it finds it.
    pub(crate) fn held(&self) -> Vec<Option<String>> {
        let whole = |name: &str| std::fs::read_to_string(self.folder.join(name)).ok();
        let line = |text: String| {
            text.lines()
                .find_map(|line| line.strip_prefix("N8N_API_KEY="))
                .map(|value| value.trim_matches('"').to_owned())
        };
        let all = [
            (Kinds::Dotenv, whole(".env").and_then(line)),
            (Kinds::File, whole("n8n.key")),
            (Kinds::Command, whole("vault.key")),
        ];
        let all = all.into_iter().filter(|(kind, _)| self.kinds.has(*kind));
        all.map(|(_, text)| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())).collect()
    }

    /// What has to be as it was, whatever happens to keys.
    pub(crate) fn surroundings_are_untouched(&self) -> bool {
        let env = std::fs::read_to_string(self.folder.join(".env")).unwrap();
        let others: Vec<&str> = env.lines().filter(|line| !line.starts_with("N8N_API_KEY=")).collect();
        let expected = [".env", "n8n.key", "put.sh", "read.sh", "vault.key", "broken", "broken-after"];
        let strangers = std::fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().file_name());
        let strangers: Vec<_> =
            strangers.filter(|name| !expected.iter().any(|known| name == known)).collect();
        others == ["# kept", "TARGET=s3"] && strangers.is_empty()
    }

    /// Makes a flag that the hook looks for.
    pub(crate) fn raise(&self, flag: &str) {
        std::fs::write(self.folder.join(flag), "").unwrap();
    }

    pub(crate) fn lower(&self, flag: &str) {
        std::fs::remove_file(self.folder.join(flag)).unwrap();
    }
}
