//! `--until`: a time of the clock on the wall, or a full one, as milliseconds since 1970.

use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{EngineError, Exit};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// When nothing more is to begin. `now`: milliseconds since 1970; `zone`: where the clock on the wall hangs.
///
/// # Errors
/// 64 for what is no time, or one that has passed.
pub(super) fn until(text: &str, now: i64, zone: &TimeZone) -> Result<i64, EngineError> {
    let at = match clock_time(text) {
        Some(time) => next(time, now, zone),
        None => text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond),
    };
    let at = at.ok_or_else(|| wrong(format!("`--until {text}`: this is no time")))?;
    if at <= now {
        return Err(wrong(format!("`--until {text}`: this time has passed")));
    }
    Ok(at)
}

/// The zone of this machine, or the one that `TZ` names.
pub(super) fn here() -> TimeZone {
    TimeZone::system()
}

/// `HH:MM`, and nothing else.
fn clock_time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |part: &str| part.parse::<i8>().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit()));
    let minute = Some(minute).filter(|m| m.len() == 2)?;
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

/// The next moment at which the clock shows this time.
fn next(time: Time, now: i64, zone: &TimeZone) -> Option<i64> {
    let now = Timestamp::from_millisecond(now).ok()?.to_zoned(zone.clone());
    let on = |day: jiff::civil::Date| Some(day.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp());
    let today = on(now.date())?;
    let at = if today > now.timestamp() { today } else { on(now.date().checked_add(1.day()).ok()?)? };
    Some(at.as_millisecond())
}

fn wrong(message: String) -> EngineError {
    let help = "write a time of today or tomorrow, such as `06:00`, or a full one: `2026-03-01T06:00:00Z`";
    EngineError::problem(Exit::Usage, Diagnostic::error(Code::WrongValue, message).help(help))
}

#[cfg(test)]
mod tests {
    use super::until;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    fn at(text: &str, now: &str, zone: &str) -> Option<String> {
        let now = now.parse::<Timestamp>().unwrap().as_millisecond();
        let zone = TimeZone::get(zone).unwrap();
        let at = until(text, now, &zone).ok()?;
        Some(Timestamp::from_millisecond(at).unwrap().to_string())
    }

    #[test]
    fn the_next_time_that_the_clock_shows_it() {
        for (text, now, zone, expected) in [
            ("06:00", "2026-01-10T22:00:00Z", "UTC", "2026-01-11T06:00:00Z"),
            ("06:00", "2026-01-10T05:59:59Z", "UTC", "2026-01-10T06:00:00Z"),
            ("06:00", "2026-01-10T06:00:00Z", "UTC", "2026-01-11T06:00:00Z"),
            ("6:00", "2026-01-10T22:00:00Z", "Europe/Berlin", "2026-01-11T05:00:00Z"),
            // The night in which clocks go forward, and a time that it leaves out.
            ("06:00", "2026-03-28T22:00:00Z", "Europe/Berlin", "2026-03-29T04:00:00Z"),
            ("02:30", "2026-03-28T22:00:00Z", "Europe/Berlin", "2026-03-29T01:30:00Z"),
            ("2026-01-12T06:00:00+02:00", "2026-01-10T22:00:00Z", "UTC", "2026-01-12T04:00:00Z"),
        ] {
            assert_eq!(at(text, now, zone).as_deref(), Some(expected), "{text} at {now} in {zone}");
        }
    }

    #[test]
    fn what_is_no_time_to_come_is_refused() {
        for text in [
            "",
            "6",
            "24:00",
            "06:60",
            "6:5",
            "+6:00",
            "06:00:00",
            "tomorrow",
            "2026-01-10",
            "2026-01-09T06:00:00Z",
        ] {
            assert_eq!(at(text, "2026-01-10T22:00:00Z", "UTC"), None, "{text}");
        }
    }
}
