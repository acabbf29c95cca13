//! Dates, times and zones: input formats, ISO forms, and the one form that is sent.
//!
//! Time-zone data is the bundled one, so that every machine gives the same answer. No clock.

use super::fault::Fault;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::fmt::Write;
use std::sync::LazyLock;

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone of the bundled data.
#[derive(Debug, Clone)]
pub(super) struct Zone(TimeZone);

impl Zone {
    /// The zone of this IANA name.
    pub(super) fn named(name: &str) -> Option<Self> {
        ZONES.get(name).ok().map(Self)
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }
}

/// An input format that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    format: String,
    parts: Parts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Parts {
    year: bool,
    month: bool,
    day: bool,
    hour: bool,
    offset: bool,
    half_day: bool,
    twelve: bool,
    instant: bool,
}

impl Pattern {
    /// Checks a format; the error says what is wrong with it.
    pub(super) fn parse(format: &str) -> Result<Self, String> {
        let mut parts = Parts::default();
        let mut rest = format.chars();
        while let Some(c) = rest.next() {
            if c == '%' {
                parts.directive(&mut rest)?;
            }
        }
        if parts.twelve && !parts.half_day {
            return Err("`%I` needs `%p`: morning or afternoon?".to_owned());
        }
        match parts {
            Parts { instant: true, .. } | Parts { year: true, month: true, day: true, .. } => {
                Ok(Self { format: format.to_owned(), parts })
            }
            Parts { year: false, .. } => Err("the format has no year (`%Y` or `%y`)".to_owned()),
            Parts { month: false, .. } => Err("the format has no month (`%m` or `%b`)".to_owned()),
            _ => Err("the format has no day (`%d`)".to_owned()),
        }
    }

    /// As written.
    pub(super) fn format(&self) -> &str {
        &self.format
    }

    /// Whether the value itself says its offset.
    pub(super) fn has_offset(&self) -> bool {
        self.parts.offset || self.parts.instant
    }
}

impl Parts {
    fn directive(&mut self, rest: &mut std::str::Chars<'_>) -> Result<(), String> {
        let start = rest.as_str();
        let mut c = rest.next();
        if c == Some('-') {
            c = rest.next();
        }
        while c == Some(':') && rest.as_str().starts_with([':', 'z']) {
            c = rest.next();
        }
        if c == Some('.') && rest.as_str().starts_with('f') {
            c = rest.next();
        }
        match c {
            Some('Y' | 'y') => self.year = true,
            Some('m' | 'b' | 'h' | 'B') => self.month = true,
            Some('d' | 'e') => self.day = true,
            Some('F' | 'D') => (self.year, self.month, self.day) = (true, true, true),
            Some('j') => (self.month, self.day) = (true, true),
            Some('H' | 'k' | 'R' | 'T') => self.hour = true,
            Some('I' | 'l') => (self.hour, self.twelve) = (true, true),
            Some('p' | 'P') => self.half_day = true,
            Some('z') => self.offset = true,
            Some('s') => self.instant = true,
            Some('M' | 'S' | 'f' | 'a' | 'A' | 'n' | 't' | '%') => {}
            None => return Err("the format ends in `%`; write `%%` for a percent sign".to_owned()),
            Some(c) => {
                let end = start.len() - rest.as_str().len();
                return Err(format!("`%{}` is no part of a format here{}", &start[..end], hint(c)));
            }
        }
        Ok(())
    }
}

fn hint(c: char) -> &'static str {
    match c {
        'Z' => "; names of zones are ambiguous, write `%z` or `zone=`",
        'Q' => "; write `zone=`",
        _ => "",
    }
}

/// Reads a date in a format, or ISO without one; gives `YYYY-MM-DD`.
pub(super) fn date(text: &str, pattern: Option<&Pattern>) -> Result<String, Fault> {
    let date = match pattern {
        None => iso_date(text).ok_or_else(|| Fault::new("the value is not a date `YYYY-MM-DD`"))?,
        Some(pattern) => {
            let time = broken_down(text, pattern)?;
            if pattern.parts.instant {
                let instant = time.to_timestamp().map_err(|_| no_date(pattern))?;
                TimeZone::UTC.to_datetime(instant).date()
            } else {
                time.to_date().map_err(|_| no_date(pattern))?
            }
        }
    };
    in_range(date)?;
    Ok(date.to_string())
}

