//! Small forms of text that the API uses: moments, base62, CSV cells.

use jiff::Timestamp;
use jiff::civil::{Date, Time};

/// A moment in milliseconds since 1970 as `2024-09-09T19:25:27.000+0000`: the form of JSON.
pub(crate) fn json_moment(millis: i64) -> String {
    moment(millis, "+0000")
}

/// A moment as `2024-09-09T19:25:27.000Z`: the form of CSV, and how moments are stored.
pub(crate) fn stored_moment(millis: i64) -> String {
    moment(millis, "Z")
}

/// A moment as HTTP has it: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http_moment(millis: i64) -> String {
    let stamp = Timestamp::from_millisecond(millis).unwrap_or_default();
    stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn moment(millis: i64, zone: &str) -> String {
    let stamp = Timestamp::from_millisecond(millis).unwrap_or_default();
    let seconds = stamp.strftime("%Y-%m-%dT%H:%M:%S");
    format!("{seconds}.{:03}{zone}", millis.rem_euclid(1000))
}

/// Reads a dateTime as the API takes it; an offset may be `Z`, `+HH:MM` or `+HHMM`; none means UTC.
pub(crate) fn parse_moment(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once('T')?;
    let cut = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(cut);
    let minutes = parse_zone(zone)?;
    let date = parse_date(date)?;
    let time = parse_clock(time)?;
    let seconds = i64::from(minutes) * 60;
    let stamp = date.to_datetime(time).to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(stamp.as_millisecond() - seconds * 1000)
}

/// Reads `yyyy-MM-dd`, four, two and two digits.
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let shape = bytes.len() == 10
        && bytes
            .iter()
            .enumerate()
            .all(|(i, b)| if matches!(i, 4 | 7) { *b == b'-' } else { b.is_ascii_digit() });
    if shape { text.parse().ok() } else { None }
}

/// Reads `HH:mm:ss` with or without a fraction.
pub(crate) fn parse_clock(text: &str) -> Option<Time> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = fraction.bytes().all(|b| b.is_ascii_digit()) && !fraction.is_empty() && fraction.len() <= 9;
    let shape = clock.len() == 8
        && clock.bytes().enumerate().all(|(i, b)| if i % 3 == 2 { b == b':' } else { b.is_ascii_digit() });
    if digits && shape { text.parse().ok() } else { None }
}

fn parse_zone(zone: &str) -> Option<i32> {
    if zone.is_empty() || zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits: String = zone[1..].chars().filter(|c| *c != ':').collect();
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

/// A number in base 62, `width` characters wide.
pub(crate) fn base62(mut number: u64, width: usize) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = vec![b'0'; width];
    for place in text.iter_mut().rev() {
        *place = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    String::from_utf8(text).unwrap_or_default()
}

/// Appends a cell in quotes, quotes in it doubled.
pub(crate) fn push_quoted(out: &mut String, cell: &str) {
    out.push('"');
    if cell.contains('"') {
        out.push_str(&cell.replace('"', "\"\""));
    } else {
        out.push_str(cell);
    }
    out.push('"');
}

/// An id with all its 18 characters, when it is one of 15 or 18.
pub(crate) fn full_id(text: &str) -> Option<String> {
    crate::model::RecordId::parse(text).ok().map(|id| id.to_string())
}

/// A number that looks random but follows from its input: for orders, tokens and faults.
pub(crate) fn mix(seed: u64, value: u64) -> u64 {
    let mut z =
        seed.wrapping_add(value.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{base62, json_moment, parse_date, parse_moment, push_quoted, stored_moment};

    #[test]
    fn moments_read_and_write() {
        let base = parse_moment("2024-09-09T19:25:27.123Z").unwrap();
        assert_eq!(json_moment(base), "2024-09-09T19:25:27.123+0000");
        for same in
            ["2024-09-09T21:25:27.123+02:00", "2024-09-09T21:25:27.123+0200", "2024-09-09T19:25:27.123"]
        {
            assert_eq!(parse_moment(same), Some(base), "{same}");
        }
        assert_eq!(stored_moment(-1), "1969-12-31T23:59:59.999Z");
        for bad in
            ["2024-09-09", "2024-13-09T00:00:00Z", "2024-09-09T25:00:00Z", "2024-09-09T00:00:00+2", "x"]
        {
            assert_eq!(parse_moment(bad), None, "{bad}");
        }
        assert!(parse_date("2003-04-987654321987654321").is_none() && parse_date("2023-02-29").is_none());
    }

    #[test]
    fn small_texts() {
        assert_eq!(base62(61 * 62 + 10, 4), "00zA");
        let mut out = String::new();
        push_quoted(&mut out, "a \"b\"");
        assert_eq!(out, "\"a \"\"b\"\"\"");
    }
}
