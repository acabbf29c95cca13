//! minijinja: a checked expression written as minijinja's, with our filters, and evaluated. The only file of this
//! room that names it.
//!
//! Where minijinja's meaning is ours (`and`, `or`, `not`, `if`, lists) its own syntax is used. Everything that must
//! answer missing for missing is a filter of ours: `a ~ b` becomes `a|_join(b)`. Columns are `c0`, `c1`, … of one
//! object per worker; numbers are `k0`, `k1`, …, because ours are exact.

use super::dates::{Pattern, Zone};
use super::datum::Datum;
use super::fault::Fault;
use super::native::{Cells, apply_simple, replace};
use super::number::Number;
use super::operators;
use super::reading::Marks;
use super::tree::{Filter, Operator, Tree};
use minijinja::value::{Object, ObjectRepr, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Expression};
use std::fmt::Write;
use std::sync::{Arc, LazyLock};

/// Our filters and tests and nothing else: no globals, no functions. Never changes, so that all threads share it.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);

/// Evaluates one expression once.
pub(super) fn evaluate(tree: &Tree, row: &dyn Cells) -> Result<Datum<'static>, Fault> {
    let mut script = Script::default();
    script.piece(tree, None);
    let mut runner = Runner::new(&script);
    runner.run(row)?;
    runner.value(0).map(Datum::into_owned)
}

/// Whether minijinja takes an expression. It should take all that `check` passes; a worker must not be the first to
/// find out.
pub(super) fn accepts(tree: &Tree) -> bool {
    let mut script = Script::default();
    script.piece(tree, Some(tree));
    compiled(script.whole()).is_some()
}

/// What minijinja has to evaluate for a row: perhaps a condition, and the fields' expressions.
#[derive(Debug, Default)]
pub(super) struct Script {
    columns: Vec<usize>,
    constants: Vec<Number>,
    condition: Option<String>,
    pieces: Vec<String>,
}

impl Script {
    /// The condition under which the row is wanted.
    pub(super) fn condition(&mut self, tree: &Tree) {
        let text = self.written(tree);
        self.condition = Some(text);
    }

    /// Adds an expression, evaluated only where `guard` holds; its number.
    pub(super) fn piece(&mut self, tree: &Tree, guard: Option<&Tree>) -> usize {
        let text = match guard {
            Some(guard) => format!("({} if {}|_full else none)", self.written(tree), self.written(guard)),
            None => self.written(tree),
        };
        self.pieces.push(text);
        self.pieces.len() - 1
    }

    /// Whether there is nothing to evaluate.
    pub(super) fn is_empty(&self) -> bool {
        self.condition.is_none() && self.pieces.is_empty()
    }

    /// All of it as one expression: minijinja's fixed cost is paid once a row.
    fn whole(&self) -> String {
        let list = format!("[{}]", self.pieces.join(", "));
        match &self.condition {
            Some(condition) => format!("({list} if {condition}|_full else none)"),
            None => list,
        }
    }

    fn written(&mut self, tree: &Tree) -> String {
        let mut text = String::new();
        self.write(tree, &mut text);
        text
    }

    fn write(&mut self, tree: &Tree, out: &mut String) {
        match tree {
            Tree::Const(datum) => self.write_constant(datum, out),
            Tree::Column(column) => {
                let slot = place(&mut self.columns, *column);
                push(out, format_args!("c{slot}"));
            }
            Tree::Apply(base, filter) => self.write_filter(base, filter, out),
            Tree::Blank(base) => self.write_between("(", &[base], " is blank)", out),
            Tree::Not(base) => self.write_between("(not ", &[base], "|_full)", out),
            Tree::Negative(base) => self.write_between("", &[base], "|_negative", out),
            Tree::And(trees) => self.write_list("(", trees, "|_full and ", ")", out),
            Tree::Or(trees) => self.write_list("(", trees, "|_full or ", ")", out),
            Tree::List(trees) => self.write_list("[", trees, ", ", "]", out),
            Tree::Join(trees) => {
                let (first, rest) = trees.split_at(1);
                self.write_list("", first, "", "|_join(", out);
                self.write_list("", rest, ", ", ")", out);
            }
            Tree::Two(operator, left, right) => {
                self.write(left, out);
                push(out, format_args!("|{}(", operator.inner_name()));
                self.write(right, out);
                out.push(')');
            }
            Tree::If(parts) => {
                self.write_between("(", &[&parts[0]], " if ", out);
                self.write_between("", &[&parts[1]], "|_full else ", out);
                self.write_between("", &[&parts[2]], ")", out);
            }
        }
    }

