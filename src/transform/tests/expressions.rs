//! What expressions give: one case for every rule.

use super::evaluate;
use crate::transform::FILTERS;

/// An expression, cells, and what comes out: text, `~` for blank, `!words` for a row rejected with these words.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);

const BLANKS: &[Case] = &[
    ("name", &[("name", "Acme")], "Acme"),
    ("name", &[("name", "")], "~"),
    ("name", &[("name", "  ")], "~"),
    ("name | trim", &[("name", "  ")], "~"),
    ("name | default('x')", &[("name", " ")], "x"),
    ("(name ~ ' ') | default('x')", &[("name", "")], "x"),
    ("'a' ~ name ~ 'b'", &[("name", " \u{3000}")], "ab"),
    ("name | trim | default('x')", &[("name", " ")], "x"),
    ("blank | upper", &[], "~"),
    ("blank | number", &[], "~"),
    ("(blank | number) + 1", &[], "~"),
    ("1 + (blank | number)", &[], "~"),
    ("-(blank | number)", &[], "~"),
    ("(blank | number) ~ 'x'", &[], "~"),
    ("'x' ~ (blank | date)", &[], "~"),
    ("'x' ~ (blank | datetime('%s'))", &[], "~"),
    ("'x' ~ (blank | bool)", &[], "~"),
    ("'x' ~ (blank | date) ~ 'y' ~ name", &[("name", "n")], "~"),
    ("'x' ~ blank", &[], "x"),
    ("blank ~ blank", &[], "~"),
    ("'x' ~ (blank | trim)", &[], "x"),
    ("(blank | number) == 1", &[], "~"),
    ("(blank | number) != 1", &[], "~"),
    ("(blank | number) < 1", &[], "~"),
    ("(blank | number) in [1, 2]", &[], "~"),
    ("(blank | number) not in [1, 2]", &[], "~"),
    ("1 in [2, blank | number]", &[], "~"),
    ("2 in [2, blank | number]", &[], "true"),
    ("not (blank | number)", &[], "true"),
    ("not ((blank | number) == 1)", &[], "true"),
    ("(blank | number) is blank", &[], "true"),
    ("name ~ (name and ' ') ~ name", &[("name", "a")], "a a"),
    ("name ~ (blank or ' ') ~ name", &[("name", "a")], "a a"),
    ("(blank | date or blank | date) ~ 'T'", &[], "~"),
    ("(blank | number or blank | number) != 0", &[], "~"),
    ("(blank | number and 1) ~ 'T'", &[], "~"),
    ("(blank | number) | default('0')", &[], "0"),
    ("((blank | number) * 2) | default('none')", &[], "none"),
    ("(blank | number) or 'x'", &[], "x"),
    ("(blank | number) and 'x'", &[], "~"),
    ("'x' and (blank | number)", &[], "~"),
    ("'a' if (blank | number) else 'b'", &[], "b"),
    ("(blank | number) | trim", &[], "~"),
    ("'x' ~ ((blank | number) | trim)", &[], "~"),
    ("name | replace('a', blank | date)", &[("name", "aa")], "~"),
    ("name is blank", &[("name", "")], "true"),
    ("name is blank", &[("name", " ")], "true"),
    ("name is not blank", &[("name", "x")], "true"),
    ("not name is blank", &[("name", "x")], "true"),
];

const TRUTH: &[Case] = &[
    ("'y' if zero else 'n'", &[("zero", "0")], "y"),
    ("'y' if flag else 'n'", &[("flag", "false")], "y"),
    ("'y' if flag else 'n'", &[("flag", " ")], "n"),
    ("'y' if blank else 'n'", &[], "n"),
    ("'y' if first ~ ' ' ~ last else 'n'", &[], "n"),
    ("'y' if not (first ~ ' ' ~ last) else 'n'", &[], "y"),
    ("(first ~ ' ' ~ last) or name", &[("name", "N")], "N"),
    ("'y' if flag and (first ~ ' ') else 'n'", &[("flag", "x")], "n"),
    ("'y' if flag | bool else 'n'", &[("flag", "false")], "n"),
    ("'y' if amount | number else 'n'", &[("amount", "0.0")], "n"),
    ("'y' if true else 'n'", &[], "y"),
    ("'y' if False else 'n'", &[], "n"),
    ("'y' if blank", &[], "~"),
    ("first ~ (' ' ~ middle if middle) ~ ' ' ~ last", &[("first", "A"), ("last", "C")], "A C"),
    (
        "first ~ (' ' ~ middle if middle) ~ ' ' ~ last",
        &[("first", "A"), ("middle", "B"), ("last", "C")],
        "A B C",
    ),
    ("((amount | number) if flag) + 1", &[("amount", "2")], "~"),
    ("((amount | number) if flag) + 1", &[("amount", "2"), ("flag", "x")], "3"),
    ("first or last", &[("last", "L")], "L"),
    ("first or last", &[("first", "0"), ("last", "L")], "0"),
    ("first and last", &[("first", "F"), ("last", "L")], "L"),
    ("not first", &[("first", "0")], "false"),
    ("not blank", &[], "true"),
    ("'a' if first else 'b' if last else 'c'", &[("last", "L")], "b"),
    ("true", &[], "true"),
    ("False", &[], "false"),
    ("flag | bool", &[("flag", "YES")], "true"),
    ("flag | bool", &[("flag", "f")], "false"),
    ("flag | bool", &[("flag", "off")], "!none of true, false"),
    ("(flag | bool) ~ '!'", &[("flag", "1")], "true!"),
];

