//! Conditions as SQL. SOQL knows no third truth value: `!=` and NOT are true of blanks.

use super::SoqlError;
use super::joins::{Joins, Resolved};
use super::lexer::{pattern, unescape};
use super::tree::{Condition, Literal, Operator, Path, Value as Written};
use crate::local_org::schema::Field;
use crate::local_org::store::quote;
use crate::local_org::text::{full_id, parse_date, parse_moment, stored_moment};
use crate::model::FieldType;
use rusqlite::types::Value;

/// Turns conditions into SQL, collecting their values.
pub(super) struct Filter<'j, 's> {
    pub(super) joins: &'j mut Joins<'s>,
    pub(super) query: &'s str,
    pub(super) values: Vec<Value>,
    /// Whether an index finds the few rows that can match.
    pub(super) selective: bool,
}

impl Filter<'_, '_> {
    /// The SQL of a condition; `top` while every row must meet it.
    pub(super) fn sql(&mut self, condition: &Condition, top: bool) -> Result<String, SoqlError> {
        match condition {
            Condition::All(terms) => self.join(terms, " AND ", top),
            Condition::Any(terms) => self.join(terms, " OR ", false),
            Condition::Not(inner) => Ok(format!("NOT ifnull({}, 0)", self.sql(inner, false)?)),
            Condition::Compare { path, operator, value } => self.compare(path, *operator, value, top),
            Condition::In { path, not, values } => self.list(path, *not, values, top),
        }
    }

    fn join(&mut self, terms: &[Condition], word: &str, top: bool) -> Result<String, SoqlError> {
        let terms: Result<Vec<String>, SoqlError> = terms.iter().map(|t| self.sql(t, top)).collect();
        Ok(balanced(&terms?, word))
    }

    fn compare(
        &mut self,
        path: &Path,
        operator: Operator,
        literal: &Literal,
        top: bool,
    ) -> Result<String, SoqlError> {
        let field = self.joins.resolve(path)?;
        if operator == Operator::Like {
            return self.like(&field, literal);
        }
        let value = self.value(field.field, literal)?;
        let null = value == Value::Null;
        let side = Side::of(&field, std::slice::from_ref(&value));
        self.selective |= top && operator == Operator::Equal && !null && side.indexed;
        let word = match operator {
            _ if null && operator == Operator::Equal => return Ok(format!("{} IS NULL", side.sql)),
            _ if null && operator == Operator::NotEqual => return Ok(format!("{} IS NOT NULL", side.sql)),
            Operator::Equal => "=",
            Operator::NotEqual => "IS NOT",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual | Operator::Like => ">=",
        };
        let side = if matches!(word, "=" | "IS NOT") { side } else { Side::plain(&field) };
        self.values.push(side.form(field.field, value));
        Ok(format!("{} {word} ?", side.sql))
    }

    fn like(&mut self, field: &Resolved<'_>, literal: &Literal) -> Result<String, SoqlError> {
        let Written::Text(raw) = &literal.value else { return Err(self.wrong(field.field, literal)) };
        if !field.field.is_text() {
            let message = format!("invalid operator on {} field", field.field.kind.name());
            return Err(SoqlError::new("INVALID_QUERY_FILTER_OPERATOR", message));
        }
        let pattern = pattern(raw);
        if pattern.is_ascii() {
            self.values.push(Value::Text(pattern));
            return Ok(format!("{} LIKE ? ESCAPE '\\'", field.sql));
        }
        self.values.push(Value::Text(pattern.to_lowercase()));
        Ok(format!("fold({}) LIKE ? ESCAPE '\\'", field.sql))
    }

    fn list(&mut self, path: &Path, not: bool, literals: &[Literal], top: bool) -> Result<String, SoqlError> {
        let field = self.joins.resolve(path)?;
        let values: Result<Vec<Value>, SoqlError> =
            literals.iter().map(|l| self.value(field.field, l)).collect();
        let mut values = values?;
        let null = values.contains(&Value::Null);
        values.retain(|v| *v != Value::Null);
        let side = Side::of(&field, &values);
        self.selective |= top && !not && !null && side.indexed;
        let marks = vec!["?"; values.len()].join(", ");
        self.values.extend(values.into_iter().map(|v| side.form(field.field, v)));
        let sql = &side.sql;
        Ok(match (not, null) {
            (false, false) => format!("{sql} IN ({marks})"),
            (false, true) => format!("({sql} IS NULL OR {sql} IN ({marks}))"),
            (true, false) => format!("({sql} IS NULL OR {sql} NOT IN ({marks}))"),
            (true, true) => format!("({sql} IS NOT NULL AND {sql} NOT IN ({marks}))"),
        })
    }

