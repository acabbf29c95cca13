//! Relationship paths as joins: each distinct path is joined once; a polymorphic one joins every object it can reach.

use super::error::SoqlError;
use super::tree::Path;
use crate::local_org::schema::flags::Flags;
use crate::local_org::schema::{Field, Object, Schema};
use crate::local_org::store::{column, quote};
use crate::model::FieldType;
use std::sync::LazyLock;

/// Relationships that a path may pass (SOQL relationship queries).
const LONGEST: usize = 5;

/// Tables of a statement: SQLite joins 64.
const MOST: usize = 60;

/// `Type` at the end of a polymorphic path: the name of the object that the record is of.
static TYPE: LazyLock<Field> = LazyLock::new(|| Field {
    flags: Flags::parse("aggregatable filterable groupable nillable sortable"),
    ..Field::plain("Type", "Type", FieldType::String)
});

/// An object reached by a path, under the alias of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reached {
    object: usize,
    alias: String,
}

/// One step of a path.
#[derive(Debug, Clone)]
struct Node {
    /// Lower case, joined by dots; empty for the object itself.
    path: String,
    reached: Vec<Reached>,
    /// The SQL of the reference that leads here; empty for the object itself.
    reference: String,
}

/// A field as SQL.
#[derive(Debug, Clone)]
pub(super) struct Resolved<'s> {
    pub(super) field: &'s Field,
    /// The column, or a choice between several.
    pub(super) sql: String,
    /// The alias of the one table it stands in, where it is one.
    pub(super) alias: Option<String>,
    /// Whether it is a field of the object itself.
    pub(super) own: bool,
    /// Names in the schema's letter case.
    pub(super) names: Vec<String>,
}

/// The joins of a query.
pub(super) struct Joins<'s> {
    schema: &'s Schema,
    query: &'s str,
    /// What FROM calls the object.
    called: Option<&'s str>,
    nodes: Vec<Node>,
    /// `LEFT JOIN …`, in order.
    joined: String,
    count: usize,
}

impl<'s> Joins<'s> {
    /// No joins yet; the object's own table is `t0`.
    pub(super) fn new(schema: &'s Schema, query: &'s str, object: usize, called: Option<&'s str>) -> Self {
        let own = Reached { object, alias: "t0".into() };
        let root = Node { path: String::new(), reached: vec![own], reference: String::new() };
        Self { schema, query, called, nodes: vec![root], joined: String::new(), count: 0 }
    }

    /// The joins as SQL.
    pub(super) fn sql(&self) -> Result<&str, SoqlError> {
        if self.count > MOST {
            return Err(SoqlError::new("MALFORMED_QUERY", "too many relationships in one query"));
        }
        Ok(&self.joined)
    }

