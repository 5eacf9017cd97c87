//! Keys in annotated tags: messages, names of taggers, tags of tags, tags that were deleted.
use crate::chance::Chance;
use crate::git::Git;
use crate::hiding::Fits;
use crate::scribe::{Spot, entry};
use crate::trouble::Result;
use crate::truth::{ObjectKind, Place, Planted};

const TAGGER: &str = "Ana Example <ana@corp.test>";
const TAGGED_S: i64 = 1_793_000_000;

/// Class, name, tagger, message, and on which line of it the key is.
const TAGS: [(&str, Option<&str>, &str, &str, usize); 6] = [
    ("tag_message", Some("v2.0"), TAGGER, "Second release\n\nwith key ¤, as before\n", 3),
    ("tag_message", Some("v2.1"), TAGGER, "¤\n", 1),
    (
        "tag_message",
        Some("v2.2-signed"),
        TAGGER,
        "Signed\n\nkey=¤\n-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n",
        3,
    ),
    ("tagger_name", Some("v2.3"), "CI ¤ <ci@corp.test>", "Nightly\n", 0),
    ("unreachable_tag", None, TAGGER, "Wrong one: ¤\n", 1),
    ("tag_of_tag", Some("v2.4"), TAGGER, "Again: ¤\n", 1),
];

pub(super) fn plant(git: &Git, seed: u64, main: &str) -> Result<Vec<Planted>> {
    let mut planted = Vec::new();
    let (mut target, mut kind) = (main.to_owned(), "commit");
    for (number, (hiding, name, tagger, message, line)) in TAGS.into_iter().enumerate() {
        let key = Fits::Any.key(&mut Chance::of(seed, &format!("tag/{number}")));
        let (tagger, message) = (tagger.replace('¤', &key.text), message.replace('¤', &key.text));
        let said = name.unwrap_or("v1.9");
        let text = format!(
            "object {target}\ntype {kind}\ntag {said}\ntagger {tagger} {TAGGED_S} +0000\n\n{message}"
        );
        let oid = git.write_object("tag", text.as_bytes())?;
        if let Some(name) = name {
            git.point(&format!("refs/tags/{name}"), &oid, "tag")?;
        }
        let (object, lines) = match line {
            0 => (ObjectKind::CommitHeader, None),
            line => (ObjectKind::TagMessage, Some((line, line))),
        };
        let mut found = entry(&key, Place::History, Spot { object, lines, ..Spot::corner(hiding) });
        found.oid = Some(oid.clone());
        found.author = Some(tagger);
        found.authored_s = Some(TAGGED_S);
        planted.push(found);
        // Those that follow are tags of this one.
        if name == Some("v2.3") {
            (target, kind) = (oid, "tag");
        }
    }
    Ok(planted)
}
