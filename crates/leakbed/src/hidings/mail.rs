//! Keys in mails and their attachments.
use super::archives::{gzip, zip_of};
use super::base64_lines;
use super::encoded::dotenv;
use crate::hiding::Hiding;

pub(super) const HIDINGS: &[Hiding] = &[
    Hiding::text("mail_attachment", "forward.eml", &["base64"], ATTACHMENT, |k| {
        base64_lines(&dotenv(k), 76, "\r\n")
    })
    .extra(),
    Hiding::text("mail_attachment", "logs.eml", &["base64", "gzip"], ATTACHMENT, |k| {
        base64_lines(&gzip(&dotenv(k)), 76, "\r\n")
    })
    .extra(),
    Hiding::text("mail_attachment", "zip.eml", &["base64", "zip"], ATTACHMENT, |k| {
        base64_lines(&zip_of(&[("keys.txt", &dotenv(k))]).unwrap_or_default(), 76, "\r\n")
    })
    .extra(),
    Hiding::text("mail_in_utf16", "windows.eml", &["base64", "utf16"], ATTACHMENT, |k| {
        let text = format!("\u{FEFF}key={k}\r\n");
        base64_lines(&text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(), 76, "\r\n")
    })
    .extra(),
    Hiding::text(
        "mail_header_word",
        "subject.eml",
        &["base64"],
        "From: ana@corp.test\r\nSubject: =?utf-8?B?¤?=\r\n\r\nsee above\r\n",
        |k| base64_lines(k.as_bytes(), 10_000, ""),
    )
    .extra(),
];

const ATTACHMENT: &str = "From: ana@corp.test\r\nTo: ben@corp.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b1\"\r\n\r\n--b1\r\nContent-Type: text/plain\r\n\r\nas asked\r\n--b1\r\nContent-Type: application/octet-stream; name=\"keys\"\r\nContent-Disposition: attachment; filename=\"keys\"\r\nContent-Transfer-Encoding: base64\r\n\r\n¤\r\n--b1--\r\n";
