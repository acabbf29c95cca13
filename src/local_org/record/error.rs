//! Why a row is refused, in Salesforce's words (reference C).

use crate::local_org::fault::Met;
use crate::local_org::schema::Field;

/// One refusal: status code, message, API names of the fields it stands at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowError {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) fields: Vec<String>,
}

/// Code and words with which every write is refused while an org is maintained.
pub(crate) const MAINTAINED: (&str, &str) = (
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
    "You can't create, update, or delete data while the instance of your organization is being upgraded",
);

/// Unconfirmed(bulk-error-form): that errors known from REST only have this form in bulk; choice: they do.
/// Unconfirmed(several-errors): how several errors of one row are joined; choice: the first is told.
impl std::fmt::Display for RowError {
    /// `CODE:message:Field,Field --`, or `CODE:message:--` without fields.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:", self.code, self.message)?;
        if self.fields.is_empty() { f.write_str("--") } else { write!(f, "{} --", self.fields.join(",")) }
    }
}

impl RowError {
    /// A refusal that names no field.
    pub(crate) fn plain(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), fields: Vec::new() }
    }

    /// A refusal at a field.
    pub(crate) fn at(code: &'static str, message: impl Into<String>, field: &str) -> Self {
        Self { code, message: message.into(), fields: vec![field.into()] }
    }

    /// A value that is no value of the wire type; `column` counts from 0.
    pub(crate) fn unreadable(field: &Field, column: usize, value: &str, wire: &str) -> Self {
        let message = format!(
            "Failed to deserialize field at col {column}. Due to, '{value}' is not a valid value for the type {wire}"
        );
        Self::at("INVALID_FIELD", message, &field.name)
    }

    /// A value of the wire type that the field's own type does not take.
    pub(crate) fn wrong_type(field: &Field, value: &str) -> Self {
        let message = format!("{}: value not of required type: {value}", field.label);
        Self::at("INVALID_TYPE_ON_FIELD_IN_RECORD", message, &field.name)
    }

    /// `most` is the length, in UTF-16 units, that the field takes.
    pub(crate) fn too_long(field: &Field, value: &str, most: usize) -> Self {
        let message = format!("{}: data value too large: {value} (max length={most})", field.label);
        Self::at("STRING_TOO_LONG", message, &field.name)
    }

    pub(crate) fn out_of_range(field: &Field, value: &str) -> Self {
        let message = format!("{}: value outside of valid range on numeric field: {value}", field.label);
        Self::at("NUMBER_OUTSIDE_VALID_RANGE", message, &field.name)
    }

    pub(crate) fn bad_pick(field: &Field, value: &str) -> Self {
        let message = format!("{}: bad value for restricted picklist field: {value}", field.label);
        Self::at("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, &field.name)
    }

    pub(crate) fn bad_email(field: &Field, value: &str) -> Self {
        let message = format!("{}: invalid email address: {value}", field.label);
        Self::at("INVALID_EMAIL_ADDRESS", message, &field.name)
    }

    pub(crate) fn malformed_id(label: &str, field: &str, value: &str) -> Self {
        Self::at("MALFORMED_ID", format!("{label}: id value of incorrect type: {value}"), field)
    }

    pub(crate) fn no_such_record() -> Self {
        Self::plain("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    }

    pub(crate) fn deleted() -> Self {
        Self::plain("ENTITY_IS_DELETED", "entity is deleted")
    }

    pub(crate) fn required(fields: Vec<String>) -> Self {
        let message = format!("Required fields are missing: [{}]", fields.join(", "));
        Self { code: "REQUIRED_FIELD_MISSING", message, fields }
    }

    pub(crate) fn not_specified(field: &str) -> Self {
        Self::plain("MISSING_ARGUMENT", format!("{field} not specified"))
    }

    pub(crate) fn not_writeable(fields: Vec<String>) -> Self {
        let message = format!(
            "Unable to create/update fields: {}. Please check the security settings of this field and verify that it \
             is read/write for your profile or permission set.",
            fields.join(", ")
        );
        Self { code: "INVALID_FIELD_FOR_INSERT_UPDATE", message, fields }
    }

    /// `parent` is the relationship column's key field in its object.
    pub(crate) fn parent_missing(value: &str, field: &str, entity: &str) -> Self {
        let message = format!(
            "Foreign key external ID: {} not found for field {field} in entity {entity}",
            value.to_lowercase()
        );
        Self::plain("INVALID_FIELD", message)
    }

    /// `ids` are of the records found; the message shows 15 characters of each.
    pub(crate) fn ambiguous(field: &Field, ids: &[String]) -> Self {
        let ids: Vec<&str> = ids.iter().map(|id| id.get(..15).unwrap_or(id)).collect();
        let message = format!(
            "{}: more than one record found for external id field: [{}]",
            field.label,
            ids.join(", ")
        );
        Self::at("DUPLICATE_EXTERNAL_ID", message, &field.name)
    }

    pub(crate) fn duplicate_value(field: &str, id: &str) -> Self {
        let id = id.get(..15).unwrap_or(id);
        let message = format!("duplicate value found: {field} duplicates value on record with id: {id}");
        Self::plain("DUPLICATE_VALUE", message)
    }

    pub(crate) fn twice(field: &str, value: &str) -> Self {
        Self::at("DUPLICATE_VALUE", format!("Duplicate external id specified: {value}"), field)
    }

    /// Unconfirmed(maintenance-answers): the words; choice: those in which the SOAP guide explains the code.
    fn maintained() -> Self {
        Self::plain(MAINTAINED.0, MAINTAINED.1)
    }

    /// What a fault does to a row.
    pub(crate) fn of(met: Met) -> Self {
        match met {
            Met::Lock => Self::locked(),
            Met::Maintenance => Self::maintained(),
        }
    }

    fn locked() -> Self {
        Self::plain("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
    }
}

#[cfg(test)]
mod tests {
    use super::RowError;

    #[test]
    fn the_grammar_of_recorded_rows() {
        assert_eq!(
            RowError::required(vec!["Product__c".into(), "Broker__c".into()]).to_string(),
            "REQUIRED_FIELD_MISSING:Required fields are missing: [Product__c, Broker__c]:Product__c,Broker__c --"
        );
        assert_eq!(
            RowError::no_such_record().to_string(),
            "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--"
        );
    }
}
