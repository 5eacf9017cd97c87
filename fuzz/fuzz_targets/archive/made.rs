//! Sound archives of any bytes, so that the fuzzer gets behind checksums.

use std::io::{Cursor, Write as _};

use lzma_rust2::{XzOptions, XzWriter};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

type Pack = fn(&[u8]) -> Vec<u8>;

/// Each form, and its name in a report.
pub(crate) const FORMS: [(&str, Pack); 9] = [
    ("gzip", gzip),
    ("xz", xz),
    ("zstd", zstd),
    ("bzip2", bzip2),
    ("tar", tar),
    ("zip", |bytes| zip(bytes, CompressionMethod::Deflated)),
    ("zip", |bytes| zip(bytes, CompressionMethod::Stored)),
    ("ar", ar),
    ("sqlite", sqlite),
];

/// A legacy key.
pub(crate) fn key() -> String {
    format!("n8n_api_{}", "0123456789abcdef8899".repeat(4))
}

/// Makes the checksum of a tar's first header right.
pub(crate) fn repair_tar(bytes: &mut [u8]) {
    let Some(header) = bytes.first_chunk_mut::<512>() else { return };
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut options = XzOptions::with_preset(0);
    options.lzma_options.dict_size = 4_096;
    let mut writer = XzWriter::new(Vec::new(), options).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn tar(bytes: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    builder.append_data(&mut header, "t", bytes).unwrap();
    builder.into_inner().unwrap()
}

fn zip(bytes: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("z", SimpleFileOptions::default().compression_method(method)).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap().into_inner()
}

fn ar(bytes: &[u8]) -> Vec<u8> {
    let mut whole = b"!<arch>\n".to_vec();
    writeln!(whole, "{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", "a", 0, 0, 0, 0, bytes.len()).unwrap();
    whole.extend_from_slice(bytes);
    whole.extend(std::iter::repeat_n(b'\n', bytes.len() % 2));
    whole
}

/// A database of one table page with one row, a blob, that spills over the pages behind it.
fn sqlite(bytes: &[u8]) -> Vec<u8> {
    const PAGE: usize = 512;
    let mut record = vec![4];
    record.extend(varint(bytes.len() * 2 + 12));
    record[0] = record.len() as u8;
    record.extend_from_slice(bytes);
    // What of a row stays on its page, by the format's own formula.
    let local = if record.len() <= PAGE - 35 {
        record.len()
    } else {
        let least = (PAGE - 12) * 32 / 255 - 23;
        let fitting = least + (record.len() - least) % (PAGE - 4);
        if fitting <= PAGE - 35 { fitting } else { least }
    };
    let (here, spilt) = record.split_at(local);
    let mut cell = varint(record.len());
    cell.push(1);
    cell.extend_from_slice(here);
    if !spilt.is_empty() {
        cell.extend(2_u32.to_be_bytes());
    }
    let mut whole = vec![0; PAGE];
    whole[..16].copy_from_slice(b"SQLite format 3\0");
    whole[16..18].copy_from_slice(&(PAGE as u16).to_be_bytes());
    // The first page has no room for more than a row of 400 bytes: the row is on a page of its own, the last one.
    for (number, part) in (3_u32..).zip(spilt.chunks(PAGE - 4)) {
        let is_last = (number as usize - 2) * (PAGE - 4) >= spilt.len();
        whole.extend(if is_last { 0 } else { number }.to_be_bytes());
        whole.extend_from_slice(part);
        whole.resize(whole.len().next_multiple_of(PAGE), 0);
    }
    let mut page = vec![0; PAGE];
    let start = PAGE - cell.len();
    page[0] = 13;
    page[4] = 1;
    page[5..7].copy_from_slice(&(start as u16).to_be_bytes());
    page[8..10].copy_from_slice(&(start as u16).to_be_bytes());
    page[start..].copy_from_slice(&cell);
    [whole, page].concat()
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = vec![(value & 0x7f) as u8];
    while value > 0x7f {
        value >>= 7;
        bytes.insert(0, (value & 0x7f) as u8 | 0x80);
    }
    bytes
}
