//! The row program: all rules of a load, compiled once, and the worker that runs them over rows, one per thread.
//!
//! Native expressions are read straight from the row; the others go to minijinja as one list, once a row. Pure: no
//! I/O, no clock.

use super::alternatives::{FAULT, OR};
use super::cell_out::CellOut;
use super::compile::Expr;
use super::convert::Converter;
use super::datum::Datum;
use super::expr::{Runner, Script};
use super::fault::Fault;
use super::native::{self, Cells};
use super::rule::{FieldRule, Value};
use super::settle::{By, Refusal, settle};
use super::tree::Tree;
use crate::diagnostic::Code;
use crate::model::{Leniency, LeniencySet};
use std::borrow::Cow;
use std::sync::Arc;

/// A row of a source. Cells equal to a null value read as empty.
pub trait Row {
    /// The text of a column, by its place in the header.
    fn cell(&self, column: usize) -> &str;
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on; the cells are filled.
    Kept,
    /// `where` does not hold.
    Filtered,
    /// It cannot be used.
    Rejected(Reject),
}

/// Why a row is rejected. Never contains the customer's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Its code.
    pub code: Code,
    /// The number of the field's rule; `None` where it is no field's fault.
    pub field: Option<usize>,
    /// Why; names the field and its expression.
    pub message: String,
    /// Whether it waits for a record that is not there, and is not at fault itself.
    pub held: bool,
}

/// Where a row's record is written; used again for every row.
#[derive(Debug, Default)]
pub struct RowOut {
    /// The texts of all cells.
    pub text: String,
    /// One cell per rule, in their order.
    pub cells: Vec<CellOut>,
    /// What happened to values of this row because the manifest allows it, by rule.
    pub lenient: Vec<(usize, LeniencySet)>,
}

/// All rules of a load, bound to a header. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RowProgram(Arc<Program>);

#[derive(Debug)]
struct Program {
    condition: Option<(Source, String)>,
    fields: Vec<Compiled>,
    script: Script,
    unknown: Vec<String>,
}

/// How a value is come by.
#[derive(Debug)]
enum Source {
    Native(Tree),
    Script(usize),
    /// Alternatives, one by one.
    Several(Vec<Source>),
    /// The script's own condition.
    Condition,
}

#[derive(Debug)]
struct Compiled {
    rule: FieldRule,
    converter: Converter,
    value: Source,
    when: Option<Source>,
    /// What picks the object of each reference.
    tags: Vec<Option<Source>>,
}

impl Compiled {
    /// Whether its value comes from the script.
    fn is_scripted(&self) -> bool {
        std::iter::once(&self.value).chain(&self.when).any(Source::is_scripted)
    }
}

impl Source {
    fn is_scripted(&self) -> bool {
        match self {
            Self::Native(_) => false,
            Self::Several(all) => all.iter().any(Self::is_scripted),
            Self::Script(_) | Self::Condition => true,
        }
    }
}

impl RowProgram {
    /// Binds rules to the columns of a header. A column that is not there rejects every row; `compile` with the
    /// same columns has refused it before.
    pub fn new(columns: &[String], condition: Option<Expr>, fields: Vec<FieldRule>) -> Self {
        let mut binder = Binder { columns, script: Script::default(), unknown: Vec::new() };
        let condition = condition.map(|expr| (binder.condition(&expr), expr.text().to_owned()));
        let fields = fields.into_iter().map(|rule| binder.field(rule)).collect();
        Self(Arc::new(Program { condition, fields, script: binder.script, unknown: binder.unknown }))
    }

    /// A worker with buffers of its own.
    pub fn worker(&self) -> RowWorker {
        let runner = (!self.0.script.is_empty()).then(|| Runner::new(&self.0.script));
        RowWorker { program: self.0.clone(), runner }
    }

    /// The rules, in order.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &FieldRule> {
        self.0.fields.iter().map(|field| &field.rule)
    }
}

