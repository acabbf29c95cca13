//! Reading what a query answers, a page at a time.

use super::compile::{Compiled, Kind};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Result, Row, params_from_iter};

/// Where to go on: the number of the last row read, or how many rows were, in a query that has an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cursor {
    /// Number of the last row.
    pub(crate) row: i64,
    /// Rows read so far.
    pub(crate) read: u64,
}

/// A row of the answer: its id, its columns, its references.
pub(crate) struct Answer<'r> {
    row: &'r Row<'r>,
    columns: usize,
}

impl Answer<'_> {
    /// The record's id.
    pub(crate) fn id(&self) -> Result<&str> {
        Ok(self.row.get_ref(1)?.as_str()?)
    }

    /// A column's value.
    pub(crate) fn value(&self, column: usize) -> Result<ValueRef<'_>> {
        self.row.get_ref(column + 2)
    }

    /// The id of the record at the end of a relationship path.
    pub(crate) fn parent(&self, path: usize) -> Result<Option<&str>> {
        Ok(self.row.get_ref(self.columns + path + 2)?.as_str_or_null()?)
    }
}

impl Compiled {
    /// How many rows the query answers in all.
    pub(crate) fn total(&self, conn: &Connection) -> Result<u64> {
        let sql = format!("SELECT count(*) {}", self.from);
        let count: i64 =
            conn.prepare_cached(&sql)?.query_row(params_from_iter(&self.values), |r| r.get(0))?;
        let rest = count.unsigned_abs().saturating_sub(self.offset);
        Ok(self.limit.map_or(rest, |limit| rest.min(limit)))
    }

    /// Hands up to `size` rows to `each`; answers where to go on, or nothing at the end.
    pub(crate) fn page(
        &self,
        conn: &Connection,
        cursor: Cursor,
        size: u64,
        each: &mut dyn FnMut(&Answer<'_>) -> Result<()>,
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
            each(&Answer { row, columns: self.columns.len() })?;
        }
        Ok(None)
    }

    /// One row of aggregates.
    pub(crate) fn aggregates(&self, conn: &Connection) -> Result<Vec<i64>> {
        let sql = format!("SELECT {} {}", self.select.join(", "), self.from);
        let mut statement = conn.prepare_cached(&sql)?;
        let read = |row: &Row<'_>| (0..self.columns.len()).map(|i| row.get(i)).collect();
        statement.query_row(params_from_iter(&self.values), read)
    }

    fn statement(&self, cursor: Cursor, wanted: u64) -> (String, Vec<Value>) {
        let mut select = vec!["t0.\"#row\"".to_owned(), "t0.\"Id\"".to_owned()];
        select.extend(self.select.iter().cloned());
        let limit = i64::try_from(wanted.saturating_add(1)).unwrap_or(i64::MAX);
        let mut values = self.values.clone();
        let mut sql = format!("SELECT {} {}", select.join(", "), self.from);
        if self.by_row() {
            // The plus keeps SQLite from walking the table in order where an index finds the rows.
            let row = if self.selective { "+t0.\"#row\"" } else { "t0.\"#row\"" };
            values.extend([Value::Integer(cursor.row), Value::Integer(limit)]);
            sql.push_str(&format!(" AND {row} > ? ORDER BY {row} LIMIT ?"));
        } else {
            let comma = if self.order.is_empty() { "" } else { ", " };
            let skip = i64::try_from(self.offset + cursor.read).unwrap_or(i64::MAX);
            values.extend([Value::Integer(limit), Value::Integer(skip)]);
            sql.push_str(&format!(" ORDER BY {}{comma}t0.\"#row\" LIMIT ? OFFSET ?", self.order));
        }
        (sql, values)
    }

    fn by_row(&self) -> bool {
        self.order.is_empty() && self.offset == 0 && self.kind == Kind::Records
    }
}

/// A stored value as text; `None` for null.
pub(crate) fn text(value: ValueRef<'_>, kind: crate::model::FieldType) -> Option<String> {
    match value {
        ValueRef::Null | ValueRef::Blob(_) => None,
        ValueRef::Integer(n) if kind == crate::model::FieldType::Boolean => Some((n != 0).to_string()),
        ValueRef::Integer(n) => Some(n.to_string()),
        ValueRef::Real(n) => Some(number(n)),
        ValueRef::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// A double as the API writes it: always with a point.
pub(crate) fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e18 { format!("{value:.1}") } else { value.to_string() }
}
