//! Conditions as SQL. SOQL knows no third truth value: `!=` and NOT are true of blanks.

use super::compile::Scope;
use super::error::SoqlError;
use super::joins::{Joins, Resolved};
use super::lexer::{pattern, unescape};
use super::literal::{span, value, wrong};
use super::semi;
use super::tree::{Condition, Literal, Operator, Path, Query, Value as Written};
use crate::local_org::schema::Field;
use crate::local_org::schema::flags::Flag;
use crate::local_org::store::quote;
use crate::model::FieldType;
use rusqlite::types::Value;

/// Turns conditions into SQL, collecting their values.
pub(super) struct Filter<'j, 's> {
    scope: Scope<'s>,
    query: &'j str,
    joins: &'j mut Joins<'s>,
    pub(super) values: Vec<Value>,
    /// Whether an index finds the few rows that can match.
    pub(super) selective: bool,
}

impl<'j, 's> Filter<'j, 's> {
    /// No conditions yet.
    pub(super) fn new(scope: Scope<'s>, query: &'j str, joins: &'j mut Joins<'s>) -> Self {
        Self { scope, query, joins, values: Vec::new(), selective: false }
    }

    /// The SQL of a condition; `top` while every row must meet it.
    pub(super) fn sql(&mut self, condition: &Condition, top: bool) -> Result<String, SoqlError> {
        match condition {
            Condition::All(terms) => self.join(terms, " AND ", top),
            Condition::Any(terms) => self.join(terms, " OR ", false),
            Condition::Not(inner) => Ok(format!("NOT ifnull({}, 0)", self.sql(inner, false)?)),
            Condition::Compare { path, operator, value } => self.compare(path, *operator, value, top),
            Condition::In { path, not, values } => self.list(path, *not, values, top),
            Condition::Includes { path, not, values } => self.includes(path, *not, values),
            Condition::Inside { path, not, query } => self.inside(path, *not, query),
        }
    }

    fn join(&mut self, terms: &[Condition], word: &str, top: bool) -> Result<String, SoqlError> {
        let terms: Result<Vec<String>, SoqlError> = terms.iter().map(|t| self.sql(t, top)).collect();
        Ok(balanced(&terms?, word))
    }

    fn field(&mut self, path: &Path) -> Result<Resolved<'s>, SoqlError> {
        let field = self.joins.resolve(path)?;
        if field.field.has(Flag::Filterable) {
            return Ok(field);
        }
        let message = format!("field '{}' can not be filtered in a query call", field.field.name);
        Err(self.joins.wrong(path, &message))
    }

    fn compare(
        &mut self,
        path: &Path,
        operator: Operator,
        literal: &Literal,
        top: bool,
    ) -> Result<String, SoqlError> {
        let field = self.field(path)?;
        if operator == Operator::Like {
            return self.like(&field, literal, path);
        }
        if let Some((first, behind)) = span(field.field, literal, self.scope.now, self.query, path)? {
            return Ok(self.within(&field.sql, operator, first, behind));
        }
        let value = value(field.field, literal, self.query, path)?;
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

    /// A comparison with a span of days: below it, in it, above it.
    fn within(&mut self, sql: &str, operator: Operator, first: Value, behind: Value) -> String {
        let (text, values) = match operator {
            Operator::NotEqual => {
                (format!("({sql} IS NULL OR {sql} < ? OR {sql} >= ?)"), vec![first, behind])
            }
            Operator::Less => (format!("{sql} < ?"), vec![first]),
            Operator::LessOrEqual => (format!("{sql} < ?"), vec![behind]),
            Operator::Greater => (format!("{sql} >= ?"), vec![behind]),
            Operator::GreaterOrEqual => (format!("{sql} >= ?"), vec![first]),
            Operator::Equal | Operator::Like => (format!("({sql} >= ? AND {sql} < ?)"), vec![first, behind]),
        };
        self.values.extend(values);
        text
    }

    fn like(&mut self, field: &Resolved<'_>, literal: &Literal, path: &Path) -> Result<String, SoqlError> {
        let Written::Text(raw) = &literal.value else {
            return Err(wrong(field.field, literal, self.query, path));
        };
        if !field.field.is_text() {
            // Unconfirmed(soql-field-codes): the code of fields used where they cannot be, the texts are well known; choice:
            // INVALID_FIELD.
            let message = format!("invalid operator on {} field", field.field.kind.name());
            return Err(self.joins.wrong(path, &message));
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
        let field = self.field(path)?;
        let values: Result<Vec<Value>, SoqlError> =
            literals.iter().map(|l| value(field.field, l, self.query, path)).collect();
        let mut values = values?;
        let null = values.contains(&Value::Null);
        values.retain(|v| *v != Value::Null);
        let side = Side::of(&field, &values);
        self.selective |= top && !not && !null && side.indexed;
        self.values.push(array(values.into_iter().map(|v| side.form(field.field, v))));
        let sql = &side.sql;
        let list = "(SELECT value FROM json_each(?))";
        Ok(match (not, null) {
            (false, false) => format!("{sql} IN {list}"),
            (false, true) => format!("({sql} IS NULL OR {sql} IN {list})"),
            (true, false) => format!("({sql} IS NULL OR {sql} NOT IN {list})"),
            (true, true) => format!("({sql} IS NOT NULL AND {sql} NOT IN {list})"),
        })
    }

    /// Whether a picklist of several values holds all of one of the texts: `'A;B'` is A and B.
    ///
    /// Unconfirmed(excludes-blank): whether EXCLUDES is true of blanks; choice: it is, as `!=` is.
    fn includes(&mut self, path: &Path, not: bool, literals: &[Literal]) -> Result<String, SoqlError> {
        let field = self.field(path)?;
        if field.field.kind != FieldType::MultiPicklist {
            let message = "includes and excludes can only be used with multi-select picklist fields";
            return Err(self.joins.wrong(path, message));
        }
        let mut any = Vec::new();
        for literal in literals {
            let Written::Text(raw) = &literal.value else {
                return Err(wrong(field.field, literal, self.query, path));
            };
            let mut all = Vec::new();
            for value in unescape(raw).split(';') {
                all.push(format!("instr(';' || fold({}) || ';', ?) > 0", field.sql));
                self.values.push(Value::Text(format!(";{};", value.trim().to_lowercase())));
            }
            any.push(balanced(&all, " AND "));
        }
        let any = balanced(&any, " OR ");
        Ok(if not { format!("NOT ifnull({any}, 0)") } else { any })
    }

    fn inside(&mut self, path: &Path, not: bool, query: &Query) -> Result<String, SoqlError> {
        let field = self.field(path)?;
        if !semi::is_id(field.field.kind) {
            let message = format!(
                "The left operand field in the where expression for outer query should be an id field, cannot use: '{}'",
                path.text()
            );
            return Err(self.joins.malformed(path, &message));
        }
        let (inner, values) = semi::sql(&self.scope, self.query, query)?;
        self.values.extend(values);
        let sql = field.sql;
        Ok(if not {
            format!("({sql} IS NULL OR {sql} NOT IN ({inner}))")
        } else {
            format!("{sql} IN ({inner})")
        })
    }
}

/// Values as one JSON array: a list can be longer than SQLite has parameters.
fn array(values: impl Iterator<Item = Value>) -> Value {
    let json: Vec<serde_json::Value> = values
        .map(|value| match value {
            Value::Integer(number) => number.into(),
            Value::Real(number) => number.into(),
            Value::Text(text) => text.into(),
            Value::Null | Value::Blob(_) => serde_json::Value::Null,
        })
        .collect();
    Value::Text(serde_json::Value::Array(json).to_string())
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
