//! What describe says of the values of a field: how they are converted, and how they are compared where the field is a key.

use crate::model::{FieldSchema, FieldType, KeyForm};
use crate::transform::Conversion;
use std::sync::Arc;

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

/// What describe says of a field's values.
pub(super) fn conversion(schema: &FieldSchema, timezone: Option<String>) -> Conversion {
    Conversion {
        field_type: schema.field_type,
        length: schema.length,
        precision: schema.precision,
        scale: schema.scale,
        digits: schema.digits,
        timezone,
        restricted: schema
            .restricted_picklist
            .then(|| Arc::new(schema.picklist_values.iter().cloned().collect())),
    }
}
