//! What is broken or hostile is told, and all else is still read.

use std::time::Duration;

use gix_hash::ObjectId;

use super::forge::{BLOB, Forge, deflate, delta, id};
use super::stand::{Repository, Seen};
use crate::git::objects::Mark;
use crate::{Limits, Why};

/// Visits a pack made by hand; object 1 is whole and must always be shown. Checks what else is shown, and for each
/// that is not a word of what is told of it.
fn check(forge: impl FnOnce(&mut Forge), shown: &[u8], told: &[(u8, &str)]) {
    let repository = Repository::new("sha1");
    let mut pack = Forge::default();
    pack.whole(1, b"a whole object, which is fine");
    forge(&mut pack);
    pack.whole(2, b"another, behind all that");
    pack.write(&repository.objects(), "pack-forged");
    let limits = Limits { max_object_bytes: 1 << 20, ..Limits::default() };
    check_seen(&repository.visit_since(None, &limits), &[&[1, 2], shown].concat(), told);
}

fn check_seen(seen: &Seen, shown: &[u8], told: &[(u8, &str)]) {
    let expected: std::collections::BTreeSet<_> =
        shown.iter().map(|number| id(*number).to_string()).collect();
    assert_eq!(
        seen.objects.keys().cloned().collect::<std::collections::BTreeSet<_>>(),
        expected,
        "{:?}",
        seen.told()
    );
    let lines = seen.told();
    assert_eq!(lines.len(), told.len(), "{lines:?}");
    for (number, word) in told {
        let id = id(*number).to_string();
        assert!(
            lines.iter().any(|line| line.contains(&id) && line.contains(word)),
            "{number} {word}: {lines:?}"
        );
    }
    assert!(seen.mark.packs.is_empty() != told.is_empty(), "a pack that was not read whole is read again");
}

#[test]
fn a_pack_made_by_hand_is_read() {
    let forge = |pack: &mut Forge| {
        let base = pack.whole(3, b"0123456789");
        pack.at(4, base, &delta(10, 7, b"\x91\x02\x05\x02ab"));
        // The base comes behind it, and is a delta itself.
        pack.named(5, id(6), &delta(3, 1, b"\x01x"));
        pack.named(6, id(3), &delta(10, 3, b"\x03abc"));
    };
    check(forge, &[3, 4, 5, 6], &[]);
}

#[test]
fn deltas_in_a_ring_and_without_a_base_are_told() {
    let forge = |pack: &mut Forge| {
        pack.named(3, id(4), &delta(1, 1, b"\x01x"));
        pack.named(4, id(3), &delta(1, 1, b"\x01x"));
        pack.named(5, id(5), &delta(1, 1, b"\x01x"));
        pack.named(6, id(99), &delta(1, 1, b"\x01x"));
        let own = pack.place();
        pack.at(7, own, &delta(1, 1, b"\x01x"));
        pack.at(8, own + 1, &delta(1, 1, b"\x01x"));
    };
    let unread =
        [(3, "against"), (4, "against"), (5, "against"), (6, "not there"), (7, "cannot"), (8, "cannot")];
    check(forge, &[], &unread);
}

#[test]
fn sizes_that_lie_are_told() {
    let content = deflate(b"twenty bytes of text");
    let forge = |pack: &mut Forge| {
        pack.entry(3, BLOB, 19, &[], &content);
        pack.entry(4, BLOB, 21, &[], &content);
        pack.entry(5, BLOB, 900_000, &[], &content);
        pack.entry(6, BLOB, 0, &[], &content);
        let base = pack.whole(7, b"0123456789");
        pack.at(8, base, &delta(9, 1, b"\x01x"));
        pack.at(9, base, &delta(10, 2, b"\x01x"));
        pack.at(10, base, &delta(10, 0, b"\x01x"));
    };
    let unread =
        [(3, "long"), (4, "long"), (5, "long"), (6, "long"), (8, "base"), (9, "makes"), (10, "makes")];
    check(forge, &[7], &unread);
}

