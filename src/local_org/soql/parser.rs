//! Words to a tree.

use super::SoqlError;
use super::lexer::{Kind, Token, tokens};
use super::tree::{Condition, Item, Literal, Operator, Order, Path, Query, Value};

/// Nested deeper than this, a condition is refused rather than followed.
const DEEPEST: usize = 60;

/// Reads a query.
///
/// # Errors
/// MALFORMED_QUERY.
pub(crate) fn parse(query: &str) -> Result<Query, SoqlError> {
    let tokens = tokens(query)?;
    let mut parser = Parser { query, tokens, next: 0, depth: 0 };
    let tree = parser.query()?;
    match parser.peek().kind {
        Kind::End => Ok(tree),
        _ => Err(parser.unexpected()),
    }
}

struct Parser<'q> {
    query: &'q str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn unexpected(&self) -> SoqlError {
        let token = self.peek();
        SoqlError::unexpected(self.query, token.at, &token.text)
    }

    fn is_word(&self, word: &str) -> bool {
        self.peek().kind == Kind::Name && self.peek().text.eq_ignore_ascii_case(word)
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.next += usize::from(found);
        found
    }

    fn need_word(&mut self, word: &str) -> Result<(), SoqlError> {
        if self.word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let found = self.peek().kind == Kind::Symbol && self.peek().text == symbol;
        self.next += usize::from(found);
        found
    }

    fn need_symbol(&mut self, symbol: &str) -> Result<(), SoqlError> {
        if self.symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn name(&mut self) -> Result<String, SoqlError> {
        if self.peek().kind == Kind::Name { Ok(self.take().text) } else { Err(self.unexpected()) }
    }

    fn path(&mut self) -> Result<Path, SoqlError> {
        let at = self.peek().at;
        let mut names = vec![self.name()?];
        while self.symbol(".") {
            names.push(self.name()?);
        }
        Ok(Path { names, at })
    }

    fn query(&mut self) -> Result<Query, SoqlError> {
        self.need_word("SELECT")?;
        let items = self.items()?;
        self.need_word("FROM")?;
        let object = self.path()?;
        let clause = ["WHERE", "ORDER", "LIMIT", "OFFSET"].iter().any(|w| self.is_word(w));
        let alias = if self.peek().kind == Kind::Name && !clause { Some(self.name()?) } else { None };
        let condition = if self.word("WHERE") { Some(self.condition()?) } else { None };
        let order = if self.word("ORDER") { self.order()? } else { Vec::new() };
        let limit = if self.word("LIMIT") { Some(self.count()?) } else { None };
        let offset = if self.word("OFFSET") { Some(self.count()?) } else { None };
        Ok(Query { items, object, alias, condition, order, limit, offset })
    }

    fn items(&mut self) -> Result<Vec<Item>, SoqlError> {
        let mut items = Vec::new();
        loop {
            let path = self.path()?;
            if path.names.len() == 1 && path.names[0].eq_ignore_ascii_case("COUNT") && self.symbol("(") {
                if self.symbol(")") {
                    return if items.is_empty() { Ok(items) } else { Err(self.unexpected()) };
                }
                let path = self.path()?;
                self.need_symbol(")")?;
                let named = self.peek().kind == Kind::Name && !self.is_word("FROM");
                let alias = if named { Some(self.name()?) } else { None };
                items.push(Item::Count { path, alias });
            } else {
                items.push(Item::Field(path));
            }
            if !self.symbol(",") {
                return Ok(items);
            }
        }
    }

    fn count(&mut self) -> Result<u64, SoqlError> {
        let number = self.peek().text.parse().map_err(|_| self.unexpected())?;
        self.next += 1;
        Ok(number)
    }

    /// Terms joined by AND or by OR; both at once need parentheses, as in Salesforce.
    fn condition(&mut self) -> Result<Condition, SoqlError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(SoqlError::at("MALFORMED_QUERY", self.query, self.peek().at, "nested too deeply"));
        }
        let mut terms = vec![self.term()?];
        let joined = ["AND", "OR"].into_iter().find(|w| self.is_word(w));
        while let Some(word) = joined {
            if !self.word(word) {
                break;
            }
            terms.push(self.term()?);
        }
        self.depth -= 1;
        Ok(match (terms.len(), joined) {
            (1, _) => terms.remove(0),
            (_, Some("OR")) => Condition::Any(terms),
            _ => Condition::All(terms),
        })
    }

    fn term(&mut self) -> Result<Condition, SoqlError> {
        if self.word("NOT") {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(self.unexpected());
            }
            let inner = self.term()?;
            self.depth -= 1;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.symbol("(") {
            let inner = self.condition()?;
            self.need_symbol(")")?;
            return Ok(inner);
        }
        let path = self.path()?;
        if self.word("IN") {
            return self.list(path, false);
        }
        if self.word("NOT") {
            self.need_word("IN")?;
            return self.list(path, true);
        }
        let operator = self.operator()?;
        let value = self.literal()?;
        Ok(Condition::Compare { path, operator, value })
    }

    fn list(&mut self, path: Path, not: bool) -> Result<Condition, SoqlError> {
        self.need_symbol("(")?;
        let mut values = vec![self.literal()?];
        while self.symbol(",") {
            values.push(self.literal()?);
        }
        self.need_symbol(")")?;
        Ok(Condition::In { path, not, values })
    }

    fn operator(&mut self) -> Result<Operator, SoqlError> {
        if self.word("LIKE") {
            return Ok(Operator::Like);
        }
        let operator = match (self.peek().kind, self.peek().text.as_str()) {
            (Kind::Symbol, "=") => Operator::Equal,
            (Kind::Symbol, "!=" | "<>") => Operator::NotEqual,
            (Kind::Symbol, "<") => Operator::Less,
            (Kind::Symbol, "<=") => Operator::LessOrEqual,
            (Kind::Symbol, ">") => Operator::Greater,
            (Kind::Symbol, ">=") => Operator::GreaterOrEqual,
            _ => return Err(self.unexpected()),
        };
        self.next += 1;
        Ok(operator)
    }

    fn literal(&mut self) -> Result<Literal, SoqlError> {
        let token = self.peek().clone();
        let value = match token.kind {
            Kind::Text => Value::Text(token.text),
            Kind::Number
                if token.text.len() >= 10 && token.text[1..].contains('-') && !token.text.contains('e') =>
            {
                Value::Moment(token.text)
            }
            Kind::Number => Value::Number(token.text),
            Kind::Name => match token.text.to_ascii_lowercase().as_str() {
                "null" => Value::Null,
                "true" => Value::Boolean(true),
                "false" => Value::Boolean(false),
                _ => return Err(self.unexpected()),
            },
            _ => return Err(self.unexpected()),
        };
        self.next += 1;
        Ok(Literal { value, at: token.at })
    }

    fn order(&mut self) -> Result<Vec<Order>, SoqlError> {
        self.need_word("BY")?;
        let mut order = Vec::new();
        loop {
            let path = self.path()?;
            let descending = self.word("DESC");
            if !descending {
                self.word("ASC");
            }
            let nulls_first = if self.word("NULLS") {
                let first = self.word("FIRST");
                if !first {
                    self.need_word("LAST")?;
                }
                Some(first)
            } else {
                None
            };
            order.push(Order { path, descending, nulls_first });
            if !self.symbol(",") {
                return Ok(order);
            }
        }
    }
}
