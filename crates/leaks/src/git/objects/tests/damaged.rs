//! What git wrote, damaged afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::symlink;

use proptest::prelude::*;

use super::stand::Repository;
use crate::Limits;

/// An entry of a pack as git describes it: from, to, and its base.
type Entries = BTreeMap<String, (usize, usize, Option<String>)>;

fn entries(repository: &Repository) -> Entries {
    let out = repository.git(&["verify-pack", "-v", repository.pack("idx").to_str().unwrap()]);
    let mut entries = Entries::new();
    for line in String::from_utf8(out).unwrap().lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        if words[0].len() == 40 && words.len() >= 5 {
            let from: usize = words[4].parse().unwrap();
            let to = from + words[3].parse::<usize>().unwrap();
            entries.insert(words[0].to_owned(), (from, to, words.get(6).map(|base| (*base).to_owned())));
        }
    }
    entries
}

/// Whether damage touches an entry, or one that it is made from.
fn is_touched(entries: &Entries, damage: &[usize], id: &str) -> bool {
    let (from, to, base) = &entries[id];
    damage.iter().any(|at| (from..to).contains(&at))
        || base.as_ref().is_some_and(|base| is_touched(entries, damage, base))
}

/// Every object is shown as git has it or told; those that no damage touches are shown.
fn check(
    repository: &Repository,
    truth: &BTreeMap<String, (gix_object::Kind, Vec<u8>)>,
    entries: &Entries,
    damage: &[usize],
) {
    let seen = repository.visit();
    let told = seen.told().join("\n");
    for (id, object) in truth {
        match seen.objects.get(id) {
            Some(shown) if !is_touched(entries, damage, id) => assert_eq!(shown, object),
            Some(_) => {}
            None => assert!(
                is_touched(entries, damage, id) && told.contains(id),
                "{id} is neither shown nor told: {told}"
            ),
        }
    }
}

#[test]
fn a_damaged_pack_is_read_but_for_what_was_damaged() {
    let repository = Repository::with_history("sha1", 12);
    repository.git(&["repack", "-adfq"]);
    let (truth, entries) = (repository.truth(), entries(&repository));
    let path = repository.pack("pack");
    let clean = std::fs::read(&path).unwrap();
    let places = prop::collection::vec((12..clean.len() - 20, 1..=255_u8), 1..4);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(24));
    runner
        .run(&places, |flips| {
            let mut bytes = clean.clone();
            for (at, flip) in &flips {
                bytes[*at] ^= flip;
            }
            std::fs::write(&path, bytes).unwrap();
            check(&repository, &truth, &entries, &flips.iter().map(|(at, _)| *at).collect::<Vec<_>>());
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_pack_that_was_cut_is_read_to_where_it_was() {
    let repository = Repository::with_history("sha1", 20);
    repository.git(&["repack", "-adfq"]);
    let (truth, entries) = (repository.truth(), entries(&repository));
    let path = repository.pack("pack");
    let clean = std::fs::read(&path).unwrap();
    for part in [2, 3, 4, 8] {
        let cut = clean.len() / part;
        std::fs::write(&path, &clean[..cut]).unwrap();
        check(&repository, &truth, &entries, &(cut - 20..clean.len()).collect::<Vec<_>>());
        assert!(repository.visit().told().iter().any(|line| line.contains("checksum")));
    }
}

#[test]
fn a_damaged_index_hides_nothing_in_silence() {
    let repository = Repository::with_history("sha1", 10);
    repository.git(&["repack", "-adfq"]);
    let all = repository.truth().len();
    let path = repository.pack("idx");
    let clean = std::fs::read(&path).unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(24));
    runner
        .run(&(0..clean.len() - 40, 1..=255_u8), |(at, flip)| {
            let mut bytes = clean.clone();
            bytes[at] ^= flip;
            std::fs::write(&path, bytes).unwrap();
            let seen = repository.visit();
            assert!(seen.objects.len() == all || !seen.unread.is_empty(), "{at}: {}", seen.objects.len());
            Ok(())
        })
        .unwrap();
    std::fs::remove_file(&path).unwrap();
    let seen = repository.visit();
    assert!(seen.objects.is_empty() && seen.told()[0].contains("index"), "{:?}", seen.told());
}

#[test]
fn loose_objects_that_are_none_are_told() {
    let repository = Repository::with_history("sha1", 3);
    let truth = repository.truth();
    let objects = repository.objects();
    let inner = objects.join("aa");
    std::fs::create_dir_all(&inner).unwrap();
    let name = |byte: &str| inner.join(byte.repeat(19));
    std::fs::write(inner.join("tmp_obj_x"), b"x").unwrap();
    std::fs::write(name("01"), b"not zlib").unwrap();
    std::fs::write(name("02"), super::forge::deflate(b"blob 5\0four")).unwrap();
    std::fs::write(name("03"), super::forge::deflate(b"blob 3\0four")).unwrap();
    std::fs::write(name("04"), super::forge::deflate(b"blob 99999999999999999999\0")).unwrap();
    std::fs::write(name("05"), super::forge::deflate(&[b'b'; 4_000])).unwrap();
    std::fs::create_dir(name("06")).unwrap();
    symlink("/dev/zero", name("07")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, name("08"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    std::fs::write(repository.path().join("outside"), super::forge::deflate(b"blob 1\0x")).unwrap();
    symlink(repository.path().join("outside"), name("09")).unwrap();
    symlink("/", objects.join("pack/pack-link.pack")).unwrap();
    let seen = repository.visit();
    assert!(seen.objects == truth);
    let told = seen.told().join("\n");
    for word in
        ["tmp_obj_x", "pack-link"].map(str::to_owned).into_iter().chain((1..=9).map(|n| format!("0{n}0{n}:")))
    {
        assert!(told.contains(&word), "{word}: {told}");
    }
    assert!(!seen.mark.loose.iter().any(|id| id.starts_with("aa0")));
}

#[test]
fn lines_are_bounded_and_counted() {
    let repository = Repository::new("sha1");
    let inner = repository.objects().join("aa");
    std::fs::create_dir_all(&inner).unwrap();
    for number in 0..10 {
        std::fs::write(inner.join(number.to_string()), b"x").unwrap();
    }
    let seen = repository.visit_since(None, &Limits { max_unread: 3, ..Limits::default() });
    assert_eq!((seen.unread.len(), seen.more_unread), (3, 7));
    assert_eq!(seen.unread.iter().map(|unread| &unread.what).collect::<BTreeSet<_>>().len(), 3);
}
