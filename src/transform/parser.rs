//! From tokens to the syntax tree: the operators, in minijinja's own precedence (a property test compares the two).
//!
//! What stands between operators is read in `primary.rs`. Never recurses deeper than a small bound.

use super::syntax::{Call, Node, NodeKind};
use super::token::{Token, TokenKind, Trouble, tokens};
use crate::diagnostic::Code;
use std::ops::Range;

/// How deep an expression may nest: well inside what minijinja's own parser takes.
const DEEPEST: usize = 24;
/// How many operators or filters may follow each other.
const LONGEST: usize = 200;
/// How tall the whole tree may grow.
const TALLEST: usize = 48;

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

/// A position in the tokens.
pub(super) struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

pub(super) type Parsed = Result<Node, Trouble>;

impl Parser {
    /// Where the token before this one ends.
    pub(super) fn end(&self) -> usize {
        self.at.checked_sub(1).and_then(|before| self.tokens.get(before)).map_or(0, |token| token.at.end)
    }

    /// Goes on to the next token.
    pub(super) fn pass(&mut self) {
        self.at += 1;
    }

    fn token(&self) -> &Token {
        // The last token is the end, and is never passed.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    pub(super) fn peek(&self) -> &TokenKind {
        &self.token().kind
    }

    pub(super) fn place(&self) -> Range<usize> {
        self.token().at.clone()
    }

    pub(super) fn is_mark(&self, mark: &str) -> bool {
        matches!(self.peek(), TokenKind::Mark(m) if *m == mark)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), TokenKind::Name(name) if name == word)
    }

    pub(super) fn skip_mark(&mut self, mark: &str) -> bool {
        let found = self.is_mark(mark);
        self.at += usize::from(found);
        found
    }

    fn skip_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect_mark(&mut self, mark: &str) -> Result<(), Trouble> {
        if self.skip_mark(mark) { Ok(()) } else { Err(self.unexpected(&format!("`{mark}`"))) }
    }

    pub(super) fn unexpected(&self, wanted: &str) -> Trouble {
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

    pub(super) fn deeper(&mut self, parse: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(too_complex(self.place()));
        }
        let node = parse(self);
        self.depth -= 1;
        node
    }

    pub(super) fn expression(&mut self) -> Parsed {
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
        let whole = base.at.start..self.end();
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
}

fn pair(build: impl FnOnce(Box<Node>, Box<Node>) -> NodeKind, left: Node, right: Node) -> Node {
    let at = left.at.start..right.at.end;
    Node { kind: build(Box::new(left), Box::new(right)), at }
}

fn syntax(at: Range<usize>, message: impl Into<String>) -> Trouble {
    Trouble::new(Code::ExpressionSyntax, at, message)
}

/// Something that Jinja has and a manifest has not.
pub(super) fn feature(at: Range<usize>, message: impl Into<String>) -> Trouble {
    Trouble::new(Code::ExpressionFeature, at, message)
}

fn too_complex(at: Range<usize>) -> Trouble {
    syntax(at, "the expression is nested too deeply or is too long")
        .help("split it, or move the logic into a map")
}
