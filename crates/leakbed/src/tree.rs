//! Plants every hiding place in a file into the work tree: untracked, ignored, changed since the last commit.
use crate::chance::Chance;
use crate::git::Git;
use crate::hiding::Fits;
use crate::hidings;
use crate::scribe::{Spot, entry};
use crate::trouble::{Doing as _, Result};
use crate::truth::{ObjectKind, Place, Planted};
use std::path::Path;

/// Every hiding place once, under `local/` or, ignored, under `scratch/`.
pub(crate) fn plant(git: &Git, seed: u64) -> Result<Vec<Planted>> {
    let mut planted = Vec::new();
    write(git.folder(), "scratch/.gitignore", b"*\n")?;
    for (number, hiding) in hidings::all().enumerate() {
        let mut chance = Chance::of(seed, &format!("tree/{}/{}", hiding.name, hiding.file));
        let key = hiding.fits.key(&mut chance);
        let hidden = hiding.hide(&key.text, &mut chance)?;
        let (top, fate) = if chance.happens(30) { ("scratch", "ignored") } else { ("local", "untracked") };
        let path = format!("{top}/{}-{number}/{}", hiding.name.replace('_', "-"), hiding.file);
        write(git.folder(), &path, &hidden.bytes)?;
        let spot = Spot {
            hiding: hiding.name,
            asked: hiding.asked,
            wrapping: hiding.wrapping,
            object: ObjectKind::File,
            path: Some(path),
            lines: hidden.lines,
            fate,
        };
        planted.push(entry(&key, Place::Tree, spot));
    }
    planted.extend(odd(git.folder(), seed)?);
    Ok(planted)
}

/// A tracked file that was changed, a deep folder, a long name, a link, and a name that is a key.
fn odd(folder: &Path, seed: u64) -> Result<Vec<Planted>> {
    let deep = format!("local/{}key.txt", "d/".repeat(60));
    let long = format!("local/{}.txt", "n".repeat(240));
    let mut planted = Vec::new();
    for (hiding, path, fate) in [
        ("changed_file", "apps/notes.txt", "modified"),
        ("deep_folder", deep.as_str(), "untracked"),
        ("long_name", long.as_str(), "untracked"),
        ("hostile_path", "local/\u{1b}]0;x\u{7}\r\n.env", "untracked"),
        ("link_target", "local/current-key", "untracked"),
        ("path_name", "local/named/", "untracked"),
    ] {
        let mut chance = Chance::of(seed, &format!("tree/{hiding}"));
        let fits = if hiding == "path_name" { Fits::Prefixed } else { Fits::Any };
        let key = fits.key(&mut chance);
        let mut spot = Spot { object: ObjectKind::File, lines: Some((2, 2)), fate, ..Spot::corner(hiding) };
        match hiding {
            "link_target" => {
                std::os::unix::fs::symlink(&key.text, folder.join(path)).doing("a link")?;
                (spot.path, spot.lines) = (Some(path.to_owned()), None);
            }
            "path_name" => {
                let path = format!("{path}{}", key.text);
                write(folder, &path, b"none\n")?;
                spot = Spot { object: ObjectKind::PathName, path: Some(path), lines: None, ..spot };
            }
            _ => {
                write(folder, path, format!("once more\nkey={}\n", key.text).as_bytes())?;
                spot.path = Some(path.to_owned());
            }
        }
        planted.push(entry(&key, Place::Tree, spot));
    }
    Ok(planted)
}

/// Writes a file and the folders that it lies in.
pub(crate) fn write(folder: &Path, path: &str, content: &[u8]) -> Result<()> {
    let file = folder.join(path);
    if let Some(parent) = file.parent() {
        std::fs::create_dir_all(parent).doing("a folder of the work tree")?;
    }
    std::fs::write(&file, content).doing("a file of the work tree")
}
