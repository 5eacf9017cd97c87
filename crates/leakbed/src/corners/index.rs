//! Keys in what is staged and in no commit: content, sides of a conflict, names of paths.
use crate::chance::Chance;
use crate::git::Git;
use crate::hiding::Fits;
use crate::scribe::{Spot, entry};
use crate::trouble::Result;
use crate::truth::{ObjectKind, Place, Planted};

pub(super) fn plant(git: &Git, seed: u64) -> Result<Vec<Planted>> {
    let mut planted = Vec::new();
    let mut lines = Vec::new();
    for (hiding, path, stage) in [
        ("staged_only", "apps/staged.env", 0),
        ("staged_only", "apps/staged-too.env", 0),
        ("conflict_side", "apps/conflict.env", 1),
        ("conflict_side", "apps/conflict.env", 2),
        ("conflict_side", "apps/conflict.env", 3),
    ] {
        let mut chance = Chance::of(seed, &format!("index/{path}/{stage}"));
        let key = Fits::Any.key(&mut chance);
        let oid = git.write_object("blob", format!("A=1\nN8N_API_KEY={}\n", key.text).as_bytes())?;
        lines.push(format!("100644 {oid} {stage}\t{path}\n"));
        let spot = Spot { path: Some(path.to_owned()), lines: Some((2, 2)), ..Spot::corner(hiding) };
        let mut found = entry(&key, Place::History, spot);
        found.oid = Some(oid);
        planted.push(found);
    }
    let mut chance = Chance::of(seed, "index/name");
    let key = Fits::Prefixed.key(&mut chance);
    let oid = git.write_object("blob", chance.prose(300).as_bytes())?;
    let path = format!("apps/{}.txt", key.text);
    lines.push(format!("100644 {oid} 0\t{path}\n"));
    let spot = Spot { object: ObjectKind::PathName, path: Some(path), ..Spot::corner("staged_path_name") };
    planted.push(entry(&key, Place::History, spot));
    git.feed(&["update-index", "--index-info"], lines.concat().as_bytes())?;
    Ok(planted)
}
