//! What `check` says: one case for every rule that an expression can break.

use super::{scope, try_compile};
use crate::diagnostic::{Code, Severity};
use crate::transform::{Class, Role, Scope, compile};

/// An expression, the code, the text the place covers, and words of message and help.
type Case = (&'static str, Code, &'static str, &'static str);

const CASES: &[Case] = &[
    (
        "Customer",
        Code::UnknownColumn,
        "Customer",
        "`Customer` is not a column | did you mean `customer_id`? for a constant write `{ value: Customer }`; for text inside an expression quote twice: `'\"Customer\"'`",
    ),
    ("nmae | trim", Code::UnknownColumn, "nmae", "did you mean `name`?"),
    ("OddName", Code::UnknownColumn, "OddName", "did you mean `row[\"Odd Name\"]`?"),
    ("row[\"Odd Nme\"]", Code::UnknownColumn, "row[\"Odd Nme\"]", "did you mean `row[\"Odd Name\"]`?"),
    ("row.nmae", Code::UnknownColumn, "row.nmae", "did you mean `name`?"),
    ("Odd Name", Code::ExpressionSyntax, "Odd Name", "write `row[\"Odd Name\"]`"),
    ("not", Code::ExpressionSyntax, "not", "write `row[\"not\"]`"),
    ("in", Code::ExpressionSyntax, "in", "write `row[\"in\"]`"),
    ("1st", Code::ExpressionSyntax, "1st", "write `row[\"1st\"]`"),
    ("'a' ~ zzz ~ 'b'", Code::UnknownColumn, "zzz", "`zzz` is not a column"),
    ("vars.default_ownr", Code::Variable, "vars.default_ownr", "did you mean `vars.default_owner`?"),
    ("vars", Code::ExpressionFeature, "vars", "write `vars.name`"),
    ("row", Code::ExpressionFeature, "row", "write `row[\"Odd Name\"]`"),
    ("row[name]", Code::ExpressionFeature, "row", "written out"),
    ("row['name':]", Code::ExpressionFeature, "row", "written out"),
    ("name[0]", Code::ExpressionFeature, "[", "no parts to pick"),
    ("name[1:2]", Code::ExpressionFeature, "[", "no parts to pick"),
    ("name.upper()", Code::ExpressionFeature, ".upper", "`value | upper`"),
    ("range(3)", Code::ExpressionFeature, "(", "no functions"),
    ("now()", Code::ExpressionFeature, "(", "no functions"),
    ("none", Code::ExpressionFeature, "none", "is blank"),
    ("None", Code::ExpressionFeature, "None", "is blank"),
    ("name is none", Code::ExpressionFeature, "none", "write `is blank`"),
    ("name is defined", Code::ExpressionFeature, "defined", "write `is blank`"),
    ("name is not defined", Code::ExpressionFeature, "defined", "write `is blank`"),
    ("name is odd", Code::UnknownFilter, "odd", "the only test is `is blank`"),
    ("name is blank(1)", Code::FilterArguments, "blank", "no arguments"),
    ("'a' 'b'", Code::ExpressionFeature, "'b'", "write `~` between"),
    ("name | trimm", Code::UnknownFilter, "trimm", "did you mean `trim`?"),
    ("name | int", Code::UnknownFilter, "int", "did you mean `number`?"),
    ("name | length", Code::UnknownFilter, "length", "there are trim"),
    ("name | safe", Code::UnknownFilter, "safe", "there"),
    ("name | trim(1)", Code::FilterArguments, "trim", "it is written `trim`"),
    ("name | default", Code::FilterArguments, "default", "default(text)"),
    ("name | replace('a')", Code::FilterArguments, "replace", "replace(old, new)"),
    ("name | replace('', 'a')", Code::FilterArguments, "replace", "empty text"),
    ("name | replace('a', 'b', 'c')", Code::FilterArguments, "replace", "replace(old, new)"),
    ("name | replace('a', old='b')", Code::FilterArguments, "replace", "replace(old, new)"),
    ("name | truncate", Code::FilterArguments, "truncate", "truncate(n)"),
    ("name | truncate('x')", Code::FilterArguments, "truncate", "whole number"),
    ("name | truncate(1.5)", Code::FilterArguments, "truncate", "whole number"),
    ("name | truncate(amount)", Code::FilterArguments, "truncate", "whole number"),
    ("name | number(thousand=',')", Code::FilterArguments, "number", "number(thousands"),
    ("name | number(thousands='.')", Code::FilterArguments, "'.'", "are the same"),
    ("name | number(decimal=',,')", Code::FilterArguments, "',,'", "one character"),
    ("name | number(thousands=',,')", Code::FilterArguments, "',,'", "one character"),
    ("name | number(thousands='e')", Code::FilterArguments, "'e'", "no letter"),
    ("name | number(currency='5')", Code::FilterArguments, "'5'", "without digits"),
    ("name | number(decimal=name)", Code::FilterArguments, "name", "same for every row"),
    ("name | date('%d/%m')", Code::FilterArguments, "'%d/%m'", "no year"),
    ("name | date('%Y')", Code::FilterArguments, "'%Y'", "no month"),
    ("name | date('%Y-%m')", Code::FilterArguments, "'%Y-%m'", "no day"),
    ("name | date('%d/%m/%Q')", Code::FilterArguments, "'%d/%m/%Q'", "`%Q`"),
    ("name | date('%d/%m/%Y%')", Code::FilterArguments, "'%d/%m/%Y%'", "%%"),
    ("name | date('%d/%m/%Y %I:%M')", Code::FilterArguments, "'%d/%m/%Y %I:%M'", "%p"),
    ("name | date('dd/mm/yyyy')", Code::FilterArguments, "'dd/mm/yyyy'", "no year"),
    ("created | datetime('%d/%m/%Y %H:%M')", Code::FilterArguments, "datetime", "timezone"),
    (
        "created | datetime('%d/%m/%Y %H:%M', zone='Europe/Londn')",
        Code::FilterArguments,
        "'Europe/Londn'",
        "no time zone",
    ),
    ("amount > 5", Code::TextArithmetic, "amount", "write `amount | number`, or `~` to join"),
    ("amount < 5", Code::TextArithmetic, "amount", "amount | number"),
    ("5 <= amount", Code::TextArithmetic, "amount", "amount | number"),
    ("amount >= other", Code::TextArithmetic, "amount", "amount | number"),
    ("amount + 1", Code::TextArithmetic, "amount", "write `amount | number`, or `~` to join"),
    ("amount - 1", Code::TextArithmetic, "amount", "amount | number"),
    ("amount * 2", Code::TextArithmetic, "amount", "amount | number"),
    ("2 / amount", Code::TextArithmetic, "amount", "amount | number"),
    ("-amount", Code::TextArithmetic, "amount", "amount | number"),
    ("row['Odd Name'] + 1", Code::TextArithmetic, "row['Odd Name']", "row['Odd Name'] | number"),
    ("(amount) > 5", Code::TextArithmetic, "(amount)", "number"),
    ("first + last", Code::TextArithmetic, "first", "`~` to join"),
    ("'a' + 'b'", Code::TextArithmetic, "'a'", "`~` to join"),
    ("(amount | trim) * 2", Code::TextArithmetic, "(amount | trim)", "number"),
    ("(amount | number) > '5'", Code::TextArithmetic, "'5'", "without quotes"),
    ("1 < 2 < 3", Code::ExpressionFeature, "<", "a < b and b < c"),
    ("name = 'x'", Code::ExpressionSyntax, "=", "compare with `==`"),
    ("name && first", Code::ExpressionSyntax, "&&", "write `and`"),
    ("name || first", Code::ExpressionSyntax, "||", "write `or`"),
    ("!name", Code::ExpressionSyntax, "!", "write `not`"),
    ("name ? 'a' : 'b'", Code::ExpressionSyntax, "?", "if condition else"),
    ("{{ name }}", Code::ExpressionSyntax, "{{", "without braces"),
    ("${default_owner}", Code::ExpressionSyntax, "${", "vars.name"),
    ("{'a': 1}", Code::ExpressionSyntax, "{", "dictionaries"),
    ("('a', 'b')", Code::ExpressionFeature, ",", "[a, b]"),
    ("[['a']]", Code::ExpressionFeature, "['a']", "list inside a list"),
    ("['a'] ~ 'b'", Code::ExpressionFeature, "['a']", "joined"),
    ("['a'] | upper", Code::FilterArguments, "upper", "one value"),
    ("name in 5", Code::ExpressionFeature, "5", "in a list or in a text"),
    ("", Code::ExpressionSyntax, "", "an empty expression"),
    ("  ", Code::ExpressionSyntax, " ", "an empty expression"),
    ("name |", Code::ExpressionSyntax, "", "expected a name, found the end"),
    ("name first", Code::ExpressionSyntax, "first", "`~` joins"),
    ("(name", Code::ExpressionSyntax, "", "expected `)`"),
    ("name)", Code::ExpressionSyntax, ")", "found `)`"),
    ("'open", Code::ExpressionSyntax, "'open", "does not end"),
    ("'a\\qb'", Code::ExpressionSyntax, "\\q", "escape"),
    ("1e3", Code::ExpressionSyntax, "1e3", "plain decimals"),
    ("0x10", Code::ExpressionSyntax, "0x10", "plain decimals"),
    ("1234567890123456", Code::ExpressionSyntax, "1234567890123456", "15 significant digits"),
    ("naïve", Code::ExpressionSyntax, "ï", "unexpected character"),
    ("'é' ~ zzz", Code::UnknownColumn, "zzz", "not a column"),
    ("1 / 0", Code::WrongValue, "1 / 0", "division by zero"),
    ("'x' | number", Code::WrongValue, "'x' | number", "not a plain decimal"),
];

#[test]
fn check_says_what_is_wrong_and_where() {
    let wrong: Vec<String> = CASES.iter().filter_map(mismatch).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}

fn mismatch((text, code, place, words): &Case) -> Option<String> {
    let problems = match try_compile(text) {
        Ok(_) => return Some(format!("`{text}` compiles")),
        Err(problems) => problems,
    };
    let right = problems.iter().any(|problem| {
        let covered: String =
            text.chars().skip(problem.at.start).take(problem.at.end - problem.at.start).collect();
        let said = format!("{} | {}", problem.message, problem.help.as_deref().unwrap_or(""));
        problem.code == *code
            && covered == *place
            && said.contains(words)
            && problem.severity == Severity::Error
    });
    (!right).then(|| format!("`{text}`: expected {code:?} at `{place}` with {words:?}, found {problems:#?}"))
}

#[test]
fn all_problems_are_told_at_once() {
    let problems = try_compile("zzz ~ (name | trimm) ~ vars.nope").unwrap_err();
    let codes: Vec<Code> = problems.iter().map(|p| p.code).collect();
    assert_eq!(codes, [Code::UnknownColumn, Code::UnknownFilter, Code::Variable]);
}

#[test]
fn text_that_never_equals_a_number_is_a_warning() {
    for (text, words) in [
        ("amount == 5", "write `\"5\"`, or `amount | number`"),
        ("5 != amount", "write `\"5\"`, or `amount | number`"),
        ("flag == true", "write `\"true\"`, or `flag | bool`"),
    ] {
        let expr = try_compile(text).unwrap();
        let [warning] = expr.warnings() else { panic!("{text}: {:?}", expr.warnings()) };
        assert_eq!((warning.severity, warning.help.as_deref()), (Severity::Warning, Some(words)));
    }
    assert!(try_compile("amount == '5'").unwrap().warnings().is_empty());
}

#[test]
fn classes_and_columns_are_told() {
    for (text, class, columns) in [
        ("'x'", Class::Constant, &[][..]),
        ("vars.default_owner | upper ~ '!'", Class::Constant, &[]),
        ("1 + 2", Class::Constant, &[]),
        ("name", Class::Column, &["name"]),
        ("row[\"Odd Name\"]", Class::Column, &["Odd Name"]),
        ("name | trim | title", Class::Filters, &["name"]),
        ("name | default(first | trim)", Class::Filters, &["name", "first"]),
        ("name ~ first ~ name", Class::Filters, &["name", "first"]),
        ("status != 'x'", Class::Expression, &["status"]),
    ] {
        let expr = try_compile(text).unwrap();
        assert_eq!(
            (expr.class(), expr.columns()),
            (class, &columns.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()[..]),
            "{text}"
        );
    }
}

#[test]
fn without_a_header_no_column_is_checked() {
    let open = Scope { columns: None, ..scope() };
    let expr = compile("anything | trim", &open, Role::Value).unwrap();
    assert_eq!(expr.columns(), ["anything"]);
    assert!(compile("anything | trimm", &open, Role::Value).is_err());
}

#[test]
fn the_sources_time_zone_serves_formats_without_an_offset() {
    let zoned = Scope { timezone: Some("America/New_York".into()), ..scope() };
    let expr = compile("created | datetime('%d/%m/%Y %H:%M')", &zoned, Role::Value).unwrap();
    assert_eq!(expr.evaluate(&|_| "01/07/2024 08:00"), Ok(Some("2024-07-01T12:00:00Z".into())));
    assert!(!expr.needs_zone() && compile("created", &zoned, Role::Value).unwrap().needs_zone());
    let other = compile("created | datetime('%d/%m/%Y %H:%M', zone='UTC')", &zoned, Role::Value).unwrap();
    assert_eq!(other.evaluate(&|_| "01/07/2024 08:00"), Ok(Some("2024-07-01T08:00:00Z".into())));
}

/// Ways to make an expression of any size.
fn shapes(n: usize) -> Vec<String> {
    let many =
        |open: &str, middle: &str, close: &str| format!("{}{middle}{}", open.repeat(n), close.repeat(n));
    vec![
        many("(", "name", ")"),
        many("[", "name", "]"),
        many("not ", "name", ""),
        many("-", "1", ""),
        many("", "name", " | trim"),
        many("", "name", " is blank"),
        many("", "1", " + 1"),
        many("", "name", " ~ name"),
        many("", "name", " if name"),
        many("name if name else ", "name", ""),
        many("name | default(", "name", ")"),
        many("('x' if not (", "name", ") else 'y')"),
        many("(name ~ (first == '' or ", "name", ") | upper)"),
        many("(1 + 2 * 1 ** ", "1", ")"),
    ]
}

#[test]
fn deep_and_long_expressions_are_refused_not_crashed_on() {
    for text in [1000, 20_000].into_iter().flat_map(shapes) {
        assert!(try_compile(&text).is_err(), "{}", &text[..20]);
    }
}

#[test]
fn whatever_depth_compiles_is_evaluated() {
    let mut deepest = 0;
    for n in 1..50 {
        for text in shapes(n) {
            if try_compile(&text).is_ok() {
                deepest = n;
                let found = super::evaluate(&text, &[("name", "n")]);
                assert!(!found.is_err_and(|words| words.contains("cannot be evaluated")), "{text}");
            }
        }
    }
    assert!(deepest > 7, "expressions of some depth are allowed");
    for text in shapes(6) {
        let nested_list = text.contains("[[");
        assert_eq!(try_compile(&text).is_ok(), !nested_list, "{text}");
    }
}
