//! When keys are due, by arithmetic of its own: nothing here is shared with what is under test.

pub(super) const MINUTE_S: i64 = 60;
pub(super) const HOUR_S: i64 = 3_600;
pub(super) const DAY_S: i64 = 86_400;

/// A rule for turning a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// So many days after its making.
    Days(i64),
    /// `0 0 29 2 *`
    LeapDay,
    /// `0 3 1 */3 *`
    Quarterly,
    /// `30 2 31 * *`
    ThirtyFirst,
    /// `15 4 * * 1`
    Mondays,
}

/// Year, month and day of a number of days since 1970-01-01, month by month.
pub(super) fn civil(days: i64) -> (i64, i64, i64) {
    // From 1600-03-01, so that leap days are last in their years, and every 400 years are alike.
    let since = days + 135_080;
    let (era, day) = (since.div_euclid(146_097), since.rem_euclid(146_097));
    let century = (day / 36_524).min(3);
    let day = day - century * 36_524;
    let four = day / 1_461;
    let day = day - four * 1_461;
    let year = (day / 365).min(3);
    let mut day = day - year * 365;
    let mut month = 3;
    for length in [31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 29] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let year = 1600 + era * 400 + century * 100 + four * 4 + year;
    if month > 12 { (year + 1, month - 12, day + 1) } else { (year, month, day + 1) }
}

impl Rule {
    /// The second of the day that it names, if it names the day.
    fn on(self, days: i64) -> Option<i64> {
        let (_, month, day) = civil(days);
        // 1970-01-01 was a Thursday.
        let monday = (days + 3).rem_euclid(7) == 0;
        match self {
            Self::Days(_) => None,
            Self::LeapDay => (month == 2 && day == 29).then_some(0),
            Self::Quarterly => (day == 1 && month % 3 == 1).then_some(3 * HOUR_S),
            Self::ThirtyFirst => (day == 31).then_some(2 * HOUR_S + 30 * MINUTE_S),
            Self::Mondays => monday.then_some(4 * HOUR_S + 15 * MINUTE_S),
        }
    }

    /// The first of its times after this second; `None` for a rule without a calendar.
    pub(super) fn next_after(self, after_s: i64) -> Option<i64> {
        let first = after_s.div_euclid(DAY_S);
        let mut times = (first..first + 9 * 366).filter_map(|day| Some(day * DAY_S + self.on(day)?));
        times.find(|at| *at > after_s)
    }

    /// The last of its times by this second.
    pub(super) fn last_by(self, by_s: i64) -> Option<i64> {
        let last = by_s.div_euclid(DAY_S);
        let mut times = (last - 9 * 366..=last).rev().filter_map(|day| Some(day * DAY_S + self.on(day)?));
        times.find(|at| *at <= by_s)
    }
}

#[test]
fn days_have_the_dates_that_people_give_them() {
    for (days, date) in [
        (0, (1970, 1, 1)),
        (-1, (1969, 12, 31)),
        (11_016, (2000, 2, 29)),
        (11_017, (2000, 3, 1)),
        (21_243, (2028, 2, 29)),
        (47_540, (2100, 2, 28)),
        (47_541, (2100, 3, 1)),
    ] {
        assert_eq!(civil(days), date);
    }
    let at = |text: &str| text.parse::<model::Timestamp>().unwrap().as_second();
    let check = |rule: Rule, after: &str, next: &str| {
        assert_eq!(rule.next_after(at(after)), Some(at(next)), "{rule:?} after {after}");
        assert_eq!(rule.last_by(at(next)), Some(at(next)));
    };
    check(Rule::LeapDay, "2026-11-27T00:00:00Z", "2028-02-29T00:00:00Z");
    check(Rule::LeapDay, "2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z");
    check(Rule::ThirtyFirst, "2027-01-31T02:30:00Z", "2027-03-31T02:30:00Z");
    check(Rule::Quarterly, "2026-11-27T00:00:00Z", "2027-01-01T03:00:00Z");
    check(Rule::Mondays, "2026-11-27T00:00:00Z", "2026-11-30T04:15:00Z");
}
