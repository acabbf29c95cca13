//! A row of a payload as a record in JSON: numbers and truths in JSON's own form, a parent by its key as a record of
//! its own, a blank left out, `#N/A` null. Pure; must not know calls or parts.

use crate::model::{FieldType, ObjectSchema};
use crate::salesforce::{Cell, Parent, Record};

/// What a column of a payload is called in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column<'s> {
    /// A field.
    Field(&'s str, FieldType),
    /// A parent by its key.
    Parent {
        /// The name of the relationship.
        relationship: &'s str,
        /// The field, to be cleared.
        field: &'s str,
        /// The parent's object, where the field may point to several.
        object: Option<&'s str>,
        /// The parent's key field.
        key: &'s str,
    },
}

/// The columns of a payload: `Field`, `Rel.Key` or `Type:Rel.Key` (reference B).
pub(super) fn columns<'s>(
    object: Option<&'s ObjectSchema>,
    header: &'s csv::StringRecord,
) -> Vec<Column<'s>> {
    header.iter().map(|name| column(object, name)).collect()
}

fn column<'s>(object: Option<&'s ObjectSchema>, name: &'s str) -> Column<'s> {
    let Some((path, key)) = name.split_once('.') else {
        let field = object.and_then(|o| o.field(name));
        return Column::Field(name, field.map_or(FieldType::String, |f| f.field_type));
    };
    let (parent, relationship) =
        path.split_once(':').map_or((None, path), |(object, rel)| (Some(object), rel));
    let is_it = |name: &Option<String>| name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(relationship));
    let field = object.and_then(|o| o.fields.iter().find(|f| is_it(&f.relationship_name)));
    let field = field.map_or(relationship, |f| f.name.as_str());
    Column::Parent { relationship, field, object: parent, key }
}

/// A row as a record.
pub(super) fn record<'r>(columns: &[Column<'r>], row: &'r csv::StringRecord) -> Record<'r> {
    columns.iter().zip(row).filter(|(_, text)| !text.is_empty()).map(|(c, text)| cell(c, text)).collect()
}

fn cell<'r>(column: &Column<'r>, text: &'r str) -> (&'r str, Cell<'r>) {
    match *column {
        Column::Field(name, _) if text == "#N/A" => (name, Cell::Null),
        Column::Field(name, kind) => (name, value(kind, text)),
        Column::Parent { field, .. } if text == "#N/A" => (field, Cell::Null),
        // Unconfirmed(json-parent-number): whether a key that is a number may be text here; choice: it is text.
        Column::Parent { relationship, object, key, .. } => {
            (relationship, Cell::Parent(Parent { object, field: key, key: text }))
        }
    }
}

fn value(kind: FieldType, text: &str) -> Cell<'_> {
    use FieldType::{Boolean, Currency, Double, Int, Long, Percent};
    match (kind, text) {
        (Boolean, "true") => Cell::Bool(true),
        (Boolean, "false") => Cell::Bool(false),
        (Int | Long | Double | Currency | Percent, number) => Cell::Number(number),
        (_, text) => Cell::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::{columns, record};
    use crate::model::{FieldSchema, FieldType, ObjectSchema};
    use crate::salesforce::{Cell, Parent};

    #[test]
    fn a_row_is_a_record_with_json_values() {
        let field = |name: &str, field_type, relationship: Option<&str>| FieldSchema {
            name: name.into(),
            field_type,
            relationship_name: relationship.map(str::to_owned),
            ..FieldSchema::default()
        };
        let fields = vec![
            field("N__c", FieldType::Double, None),
            field("B__c", FieldType::Boolean, None),
            field("T__c", FieldType::String, None),
            field("WhatId", FieldType::Reference, Some("What")),
            field("P__c", FieldType::Reference, Some("P__r")),
        ];
        let object = ObjectSchema { fields, ..ObjectSchema::default() };
        let header = ["Id", "N__c", "B__c", "T__c", "Account:What.K__c", "P__r.K__c"];
        let header = csv::StringRecord::from(header.to_vec());
        let columns = columns(Some(&object), &header);
        let row = csv::StringRecord::from(vec!["001", "1.50", "true", "007", "A1", "#N/A"]);
        let parent = Parent { object: Some("Account"), field: "K__c", key: "A1" };
        let expected = [
            ("Id", Cell::Text("001")),
            ("N__c", Cell::Number("1.50")),
            ("B__c", Cell::Bool(true)),
            ("T__c", Cell::Text("007")),
            ("What", Cell::Parent(parent)),
            ("P__c", Cell::Null),
        ];
        assert_eq!(record(&columns, &row), expected);
        let blank = csv::StringRecord::from(vec!["001", "#N/A", "", "", "#N/A", "B2"]);
        let parent = Parent { object: None, field: "K__c", key: "B2" };
        let expected = [
            ("Id", Cell::Text("001")),
            ("N__c", Cell::Null),
            ("WhatId", Cell::Null),
            ("P__r", Cell::Parent(parent)),
        ];
        assert_eq!(record(&columns, &blank), expected);
    }
}