struct Binder<'a> {
    columns: &'a [String],
    script: Script,
    unknown: Vec<String>,
}

impl Binder<'_> {
    fn bound(&mut self, expr: &Expr) -> Tree {
        let mut numbers = Vec::new();
        for name in expr.columns() {
            let number = self.columns.iter().position(|column| column == name);
            if number.is_none() && !self.unknown.contains(name) {
                self.unknown.push(name.clone());
            }
            numbers.push(number.unwrap_or(0));
        }
        expr.tree().with_columns(&|column| numbers.get(column).copied().unwrap_or(0))
    }

    fn condition(&mut self, expr: &Expr) -> Source {
        let tree = self.bound(expr);
        if tree.is_native() {
            return Source::Native(tree);
        }
        self.script.condition(&tree);
        Source::Condition
    }

    fn source(&mut self, tree: Tree, guard: Option<&Tree>) -> Source {
        if tree.is_native() { Source::Native(tree) } else { Source::Script(self.script.piece(&tree, guard)) }
    }

    fn field(&mut self, rule: FieldRule) -> Compiled {
        let guard = rule.when.as_ref().map(|when| self.bound(when));
        let value = match &rule.value {
            Value::Const(text) => Source::Native(Tree::Const(Datum::Text(Cow::Owned(text.clone())))),
            Value::Expr(expr) if !expr.parts().is_empty() => {
                let mut one = |part: &Expr| {
                    let tree = self.bound(part);
                    self.source(tree, guard.as_ref())
                };
                Source::Several(expr.parts().iter().map(&mut one).collect())
            }
            Value::Expr(expr) => {
                let tree = self.bound(expr);
                self.source(tree, guard.as_ref())
            }
        };
        let mut tag = |expr: &Expr| {
            let tree = self.bound(expr);
            self.source(tree, guard.as_ref())
        };
        let references = rule.matcher.references();
        let tags = references.iter().map(|(_, type_expr)| type_expr.map(&mut tag)).collect();
        let when = guard.map(|tree| self.source(tree, None));
        let converter = Converter::new(&rule);
        Compiled { rule, converter, value, when, tags }
    }
}

/// Runs a program over rows. One per thread.
pub struct RowWorker {
    program: Arc<Program>,
    runner: Option<Runner>,
}

/// A row as the evaluators see it.
struct Shown<'r>(&'r dyn Row);

impl Cells for Shown<'_> {
    fn text(&self, column: usize) -> &str {
        native::seen(self.0.cell(column))
    }
}

impl RowWorker {
    /// Turns a row into a record.
    pub fn run(&mut self, row: &dyn Row, out: &mut RowOut) -> Verdict {
        out.text.clear();
        out.cells.clear();
        out.lenient.clear();
        match self.kept(row, out) {
            Ok(true) => Verdict::Kept,
            Ok(false) => Verdict::Filtered,
            Err(reject) => Verdict::Rejected(reject),
        }
    }

