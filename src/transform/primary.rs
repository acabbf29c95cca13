//! What stands between operators: texts, numbers, lists, parentheses, columns, variables; and what may not follow them.

use super::parser::{Parsed, Parser, feature};
use super::syntax::{GRAMMAR, Node, NodeKind};
use super::token::{TokenKind, Trouble};
use std::ops::Range;

impl Parser {
    pub(super) fn signed(&mut self) -> Parsed {
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
            TokenKind::Mark("(") => {
                Err(feature(here, "there are no functions to call")
                    .help("filters are written `value | name`"))
            }
            TokenKind::Mark("[") => Err(feature(here, "values have no parts to pick")
                .help("only `row[\"Odd Name\"]` and `vars[\"name\"]` take brackets")),
            TokenKind::Mark(".") => Err(self.attribute()),
            _ => Ok(node),
        }
    }

    fn attribute(&mut self) -> Trouble {
        let here = self.place();
        self.pass();
        match self.peek() {
            TokenKind::Name(name) => {
                feature(here.start..self.place().end, "values have no attributes or methods")
                    .help(format!("filters are written `value | {name}`"))
            }
            _ => feature(here, "values have no attributes or methods"),
        }
    }

    fn primary(&mut self) -> Parsed {
        let at = self.place();
        let kind = match self.peek().clone() {
            TokenKind::Text(text) => {
                self.pass();
                if let TokenKind::Text(_) = self.peek() {
                    let trouble = feature(self.place(), "two texts side by side");
                    return Err(trouble.help("write `~` between them to join"));
                }
                NodeKind::Text(text)
            }
            TokenKind::Number(number) => {
                self.pass();
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
        self.pass();
        let inner = self.expression()?;
        if self.is_mark(",") {
            return Err(feature(self.place(), "tuples are not part of an expression")
                .help("a list is written `[a, b]`"));
        }
        self.expect_mark(")")?;
        Ok(Node { at: start..self.end(), ..inner })
    }

    fn list(&mut self) -> Parsed {
        let start = self.place().start;
        self.pass();
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
        Ok(Node { kind: NodeKind::List(items), at: start..self.end() })
    }

    fn named(&mut self, name: String) -> Parsed {
        let at = self.place();
        if GRAMMAR.contains(&name.as_str()) {
            return Err(self.unexpected("a value"));
        }
        self.pass();
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
        Ok(Node { kind, at: at.start..self.end() })
    }

    /// The name after `row` or `vars`: `.name` or `["name"]`.
    fn member(&mut self, at: Range<usize>, word: &str, form: &str) -> Result<String, Trouble> {
        let wrong =
            |at| feature(at, format!("`{word}` needs a name written out")).help(format!("write `{form}`"));
        if self.skip_mark(".") {
            let TokenKind::Name(name) = self.peek().clone() else { return Err(wrong(at)) };
            self.pass();
            return Ok(name);
        }
        if !self.skip_mark("[") {
            return Err(wrong(at));
        }
        let TokenKind::Text(name) = self.peek().clone() else { return Err(wrong(at)) };
        self.pass();
        if !self.is_mark("]") {
            return Err(wrong(at));
        }
        self.pass();
        Ok(name)
    }
}