/// Milliseconds since 1970 as `YYYY-MM-DDTHH:MM:SS` in UTC, cut to the second: as an org's stamps begin.
pub fn second(milliseconds: i64) -> String {
    let moment = jiff::Timestamp::from_second(milliseconds.div_euclid(1000)).unwrap_or_default();
    let mut out = String::with_capacity(19);
    write_utc(&mut out, TimeZone::UTC.to_datetime(moment));
    out
}

/// Reads a date and time in a format, or ISO without one; gives it in UTC as `YYYY-MM-DDTHH:MM:SS[.fraction]Z`.
pub(super) fn datetime(text: &str, pattern: Option<&Pattern>, zone: Option<&Zone>) -> Result<String, Fault> {
    let (civil, nanoseconds) = utc(text, pattern, zone)?;
    let mut out = String::with_capacity(24);
    write_utc(&mut out, civil);
    if nanoseconds != 0 {
        let places = if nanoseconds % 1_000_000 == 0 { 3 } else { 9 };
        let fraction = format!("{nanoseconds:09}");
        out.push('.');
        out.push_str(&fraction[..places]);
    }
    out.push('Z');
    Ok(out)
}

/// Reads an ISO date and time and appends what an org receives: seconds always, milliseconds where there are any.
/// Whether something finer than a millisecond was cut off.
pub(super) fn write_datetime(text: &str, zone: Option<&Zone>, out: &mut String) -> Result<bool, Fault> {
    let (civil, nanoseconds) = utc(text, None, zone)?;
    write_utc(out, civil);
    let milliseconds = nanoseconds / 1_000_000;
    if milliseconds != 0 {
        // Writing to a String cannot fail.
        let _ = write!(out, ".{milliseconds:03}");
    }
    out.push('Z');
    Ok(nanoseconds % 1_000_000 != 0)
}

fn write_utc(out: &mut String, t: DateTime) {
    let _ = write!(
        out,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        t.year(),
        t.month(),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    );
}

fn utc(text: &str, pattern: Option<&Pattern>, zone: Option<&Zone>) -> Result<(DateTime, i32), Fault> {
    let instant = match pattern {
        Some(pattern) => by_pattern(text, pattern, zone)?,
        None => {
            let (civil, offset) = iso_datetime(text).ok_or_else(not_iso)?;
            match offset {
                Some(seconds) => with_offset(civil, seconds)?,
                None => in_zone(civil, zone)?,
            }
        }
    };
    let civil = TimeZone::UTC.to_datetime(instant);
    in_range(civil.date())?;
    Ok((civil, civil.subsec_nanosecond()))
}

fn not_iso() -> Fault {
    Fault::new("the value is not an ISO date and time such as `2024-07-01T10:30:00Z`")
}

fn by_pattern(text: &str, pattern: &Pattern, zone: Option<&Zone>) -> Result<jiff::Timestamp, Fault> {
    let time = broken_down(text, pattern)?;
    if pattern.parts.instant {
        return time.to_timestamp().map_err(|_| no_date(pattern));
    }
    let date = time.to_date().map_err(|_| no_date(pattern))?;
    let clock = if pattern.parts.hour {
        time.to_time().map_err(|_| no_date(pattern))?
    } else {
        jiff::civil::Time::midnight()
    };
    let civil = date.to_datetime(clock);
    match time.offset() {
        Some(offset) => with_offset(civil, offset.seconds()),
        None => in_zone(civil, zone),
    }
}

fn with_offset(civil: DateTime, seconds: i32) -> Result<jiff::Timestamp, Fault> {
    let offset = jiff::tz::Offset::from_seconds(seconds).map_err(|_| not_iso())?;
    offset.to_timestamp(civil).map_err(|_| out_of_range())
}

fn in_zone(civil: DateTime, zone: Option<&Zone>) -> Result<jiff::Timestamp, Fault> {
    let Some(Zone(zone)) = zone else {
        return Err(Fault::new(
            "the value says no offset, and neither `zone=` nor the source's `timezone` says which zone it is in",
        ));
    };
    let summer = || Fault::new("the time does not exist, or exists twice, where summer time begins or ends");
    zone.to_ambiguous_timestamp(civil).unambiguous().map_err(|_| match in_range(civil.date()) {
        Ok(()) => summer(),
        Err(year) => year,
    })
}

