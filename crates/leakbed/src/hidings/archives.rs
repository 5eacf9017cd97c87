//! Keys in compressed files and archives, one in another too.
use super::encoded::dotenv;
use crate::chance::Chance;
use crate::hiding::Hiding;
use crate::trouble::{Doing as _, Result};
use std::io::{Cursor, Write as _};

pub(super) const HIDINGS: &[Hiding] = &[
    Hiding::bytes("gzip", "app.log.1.gz", &["gzip"], |k, c| Ok(gzip(&long(k, c)))),
    Hiding::bytes("gzip", "two-members.gz", &["gzip"], |k, c| {
        Ok([gzip(c.prose(3000).as_bytes()), gzip(&dotenv(k))].concat())
    }),
    Hiding::bytes("xz", "dump.sql.xz", &["xz"], |k, c| xz(&long(k, c))),
    Hiding::bytes("zstd", "events.json.zst", &["zstd"], |k, c| zstd_of(&long(k, c))),
    Hiding::bytes("bzip2", "old.log.bz2", &["bzip2"], |k, c| bzip2_of(&long(k, c))),
    Hiding::bytes("zip", "backup.zip", &["zip"], |k, c| {
        zip_of(&[("README.md", c.prose(2000).as_bytes()), ("conf/.env", &dotenv(k))])
    }),
    Hiding::bytes("zip", "stored.zip", &["zip"], |k, c| {
        zip_with(&[("a.txt", c.prose(500).as_bytes()), (".env", &dotenv(k))], zip::CompressionMethod::Stored)
    }),
    Hiding::bytes("tar", "conf.tar", &["tar"], |k, c| {
        tar_of(&[("a/README", c.prose(900).as_bytes()), ("a/.env", &dotenv(k))])
    }),
    Hiding::bytes("tar_gzip", "conf.tgz", &["gzip", "tar"], |k, c| Ok(gzip(&folder(k, c)?))),
    Hiding::bytes("tar_xz", "conf.tar.xz", &["xz", "tar"], |k, c| xz(&folder(k, c)?)),
    Hiding::bytes("tar_zstd", "conf.tar.zst", &["zstd", "tar"], |k, c| zstd_of(&folder(k, c)?)),
    Hiding::bytes("tar_bzip2", "conf.tar.bz2", &["bzip2", "tar"], |k, c| bzip2_of(&folder(k, c)?)),
    Hiding::bytes("archive_at_depth", "site.zip", &["zip", "tar", "gzip"], |k, c| {
        let inner = tar_of(&[("log/a.gz", &gzip(&long(k, c)))])?;
        zip_of(&[("backup.tar", &inner)])
    }),
    Hiding::bytes("archive_at_depth", "nested.tar.gz", &["gzip", "tar", "zip", "zip"], |k, _| {
        let inner = zip_of(&[(".env", &dotenv(k))])?;
        Ok(gzip(&tar_of(&[("x/outer.zip", &zip_of(&[("inner.zip", &inner)])?)])?))
    }),
    Hiding::bytes("archive_at_depth", "deep.gz", &["gzip", "gzip", "tar", "xz", "zstd"], |k, _| {
        Ok(gzip(&gzip(&tar_of(&[("x.zst.xz", &xz(&zstd_of(&dotenv(k))?)?)])?)))
    }),
    Hiding::bytes("archive_of_wrapped", "mail.zip", &["zip", "base64"], |k, _| {
        zip_of(&[("attachment.b64", super::base64_lines(&dotenv(k), 76, "\n").as_bytes())])
    })
    .extra(),
    Hiding::bytes("archive_of_wrapped", "report.zip", &["zip", "utf16"], |k, _| {
        let text: Vec<u8> =
            format!("\u{FEFF}key={k}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
        zip_of(&[("report.txt", &text)])
    })
    .extra(),
    Hiding::bytes("zlib", "cache.z", &["zlib"], |k, c| zlib(&long(k, c))).extra(),
    Hiding::bytes("archive_after_text", "install.sh", &["gzip", "tar"], |k, c| {
        let head = b"#!/bin/sh\ntail -n +3 \"$0\" | tar xz\nexit\n".as_slice();
        Ok([head, &gzip(&folder(k, c)?)].concat())
    })
    .extra(),
    Hiding::bytes("archive_comment", "commented.zip", &["zip_comment"], |k, _| {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        writer.set_comment(format!("key {k}").into_boxed_str()).doing("zip")?;
        fill(writer, &[("a.txt", b"a")], zip::CompressionMethod::Deflated)
    })
    .extra(),
    Hiding::bytes("archive_entry_name", "named.tar", &["tar_name"], |k, _| {
        tar_of(&[(&format!("keys/{}", cut(k)), b"x")])
    })
    .extra()
    .fits(crate::hiding::Fits::Prefixed),
    Hiding::bytes("deb_package", "worker.deb", &["ar", "xz", "tar"], |k, c| {
        let data = xz(&folder(k, c)?)?;
        Ok([b"!<arch>\n".as_slice(), &ar_member("debian-binary", b"2.0\n"), &ar_member("data.tar.xz", &data)]
            .concat())
    })
    .extra(),
    Hiding::bytes("git_binary_object", "loose-object", &["zlib"], |k, _| {
        let content = dotenv(k);
        zlib(&[format!("blob {}\0", content.len()).as_bytes(), &content].concat())
    })
    .extra(),
];

/// Prose with a key in the middle.
fn long(key: &str, chance: &mut Chance) -> Vec<u8> {
    format!("{}N8N_API_KEY={key}\n{}", chance.prose(4000), chance.prose(2500)).into_bytes()
}

fn folder(key: &str, chance: &mut Chance) -> Result<Vec<u8>> {
    tar_of(&[("srv/README", chance.prose(1500).as_bytes()), ("srv/app/.env", &dotenv(key)), ("srv/z", b"z")])
}

fn cut(key: &str) -> &str {
    key.get(..90).unwrap_or(key)
}

/// `gzip -n`.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing to a vector cannot fail.
    out.write_all(bytes).ok();
    out.finish().unwrap_or_default()
}

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing to a vector cannot fail.
    out.write_all(bytes).ok();
    out.finish().unwrap_or_default()
}

