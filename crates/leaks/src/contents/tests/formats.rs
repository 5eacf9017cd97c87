use base64::Engine as _;

use super::made::{FORMS, ar, bzip2, gzip, key, tar, text, xz, zip, zip_stored, zstd};
use super::{search, secrets, whys, wrappings};
use crate::Why;

#[test]
fn each_form_is_unpacked() {
    for (name, pack) in FORMS {
        assert_eq!(wrappings(&pack(&text(1))), [name]);
    }
}

#[test]
fn each_form_is_unpacked_within_each_within_each() {
    for (outer, pack_outer) in FORMS {
        for (middle, pack_middle) in FORMS {
            for (inner, pack_inner) in FORMS {
                let packed = pack_outer(&pack_middle(&pack_inner(&text(1))));
                assert_eq!(wrappings(&packed), [format!("{outer} {middle} {inner}")]);
            }
        }
    }
}

#[test]
fn lines_and_columns_are_of_the_innermost_text() {
    for (name, pack) in FORMS {
        let seen = search(&pack(&gzip(&text(1))));
        let place: Vec<_> = seen.sightings.iter().map(|one| (one.line, one.column)).collect();
        assert_eq!(place, [(Some(3), Some(8))], "{name}");
    }
}

#[test]
fn all_members_of_one_stream_are_one_text() {
    let whole = text(1);
    let (head, tail) = whole.split_at(60);
    for pack in [gzip, xz, zstd, bzip2] {
        let seen = search(&[pack(head), pack(tail)].concat());
        assert_eq!(secrets(&seen), [key(1)]);
        assert_eq!(seen.unread, []);
    }
}

#[test]
fn what_stands_behind_an_end_is_read() {
    let padded = |bytes: Vec<u8>| [bytes, vec![0; 1024]].concat();
    let found = [
        search(&[padded(gzip(b"x")), text(1)].concat()),
        search(&[padded(tar(&[("a", b"x")])), tar(&[("b", &gzip(&text(1)))])].concat()),
        search(&[zip(&[("a", b"x")]), text(1)].concat()),
    ];
    for seen in &found {
        assert_eq!(secrets(seen), [key(1)]);
    }
}

#[test]
fn archives_in_base64_are_unpacked() {
    let blob = base64::engine::general_purpose::STANDARD.encode(tar_in_gzip());
    let json = format!("{{\"cells\": [\"{blob}\"]}}");
    assert_eq!(wrappings(json.as_bytes()), ["Base64 gzip tar:a"]);
    assert_eq!(wrappings(&zip(&[("n.ipynb", json.as_bytes())])), ["zip:n.ipynb Base64 gzip tar:a"]);
}

fn tar_in_gzip() -> Vec<u8> {
    gzip(&tar(&[("a", &text(1))]))
}

#[test]
fn long_names_and_odd_names_are_kept_and_cut() {
    let long = format!("{}/../\u{1b}[31m", "d".repeat(60_000));
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_pax_extensions([("path", long.as_bytes())]).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_size(text(1).len() as u64);
    header.set_path("short").unwrap();
    header.set_cksum();
    builder.append(&header, &*text(1)).unwrap();
    let [found] = <[String; 1]>::try_from(wrappings(&builder.into_inner().unwrap())).unwrap();
    assert_eq!(found, format!("tar:{}", "d".repeat(1024)));

    assert_eq!(wrappings(&zip(&[("../../etc/\u{1b}x", &text(2))])), ["zip:../../etc/\u{1b}x"]);
}

#[test]
fn keys_in_names_are_found() {
    let name = key(1);
    let seen = search(&gzip(&tar(&[(&format!("{}/{name}", "d".repeat(90)), b"x")])));
    assert_eq!(secrets(&seen), [key(1)]);
    assert_eq!(seen.sightings[0].line, None);
    assert_eq!(secrets(&search(&gzip(&zip(&[(&name, b"x")])))), [key(1)]);
}

#[test]
fn old_tars_are_known_by_their_checksum() {
    let mut bytes = tar(&[("a", &gzip(&text(1)))]);
    bytes[257..265].fill(0);
    bytes[148..156].fill(b' ');
    let sum: u64 = bytes[..512].iter().map(|&byte| u64::from(byte)).sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert_eq!(wrappings(&bytes), ["tar:a gzip"]);
}

#[test]
fn members_that_the_directory_leaves_out_are_read() {
    let hidden = zip(&[("hidden", &text(1))]);
    let hidden = &hidden[..memchr::memmem::find(&hidden, b"PK\x01\x02").unwrap()];
    assert_eq!(wrappings(&[hidden, &zip(&[("b", b"x")])].concat()), ["zip:hidden"]);
}

#[test]
fn a_zip_without_its_directory_is_read_and_told() {
    for pack in [zip, zip_stored] {
        let whole = pack(&[("a", &text(1)), ("b", &gzip(&text(2)))]);
        let cut = &whole[..memchr::memmem::find(&whole, b"PK\x01\x02").unwrap()];
        let seen = search(cut);
        let mut keys = [key(1), key(2)];
        keys.sort_unstable();
        assert_eq!(secrets(&seen), keys);
        assert!(matches!(whys(&seen)[..], [Why::Broken(_)]), "{:?}", seen.unread);
    }
}

#[test]
fn what_is_cut_off_is_read_as_far_as_it_goes_and_told() {
    let filler: Vec<u8> =
        (0..200_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
    let content = [text(1), filler].concat();
    for (name, pack) in FORMS {
        let packed = pack(&content);
        let seen = search(&packed[..packed.len() / 2]);
        assert_eq!(secrets(&seen), [key(1)], "{name}");
        assert!(whys(&seen).iter().any(|why| matches!(why, Why::Broken(_))), "{name}: {:?}", seen.unread);
    }
}

#[test]
fn closed_forms_are_told() {
    let closed: [&[u8]; 4] = [
        b"7z\xbc\xaf\x27\x1c\0\x04",
        b"PACK\0\0\0\x02\0\0\0\x01",
        b"# v2 git bundle\nx",
        b"Rar!\x1a\x07\x01\0",
    ];
    for bytes in closed {
        assert!(matches!(whys(&search(bytes))[..], [Why::Unsupported(_)]));
        let seen = search(&tar(&[("a/b", bytes)]));
        assert!(matches!(whys(&seen)[..], [Why::Unsupported(_)]));
        assert_eq!(seen.unread[0].what, b"a/b");
    }
}

#[test]
fn encrypted_members_are_told() {
    let mut bytes = zip(&[("a", b"x"), ("b", &text(1))]);
    for (magic, flags_at) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let at = memchr::memmem::find(&bytes, magic).unwrap();
        bytes[at + flags_at] |= 1;
    }
    let seen = search(&bytes);
    assert_eq!(whys(&seen), [&Why::Unsupported("an encrypted zip member")]);
    assert_eq!(seen.unread[0].what, b"a");
    assert_eq!(secrets(&seen), [key(1)]);
}

#[test]
fn what_begins_almost_like_an_archive_is_plain() {
    for bytes in [&b"BZh9 is how bzip2 begins"[..], b"PK is a name", b"070701 is a number", b"hello"] {
        assert_eq!(search(bytes).unread, [], "{}", bytes.escape_ascii());
    }
    assert_eq!(wrappings(&ar(&[])), <[String; 0]>::default());
}
