//! The syntax tree of an expression: Jinja's grammar, less what a manifest may not use.
//!
//! Precedence is minijinja's own (a property test compares the two). Knows no columns, filters or types; those are
//! judged in `check.rs`.

use super::token::{Token, TokenKind, Trouble, tokens};
use crate::diagnostic::Code;
use std::ops::Range;

/// A part of an expression and where it stands, in characters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// What it is.
    pub(super) kind: NodeKind,
    /// Where it stands.
    pub(super) at: Range<usize>,
}

/// The kinds of node.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum NodeKind {
    /// A text between quotes.
    Text(String),
    /// A number, as written.
    Number(String),
    /// `true` or `false`.
    Bool(bool),
    /// `[a, b]`.
    List(Vec<Node>),
    /// A column: a bare name, or `row["Odd Name"]` (then not bare).
    Column {
        /// Its name.
        name: String,
        /// Whether it stood as a bare name.
        bare: bool,
    },
    /// `vars.name`.
    Var(String),
    /// `base | name(arguments)`.
    Filter(Box<Node>, Call),
    /// `base is name`.
    Test(Box<Node>, Call),
    /// `not a`.
    Not(Box<Node>),
    /// `-a`.
    Negative(Box<Node>),
    /// `a and b and …`.
    And(Vec<Node>),
    /// `a or b or …`.
    Or(Vec<Node>),
    /// `a ~ b ~ …`.
    Join(Vec<Node>),
    /// `a + b` and the other operators that calculate.
    Calculate(&'static str, Box<Node>, Box<Node>),
    /// `a == b` and the other operators that compare, `in` and `not in` among them.
    Compare(&'static str, Box<Node>, Box<Node>),
    /// `then if condition else otherwise`.
    If {
        /// Given where the condition holds.
        then: Box<Node>,
        /// The condition.
        condition: Box<Node>,
        /// Given where it does not; blank without it.
        otherwise: Option<Box<Node>>,
    },
}

impl Node {
    fn depth(&self) -> usize {
        1 + self.parts().into_iter().map(Self::depth).max().unwrap_or(0)
    }

    fn parts(&self) -> Vec<&Node> {
        use NodeKind::*;
        match &self.kind {
            Text(_) | Number(_) | Bool(_) | Column { .. } | Var(_) => Vec::new(),
            List(parts) | And(parts) | Or(parts) | Join(parts) => parts.iter().collect(),
            Not(part) | Negative(part) => vec![part],
            Calculate(_, left, right) | Compare(_, left, right) => vec![left, right],
            Filter(base, call) | Test(base, call) => {
                std::iter::once(&**base).chain(call.arguments.iter().map(|(_, node)| node)).collect()
            }
            If { then, condition, otherwise } => {
                [Some(then), Some(condition), otherwise.as_ref()].into_iter().flatten().map(|part| &**part).collect()
            }
        }
    }
}

/// A filter's or a test's name with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    /// Its name.
    pub(super) name: String,
    /// Where the name stands.
    pub(super) at: Range<usize>,
    /// Arguments in order; a named one carries its name.
    pub(super) arguments: Vec<(Option<String>, Node)>,
}

/// How deep an expression may nest: well inside what minijinja's own parser takes.
const DEEPEST: usize = 24;
/// How many operators or filters may follow each other.
const LONGEST: usize = 200;
/// How tall the whole tree may grow.
const TALLEST: usize = 48;

/// Words that are no column names.
pub(super) const RESERVED: &[&str] = &["not", "true", "false", "none", "True", "False", "None", "row", "vars"];
/// Words of the grammar: no column can be written bare by these names either.
pub(super) const GRAMMAR: &[&str] = &["and", "or", "in", "is", "if", "else"];