pub(super) fn zlib(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).and_then(|()| out.finish()).doing("zlib")
}

pub(super) fn xz(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(4)).doing("xz")?;
    out.write_all(bytes).and_then(|()| out.finish()).doing("xz")
}

pub(super) fn zstd_of(bytes: &[u8]) -> Result<Vec<u8>> {
    zstd::encode_all(bytes, 9).doing("zstd")
}

fn bzip2_of(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    out.write_all(bytes).and_then(|()| out.finish()).doing("bzip2")
}

pub(super) fn zip_of(files: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    zip_with(files, zip::CompressionMethod::Deflated)
}

fn zip_with(files: &[(&str, &[u8])], method: zip::CompressionMethod) -> Result<Vec<u8>> {
    fill(zip::ZipWriter::new(Cursor::new(Vec::new())), files, method)
}

fn fill(
    mut writer: zip::ZipWriter<Cursor<Vec<u8>>>,
    files: &[(&str, &[u8])],
    method: zip::CompressionMethod,
) -> Result<Vec<u8>> {
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(zip::DateTime::default());
    for (name, content) in files {
        writer.start_file(*name, options).doing("zip")?;
        writer.write_all(content).doing("zip")?;
    }
    Ok(writer.finish().doing("zip")?.into_inner())
}

/// A tape archive of these files, all of one time and owner.
pub(super) fn tar_of(files: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(content.len()).unwrap_or_default());
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        builder.append_data(&mut header, name, *content).doing("tar")?;
    }
    builder.into_inner().doing("tar")
}

fn ar_member(name: &str, content: &[u8]) -> Vec<u8> {
    let mut member =
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 1_700_000_000, 0, 0, 100_644, content.len())
            .into_bytes();
    member.extend_from_slice(content);
    if content.len() % 2 == 1 {
        member.push(b'\n');
    }
    member
}
