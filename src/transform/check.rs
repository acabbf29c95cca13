//! `check` of an expression: walks the syntax tree, resolves columns and variables, and judges types; all problems at once.
//!
//! Filters and their arguments are judged in `arguments.rs`. Knows no rows.

use super::arguments;
use super::checker::{Checked, Checker, Kind};
use super::datum::Datum;
use super::number::Number;
use super::scope::Scope;
use super::syntax::{Call, GRAMMAR, Node, NodeKind, RESERVED};
use super::token::Trouble;
use super::tree::{Operator, Tree};
use crate::diagnostic::{Code, Severity, near_name};
use std::ops::Range;

impl<'a> Checker<'a> {
    /// A checker for an expression of this text.
    pub(super) fn new(scope: &'a Scope, text: &str) -> Self {
        Self { scope, columns: Vec::new(), troubles: Vec::new(), chars: text.chars().collect() }
    }

    /// The text of a part, as the user wrote it.
    pub(super) fn text(&self, at: &Range<usize>) -> String {
        self.chars.get(at.clone()).map(|chars| chars.iter().collect()).unwrap_or_default()
    }

    /// Notes an error.
    pub(super) fn error(&mut self, trouble: Trouble) {
        self.troubles.push((Severity::Error, trouble));
    }

    /// Checks a part. After an error the walk goes on with a stand-in, to find the others.
    pub(super) fn check(&mut self, node: &Node) -> Checked {
        match &node.kind {
            NodeKind::Text(text) => (constant(text), Kind::Text),
            NodeKind::Number(digits) => self.number(digits, node),
            NodeKind::Bool(yes) => (Tree::Const(Datum::Bool(*yes)), Kind::Bool),
            NodeKind::List(items) => self.list(items),
            NodeKind::Column { name, bare } => (self.column(name, *bare, node), Kind::Text),
            NodeKind::Var(name) => (self.variable(name, node), Kind::Text),
            NodeKind::Filter(base, call) => {
                let base = self.check(base);
                arguments::filter(self, base, call)
            }
            NodeKind::Test(base, call) => self.test(base, call),
            NodeKind::Not(operand) => (Tree::Not(Box::new(self.check(operand).0)), Kind::Bool),
            NodeKind::Negative(operand) => {
                let tree = self.operand("-", operand);
                (Tree::Negative(Box::new(tree)), Kind::Number)
            }
            NodeKind::And(parts) => self.chain(parts, Tree::And),
            NodeKind::Or(parts) => self.chain(parts, Tree::Or),
            NodeKind::Join(parts) => self.join(parts),
            NodeKind::Calculate(mark, left, right) => self.calculation(mark, left, right),
            NodeKind::Compare(mark, left, right) => self.comparison(mark, left, right),
            NodeKind::If { then, condition, otherwise } => {
                self.condition(then, condition, otherwise.as_deref())
            }
        }
    }

    fn number(&mut self, digits: &str, node: &Node) -> Checked {
        let number = Number::parse(digits).map(Datum::Number).unwrap_or_else(|_| {
            self.error(Trouble::new(
                Code::ExpressionSyntax,
                node.at.clone(),
                "more than 15 significant digits",
            ));
            Datum::Missing
        });
        (Tree::Const(number), Kind::Number)
    }

    fn list(&mut self, items: &[Node]) -> Checked {
        let mut trees = Vec::new();
        for item in items {
            let (tree, kind) = self.check(item);
            if kind == Kind::List {
                self.error(Trouble::new(Code::ExpressionFeature, item.at.clone(), "a list inside a list"));
            }
            trees.push(tree);
        }
        (Tree::List(trees), Kind::List)
    }

    fn chain(&mut self, parts: &[Node], build: fn(Vec<Tree>) -> Tree) -> Checked {
        let (trees, kinds): (Vec<_>, Vec<_>) = parts.iter().map(|part| self.check(part)).unzip();
        let kind = kinds.into_iter().reduce(Kind::or).unwrap_or(Kind::Any);
        (build(trees), kind)
    }

