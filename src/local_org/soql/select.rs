//! The items of SELECT as columns and their SQL.

use super::compile::{Child, Column, Kind, Only, Scope, whole};
use super::error::SoqlError;
use super::joins::{Joins, Resolved};
use super::tree::{Group, Item, Path, Query};
use super::{bulk, group};
use crate::local_org::schema::Field;
use crate::local_org::schema::flags::Flag;
use crate::model::FieldType;

/// What SELECT comes to.
pub(super) struct Selected {
    pub(super) kind: Kind,
    pub(super) columns: Vec<Column>,
    /// SQL of each column.
    pub(super) sql: Vec<String>,
    pub(super) children: Vec<Child>,
}

/// Resolves the items of a query.
pub(super) fn select<'s>(
    scope: &Scope<'s>,
    text: &str,
    query: &Query,
    joins: &mut Joins<'s>,
) -> Result<Selected, SoqlError> {
    let selected = Selected { kind: Kind::Count, columns: Vec::new(), sql: Vec::new(), children: Vec::new() };
    if query.items.is_empty() {
        return match query.group.first() {
            None => Ok(selected),
            Some(path) => Err(SoqlError::unexpected(text, path.at, &path.text())),
        };
    }
    if group::is_grouped(query) {
        return group::select(query, joins, selected)?.check();
    }
    let kind = Kind::Records;
    let mut reader = Reader { scope, text, query, joins, selected: Selected { kind, ..selected } };
    for item in &query.items {
        reader.item(item)?;
    }
    reader.selected.check()
}

struct Reader<'r, 's> {
    scope: &'r Scope<'s>,
    text: &'r str,
    query: &'r Query,
    joins: &'r mut Joins<'s>,
    selected: Selected,
}

impl<'s> Reader<'_, 's> {
    fn item(&mut self, item: &Item) -> Result<(), SoqlError> {
        match item {
            Item::Field { alias: Some(_), .. } => {
                Err(SoqlError::new("MALFORMED_QUERY", "only aggregate expressions use field aliasing"))
            }
            Item::Field { path, alias: None } => {
                let field = self.joins.resolve(path)?;
                self.add(field, Only::All, None)
            }
            Item::Label { path, alias } => self.label(path, alias.as_deref()),
            Item::Fields { group, at } => self.fields(*group, *at),
            Item::Children(query) => self.children(query),
            Item::TypeOf { path, cases, otherwise } => self.type_of(path, cases, otherwise),
            // A query with a call is a grouped one.
            Item::Call { .. } => Ok(()),
        }
    }

    fn add(&mut self, field: Resolved<'s>, only: Only, alias: Option<&str>) -> Result<(), SoqlError> {
        let names = alias.map_or(field.names, |alias| vec![alias.to_owned()]);
        if self.selected.columns.iter().any(|c| c.names == names && c.only == only) {
            let message = format!("duplicate field selected: {}", names.join("."));
            return Err(SoqlError::new("INVALID_FIELD", message));
        }
        let kind = field.field.kind;
        if self.scope.bulk && matches!(kind, FieldType::Address | FieldType::Location) {
            return Err(bulk::compound());
        }
        self.selected.columns.push(Column { names, kind, only, flags: field.field.flags, call: None });
        self.selected.sql.push(field.sql);
        Ok(())
    }

    /// The labels of picklist values; other fields as they are.
    fn label(&mut self, path: &Path, alias: Option<&str>) -> Result<(), SoqlError> {
        let mut field = self.joins.resolve(path)?;
        let cases: String = field
            .field
            .values
            .iter()
            .filter(|(value, label)| value != label)
            .map(|(value, label)| format!(" WHEN {} THEN {}", quoted(value), quoted(label)))
            .collect();
        if !cases.is_empty() {
            field.sql = format!("CASE {0}{cases} ELSE {0} END", field.sql);
        }
        self.add(field, Only::All, alias)
    }

    fn fields(&mut self, group: Group, at: usize) -> Result<(), SoqlError> {
        if group != Group::Standard && self.scope.bulk {
            // Unconfirmed(bulk-soql-texts): the text, that only FIELDS(STANDARD) may be asked for is documented; choice:
            // API_ERROR in plain words.
            let message = "The SOQL FIELDS function with ALL or CUSTOM is not supported in Bulk V2 Query";
            return Err(SoqlError::new("API_ERROR", message));
        }
        if group != Group::Standard && self.query.limit.is_none_or(|limit| limit > 200) {
            let message = "The SOQL FIELDS function must have a LIMIT of at most 200";
            return Err(SoqlError::new("MALFORMED_QUERY", message));
        }
        let bulk = self.scope.bulk;
        let wanted = |f: &&Field| {
            let of = f.has(Flag::Custom) == (group == Group::Custom) || group == Group::All;
            of && !(bulk && matches!(f.kind, FieldType::Address | FieldType::Location))
        };
        let names: Vec<String> =
            self.joins.own().fields.iter().filter(wanted).map(|f| f.name.clone()).collect();
        for name in names {
            let field = self.joins.resolve(&Path { names: vec![name], at })?;
            self.add(field, Only::All, None)?;
        }
        Ok(())
    }

    fn children(&mut self, query: &Query) -> Result<(), SoqlError> {
        let (child, field, name) = self.relationship(&query.object)?;
        let nested = query.items.iter().any(|i| matches!(i, Item::Children(_)));
        if nested || query.items.is_empty() || group::is_grouped(query) {
            let what = if nested { "a query within a child query" } else { "an aggregate in a child query" };
            let message = format!("{what} is not supported by the local org");
            return Err(SoqlError::at("MALFORMED_QUERY", self.text, query.object.at, &message));
        }
        let before = self.selected.columns.len();
        let query = whole(self.scope, self.text, query, child, Some(field))?;
        self.selected.children.push(Child { before, name, query });
        Ok(())
    }

    /// The children that FROM names: their object, their field, and the relationship's own spelling.
    fn relationship(&self, path: &Path) -> Result<(usize, &'s Field, String), SoqlError> {
        let (parent, schema) = (self.joins.own(), self.scope.schema);
        let wanted = path.names.last().map_or("", String::as_str);
        let found = schema
            .child(parent, wanted)
            .and_then(|(child, field)| Some((schema.position(&child.name)?, field, field.child_name()?)));
        found.ok_or_else(|| {
            let message = format!(
                "Didn't understand relationship '{wanted}' in FROM part of query call. If you are attempting to use a \
                 custom relationship, be sure to append the '__r' after the custom relationship name. Please reference \
                 your WSDL or the describe call for the appropriate names."
            );
            SoqlError::at("INVALID_TYPE", self.text, path.at, &message)
        })
    }

    fn type_of(
        &mut self,
        path: &Path,
        cases: &[(Path, Vec<Path>)],
        otherwise: &[Path],
    ) -> Result<(), SoqlError> {
        let objects: Vec<String> = cases.iter().map(|(object, _)| object.text()).collect();
        for (object, fields) in cases {
            for field in fields {
                let (field, name) = self.joins.resolve_in(path, object, field)?;
                self.add(field, Only::Object(name), None)?;
            }
        }
        for field in otherwise {
            let names = path.names.iter().chain(&field.names).cloned().collect();
            let field = self.joins.resolve(&Path { names, at: field.at })?;
            self.add(field, Only::Others(objects.clone()), None)?;
        }
        Ok(())
    }
}

/// A text as SQL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