    /// The object of FROM.
    pub(super) fn own(&self) -> &'s Object {
        &self.schema.objects[self.nodes[0].reached[0].object]
    }

    /// The SQL of the reference that leads to the end of this relationship path.
    pub(super) fn reference(&self, names: &[String]) -> Option<String> {
        self.node(names).map(|n| n.reference.clone())
    }

    /// Whether a relationship path leads to several objects.
    pub(super) fn is_mixed(&self, names: &[String]) -> bool {
        self.node(names).is_some_and(|n| n.reached.len() > 1)
    }

    /// The field at the end of a path, joining what the path passes.
    pub(super) fn resolve(&mut self, path: &Path) -> Result<Resolved<'s>, SoqlError> {
        let names = self.without_alias(path);
        let (last, relationships) = names.split_last().ok_or_else(|| self.no_column(path, 0))?;
        let (node, mut names) = self.walk(relationships, path)?;
        let found: Vec<(&'s Field, String)> =
            self.nodes[node].reached.iter().filter_map(|r| self.field_of(r, last)).collect();
        if self.nodes[node].reached.len() > 1 && last.eq_ignore_ascii_case("Type") {
            names.push(TYPE.name.clone());
            return Ok(Resolved { field: &TYPE, sql: self.type_of(node), alias: None, own: false, names });
        }
        let Some((field, _)) = found.first() else { return Err(self.no_column(path, node)) };
        names.push(field.name.clone());
        let plain = found.len() == 1 && field.kind != FieldType::Address;
        let alias = if plain { found[0].1.split('.').next().map(str::to_owned) } else { None };
        let sql = choice(found.iter().map(|(_, sql)| sql.clone()).collect());
        Ok(Resolved { field, sql, alias, own: node == 0, names })
    }

    /// The field of one object among those that a relationship leads to, and the object's name.
    pub(super) fn resolve_in(
        &mut self,
        path: &Path,
        object: &Path,
        field: &Path,
    ) -> Result<(Resolved<'s>, String), SoqlError> {
        let names = self.without_alias(path);
        let (node, mut names) = self.walk(&names, path)?;
        let wanted = object.text();
        let reached =
            self.nodes[node].reached.iter().find(|r| self.object(r).name.eq_ignore_ascii_case(&wanted));
        let reached = reached.ok_or_else(|| {
            // Unconfirmed(typeof-other-object): the text; choice: plain words.
            self.malformed(object, &format!("{wanted} is not a type that {} can be", path.text()))
        })?;
        let last = field.names.last().filter(|_| field.names.len() == 1);
        let found = last.and_then(|last| self.field_of(reached, last));
        let (found, sql) = found.ok_or_else(|| self.no_column_of(field, &self.object(reached).name))?;
        names.push(found.name.clone());
        let name = self.object(reached).name.clone();
        Ok((Resolved { field: found, sql, alias: None, own: false, names }, name))
    }

    /// INVALID_FIELD, at a path.
    pub(super) fn wrong(&self, path: &Path, message: &str) -> SoqlError {
        SoqlError::at("INVALID_FIELD", self.query, path.at, message)
    }

    /// MALFORMED_QUERY, at a path.
    pub(super) fn malformed(&self, path: &Path, message: &str) -> SoqlError {
        SoqlError::at("MALFORMED_QUERY", self.query, path.at, message)
    }

    /// A path without the object's alias or name in front.
    fn without_alias(&self, path: &Path) -> Vec<String> {
        let first = &path.names[0];
        let called = self.called.is_some_and(|a| a.eq_ignore_ascii_case(first));
        let own = self.own();
        let named = own.name.eq_ignore_ascii_case(first) && own.relationship(first).is_none();
        let skip = usize::from(path.names.len() > 1 && (called || named));
        path.names[skip..].to_vec()
    }

    fn node(&self, names: &[String]) -> Option<&Node> {
        let path = names.join(".").to_lowercase();
        self.nodes.iter().find(|n| n.path == path)
    }

    /// Follows relationships; answers where they end and their own spelling.
    fn walk(&mut self, relationships: &[String], path: &Path) -> Result<(usize, Vec<String>), SoqlError> {
        if relationships.len() > LONGEST {
            // Unconfirmed(soql-path-length): the text, the limit is documented; choice: plain words.
            let message =
                format!("SOQL relationship path is longer than {LONGEST} relationships: {}", path.text());
            return Err(self.malformed(path, &message));
        }
        let mut node = 0;
        let mut names = Vec::new();
        for relationship in relationships {
            let (next, name) = self.step(node, relationship, path)?;
            node = next;
            names.push(name);
        }
        Ok((node, names))
    }

    fn object(&self, reached: &Reached) -> &'s Object {
        &self.schema.objects[reached.object]
    }

    /// A field of an object reached, with its SQL.
    fn field_of(&self, reached: &Reached, name: &str) -> Option<(&'s Field, String)> {
        let object = self.object(reached);
        let field = object.field(name)?;
        let sql = match field.kind {
            FieldType::Address => address(object, field, &reached.alias),
            _ => format!("{}.{}", reached.alias, column(field)),
        };
        Some((field, sql))
    }

    /// The object's name by the prefix of the reference.
    fn type_of(&self, node: usize) -> String {
        let node = &self.nodes[node];
        let cases: String = node
            .reached
            .iter()
            .map(|r| format!(" WHEN '{}' THEN '{}'", self.object(r).prefix, self.object(r).name))
            .collect();
        format!("CASE substr({}, 1, 3){cases} END", node.reference)
    }

    /// Goes one relationship on; answers the node and the relationship's own spelling.
    fn step(&mut self, from: usize, relationship: &str, path: &Path) -> Result<(usize, String), SoqlError> {
        let fields: Vec<(&'s Field, String)> = self.nodes[from]
            .reached
            .iter()
            .filter_map(|r| {
                let object = self.object(r);
                let field = &object.fields[object.relationship(relationship)?];
                Some((field, format!("{}.{}", r.alias, column(field))))
            })
            .collect();
        let Some((first, _)) = fields.first() else { return Err(self.no_relationship(relationship, path)) };
        let name = first.relationship.clone().unwrap_or_default();
        let key = format!("{}{relationship}", prefix(&self.nodes[from].path)).to_lowercase();
        if let Some(known) = self.nodes.iter().position(|n| n.path == key) {
            return Ok((known, name));
        }
        let reference = choice(fields.iter().map(|(_, sql)| sql.clone()).collect());
        let mut targets: Vec<usize> =
            fields.iter().flat_map(|(f, _)| &f.to).filter_map(|t| self.schema.position(t)).collect();
        targets.sort_unstable();
        targets.dedup();
        let reached = targets.into_iter().map(|object| self.join(object, &reference)).collect();
        self.nodes.push(Node { path: key, reached, reference });
        Ok((self.nodes.len() - 1, name))
    }

    fn join(&mut self, object: usize, reference: &str) -> Reached {
        self.count += 1;
        let alias = format!("t{}", self.count);
        let table = quote(&self.schema.objects[object].name);
        self.joined.push_str(&format!(" LEFT JOIN {table} {alias} ON {alias}.\"Id\" = {reference}"));
        Reached { object, alias }
    }

    fn no_column(&self, path: &Path, node: usize) -> SoqlError {
        let entity = match self.nodes[node].reached.as_slice() {
            [only] => self.object(only).name.as_str(),
            _ => "Name",
        };
        self.no_column_of(path, entity)
    }

    fn no_column_of(&self, path: &Path, entity: &str) -> SoqlError {
        let last = path.names.last().map_or("", String::as_str);
        let message = format!(
            "No such column '{last}' on entity '{entity}'. If you are attempting to use a custom field, be sure to \
             append the '__c' after the custom field name. Please reference your WSDL or the describe call for the \
             appropriate names."
        );
        self.wrong(path, &message)
    }

    fn no_relationship(&self, relationship: &str, path: &Path) -> SoqlError {
        let message = format!(
            "Didn't understand relationship '{relationship}' in field path. If you are attempting to use a custom \
             relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL \
             or the describe call for the appropriate names."
        );
        self.wrong(path, &message)
    }
}

