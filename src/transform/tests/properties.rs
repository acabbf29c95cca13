//! Properties: native code equals minijinja, our grammar equals minijinja's, and no text makes us panic.

use super::fields::Cells;
use super::{COLUMNS, try_compile};
use crate::diagnostic::Code;
use crate::transform::datum::Datum;
use crate::transform::native;
use crate::transform::{Row, RowOut, RowProgram, expr};
use proptest::prelude::*;

struct Shown<'r>(&'r Cells);

impl native::Cells for Shown<'_> {
    fn text(&self, column: usize) -> &str {
        self.0.cell(column)
    }
}

/// Cells as legacy systems write them: words, numbers, dates, odd spaces, nothing.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "\\PC{0,12}",
        "[ \t\r\n\u{a0}]{0,3}[A-Za-zéßİ'’ -]{0,12}[ \t]{0,2}",
        "-?[0-9]{1,17}([.,][0-9]{0,6})?",
        "-?[0-9]{1,3}(,[0-9]{3}){0,2}",
        "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]",
        "[0-3][0-9]/[01][0-9]/(19|20)[0-9]{2} [0-2][0-9]:[0-5][0-9]",
        "2024-(03-31|10-27|07-01)T0[0-3]:[0-5]0:00(Z|\\+01:00)?",
        "(true|false|YES|no|1|0)",
    ]
}

fn native_filter() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "trim",
        "squish",
        "lower",
        "upper",
        "title",
        "digits",
        "bool",
        "number",
        "number(thousands=',')",
        "number('.', ',')",
        "truncate(3)",
        "replace('a', \"\\\"\\\\\")",
        "replace('0', row['Odd Name'])",
        "default('x')",
        "default(first | trim)",
        "default(1.50)",
        "date",
        "date('%d/%m/%Y %H:%M')",
        "datetime(zone='Europe/London')",
        "datetime('%d/%m/%Y %H:%M', 'Europe/London')",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn native_code_equals_minijinja(
        filters in prop::collection::vec(native_filter(), 0..4),
        cells in prop::collection::vec(cell(), COLUMNS.len()),
    ) {
        let text = std::iter::once("name").chain(filters).collect::<Vec<_>>().join(" | ");
        let expr = try_compile(&text).expect("it compiles");
        let numbers: Vec<usize> =
            expr.columns().iter().map(|name| COLUMNS.iter().position(|c| c == name).expect("known")).collect();
        let tree = expr.tree().with_columns(&|column| numbers[column]);
        prop_assert!(tree.is_native());
        let cells = Cells(cells);
        let row = Shown(&cells);
        let native = native::evaluate(&tree, &row).map(Datum::into_owned);
        prop_assert_eq!(native, expr::evaluate(&tree, &row), "{}", text);
    }

    #[test]
    fn no_text_makes_compile_panic(text in "\\PC{0,60}") {
        let _ = try_compile(&text);
    }

    #[test]
    fn nor_does_a_heap_of_tokens(tokens in prop::collection::vec(token(), 0..24)) {
        let text = tokens.join(" ");
        if let Ok(expr) = try_compile(&text) {
            // What compiles is what minijinja takes: only our own faults may arise.
            if let Err(words) = expr.evaluate(&|_| "1") {
                prop_assert!(!words.contains("cannot be evaluated"), "{}: {}", text, words);
            }
        } else {
            let length = text.chars().count();
            for problem in try_compile(&text).expect_err("it failed") {
                prop_assert!(problem.at.start <= problem.at.end && problem.at.end <= length + 2, "{:?}", problem);
            }
        }
    }

    #[test]
    fn no_row_makes_a_worker_panic(
        filters in prop::collection::vec(native_filter(), 0..4),
        cells in prop::collection::vec(cell(), COLUMNS.len()),
    ) {
        let text = std::iter::once("name").chain(filters).collect::<Vec<_>>().join(" | ");
        let rules = vec![super::fields::rule(&text), super::fields::rule(&format!("first ~ ({text}) ~ last"))];
        let columns: Vec<String> = COLUMNS.iter().map(|c| (*c).to_owned()).collect();
        let mut out = RowOut::default();
        let _ = RowProgram::new(&columns, None, rules).worker().run(&Cells(cells), &mut out);
    }

    // Over texts alone our meaning and Jinja's are one, but for `True`: minijinja's own reading must agree.
    #[test]
    fn our_grammar_is_minijinjas(text in plain_expression(), name in "[ab]?", first in "[ab]?") {
        if refused_on_purpose(&text) {
            return Ok(());
        }
        let theirs = expr::plain_for_tests(&text, &[("name", &name), ("first", &first)]);
        let cells = [("name", name.as_str()), ("first", first.as_str())];
        let ours = super::evaluate(&text, &cells).ok().map(Option::unwrap_or_default);
        let lower = |text: Option<String>| text.map(|text| text.to_lowercase());
        prop_assert_eq!(lower(ours), lower(theirs), "{}", text);
    }
}

fn token() -> impl Strategy<Value = String> {
    let words = [
        "name",
        "first",
        "zzz",
        "row['Odd Name']",
        "row",
        "vars.cutoff",
        "vars",
        "not",
        "and",
        "or",
        "in",
        "is",
        "blank",
        "if",
        "else",
        "none",
        "true",
        "|",
        "~",
        "+",
        "-",
        "*",
        "/",
        "//",
        "**",
        "%",
        "==",
        "!=",
        "<",
        ">=",
        "(",
        ")",
        "[",
        "]",
        ",",
        ".",
        ":",
        "=",
        "'x'",
        "\"%d\"",
        "1",
        "2.5",
        "trim",
        "number",
        "default",
        "date",
        "truncate",
        "replace",
    ];
    prop::sample::select(words.map(str::to_owned).to_vec())
}

fn plain_expression() -> impl Strategy<Value = String> {
    let leaf =
        prop::sample::select(vec!["name", "first", "'a'", "'b'", "''", "'a' ~ name"]).prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            two.clone().prop_map(|(a, b)| format!("{a} ~ {b}")),
            two.clone().prop_map(|(a, b)| format!("{a} and {b}")),
            two.clone().prop_map(|(a, b)| format!("{a} or {b}")),
            two.clone().prop_map(|(a, b)| format!("({a}) == ({b})")),
            two.clone().prop_map(|(a, b)| format!("({a}) in ['a', {b}]")),
            two.clone().prop_map(|(a, b)| format!("'a' not in [{a}, {b}]")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("{a} if {b} else {c}")),
            inner.clone().prop_map(|a| format!("not {a}")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.prop_map(|a| format!("{a} | replace('a', 'z')")),
        ]
    })
}

/// What Jinja has and a manifest has not: lists joined to texts, chains of comparisons.
fn refused_on_purpose(text: &str) -> bool {
    try_compile(text).is_err_and(|problems| {
        problems.iter().all(|p| matches!(p.code, Code::ExpressionFeature | Code::FilterArguments))
    })
}
