//! Near misses: what looks like a key and is none, or is excused.
use crate::chance::Chance;
use crate::keys::{Key, checksum, claims, token};
use crate::truth::{Decoy, Kind, Place, fingerprint};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Makes a near miss.
type Make = fn(&mut Chance) -> String;

/// What is wrong with it, how it is made, and the line that it stands in.
const CLASSES: &[(&str, Make, &str)] = &[
    ("other_audience", |c| with(c, "n8n", "public-api-v2"), KEY),
    ("other_audience", |c| with(c, "n8n", "Public-API"), KEY),
    ("other_audience", |c| with(c, "n8n", "public_api"), KEY),
    ("other_audience", |c| with(c, "n8n", "private-api"), KEY),
    ("other_audience", |c| with(c, "n8n", ""), KEY),
    ("audience_in_other_claim", |c| tokened(c, r#"{"sub":"public-api","iss":"n8n","aud":"web"}"#), KEY),
    (
        "audience_in_text",
        |c| tokened(c, r#"{"note":"\"iss\":\"n8n\",\"aud\":\"public-api\"","iss":"x"}"#),
        KEY,
    ),
    ("claims_nested", |c| tokened(c, r#"{"sub":"1","data":{"iss":"n8n","aud":"public-api"}}"#), KEY),
    ("other_issuer", |c| with(c, "n8n.io", "public-api"), KEY),
    ("other_issuer", |c| with(c, "N8N", "public-api"), KEY),
    ("other_issuer", |c| with(c, "not-n8n", "public-api"), KEY),
    ("other_issuer", |c| with(c, "https://n8n.corp.test", "public-api"), KEY),
    ("no_issuer", |c| tokened(c, r#"{"sub":"a","aud":"public-api","iat":1700000000}"#), KEY),
    (
        "other_service",
        |c| tokened(c, r#"{"iss":"https://accounts.corp.test","aud":"api","exp":1893456000}"#),
        KEY,
    ),
    (
        "other_service",
        |c| tokened(c, r#"{"role":"anon","iss":"supabase","iat":1700000000,"exp":2000000000}"#),
        KEY,
    ),
    ("other_service", |c| tokened(c, r#"{"sub":"1234567890","name":"John Doe","iat":1516239022}"#), KEY),
    ("signature_cut", |c| cut(c, 12), KEY),
    ("signature_cut", |c| cut(c, 1), KEY),
    ("signature_missing", |c| cut(c, 43), KEY),
    ("signature_impossible", impossible, KEY),
    ("payload_cut", payload_cut, KEY),
    (
        "payload_no_json",
        |c| format!("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ{}.{}", c.base62(120), c.base62(43)),
        KEY,
    ),
    ("legacy_short", |c| format!("n8n_api_{}", c.hex(79)), KEY),
    ("legacy_long", |c| format!("n8n_api_{}", c.hex(81)), KEY),
    ("legacy_not_hexadecimal", |c| format!("n8n_api_{}g{}", c.hex(40), c.hex(39)), KEY),
    (
        "gateway_wrong_checksum",
        |c| gateway(c, |sum| if sum == "000000" { "000001" } else { "000000" }.to_owned()),
        KEY,
    ),
    ("gateway_wrong_checksum", |c| gateway(c, |sum| sum.chars().rev().collect()), KEY),
    ("gateway_short", |c| gateway(c, |sum| sum.chars().take(5).collect()), KEY),
    ("example_native", example, "The key looks like `¤`.\n"),
    ("example_legacy", |c| format!("n8n_api_{}", c.hex(1).repeat(80)), "N8N_API_KEY=¤\n"),
    ("placeholder", |_| "${N8N_ENCRYPTION_KEY}".to_owned(), "N8N_ENCRYPTION_KEY=¤\n"),
    ("placeholder", |_| "<your-encryption-key>".to_owned(), "N8N_ENCRYPTION_KEY=¤\n"),
    ("placeholder", |_| "changeme".to_owned(), "{\"encryptionKey\": \"¤\"}\n"),
    ("placeholder", |_| "{{ vault.n8n_key }}".to_owned(), "N8N_ENCRYPTION_KEY: \"¤\"\n"),
    ("placeholder", |_| "n8n_api_".to_owned() + &"x".repeat(80), KEY),
    ("integrity", |c| format!("sha512-{}", c.base64(64)), "    \"integrity\": \"¤\",\n"),
    ("source_map", source_map, "//# sourceMappingURL=data:application/json;base64,¤\n"),
    ("allowed_line", native, "N8N_API_KEY=¤ # keywright:allow in tests\n"),
    ("allowed_line", |c| Key::make(Kind::Gateway, c).text, "key: ¤ // keywright:allow\n"),
    ("allowed_line", |c| Key::make(Kind::Legacy, c).text, "<!-- keywright:allow --> ¤\n"),
    (
        "webhook_without_credentials",
        |c| format!("https://n8n.corp.test/webhook-test/{}", c.uuid()),
        "curl ¤\n",
    ),
    ("cookie_of_others", |c| tokened(c, r#"{"user":"ana","admin":true}"#), "Cookie: session=¤\n"),
];

const KEY: &str = "N8N_API_KEY=¤\n";

/// All of them for one place: path, content, and the entry in the truth.
pub(crate) fn all(seed: u64, place: Place) -> Vec<(Vec<u8>, Decoy)> {
    let folder = match place {
        Place::History => "docs/near",
        Place::Tree => "local/near",
    };
    let one = |(number, (class, make, template)): (usize, &(&str, Make, &str))| {
        let mut chance = Chance::of(seed, &format!("{folder}/{number}"));
        let text = make(&mut chance);
        let content = format!("{}{}{}", chance.prose(120), template.replace('¤', &text), chance.prose(90));
        let decoy = Decoy {
            id: String::new(),
            class: (*class).to_owned(),
            fingerprint: fingerprint(&text),
            place,
            path: format!("{folder}/{}-{number}.txt", class.replace('_', "-")),
        };
        (content.into_bytes(), decoy)
    };
    CLASSES.iter().enumerate().map(one).collect()
}

fn native(chance: &mut Chance) -> String {
    Key::make(Kind::Native2, chance).text
}

fn with(chance: &mut Chance, issuer: &str, audience: &str) -> String {
    let claims = claims(chance, issuer, audience);
    token(&claims, chance)
}

fn tokened(chance: &mut Chance, claims: &str) -> String {
    token(claims, chance)
}

fn cut(chance: &mut Chance, by: usize) -> String {
    let key = native(chance);
    key.get(..key.len() - by).unwrap_or_default().to_owned()
}

/// 43 characters hold 258 bits; the last two of them must be zero in a hash of 256.
fn impossible(chance: &mut Chance) -> String {
    let mut key = native(chance);
    key.pop();
    key.push(char::from(chance.one_of(b"BCDFGHJKLNOPRSTV")));
    key
}

fn payload_cut(chance: &mut Chance) -> String {
    let key = native(chance);
    let mut parts = key.split('.');
    let (head, body, end) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    format!("{head}.{}.{end}", body.get(..body.len() - 23).unwrap_or_default())
}

fn gateway(chance: &mut Chance, wrong: fn(String) -> String) -> String {
    let before = format!("keywright_{}{}", chance.base62(12), chance.base62(32));
    let sum = checksum(&before);
    let wrong = wrong(sum.clone());
    // A checksum that reads the same from both ends would be right.
    if wrong == sum { format!("{before}000000") } else { before + &wrong }
}

fn example(chance: &mut Chance) -> String {
    let key = with(chance, "n8n", "public-api");
    let (signed, _) = key.rsplit_once('.').unwrap_or_default();
    format!("{signed}.{}EXAMPLE{}A", chance.base62(15), chance.base62(20))
}

fn source_map(chance: &mut Chance) -> String {
    let (names, mappings) = (chance.base62(30), chance.base62(400));
    let map = format!(
        r#"{{"version":3,"sources":["n8n.ts","public-api.ts"],"names":["{names}"],"mappings":"{mappings}"}}"#
    );
    let header = URL_SAFE_NO_PAD.encode(r#"{"version""#);
    debug_assert!(header.starts_with("eyJ2ZXJz"), "source maps begin like tokens");
    STANDARD.encode(map)
}