    fn write_between(&mut self, before: &str, trees: &[&Tree], after: &str, out: &mut String) {
        out.push_str(before);
        trees.iter().for_each(|tree| self.write(tree, out));
        out.push_str(after);
    }

    fn write_list(&mut self, before: &str, trees: &[Tree], between: &str, after: &str, out: &mut String) {
        out.push_str(before);
        for (i, tree) in trees.iter().enumerate() {
            out.push_str(if i == 0 { "" } else { between });
            self.write(tree, out);
        }
        out.push_str(after);
    }

    fn write_constant(&mut self, datum: &Datum<'static>, out: &mut String) {
        match datum {
            Datum::Missing => out.push_str("none"),
            Datum::Text(text) => write_text(text, out),
            Datum::Bool(yes) => push(out, format_args!("{yes}")),
            Datum::Number(number) => {
                let slot = place(&mut self.constants, *number);
                push(out, format_args!("k{slot}"));
            }
            Datum::List(items) => {
                out.push('[');
                for item in items {
                    self.write_constant(item, out);
                    out.push(',');
                }
                out.push(']');
            }
        }
    }

    fn write_filter(&mut self, base: &Tree, filter: &Filter, out: &mut String) {
        self.write(base, out);
        match filter {
            Filter::Trim => out.push_str("|trim"),
            Filter::Squish => out.push_str("|squish"),
            Filter::Lower => out.push_str("|lower"),
            Filter::Upper => out.push_str("|upper"),
            Filter::Title => out.push_str("|title"),
            Filter::Digits => out.push_str("|digits"),
            Filter::Bool => out.push_str("|bool"),
            Filter::Truncate(count) => push(out, format_args!("|truncate({count})")),
            Filter::Default(other) => self.write_between("|default(", &[other], ")", out),
            Filter::Replace(texts) => self.write_list("|replace(", &texts[..], ", ", ")", out),
            Filter::Number(Marks { thousands, decimal, currency }) => {
                let thousands = thousands.map(String::from).unwrap_or_default();
                write_call("number", &[&thousands, decimal.encode_utf8(&mut [0; 4]), currency], out);
            }
            Filter::Date(pattern) => write_call("date", &[format_of(pattern.as_ref())], out),
            Filter::DateTime(pattern, zone) => {
                let zone = zone.as_ref().map_or("", Zone::name);
                write_call("datetime", &[format_of(pattern.as_ref()), zone], out);
            }
        }
    }
}

fn place<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

fn write_call(name: &str, texts: &[&str], out: &mut String) {
    push(out, format_args!("|{name}("));
    for text in texts {
        write_text(text, out);
        out.push(',');
    }
    out.push(')');
}

fn format_of(pattern: Option<&Pattern>) -> &str {
    pattern.map_or("", Pattern::format)
}

/// A script ready to run, with everything that is used again for every row. One per thread.
pub(super) struct Runner {
    whole: Option<Compiled>,
    condition: Option<Compiled>,
    pieces: Vec<Option<Compiled>>,
    columns: Vec<usize>,
    row: Arc<RowObject>,
    values: Vec<Result<Value, Fault>>,
}

type Compiled = Expression<'static, 'static>;

impl Runner {
    /// Compiles a script.
    pub(super) fn new(script: &Script) -> Self {
        let constants = script.constants.iter().map(|number| Value::from_object(Exact(*number))).collect();
        Self {
            whole: compiled(script.whole()),
            condition: script.condition.clone().and_then(compiled),
            pieces: script.pieces.iter().cloned().map(compiled).collect(),
            columns: script.columns.clone(),
            row: Arc::new(RowObject { cells: Vec::new(), constants }),
            values: Vec::new(),
        }
    }

