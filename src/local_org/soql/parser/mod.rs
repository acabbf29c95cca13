//! Words to a tree: clauses in their order; items and conditions in files of their own.
//!
//! What Salesforce has and this org has not is refused by name, so that nobody takes it for a mistake of theirs.

mod condition;
mod items;

use super::lexer::{Kind, Token, tokens};
use super::tree::{By, Order, Path, Query};
use crate::local_org::soql::error::SoqlError;

/// Nested deeper than this, a query is refused rather than followed: each level takes stack.
const DEEPEST: usize = 60;

/// Longest query, in characters (SOQL limits).
const LONGEST: usize = 100_000;

/// Words that begin a clause, so that none of them is an alias.
const CLAUSES: &[&str] =
    &["WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "ALL", "UPDATE", "USING"];

/// Reads a query.
///
/// # Errors
/// MALFORMED_QUERY.
pub(super) fn parse(query: &str) -> Result<Query, SoqlError> {
    if query.chars().count() > LONGEST {
        // Unconfirmed(soql-too-long): code and text, the limit is documented; choice: MALFORMED_QUERY.
        let message = format!("SOQL statements cannot be longer than {LONGEST} characters");
        return Err(SoqlError::new("MALFORMED_QUERY", message));
    }
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
        self.ahead(0)
    }

    /// The word that many places on.
    fn ahead(&self, places: usize) -> &Token {
        &self.tokens[(self.next + places).min(self.tokens.len() - 1)]
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

    /// Salesforce has it; this org says that it has not.
    fn unsupported(&self, at: usize, what: &str) -> SoqlError {
        let message = format!("{what} is not supported by the local org");
        SoqlError::at("MALFORMED_QUERY", self.query, at, &message)
    }

    fn is_word(&self, word: &str) -> bool {
        self.peek().is_word(word)
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
        let found = self.peek().is_symbol(symbol);
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

    /// What is read one level deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, SoqlError>) -> Result<T, SoqlError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(SoqlError::at("MALFORMED_QUERY", self.query, self.peek().at, "nested too deeply"));
        }
        let found = read(self)?;
        self.depth -= 1;
        Ok(found)
    }

    fn query(&mut self) -> Result<Query, SoqlError> {
        self.need_word("SELECT")?;
        let items = self.items()?;
        self.need_word("FROM")?;
        let object = self.path()?;
        let alias = self.alias();
        if self.peek().is_symbol(",") {
            return Err(self.unsupported(self.peek().at, "a list of objects in FROM"));
        }
        self.refuse(&[("USING", "USING SCOPE")])?;
        let condition = if self.word("WHERE") { Some(self.condition()?) } else { None };
        self.refuse(&[("WITH", "WITH")])?;
        let group = if self.word("GROUP") { self.group()? } else { Vec::new() };
        let order = if self.word("ORDER") { self.order()? } else { Vec::new() };
        let limit = if self.word("LIMIT") { Some(self.count()?) } else { None };
        let offset = if self.word("OFFSET") { Some(self.count()?) } else { None };
        self.refuse(&[
            ("FOR", "FOR VIEW and FOR REFERENCE"),
            ("UPDATE", "UPDATE TRACKING and UPDATE VIEWSTAT"),
        ])?;
        let all_rows = self.all_rows()?;
        Ok(Query { items, object, alias, condition, group, order, limit, offset, all_rows })
    }

    /// A name that begins no clause; `AS` may stand before it.
    fn alias(&mut self) -> Option<String> {
        let clause = CLAUSES.iter().any(|word| self.is_word(word));
        if self.is_word("AS") && self.ahead(1).kind == Kind::Name {
            self.next += 1;
        }
        (self.peek().kind == Kind::Name && !clause).then(|| self.take().text)
    }

    fn refuse(&self, words: &[(&str, &str)]) -> Result<(), SoqlError> {
        match words.iter().find(|(word, _)| self.is_word(word)) {
            Some((_, what)) => Err(self.unsupported(self.peek().at, what)),
            None => Ok(()),
        }
    }

    fn all_rows(&mut self) -> Result<Option<usize>, SoqlError> {
        let at = self.peek().at;
        if !self.word("ALL") {
            return Ok(None);
        }
        self.need_word("ROWS")?;
        Ok(Some(at))
    }

    fn count(&mut self) -> Result<u64, SoqlError> {
        let number = self.peek().text.parse().map_err(|_| self.unexpected())?;
        self.next += 1;
        Ok(number)
    }

    fn group(&mut self) -> Result<Vec<Path>, SoqlError> {
        self.need_word("BY")?;
        let mut group = Vec::new();
        loop {
            let path = self.path()?;
            if self.peek().is_symbol("(") {
                return Err(self.unsupported(path.at, &format!("{} in GROUP BY", path.text())));
            }
            group.push(path);
            if !self.symbol(",") {
                self.refuse(&[("HAVING", "HAVING")])?;
                return Ok(group);
            }
        }
    }

    fn order(&mut self) -> Result<Vec<Order>, SoqlError> {
        self.need_word("BY")?;
        let mut order = vec![self.order_part()?];
        while self.symbol(",") {
            order.push(self.order_part()?);
        }
        Ok(order)
    }

    fn order_part(&mut self) -> Result<Order, SoqlError> {
        let by = match self.call()? {
            Some(call) => By::Call(call),
            None => By::Field(self.path()?),
        };
        let descending = self.word("DESC");
        if !descending {
            self.word("ASC");
        }
        let nulls_first = if self.word("NULLS") { Some(self.first_or_last()?) } else { None };
        Ok(Order { by, descending, nulls_first })
    }

    fn first_or_last(&mut self) -> Result<bool, SoqlError> {
        let first = self.word("FIRST");
        if !first {
            self.need_word("LAST")?;
        }
        Ok(first)
    }
}