const COMPARISONS: &[Case] = &[
    ("status == 'OPEN'", &[("status", "OPEN")], "true"),
    ("status == 'OPEN'", &[("status", "open")], "false"),
    ("status != 'DELETED'", &[], "true"),
    ("blank == ''", &[], "true"),
    ("status in ['A', 'B']", &[("status", "B")], "true"),
    ("status in ['A', 'B']", &[("status", "C")], "false"),
    ("status not in ['A', 'B']", &[("status", "C")], "true"),
    ("'@' in email", &[("email", "a@b")], "true"),
    ("'@' in email", &[], "false"),
    ("(amount | number) > 10", &[("amount", "9")], "false"),
    ("(amount | number) > 10", &[("amount", "10.01")], "true"),
    ("(amount | number) >= (other | number)", &[("amount", "10"), ("other", "9")], "true"),
    ("(amount | number) == 10", &[("amount", "10.0")], "true"),
    ("(amount | number) in [10, 20]", &[("amount", "20.00")], "true"),
    ("(created | date('%d/%m/%Y')) >= vars.cutoff", &[("created", "31/12/2019")], "false"),
    ("(created | date('%d/%m/%Y')) >= vars.cutoff", &[("created", "01/01/2020")], "true"),
    ("(created | date('%d/%m/%Y')) >= vars.cutoff", &[], "~"),
    ("(name | upper) < 'M'", &[("name", "acme")], "true"),
    ("status == 'A' and name == 'x' or flag == 'y'", &[("flag", "y")], "true"),
    ("(first or (amount | number)) > 1", &[("first", "x")], "!different kinds"),
    ("(first or (amount | number)) + 1", &[("first", "x")], "!where a number is needed"),
];

const NUMBERS: &[Case] = &[
    ("amount | number", &[("amount", "007.50")], "7.5"),
    ("amount | number", &[("amount", "-0")], "0"),
    ("amount | number", &[("amount", "100.0")], "100"),
    ("amount | number", &[("amount", "123456789012345")], "123456789012345"),
    ("amount | number", &[("amount", "1234567890123456")], "!drop `| number`: the field takes the text"),
    ("amount | number", &[("amount", "1,000")], "!not a plain decimal"),
    ("amount | number(thousands=',')", &[("amount", "1,234,567.80")], "1234567.8"),
    ("amount | number(',')", &[("amount", "1,000")], "1000"),
    ("amount | number(thousands='.', decimal=',')", &[("amount", "-1.234,50")], "-1234.5"),
    ("amount | number(thousands=' ', decimal=',')", &[("amount", "1 234,5")], "1234.5"),
    ("amount | number(decimal=',')", &[("amount", "1.5")], "!not a plain decimal"),
    ("amount | number", &[("amount", "1e3")], "1000"),
    ("amount | number(',')", &[("amount", "3975,35")], "!a thousands mark stands where no group"),
    ("amount | number('.', ',', '€')", &[("amount", "€ -1.234,5")], "-1234.5"),
    ("(amount | number('.', ',', '€')) + 1", &[("amount", "1.234,5 €")], "1235.5"),
    ("amount | number", &[("amount", "+5")], "!not a plain decimal"),
    ("amount | number", &[("amount", ".5")], "!not a plain decimal"),
    ("amount | number", &[("amount", "\u{a0}5 ")], "5"),
    ("amount | number", &[("amount", "5 6")], "!not a plain decimal"),
    ("amount | trim | number", &[("amount", " 5")], "5"),
    ("amount | number", &[("amount", "£5")], "!not a plain decimal"),
    ("(amount | number) + 0.2", &[("amount", "0.1")], "0.3"),
    ("(amount | number) * 1.1", &[("amount", "3")], "3.3"),
    ("(amount | number) / 4", &[("amount", "1")], "0.25"),
    ("(amount | number) / 3 * 3", &[("amount", "1")], "1"),
    ("(amount | number) - 10", &[("amount", "1")], "-9"),
    ("-(amount | number)", &[("amount", "5")], "-5"),
    ("(amount | number) // 2", &[("amount", "7")], "3"),
    ("(amount | number) % 2", &[("amount", "7")], "1"),
    ("(amount | number) ** 2", &[("amount", "1.5")], "2.25"),
    ("1 + 2 * 3", &[], "7"),
    ("amount | number / 2", &[("amount", "5")], "2.5"),
    ("(amount | number) / (zero | number)", &[("amount", "1"), ("zero", "0")], "!division by zero"),
    ("(amount | number) * 1000000000000", &[("amount", "999999999999999")], "999999999999999000000000000"),
    ("(amount | number) * 0.00000001", &[("amount", "1")], "0.00000001"),
    ("'#' ~ (amount | number)", &[("amount", "5.0")], "#5"),
    ("'a' ~ 1 + 2", &[], "!does not compile"),
    ("(flag | bool) | number", &[("flag", "1")], "!boolean"),
    ("1.50", &[], "1.5"),
];

