//! Keys in base64, hexadecimal and the like.
use super::archives;
use crate::hiding::Hiding;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::fmt::Write as _;

pub(super) const HIDINGS: &[Hiding] = &[
    Hiding::text("base64", "secret.yaml", &["base64"], "kind: Secret\ndata:\n  key: ¤\n  x: eA==\n", b64),
    Hiding::text("base64", "one.txt", &["base64"], "¤\n", |k| b64(&format!("K{k}"))),
    Hiding::text("base64", "two.txt", &["base64"], "data=\"¤\"\n", |k| b64(&format!("K={k}\n"))),
    Hiding::text("base64", "basic.http", &["base64"], "Authorization: Basic ¤\r\n", |k| {
        b64(&format!("ana:{k}"))
    }),
    Hiding::text("base64", "env.json", &["base64"], "{\"env\":\"¤\"}\n", |k| {
        b64(&format!("PORT=8080\nLOG_LEVEL=info\nN8N_API_KEY={k}\nTZ=UTC\n"))
    }),
    Hiding::text("base64_unpadded", "state.txt", &["base64"], "s=¤&t=1\n", |k| {
        URL_SAFE_NO_PAD.encode(format!("{{\"k\":\"{k}\",\"ü\":\"~~??\"}}"))
    }),
    Hiding::text("base64_wrapped", "env.b64", &["base64"], "¤\n", |k| base64_lines(&dotenv(k), 76, "\n")),
    Hiding::text(
        "base64_wrapped",
        "secret.pem",
        &["base64"],
        "-----BEGIN DATA-----\n¤\n-----END DATA-----\n",
        |k| base64_lines(&dotenv(k), 64, "\n"),
    ),
    Hiding::text("base64_wrapped", "binary.yaml", &["base64"], "env: !!binary |\n    ¤\nx: 1\n", |k| {
        base64_lines(&dotenv(k), 72, "\n    ")
    }),
    Hiding::text("base64_wrapped", "crlf.b64", &["base64"], "¤\r\n", |k| {
        base64_lines(&dotenv(k), 76, "\r\n")
    }),
    Hiding::text("base64_twice", "twice.txt", &["base64", "base64"], "x: ¤\n", |k| b64(&b64(k))),
    Hiding::text("base64_twice", "twice.b64", &["base64", "base64"], "¤\n", |k| {
        base64_lines(base64_lines(&dotenv(k), 76, "\n").as_bytes(), 76, "\n")
    }),
    Hiding::text("base64_thrice", "thrice.txt", &["base64", "base64", "base64"], "¤", |k| {
        b64(&b64(&b64(k)))
    })
    .extra(),
    Hiding::text("base64_json_string", "wrapped.json", &["json_escape", "base64"], "{\"f\":\"¤\"}\n", |k| {
        base64_lines(&dotenv(k), 76, "\\n")
    })
    .extra(),
    Hiding::text("ldif", "users.ldif", &["base64"], "dn: cn=api\nuserPassword:: ¤\nsn: x\n", |k| {
        base64_lines(k.as_bytes(), 60, "\n ")
    })
    .extra(),
    Hiding::text(
        "data_url",
        "link.html",
        &["base64"],
        "<a href=\"data:text/plain;base64,¤\">key</a>\n",
        |k| b64(&format!("key {k}")),
    )
    .extra(),
    Hiding::text(
        "powershell_encoded_command",
        "task.cmd",
        &["base64", "utf16le"],
        "powershell -EncodedCommand ¤\r\n",
        |k| STANDARD.encode(utf16le(&format!("$env:N8N_API_KEY='{k}'; ./run.ps1"))),
    )
    .extra(),
    Hiding::text(
        "helm_release",
        "release.yaml",
        &["base64", "base64", "gzip"],
        "kind: Secret\ntype: helm.sh/release.v1\ndata:\n  release: ¤\n",
        |k| {
            b64(&STANDARD.encode(archives::gzip(
                format!("{{\"config\":{{\"n8n\":{{\"apiKey\":\"{k}\"}}}}}}").as_bytes(),
            )))
        },
    )
    .extra(),
    Hiding::text(
        "cloud_init",
        "user-data.yml",
        &["base64", "gzip"],
        "write_files:\n  - encoding: gz+b64\n    content: ¤\n",
        |k| STANDARD.encode(archives::gzip(&dotenv(k))),
    )
    .extra(),
    Hiding::text("base64_zip", "upload.json", &["base64", "zip"], "{\"zip\":\"¤\"}\n", |k| {
        STANDARD.encode(archives::zip_of(&[(".env", &dotenv(k))]).unwrap_or_default())
    })
    .extra(),
    Hiding::text(
        "diagram",
        "plan.drawio",
        &["base64", "deflate", "url"],
        "<mxfile><diagram>¤</diagram></mxfile>\n",
        |k| STANDARD.encode(archives::deflate(format!("%3CmxCell%20value%3D%22{k}%22%2F%3E").as_bytes())),
    )
    .extra(),
    Hiding::text("hex", "env.hex", &["hex"], "payload=¤\n", |k| hex(k, "")).extra(),
    Hiding::text("hex_upper", "blob.sql", &["hex"], "INSERT INTO b VALUES (X'¤');\n", |k| {
        hex(&format!("key={k}"), "").to_uppercase()
    })
    .extra(),
    Hiding::text("hex_spaced", "wire.txt", &["hex"], "¤\n", |k| hex(k, " ")).extra(),
    Hiding::text("hex_array", "key.inc", &["hex"], "const char key[] = {\n¤};\n", |k| {
        k.bytes().fold(String::new(), |mut text, byte| {
            write!(text, "0x{byte:02x}, ").ok();
            text
        })
    })
    .extra(),
    Hiding::text("hex_dump", "dump.xxd", &["xxd"], "¤\n", |k| xxd(&format!("PORT=1\nN8N_API_KEY={k}\n")))
        .extra(),
    Hiding::text("byte_array", "buffer.json", &["bytes"], "{\"type\":\"Buffer\",\"data\":[¤]}\n", |k| {
        k.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(",")
    })
    .extra(),
    Hiding::whole("utf16le", "export.reg", &["utf16"], "¶\r\n\"N8nKey\"=\"¤\"\r\n¶", |text| {
        [&[0xFF, 0xFE], utf16le(text).as_slice()].concat()
    }),
    Hiding::whole("utf16be", "export.txt", &["utf16"], "¶Schlüssel: ¤\n¶", |text| {
        [0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect()
    }),
    Hiding::whole("utf16_no_mark", "strings.bin", &["utf16le"], "key=¤\n", utf16le).extra(),
    Hiding::whole("utf32", "export32.txt", &["utf32"], "¶key=¤\n", |text| {
        let units = std::iter::once('\u{FEFF}').chain(text.chars());
        units.flat_map(|unit| u32::from(unit).to_le_bytes()).collect()
    })
    .extra(),
];

/// Base64 in lines of `width`.
pub(super) fn base64_lines(bytes: &[u8], width: usize, newline: &str) -> String {
    let text: Vec<char> = STANDARD.encode(bytes).chars().collect();
    let lines: Vec<String> = text.chunks(width).map(|line| line.iter().collect()).collect();
    lines.join(newline)
}

pub(super) fn dotenv(key: &str) -> Vec<u8> {
    format!("# of the worker\nPORT=8080\nLOG_LEVEL=info\nQUEUE=orders\nN8N_API_KEY={key}\nTZ=UTC\n")
        .into_bytes()
}

fn b64(text: &str) -> String {
    STANDARD.encode(text)
}

fn utf16le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn hex(text: &str, between: &str) -> String {
    let digits: Vec<String> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    digits.join(between)
}

fn xxd(text: &str) -> String {
    let lines = text.as_bytes().chunks(16).enumerate().map(|(index, row)| {
        let pairs: Vec<String> = row
            .chunks(2)
            .map(|pair| pair.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat())
            .collect();
        let shown = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' };
        let text: String = row.iter().map(shown).collect();
        format!("{:08x}: {:<39}  {text}", index * 16, pairs.join(" "))
    });
    lines.collect::<Vec<_>>().join("\n")
}