    /// Evaluates all of it for a row. `false` where the condition does not hold.
    pub(super) fn run(&mut self, row: &dyn Cells) -> Result<bool, Fault> {
        self.load(row);
        self.values.clear();
        match run(self.whole.as_ref(), &self.row) {
            Ok(list) if list.is_none() => Ok(false),
            Ok(list) => {
                let items = (0..self.pieces.len()).map(|i| list.get_item_by_index(i).map_err(|e| fault(&e)));
                self.values.extend(items);
                Ok(true)
            }
            // One of them failed: one by one shows which, and leaves the others standing.
            Err(_) => self.run_singly(),
        }
    }

    /// Evaluates every expression for a row, wanted or not.
    pub(super) fn run_regardless(&mut self, row: &dyn Cells) {
        self.load(row);
        self.values.clear();
        let row = &self.row;
        self.values.extend(self.pieces.iter().map(|piece| run(piece.as_ref(), row)));
    }

    fn run_singly(&mut self) -> Result<bool, Fault> {
        if self.condition.is_some() && !run(self.condition.as_ref(), &self.row)?.is_true() {
            return Ok(false);
        }
        let row = &self.row;
        self.values.extend(self.pieces.iter().map(|piece| run(piece.as_ref(), row)));
        Ok(true)
    }

    fn load(&mut self, row: &dyn Cells) {
        if Arc::get_mut(&mut self.row).is_none() {
            self.row = Arc::new(RowObject { cells: Vec::new(), constants: self.row.constants.clone() });
        }
        if let Some(object) = Arc::get_mut(&mut self.row) {
            object.cells.clear();
            object.cells.extend(self.columns.iter().map(|column| Value::from(row.text(*column))));
        }
    }

    /// What an expression gave for the row that was run last.
    pub(super) fn value(&self, piece: usize) -> Result<Datum<'_>, Fault> {
        match self.values.get(piece) {
            Some(Ok(value)) => Ok(datum(value)),
            Some(Err(fault)) => Err(fault.clone()),
            None => Ok(Datum::Missing),
        }
    }
}

fn compiled(text: String) -> Option<Compiled> {
    ENVIRONMENT.compile_expression_owned(text).ok()
}

fn run(expression: Option<&Compiled>, row: &Arc<RowObject>) -> Result<Value, Fault> {
    let Some(expression) = expression else { return Err(Fault::new("the expression cannot be evaluated")) };
    expression.eval(Value::from_dyn_object(row.clone())).map_err(|error| fault(&error))
}

/// The words of a fault raised inside minijinja. Other errors cannot arise from what we write; they get no details,
/// because details could hold a value.
fn fault(error: &Error) -> Fault {
    match (error.kind(), error.detail()) {
        (ErrorKind::InvalidOperation, Some(words)) => Fault::new(words.to_owned()),
        (kind, _) => Fault::new(format!("the expression cannot be evaluated ({kind})")),
    }
}

/// The row as minijinja sees it: `c<slot>` for columns, `k<slot>` for exact numbers.
#[derive(Debug)]
struct RowObject {
    cells: Vec<Value>,
    constants: Vec<Value>,
}

impl Object for RowObject {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let (kind, slot) = key.split_at_checked(1)?;
        let values = if kind == "c" { &self.cells } else { &self.constants };
        values.get(slot.parse::<usize>().ok()?).cloned()
    }
}

/// An exact number inside minijinja.
#[derive(Debug)]
struct Exact(Number);

impl Object for Exact {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        !self.0.is_zero()
    }
}

fn datum(value: &Value) -> Datum<'_> {
    if let Some(text) = value.as_str() {
        return Datum::borrowed(text);
    }
    match value.kind() {
        ValueKind::Bool => Datum::Bool(value.is_true()),
        ValueKind::Seq | ValueKind::Iterable => match value.try_iter() {
            Ok(items) => Datum::List(items.map(|item| datum(&item).into_owned()).collect()),
            Err(_) => Datum::Missing,
        },
        _ => value.downcast_object_ref::<Exact>().map_or(Datum::Missing, |exact| Datum::Number(exact.0)),
    }
}

