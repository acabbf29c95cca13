//! SOQL as text: quoting, lists that fit into an address, and the columns that a statement selects. Pure.

use crate::model::KeyForm;

/// A text as a SOQL literal, quotes included.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// Conditions `field IN (…)` that together name every key, each at most `max_chars` long when percent-encoded (an
/// address may have 16,384; 8,000 leave room for the rest). A single key that is longer stands alone. With `numeric`
/// the keys are written bare and without exponents, and what is no number is left out: no such field can hold it.
pub fn in_lists<'a>(
    field: &str,
    keys: impl IntoIterator<Item = &'a str>,
    numeric: bool,
    max_chars: usize,
) -> Vec<String> {
    let open = format!("{field} IN (");
    let base = encoded_length(&open) + encoded_length(")");
    let (mut lists, mut list, mut length) = (Vec::new(), String::new(), base);
    for literal in keys.into_iter().filter_map(|key| literal(key, numeric)) {
        let more = encoded_length(&literal) + encoded_length(",");
        if !list.is_empty() && length + more > max_chars {
            lists.push(format!("{open}{list})"));
            (list, length) = (String::new(), base);
        }
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(&literal);
        length += more;
    }
    if !list.is_empty() {
        lists.push(format!("{open}{list})"));
    }
    lists
}

/// Activities that the org has archived are told by `queryAll` alone, which tells deleted records too (reference D): for
/// these objects, the statement that leaves those out, as a flat one without ORDER BY or LIMIT.
pub(super) fn with_archived(statement: &str) -> Option<String> {
    let (_, rest) = statement.split_once(" FROM ")?;
    let object = rest.split(' ').next()?;
    let archived = ["Task", "Event"].iter().any(|name| object.eq_ignore_ascii_case(name));
    let word = if rest.contains(" WHERE ") { "AND" } else { "WHERE" };
    archived.then(|| format!("{statement} {word} IsDeleted = false"))
}

fn literal(key: &str, numeric: bool) -> Option<String> {
    if !numeric {
        return Some(quote(key));
    }
    let plain = KeyForm::Number.canonical(key);
    let digits = plain.strip_prefix('-').unwrap_or(&plain);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let decimal = [whole, fraction].iter().all(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()));
    decimal.then(|| plain.into_owned())
}

/// Percent-encodes a text as one part of a path or one value of a query.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b if is_plain(b) => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

fn encoded_length(text: &str) -> usize {
    text.bytes().map(|b| if is_plain(b) { 1 } else { 3 }).sum()
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// The columns that a flat statement selects: `Id`, `RecordType.DeveloperName`.
pub(super) fn columns(soql: &str) -> Vec<String> {
    let after = soql.trim_start().get("SELECT".len()..).unwrap_or("");
    let list = match after.to_ascii_uppercase().find(" FROM ") {
        Some(at) => &after[..at],
        None => after,
    };
    list.split(',').map(|c| c.trim().to_owned()).collect()
}

/// A message without its quoted literals: they may be customers' values.
pub(super) fn without_literals(message: &str) -> String {
    let (mut out, mut quoted, mut escaped) = (String::new(), false, false);
    for c in message.chars() {
        match c {
            '\'' if !escaped => {
                quoted = !quoted;
                out.push_str(if quoted { "'…" } else { "'" });
            }
            c if !quoted => out.push(c),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{columns, encode, encoded_length, in_lists, quote, with_archived, without_literals};

    #[test]
    fn quotes_what_could_end_a_literal() {
        assert_eq!(quote("O'Neil \\ \"x\"\n"), r#"'O\'Neil \\ "x"\n'"#);
    }

    #[test]
    fn lists_are_cut_under_the_limit_and_lose_nothing() {
        let keys: Vec<_> = (0..500).map(|n| format!("key é {n}")).collect();
        let lists = in_lists("Ext__c", keys.iter().map(String::as_str), false, 1_000);
        assert!(lists.len() > 10 && lists.iter().all(|l| encode(l).len() <= 1_000));
        let filled = lists[..lists.len() - 1].iter().all(|l| encoded_length(l) > 900);
        assert!(filled, "lists are cut early");
        let all = lists.join(",").replace("Ext__c IN (", "").replace(')', "");
        let expected: Vec<_> = keys.iter().map(|k| quote(k)).collect();
        assert_eq!(all.split(',').collect::<Vec<_>>(), expected);
    }

    #[test]
    fn archived_activities_are_asked_for_too() {
        let all = |soql: &str| with_archived(soql).unwrap_or_default();
        let counted = all("SELECT COUNT() FROM Task WHERE K__c != null");
        assert_eq!(counted, "SELECT COUNT() FROM Task WHERE K__c != null AND IsDeleted = false");
        assert_eq!(all("SELECT Id FROM event"), "SELECT Id FROM event WHERE IsDeleted = false");
        assert_eq!(all("SELECT Id FROM Account WHERE Name = ' FROM Task '"), "");
    }

    #[test]
    fn odd_lists() {
        assert!(in_lists("F", [], false, 100).is_empty());
        assert_eq!(in_lists("F", ["a-key-longer-than-that", "b"], false, 10).len(), 2);
        let numbers = ["1", "-2.5", "3) OR (Id != null", "", "4.", "-", "007", "8.0E7", "1e", "NaN"];
        assert_eq!(in_lists("F", numbers, true, 100), ["F IN (1,-2.5,4,7,80000000)"]);
    }

    #[test]
    fn reads_the_selected_columns() {
        let soql = "SELECT Id, Ext__c,RecordType.DeveloperName FROM Account WHERE Ext__c != null";
        assert_eq!(columns(soql), ["Id", "Ext__c", "RecordType.DeveloperName"]);
        assert_eq!(columns("select Id from X"), ["Id"]);
        assert!(columns("SEL").concat().is_empty());
    }

    #[test]
    fn literals_are_left_out_of_messages() {
        let message = r"unexpected token: 'Acme \'x\' Ltd' at Ext__c IN ('a','b')";
        assert_eq!(without_literals(message), "unexpected token: '…' at Ext__c IN ('…','…')");
    }
}
