//! Reading what a query answers, a page at a time.

use super::compile::{Compiled, Kind};
use crate::local_org::decimal::java;
use crate::model::FieldType;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Result, Row, params_from_iter};

/// Where to go on: the number of the last row read, or how many rows were, in a query that has an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cursor {
    /// Number of the last row; 0 where it is not known.
    pub(crate) row: i64,
    /// Rows read so far.
    pub(crate) read: u64,
}

/// A row of the answer: its id, its columns, its references; a group has columns alone.
pub(crate) struct Answer<'r> {
    row: &'r Row<'r>,
    first: usize,
    columns: usize,
}

impl Answer<'_> {
    /// The record's id.
    pub(crate) fn id(&self) -> Result<&str> {
        Ok(self.row.get_ref(1)?.as_str()?)
    }

    /// A column's value.
    pub(crate) fn value(&self, column: usize) -> Result<ValueRef<'_>> {
        self.row.get_ref(self.first + column)
    }

    /// The id of the record at the end of a relationship path.
    pub(crate) fn parent(&self, path: usize) -> Result<Option<&str>> {
        Ok(self.row.get_ref(self.first + self.columns + path)?.as_str_or_null()?)
    }
}

/// What is done with each row.
pub(crate) type Each<'e> = dyn FnMut(&Answer<'_>) -> Result<()> + 'e;

impl Compiled {
    /// How many rows the query answers in all.
    pub(crate) fn total(&self, conn: &Connection) -> Result<u64> {
        let sql = format!("SELECT count(*) {}", self.from);
        let count: i64 =
            conn.prepare_cached(&sql)?.query_row(params_from_iter(&self.values), |r| r.get(0))?;
        let rest = count.unsigned_abs().saturating_sub(self.offset);
        Ok(self.limit.map_or(rest, |limit| rest.min(limit)))
    }

    /// A query of children, of this parent.
    pub(crate) fn of_parent(&self, id: &str) -> Self {
        let mut bound = self.clone();
        bound.values.push(Value::Text(id.to_owned()));
        bound
    }

    /// Hands up to `size` rows to `each`; answers where to go on, or nothing at the end.
    pub(crate) fn page(
        &self,
        conn: &Connection,
        cursor: Cursor,
        size: u64,
        each: &mut Each<'_>,
    ) -> Result<Option<Cursor>> {
        let left = self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(cursor.read));
        let wanted = size.min(left);
        let (sql, values) = self.statement(cursor, wanted);
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut next = cursor;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            // One row more than wanted is read, to know whether there is one.
            if count == wanted {
                return Ok(if next.read < self.limit.unwrap_or(u64::MAX) { Some(next) } else { None });
            }
            count += 1;
            next.row = row.get(0)?;
            next.read += 1;
            each(&Answer { row, first: 2, columns: self.columns.len() })?;
        }
        Ok(None)
    }

    /// Hands up to `most` groups to `each`; whether those were all.
    pub(crate) fn groups(&self, conn: &Connection, most: u64, each: &mut Each<'_>) -> Result<bool> {
        let mut sql = format!("SELECT {} {}", self.select.join(", "), self.from);
        for (word, list) in [("GROUP BY", &self.group), ("ORDER BY", &self.order)] {
            if !list.is_empty() {
                sql.push_str(&format!(" {word} {list}"));
            }
        }
        let limit = self.limit.unwrap_or(u64::MAX).min(most.saturating_add(1));
        sql.push_str(&format!(" LIMIT {} OFFSET {}", signed(limit), signed(self.offset)));
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&self.values))?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            if count == most {
                return Ok(false);
            }
            count += 1;
            each(&Answer { row, first: 0, columns: self.columns.len() })?;
        }
        Ok(true)
    }

    fn statement(&self, cursor: Cursor, wanted: u64) -> (String, Vec<Value>) {
        let mut select = vec!["t0.\"#row\"".to_owned(), "t0.\"Id\"".to_owned()];
        select.extend(self.select.iter().cloned());
        let limit = Value::Integer(signed(wanted.saturating_add(1)));
        let mut values = self.values.clone();
        let mut sql = format!("SELECT {} {}", select.join(", "), self.from);
        if self.by_row(cursor) {
            // The plus keeps SQLite from walking the table in order where an index finds the rows.
            let row = if self.selective { "+t0.\"#row\"" } else { "t0.\"#row\"" };
            values.extend([Value::Integer(cursor.row), limit]);
            sql.push_str(&format!(" AND {row} > ? ORDER BY {row} LIMIT ?"));
        } else {
            let comma = if self.order.is_empty() { "" } else { ", " };
            values.extend([limit, Value::Integer(signed(self.offset.saturating_add(cursor.read)))]);
            sql.push_str(&format!(" ORDER BY {}{comma}t0.\"#row\" LIMIT ? OFFSET ?", self.order));
        }
        (sql, values)
    }

    /// Whether rows are found by their numbers: those of a page behind the first are, when its number is known.
    fn by_row(&self, cursor: Cursor) -> bool {
        let known = cursor.read == 0 || cursor.row > 0;
        known && self.order.is_empty() && self.offset == 0 && self.kind == Kind::Records
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A stored value as text, as the API tells it; `None` for null.
pub(crate) fn text(value: ValueRef<'_>, kind: FieldType) -> Option<String> {
    if let Some(number) = number(value, kind) {
        return Some(java(number));
    }
    match value {
        ValueRef::Null | ValueRef::Blob(_) | ValueRef::Real(_) => None,
        ValueRef::Integer(n) if kind == FieldType::Boolean => Some((n != 0).to_string()),
        ValueRef::Integer(n) => Some(n.to_string()),
        ValueRef::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// A stored value as text with every digit of a number, for those who look into the org itself; `None` for null.
pub(crate) fn in_full(value: ValueRef<'_>, kind: FieldType) -> Option<String> {
    let pointed = |text: String| if text.contains('.') { text } else { text + ".0" };
    match (value, number(value, kind)) {
        (ValueRef::Text(bytes), Some(_)) => Some(pointed(String::from_utf8_lossy(bytes).into_owned())),
        (_, Some(number)) => Some(pointed(number.to_string())),
        (_, None) => text(value, kind),
    }
}

/// The number that the API tells of a stored value, where it is one that it tells as a double.
pub(crate) fn number(value: ValueRef<'_>, kind: FieldType) -> Option<f64> {
    match value {
        ValueRef::Real(number) => Some(number),
        ValueRef::Integer(number) if is_double(kind) => Some(number as f64),
        ValueRef::Text(_) if is_double(kind) => value.as_str().ok()?.parse().ok(),
        _ => None,
    }
}

fn is_double(kind: FieldType) -> bool {
    matches!(kind, FieldType::Double | FieldType::Currency | FieldType::Percent)
}
