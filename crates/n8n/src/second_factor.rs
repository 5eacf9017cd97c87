//! From a second factor to the code that is sent. Pure.

use model::{SecondFactor, Secret, Timestamp};
use totp_rs::{Algorithm, Builder, Totp};

use crate::report::{Explain as _, error};
use model::{IssuerError, IssuerErrorKind};

/// One way through the second factor.
#[derive(Clone, Debug)]
pub(crate) enum Code {
    /// A code of an authenticator.
    Totp(Secret),
    /// A recovery code.
    Recovery(Secret),
}

/// The codes to try, the best first: for a seed this step's, then the next one's (a clock that is slow, or a
/// code that was used a moment ago).
pub(crate) fn codes(factor: &SecondFactor, now: Timestamp) -> Result<Vec<Code>, IssuerError> {
    let typed = |secret: &Secret| Secret::new(secret.expose().split_whitespace().collect::<String>());
    match factor {
        SecondFactor::Code(code) => Ok(vec![Code::Totp(typed(code))]),
        SecondFactor::RecoveryCode(code) => Ok(vec![Code::Recovery(typed(code))]),
        SecondFactor::TotpSeed(seed) => {
            let totp = totp(seed.expose().trim())?;
            let now_s = u64::try_from(now.as_second()).unwrap_or(0);
            let at = |time_s| Code::Totp(Secret::new(totp.generate(time_s).to_string()));
            Ok(vec![at(now_s), at(totp.next_step(now_s))])
        }
    }
}

fn totp(seed: &str) -> Result<Totp, IssuerError> {
    // The seed is never quoted.
    let refused = |why: &str| {
        error(IssuerErrorKind::LoginRefused, "the TOTP seed is not usable")
            .because(why)
            .mend("give the Base32 text that n8n showed when two-factor was set up, or its `otpauth://` URL")
    };
    if !seed.to_ascii_lowercase().starts_with("otpauth:") {
        return build(seed, Algorithm::SHA1, 6, 30).ok_or_else(|| refused("it is not Base32"));
    }
    let url = url::Url::parse(seed).map_err(|_unreadable| refused("the `otpauth://` URL cannot be read"))?;
    let parameter = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
    let algorithm = match parameter("algorithm").as_deref().map(str::to_ascii_uppercase).as_deref() {
        None | Some("SHA1") => Algorithm::SHA1,
        Some("SHA256") => Algorithm::SHA256,
        Some("SHA512") => Algorithm::SHA512,
        Some(_) => return Err(refused("its `algorithm` is not SHA1, SHA256 or SHA512")),
    };
    let digits = parameter("digits").map_or(Some(6), |d| d.parse().ok());
    let digits =
        digits.filter(|d| (6..=8).contains(d)).ok_or_else(|| refused("its `digits` are not 6 to 8"))?;
    let period = parameter("period").map_or(Some(30), |p| p.parse().ok());
    let period =
        period.filter(|p| (5..=300).contains(p)).ok_or_else(|| refused("its `period` is not 5 to 300"))?;
    let secret = parameter("secret").ok_or_else(|| refused("it has no `secret`"))?;
    build(&secret, algorithm, digits, period).ok_or_else(|| refused("its `secret` is not Base32"))
}

fn build(base32: &str, algorithm: Algorithm, digits: u8, period_s: u64) -> Option<Totp> {
    let plain: String = base32
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '='))
        .collect::<String>()
        .to_uppercase();
    let seed = totp_rs::Secret::try_from_base32(zeroize::Zeroizing::new(plain).as_str()).ok()?;
    if seed.as_bytes().is_empty() {
        return None;
    }
    let builder = Builder::new().with_algorithm(algorithm).with_digits(digits).with_step_duration(period_s);
    // n8n's seeds are its own; how long they are is not ours to judge.
    Some(builder.with_secret(seed).build_noncompliant())
}

#[cfg(test)]
mod tests {
    use super::*;

    // The seed of RFC 6238's test vectors, "12345678901234567890".
    const EXAMPLE_SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn first(factor: &SecondFactor, now_s: i64) -> String {
        match codes(factor, Timestamp::from_second(now_s).unwrap()).unwrap().remove(0) {
            Code::Totp(code) | Code::Recovery(code) => code.expose().to_owned(),
        }
    }

    fn seed(text: &str) -> SecondFactor {
        SecondFactor::TotpSeed(Secret::new(text))
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        assert_eq!(first(&seed(EXAMPLE_SEED), 59), "287082");
        assert_eq!(first(&seed(EXAMPLE_SEED), 1_111_111_109), "081804");
    }

    #[test]
    fn a_seed_is_taken_as_people_copy_it() {
        for same in [
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq".to_owned(),
            format!("  {EXAMPLE_SEED}====\n"),
            format!("otpauth://totp/n8n:a%40example.com?secret={EXAMPLE_SEED}&issuer=n8n&period=30"),
            format!("otpauth://totp/n8n?digits=6&algorithm=sha1&secret={}", EXAMPLE_SEED.to_lowercase()),
        ] {
            assert_eq!(first(&seed(&same), 59), "287082", "{same}");
        }
    }

    #[test]
    fn the_second_try_is_the_next_step() {
        let all = codes(&seed(EXAMPLE_SEED), Timestamp::from_second(29).unwrap()).unwrap();
        let [Code::Totp(_), Code::Totp(next)] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(next.expose(), "287082");
    }

    #[test]
    fn a_bad_seed_is_refused_unquoted() {
        for bad in ["", "canary!", "otpauth://totp/x", "otpauth://totp/x?secret=canary1&digits=99"] {
            let error = codes(&seed(bad), Timestamp::UNIX_EPOCH).unwrap_err();
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
    }

    #[test]
    fn typed_codes_lose_their_spaces() {
        assert_eq!(first(&SecondFactor::Code(Secret::new(" 123 456\n")), 0), "123456");
        assert_eq!(first(&SecondFactor::RecoveryCode(Secret::new("ab-cd ")), 0), "ab-cd");
    }
}
