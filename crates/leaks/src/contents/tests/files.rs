use std::fs::File;
use std::io::{self, Read, Write as _};

use super::made::{key, text, zip};
use super::{contents, limits, secrets, whys};
use crate::Why;
use crate::contents::{PIECE_BYTES, Seen};

fn file(bytes: &[u8]) -> Seen {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    io::Seek::rewind(&mut file).unwrap();
    let mut seen = Seen::default();
    contents(limits()).file(file, &mut seen).unwrap();
    seen
}

#[test]
fn small_and_large_files_are_read() {
    let filler = vec![b'\n'; 2 * PIECE_BYTES];
    for bytes in [text(1), [text(1), filler.clone()].concat(), [filler, text(1)].concat()] {
        let seen = file(&bytes);
        assert_eq!(secrets(&seen), [key(1)]);
        assert_eq!(seen.unread, []);
        assert_eq!(seen.tally.bytes, bytes.len() as u64);
    }
}

#[test]
fn a_large_zip_is_read_where_it_lies() {
    let noise: Vec<u8> = (0..1_u32 << 20).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let bytes = zip(&[("noise", &noise), ("a", &text(1))]);
    assert!(bytes.len() > PIECE_BYTES);
    let seen = file(&bytes);
    assert_eq!(secrets(&seen), [key(1)]);
    assert_eq!(seen.unread, []);
}

#[test]
fn a_file_that_grows_meanwhile_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, text(1)).unwrap();
    let before = File::open(&path).unwrap();
    let metadata = before.metadata().unwrap();
    std::fs::write(&path, [text(1), text(2)].concat()).unwrap();
    let mut seen = Seen::default();
    super::super::tell_change(&contents(limits()), &before, &metadata, &mut seen).unwrap();
    assert_eq!(whys(&seen), [&Why::Changed]);
}

#[test]
fn a_failing_reader_is_an_error_and_what_came_before_is_searched() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _into: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::ConnectionReset, "gone"))
        }
    }
    let long = [text(1), vec![b'\n'; 2 * PIECE_BYTES]].concat();
    for bytes in [text(1), long, super::made::gzip(&text(1)), zip(&[("a", &text(1))])] {
        let mut seen = Seen::default();
        let outcome = contents(limits()).stream(&mut (&*bytes).chain(Failing), &mut seen);
        assert_eq!(outcome.unwrap_err().to_string(), "gone");
        assert_eq!(secrets(&seen), [key(1)]);
        assert_eq!(seen.unread, []);
    }
}
