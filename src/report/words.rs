//! The org's words for a screen: on one line, without the values of the row they are about.

/// Longest text that is shown.
const MOST: usize = 200;

/// Digits that stand together and say nothing of a row: a length, a limit.
const FEW_DIGITS: usize = 4;

/// The words with `…` in place of each of the row's cells, of record Ids and of long numbers. Cells are found whatever their
/// letter case; one of one or two characters only where it stands as a word of its own.
pub(super) fn without_values<'c>(words: &str, cells: impl Iterator<Item = &'c str>) -> String {
    // Of several values in one cell the org may name one.
    let each = cells.flat_map(|cell| cell.split(';').chain([cell]));
    let mut cells: Vec<String> = each.map(folded).filter(|cell| !cell.is_empty()).collect();
    // The longest first: a cell may be a part of another.
    cells.sort_by_key(|cell| std::cmp::Reverse(cell.len()));
    cells.dedup();
    let line: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut text = line.split_whitespace().collect::<Vec<_>>().join(" ");
    for cell in &cells {
        text = without(&text, cell);
    }
    cut(&without_codes(&text))
}

/// On one line, and in lower case.
fn folded(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().flat_map(char::to_lowercase).collect()
}

fn without(text: &str, cell: &str) -> String {
    // Lower case may have other lengths: where each of its bytes comes from.
    let (mut lower, mut origin) = (String::new(), Vec::new());
    for (at, c) in text.char_indices() {
        lower.extend(c.to_lowercase());
        origin.resize(lower.len(), at);
    }
    origin.push(text.len());
    let alone = |at: usize| {
        let before = lower[..at].chars().next_back();
        let after = lower[at + cell.len()..].chars().next();
        cell.chars().count() > 2 || ![before, after].iter().flatten().any(|c| c.is_alphanumeric())
    };
    let (mut out, mut from) = (String::new(), 0);
    for (at, _) in lower.match_indices(cell).filter(|(at, _)| alone(*at)) {
        out.push_str(&text[from..origin[at]]);
        out.push('…');
        from = origin[at + cell.len()];
    }
    out + &text[from..]
}

/// Without record Ids, and without numbers of more digits than a limit has.
fn without_codes(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let core = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let digits = core.bytes().filter(u8::is_ascii_digit).count();
        let is_id = matches!(core.len(), 15 | 18) && digits > 1;
        let is_number = core.bytes().all(|b| b.is_ascii_digit() || b == b'E') && digits > FEW_DIGITS;
        out.push_str(if is_id || is_number { "…" } else { core });
        out.push_str(&word[core.len()..]);
    }
    out
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_values;

    #[test]
    fn words_stay_and_values_go() {
        for (words, cells, told) in [
            ("Required fields are missing: [Name]", &["A1", ""][..], "Required fields are missing: [Name]"),
            (
                "bad value for restricted picklist field: Gold",
                &["gold"],
                "bad value for restricted picklist field: …",
            ),
            (
                "invalid email address: ADA@x.example now",
                &["x.example", "ada@x.example"],
                "invalid email address: … now",
            ),
            ("a value (max length=255), not 123456", &["a"], "… value (max length=255), not …"),
            ("on record with id: 001A00000123456", &[], "on record with id: …"),
            ("on record with id: 001A00000123456QAB.", &[], "on record with id: …."),
            ("two\nlines\u{1b}[2J and\t tabs", &[], "two lines [2J and tabs"),
            ("Ärger mit ÄRGER", &["Ärger"], "… mit …"),
            ("no müller-1, not İx", &["MÜLLER-1", "i̇x"], "no …, not …"),
            ("not numeric: 9.12260031E8", &[], "not numeric: 9.…"),
            ("no lead of red", &["lead;red"], "no … of …"),
        ] {
            assert_eq!(without_values(words, cells.iter().copied()), told, "{words:?} {cells:?}");
        }
        assert_eq!(without_values(&"ab ".repeat(200), [].into_iter()).chars().count(), 201);
    }
}