    fn join(&mut self, parts: &[Node]) -> Checked {
        let mut trees = Vec::new();
        for part in parts {
            let (tree, kind) = self.check(part);
            if kind == Kind::List {
                self.error(Trouble::new(
                    Code::ExpressionFeature,
                    part.at.clone(),
                    "a list cannot be joined to a text",
                ));
            }
            trees.push(tree);
        }
        (Tree::Join(trees), Kind::Text)
    }

    fn condition(&mut self, then: &Node, condition: &Node, otherwise: Option<&Node>) -> Checked {
        let (then, kind) = self.check(then);
        let (condition, _) = self.check(condition);
        // Without `else` it gives blank: an empty text, so that `~` joins nothing and a calculation has nothing.
        let (otherwise, kind) = match otherwise {
            Some(node) => {
                let (tree, other) = self.check(node);
                (tree, kind.or(other))
            }
            None => (constant(""), if kind == Kind::Number { Kind::Any } else { kind }),
        };
        (Tree::If(Box::new([then, condition, otherwise])), kind)
    }

    fn test(&mut self, base: &Node, call: &Call) -> Checked {
        let (base, _) = self.check(base);
        if call.name == "blank" {
            if !call.arguments.is_empty() {
                self.error(Trouble::new(
                    Code::FilterArguments,
                    call.at.clone(),
                    "`is blank` takes no arguments",
                ));
            }
        } else {
            self.error(unknown_test(call));
        }
        (Tree::Blank(Box::new(base)), Kind::Bool)
    }

    fn calculation(&mut self, mark: &str, left: &Node, right: &Node) -> Checked {
        let (left, right) = (self.operand(mark, left), self.operand(mark, right));
        let operator = Operator::parse(mark).unwrap_or(Operator::Add);
        (Tree::Two(operator, Box::new(left), Box::new(right)), Kind::Number)
    }

    /// An operand that must be a number.
    fn operand(&mut self, mark: &str, node: &Node) -> Tree {
        let (tree, kind) = self.check(node);
        if !matches!(kind, Kind::Number | Kind::Any) {
            self.not_a_number(mark, node, kind);
        }
        tree
    }

    fn not_a_number(&mut self, mark: &str, node: &Node, kind: Kind) {
        if self.troubles.iter().any(|(_, trouble)| trouble.at == node.at) {
            return; // a name that is no column has been told already
        }
        let text = self.text(&node.at);
        let trouble = Trouble::new(
            Code::TextArithmetic,
            node.at.clone(),
            format!("`{text}` is {}, and `{mark}` works on numbers", kind.word()),
        );
        self.error(match node.kind {
            NodeKind::Text(_) => trouble.help("write the number without quotes, or `~` to join"),
            _ => trouble.help(format!("write `{text} | number`, or `~` to join")),
        });
    }

    fn comparison(&mut self, mark: &str, left: &Node, right: &Node) -> Checked {
        let sides = [(left, self.check(left)), (right, self.check(right))];
        let kinds = [sides[0].1.1, sides[1].1.1];
        match mark {
            "==" | "!=" => self.never_equal(left, right, kinds),
            "in" | "not in" => self.membership(right, kinds[1]),
            _ => self.order(mark, left, right, kinds),
        }
        let operator = Operator::parse(mark).unwrap_or(Operator::Equal);
        let [(_, (left, _)), (_, (right, _))] = sides;
        (Tree::Two(operator, Box::new(left), Box::new(right)), Kind::Bool)
    }

    fn membership(&mut self, whole: &Node, kind: Kind) {
        if !kind.is_text() && !matches!(kind, Kind::List | Kind::Any) {
            let message = format!("`in` looks in a list or in a text, not in {}", kind.word());
            self.error(Trouble::new(Code::ExpressionFeature, whole.at.clone(), message));
        }
    }

    fn order(&mut self, mark: &str, left: &Node, right: &Node, kinds: [Kind; 2]) {
        let mut told = false;
        for (node, kind) in [(left, kinds[0]), (right, kinds[1])] {
            if matches!(node.kind, NodeKind::Column { .. }) || matches!(kind, Kind::Bool | Kind::List) {
                self.not_a_number(mark, node, kind);
                told = true;
            }
        }
        let mixed = (kinds[0].is_text() && kinds[1] == Kind::Number)
            || (kinds[0] == Kind::Number && kinds[1].is_text());
        if mixed && !told {
            let (node, kind) = if kinds[0].is_text() { (left, kinds[0]) } else { (right, kinds[1]) };
            self.not_a_number(mark, node, kind);
        }
    }

