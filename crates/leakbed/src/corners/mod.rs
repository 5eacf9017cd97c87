//! Corners of git itself: what is no file of a branch.
mod deltas;
mod elsewhere;
mod files;
mod index;
mod merges;
mod messages;
mod names;
mod references;
mod stashes;
mod tags;
mod unreachable;

use crate::git::Git;
use crate::history::Main;
use crate::scribe::Scribe;
use crate::stream::{Mark, Oids, Storage};
use crate::trouble::Result;
use crate::truth::Planted;

/// What is done once git has named the objects.
#[derive(Debug)]
pub(crate) enum After {
    /// Points a reference at an object.
    Point(String, Mark),
    /// The same, and then at the default branch: only the log still knows the object.
    PointAndMoveOn(String, Mark),
    /// Makes the reference of which the name ends with what it replaces.
    Replace { old: Mark, new: Mark },
    /// Writes the object's name into a file of `.git`.
    Head(&'static str, Mark),
}

/// Corners that are made of commits, in the stream of the history.
pub(crate) fn in_history(scribe: &mut Scribe, main: &mut Main) -> Vec<After> {
    messages::plant(scribe, main);
    merges::plant(scribe, main);
    names::plant(scribe, main);
    deltas::plant(scribe, main);
    let mut after = stashes::plant(scribe, main);
    after.extend(references::plant(scribe, main));
    unreachable::plant_packed(scribe, main);
    after
}

/// Does what had to wait, and forgets the references that only carried commits into the stream.
pub(crate) fn afterwards(git: &Git, after: &[After], oids: &Oids, tip: &str) -> Result<()> {
    for step in after {
        match step {
            After::Point(reference, mark) => git.point(reference, &oids.of(*mark)?, "update by push")?,
            After::PointAndMoveOn(reference, mark) => {
                git.point(reference, &oids.of(*mark)?, "commit: try it")?;
                git.point(reference, tip, "reset: moving to HEAD")?;
            }
            After::Replace { old, new } => {
                git.point(&format!("refs/replace/{}", oids.of(*old)?), &oids.of(*new)?, "replace")?;
            }
            After::Head(file, mark) => {
                crate::tree::write(
                    git.folder(),
                    &format!(".git/{file}"),
                    format!("{}\n", oids.of(*mark)?).as_bytes(),
                )?;
            }
        }
    }
    let carried = git.run(&["for-each-ref", "--format=delete %(refname)", "refs/bed/"])?;
    git.feed(&["update-ref", "--stdin"], format!("{carried}\n").as_bytes()).map(drop)
}

/// Corners that are made with git's commands, or as files of `.git`.
pub(crate) fn around(git: &Git, seed: u64, main: &str, branch: &str) -> Result<Vec<Planted>> {
    let mut planted = tags::plant(git, seed, main)?;
    let mut loose = Scribe::new(seed, "loose", 1_794_000_000);
    let after = unreachable::plant_loose(&mut loose, main);
    let (mut found, oids) = loose.finish(git, Storage::Loose)?;
    afterwards(git, &after, &oids, main)?;
    planted.append(&mut found);
    planted.extend(index::plant(git, seed)?);
    planted.extend(elsewhere::plant(git, seed, branch)?);
    planted.extend(files::plant(git, seed)?);
    Ok(planted)
}
