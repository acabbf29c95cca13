//! What time it is for the org, as its answers tell it. The local clock may be wrong, and records bear the org's stamps.

/// Months as HTTP names them.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The second of a stamp in JSON or CSV, `2024-09-09T19:25:27` in UTC; nothing where it is of another zone.
pub(super) fn second(stamp: &str) -> Option<String> {
    let (second, rest) = stamp.split_at_checked(19)?;
    let utc = rest.ends_with("+0000") || rest.ends_with('Z');
    (utc && second.as_bytes()[10] == b'T').then(|| second.to_owned())
}

/// The same of an HTTP date, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110); its older forms are not looked at.
pub(super) fn http_second(date: &str) -> Option<String> {
    let words: Vec<&str> = date.split(' ').collect();
    let [_, day, month, year, time, "GMT"] = words.as_slice() else { return None };
    let month = 1 + MONTHS.iter().position(|known| known == month)?;
    let shaped = day.len() == 2 && year.len() == 4 && time.len() == 8;
    shaped.then(|| format!("{year}-{month:02}-{day}T{time}"))
}

#[cfg(test)]
mod tests {
    use super::{http_second, second};

    #[test]
    fn moments_are_told_to_the_second() {
        let told = Some("1994-11-06T08:49:37");
        assert_eq!(http_second("Sun, 06 Nov 1994 08:49:37 GMT").as_deref(), told);
        for stamp in ["1994-11-06T08:49:37.000+0000", "1994-11-06T08:49:37.999Z", "1994-11-06T08:49:37Z"] {
            assert_eq!(second(stamp).as_deref(), told);
        }
        for other in ["", "1994-11-06T08:49:37", "1994-11-06T08:49:37.000+0100", "1994-11-06 08:49:37Z"] {
            assert_eq!((second(other), http_second(other)), (None, None), "{other}");
        }
        for other in [
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nix 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
        ] {
            assert_eq!(http_second(other), None);
        }
    }
}