#[test]
fn broken_deltas_are_told() {
    let forge = |pack: &mut Forge| {
        let base = pack.whole(3, b"0123456789");
        pack.at(4, base, &delta(10, 4, b"\x91\x08\x04"));
        pack.at(5, base, &delta(10, 4, b"\x00"));
        pack.at(6, base, &delta(10, 4, b"\x04ab"));
        pack.at(7, base, &delta(10, 4, b"\xff\x01"));
        pack.at(8, base, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
        pack.at(9, base, b"");
        let broken = pack.at(10, base, &delta(10, 4, b"\x00"));
        pack.at(11, broken, &delta(4, 1, b"\x01x"));
    };
    let unread = [
        (4, "beyond"),
        (5, "does not know"),
        (6, "within"),
        (7, "within"),
        (8, "how long"),
        (9, "how long"),
        (10, "does not know"),
        (11, "against"),
    ];
    check(forge, &[3], &unread);
}

#[test]
fn what_would_be_too_large_is_told_before_there_is_room_made_for_it() {
    let forge = |pack: &mut Forge| {
        let base = pack.whole(3, b"0123456789");
        pack.at(4, base, &delta(10, 1 << 62, b"\x01x"));
        let distance = u8::try_from(pack.place() - base).unwrap();
        pack.entry(5, 6, 1 << 60, &[distance], &deflate(b""));
    };
    check(forge, &[3], &[(4, "max_object_bytes"), (5, "max_object_bytes")]);
}

#[test]
fn places_that_the_pack_does_not_have_are_told() {
    let forge = |pack: &mut Forge| {
        pack.entries.push((id(3), 1 << 30));
        pack.entries.push((id(4), 0));
        pack.entries.push((id(5), 12));
        pack.count = Some(5);
    };
    check(forge, &[], &[(3, "cannot"), (4, "cannot"), (5, "two objects")]);
}

#[test]
fn what_the_index_does_not_name_is_told() {
    let repository = Repository::new("sha1");
    let mut pack = Forge::default();
    pack.whole(1, b"a whole object");
    pack.whole(3, b"hidden");
    pack.entries.pop();
    pack.count = Some(2);
    pack.write(&repository.objects(), "pack-forged");
    let seen = repository.visit();
    assert_eq!(seen.objects.len(), 1);
    let told = seen.told().concat();
    assert!(told.contains("more or fewer") && told.contains("does not name"), "{told}");
    assert!(seen.mark.packs.is_empty());
}

#[test]
fn a_thin_pack_takes_its_bases_from_elsewhere() {
    let repository = Repository::new("sha1");
    let loose = repository.git_with(&["hash-object", "-w", "--stdin"], b"0123456789");
    let loose = ObjectId::from_hex(loose.trim_ascii()).unwrap();
    let mut other = Forge::default();
    other.whole(1, b"in the other pack");
    other.named(2, id(3), &delta(2, 1, b"\x01x"));
    other.write(&repository.objects(), "pack-other");
    let mut thin = Forge::default();
    thin.named(3, loose, &delta(10, 2, b"\x90\x02"));
    thin.named(4, id(1), &delta(17, 3, b"\x90\x03"));
    thin.named(5, id(4), &delta(3, 1, b"\x90\x01"));
    thin.write(&repository.objects(), "pack-thin");
    let seen = repository.visit();
    assert_eq!(seen.told(), Vec::<String>::new());
    let bytes = |number: u8| seen.objects[&id(number).to_string()].1.clone();
    assert_eq!(
        (bytes(3), bytes(4), bytes(5), bytes(2)),
        (b"01".into(), b"in ".into(), b"i".into(), b"x".into())
    );
}

#[test]
fn short_deltas_that_make_much_are_bounded_in_all() {
    let repository = Repository::new("sha1");
    // Eight copies of 64 KiB each.
    let mut pack = Forge::default();
    let mut base = pack.whole(0, &vec![0; 1 << 19]);
    for number in 1..100 {
        base = pack.at(number, base, &delta(1 << 19, 1 << 19, &[0x80; 8]));
    }
    pack.write(&repository.objects(), "pack-bomb");
    let limits = Limits { max_expansion: 1, ..Limits::default() };
    let visited = repository.stores(&limits).visit(None, Count::default);
    let told = format!("{:?}", visited.unread);
    assert!(told.contains("max_expansion"), "{told}");
    assert!(
        visited.objects < 20 && visited.unread.len() as u64 + visited.objects == 100,
        "{}",
        visited.objects
    );
    let visited = repository.stores(&Limits::default()).visit(None, Count::default);
    assert_eq!((visited.objects, visited.unread.len()), (100, 0));
}

/// What is read when the time is over is told, packed or loose, and read the next time.
#[test]
fn reading_ends_in_time() {
    let repository = Repository::new("sha1");
    let mut pack = Forge::default();
    for number in 0..50 {
        pack.whole(number, b"packed");
    }
    pack.write(&repository.objects(), "pack-late");
    let loose = repository.git_with(&["hash-object", "-w", "--stdin"], b"loose");
    let loose = String::from_utf8(loose).unwrap();
    let limits = Limits { max_time: Some(Duration::ZERO), ..Limits::default() };
    let visited = repository.stores(&limits).visit(None, Count::default);
    assert_eq!((visited.objects, visited.unread.len()), (0, 51));
    assert!(visited.unread.iter().all(|one| matches!(one.why, Why::Limit("max_time"))));
    assert!(visited.unread[50].what.ends_with(&loose.trim().as_bytes()[2..]));
    assert_eq!(visited.mark, Mark::default(), "all is read anew");
    let limits = Limits { max_time: Some(Duration::from_hours(1)), ..limits };
    let visited = repository.stores(&limits).visit(Some(&visited.mark), Count::default);
    assert_eq!((visited.objects, visited.unread.len()), (51, 0));
}

#[test]
fn bases_that_were_let_go_are_decoded_again() {
    let repository = Repository::new("sha1");
    let mut pack = Forge::default();
    let text: Vec<u8> = (0..30_000_u32).flat_map(u32::to_be_bytes).take(60_000).collect();
    let mut level = vec![(pack.whole(0, &text), 60_000_u64)];
    let mut number = 0;
    // A tree of four levels, each with two below.
    for _ in 0..4 {
        level = level
            .into_iter()
            .flat_map(|base| [base, base])
            .map(|(base, size)| {
                number += 1;
                let [low, high, ..] = size.to_le_bytes();
                let copy = [0xb0, low, high, 1, number];
                (pack.at(number, base, &delta(size, size + 1, &copy)), size + 1)
            })
            .collect();
    }
    pack.write(&repository.objects(), "pack-tree");
    let limits = Limits { max_object_bytes: 70_000, threads: 1, ..Limits::default() };
    let visited = repository.stores(&limits).visit(None, Count::default);
    assert_eq!((visited.objects, visited.unread), (31, vec![]));
    let count = &visited.visitors[0];
    assert_eq!(count.bytes, 60_000 + 2 * 60_001 + 4 * 60_002 + 8 * 60_003 + 16 * 60_004);
    assert_eq!(count.last.len(), 30);
    assert!(count.last.iter().all(|(id, last)| id.first_byte() == *last));
}

#[derive(Debug, Default)]
struct Count {
    bytes: usize,
    last: Vec<(ObjectId, u8)>,
}

impl crate::git::objects::Visitor for Count {
    type State = ();

    fn object(&mut self, object: &mut crate::git::objects::Object<'_>, base: Option<&()>) {
        let id = object.id.to_owned();
        let bytes = object.bytes();
        self.bytes += bytes.len();
        if base.is_some() {
            self.last.push((id, *bytes.last().unwrap()));
        }
    }

    fn stream(&mut self, _: &gix_hash::oid, _: gix_object::Kind, _: u64, _: &mut dyn std::io::Read) {}
}

#[test]
fn large_objects_that_lie_are_told() {
    let content = deflate(&vec![0; 2 << 20]);
    let forge = |pack: &mut Forge| {
        pack.entry(3, BLOB, (2 << 20) - 1, &[], &content);
        pack.entry(4, BLOB, (2 << 20) + 1, &[], &content);
        pack.entry(5, BLOB, 2 << 20, &[], b"not zlib");
    };
    check(forge, &[], &[(3, "long"), (4, "long"), (5, "inflated")]);
}
