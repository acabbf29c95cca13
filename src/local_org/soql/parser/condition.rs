//! What stands behind WHERE.

use super::Parser;
use crate::local_org::soql::dates;
use crate::local_org::soql::error::SoqlError;
use crate::local_org::soql::lexer::{self, Kind, Token};
use crate::local_org::soql::tree::{Condition, Literal, Operator, Path, Value};

/// Longest text of a literal, in characters (SOQL limits).
const LONGEST: usize = 4_000;

impl Parser<'_> {
    /// Terms joined by AND or by OR; both at once need parentheses, as in Salesforce.
    pub(super) fn condition(&mut self) -> Result<Condition, SoqlError> {
        self.deeper(Self::terms)
    }

    fn terms(&mut self) -> Result<Condition, SoqlError> {
        let mut terms = vec![self.term()?];
        let joined = ["AND", "OR"].into_iter().find(|w| self.is_word(w));
        while let Some(word) = joined {
            if !self.word(word) {
                break;
            }
            terms.push(self.term()?);
        }
        Ok(match (terms.len(), joined) {
            (1, _) => terms.remove(0),
            (_, Some("OR")) => Condition::Any(terms),
            _ => Condition::All(terms),
        })
    }

    fn term(&mut self) -> Result<Condition, SoqlError> {
        if self.word("NOT") {
            let inner = self.deeper(Self::term)?;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.symbol("(") {
            let inner = self.condition()?;
            self.need_symbol(")")?;
            return Ok(inner);
        }
        let path = self.path()?;
        if self.peek().is_symbol("(") {
            return Err(self.unsupported(path.at, &format!("{}() in a condition", path.text())));
        }
        self.comparison(path)
    }

    fn comparison(&mut self, path: Path) -> Result<Condition, SoqlError> {
        if self.word("IN") {
            return self.list(path, false);
        }
        if self.word("NOT") {
            self.need_word("IN")?;
            return self.list(path, true);
        }
        for (word, not) in [("INCLUDES", false), ("EXCLUDES", true)] {
            if self.word(word) {
                let values = self.literals()?;
                return Ok(Condition::Includes { path, not, values });
            }
        }
        let operator = self.operator()?;
        let value = self.literal()?;
        Ok(Condition::Compare { path, operator, value })
    }

    fn list(&mut self, path: Path, not: bool) -> Result<Condition, SoqlError> {
        if self.peek().is_symbol("(") && self.ahead(1).is_word("SELECT") {
            self.next += 1;
            let query = self.deeper(Self::query)?;
            self.need_symbol(")")?;
            return Ok(Condition::Inside { path, not, query: Box::new(query) });
        }
        let values = self.literals()?;
        Ok(Condition::In { path, not, values })
    }

    fn literals(&mut self) -> Result<Vec<Literal>, SoqlError> {
        self.need_symbol("(")?;
        let mut values = vec![self.literal()?];
        while self.symbol(",") {
            values.push(self.literal()?);
        }
        self.need_symbol(")")?;
        Ok(values)
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
        let token = self.take();
        let at = token.at;
        let value = match token.kind {
            Kind::Text => self.text(token)?,
            Kind::Number if is_moment(&token.text) => Value::Moment(token.text),
            Kind::Number => Value::Number(token.text),
            Kind::Name => self.named(&token)?,
            Kind::Symbol if token.text == ":" => {
                let message = "Bind variables only allowed in Apex code";
                return Err(SoqlError::at("MALFORMED_QUERY", self.query, at, message));
            }
            _ => return Err(SoqlError::unexpected(self.query, at, &token.text)),
        };
        Ok(Literal { value, at })
    }

    fn text(&self, token: Token) -> Result<Value, SoqlError> {
        lexer::check_escapes(self.query, &token)?;
        if token.text.chars().count() > LONGEST {
            // Unconfirmed(soql-too-long): code and text, the limit is documented; choice: MALFORMED_QUERY.
            let message = format!("text of a condition cannot be longer than {LONGEST} characters");
            return Err(SoqlError::at("MALFORMED_QUERY", self.query, token.at, &message));
        }
        Ok(Value::Text(token.text))
    }

    /// `null`, `true`, `false`, or a date in words.
    fn named(&mut self, token: &Token) -> Result<Value, SoqlError> {
        let word = token.text.to_ascii_uppercase();
        let simple = match word.as_str() {
            "NULL" => Some(Value::Null),
            "TRUE" => Some(Value::Boolean(true)),
            "FALSE" => Some(Value::Boolean(false)),
            _ => None,
        };
        match (simple, dates::takes_count(&word)) {
            (Some(value), _) => Ok(value),
            (None, Some(false)) => Ok(Value::Relative { word, count: None }),
            (None, Some(true)) => {
                self.need_symbol(":")?;
                let count = self.peek().text.parse().map_err(|_| self.unexpected())?;
                self.next += 1;
                Ok(Value::Relative { word, count: Some(count) })
            }
            (None, None) => Err(SoqlError::unexpected(self.query, token.at, &token.text)),
        }
    }
}

/// Whether a number is a date: `2024-01-31`, `2024-01-31T10:00:00Z`.
fn is_moment(text: &str) -> bool {
    text.len() >= 10 && text[1..].contains('-') && !text.contains('e')
}
