//! A search through the files of a folder. Only reads; no link is followed, and no file is opened that is none.

use std::{collections::VecDeque, fs::File, io::Read as _, ops::ControlFlow, path::Path};

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use zeroize::Zeroizing;

use super::{How, Search};
use crate::{document::Format, dotenv, place::MAX_BYTES};

/// Folders that wait to be looked through.
const MAX_WAITING: usize = 100_000;

impl Search {
    /// Looks through all files below a folder, up to 8 MiB each.
    pub fn folder(&mut self, folder: &Path) {
        let mut waiting = VecDeque::from([folder.to_owned()]);
        while let Some(folder) = waiting.pop_front() {
            let entries = match std::fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) => {
                    self.leave_out(format!("the folder `{}`: {error}", folder.display()));
                    continue;
                }
            };
            for entry in entries.flatten() {
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() && waiting.len() < MAX_WAITING {
                    waiting.push_back(entry.path());
                } else if kind.is_dir() {
                    self.leave_out(format!("the folder `{}`: too many folders", entry.path().display()));
                } else if kind.is_file() {
                    if self.read() == ControlFlow::Break(()) {
                        return;
                    }
                    self.file(&entry.path());
                }
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let bytes = match read(path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return,
            Err(why) => return self.leave_out(format!("the file `{}`: {why}", path.display())),
        };
        self.compared += 1;
        let holds = |key: &str| bytes.windows(key.len().max(1)).any(|part| part == key.as_bytes());
        let keys: Vec<(String, Zeroizing<String>)> = self
            .wanted
            .iter()
            .filter(|(wanted, _)| holds(wanted.secret.expose()))
            .map(|(wanted, _)| (wanted.name.clone(), Zeroizing::new(wanted.secret.expose().to_owned())))
            .collect();
        for (name, key) in keys {
            for (at, how) in places(path, &bytes, &key) {
                self.find(name.clone(), &at, how);
            }
        }
    }
}

/// Where in a file a key is: addresses that can be delivered to, or else the lines.
fn places(path: &Path, bytes: &[u8], key: &str) -> Vec<(String, How)> {
    let (shown, name) = (path.display(), path.file_name().unwrap_or_default().to_string_lossy());
    if bytes.trim_ascii() == key.as_bytes() {
        return vec![(format!("file:{shown}"), How::Holds)];
    }
    let text = std::str::from_utf8(bytes).ok();
    let documents = text.zip(Format::of_name(&name)).map(|(text, (kind, format))| {
        let found = format.texts(text, &|text| text == key);
        found.into_iter().map(|(at, _)| (format!("{kind}:{shown}#{at}"), How::Holds)).collect::<Vec<_>>()
    });
    if let Some(found) = documents.filter(|found| !found.is_empty()) {
        return found;
    }
    let variables: Vec<_> = dotenv::names_of(bytes, key)
        .into_iter()
        .map(|name| (format!("dotenv:{shown}#{name}"), How::Holds))
        .collect();
    let is_dotenv = name.starts_with(".env") || name.ends_with(".env") || name.contains("environment");
    if !variables.is_empty() && is_dotenv {
        return variables;
    }
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let lines = lines.filter(|(_, line)| line.windows(key.len()).any(|part| part == key.as_bytes()));
    lines.map(|(number, _)| (format!("{shown}:{}", number + 1), How::Within)).collect()
}

/// A regular file's bytes; `None` if it is larger than any that holds a key for a program.
fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, std::io::Error> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let file = File::from(open(path, flags, Mode::empty())?);
    let stat = fstat(&file)?;
    let size = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || size > MAX_BYTES {
        return Ok(None);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(size + 1));
    file.take(u64::try_from(MAX_BYTES).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use model::Secret;

    use super::*;
    use crate::Wanted;

    #[test]
    fn finds_a_key_in_every_kind_of_file() {
        let folder = tempfile::tempdir().unwrap();
        let key = "canary.eyJ-key_1";
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text.replace("KEY", key)).unwrap();
        };
        put("a/.env", "X=1\nexport N8N=\"KEY\" # old\n#N9N=KEY\n");
        put("a/b/mcp.json", "{\"env\": {\"N8N_API\": \"KEY\"}}");
        put("values.yaml", "n8n:\n  apiKey: KEY\n");
        put("config.toml", "[n8n]\nkey = \"KEY\"\n");
        put("key", "KEY\n");
        put("backup.sh", "set -e\ncurl -H 'X-N8N-API-KEY: KEY' x\n");
        put("header.json", "{\"h\": \"Bearer KEY\"}");
        put("binary", "\u{0}\u{1}KEY\u{0}");
        put("other", "canary.eyJ-key_2");
        std::os::unix::fs::symlink(folder.path().join("key"), folder.path().join("link")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            folder.path().join("pipe"),
            FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        let wanted = Wanted { name: "backups".into(), secret: Secret::new(key) };
        let mut search = Search::new(vec![wanted], 100);
        search.folder(folder.path());
        let root = folder.path().display().to_string();
        let mut found: Vec<String> = search
            .found
            .iter()
            .map(|found| format!("{:?} {}", found.how, found.at.replace(&root, "")))
            .collect();
        found.sort();
        assert_eq!(
            found,
            [
                "Holds dotenv:/a/.env#N8N",
                "Holds file:/key",
                "Holds json:/a/b/mcp.json#/env/N8N_API",
                "Holds toml:/config.toml#/n8n/key",
                "Holds yaml:/values.yaml#/n8n/apiKey",
                "Within /backup.sh:2",
                "Within /binary:1",
                "Within /header.json:1",
            ]
        );
        assert_eq!((search.reads, search.left_out.len()), (9, 0));
    }
}
