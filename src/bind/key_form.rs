//! How keys of a field are compared, by what describe says of the field.

use crate::model::{FieldSchema, FieldType, KeyForm};

/// How keys in a field are compared: without case where the org keeps them unique without case, else with it, for the org
/// then keeps two records (SOAP guide, upsert).
// Unconfirmed(lookup-case): whether an org regards case where it matches by a standard field that is no external ID, such
// as Contact.Email; choice: it does not, so that keys which differ by case alone are refused as duplicates.
pub(super) fn form(field: &FieldSchema) -> KeyForm {
    match field.field_type {
        FieldType::Int | FieldType::Long | FieldType::Double | FieldType::Currency | FieldType::Percent => {
            KeyForm::Number
        }
        _ if field.case_sensitive => KeyForm::ExactText,
        _ if field.unique || (field.id_lookup && !field.external_id) => KeyForm::FoldedText,
        _ => KeyForm::ExactText,
    }
}