const TEXTS: &[Case] = &[
    ("\"CUST-\" ~ customer_id", &[("customer_id", "7")], "CUST-7"),
    ("row[\"Odd Name\"] | trim", &[("Odd Name", " x ")], "x"),
    ("row['not']", &[("not", "x")], "x"),
    ("row.name", &[("name", "x")], "x"),
    ("vars.default_owner", &[], "ada@acme.example"),
    ("vars['default_owner'] | upper", &[], "ADA@ACME.EXAMPLE"),
    ("vars.empty", &[], "~"),
    ("'it''s'", &[], "!side by side"),
    ("\"it's\"", &[], "it's"),
    ("'a\\n\\t\\\\\\u00e9'", &[], "a\n\t\\é"),
    ("'}} {{ \"x\"'", &[], "}} {{ \"x\""),
    ("name | default(first or 'none')", &[("first", "F")], "F"),
    ("name | replace(first, last)", &[("name", "a-b"), ("first", "-"), ("last", "+")], "a+b"),
    ("name | replace('.', '')", &[("name", "a.b.c")], "abc"),
    ("name | truncate(2)", &[("name", "éàü")], "éà"),
    ("name | truncate(1)", &[("name", "😀x")], "~"),
    ("name | truncate(2)", &[("name", "😀x")], "😀"),
    ("name | truncate(3)", &[("name", "a\r\nbc")], "a\r\nb"),
    ("name | truncate(0)", &[("name", "x")], "~"),
    ("name | digits", &[("name", "٣a1")], "1"),
    ("name | digits", &[("name", "n/a")], "~"),
    ("name | squish", &[("name", "a\r\n b\u{a0}c")], "a b c"),
    ("name | trim", &[("name", "\u{a0}a\r\n")], "a"),
    ("notes", &[("notes", "a\r\nb")], "a\r\nb"),
    ("name | title", &[("name", "mcdonald's o'brien-SMITH 3rd")], "Mcdonald's O'Brien-Smith 3rd"),
    ("name | title", &[("name", "élan ÉCOLE")], "Élan École"),
    ("name | lower", &[("name", "ÉCOLE")], "école"),
    ("name | upper", &[("name", "straße")], "STRASSE"),
    ("['a', blank, 'b']", &[], "a;b"),
    ("['a' if flag, 'b']", &[], "b"),
    ("[blank]", &[], "~"),
    ("customer_id", &[("customer_id", "00042")], "00042"),
    ("customer_id | upper", &[("customer_id", "1e3")], "1E3"),
];

