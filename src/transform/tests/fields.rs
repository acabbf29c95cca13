//! What becomes of a row: the order of work, the policies, and every field type.

use super::{COLUMNS, scope};
use crate::diagnostic::Code;
use crate::model::KeyForm;
use crate::model::Leniency;
use crate::transform::{
    Blank, CellOut, Conversion, FieldRule, Fold, Inactive, Link, Matcher, OnMissing, Only, Other, RefTarget,
    Role, Row, RowOut, RowProgram, TableEntry, TooLong, TooPrecise, Unmapped, Value, ValueMap, Verdict,
    compile,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A row given as `column=text`.
pub(super) struct Cells(pub(super) Vec<String>);

impl Cells {
    pub(super) fn of(cells: &[(&str, &str)]) -> Self {
        let text = |column: &&str| cells.iter().find(|(name, _)| name == column).map_or("", |(_, text)| text);
        Self(COLUMNS.iter().map(|column| text(column).to_owned()).collect())
    }
}

impl Row for Cells {
    fn cell(&self, column: usize) -> &str {
        &self.0[column]
    }
}

pub(super) fn columns() -> Vec<String> {
    COLUMNS.iter().map(|c| (*c).to_owned()).collect()
}

pub(super) fn rule(expression: &str) -> FieldRule {
    FieldRule {
        field: "Name".into(),
        value: Value::Expr(compile(expression, &scope(), Role::Value).expect(expression)),
        when: None,
        default: None,
        blank: Blank::Keep,
        map: None,
        unmapped: Unmapped::Reject,
        fallback: None,
        matcher: Matcher::None,
        on_missing: OnMissing::Hold,
        other: Other::Reject,
        convert: Conversion::default(),
        too_long: TooLong::Reject,
        too_precise: TooPrecise::Round,
        key: false,
        only: Only::Always,
    }
}

/// One rule over one row, in words: a text in quotes, `absent`, `clear`, `ref N "key"`, or `!message`.
pub(super) fn run(rule: FieldRule, cells: &[(&str, &str)]) -> String {
    let mut out = RowOut::default();
    let verdict = RowProgram::new(&columns(), None, vec![rule]).worker().run(&Cells::of(cells), &mut out);
    let told = match verdict {
        Verdict::Rejected(reject) => format!("!{} {}", reject.code as u16, reject.message),
        _ => shown(&out),
    };
    let count = |one| out.lenient.iter().filter(|(_, all)| all.has(one)).count();
    format!(
        "{told}{}{}",
        " rounded".repeat(count(Leniency::Rounded)),
        " truncated".repeat(count(Leniency::Truncated))
    )
}

fn shown(out: &RowOut) -> String {
    let cells = out.cells.iter().map(|cell| match cell {
        CellOut::Absent => "absent".to_owned(),
        CellOut::Clear => "clear".to_owned(),
        CellOut::Text(at) => format!("'{}'", &out.text[at.clone()]),
        CellOut::Ref { target, key } => format!("ref {target} '{}'", &out.text[key.clone()]),
        CellOut::Chain(links) => links.iter().map(|one| link(out, one)).collect::<Vec<_>>().join(" else "),
    });
    cells.collect::<Vec<_>>().join(" ")
}

pub(super) fn map(pairs: &[(&str, &str)]) -> Option<ValueMap> {
    ValueMap::from_pairs(pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))).ok()
}

fn table(entries: &[(&str, TableEntry)]) -> Matcher {
    let ids: BTreeMap<_, _> =
        entries.iter().map(|(name, entry)| ((*name).to_owned(), entry.clone())).collect();
    Matcher::Table { what: "user", ids: Arc::new(ids), fold: Fold::User }
}

fn id(text: &str) -> TableEntry {
    TableEntry::Id(text.into())
}

