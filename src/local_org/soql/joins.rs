//! Relationship paths as joins: each distinct path is joined once; a polymorphic one joins every object it can reach.

use super::SoqlError;
use super::tree::Path;
use crate::local_org::schema::{Field, Object, Schema};
use crate::local_org::store::{column, quote};

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
    nodes: Vec<Node>,
    /// `LEFT JOIN …`, in order.
    pub(super) sql: String,
    count: usize,
}

impl<'s> Joins<'s> {
    /// No joins yet; the object's own table is `t0`.
    pub(super) fn new(schema: &'s Schema, query: &'s str, object: usize) -> Self {
        let own = Reached { object, alias: "t0".into() };
        let root = Node { path: String::new(), reached: vec![own], reference: String::new() };
        Self { schema, query, nodes: vec![root], sql: String::new(), count: 0 }
    }

    /// The SQL of the reference that leads to the end of this relationship path.
    pub(super) fn reference(&mut self, names: &[String]) -> Option<String> {
        let path = names.join(".").to_lowercase();
        self.nodes.iter().find(|n| n.path == path).map(|n| n.reference.clone())
    }

    /// The field at the end of a path, joining what the path passes.
    pub(super) fn resolve(&mut self, path: &Path) -> Result<Resolved<'s>, SoqlError> {
        let (last, relationships) = path.names.split_last().ok_or_else(|| self.no_column(path, 0))?;
        let mut node = 0;
        let mut names = Vec::new();
        for relationship in relationships {
            let (next, name) = self.step(node, relationship, path)?;
            node = next;
            names.push(name);
        }
        let found: Vec<(&'s Field, String)> = self.nodes[node]
            .reached
            .iter()
            .filter_map(|r| {
                let field = self.object(r).field(last)?;
                Some((field, format!("{}.{}", r.alias, column(field))))
            })
            .collect();
        let Some((field, _)) = found.first() else { return Err(self.no_column(path, node)) };
        names.push(field.name.clone());
        let alias = if found.len() == 1 { found[0].1.split('.').next().map(str::to_owned) } else { None };
        let sql = choice(found.iter().map(|(_, sql)| sql.clone()).collect());
        Ok(Resolved { field, sql, alias, own: node == 0, names })
    }

    fn object(&self, reached: &Reached) -> &'s Object {
        &self.schema.objects[reached.object]
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
        self.sql.push_str(&format!(" LEFT JOIN {table} {alias} ON {alias}.\"Id\" = {reference}"));
        Reached { object, alias }
    }

    fn no_column(&self, path: &Path, node: usize) -> SoqlError {
        let last = path.names.last().map_or("", String::as_str);
        let entity = self.nodes[node].reached.first().map_or("Name", |r| self.object(r).name.as_str());
        let message = format!(
            "No such column '{last}' on entity '{entity}'. If you are attempting to use a custom field, be sure to \
             append the '__c' after the custom field name. Please reference your WSDL or the describe call for the \
             appropriate names."
        );
        SoqlError::at("INVALID_FIELD", self.query, path.at, &message)
    }

    fn no_relationship(&self, relationship: &str, path: &Path) -> SoqlError {
        let message = format!(
            "Didn't understand relationship '{relationship}' in field path. If you are attempting to use a custom \
             relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL \
             or the describe call for the appropriate names."
        );
        SoqlError::at("INVALID_FIELD", self.query, path.at, &message)
    }
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