    /// Text never equals a number or a boolean: worth a warning, because it looks as if it could.
    fn never_equal(&mut self, left: &Node, right: &Node, kinds: [Kind; 2]) {
        let [a, b] = kinds;
        if a == b || a == Kind::Any || b == Kind::Any || (a.is_text() && b.is_text()) {
            return;
        }
        let at = left.at.start..right.at.end;
        let message = format!("{} never equals {}", a.word(), b.word());
        let (text, other) = if a.is_text() { (left, right) } else { (right, left) };
        let filter = if matches!(kinds, [Kind::Bool, _] | [_, Kind::Bool]) { "bool" } else { "number" };
        let help = format!("write `\"{}\"`, or `{} | {filter}`", self.text(&other.at), self.text(&text.at));
        self.troubles.push((Severity::Warning, Trouble::new(Code::TextArithmetic, at, message).help(help)));
    }

    fn variable(&mut self, name: &str, node: &Node) -> Tree {
        if let Some(value) = self.scope.vars.get(name) {
            return constant(value);
        }
        let trouble = Trouble::new(Code::Variable, node.at.clone(), format!("there is no variable `{name}`"));
        self.error(match near_name(name, self.scope.vars.keys().map(String::as_str)) {
            Some(near) => trouble.help(format!("did you mean `vars.{near}`?")),
            None => trouble.help("variables stand under `vars:`"),
        });
        constant("")
    }

    fn column(&mut self, name: &str, bare: bool, node: &Node) -> Tree {
        let known =
            self.scope.columns.as_ref().is_none_or(|columns| columns.iter().any(|column| column == name));
        if !known {
            self.unknown_column(name, bare, node);
        }
        Tree::Column(self.number_of(name))
    }

    fn number_of(&mut self, name: &str) -> usize {
        self.columns.iter().position(|column| column == name).unwrap_or_else(|| {
            self.columns.push(name.to_owned());
            self.columns.len() - 1
        })
    }

    fn unknown_column(&mut self, name: &str, bare: bool, node: &Node) {
        let columns = self.scope.columns.as_deref().unwrap_or_default();
        let near = near_name(name, columns.iter().map(String::as_str));
        let near = near.map(|near| format!("did you mean `{}`?", written(near)));
        let constant = bare.then(|| {
            format!(
                "for a constant write `{{ value: {name} }}`; for text inside an expression quote twice: `'\"{name}\"'`"
            )
        });
        let help: Vec<String> = near.into_iter().chain(constant).collect();
        let trouble = Trouble::new(Code::UnknownColumn, node.at.clone(), format!("`{name}` is not a column"));
        self.error(if help.is_empty() { trouble } else { trouble.help(help.join(" ")) });
    }
}

/// How a column is written in an expression.
pub(super) fn written(column: &str) -> String {
    if is_bare(column) {
        return column.to_owned();
    }
    let quoted = column.replace('\\', "\\\\").replace('"', "\\\"");
    format!("row[\"{quoted}\"]")
}

/// Whether a column can be written as a bare name.
pub(super) fn is_bare(column: &str) -> bool {
    let mut chars = column.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !RESERVED.contains(&column)
        && !GRAMMAR.contains(&column)
}

fn constant(text: &str) -> Tree {
    Tree::Const(Datum::Text(text.to_owned().into()))
}

fn unknown_test(call: &Call) -> Trouble {
    let name = &call.name;
    match name.as_str() {
        "none" | "None" | "defined" | "undefined" | "empty" => {
            Trouble::new(Code::ExpressionFeature, call.at.clone(), format!("there is no `is {name}`"))
                .help("write `is blank`")
        }
        _ => Trouble::new(Code::UnknownFilter, call.at.clone(), format!("there is no test `{name}`"))
            .help("the only test is `is blank`"),
    }
}