/// A compound address as a JSON object of its parts, null when all are.
fn address(object: &Object, field: &Field, alias: &str) -> String {
    let stem = field.name.trim_end_matches("Address");
    let parts = || object.fields.iter().filter(|f| f.compound.as_deref() == Some(field.name.as_str()));
    let mut named: Vec<(String, String)> = parts()
        .map(|f| {
            let name = f.name.strip_prefix(stem).unwrap_or(&f.name);
            let (first, rest) = name.split_at(name.chars().next().map_or(0, char::len_utf8));
            (format!("{}{rest}", first.to_lowercase()), format!("{alias}.{}", column(f)))
        })
        .collect();
    named.sort();
    if named.is_empty() {
        return "NULL".into();
    }
    let sql: Vec<&str> = named.iter().map(|(_, sql)| sql.as_str()).collect();
    let pairs: Vec<String> = named.iter().map(|(name, sql)| format!("'{name}', {sql}")).collect();
    let all = format!("coalesce({}, NULL)", sql.join(", "));
    format!("CASE WHEN {all} IS NOT NULL THEN json_object({}) END", pairs.join(", "))
}

fn prefix(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}.") }
}

fn choice(mut columns: Vec<String>) -> String {
    match columns.len() {
        0 => "NULL".into(),
        1 => columns.remove(0),
        _ => format!("coalesce({})", columns.join(", ")),
    }
}
