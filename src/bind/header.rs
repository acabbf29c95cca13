//! What the column of a reference by key is called (reference B: `Rel.Key`, or `Type:Rel.Key`).

use crate::model::FieldSchema;

/// The header under which a field takes its parent's key. The parent's object stands before it exactly where the field
/// can point to several: the org refuses a header that has it without need, as well as one that lacks it. Nothing
/// where the field has no relationship name.
pub fn relationship_column(field: &FieldSchema, parent_object: &str, parent_key: &str) -> Option<String> {
    let relationship = field.relationship_name.as_deref()?;
    Some(if field.polymorphic() {
        format!("{parent_object}:{relationship}.{parent_key}")
    } else {
        format!("{relationship}.{parent_key}")
    })
}

#[cfg(test)]
mod tests {
    use super::relationship_column;
    use crate::model::FieldSchema;

    fn field(reference_to: &[&str], relationship: Option<&str>) -> FieldSchema {
        FieldSchema {
            reference_to: reference_to.iter().map(|o| (*o).to_owned()).collect(),
            relationship_name: relationship.map(str::to_owned),
            ..FieldSchema::default()
        }
    }

    #[test]
    fn the_type_stands_there_exactly_where_there_is_a_choice() {
        let column = |to: &[&str], name| relationship_column(&field(to, name), "Account", "Ext__c");
        assert_eq!(column(&["Account"], Some("Parent")).as_deref(), Some("Parent.Ext__c"));
        assert_eq!(column(&["Account", "Lead"], Some("What")).as_deref(), Some("Account:What.Ext__c"));
        assert_eq!(column(&["Account"], None), None);
    }
}