    /// The text that one rule makes of a row, whatever becomes of the row; nothing where the rule itself fails or is
    /// blank. For rows that are left out: whose they are.
    pub fn text_of<'o>(&mut self, row: &dyn Row, rule: usize, out: &'o mut RowOut) -> Option<&'o str> {
        out.text.clear();
        out.cells.clear();
        if !self.program.unknown.is_empty() {
            return None;
        }
        let row = Shown(row);
        let program = self.program.clone();
        let field = program.fields.get(rule)?;
        if let (Some(runner), true) = (&mut self.runner, field.is_scripted()) {
            runner.run_regardless(&row);
        }
        match self.cell(field, &By::new(&field.rule, &field.converter), &row, out).ok()? {
            CellOut::Text(range) => out.text.get(range),
            _ => None,
        }
    }

    fn kept(&mut self, row: &dyn Row, out: &mut RowOut) -> Result<bool, Reject> {
        if let [column, ..] = self.program.unknown.as_slice() {
            let message = format!("the source has no column `{column}`");
            return Err(Reject { code: Code::UnknownColumn, field: None, message, held: false });
        }
        let row = Shown(row);
        if !self.wanted(&row)? {
            return Ok(false);
        }
        for (number, field) in self.program.fields.iter().enumerate() {
            let by = By::new(&field.rule, &field.converter);
            let cell =
                self.cell(field, &by, &row, out).map_err(|refusal| refused(number, field, &refusal))?;
            out.cells.push(cell);
            if !by.noted().is_empty() {
                out.lenient.push((number, by.noted()));
            }
        }
        Ok(true)
    }

    /// Evaluates the condition, and with it whatever minijinja has to do for this row.
    fn wanted(&mut self, row: &Shown<'_>) -> Result<bool, Reject> {
        let condition = &self.program.condition;
        let fault = |fault: Fault| {
            let text = condition.as_ref().map_or("", |(_, text)| text);
            let message = format!("`where: {text}`: {}", fault.words());
            Reject { code: Code::RowValue, field: None, message, held: false }
        };
        if let Some((Source::Native(tree), _)) = condition
            && !native::evaluate(tree, row).map_err(fault)?.is_true()
        {
            return Ok(false);
        }
        self.runner.as_mut().map_or(Ok(true), |runner| runner.run(row)).map_err(fault)
    }

    fn cell<'r>(
        &'r self,
        field: &'r Compiled,
        by: &By<'r>,
        row: &'r Shown<'_>,
        out: &mut RowOut,
    ) -> Result<CellOut, Refusal> {
        let value = match &field.when {
            Some(when) if !self.evaluate(when, row)?.is_true() => {
                by.note(Leniency::When);
                Datum::Missing
            }
            _ => self.evaluate(&field.value, row)?,
        };
        let tag = |reference: usize| match field.tags.get(reference) {
            Some(Some(tag)) => self.evaluate(tag, row).map(Datum::into_text),
            _ => Ok(Cow::Borrowed("")),
        };
        settle(by, value, &tag, &mut out.text)
    }

    /// Alternatives with their mark between them, each by itself.
    fn several(&self, all: &[Source], row: &Shown<'_>) -> Datum<'static> {
        let all: Vec<String> = all.iter().map(|source| alternative(self.evaluate(source, row))).collect();
        match all.iter().all(String::is_empty) {
            true => Datum::Missing,
            false => Datum::Text(all.join(&OR.to_string()).into()),
        }
    }

    fn evaluate<'r>(&'r self, source: &'r Source, row: &'r Shown<'_>) -> Result<Datum<'r>, Fault> {
        match (source, &self.runner) {
            (Source::Native(tree), _) => native::evaluate(tree, row),
            (Source::Several(all), _) => Ok(self.several(all, row)),
            (Source::Script(piece), Some(runner)) => runner.value(*piece),
            _ => Ok(Datum::Missing),
        }
    }
}

/// An alternative as text; one that fails as its fault, which counts when its turn comes.
fn alternative(value: Result<Datum<'_>, Fault>) -> String {
    let value = value.and_then(|value| match value {
        Datum::List(_) => Err(Fault::new("a list where a text is needed")),
        value => Ok(value.into_text().into_owned()),
    });
    match value {
        Ok(text) if text.contains(FAULT) => format!("{FAULT}the value holds the control character U+001D"),
        Ok(text) => text,
        Err(fault) => format!("{FAULT}{}", fault.words()),
    }
}

fn refused(number: usize, field: &Compiled, refusal: &Refusal) -> Reject {
    let words = refusal.fault.words();
    let name = &field.rule.field;
    let message = match &field.rule.value {
        Value::Expr(expr) => format!("{name}: `{}`: {words}", expr.text()),
        Value::Const(_) => format!("{name}: {words}"),
    };
    Reject { code: refusal.code, field: Some(number), message, held: refusal.held }
}
