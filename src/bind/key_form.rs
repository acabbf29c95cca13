//! How keys of a field are compared, by what describe says of the field.

use crate::model::{FieldSchema, FieldType, KeyForm};

/// How keys in a field are compared.
pub(super) fn form(field: &FieldSchema) -> KeyForm {
    match field.field_type {
        FieldType::Int | FieldType::Long | FieldType::Double | FieldType::Currency | FieldType::Percent => {
            KeyForm::Number
        }
        _ if field.case_sensitive => KeyForm::ExactText,
        _ => KeyForm::FoldedText,
    }
}