/// A change to the plain rule over `name`, the cell, and what comes out.
type Case = (&'static str, fn(&mut FieldRule), &'static str, &'static str);

const POLICIES: &[Case] = &[
    ("a value", |_| {}, "x", "'x'"),
    ("a blank is kept", |_| {}, "", "absent"),
    ("a blank clears", |r| r.blank = Blank::Clear, "", "clear"),
    ("white space is a blank", |r| r.blank = Blank::Clear, " \u{a0}\t", "clear"),
    ("space around text stays", |_| {}, " x ", "' x '"),
    ("a default of white space is a blank", |r| r.default = Some(" ".into()), "", "absent"),
    ("default for a blank", |r| r.default = Some("d".into()), "", "'d'"),
    ("default for no other", |r| r.default = Some("d".into()), "x", "'x'"),
    ("a blank default is a blank", |r| r.default = Some(String::new()), "", "absent"),
    (
        "default goes through the map",
        |r| {
            r.default = Some("d".into());
            r.map = map(&[("d", "D")]);
        },
        "",
        "'D'",
    ),
    ("a blank does not reach the map", |r| r.map = map(&[("x", "y")]), "", "absent"),
    ("mapped", |r| r.map = map(&[("x", "y")]), "x", "'y'"),
    ("mapped after trimming", |r| r.map = map(&[(" x", "y")]), "x ", "'y'"),
    (
        "map keys compare exactly",
        |r| r.map = map(&[("x", "y")]),
        "X",
        "!309 Name: `name`: the map has no such value; add it, a `fallback` or `unmapped`",
    ),
    (
        "mapped to blank",
        |r| {
            r.map = map(&[("x", "")]);
            r.blank = Blank::Clear;
        },
        "x",
        "clear",
    ),
    (
        "unmapped: fallback",
        |r| {
            r.map = map(&[("x", "y")]);
            r.fallback = Some("f".into());
        },
        "z",
        "'f'",
    ),
    (
        "fallback not for blanks",
        |r| {
            r.map = map(&[("x", "y")]);
            r.fallback = Some("f".into());
        },
        "",
        "absent",
    ),
    ("fallback without a map is not for blanks", |r| r.fallback = Some("f".into()), "", "absent"),
    (
        "unmapped: blank",
        |r| {
            r.map = map(&[("x", "y")]);
            r.unmapped = Unmapped::Blank;
        },
        "z",
        "absent",
    ),
    (
        "unmapped: pass",
        |r| {
            r.map = map(&[("x", "y")]);
            r.unmapped = Unmapped::Pass;
        },
        "z",
        "'z'",
    ),
    (
        "#N/A of the source",
        |_| {},
        "#N/A",
        "!306 Name: `name`: the value is `#N/A`, which would remove the org's value; list it in `null_values`, or map it",
    ),
    ("#N/A mapped away", |r| r.map = map(&[("#N/A", "none")]), "#N/A", "'none'"),
    ("when false", |r| r.when = compile("name != 'x'", &scope(), Role::Condition).ok(), "x", "absent"),
    ("when true", |r| r.when = compile("name == 'x'", &scope(), Role::Condition).ok(), "x", "'x'"),
    ("when blank is false", |r| r.when = compile("blank", &scope(), Role::Condition).ok(), "x", "absent"),
    (
        "when false, then default",
        |r| {
            r.when = compile("blank", &scope(), Role::Condition).ok();
            r.default = Some("d".into());
        },
        "x",
        "'d'",
    ),
    (
        "when false hides a fault of the value",
        |r| {
            *r = FieldRule {
                when: compile("name != 'x'", &scope(), Role::Condition).ok(),
                ..rule("(name | number) + 1")
            }
        },
        "x",
        "absent",
    ),
    (
        "when false hides a native fault",
        |r| {
            *r = FieldRule { when: compile("blank", &scope(), Role::Condition).ok(), ..rule("name | number") }
        },
        "x",
        "absent",
    ),
    (
        "when true shows it",
        |r| {
            *r = FieldRule {
                when: compile("name", &scope(), Role::Condition).ok(),
                ..rule("(name | number) + 1")
            }
        },
        "x",
        "!306 Name: `(name | number) + 1`: the value is not a plain decimal number",
    ),
    (
        "a fault of when",
        |r| r.when = compile("name | bool", &scope(), Role::Condition).ok(),
        "xx",
        "!306 Name: `name`: the value is none of true, false, 1, 0, yes, no, y, n, t, f",
    ),
    ("a constant", |r| r.value = Value::Const("c".into()), "x", "'c'"),
    (
        "a list for text",
        |r| *r = rule("['a', name]"),
        "x",
        "!306 Name: `['a', name]`: the expression gives a list, and only a multipicklist takes one",
    ),
    ("line breaks are line feeds", |_| {}, "a\r\nb\rc\nd", "'a\nb\nc\nd'"),
    ("a line break is one character", |r| r.convert.length = 3, "a\r\nb", "'a\nb'"),
    (
        "too long",
        |r| r.convert.length = 3,
        "abcd",
        "!306 Name: `name`: the text has 4 characters, and the field takes 3; `too_long: truncate` would cut it",
    ),
    ("length in UTF-16 units", |r| r.convert.length = 4, "é😀é", "'é😀é'"),
    (
        "too long in UTF-16 units",
        |r| r.convert.length = 3,
        "é😀é",
        "!306 Name: `name`: the text has 4 characters, and the field takes 3; `too_long: truncate` would cut it",
    ),
    (
        "truncated",
        |r| {
            r.convert.length = 3;
            r.too_long = TooLong::Truncate;
        },
        "abcd",
        "'abc' truncated",
    ),
    (
        "truncated to a blank",
        |r| {
            (r.convert.length, r.blank) = (3, Blank::Clear);
            r.too_long = TooLong::Truncate;
        },
        "    x",
        "clear truncated",
    ),
    (
        "truncation splits no pair",
        |r| {
            r.convert.length = 2;
            r.too_long = TooLong::Truncate;
        },
        "é😀é",
        "'é' truncated",
    ),
    ("a user", |r| r.matcher = table(&[("ada@x", id("005A"))]), " Ada@X.invalid", "'005A'"),
    (
        "no such user holds, which rejects",
        |r| r.matcher = table(&[]),
        "bob",
        "!309 Name: `name`: the org has no such user",
    ),
    (
        "no such user: blank",
        |r| {
            r.matcher = table(&[]);
            r.on_missing = OnMissing::Blank;
        },
        "bob",
        "absent",
    ),
    (
        "no such user: reject",
        |r| {
            r.matcher = table(&[]);
            r.on_missing = OnMissing::Reject;
        },
        "bob",
        "!309 Name: `name`: the org has no such user",
    ),
    (
        "no such user: fallback, itself matched",
        |r| {
            r.matcher = table(&[("eve", id("005E"))]);
            r.fallback = Some("Eve".into());
        },
        "bob",
        "'005E'",
    ),
    (
        "fallback matched once",
        |r| {
            r.matcher = table(&[]);
            r.fallback = Some("eve".into());
        },
        "bob",
        "!309 Name: `name`: the org has no such user",
    ),
    (
        "two users",
        |r| {
            r.matcher = table(&[("bob", TableEntry::Ambiguous)]);
            r.fallback = Some("eve".into());
        },
        "bob",
        "!309 Name: `name`: more than one user matches",
    ),
    (
        "map, then match",
        |r| {
            r.matcher = table(&[("eve", id("005E"))]);
            r.map = map(&[("b", "eve")]);
        },
        "b",
        "'005E'",
    ),
    (
        "unmapped: fallback, then match",
        |r| {
            r.matcher = table(&[("eve", id("005E"))]);
            r.map = map(&[]);
            r.fallback = Some("eve".into());
        },
        "b",
        "'005E'",
    ),
    (
        "default, then match",
        |r| {
            r.matcher = table(&[("eve", id("005E"))]);
            r.default = Some("eve".into());
        },
        "",
        "'005E'",
    ),
    (
        "inactive: fallback",
        |r| {
            r.matcher = table(&[("bob", inactive(Inactive::Fallback)), ("eve", id("005E"))]);
            r.fallback = Some("eve".into());
        },
        "bob",
        "'005E'",
    ),
    (
        "inactive: reject",
        |r| r.matcher = table(&[("bob", inactive(Inactive::Reject))]),
        "bob",
        "!309 Name: `name`: the user is inactive",
    ),
    ("inactive: keep", |r| r.matcher = table(&[("bob", inactive(Inactive::Keep))]), "bob", "'005I'"),
    ("a reference gives its raw key", |r| r.matcher = refs(&[None], None), " K-1 ", "ref 0 ' K-1 '"),
    (
        "a blank reference",
        |r| {
            r.matcher = refs(&[None], None);
            r.blank = Blank::Clear;
        },
        "",
        "clear",
    ),
    (
        "a reference after its map",
        |r| {
            r.matcher = refs(&[None], None);
            r.map = map(&[("a", "b")]);
        },
        "a",
        "ref 0 'b'",
    ),
    (
        "a reference's fallback is not ours",
        |r| {
            r.matcher = refs(&[None], None);
            r.fallback = Some("f".into());
        },
        "a",
        "ref 0 'a'",
    ),
    (
        "a polymorphic reference",
        |r| r.matcher = refs(&[Some("ACC"), Some("OPP")], Some("'OPP ' if name")),
        "a",
        "ref 1 'a'",
    ),
    (
        "an unknown type",
        |r| r.matcher = refs(&[Some("ACC")], Some("'XX'")),
        "a",
        "!309 Name: `name`: the `type` is none of those listed under `ref`",
    ),
    ("first of: as it stands", |r| r.matcher = first_of(Matcher::None), "\u{1e}b", "'b'"),
    ("first of: found before the key", |r| r.matcher = first_of(refs(&[None], None)), "eve\u{1e}K", "'005E'"),
    (
        "first of: the key after what is not found",
        |r| r.matcher = first_of(refs(&[None], None)),
        "bob\u{1e}K",
        "ref 0 'K'",
    ),
    (
        "first of: a reference, and what is found behind it",
        |r| r.matcher = last_of(refs(&[None], None)),
        "K\u{1e}eve",
        "ref 0 'K' else '005E'",
    ),
    (
        "first of: a reference, and nothing behind it",
        |r| r.matcher = last_of(refs(&[None], None)),
        "K\u{1e}bob",
        "ref 0 'K'",
    ),
    (
        "first of: a blank key is no reference",
        |r| r.matcher = last_of(refs(&[None], None)),
        "\u{1e}eve",
        "'005E'",
    ),
    (
        "first of: two references, each with a type of its own, and a fallback",
        |r| {
            r.matcher = Matcher::FirstOf(vec![
                refs(&[Some("ACC"), Some("OPP")], Some("'OPP'")),
                refs(&[Some("ACC"), Some("OPP")], Some("'ACC'")),
                table(&[("eve", id("005E"))]),
            ]);
            r.fallback = Some("eve".into());
        },
        "K\u{1e}L\u{1e}bob",
        "ref 1 'K' else ref 0 'L' (1) else ref 0 'eve' (2) else ref 0 'eve' (3) else '005E'",
    ),
    (
        "first of: a reference and a table that finds nothing",
        |r| r.matcher = last_of(refs(&[None], None)),
        "\u{1e}bob",
        "!309 Name: `name`: the org has no such user",
    ),
    ("first of: all blank", |r| r.matcher = first_of(refs(&[None], None)), "\u{1e}", "absent"),
    (
        "first of: a type picks",
        |r| r.matcher = first_of(refs(&[Some("ACC"), Some("OPP")], Some("'OPP'"))),
        "\u{1e}K",
        "ref 1 'K'",
    ),
    (
        "first of: a default is looked for where something is",
        |r| {
            r.matcher = first_of(Matcher::None);
            r.default = Some("eve".into());
        },
        "\u{1e}",
        "'005E'",
    ),
    (
        "first of: nothing found, and nothing after it",
        |r| r.matcher = first_of(Matcher::None),
        "bob\u{1e}",
        "!309 Name: `name`: the org has no such user",
    ),
    (
        "first of: #N/A as it stands",
        |r| r.matcher = first_of(Matcher::None),
        "\u{1e}#N/A",
        "!306 Name: `name`: the value is `#N/A`, which would remove the org's value; list it in `null_values`, or map it",
    ),
    (
        "first of: a mark of ours in a value",
        |r| r.matcher = first_of(Matcher::None),
        "a\u{1e}b\u{1e}c",
        "!309 Name: `name`: the value holds the control character U+001E",
    ),
    ("a blank reference needs no type", |r| r.matcher = refs(&[Some("ACC")], Some("'XX'")), "", "absent"),
    (
        "#N/A as a key",
        |r| r.matcher = refs(&[None], None),
        "#N/A",
        "!306 Name: `name`: the value is `#N/A`, which would remove the org's value; list it in `null_values`, or map it",
    ),
];

fn link(out: &RowOut, link: &Link) -> String {
    match link {
        Link::Last { text: at, .. } => format!("'{}'", &out.text[at.clone()]),
        Link::Ref { seat: 0, target, key } => format!("ref {target} '{}'", &out.text[key.clone()]),
        Link::Ref { seat, target, key } => format!("ref {target} '{}' ({seat})", &out.text[key.clone()]),
    }
}

fn inactive(policy: Inactive) -> TableEntry {
    TableEntry::Inactive { id: "005I".into(), policy }
}

/// This, and then users.
fn last_of(first: Matcher) -> Matcher {
    Matcher::FirstOf(vec![first, table(&[("eve", id("005E"))])])
}

/// Users, and then this.
fn first_of(last: Matcher) -> Matcher {
    Matcher::FirstOf(vec![table(&[("eve", id("005E"))]), last])
}

fn refs(tags: &[Option<&str>], type_expr: Option<&str>) -> Matcher {
    let target = |(object, tag): (usize, &Option<&str>)| RefTarget {
        tag: tag.map(str::to_owned),
        object,
        form: KeyForm::FoldedText,
        key: Conversion::default(),
    };
    Matcher::Ref {
        targets: tags.iter().enumerate().map(target).collect(),
        type_expr: type_expr.map(|text| compile(text, &scope(), Role::Value).expect(text)),
    }
}

#[test]
fn a_field_is_worked_in_the_specified_order() {
    let wrong: Vec<String> = POLICIES
        .iter()
        .filter_map(|(name, change, cell, expected)| {
            let mut rule = rule("name");
            change(&mut rule);
            let found = run(rule, &[("name", cell)]);
            (found != *expected).then(|| format!("{name}: expected {expected}, found {found}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn verdict(condition: &str, fields: &[&str], cells: &[(&str, &str)]) -> (Verdict, String) {
    let condition = compile(condition, &scope(), Role::Condition).expect(condition);
    let program =
        RowProgram::new(&columns(), Some(condition), fields.iter().map(|text| rule(text)).collect());
    let mut out = RowOut::default();
    let verdict = program.worker().run(&Cells::of(cells), &mut out);
    (verdict, shown(&out))
}

#[test]
fn where_filters_before_any_field_can_fail() {
    for condition in ["status != 'DELETED'", "first"] {
        let cells = [("status", "DELETED"), ("amount", "x")];
        assert_eq!(verdict(condition, &["(amount | number) + 1"], &cells).0, Verdict::Filtered);
        assert_eq!(verdict(condition, &["amount | number"], &cells).0, Verdict::Filtered);
        let kept = [("first", "f"), ("amount", "1")];
        let found = verdict(condition, &["(amount | number) + 1", "first"], &kept);
        assert_eq!(found, (Verdict::Kept, "'2' 'f'".into()));
    }
    for condition in ["(amount | number) > 5", "first ~ ' ' ~ status", "first ~ ' ' ~ (status if status)"] {
        let plain = verdict(condition, &["name"], &[]).0;
        assert_eq!(plain, Verdict::Filtered, "{condition}: a blank where is false");
        assert_eq!(verdict(condition, &["1 + (name | number)"], &[("name", "x")]).0, Verdict::Filtered);
    }
    let Verdict::Rejected(reject) = verdict("(amount | number) > 5", &["name"], &[("amount", "secret")]).0
    else {
        panic!("a fault of where rejects the row");
    };
    assert_eq!((reject.code, reject.field), (Code::RowValue, None));
    assert!(reject.message.contains("(amount | number) > 5") && !reject.message.contains("secret"));
}

#[test]
fn the_first_field_that_fails_is_named_whatever_its_class() {
    let fields = ["name", "(amount | number) + 1", "other | number", "(first | number) + 1"];
    for (cells, culprit) in [
        (&[("amount", "x"), ("other", "x"), ("first", "x")][..], 1),
        (&[("amount", "1"), ("other", "x"), ("first", "x")], 2),
        (&[("amount", "1"), ("other", "1"), ("first", "x")], 3),
    ] {
        let Verdict::Rejected(reject) = verdict("true", &fields, cells).0 else { panic!("rejected") };
        assert_eq!(reject.field, Some(culprit));
        assert!(reject.message.contains(fields[culprit]), "{}", reject.message);
    }
}

#[test]
fn a_worker_forgets_the_row_before() {
    let program =
        RowProgram::new(&columns(), None, vec![rule("name ~ '!'"), rule("first"), rule("amount | number")]);
    let (mut worker, mut out) = (program.worker(), RowOut::default());
    assert_eq!(
        worker.run(&Cells::of(&[("name", "a"), ("first", "b"), ("amount", "1")]), &mut out),
        Verdict::Kept
    );
    assert_eq!(shown(&out), "'a!' 'b' '1'");
    assert!(matches!(worker.run(&Cells::of(&[("amount", "x")]), &mut out), Verdict::Rejected(_)));
    assert_eq!(worker.run(&Cells::of(&[("name", "c")]), &mut out), Verdict::Kept);
    assert_eq!(shown(&out), "'c!' absent absent");
}

#[test]
fn a_column_that_the_header_lacks_rejects() {
    let program = RowProgram::new(&["other".to_owned()], None, vec![rule("name")]);
    let verdict = program.worker().run(&Cells(vec!["x".into()]), &mut RowOut::default());
    assert!(matches!(verdict, Verdict::Rejected(reject) if reject.message.contains("`name`")));
}

#[test]
fn workers_may_go_to_other_threads() {
    fn sendable<T: Send>(_: &T) {}
    let program = RowProgram::new(&columns(), None, vec![rule("name ~ 'x'")]);
    sendable(&program.worker());
    fn shareable<T: Send + Sync>(_: &T) {}
    shareable(&program);
}
