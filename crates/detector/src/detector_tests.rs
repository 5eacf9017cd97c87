#![expect(clippy::string_slice, reason = "the texts are ASCII")]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;
use crate::Kind;
use crate::testing::{gateway, legacy, native2, signed};
use model::Timestamp;

fn detector() -> &'static Detector {
    static DETECTOR: std::sync::OnceLock<Detector> = std::sync::OnceLock::new();
    DETECTOR.get_or_init(Detector::new)
}

fn texts(bytes: &[u8]) -> Vec<(Kind, String)> {
    let found = detector().search(bytes);
    assert!(!found.is_exhausted);
    assert_eq!(found.anchored, detector().anchored(bytes));
    if !found.hits.is_empty() || !found.embedded.is_empty() {
        assert!(detector().has_anchor(bytes));
    }
    found.hits.iter().map(|hit| (hit.token.kind, hit.token.secret.expose().to_owned())).collect()
}

/// `key` and nothing else is found in `text`, whatever stands around it.
fn finds(text: &[u8], kind: Kind, key: &str) {
    let shown = String::from_utf8_lossy(text).into_owned();
    for (before, after) in [("", ""), ("x = ", ";\n"), ("abc\n\n", "\n\nabc"), ("\"", "\"")] {
        let text = [before.as_bytes(), text, after.as_bytes()].concat();
        assert_eq!(texts(&text), [(kind, key.to_owned())], "in {shown:?} after {before:?}");
    }
}