fn broken_down(text: &str, pattern: &Pattern) -> Result<strtime::BrokenDownTime, Fault> {
    strtime::parse(&pattern.format, text).map_err(|_| no_date(pattern))
}

fn no_date(pattern: &Pattern) -> Fault {
    Fault::new(format!("the value does not fit the format `{}`", pattern.format))
}

/// What Salesforce takes; it also catches `%Y` reading `24` as the year 24.
fn in_range(date: Date) -> Result<(), Fault> {
    if (1700..=4000).contains(&date.year()) { Ok(()) } else { Err(out_of_range()) }
}

fn out_of_range() -> Fault {
    Fault::new("the year is not between 1700 and 4000")
}

/// Checks `YYYY-MM-DD`, with the years that Salesforce takes.
pub(super) fn check_date(text: &str) -> Result<(), Fault> {
    let date = iso_date(text).ok_or_else(|| {
        Fault::new("the value is not a date `YYYY-MM-DD`; read other forms with `| date(\"…\")`")
    })?;
    in_range(date)
}

fn iso_date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let shape = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
    if !shape {
        return None;
    }
    let part = |range: std::ops::Range<usize>| number(text.get(range)?);
    Date::new(part(0..4)?, i8::try_from(part(5..7)?).ok()?, i8::try_from(part(8..10)?).ok()?).ok()
}

fn number(digits: &str) -> Option<i16> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// A clock time with what follows it.
struct Clock<'a> {
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
    rest: &'a str,
}

/// `HH:MM[:SS[.fraction]]` and the rest of the text.
fn clock(text: &str) -> Option<Clock<'_>> {
    let two = |text: &str, most: i16| {
        let value = number(text.get(..2)?)?;
        (value <= most).then(|| i8::try_from(value).ok())?
    };
    let hour = two(text, 23)?;
    let after = text.get(2..)?.strip_prefix(':')?;
    let minute = two(after, 59)?;
    let mut clock = Clock { hour, minute, second: 0, nanosecond: 0, rest: after.get(2..)? };
    if let Some(after) = clock.rest.strip_prefix(':') {
        clock.second = two(after, 59)?;
        clock.rest = after.get(2..)?;
        if let Some(after) = clock.rest.strip_prefix('.') {
            let end = after.bytes().take_while(u8::is_ascii_digit).count();
            clock.nanosecond = nanoseconds(&after[..end])?;
            clock.rest = &after[end..];
        }
    }
    Some(clock)
}

fn nanoseconds(digits: &str) -> Option<i32> {
    let power = u32::try_from(9usize.checked_sub(digits.len())?).ok()?;
    let value: i32 = digits.parse().ok()?;
    value.checked_mul(10i32.checked_pow(power)?)
}

/// `YYYY-MM-DD`, `T` or a space, a clock time, perhaps an offset in seconds.
fn iso_datetime(text: &str) -> Option<(DateTime, Option<i32>)> {
    let date = iso_date(text.get(..10)?)?;
    let after = text.get(10..)?.strip_prefix(['T', ' '])?;
    let clock = clock(after)?;
    let civil = date.at(clock.hour, clock.minute, clock.second, clock.nanosecond);
    match clock.rest {
        "" => Some((civil, None)),
        rest => Some((civil, Some(iso_offset(rest.strip_prefix(' ').unwrap_or(rest))?))),
    }
}

/// `Z`, `+HH`, `+HHMM` or `+HH:MM`, in seconds.
fn iso_offset(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let hours = i32::from(number(digits.get(..2)?)?);
    let minutes = match digits.get(2..)? {
        "" => 0,
        rest => {
            let rest = rest.strip_prefix(':').unwrap_or(rest);
            i32::from(number(rest).filter(|minutes| rest.len() == 2 && *minutes < 60)?)
        }
    };
    (hours <= 18).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Reads `HH:MM[:SS[.fff]]` and appends `HH:MM:SS.fffZ`.
pub(super) fn write_time(text: &str, out: &mut String) -> Result<(), Fault> {
    let read = clock(text).filter(|clock| clock.rest.is_empty() && clock.nanosecond % 1_000_000 == 0);
    let Some(t) = read else {
        return Err(Fault::new("the value is not a time `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fff`"));
    };
    let milliseconds = t.nanosecond / 1_000_000;
    let _ = write!(out, "{:02}:{:02}:{:02}.{milliseconds:03}Z", t.hour, t.minute, t.second);
    Ok(())
}
