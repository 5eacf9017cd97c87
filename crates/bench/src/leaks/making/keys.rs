//! Keys as n8n makes them, signed by nobody, in the lines that people leave them in.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::dice::Dice;
use super::text::Kind;

/// A key that was planted, and how.
pub(crate) struct Planted {
    pub(crate) secret: String,
    pub(crate) form: &'static str,
}

/// Makes a key, and the line that holds it in a file of that kind.
pub(crate) fn plant(kind: Kind, dice: &mut Dice) -> (Planted, Vec<u8>) {
    let secret = match dice.below(10) {
        0 => legacy(dice),
        1..=3 => native(dice, ""),
        _ => {
            let claim = format!(",\"jti\":\"{}\"", uuid(dice));
            native(dice, &claim)
        }
    };
    let (form, line) = match (kind, dice.below(5)) {
        (_, 0) => ("base64 value", format!("auth: {}\n", STANDARD.encode(&secret))),
        (_, 1) => {
            let filler = "#".repeat(dice.below(3));
            let text = format!("{filler}N8N_API_KEY={secret}\n");
            ("base64 line", format!("env_file: {}\n", STANDARD.encode(text)))
        }
        (Kind::Json | Kind::Lock, _) => ("json", format!("\t\t\"apiKey\": \"{secret}\",\n")),
        (Kind::Prose, _) => {
            ("curl", format!("curl -H 'X-N8N-API-KEY: {secret}' https://n8n.example/api/v1\n"))
        }
        (Kind::Markup, _) => ("yaml", format!("  n8nApiKey: {secret}\n")),
        (_, 2) => ("dotenv", format!("N8N_API_KEY={secret}\n")),
        _ => ("literal", format!("\tconst apiKey = '{secret}';\n")),
    };
    (Planted { secret, form }, line.into_bytes())
}

/// A token of those claims; its signature is chance.
pub(crate) fn signed(claims: &str, dice: &mut Dice) -> String {
    let mut signature = [0; 32];
    dice.fill(&mut signature);
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    format!("{header}.{}.{}", URL_SAFE_NO_PAD.encode(claims), URL_SAFE_NO_PAD.encode(signature))
}

fn native(dice: &mut Dice, further: &str) -> String {
    let issued_at_s = 1_600_000_000 + dice.below(170_000_000);
    let claims = format!(
        "{{\"sub\":\"{}\",\"iss\":\"n8n\",\"aud\":\"public-api\"{further},\"iat\":{issued_at_s}}}",
        uuid(dice)
    );
    signed(&claims, dice)
}

fn legacy(dice: &mut Dice) -> String {
    format!("n8n_api_{}", hex(80, dice))
}

fn uuid(dice: &mut Dice) -> String {
    let mut part = |digits| hex(digits, dice);
    format!("{}-{}-4{}-a{}-{}", part(8), part(4), part(3), part(3), part(12))
}

fn hex(digits: usize, dice: &mut Dice) -> String {
    (0..digits).map(|_| char::from(dice.pick(b"0123456789abcdef"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_holds_its_key() {
        let mut dice = Dice::new(3);
        let mut forms = std::collections::BTreeSet::new();
        for round in 0..200 {
            let kind = [Kind::Code, Kind::Json, Kind::Prose, Kind::Markup][round % 4];
            let (planted, line) = plant(kind, &mut dice);
            let line = String::from_utf8(line).unwrap();
            let held = match planted.form {
                "base64 value" | "base64 line" => {
                    let encoded = line.trim_end().rsplit(' ').next().unwrap();
                    String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
                }
                _ => line,
            };
            assert!(held.contains(&planted.secret), "{}: {held}", planted.form);
            forms.insert(planted.form);
        }
        assert_eq!(forms.len(), 7, "{forms:?}");
    }

    #[test]
    fn a_native_key_has_the_claims_of_one() {
        let key = native(&mut Dice::new(1), "");
        let claims = URL_SAFE_NO_PAD.decode(key.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!((&claims["iss"], &claims["aud"]), (&"n8n".into(), &"public-api".into()));
        assert_eq!(claims["sub"].as_str().unwrap().len(), 36);
    }
}
