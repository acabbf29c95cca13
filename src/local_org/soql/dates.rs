//! Dates in words: `TODAY`, `LAST_N_DAYS:7`. Each stands for a span of days.
//!
//! Days are those of UTC, the time zone of the org's only user; weeks begin on Sunday, fiscal years in January.
//! Spans follow the list of date literals in the SOQL reference: `LAST_N_DAYS:n` reaches back from today and holds it;
//! every other `LAST_…` ends before the current week, month, quarter or year, and every `NEXT_…` begins after it.

use jiff::civil::Date;
use jiff::{Span, Timestamp, tz::TimeZone};

/// Days from the first, up to the one behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) first: Date,
    pub(super) behind: Date,
}

/// Whether a word, in capitals, takes a number behind a colon; nothing when it is no such word.
pub(super) fn takes_count(word: &str) -> Option<bool> {
    let (_, _, counted) = read(word)?;
    Some(counted)
}

/// The days that a word stands for at a moment in milliseconds; nothing when they lie outside the calendar.
pub(super) fn days(word: &str, count: Option<i32>, now: i64) -> Option<Days> {
    let (unit, reach, _) = read(word)?;
    let count = count.unwrap_or(1);
    let today = Timestamp::from_millisecond(now).ok()?.to_zoned(TimeZone::UTC).date();
    let this = unit.start(today)?;
    let (first, behind) = match reach {
        Reach::This => (0, 1),
        // Days alone count the current one among the last.
        Reach::Last if unit == Unit::Day => (count.checked_neg()?, 1),
        Reach::Last => (count.checked_neg()?, 0),
        Reach::Next => (1, count.checked_add(1)?),
        Reach::Ago => (count.checked_neg()?, 1_i32.checked_sub(count)?),
        Reach::Fixed(first) => (first, first + 1),
        Reach::Ninety(first, behind) => (first, behind),
    };
    Some(Days { first: unit.add(this, first)?, behind: unit.add(this, behind)? })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// Which units around the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    This,
    Last,
    Next,
    Ago,
    /// The one that many away.
    Fixed(i32),
    /// From, up to behind.
    Ninety(i32, i32),
}

/// Unit, reach, and whether a number follows.
fn read(word: &str) -> Option<(Unit, Reach, bool)> {
    match word {
        "YESTERDAY" => return Some((Unit::Day, Reach::Fixed(-1), false)),
        "TODAY" => return Some((Unit::Day, Reach::Fixed(0), false)),
        "TOMORROW" => return Some((Unit::Day, Reach::Fixed(1), false)),
        "LAST_90_DAYS" => return Some((Unit::Day, Reach::Ninety(-90, 1), false)),
        "NEXT_90_DAYS" => return Some((Unit::Day, Reach::Ninety(1, 91), false)),
        _ => {}
    }
    if let Some(rest) = word.strip_prefix("N_").and_then(|rest| rest.strip_suffix("S_AGO")) {
        return Some((Unit::parse(rest)?, Reach::Ago, true));
    }
    for (prefix, reach) in [("LAST_N_", Reach::Last), ("NEXT_N_", Reach::Next)] {
        if let Some(rest) = word.strip_prefix(prefix) {
            return Some((Unit::parse(rest.strip_suffix('S')?)?, reach, true));
        }
    }
    for (prefix, reach) in [("THIS_", Reach::This), ("LAST_", Reach::Fixed(-1)), ("NEXT_", Reach::Fixed(1))] {
        if let Some(rest) = word.strip_prefix(prefix) {
            return Some((Unit::parse(rest).filter(|unit| *unit != Unit::Day)?, reach, false));
        }
    }
    None
}

impl Unit {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "DAY" => Some(Self::Day),
            "WEEK" => Some(Self::Week),
            "MONTH" => Some(Self::Month),
            "QUARTER" | "FISCAL_QUARTER" => Some(Self::Quarter),
            "YEAR" | "FISCAL_YEAR" => Some(Self::Year),
            _ => None,
        }
    }

    /// The first day of the unit that a day is in.
    fn start(self, day: Date) -> Option<Date> {
        match self {
            Self::Day => Some(day),
            Self::Week => {
                let since = i64::from(day.weekday().to_sunday_zero_offset());
                day.checked_sub(Span::new().try_days(since).ok()?).ok()
            }
            Self::Month => Some(day.first_of_month()),
            Self::Quarter => Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1).ok(),
            Self::Year => Some(day.first_of_year()),
        }
    }

    /// A day that many units on.
    fn add(self, day: Date, count: i32) -> Option<Date> {
        let count = i64::from(count);
        let span = match self {
            Self::Day => Span::new().try_days(count),
            Self::Week => Span::new().try_weeks(count),
            Self::Month => Span::new().try_months(count),
            Self::Quarter => Span::new().try_months(count * 3),
            Self::Year => Span::new().try_years(count),
        };
        day.checked_add(span.ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{days, takes_count};
    use crate::local_org::text::parse_moment;

    #[test]
    fn spans() {
        // A Wednesday in the second quarter.
        let now = parse_moment("2024-05-15T23:30:00Z").unwrap();
        for (word, count, first, behind) in [
            ("TODAY", None, "2024-05-15", "2024-05-16"),
            ("YESTERDAY", None, "2024-05-14", "2024-05-15"),
            ("TOMORROW", None, "2024-05-16", "2024-05-17"),
            ("LAST_WEEK", None, "2024-05-05", "2024-05-12"),
            ("THIS_WEEK", None, "2024-05-12", "2024-05-19"),
            ("NEXT_MONTH", None, "2024-06-01", "2024-07-01"),
            ("LAST_90_DAYS", None, "2024-02-15", "2024-05-16"),
            ("NEXT_90_DAYS", None, "2024-05-16", "2024-08-14"),
            ("LAST_N_DAYS", Some(7), "2024-05-08", "2024-05-16"),
            ("NEXT_N_DAYS", Some(2), "2024-05-16", "2024-05-18"),
            ("N_DAYS_AGO", Some(3), "2024-05-12", "2024-05-13"),
            ("LAST_N_MONTHS", Some(2), "2024-03-01", "2024-05-01"),
            ("THIS_QUARTER", None, "2024-04-01", "2024-07-01"),
            ("LAST_FISCAL_QUARTER", None, "2024-01-01", "2024-04-01"),
            ("N_QUARTERS_AGO", Some(2), "2023-10-01", "2024-01-01"),
            ("NEXT_N_YEARS", Some(2), "2025-01-01", "2027-01-01"),
        ] {
            let found = days(word, count, now).unwrap();
            assert_eq!(
                (found.first.to_string(), found.behind.to_string()),
                (first.into(), behind.into()),
                "{word}"
            );
        }
    }

    #[test]
    fn other_words_and_counts_beyond_the_calendar_are_none() {
        for word in ["THIS_DAY", "LAST_N_", "N_S_AGO", "NOW", "", "LAST_", "NEXT_N_WEEK"] {
            assert_eq!(takes_count(word), None, "{word}");
        }
        assert_eq!((takes_count("N_WEEKS_AGO"), takes_count("THIS_YEAR")), (Some(true), Some(false)));
        for count in [i32::MAX, i32::MIN] {
            assert_eq!(days("LAST_N_DAYS", Some(count), 0), None);
            assert_eq!(days("N_YEARS_AGO", Some(count), 0), None);
        }
    }
}
