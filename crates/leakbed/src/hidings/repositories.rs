//! Keys in repositories that lie as files in the tree: bundles, copies of `.git` in archives, packs.
use super::archives::{gzip, tar_of};
use super::encoded::dotenv;
use crate::chance::Chance;
use crate::git::Git;
use crate::hiding::Hiding;
use crate::stream::{Change, Draft, On, Storage, Stream};
use crate::trouble::{Doing as _, Result};
use std::path::Path;

pub(super) const HIDINGS: &[Hiding] = &[
    Hiding::bytes("git_bundle", "old.bundle", &["git_bundle"], |k, c| {
        bundle(&repository(&dotenv(k), Storage::Packed, c)?)
    })
    .extra(),
    Hiding::bytes("git_in_tar", "checkout.tar", &["tar", "zlib"], |k, c| {
        archive(repository(&dotenv(k), Storage::Loose, c)?.path())
    })
    .extra(),
    Hiding::bytes("git_in_tar", "mirror.tar.gz", &["gzip", "tar", "git_pack"], |k, c| {
        Ok(gzip(&archive(repository(&dotenv(k), Storage::Packed, c)?.path())?))
    })
    .extra(),
    Hiding::bytes("git_binary_patch", "binary.patch", &["git_binary_patch"], |k, c| {
        let folder = repository(&[b"\0", dotenv(k).as_slice()].concat(), Storage::Packed, c)?;
        Git::at(folder.path()).raw(&["format-patch", "--stdout", "--binary", "-1", "main^"], b"")
    })
    .extra(),
];

/// A bare repository of three commits, of which the second holds the secret in its file and the last no more.
fn repository(secret: &[u8], storage: Storage, chance: &mut Chance) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir().doing("a folder for a repository")?;
    let git = Git::at(folder.path());
    git.init(&["--bare"])?;
    let mut stream = Stream::default();
    let mut tip: Option<On> = None;
    for (number, content) in
        [(0, b"PORT=1\n".to_vec()), (1, secret.to_vec()), (2, chance.prose(500).into_bytes())]
    {
        let blob = stream.blob(&content);
        let commit = stream.commit(&Draft {
            branch: "refs/heads/main",
            parents: tip.as_slice(),
            author: "Ana Example <ana@corp.test>",
            committer: "Ana Example <ana@corp.test>",
            at_s: 1_650_000_000 + number,
            message: b"Settings\n",
            changes: &[Change::Put("100644", blob, ".env".to_owned())],
        });
        tip = Some(On::Mark(commit));
    }
    stream.import(&git, storage)?;
    Ok(folder)
}

fn bundle(folder: &tempfile::TempDir) -> Result<Vec<u8>> {
    Git::at(folder.path()).raw(&["bundle", "create", "--quiet", "-", "--all"], b"")
}

/// All files of a folder, in the order of their names.
fn archive(folder: &Path) -> Result<Vec<u8>> {
    let mut files = Vec::new();
    collect(folder, "checkout/.git", &mut files)?;
    files.sort();
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    tar_of(&files)
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for entry in std::fs::read_dir(folder).doing("a repository's folder")? {
        let entry = entry.doing("a repository's folder")?;
        let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().doing("a repository's file")?.is_dir() {
            collect(&entry.path(), &name, files)?;
        } else {
            files.push((name, std::fs::read(entry.path()).doing("a repository's file")?));
        }
    }
    Ok(())
}