fn value(datum: Datum<'_>) -> Value {
    match datum {
        Datum::Missing => Value::from(()),
        Datum::Text(text) => Value::from(text),
        Datum::Number(number) => Value::from_object(Exact(number)),
        Datum::Bool(yes) => Value::from(yes),
        Datum::List(items) => items.into_iter().map(value).collect(),
    }
}

fn answer(result: Result<Datum<'_>, Fault>) -> Result<Value, Error> {
    result.map(value).map_err(|fault| Error::new(ErrorKind::InvalidOperation, fault.words().to_owned()))
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    let plain = [
        ("trim", Filter::Trim),
        ("squish", Filter::Squish),
        ("lower", Filter::Lower),
        ("upper", Filter::Upper),
        ("title", Filter::Title),
        ("digits", Filter::Digits),
        ("bool", Filter::Bool),
    ];
    for (name, filter) in plain {
        environment.add_filter(name, move |base: &Value| answer(apply_simple(&filter, datum(base))));
    }
    for (_, name, operator) in Operator::NAMES {
        environment.add_filter(*name, |left: &Value, right: &Value| {
            answer(operators::apply(*operator, &datum(left), &datum(right)))
        });
    }
    environment.add_filter("_negative", |base: &Value| answer(operators::negative(&datum(base))));
    environment.add_filter("_join", join);
    environment.add_filter("_full", |base: &Value| {
        // White space holds in no condition. A missing value does not anyway, and stays missing.
        match datum(base) {
            Datum::Missing => base.clone(),
            datum if datum.is_blank() => Value::from(""),
            _ => base.clone(),
        }
    });
    environment.add_test("blank", |base: &Value| datum(base).is_blank());
    add_filters_with_arguments(&mut environment);
    environment
}

fn join(first: &Value, rest: &[Value]) -> Result<Value, Error> {
    answer(operators::join(std::iter::once(first).chain(rest).map(datum)))
}

fn add_filters_with_arguments(environment: &mut Environment<'static>) {
    environment.add_filter(
        "default",
        |base: &Value, other: &Value| {
            if datum(base).is_blank() { other.clone() } else { base.clone() }
        },
    );
    environment.add_filter("replace", |base: &Value, old: &Value, new: &Value| {
        answer(replace(datum(base), datum(old), datum(new)))
    });
    environment.add_filter("truncate", |base: &Value, characters: usize| {
        answer(apply_simple(&Filter::Truncate(characters), datum(base)))
    });
    environment.add_filter("number", |base: &Value, thousands: &str, decimal: &str, currency: &str| {
        let (thousands, decimal) = (thousands.chars().next(), decimal.chars().next().unwrap_or('.'));
        let marks = Marks { thousands, decimal, currency: currency.to_owned() };
        answer(apply_simple(&Filter::Number(marks), datum(base)))
    });
    environment.add_filter("date", |base: &Value, format: &str| {
        answer(apply_simple(&Filter::Date(pattern(format)), datum(base)))
    });
    environment.add_filter("datetime", |base: &Value, format: &str, zone: &str| {
        answer(apply_simple(&Filter::DateTime(pattern(format), Zone::named(zone)), datum(base)))
    });
}

/// A format that `check` has passed; none is ISO.
fn pattern(format: &str) -> Option<Pattern> {
    if format.is_empty() { None } else { Pattern::parse(format).ok() }
}

/// A text as plain minijinja reads it, with its own filters: for the test that compares the two grammars.
#[cfg(test)]
pub(super) fn plain_for_tests(text: &str, cells: &[(&str, &str)]) -> Option<String> {
    let environment = Environment::new();
    let value =
        environment.compile_expression(text).ok()?.eval(Value::from_pairs(cells.iter().copied())).ok()?;
    Some(datum(&value).into_text().into_owned())
}
