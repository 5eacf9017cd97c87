//! What git wrote is read as git reads it.

use super::forge::{Forge, delta};
use super::stand::{Collector, Repository, Seen};
use crate::Limits;
use crate::git::objects::{Places, Stores};

#[test]
fn loose_objects_are_shown() {
    let repository = Repository::with_history("sha1", 12);
    let seen = repository.visit();
    seen.assert_all(&repository);
    assert_eq!(seen.deltas, 0);
}

#[test]
fn a_pack_is_shown() {
    for format in ["sha1", "sha256"] {
        let repository = Repository::with_history(format, 40);
        repository.git(&["repack", "-adfq", "--depth=50"]);
        let seen = repository.visit();
        seen.assert_all(&repository);
        assert!(seen.deltas > 30, "{format}: {}", seen.deltas);
    }
}

#[test]
fn names_for_bases_and_the_old_index_are_read() {
    let repository = Repository::with_history("sha1", 40);
    repository.git(&[
        "-c",
        "repack.useDeltaBaseOffset=false",
        "-c",
        "pack.indexVersion=1",
        "repack",
        "-adfq",
    ]);
    let index = std::fs::read(repository.pack("idx")).unwrap();
    assert!(!index.starts_with(b"\xfftOc"));
    let seen = repository.visit();
    seen.assert_all(&repository);
    assert!(seen.deltas > 30);
}

#[test]
fn what_is_in_several_packs_is_shown_once() {
    let repository = Repository::with_history("sha1", 10);
    repository.git(&["repack", "-adq"]);
    repository.write("new", b"new");
    repository.commit("one more");
    repository.git(&["repack", "-q"]);
    let all = repository.git(&["rev-list", "--objects", "--all", "--no-object-names"]);
    repository.git_with(&["pack-objects", "-q", ".git/objects/pack/pack"], &all);
    repository.git(&["unpack-file", "HEAD:new"]);
    repository.visit().assert_all(&repository);
}

#[test]
fn every_object_is_found_by_its_name() {
    let repository = Repository::with_history("sha1", 40);
    repository.git(&["repack", "-adfq", "--depth=200"]);
    repository.write("loose", b"a loose one");
    repository.commit("loose");
    let stores = repository.stores(&Limits::default());
    for (id, (kind, bytes)) in repository.truth() {
        let id = gix_hash::ObjectId::from_hex(id.as_bytes()).unwrap();
        let stored = stores.find(&id).unwrap();
        assert_eq!((stored.kind, &*stored.bytes), (kind, &bytes));
        assert!(stores.contains(&id));
    }
    let missing = gix_hash::ObjectId::null(gix_hash::Kind::Sha1);
    assert!(stores.find(&missing).is_none() && !stores.contains(&missing));
}

#[test]
fn what_is_larger_than_the_bound_is_streamed() {
    let repository = Repository::with_history("sha1", 20);
    let large: Vec<u8> = (0_u32..200_000).flat_map(u32::to_be_bytes).collect();
    repository.write("large", &large);
    repository.commit("large");
    let limits = Limits { max_object_bytes: 100_000, ..Limits::default() };
    for repack in [false, true] {
        if repack {
            repository.git(&["repack", "-adfq"]);
        }
        let seen = repository.visit_since(None, &limits);
        seen.assert_all(&repository);
        assert_eq!(seen.streamed, 1);
    }
}

#[test]
fn what_was_read_is_passed_by_the_next_time() {
    let repository = Repository::with_history("sha1", 10);
    repository.git(&["repack", "-adq"]);
    repository.write("loose", b"a loose one");
    repository.commit("loose");
    let first = repository.visit();
    assert_eq!((first.mark.packs.len(), first.mark.loose.len()), (1, 3));
    let mark = serde_json::from_str(&serde_json::to_string(&first.mark).unwrap()).unwrap();
    assert_eq!(mark, first.mark);
    assert!(repository.visit_since(Some(&mark), &Limits::default()).objects.is_empty());

    repository.write("loose", b"another");
    repository.commit("another");
    let next = repository.visit_since(Some(&mark), &Limits::default());
    assert_eq!(next.objects.len(), 3);
    // What was loose and is in a pack now is not shown again.
    repository.git(&["repack", "-dq"]);
    let packed = repository.visit_since(Some(&next.mark), &Limits::default());
    assert!(packed.objects.is_empty());
    assert_eq!((packed.mark.packs.len(), packed.mark.loose.len()), (2, 0));
}

#[test]
fn alternates_are_read_once_even_in_a_ring() {
    let one = Repository::with_history("sha1", 5);
    let other = Repository::with_history("sha1", 7);
    one.write(
        ".git/objects/info/alternates",
        format!("# a note\n{}\n", other.objects().display()).as_bytes(),
    );
    other.write(".git/objects/info/alternates", format!("\"{}\"\n", one.objects().display()).as_bytes());
    let seen = one.visit();
    assert_eq!(seen.told(), Vec::<String>::new());
    let truth = one.truth();
    assert!(seen.objects == truth && other.truth().keys().all(|id| truth.contains_key(id)));
}

#[test]
fn a_push_in_quarantine_is_shown_apart_from_what_it_is_based_upon() {
    let repository = Repository::with_history("sha1", 10);
    repository.git(&["repack", "-adq"]);
    let before = repository.truth();
    repository.write("text", b"something else");
    repository.commit("pushed");
    let quarantine = repository.path().join("quarantine");
    let names = repository.git(&["rev-list", "--objects", "--no-object-names", "HEAD", "^HEAD~1"]);
    for id in String::from_utf8(names).unwrap().lines() {
        let (first, rest) = id.split_at(2);
        std::fs::create_dir_all(quarantine.join(first)).unwrap();
        std::fs::rename(repository.objects().join(first).join(rest), quarantine.join(first).join(rest))
            .unwrap();
    }
    let old = gix_hash::ObjectId::from_hex(before.keys().next().unwrap().as_bytes()).unwrap();
    let mut thin = Forge::default();
    let size = before[&old.to_string()].1.len() as u64;
    thin.named(1, old, &delta(size, 2, b"\x90\x02"));
    thin.write(&quarantine, "pack-thin");
    let places = Places { folders: vec![quarantine], hash: gix_hash::Kind::Sha1 };
    let mut stores = Stores::open(&places, &Limits::default());
    stores.borrow_from(&[repository.objects()]);
    let seen = Seen::of(stores.visit(None, Collector::default));
    assert_eq!((seen.told().len(), seen.objects.len()), (0, 4));
    assert!(stores.contains(&old) && stores.find(&old).is_some());
}

#[test]
fn a_push_that_was_never_taken_is_shown() {
    let repository = Repository::with_history("sha1", 2);
    let mut left = Forge::default();
    left.whole(1, b"left behind");
    left.write(&repository.objects().join("tmp_objdir-incoming-a1B2c3"), "pack-left");
    let seen = repository.visit();
    assert_eq!((seen.told().len(), seen.objects.len()), (0, repository.truth().len() + 1));
}

#[test]
fn a_partial_clone_says_so() {
    let repository = Repository::with_history("sha1", 2);
    repository.git(&["repack", "-adq"]);
    assert!(!repository.stores(&Limits::default()).is_partial());
    std::fs::write(repository.pack("pack").with_extension("promisor"), b"").unwrap();
    assert!(repository.stores(&Limits::default()).is_partial());
}
