//! Undoes wrappings, plainly and slowly: every reading that is possible is a view.
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::io::{Cursor, Read};

type Views = Vec<Vec<u8>>;

/// All readings of the bytes with these wrappings undone, outermost first.
pub(crate) fn undone(bytes: Vec<u8>, wrapping: &[String]) -> Views {
    wrapping.iter().fold(vec![bytes], |views, name| views.iter().flat_map(|view| undo(name, view)).collect())
}

fn undo(name: &str, bytes: &[u8]) -> Views {
    match name {
        "base64" => base64(bytes),
        "gzip" => all_of(bytes, b"\x1f\x8b", |rest| read(flate2::read::MultiGzDecoder::new(rest))),
        "zlib" => all_of(bytes, b"\x78", |rest| read(flate2::read::ZlibDecoder::new(rest))),
        "deflate" => vec![read(flate2::read::DeflateDecoder::new(bytes))],
        "xz" => all_of(bytes, b"\xfd7zXZ", |rest| read(lzma_rust2::XzReader::new(rest, true))),
        "zstd" => all_of(bytes, b"\x28\xb5\x2f\xfd", |rest| zstd::decode_all(rest).unwrap_or_default()),
        "bzip2" => all_of(bytes, b"BZh", |rest| read(bzip2::read::BzDecoder::new(rest))),
        "zip" => zip(bytes),
        "tar" => tar(bytes),
        "ar" | "zip_comment" | "tar_name" | "sqlite_free" | "sqlite_wal" => vec![bytes.to_vec()],
        "sqlite" => sqlite(bytes),
        "utf16" => vec![utf16(bytes.get(2..).unwrap_or_default(), bytes.first() == Some(&0xFF))],
        // What a database gives is text again, whatever it was in its file.
        "utf16le" => vec![utf16(bytes, true), bytes.to_vec()],
        "utf32" => {
            let units = bytes.chunks_exact(4).map(|unit| u32::from_le_bytes(unit.try_into().unwrap()));
            vec![units.filter_map(char::from_u32).collect::<String>().into_bytes()]
        }
        "split" => split(&text(bytes)),
        "git_bundle" | "git_pack" => super::unpack::objects(name, bytes),
        "git_binary_patch" => super::unpack::patched(bytes),
        _ => vec![escapes(name, &text(bytes))],
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read(mut reader: impl Read) -> Vec<u8> {
    let mut out = Vec::new();
    // What follows a stream may be no part of it; what was read until then counts.
    drop(reader.read_to_end(&mut out));
    out
}

fn all_of(bytes: &[u8], magic: &[u8], open: impl Fn(&[u8]) -> Vec<u8>) -> Views {
    let at = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(magic));
    at.map(|at| open(&bytes[at..])).filter(|out| !out.is_empty()).collect()
}

fn base64(bytes: &[u8]) -> Views {
    let text = text(bytes);
    let mut runs: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=-_".contains(c);
    runs.extend(text.split(|c: char| !is_base64(c)).map(str::to_owned));
    runs.extend(text.split(|c: char| !is_base64(c) && !c.is_whitespace()).map(str::to_owned));
    let block =
        |text: &str| text.lines().filter(|line| line.trim().chars().all(is_base64)).collect::<String>();
    runs.push(block(&text));
    runs.push(block(&text.lines().filter(|line| !line.starts_with('-')).collect::<Vec<_>>().join("\n")));
    runs.extend(text.split(|c: char| !is_base64(c) || c == '=').map(str::to_owned));
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&STANDARD, config);
    let decode = |run: String| {
        let clean: String = run.replace('-', "+").replace('_', "/").split_whitespace().collect();
        let clean = clean.split('=').next().unwrap_or_default();
        // A word that follows the run belongs to it for all that can be seen.
        (0..4).find_map(|cut| engine.decode(clean.get(..clean.len().checked_sub(cut)?)?).ok())
    };
    runs.into_iter().filter(|run| run.len() > 40).filter_map(decode).collect()
}

fn zip(bytes: &[u8]) -> Views {
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else { return Vec::new() };
    (0..archive.len()).map(|index| read(archive.by_index(index).unwrap())).collect()
}

fn tar(bytes: &[u8]) -> Views {
    let mut archive = tar::Archive::new(bytes);
    let Ok(entries) = archive.entries() else { return Vec::new() };
    entries.map_while(Result::ok).map(read).collect()
}