    /// A literal as the value that the field stores.
    fn value(&self, field: &Field, literal: &Literal) -> Result<Value, SoqlError> {
        use FieldType::{Boolean, Currency, Date, DateTime, Double, Id, Int, Long, Percent, Reference};
        let wrong = || self.wrong(field, literal);
        match (&literal.value, field.kind) {
            (Written::Null, _) => Ok(Value::Null),
            (Written::Boolean(value), Boolean) => Ok(Value::Integer((*value).into())),
            (Written::Text(raw), Id | Reference) => {
                let text = unescape(raw);
                let id = full_id(&text).map(Value::Text);
                id.ok_or_else(|| {
                    SoqlError::new("INVALID_QUERY_FILTER_OPERATOR", format!("invalid ID field: {text}"))
                })
            }
            (Written::Text(raw), _) if field.is_text() => Ok(match unescape(raw) {
                text if text.is_empty() => Value::Null,
                text => Value::Text(text),
            }),
            (Written::Number(text), Int | Long | Double | Currency | Percent) => {
                text.parse().map(Value::Real).map_err(|_| wrong())
            }
            (Written::Moment(text), Date) => {
                parse_date(text).map(|d| Value::Text(d.to_string())).ok_or_else(wrong)
            }
            (Written::Moment(text), DateTime) => {
                parse_moment(text).map(|m| Value::Text(stored_moment(m))).ok_or_else(wrong)
            }
            _ => Err(wrong()),
        }
    }

    fn wrong(&self, field: &Field, literal: &Literal) -> SoqlError {
        let quotes = match literal.value {
            Written::Text(_) => "should not be enclosed in quotes",
            _ if field.is_text() => "should be enclosed in quotes",
            _ => "is not such a value",
        };
        let message = format!(
            "value of filter criterion for field '{}' must be of type {} and {quotes}",
            field.name,
            field.kind.name()
        );
        SoqlError::at("INVALID_FIELD", self.query, literal.at, &message)
    }
}

/// Terms joined in halves: SQLite refuses deep trees, and a chain is as deep as it is long.
fn balanced(terms: &[String], word: &str) -> String {
    if terms.len() <= 2 {
        return format!("({})", terms.join(word));
    }
    let (left, right) = terms.split_at(terms.len() / 2);
    format!("({}{word}{})", balanced(left, word), balanced(right, word))
}

/// The left side of an equality, and the form its values take there.
struct Side {
    sql: String,
    indexed: bool,
    fold: Fold,
}

/// What is done to a text before it is compared.
enum Fold {
    /// Nothing: the column's own collation does it.
    None,
    /// The form of a key.
    Key,
    /// Lower case.
    Lower,
}

impl Side {
    fn plain(field: &Resolved<'_>) -> Self {
        Self { sql: field.sql.clone(), indexed: false, fold: Fold::None }
    }

    /// The folded copy of a key where there is one; lower case where SQLite's own folding, of ASCII, is not enough.
    fn of(field: &Resolved<'_>, values: &[Value]) -> Self {
        let ascii = values.iter().all(|v| !matches!(v, Value::Text(t) if !t.is_ascii()));
        match &field.alias {
            Some(alias) if field.field.keyed() => {
                let sql = format!("{alias}.{}", quote(&field.field.key_column()));
                Self { sql, indexed: field.own, fold: Fold::Key }
            }
            Some(_) if ascii || !field.field.is_text() => {
                Self { indexed: field.own && field.field.is_key(), ..Self::plain(field) }
            }
            None if !field.field.is_text() => Self::plain(field),
            _ => Self { sql: format!("fold({})", field.sql), indexed: false, fold: Fold::Lower },
        }
    }

    fn form(&self, field: &Field, value: Value) -> Value {
        match (value, &self.fold) {
            (Value::Text(text), Fold::Key) => Value::Text(field.key_of(&text)),
            (Value::Text(text), Fold::Lower) => Value::Text(text.to_lowercase()),
            (value, _) => value,
        }
    }
}