#[test]
fn each_kind_is_known_by_what_it_says() {
    let claims = |aud: &str, more: &str| {
        format!(r#"{{"sub":"u","iss":"n8n","aud":"{aud}"{more},"iat":1750000000,"exp":1750009999}}"#)
    };
    for (kind, key) in [
        (Kind::Native2, signed(&claims("public-api", r#","jti":"j""#), 1)),
        (Kind::Native1, signed(&claims("public-api", ""), 2)),
        (Kind::Mcp, signed(&claims("mcp-server-api", ""), 3)),
        (Kind::Scim, signed(&claims("scim-api", ""), 4)),
        (Kind::Native1, signed(r#"{"exp":1750009999,"aud":"public-api","iat":1,"iss":"n8n"}"#, 5)),
        (Kind::Native1, signed("{ \"iss\" : \"n8n\",\n \"aud\": \"public-api\" }", 6)),
        (
            Kind::SessionCookie,
            signed(r#"{"id":"7c1f0a52-5d3b-4b1e-9d3f-000000000001","hash":"aB3/dE+gH1","usedMfa":false}"#, 7),
        ),
        (Kind::Legacy, legacy(8)),
        (Kind::Gateway, gateway(9)),
    ] {
        finds(key.as_bytes(), kind, &key);
        for (before, after) in
            [("?key=", "&x=1"), ("(", ")"), ("<b>", "</b>"), ("", ","), ("Bearer%20", "%0A")]
        {
            let text = format!("{before}{key}{after}");
            assert_eq!(texts(text.as_bytes()), [(kind, key.clone())], "{before} {after}");
        }
    }
}

#[test]
fn claims_are_told() {
    let key = signed(r#"{"sub":"u-1","iss":"n8n","aud":"public-api","iat":1750000000,"exp":1750009999}"#, 1);
    let found = detector().search(format!("key: {key}").as_bytes());
    let hit = &found.hits[0];
    assert_eq!((hit.at, hit.token.claims.user.as_deref()), (5, Some("u-1")));
    assert_eq!(hit.token.claims.issued_at.map(Timestamp::as_second), Some(1_750_000_000));
    assert_eq!(hit.token.claims.expires_at.map(Timestamp::as_second), Some(1_750_009_999));
}

#[test]
fn near_misses_are_nothing() {
    let key = native2(1);
    let gateway = gateway(1);
    let claims = |iss: &str, aud: &str| signed(&format!(r#"{{"sub":"u","iss":{iss},"aud":{aud}}}"#), 1);
    let (head, _) = key.rsplit_once('.').unwrap();
    let other = if gateway.ends_with('A') { 'B' } else { 'A' };
    for text in [
        claims(r#""n8n""#, r#""public-api-2""#),
        claims(r#""n8n.io""#, r#""public-api""#),
        claims(r#""N8N""#, r#""public-api""#),
        claims(r#""n8n""#, r#"["public-api"]"#),
        claims("null", r#""public-api""#),
        signed(r#"{"iss":"n8n","aud":"public-api","aud":"other"}"#, 1),
        signed(r#"{"id":"someone","hash":"0123456789"}"#, 1),
        signed(r#"{"sub":"example-user","iss":"n8n","aud":"public-api"}"#, 1),
        key[..key.len() - 1].to_owned(),
        key[..key.len() - 10].to_owned(),
        head.to_owned(),
        format!("{head}."),
        format!("{head}.{}", "x".repeat(43)),
        format!("{head}.{}", "ThisIsAnEXAMPLEsignature0123456789abcdefghA"),
        key.replacen("eyJ", "eyK", 2),
        format!("n8n_api_{}", &legacy(1)[8..87]),
        format!("{}0", legacy(1)),
        format!("n8n_api_{}", "0".repeat(80)),
        format!("n8n_api_{}", "0123456789abcdef".repeat(5)),
        format!("n8n_api_{}", "g".repeat(80)),
        format!("{}{other}", &gateway[..gateway.len() - 1]),
        gateway[..gateway.len() - 1].to_owned(),
        "eyJ".repeat(1000),
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9".repeat(100),
        "//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozfQ.eyJ9.x".to_owned(),
        "N8N_ENCRYPTION_KEY=${KEY}".to_owned(),
        "N8N_ENCRYPTION_KEY=your-encryption-key-1A".to_owned(),
        "set N8N_ENCRYPTION_KEY environment variable".to_owned(),
        "N8N_ENCRYPTION_KEY_FILE=/run/secrets/aB3aB3aB3".to_owned(),
        "key: process.env.N8N_ENCRYPTION_KEY, name: process.env.OTHER1Name".to_owned(),
        "https://host.test/webhook-test/abc".to_owned(),
        "https://user:${PASSWORD}@host.test/webhook-test/abc".to_owned(),
    ] {
        assert_eq!(texts(text.as_bytes()), [], "{text}");
    }
}

#[test]
fn a_key_is_found_in_every_encoding_at_every_alignment() {
    for (kind, key) in [(Kind::Native2, native2(1)), (Kind::Legacy, legacy(2)), (Kind::Gateway, gateway(3))] {
        for before in 0..6 {
            let text = format!("{}{key}\nmore", &"#: #: #"[..before]);
            let once = STANDARD.encode(&text);
            finds(once.as_bytes(), kind, &key);
            finds(URL_SAFE_NO_PAD.encode(&text).as_bytes(), kind, &key);
            finds(STANDARD.encode(&once).as_bytes(), kind, &key);
            finds(STANDARD.encode(format!("{}{once}", &"#: #: #"[..before])).as_bytes(), kind, &key);
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            finds(STANDARD.encode(&wide).as_bytes(), kind, &key);
        }
        let wide: Vec<u8> = key.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(texts(&wide), [(kind, key.clone())]);
        let wide: Vec<u8> = key.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(texts(&wide), [(kind, key.clone())]);
        let wide: Vec<u8> = key.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        assert_eq!(texts(&wide), [(kind, key.clone())]);
        let each = |write: fn(u8) -> String| key.bytes().map(write).collect::<String>();
        for text in [
            each(|b| format!("{b:02x}")),
            each(|b| format!("{b:02X}")),
            each(|b| format!(r"\x{b:02x}")),
            each(|b| format!("%{b:02x}")),
            each(|b| format!("%{b:02X}")),
            each(|b| format!("&#{b};")),
            each(|b| format!("&#x{b:x};")),
            each(|b| format!(r"\u{b:04x}")),
            each(|b| format!(r"\u{b:04X}")),
            each(|b| format!("{b:02x} ")),
            each(|b| format!("0x{b:02x}, ")),
            each(|b| format!("0x{b:02X},")),
            each(|b| format!(r"\{b:03o}")),
            each(|b| format!("{b},")),
            each(|b| format!("{b}, ")),
            key.replace('.', "%2E"),
            key.replace('.', "%252E").replace('_', "%255f").replace('-', "%252D"),
            key.replace('_', "&#95;").replace('.', "&period;"),
            key.replace('_', "&#x5F;"),
            key.replace('_', r"\u005F"),
            key.replace('.', "&#46;").replace('-', "&#45;"),
            key.replace('_', r"\_"),
            key.replace('.', r"\u002e"),
        ] {
            finds(text.as_bytes(), kind, &key);
        }
    }
}

#[test]
fn a_key_in_pieces_is_one() {
    for (kind, key) in [(Kind::Native2, native2(1)), (Kind::Legacy, legacy(2)), (Kind::Gateway, gateway(3))] {
        for width in [20, 37, 64] {
            let pieces: Vec<&str> =
                key.as_bytes().chunks(width).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
            for between in [
                "\n",
                "\\\n",
                "\" +\n    \"",
                "' . '",
                "\" & \"",
                "' || '",
                "\"\n    \"",
                "', '",
                "=\r\n",
                "\n> ",
                "\\n\",\n \"",
            ] {
                finds(pieces.join(between).as_bytes(), kind, &key);
            }
        }
    }
}

#[test]
fn base64_is_found_over_wrapped_lines() {
    let key = native2(1);
    for before in 0..80 {
        let text = format!("{}\nN8N_API_KEY={key}\n", "x".repeat(before));
        let wrap = |text: &str, between: &str| {
            let lines = text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap());
            lines.collect::<Vec<_>>().join(between)
        };
        let once = STANDARD.encode(&text);
        for between in ["\n", "\r\n", "\n  ", "\\n"] {
            assert_eq!(texts(wrap(&once, between).as_bytes()), [(Kind::Native2, key.clone())], "{before}");
        }
        let twice = STANDARD.encode(wrap(&once, "\n"));
        assert_eq!(texts(wrap(&twice, "\n").as_bytes()), [(Kind::Native2, key.clone())], "{before}");
    }
}

#[test]
fn a_line_that_only_follows_is_no_part() {
    let key = native2(1);
    for cut in 1..43 {
        let cut_off = &key[..key.len() - cut];
        for next in ["N8N_HOST", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"] {
            let next = &next[..next.len().min(cut)];
            assert_eq!(texts(format!("A={cut_off}\n{next}=x\n").as_bytes()), [], "{next}");
        }
    }
}

#[test]
fn neighbours_in_a_database_do_not_hide_a_key() {
    for (kind, key) in [(Kind::Native2, native2(1)), (Kind::Legacy, legacy(2)), (Kind::Gateway, gateway(3))] {
        assert_eq!(texts(format!("7c1f{key}production").as_bytes()), [(kind, key.clone())]);
    }
}

#[test]
fn several_keys_are_several() {
    let keys: Vec<String> = (0..50).map(native2).collect();
    let found: Vec<String> = texts(keys.join("\n").as_bytes()).into_iter().map(|(_, key)| key).collect();
    assert_eq!(found, keys);
    let encoded: Vec<String> = keys.iter().map(|key| STANDARD.encode(key)).collect();
    let found: Vec<String> = texts(encoded.join("\n\n").as_bytes()).into_iter().map(|(_, key)| key).collect();
    assert_eq!(found, keys);
}

#[test]
fn other_secrets_of_n8n_are_found_beside_their_names() {
    let value = "bG9uZ1JhbmRvbVZhbHVlT2YyNEJ5";
    for text in [
        format!("N8N_ENCRYPTION_KEY={value}"),
        format!("export N8N_ENCRYPTION_KEY=\"{value}\""),
        format!("N8N_ENCRYPTION_KEY: {value}"),
        format!("\"N8N_ENCRYPTION_KEY\": \"{value}\","),
        format!("- name: N8N_ENCRYPTION_KEY\n  value: \"{value}\""),
        format!("ENV N8N_ENCRYPTION_KEY {value}"),
        format!("<N8N_ENCRYPTION_KEY>{value}</N8N_ENCRYPTION_KEY>"),
    ] {
        assert_eq!(texts(text.as_bytes()), [(Kind::EncryptionKey, value.to_owned())], "{text}");
    }
    let own = format!("{value}aB3d");
    assert_eq!(
        texts(format!("{{\n\t\"encryptionKey\": \"{own}\"\n}}").as_bytes()),
        [(Kind::EncryptionKey, own.clone())]
    );
    assert_eq!(texts(format!("{{\"a\": 1, \"encryptionKey\": \"{own}\"}}").as_bytes()), []);
    let address = "https://ops:s3cr3t-canary@host.test:5678/webhook-test/7c1f?x=1";
    assert_eq!(texts(format!("curl '{address}'").as_bytes()), [(Kind::WebhookUrl, address.to_owned())]);
}

#[test]
fn encoded_archives_are_handed_out() {
    let gzip = [&[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3][..], &[7; 3000]].concat();
    let once = STANDARD.encode(&gzip);
    for (text, layers) in [
        (once.clone(), 1),
        (STANDARD.encode(&once), 2),
        (STANDARD.encode(format!("a{once}")), 2),
        (STANDARD.encode(format!("ab{once}")), 2),
    ] {
        let found = detector().search(format!("data: {text}\n").as_bytes());
        assert_eq!(found.embedded.len(), 1, "{text:.20}");
        let embedded = &found.embedded[0];
        assert_eq!(
            (embedded.bytes.as_slice(), embedded.layers.len(), embedded.is_cut),
            (&gzip[..], layers, false)
        );
    }
    assert!(detector().search(b"H4sI is no archive").embedded.is_empty());
}

#[test]
fn hostile_density_is_told_and_bounded() {
    let found = detector().search("ZXlKaGJH".repeat(200_000).as_bytes());
    assert!(found.is_exhausted);
    assert!(found.hits.is_empty());
    let found = detector().search("H4sIAAAA".repeat(2_000_000).as_bytes());
    assert!(found.embedded.len() <= MAX_EMBEDDED);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_searched_without_harm(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..4000)) {
        proptest::prop_assert!(detector().search(&bytes).hits.is_empty());
    }

    #[test]
    fn a_key_is_found_in_any_surroundings(
        seed in 0_u64..1000,
        before in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        after in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
    ) {
        let key = native2(seed);
        let found = texts(&[before.as_slice(), key.as_bytes(), &after].concat());
        proptest::prop_assert!(found.iter().any(|(_, found)| *found == key), "not found: {before:?}");
    }
}

#[test]
fn invisible_characters_do_not_hide_a_key() {
    for (kind, key) in [(Kind::Native2, native2(1)), (Kind::Legacy, legacy(2)), (Kind::Gateway, gateway(3))] {
        for width in 12..60 {
            let pieces: Vec<&str> =
                key.as_bytes().chunks(width).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
            for between in ["\u{200b}", "\u{ad}", "<wbr>"] {
                finds(pieces.join(between).as_bytes(), kind, &key);
            }
        }
    }
}
