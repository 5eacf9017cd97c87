//! Tokens and archives, made at run time.

use std::io::{Cursor, Write as _};

use lzma_rust2::{XzOptions, XzWriter};
use zip::write::SimpleFileOptions;

/// A legacy key that follows from `seed`.
pub(super) fn key(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = "n8n_api_".to_owned();
    for _ in 0..5 {
        state = (state ^ state >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state ^= state >> 32;
        text.extend(
            state
                .to_le_bytes()
                .iter()
                .flat_map(|byte| [byte >> 4, byte & 15])
                .map(|digit| char::from_digit(digit.into(), 16).unwrap()),
        );
    }
    text
}

/// A text with a key on its third line.
pub(super) fn text(seed: u64) -> Vec<u8> {
    format!("# settings\nname: x\n  key: {}\nend\n", key(seed)).into_bytes()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

pub(super) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

pub(super) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

pub(super) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(super) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_with(SimpleFileOptions::default(), members)
}

pub(super) fn zip_stored(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_with(SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored), members)
}

fn zip_with(options: SimpleFileOptions, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(super) fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        writeln!(bytes, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, 100_644, content.len()).unwrap();
        bytes.extend_from_slice(content);
        bytes.extend(std::iter::repeat_n(b'\n', content.len() % 2));
    }
    bytes
}

type Pack = fn(&[u8]) -> Vec<u8>;

/// Each form that has members or one content, by name.
pub(super) const FORMS: [(&str, Pack); 8] = [
    ("gzip", gzip),
    ("xz", xz),
    ("zstd", zstd),
    ("bzip2", bzip2),
    ("tar:a/b.txt", |bytes| tar(&[("empty", b""), ("a/b.txt", bytes), ("z", b"z")])),
    ("zip:a/b.txt", |bytes| zip(&[("empty", b""), ("a/b.txt", bytes), ("z", b"z")])),
    ("zip:s.txt", |bytes| zip_stored(&[("s.txt", bytes), ("z", b"z")])),
    ("ar:b.txt", |bytes| ar(&[("debian-binary", b"2.0"), ("b.txt", bytes), ("z", b"z")])),
];
