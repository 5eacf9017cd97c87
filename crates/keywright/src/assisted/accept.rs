//! Whether a text that a person gave is the key that was asked for.

use model::{
    Blame, Fingerprint, IssuedKey, Issuer as _, IssuerError, IssuerErrorKind as Kind, NewKey, Report, Retry,
    Secret, SignedDuration, Timestamp, assisted_id, rotation_in_label,
};
use n8n::KeyText;

use super::person::Turn;
use super::{AssistedIssuer, store_failed};

/// How far n8n's clock may be from ours.
const SKEW: SignedDuration = SignedDuration::from_mins(10);
/// A day picked in n8n's settings begins when it begins where its browser is.
const DAYS_ARE_WHOLE: SignedDuration = SignedDuration::from_hours(38);

impl AssistedIssuer {
    /// The key, or why it is not the one; what is wrong is told in a way that helps the person who gave it.
    pub(super) async fn accept(
        &self,
        turn: &Turn<'_>,
        wanted: &NewKey,
        secret: &Secret,
    ) -> Result<IssuedKey, IssuerError> {
        let expires_at = read(wanted, secret, self.capabilities().expiry)?;
        let fingerprint = Fingerprint::of(secret);
        let known = self.store.key_with_fingerprint(&fingerprint).await.map_err(store_failed)?;
        if let Some(known) = known {
            return Err(wrong(wanted, &format!("it is the one that `{}` has, or had", known.integration)));
        }
        if turn.was_given(&fingerprint) {
            return Err(wrong(wanted, "it was given a moment ago, for another integration"));
        }
        let proved = self.inner.prove(secret, &wanted.scopes).await;
        let proof = proved.map_err(|mut failure| {
            if failure.kind == Kind::NotProved {
                failure.report.mend = vec![
                    "mend its scopes in n8n's settings and give it again, or delete it and make another"
                        .into(),
                ];
            }
            failure
        })?;
        Ok(IssuedKey {
            native_id: assisted_id(&fingerprint),
            secret: secret.clone(),
            label: wanted.label.clone(),
            scopes: proof.scopes.unwrap_or_else(|| wanted.scopes.clone()),
            expires_at,
        })
    }
}

/// What the text says of itself: when it ends.
fn read(wanted: &NewKey, secret: &Secret, expires: bool) -> Result<Option<Timestamp>, IssuerError> {
    let claims = match KeyText::parse(secret) {
        None => return Err(wrong(wanted, "it is no API key of n8n")),
        Some(KeyText::Jwt(claims)) if claims.is_api_key() => claims,
        Some(KeyText::Jwt(_)) => {
            return Err(wrong(wanted, "it is another token of n8n's, not one of its public API"));
        }
        // It says nothing of itself.
        Some(_) => return Ok(None),
    };
    let again = |why: &str| {
        let mut failure = wrong(wanted, why);
        let tail = secret.tail();
        let mend = format!("delete it in n8n's settings (…{tail}) and make another as it is said above");
        failure.report.mend.push(mend);
        failure
    };
    let asked_at = rotation_in_label(&wanted.label)
        .and_then(|id| i64::try_from(id.0.timestamp_ms()).ok())
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    if let (Some(made), Some(asked)) = (claims.issued_at(), asked_at)
        && made < asked - SKEW
    {
        return Err(wrong(wanted, &format!("it is an older key, made at {made}")));
    }
    let ends = claims.expires_at();
    if !expires {
        return Ok(ends);
    }
    match (wanted.expires_at, ends) {
        (Some(_), None) => Err(again("it never expires")),
        (None, Some(ends)) => Err(again(&format!("it ends at {ends}, and should not by itself"))),
        (Some(end), Some(ends)) if ends - end > DAYS_ARE_WHOLE => {
            Err(again(&format!("it lives until {ends}, longer than it should")))
        }
        (Some(end), Some(ends)) if end - ends > DAYS_ARE_WHOLE => {
            Err(again(&format!("it ends at {ends}, sooner than it should")))
        }
        _ => Ok(ends),
    }
}

fn wrong(wanted: &NewKey, why: &str) -> IssuerError {
    let what = format!("that is not the key `{}`", wanted.label);
    IssuerError::new(Kind::NeedsPerson, Report::new(Blame::Operator, Retry::AfterFix, what).because(why))
}

#[cfg(test)]
mod tests {
    use model::{RotationId, Ulid, label_for};

    use super::*;

    /// Made 2026-11-01 00:00 by the text; the third ends 2026-12-01 00:00.
    const ENDLESS: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJjYW5hcnkiLCJpc3MiOiJuOG4iLCJhdWQiOiJwdWJsaWMtYXBpIiwianRpIjoiYSIsImlhdCI6MTc5MzQ5MTIwMH0.canary";
    const OF_2001: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJjYW5hcnkiLCJpc3MiOiJuOG4iLCJhdWQiOiJwdWJsaWMtYXBpIiwianRpIjoiYSIsImlhdCI6MTAwMDAwMDAwMH0.canary";
    const ENDING: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJjYW5hcnkiLCJpc3MiOiJuOG4iLCJhdWQiOiJwdWJsaWMtYXBpIiwianRpIjoiYSIsImlhdCI6MTc5MzQ5MTIwMCwiZXhwIjoxNzk2MDgzMjAwfQ.canary";

    fn check(text: &str, ends: Option<&str>, wanted: Result<Option<&str>, &str>) {
        let asked = RotationId(Ulid::from_parts(1_793_491_300_000, 7));
        let key = NewKey {
            label: label_for(&"backups".parse().unwrap(), asked),
            scopes: Vec::new(),
            expires_at: ends.map(|at| at.parse().unwrap()),
        };
        let read = read(&key, &Secret::new(text), true);
        match (read, wanted) {
            (Ok(ends), Ok(wanted)) => assert_eq!(ends, wanted.map(|at| at.parse().unwrap()), "{text}"),
            (Err(failure), Err(wanted)) => {
                assert!(failure.report.line().contains(wanted), "{}", failure.report.line());
                assert!(text.is_empty() || !format!("{failure:?}").contains(text));
            }
            (read, wanted) => panic!("{read:?}, not {wanted:?}"),
        }
    }

    #[test]
    fn only_what_was_asked_for_is_taken() {
        check(ENDLESS, None, Ok(None));
        check(ENDLESS, Some("2026-12-01T00:00:00Z"), Err("never expires"));
        check(ENDING, Some("2026-12-01T00:00:00Z"), Ok(Some("2026-12-01T00:00:00Z")));
        check(ENDING, Some("2026-11-30T00:00:00Z"), Ok(Some("2026-12-01T00:00:00Z")));
        check(ENDING, Some("2026-12-02T00:00:00Z"), Ok(Some("2026-12-01T00:00:00Z")));
        check(ENDING, Some("2026-11-29T00:00:00Z"), Err("longer than it should"));
        check(ENDING, Some("2026-12-03T00:00:00Z"), Err("sooner than it should"));
        check(ENDING, None, Err("should not by itself"));
        check(OF_2001, None, Err("an older key"));
        check(&format!("n8n_api_{}", "0c".repeat(40)), None, Ok(None));
        check("canary", None, Err("no API key of n8n"));
        check("", None, Err("no API key of n8n"));
    }
}