/// Reads a whole expression.
pub(super) fn parse(text: &str) -> Result<Node, Trouble> {
    let tokens = tokens(text)?;
    if tokens.len() == 1 {
        return Err(syntax(0..1, "an empty expression").help("for an empty text write `'\"\"'`"));
    }
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let node = parser.expression()?;
    match parser.peek() {
        TokenKind::End if node.depth() > TALLEST => Err(too_complex(0..text.chars().count())),
        TokenKind::End => Ok(node),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

type Parsed = Result<Node, Trouble>;

impl Parser {
    fn token(&self) -> &Token {
        // The last token is the end, and is never passed.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn peek(&self) -> &TokenKind {
        &self.token().kind
    }

    fn place(&self) -> Range<usize> {
        self.token().at.clone()
    }

    fn is_mark(&self, mark: &str) -> bool {
        matches!(self.peek(), TokenKind::Mark(m) if *m == mark)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), TokenKind::Name(name) if name == word)
    }

    fn skip_mark(&mut self, mark: &str) -> bool {
        let found = self.is_mark(mark);
        self.at += usize::from(found);
        found
    }

    fn skip_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn expect_mark(&mut self, mark: &str) -> Result<(), Trouble> {
        if self.skip_mark(mark) { Ok(()) } else { Err(self.unexpected(&format!("`{mark}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> Trouble {
        let found = match self.peek() {
            TokenKind::Name(name) => format!("`{name}`"),
            TokenKind::Text(_) => "a text".to_owned(),
            TokenKind::Number(number) => format!("`{number}`"),
            TokenKind::Mark(mark) => format!("`{mark}`"),
            TokenKind::End => "the end".to_owned(),
        };
        let trouble = syntax(self.place(), format!("expected {wanted}, found {found}"));
        match self.peek() {
            TokenKind::Mark("=") => trouble.help("compare with `==`"),
            TokenKind::Text(_) | TokenKind::Name(_) if wanted.starts_with("an operator") => {
                trouble.help("`~` joins texts")
            }
            _ => trouble,
        }
    }

    fn deeper(&mut self, parse: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(too_complex(self.place()));
        }
        let node = parse(self);
        self.depth -= 1;
        node
    }

    fn expression(&mut self) -> Parsed {
        self.deeper(Self::condition)
    }

    fn condition(&mut self) -> Parsed {
        let mut node = self.or()?;
        let mut turns = 0;
        while self.skip_word("if") {
            turns += 1;
            if turns > DEEPEST {
                return Err(too_complex(self.place()));
            }
            let condition = Box::new(self.or()?);
            let otherwise = if self.skip_word("else") { Some(Box::new(self.expression()?)) } else { None };
            let end = otherwise.as_ref().unwrap_or(&condition).at.end;
            let at = node.at.start..end;
            node = Node { kind: NodeKind::If { then: Box::new(node), condition, otherwise }, at };
        }
        Ok(node)
    }

    /// `part` several times with `more` between them, as one node.
    fn several(
        &mut self,
        part: fn(&mut Self) -> Parsed,
        more: impl Fn(&mut Self) -> bool,
        build: fn(Vec<Node>) -> NodeKind,
    ) -> Parsed {
        let first = part(self)?;
        let mut parts = vec![first];
        while more(self) {
            if parts.len() == LONGEST {
                return Err(too_complex(self.place()));
            }
            parts.push(part(self)?);
        }
        if parts.len() == 1 {
            return parts.pop().ok_or_else(|| too_complex(0..1));
        }
        let at = parts[0].at.start..parts[parts.len() - 1].at.end;
        Ok(Node { kind: build(parts), at })
    }

    fn or(&mut self) -> Parsed {
        self.several(Self::and, |p| p.skip_word("or"), NodeKind::Or)
    }

    fn and(&mut self) -> Parsed {
        self.several(Self::not, |p| p.skip_word("and"), NodeKind::And)
    }

    fn not(&mut self) -> Parsed {
        let start = self.place().start;
        if !self.skip_word("not") {
            return self.comparison();
        }
        let operand = self.deeper(Self::not)?;
        let at = start..operand.at.end;
        Ok(Node { kind: NodeKind::Not(Box::new(operand)), at })
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.sum()?;
        let Some(operator) = self.comparator()? else { return Ok(left) };
        let right = self.sum()?;
        let here = self.place();
        if self.comparator()?.is_some() {
            let trouble = feature(here, "comparisons do not chain");
            return Err(trouble.help("write `a < b and b < c`"));
        }
        Ok(pair(|l, r| NodeKind::Compare(operator, l, r), left, right))
    }

    fn comparator(&mut self) -> Result<Option<&'static str>, Trouble> {
        let operator = match self.peek() {
            TokenKind::Mark(mark @ ("==" | "!=" | "<" | "<=" | ">" | ">=")) => *mark,
            TokenKind::Name(name) if name == "in" => "in",
            TokenKind::Name(name) if name == "not" => {
                self.at += 1;
                if !self.is_word("in") {
                    return Err(self.unexpected("`in`"));
                }
                "not in"
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(operator))
    }

    /// Operators of one rank, from left to right.
    fn calculation(&mut self, ranks: &[&'static str], operand: fn(&mut Self) -> Parsed) -> Parsed {
        let mut node = operand(self)?;
        let mut turns = 0;
        while let TokenKind::Mark(mark) = self.peek()
            && let Some(operator) = ranks.iter().find(|rank| *rank == mark)
        {
            self.at += 1;
            turns += 1;
            if turns > DEEPEST {
                return Err(too_complex(self.place()));
            }
            let right = operand(self)?;
            node = pair(|l, r| NodeKind::Calculate(operator, l, r), node, right);
        }
        Ok(node)
    }

    fn sum(&mut self) -> Parsed {
        self.calculation(&["+", "-"], Self::join)
    }

    fn join(&mut self) -> Parsed {
        self.several(Self::product, |p| p.skip_mark("~"), NodeKind::Join)
    }

    fn product(&mut self) -> Parsed {
        self.calculation(&["*", "/", "//", "%"], Self::power)
    }

    fn power(&mut self) -> Parsed {
        self.calculation(&["**"], Self::filtered)
    }

    /// A value with its filters and tests; they apply to the negated value, as in Jinja.
    fn filtered(&mut self) -> Parsed {
        let mut node = self.signed()?;
        let mut turns = 0;
        loop {
            if self.skip_mark("|") {
                node = self.call(node, NodeKind::Filter)?;
            } else if self.skip_word("is") {
                let negated = self.skip_word("not");
                node = self.call(node, NodeKind::Test)?;
                if negated {
                    node = Node { at: node.at.clone(), kind: NodeKind::Not(Box::new(node)) };
                }
            } else {
                return Ok(node);
            }
            turns += 1;
            if turns > DEEPEST {
                return Err(too_complex(self.place()));
            }
        }
    }

    fn call(&mut self, base: Node, build: fn(Box<Node>, Call) -> NodeKind) -> Parsed {
        let at = self.place();
        let TokenKind::Name(name) = self.peek().clone() else { return Err(self.unexpected("a name")) };
        self.at += 1;
        let arguments = if self.skip_mark("(") { self.arguments()? } else { Vec::new() };
        let whole = base.at.start..self.tokens[self.at - 1].at.end;
        Ok(Node { kind: build(Box::new(base), Call { name, at, arguments }), at: whole })
    }

    fn arguments(&mut self) -> Result<Vec<(Option<String>, Node)>, Trouble> {
        let mut arguments: Vec<(Option<String>, Node)> = Vec::new();
        while !self.skip_mark(")") {
            if !arguments.is_empty() {
                self.expect_mark(",")?;
                if self.skip_mark(")") {
                    break;
                }
            }
            let name = self.argument_name();
            if name.is_none() && arguments.last().is_some_and(|(name, _)| name.is_some()) {
                return Err(syntax(self.place(), "an argument without a name after a named one"));
            }
            arguments.push((name, self.expression()?));
        }
        Ok(arguments)
    }

    fn argument_name(&mut self) -> Option<String> {
        let TokenKind::Name(name) = self.peek().clone() else { return None };
        let assigned = matches!(self.tokens.get(self.at + 1).map(|t| &t.kind), Some(TokenKind::Mark("=")));
        self.at += 2 * usize::from(assigned);
        assigned.then_some(name)
    }

    fn signed(&mut self) -> Parsed {
        let start = self.place().start;
        if !self.skip_mark("-") {
            return self.postfixed();
        }
        let operand = self.deeper(Self::signed)?;
        let at = start..operand.at.end;
        Ok(Node { kind: NodeKind::Negative(Box::new(operand)), at })
    }

    fn postfixed(&mut self) -> Parsed {
        let node = self.primary()?;
        let here = self.place();
        match self.peek() {
            TokenKind::Mark("(") => Err(feature(here, "there are no functions to call").help("filters are written `value | name`")),
            TokenKind::Mark("[") => Err(feature(here, "values have no parts to pick").help("only `row[\"Odd Name\"]` and `vars[\"name\"]` take brackets")),
            TokenKind::Mark(".") => Err(self.attribute()),
            _ => Ok(node),
        }
    }

    fn attribute(&mut self) -> Trouble {
        let here = self.place();
        self.at += 1;
        match self.peek() {
            TokenKind::Name(name) => feature(here.start..self.place().end, "values have no attributes or methods")
                .help(format!("filters are written `value | {name}`")),
            _ => feature(here, "values have no attributes or methods"),
        }
    }

    fn primary(&mut self) -> Parsed {
        let at = self.place();
        let kind = match self.peek().clone() {
            TokenKind::Text(text) => {
                self.at += 1;
                if let TokenKind::Text(_) = self.peek() {
                    let trouble = feature(self.place(), "two texts side by side");
                    return Err(trouble.help("write `~` between them to join"));
                }
                NodeKind::Text(text)
            }
            TokenKind::Number(number) => {
                self.at += 1;
                NodeKind::Number(number)
            }
            TokenKind::Mark("(") => return self.parenthesised(),
            TokenKind::Mark("[") => return self.list(),
            TokenKind::Name(name) => return self.named(name),
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Node { kind, at })
    }

    fn parenthesised(&mut self) -> Parsed {
        let start = self.place().start;
        self.at += 1;
        let inner = self.expression()?;
        if self.is_mark(",") {
            return Err(feature(self.place(), "tuples are not part of an expression").help("a list is written `[a, b]`"));
        }
        self.expect_mark(")")?;
        Ok(Node { at: start..self.tokens[self.at - 1].at.end, ..inner })
    }

    fn list(&mut self) -> Parsed {
        let start = self.place().start;
        self.at += 1;
        let mut items = Vec::new();
        while !self.skip_mark("]") {
            if !items.is_empty() {
                self.expect_mark(",")?;
                if self.skip_mark("]") {
                    break;
                }
            }
            items.push(self.expression()?);
        }
        Ok(Node { kind: NodeKind::List(items), at: start..self.tokens[self.at - 1].at.end })
    }

    fn named(&mut self, name: String) -> Parsed {
        let at = self.place();
        if GRAMMAR.contains(&name.as_str()) {
            return Err(self.unexpected("a value"));
        }
        self.at += 1;
        let kind = match name.as_str() {
            "true" | "True" => NodeKind::Bool(true),
            "false" | "False" => NodeKind::Bool(false),
            "none" | "None" => {
                return Err(feature(at, format!("`{name}` is not part of an expression"))
                    .help("test with `is blank`; an `if` without `else` gives blank"));
            }
            "row" => {
                let name = self.member(at.clone(), "row", "row[\"Odd Name\"]")?;
                NodeKind::Column { name, bare: false }
            }
            "vars" => NodeKind::Var(self.member(at.clone(), "vars", "vars.name")?),
            _ => NodeKind::Column { name, bare: true },
        };
        Ok(Node { kind, at: at.start..self.tokens[self.at - 1].at.end })
    }

    /// The name after `row` or `vars`: `.name` or `["name"]`.
    fn member(&mut self, at: Range<usize>, word: &str, form: &str) -> Result<String, Trouble> {
        let wrong = |at| feature(at, format!("`{word}` needs a name written out")).help(format!("write `{form}`"));
        if self.skip_mark(".") {
            let TokenKind::Name(name) = self.peek().clone() else { return Err(wrong(at)) };
            self.at += 1;
            return Ok(name);
        }
        if !self.skip_mark("[") {
            return Err(wrong(at));
        }
        let TokenKind::Text(name) = self.peek().clone() else { return Err(wrong(at)) };
        self.at += 1;
        if !self.is_mark("]") {
            return Err(wrong(at));
        }
        self.at += 1;
        Ok(name)
    }
}

fn pair(build: impl FnOnce(Box<Node>, Box<Node>) -> NodeKind, left: Node, right: Node) -> Node {
    let at = left.at.start..right.at.end;
    Node { kind: build(Box::new(left), Box::new(right)), at }
}

fn syntax(at: Range<usize>, message: impl Into<String>) -> Trouble {
    Trouble::new(Code::ExpressionSyntax, at, message)
}

fn feature(at: Range<usize>, message: impl Into<String>) -> Trouble {
    Trouble::new(Code::ExpressionFeature, at, message)
}

fn too_complex(at: Range<usize>) -> Trouble {
    syntax(at, "the expression is nested too deeply or is too long").help("split it, or move the logic into a map")
}
