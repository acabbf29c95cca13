//! Every field type of describe: what is taken, what is sent, what is refused.

use super::fields::{map, rule, run};
use crate::model::FieldType;
use crate::transform::{Conversion, FieldRule, TooLong, TooPrecise, Unmapped};
use std::sync::Arc;

/// A type, how it is narrowed, a value, and what comes out: `!` is any rejection.
type TypeCase = (FieldType, fn(&mut Conversion), &'static str, &'static str);

fn narrow(_: &mut Conversion) {}
fn money(c: &mut Conversion) {
    (c.precision, c.scale) = (18, 2);
}
fn small(c: &mut Conversion) {
    (c.precision, c.scale) = (4, 2);
}
fn london(c: &mut Conversion) {
    c.timezone = Some("Europe/London".into());
}
fn listed(c: &mut Conversion) {
    c.restricted = Some(Arc::new(["A".to_owned(), "B".to_owned()].into()));
}

const TYPES: &[TypeCase] = &[
    (FieldType::TextArea, narrow, "a\nb", "'a\nb'"),
    (FieldType::Phone, narrow, "+44 20", "'+44 20'"),
    (FieldType::Url, narrow, "x.example", "'x.example'"),
    (FieldType::Email, narrow, "a@b", "'a@b'"),
    (FieldType::EncryptedString, narrow, "x", "'x'"),
    (FieldType::Combobox, narrow, "x", "'x'"),
    (FieldType::Picklist, narrow, "anything", "'anything'"),
    (FieldType::Picklist, listed, "A", "'A'"),
    (FieldType::Picklist, listed, "a", "!"),
    (FieldType::MultiPicklist, listed, "A;B", "'A;B'"),
    (FieldType::MultiPicklist, listed, "A;C", "!"),
    (FieldType::MultiPicklist, |c| c.length = 3, "A;BC", "!"),
    (FieldType::Boolean, narrow, "TRUE", "'true'"),
    (FieldType::Boolean, narrow, "y", "'true'"),
    (FieldType::Boolean, narrow, "0", "'false'"),
    (FieldType::Boolean, narrow, "No", "'false'"),
    (FieldType::Boolean, narrow, "F", "'false'"),
    (FieldType::Boolean, narrow, "on", "!"),
    (FieldType::Boolean, narrow, "\u{a0}true ", "'true'"),
    (FieldType::Int, narrow, "007", "'7'"),
    (FieldType::Int, narrow, "-5.00", "'-5'"),
    (FieldType::Int, narrow, "-0", "'0'"),
    (FieldType::Int, narrow, "5.5", "!"),
    (FieldType::Int, narrow, "5.", "!"),
    (FieldType::Int, narrow, "five", "!"),
    (FieldType::Int, |c| c.digits = 3, "999", "'999'"),
    (FieldType::Int, |c| c.digits = 3, "1000", "!"),
    (
        FieldType::Double,
        narrow,
        "12345678901234567890.12345678901234567890",
        "'12345678901234567890.1234567890123456789'",
    ),
    (FieldType::Double, narrow, "007.0", "'7'"),
    (FieldType::Double, narrow, "-0.0", "'0'"),
    (FieldType::Double, narrow, "1e3", "'1000'"),
    (FieldType::Double, narrow, "-1.5E-2", "'-0.015'"),
    (FieldType::Double, narrow, "1e", "!"),
    (FieldType::Double, narrow, " 7\t", "'7'"),
    (FieldType::Int, narrow, "8.0E3", "'8000'"),
    (FieldType::Int, narrow, "\u{3000}7 ", "'7'"),
    (FieldType::Double, narrow, "+1", "!"),
    (FieldType::Double, narrow, ".5", "!"),
    (FieldType::Double, narrow, "1,5", "!"),
    (FieldType::Double, narrow, "--1", "!"),
    (FieldType::Double, narrow, "-", "!"),
    (FieldType::Currency, money, "1234.50", "'1234.5'"),
    (FieldType::Currency, money, "2.675", "'2.68' rounded"),
    (FieldType::Currency, money, "-2.675", "'-2.68' rounded"),
    (FieldType::Currency, money, "2.6749999", "'2.67' rounded"),
    (FieldType::Currency, money, "2.670", "'2.67'"),
    (FieldType::Currency, money, "9.999", "'10' rounded"),
    (FieldType::Currency, money, "0.001", "'0' rounded"),
    (FieldType::Currency, money, "-0.001", "'0' rounded"),
    (FieldType::Currency, money, "1234567890123456.78", "'1234567890123456.78'"),
    (FieldType::Currency, money, "12345678901234567", "!"),
    (FieldType::Percent, small, "99.99", "'99.99'"),
    (FieldType::Percent, small, "99.995", "! rounded-up"),
    (FieldType::Percent, small, "100", "!"),
    (FieldType::Double, |c| c.precision = 3, "1.5", "'2' rounded"),
    (FieldType::Date, narrow, "2024-02-29", "'2024-02-29'"),
    (FieldType::Date, narrow, "2023-02-29", "!"),
    (FieldType::Date, narrow, "2024-2-9", "!"),
    (FieldType::Date, narrow, "2024-02-29T00:00:00Z", "!"),
    (FieldType::Date, narrow, "0024-02-01", "!"),
    (FieldType::DateTime, narrow, "2024-07-01T10:30:00+01:00", "'2024-07-01T09:30:00Z'"),
    (FieldType::DateTime, narrow, "2024-07-01T10:30:00.250Z", "'2024-07-01T10:30:00.250Z'"),
    (FieldType::DateTime, narrow, "2024-07-01T10:30:00.250999Z", "'2024-07-01T10:30:00.250Z' rounded"),
    (FieldType::DateTime, narrow, "2024-07-01 10:30", "!"),
    (FieldType::DateTime, london, "2024-07-01 10:30", "'2024-07-01T09:30:00Z'"),
    (FieldType::DateTime, london, "2024-07-01T10:30:05Z", "'2024-07-01T10:30:05Z'"),
    (FieldType::DateTime, london, "2024-03-31 01:30:00", "!"),
    (FieldType::DateTime, london, "2024-10-27 01:30:00", "!"),
    (FieldType::DateTime, london, "2024-05-06", "!"),
    (FieldType::DateTime, london, " 2024-07-01T10:30:05Z ", "'2024-07-01T10:30:05Z'"),
    (FieldType::Date, narrow, " 2024-02-29", "'2024-02-29'"),
    (FieldType::Time, narrow, "09:05 ", "'09:05:00.000Z'"),
    (FieldType::Id, narrow, " 0018c00002DJIpJ", "'0018c00002DJIpJ'"),
    (FieldType::Picklist, |c| c.length = 3, "longer", "'longer'"),
    (FieldType::DateTime, |c| c.timezone = Some("Mars/Base".into()), "2024-07-01T10:30:00Z", "!"),
    (FieldType::Time, narrow, "09:05", "'09:05:00.000Z'"),
    (FieldType::Time, narrow, "09:05:07", "'09:05:07.000Z'"),
    (FieldType::Time, narrow, "09:05:07.25", "'09:05:07.250Z'"),
    (FieldType::Time, narrow, "9:05", "!"),
    (FieldType::Time, narrow, "24:00", "!"),
    (FieldType::Time, narrow, "09:05:07.1234", "!"),
    (FieldType::Id, narrow, "0018c00002DJIpJ", "'0018c00002DJIpJ'"),
    (FieldType::Reference, narrow, "0018c00002DJIpJAAX", "'0018c00002DJIpJAAX'"),
    (FieldType::Reference, narrow, "LEGACY-1", "!"),
    (FieldType::Base64, narrow, "x", "!"),
    (FieldType::Address, narrow, "x", "!"),
    (FieldType::Location, narrow, "x", "!"),
    (FieldType::AnyType, narrow, "x", "!"),
];