fn sqlite(bytes: &[u8]) -> Views {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let database = rusqlite::Connection::open(file.path()).unwrap();
    let mut rows = database.prepare("SELECT CAST(value AS BLOB) FROM keys WHERE label = 'planted'").unwrap();
    let values = rows.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    values.map(Result::unwrap).collect()
}

fn utf16(bytes: &[u8], is_little: bool) -> Vec<u8> {
    let unit = |pair: &[u8]| {
        let pair = [pair[0], pair[1]];
        if is_little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
    };
    let units: Vec<u16> = bytes.chunks_exact(2).map(unit).collect();
    String::from_utf16_lossy(&units).into_bytes()
}

/// What may stand between two pieces.
const GLUE: [&str; 22] = [
    "\\\n    ",
    "\\\n  ",
    "\\\n",
    "\"\n    \"",
    "\",\n  \"",
    "', '",
    "',\n    '",
    "\" +\n        \"",
    "'\n  + '",
    "\" + \"",
    "'\n    . '",
    "\" . \"",
    "\" & _\n    \"",
    "\" & \"",
    "' ||\n  '",
    "' || '",
    "\" ..\n  \"",
    "'\nK+='",
    "\n    ",
    "\r\n ",
    "\n> ",
    "\n",
];

fn split(text: &str) -> Views {
    let mut views: Vec<String> = GLUE.iter().map(|glue| text.replace(glue, "")).collect();
    views.extend(["\",\n  \"", "' + '.' + '"].map(|glue| text.replace(glue, ".")));
    views.into_iter().map(String::into_bytes).collect()
}

fn escapes(name: &str, text: &str) -> Vec<u8> {
    match name {
        "url" => radix(text, "%", 2, 16, ""),
        "html" => {
            let text = text.replace("&period;", ".").replace("&lowbar;", "_");
            let pieces = text.split("&#").enumerate().map(|(index, piece)| {
                let Some((number, rest)) = piece.split_once(';').filter(|_| index > 0) else {
                    return piece.into();
                };
                let digits = number.trim_start_matches(['x', 'X']);
                let radix = if digits.len() < number.len() { 16 } else { 10 };
                let c = u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
                c.map_or_else(|| piece.to_owned(), |c| format!("{c}{rest}"))
            });
            pieces.collect::<String>().into_bytes()
        }
        "json_escape" => {
            let text = text.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\");
            radix(&text, "\\u", 4, 16, "")
        }
        "backslash_hex" => radix(text, "\\x", 2, 16, ""),
        "backslash_octal" => radix(text, "\\", 3, 8, ""),
        "quoted_printable" => radix(&text.replace("=\n", ""), "=", 2, 16, ""),
        "markdown" => text.replace('\\', "").into_bytes(),
        "invisible" => text.replace(['\u{AD}', '\u{200B}'], "").into_bytes(),
        "tags" => text.replace("<wbr>", "").into_bytes(),
        "hex" => {
            let text = text.replace("0x", " ").replace([' ', ','], "");
            let longest = text.split(|c: char| !c.is_ascii_hexdigit()).max_by_key(|run| run.len());
            let spaced: String = longest.unwrap_or_default().chars().collect();
            let pairs: Vec<char> = spaced.chars().collect();
            let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok();
            pairs.chunks(2).filter_map(byte).collect()
        }
        "xxd" => {
            let digits = text.lines().filter_map(|line| line.get(10..49)).collect::<String>();
            escapes("hex", &digits)
        }
        "bytes" => {
            let inner = text.split(['[', ']']).nth(1).unwrap_or_default();
            inner.split(',').filter_map(|number| number.parse().ok()).collect()
        }
        other => panic!("{other} is no wrapping that is known here"),
    }
}

/// Each `mark` with so many digits after it is a character.
fn radix(text: &str, mark: &str, digits: usize, radix: u32, end: &str) -> Vec<u8> {
    let mut pieces = text.split(mark);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let number = piece.get(..digits).and_then(|number| u32::from_str_radix(number, radix).ok());
        match number.and_then(char::from_u32) {
            Some(c) => out.extend([c.to_string().as_str(), piece.get(digits..).unwrap_or_default(), end]),
            None => out.extend([mark, piece]),
        }
    }
    out.into_bytes()
}