const DATES: &[Case] = &[
    ("created | date", &[("created", "2024-02-29")], "2024-02-29"),
    ("created | date", &[("created", "2023-02-29")], "!not a date"),
    ("created | date", &[("created", "24/12/2020")], "!not a date"),
    ("created | date", &[("created", "2024-1-1")], "!not a date"),
    ("created | date(\"%d-%m-%y\")", &[("created", "01-02-68")], "2068-02-01"),
    ("created | date(\"%d-%m-%y\")", &[("created", "01-02-69")], "1969-02-01"),
    ("created | date(\"%d-%m-%y\")", &[("created", "01-02-00")], "2000-02-01"),
    ("created | date(vars.fmt)", &[("created", "1/2/2024")], "2024-02-01"),
    ("created | date(fmt='%d %b %Y')", &[("created", "5 Mar 2024")], "2024-03-05"),
    ("created | date('%d/%m/%Y')", &[("created", "31/02/2024")], "!does not fit the format"),
    ("created | date('%d/%m/%Y')", &[("created", "01/02/24")], "!year is not between"),
    ("created | date('%d/%m/%Y')", &[("created", "01/02/2024 10:00")], "!does not fit"),
    ("created | date('%d/%m/%Y %H:%M')", &[("created", "01/02/2024 10:00")], "2024-02-01"),
    ("created | datetime", &[("created", "2024-07-01T10:30:00+01:00")], "2024-07-01T09:30:00Z"),
    ("created | datetime", &[("created", "2024-07-01T10:30:00Z")], "2024-07-01T10:30:00Z"),
    ("created | datetime", &[("created", "2024-07-01 10:30:00.25 -0500")], "2024-07-01T15:30:00.250Z"),
    ("created | datetime", &[("created", "2024-07-01 10:30")], "!says no offset"),
    ("created | datetime", &[("created", "2023-05-06")], "!not an ISO date and time"),
    ("created | datetime", &[("created", "2024-07-01T25:00:00Z")], "!not an ISO date and time"),
    ("created | datetime(zone='Europe/London')", &[("created", "2024-07-01 10:30")], "2024-07-01T09:30:00Z"),
    (
        "created | datetime(zone='Europe/London')",
        &[("created", "2024-07-01T10:30:00-02:00")],
        "2024-07-01T12:30:00Z",
    ),
    (
        "created | datetime('%d/%m/%Y %H:%M', zone='Europe/London')",
        &[("created", "01/01/2024 10:30")],
        "2024-01-01T10:30:00Z",
    ),
    (
        "created | datetime('%d/%m/%Y %H:%M', 'Europe/London')",
        &[("created", "31/03/2024 01:30")],
        "!summer time",
    ),
    (
        "created | datetime('%d/%m/%Y %H:%M', 'Europe/London')",
        &[("created", "27/10/2024 01:30")],
        "!summer time",
    ),
    (
        "created | datetime('%d/%m/%Y %H:%M', 'Europe/London')",
        &[("created", "27/10/2024 02:30")],
        "2024-10-27T02:30:00Z",
    ),
    (
        "created | datetime('%d/%m/%Y %H:%M %z')",
        &[("created", "01/07/2024 10:30 +0200")],
        "2024-07-01T08:30:00Z",
    ),
    ("created | datetime('%d/%m/%Y %H:%M %z')", &[("created", "01/07/2024 10:30")], "!does not fit"),
    ("created | datetime('%d/%m/%Y', 'UTC')", &[("created", "01/07/2024")], "2024-07-01T00:00:00Z"),
    (
        "created | datetime('%d/%m/%Y %I:%M %p', 'UTC')",
        &[("created", "01/07/2024 12:05 AM")],
        "2024-07-01T00:05:00Z",
    ),
    ("created | datetime('%s')", &[("created", "86400")], "1970-01-02T00:00:00Z"),
    (
        "created | datetime('%Y-%m-%d %H:%M:%S%.f', 'UTC')",
        &[("created", "2024-07-01 10:30:00.123456")],
        "2024-07-01T10:30:00.123456000Z",
    ),
];

#[test]
fn expressions_give_what_the_specification_says() {
    let all = [BLANKS, TRUTH, COMPARISONS, NUMBERS, TEXTS, DATES].concat();
    let wrong: Vec<String> = all.iter().filter_map(|case| mismatch(*case)).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

fn mismatch((text, cells, expected): Case) -> Option<String> {
    let found = evaluate(text, cells);
    let right = match (&found, expected.strip_prefix('!')) {
        (Err(words), Some(wanted)) => words.contains(wanted) && hides_values(words, cells),
        (Ok(None), None) => expected == "~",
        (Ok(Some(found)), None) => found == expected,
        _ => false,
    };
    (!right).then(|| format!("`{text}` over {cells:?}: expected {expected:?}, found {found:?}"))
}

/// A fault names no customer value (those of two characters and more; shorter ones are in every sentence).
fn hides_values(words: &str, cells: &[(&str, &str)]) -> bool {
    words.starts_with("does not compile")
        || cells.iter().all(|(_, cell)| cell.len() < 2 || !words.contains(cell))
}

#[test]
fn every_filter_has_an_example_that_is_true() {
    let scope = super::Scope { columns: Some(vec!["value".to_owned()]), ..super::Scope::default() };
    for doc in FILTERS {
        let expr = super::compile(doc.example_expression, &scope, super::Role::Value).expect(doc.name);
        let given = expr.evaluate(&|_| doc.example_input);
        assert_eq!(given, Ok(Some(doc.example_output.to_owned())), "{}", doc.name);
        assert!(doc.signature.starts_with(doc.name) && !doc.about.is_empty());
        let blank = expr.evaluate(&|_| "");
        assert_eq!(blank.map(|b| b.is_none()), Ok(doc.name != "default"), "{} of a blank", doc.name);
    }
}
