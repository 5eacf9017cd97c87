use super::made::{gzip, key, tar, text, xz, zip, zstd};
use super::{search, search_within, secrets, whys};
use crate::{Limits, Why};

#[test]
fn unpacking_stops_at_the_limit_and_the_rest_goes_on() {
    let zeros = vec![0; 8 << 20];
    let bomb = gzip(&gzip(&zeros));
    let archive = tar(&[("bomb", &bomb), ("plain", &text(1)), ("more", &bomb)]);
    let seen = search_within(Limits { max_unpacked_bytes: 1 << 20, ..Limits::default() }, &archive);
    assert_eq!(secrets(&seen), [key(1)]);
    assert_eq!(whys(&seen), [&Why::Limit("max_unpacked_bytes")]);
    assert_eq!(seen.unread[0].what, b"bomb!gzip!gzip");
    assert!(seen.tally.bytes < 4 << 20, "{}", seen.tally.bytes);
}

#[test]
fn what_fits_exactly_is_no_overrun() {
    let content = vec![b'x'; 1000];
    let within = |max_unpacked_bytes| {
        search_within(Limits { max_unpacked_bytes, ..Limits::default() }, &gzip(&content))
    };
    assert_eq!(within(1000).unread, []);
    assert_eq!(whys(&within(999)), [&Why::Limit("max_unpacked_bytes")]);
}

#[test]
fn depth_is_bounded() {
    let mut bytes = text(1);
    for _ in 0..5 {
        bytes = zip(&[("a", &bytes)]);
    }
    let within = |max_depth| search_within(Limits { max_depth, ..Limits::default() }, &bytes);
    assert_eq!(secrets(&within(5)), [key(1)]);
    let seen = within(4);
    assert_eq!(whys(&seen), [&Why::Limit("max_depth")]);
    assert_eq!(seen.unread[0].what, b"a!a!a!a");
}

#[test]
fn members_are_bounded() {
    let members: Vec<_> = (0..100).map(|n| format!("m{n}")).collect();
    let members: Vec<_> = members.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    for archive in [tar(&members), zip(&members)] {
        let seen = search_within(Limits { max_members: 99, ..Limits::default() }, &archive);
        assert_eq!(whys(&seen), [&Why::Limit("max_members")]);
        assert_eq!(seen.tally.members, 99);
    }
}

/// As a quoted overlap has it: each entry of the directory names the same member.
#[test]
fn a_member_that_is_named_a_thousand_times_is_bounded() {
    let archive = zip(&[("a", &vec![0; 1 << 20])]);
    let directory_at = memchr::memmem::find(&archive, b"PK\x01\x02").unwrap();
    let end_at = memchr::memmem::find(&archive, b"PK\x05\x06").unwrap();
    let mut bomb = archive[..directory_at].to_vec();
    for _ in 0..1000 {
        bomb.extend_from_slice(&archive[directory_at..end_at]);
    }
    let mut end = archive[end_at..].to_vec();
    end[8..10].copy_from_slice(&1000_u16.to_le_bytes());
    end[10..12].copy_from_slice(&1000_u16.to_le_bytes());
    end[12..16].copy_from_slice(&u32::try_from(bomb.len() - directory_at).unwrap().to_le_bytes());
    bomb.extend(end);
    let seen = search_within(Limits { max_unpacked_bytes: 10 << 20, ..Limits::default() }, &bomb);
    assert_eq!(whys(&seen), [&Why::Limit("max_unpacked_bytes")]);
    assert!(seen.tally.members <= 11);
}

#[test]
fn huge_windows_are_refused_before_they_are_allocated() {
    assert_eq!(search(&xz_of_window(28)).unread, [], "64 MiB, as `xz -9` has it");
    for window in [29, 40] {
        assert_eq!(whys(&search(&xz_of_window(window))), [&Why::Limit("max_window_bytes")]);
    }

    let wide = [&b"\x28\xb5\x2f\xfd\x00\xff"[..], &[0; 16]].concat();
    assert_eq!(whys(&search(&wide)), [&Why::Limit("max_window_bytes")]);
    assert_eq!(search(&zstd(b"x")).unread, []);
}

/// The size of the dictionary is one byte of the block's header, which has a checksum of its own.
fn xz_of_window(window: u8) -> Vec<u8> {
    let mut bytes = xz(b"x");
    assert_eq!(bytes[14], 0x21);
    bytes[16] = window;
    let sum_at = 12 + usize::from(bytes[12]) * 4;
    let sum = crc32(&bytes[12..sum_at]);
    bytes[sum_at..sum_at + 4].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[test]
fn tars_that_lie_about_sizes_are_told() {
    let mut huge = tar(&[("a", &text(1))]);
    for field in [
        &b"77777777777\0"[..],
        b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        huge[124..136].copy_from_slice(field);
        huge[148..156].fill(b' ');
        let sum: u64 = huge[..512].iter().map(|&byte| u64::from(byte)).sum();
        huge[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let seen = search(&huge);
        assert_eq!(secrets(&seen), [key(1)]);
        assert!(matches!(whys(&seen)[..], [Why::Broken(_)]), "{:?}", seen.unread);
    }
}

#[test]
fn lists_are_bounded() {
    let keys: String = (0..50).map(|seed| key(seed) + "\n").collect();
    let seen = search_within(Limits { max_findings: 10, ..Limits::default() }, keys.as_bytes());
    assert_eq!((seen.sightings.len(), seen.more_sightings), (10, 40));

    let members: Vec<_> = (0..50).map(|n| format!("m{n}")).collect();
    let members: Vec<_> = members.iter().map(|name| (name.as_str(), &b"LZIP\x01"[..])).collect();
    let seen = search_within(Limits { max_unread: 10, ..Limits::default() }, &tar(&members));
    assert_eq!((seen.unread.len(), seen.more_unread), (10, 40));
}
