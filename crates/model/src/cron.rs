//! Schedules as cron writes them: `0 3 1 */3 *`. Always UTC.

use std::cmp::Ordering;

use croner::errors::CronError as CronerError;
use croner::time::{CivilDateTime, CronDateTime, Resolution, Weekday};

use crate::{SignedDuration, Timestamp};

/// Longest accepted pattern, in bytes.
const MAX_BYTES: usize = 200;

/// Minute, hour, day of month, month, day of week, in UTC.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Cron {
    text: String,
    pattern: Box<croner::Cron>,
}

impl Eq for Cron {}

/// A text that is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a cron schedule: {why}; write minute, hour, day of month, month and day of week, such as `0 3 1 */3 *` (UTC)"
)]
pub struct CronError {
    text: String,
    why: &'static str,
}

impl Cron {
    /// The first instant after `after` that it names; `None` if there is none within the calendar.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.pattern.find_next_occurrence(&Utc::new(after)?, false).ok().map(|found| found.at)
    }
}

impl std::str::FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused =
            |why| CronError { text: text.chars().take(60).flat_map(char::escape_default).collect(), why };
        if text.len() > MAX_BYTES {
            return Err(refused("it is too long"));
        }
        // `@daily` and the like say less than they seem to, and seconds are not for keys.
        if text.split_ascii_whitespace().count() != 5 {
            return Err(refused("it has not five fields"));
        }
        let pattern =
            text.parse().map_err(|_fault: CronerError| refused("a field is out of range or malformed"))?;
        let cron = Self {
            text: text.split_ascii_whitespace().collect::<Vec<_>>().join(" "),
            pattern: Box::new(pattern),
        };
        // From any instant, so that `0 0 30 2 *` is found out now.
        match cron.next_after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(cron),
            None => Err(refused("no day is ever like that")),
        }
    }
}

impl std::fmt::Display for Cron {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Cron {
    type Error = CronError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.text
    }
}

/// An instant, as the pattern's search wants it.
#[derive(Clone)]
struct Utc {
    at: Timestamp,
    civil: CivilDateTime,
    weekday: Weekday,
}

impl Utc {
    /// `None` outside of the search's calendar.
    fn new(at: Timestamp) -> Option<Self> {
        let datetime = jiff::tz::TimeZone::UTC.to_datetime(at);
        let part = |part: i8| u32::try_from(part).ok();
        let civil = CivilDateTime::from_ymd_hms_opt(
            i32::from(datetime.year()),
            part(datetime.month())?,
            part(datetime.day())?,
            part(datetime.hour())?,
            part(datetime.minute())?,
            part(datetime.second())?,
        )?;
        let weekday = Weekday::from_days_from_sunday(part(datetime.weekday().to_sunday_zero_offset())?);
        Some(Self { at, civil, weekday })
    }
}

impl CronDateTime for Utc {
    fn to_civil(&self) -> CivilDateTime {
        self.civil
    }

    fn civil_weekday(&self) -> Weekday {
        self.weekday
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronerError> {
        let part = |part: u32| i8::try_from(part).map_err(|_large| CronerError::InvalidDate);
        let year = i16::try_from(civil.year()).map_err(|_large| CronerError::InvalidDate)?;
        let at = jiff::civil::DateTime::new(
            year,
            part(civil.month())?,
            part(civil.day())?,
            part(civil.hour())?,
            part(civil.minute())?,
            part(civil.second())?,
            0,
        );
        let at = at.and_then(|at| jiff::tz::TimeZone::UTC.to_timestamp(at));
        at.ok().and_then(Self::new).map(Resolution::Single).ok_or(CronerError::InvalidDate)
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.at.checked_add(SignedDuration::from_secs(seconds)).ok().and_then(Self::new)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, after: &str, next: &str) {
        let cron: Cron = pattern.parse().unwrap();
        let found = cron.next_after(after.parse().unwrap()).unwrap();
        assert_eq!(found, next.parse::<Timestamp>().unwrap(), "{pattern} after {after}");
    }

    #[test]
    fn the_next_instant_is_found() {
        check("0 3 1 */3 *", "2026-11-24T17:00:00Z", "2027-01-01T03:00:00Z");
        check("0 3 * * 1", "2026-11-24T17:00:00Z", "2026-11-30T03:00:00Z");
        check("0 0 29 2 *", "2026-11-24T17:00:00Z", "2028-02-29T00:00:00Z");
        check("0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z");
        check("30 2 31 * *", "2026-02-01T00:00:00Z", "2026-03-31T02:30:00Z");
        // Strictly after, whatever the fraction.
        check("0 3 * * *", "2026-11-24T03:00:00Z", "2026-11-25T03:00:00Z");
        check("0 3 * * *", "2026-11-24T02:59:59.999999Z", "2026-11-24T03:00:00Z");
    }

    #[test]
    fn refuses() {
        for bad in
            ["", "daily", "@daily", "* * * *", "0 0 3 * * *", "60 3 * * *", "0 0 30 2 *", "0 3 * * mond\u{7}"]
        {
            let error = bad.parse::<Cron>().unwrap_err().to_string();
            assert!(!error.contains('\u{7}') && error.contains("such as"), "{error}");
        }
    }

    #[test]
    fn comes_back_as_it_was_written() {
        let cron: Cron = "0  3 1 */3 *".parse().unwrap();
        assert_eq!(serde_json::to_string(&cron).unwrap(), "\"0 3 1 */3 *\"");
    }
}
