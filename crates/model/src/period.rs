//! Lengths of time as people write them: `90d`, `24h`, `0s`.

use crate::SignedDuration;

const UNITS: [(char, u64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// A length of time in whole seconds, at most ten years. A day is 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Period(u64);

/// A text that is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a length of time; write a number and a unit, such as `90d`, `24h`, `30m`, `0s` (at most ten years)"
)]
pub struct PeriodError(String);

impl Period {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    const MAX_S: u64 = 3_660 * 86_400;

    /// From days.
    pub const fn days(days: u32) -> Self {
        Self(days as u64 * 86_400)
    }

    /// From seconds.
    pub const fn seconds(seconds: u32) -> Self {
        Self(seconds as u64)
    }

    /// Its whole seconds.
    pub const fn as_seconds(self) -> u64 {
        self.0
    }

    /// The same as a duration that instants can be moved by.
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_secs(i64::try_from(self.0).unwrap_or(i64::MAX))
    }
}

impl std::ops::Add for Period {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::str::FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || PeriodError(text.chars().take(24).flat_map(char::escape_default).collect());
        let unit = text.chars().next_back().ok_or_else(refused)?;
        let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(refused)?;
        let number = text.strip_suffix(unit).unwrap_or_default();
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(refused());
        }
        let total = number.parse::<u64>().ok().and_then(|n| n.checked_mul(*seconds));
        total.filter(|total| *total <= Self::MAX_S).map(Self).ok_or_else(refused)
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Weeks are read but not written: `90d` should come back as `90d`, and `14d` too.
        let unit = UNITS.iter().skip(1).find(|(_, seconds)| self.0 != 0 && self.0.is_multiple_of(*seconds));
        let (name, seconds) = unit.unwrap_or(&('s', 1));
        write!(f, "{}{name}", self.0 / seconds)
    }
}

impl TryFrom<String> for Period {
    type Error = PeriodError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, seconds: u64, shown: &str) {
        let period: Period = text.parse().unwrap();
        assert_eq!((period.as_seconds(), period.to_string().as_str()), (seconds, shown));
    }

    #[test]
    fn reads_and_shows() {
        check("90d", 7_776_000, "90d");
        check("24h", 86_400, "1d");
        check("2w", 1_209_600, "14d");
        check("90m", 5_400, "90m");
        check("0s", 0, "0s");
    }

    #[test]
    fn refuses() {
        for bad in ["", "d", "1", "1.5d", "-1d", "+1d", "1y", "99999999999999999999d", "4000d", "1 d", "١d"]
        {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }
}
