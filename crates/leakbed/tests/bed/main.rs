//! A bed is planted, and every key is dug out again by other means than those it was planted with.
#[cfg(test)]
mod candidates;
#[cfg(test)]
mod planted;
#[cfg(test)]
mod repository;
#[cfg(test)]
mod unpack;
#[cfg(test)]
mod unwrap;

use leakbed::{Kind, ObjectKind, Place, Truth};
use planted::{Bed, dug, spring};
use repository::Repository;
use std::collections::HashSet;

#[test]
fn every_key_is_where_the_truth_says() {
    let bed = Bed::of(1);
    let repository = Repository::at(&bed.path());
    let missing: Vec<String> = bed
        .truth
        .planted
        .iter()
        .filter(|planted| {
            let views = unwrap::undone(dug(&bed, &repository, planted), &planted.wrapping);
            !views.iter().any(|view| candidates::holds(view, planted.kind, &planted.fingerprint))
        })
        .map(|planted| format!("{} {} {:?} {:?}", planted.id, planted.hiding, planted.path, planted.wrapping))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn lines_are_those_of_the_key() {
    let bed = Bed::of(2);
    let repository = Repository::at(&bed.path());
    let mut looked_at = 0;
    for planted in &bed.truth.planted {
        let (Some(first), Some(last)) = (planted.line, planted.last_line) else { continue };
        if !planted.wrapping.is_empty() {
            continue;
        }
        let bytes = dug(&bed, &repository, planted);
        // A commit or tag begins with its headers; lines are those of its message.
        let is_message = matches!(planted.object, ObjectKind::CommitMessage | ObjectKind::TagMessage);
        let begin = bytes.windows(2).position(|pair| pair == b"\n\n").filter(|_| is_message);
        let text = &bytes[begin.map_or(0, |at| at + 2)..];
        let line = text.split(|byte| *byte == b'\n').nth(first - 1).unwrap_or_default();
        assert!(first == last && candidates::holds(line, planted.kind, &planted.fingerprint), "{planted:?}");
        looked_at += 1;
    }
    assert!(looked_at > 150, "{looked_at}");
}

#[test]
fn commits_are_the_first_that_hold_the_object_at_its_path() {
    let bed = Bed::of(3);
    let repository = Repository::at(&bed.path());
    let mut looked_at = 0;
    for planted in bed.truth.in_place(Place::History).filter(|planted| planted.repository.is_none()) {
        let Some(commit) = &planted.commit else { continue };
        if planted.object == ObjectKind::Blob {
            let path = planted.path.as_deref().unwrap();
            let oid = planted.oid.as_deref().unwrap();
            assert_eq!(repository.oid_in(commit, path).as_deref(), Some(oid), "{planted:?}");
            for parent in repository.parents(commit) {
                assert_eq!(
                    repository.oid_in(&parent, path).filter(|found| found == oid),
                    None,
                    "{planted:?}"
                );
            }
        }
        let author = repository.author(commit);
        assert_eq!(Some(author), planted.author.clone().zip(planted.authored_s), "{planted:?}");
        assert_eq!(repository.branches_with(commit), planted.branches, "{planted:?}");
        looked_at += 1;
    }
    assert!(looked_at > 155, "{looked_at}");
}

#[test]
fn the_same_seed_makes_the_same_truth() {
    let (one, again, other) = (Bed::of(4), Bed::of(4), Bed::of(5));
    assert_eq!(one.truth, again.truth);
    let prints = |bed: &Bed| -> HashSet<String> {
        bed.truth.planted.iter().map(|planted| planted.fingerprint.clone()).collect()
    };
    assert!(prints(&one).is_disjoint(&prints(&other)));
}

#[test]
fn keys_are_planted_once_and_decoys_are_no_keys() {
    let bed = Bed::of(6);
    let mut prints = HashSet::new();
    let mut ids = HashSet::new();
    for planted in &bed.truth.planted {
        assert!(prints.insert(&planted.fingerprint), "{planted:?}");
        assert!(ids.insert(&planted.id), "{planted:?}");
    }
    for decoy in &bed.truth.decoys {
        assert!(!prints.contains(&decoy.fingerprint), "{decoy:?}");
        assert!(ids.insert(&decoy.id), "{decoy:?}");
        assert!(bed.path().join(&decoy.path).is_file(), "{decoy:?}");
    }
    for kind in [Kind::Native2, Kind::Native1, Kind::Legacy, Kind::Gateway, Kind::SessionCookie, Kind::Mcp] {
        assert!(bed.truth.planted.iter().any(|planted| planted.kind == kind), "{kind:?}");
    }
    let count = |place, asked| bed.truth.in_place(place).filter(|planted| planted.asked == asked).count();
    assert!(count(Place::History, true) >= 100 && count(Place::Tree, true) >= 49);
    assert!(count(Place::History, true) + count(Place::History, false) >= 155);
}

#[test]
fn git_keeps_what_was_asked_of_it() {
    let bed = Bed::of(7);
    let repository = Repository::at(&bed.path());
    let reachable = repository.reachable();
    for planted in bed.truth.in_place(Place::History).filter(|planted| planted.repository.is_none()) {
        let Some(oid) = &planted.oid else { continue };
        let storage = repository.storage(oid);
        match planted.hiding.as_str() {
            name if name.starts_with("unreachable_packed") => {
                assert!(!storage.is_loose && !reachable.contains(oid), "{planted:?}");
            }
            name if name.starts_with("unreachable_loose") => {
                assert!(storage.is_loose && !reachable.contains(oid), "{planted:?}");
            }
            "stash_dropped" | "unreachable_tag" | "reflog_only" | "staged_only" => {
                assert!(!reachable.contains(oid), "{planted:?}");
            }
            "delta_of_copies" => assert!(storage.is_delta, "{planted:?}"),
            "merge_own_content" | "octopus_own_content" => {
                assert!(repository.parents(planted.commit.as_deref().unwrap()).len() > 1, "{planted:?}");
            }
            _ => {}
        }
    }
    let head: Vec<bool> = bed.truth.planted.iter().map(|planted| planted.in_head).collect();
    assert!(head.contains(&true) && head.contains(&false));
}

#[test]
fn no_trap_is_sprung_by_planting_and_each_is_set() {
    let bed = Bed::of(8);
    assert!(!bed.truth.traps.is_empty());
    for trap in &bed.truth.traps {
        assert!(!bed.path().join(trap).exists(), "{trap}");
    }
    let folder = bed.path();
    spring(&folder);
    let sprung: Vec<&String> = bed.truth.traps.iter().filter(|trap| folder.join(trap).exists()).collect();
    assert!(sprung.len() > 2, "a status runs some of them: {sprung:?}");
}

#[test]
fn what_is_there_already_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let refused = leakbed::plant(folder.path(), folder.path(), 1).unwrap_err().to_string();
    assert!(refused.contains("there already"), "{refused}");
}

#[test]
fn a_truth_file_is_read_as_it_was_written() {
    let bed = Bed::of(9);
    let file = bed.folder.path().join("truth.json");
    bed.truth.write(&file).unwrap();
    assert_eq!(Truth::read(&file).unwrap(), bed.truth);
}