#[test]
fn every_field_type_takes_what_the_table_says() {
    let wrong: Vec<String> = TYPES
        .iter()
        .filter_map(|(field_type, change, cell, expected)| {
            let mut rule = rule("name");
            rule.convert.field_type = *field_type;
            change(&mut rule.convert);
            let found = run(rule, &[("name", cell)]);
            let right = match expected.starts_with('!') {
                true => found.starts_with("!306") && (cell.len() < 4 || !found.contains(cell)),
                false => found == *expected,
            };
            (!right).then(|| format!("{field_type:?} {cell:?}: expected {expected}, found {found}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever the policies say.
#[test]
fn keys_are_neither_cut_nor_rounded() {
    let key = |change: fn(&mut Conversion), cell: &str| {
        let mut rule = FieldRule { key: true, too_long: TooLong::Truncate, ..rule("name") };
        change(&mut rule.convert);
        run(rule, &[("name", cell)])
    };
    let short = |c: &mut Conversion| c.length = 3;
    let whole = |c: &mut Conversion| (c.field_type, c.precision) = (FieldType::Double, 18);
    assert_eq!(key(short, "abc"), "'abc'");
    let told = "!306 Name: `name`: the key has 4 characters, and the field takes 3; no key is cut";
    assert_eq!(key(short, "abcd"), told);
    assert_eq!((key(whole, "7.0"), key(whole, "1.6E3")), ("'7'".to_owned(), "'1600'".to_owned()));
    let told = "!306 Name: `name`: the number has more than 0 digits behind the point; no key is rounded";
    assert_eq!(key(whole, "1.4"), told);
    assert!(key(short, "a\n").starts_with("!306 Name: `name`: a key holds no tabs, line breaks"));
    assert!(key(short, "a\u{a0}").starts_with("!306 Name: `name`: the key begins or ends with a no-break"));
}

#[test]
fn what_is_too_precise_is_rejected_where_the_rule_says_so() {
    let exact = |field_type, cell: &str| {
        let mut rule = FieldRule { too_precise: TooPrecise::Reject, ..rule("name") };
        rule.convert = Conversion { field_type, precision: 18, scale: 2, ..Conversion::default() };
        run(rule, &[("name", cell)])
    };
    assert_eq!(exact(FieldType::Currency, "2.500"), "'2.5'");
    let told = "!306 Name: `name`: the number has more than 2 digits behind the point; `too_precise: round` would round it";
    assert_eq!(exact(FieldType::Currency, "2.675"), told);
    let told = "!306 Name: `name`: the time is finer than a millisecond; `too_precise: round` would cut it";
    assert_eq!(exact(FieldType::DateTime, "2024-07-01T10:30:00.250999Z"), told);
}

#[test]
fn years_that_no_org_takes_are_told_as_that() {
    let mut rule = rule("name");
    rule.convert = Conversion {
        field_type: FieldType::DateTime,
        timezone: Some("Europe/London".into()),
        ..Conversion::default()
    };
    for cell in
        ["9999-12-31T23:59:59Z", "9999-12-31 23:59:59", "0000-01-01T00:00:00+18:00", "4001-01-01T00:00Z"]
    {
        let told = "!306 Name: `name`: the year is not between 1700 and 4000";
        assert_eq!(run(rule.clone(), &[("name", cell)]), told, "{cell}");
    }
}

#[test]
fn lists_and_parts_of_a_multipicklist() {
    let multi = |expression: &str| {
        let mut rule = rule(expression);
        rule.convert.field_type = FieldType::MultiPicklist;
        rule
    };
    assert_eq!(run(multi("[name, first, 'c']"), &[("name", "a")]), "'a;c'");
    let mapped = FieldRule { map: map(&[("a", "A"), ("b", "B"), ("a;b", "both")]), ..multi("name") };
    assert_eq!(run(mapped.clone(), &[("name", "b;a;b")]), "'B;A'");
    assert_eq!(run(mapped.clone(), &[("name", "a;b")]), "'both'");
    assert!(run(mapped.clone(), &[("name", "a;z")]).starts_with("!309"));
    let lenient = FieldRule { unmapped: Unmapped::Blank, ..mapped };
    assert_eq!(run(lenient.clone(), &[("name", "a;z")]), "'A'");
    assert_eq!(run(lenient, &[("name", "y;z")]), "absent");
    let mut cut = FieldRule { too_long: TooLong::Truncate, ..multi("name") };
    cut.convert.length = 4;
    assert_eq!(run(cut.clone(), &[("name", "a;bb;c")]), "'a;bb' truncated");
    assert_eq!(run(cut.clone(), &[("name", "a;bbbb")]), "'a' truncated");
    assert!(run(cut, &[("name", "aaaaa;b")]).starts_with("!306"));
}
