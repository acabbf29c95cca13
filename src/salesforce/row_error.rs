//! The error of one row: `<CODE>:<message>:<field names> --`, and what can be done about it (reference C).

use super::error::MAINTENANCE;

/// A row error, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The org's status code; empty when the text does not begin with one.
    pub code: String,
    /// The org's words. May hold the customer's values: not for logs, journals or reports.
    pub message: String,
    /// API names of the fields it is about; often none.
    pub fields: Vec<String>,
}

/// What can be done about a row error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorClass {
    /// The same row may go in later, in a smaller or better ordered job.
    Transient,
    /// The row may go in once the record it points to is there.
    Dependency,
    /// Nothing helps but other data or another configuration.
    Permanent,
}

impl RowError {
    /// Takes the text of `sf__Error` apart. Never fails: what does not follow the grammar is all message.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let (code, rest) = match text.split_once(':') {
            Some((code, rest)) if is_code(code) => (code, rest),
            _ => ("", text),
        };
        let (message, fields) = split_tail(rest).unwrap_or((rest, Vec::new()));
        Self { code: code.to_owned(), message: message.trim().to_owned(), fields }
    }

    /// What can be done about it.
    pub fn class(&self) -> ErrorClass {
        let says = |words: &str| contains(&self.message, words);
        match self.code.as_str() {
            code if TRANSIENT.contains(&code) => ErrorClass::Transient,
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" if PASSING.iter().any(|w| says(w)) => {
                ErrorClass::Transient
            }
            "INVALID_FIELD" if says("foreign key external id") => ErrorClass::Dependency,
            "INVALID_CROSS_REFERENCE_KEY" if says("invalid cross reference id") => ErrorClass::Dependency,
            "DELETE_FAILED" => ErrorClass::Dependency,
            _ => ErrorClass::Permanent,
        }
    }

    /// The org takes no writes at this moment because it is maintained: nothing was done, and nothing helps but time.
    pub fn is_maintenance(&self) -> bool {
        self.code == MAINTENANCE
    }

    /// The record is in the recycle bin or gone: for a delete, what was wanted.
    pub fn is_deleted(&self) -> bool {
        self.code == "ENTITY_IS_DELETED"
    }
}

impl std::fmt::Display for RowError {
    /// In the grammar of `sf__Error`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, message, fields } = self;
        match (code.is_empty(), fields.is_empty()) {
            (true, _) => f.write_str(message),
            (false, true) => write!(f, "{code}:{message}:--"),
            (false, false) => write!(f, "{code}:{message}:{} --", fields.join(",")),
        }
    }
}

/// Codes of what passes by itself: a lock, an outage, and what the documentation calls transient (SOAP guide, status codes
/// and exception codes).
const TRANSIENT: [&str; 16] = [
    "UNABLE_TO_LOCK_ROW",
    "TooManyLockFailure",
    "Timeout",
    "TXN_SECURITY_METERING_ERROR",
    "UNKNOWN_EXCEPTION",
    "SERVER_UNAVAILABLE",
    "TOO_MANY_APEX_REQUESTS",
    MAINTENANCE,
    "PLATFORM_EVENT_PUBLISHING_UNAVAILABLE",
    "PLATFORM_EVENT_PUBLISH_FAILED",
    "CANNOT_EXECUTE_FLOW_TRIGGER",
    "TERRITORY_REALIGN_IN_PROGRESS",
    "TOO_MANY_JOBS",
    "TEMPORARY_QUERY_MORE_FAILURE",
    "API_CURRENTLY_DISABLED",
    "QUERY_TIMEOUT",
];

/// Words of a trigger's failure that another order or a smaller job may avoid.
const PASSING: [&str; 5] = [
    "unable_to_lock_row",
    "unable to obtain exclusive access",
    "limitexception",
    "too many dml",
    "retries of batch save",
];

/// Codes of the Bulk API that are no words in capitals (Bulk API Developer Guide, Errors).
const BULK_CODES: [&str; 17] = [
    "ClientInputError",
    "ExceededQuota",
    "FeatureNotEnabled",
    "InternalServerError",
    "InvalidBatch",
    "InvalidJob",
    "InvalidJobState",
    "InvalidOperation",
    "InvalidSessionId",
    "InvalidUrl",
    "InvalidUser",
    "InvalidVersion",
    "InvalidXML",
    "Timeout",
    "TooManyLockFailure",
    "Unknown",
    "UnsupportedContentType",
];

/// Status codes are words in capitals; those of the Bulk API's own run together, such as `InvalidBatch`. A word that an
/// admin's message happens to begin with is no code.
fn is_code(text: &str) -> bool {
    let capitals = text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let begins = text.bytes().next().is_some_and(|b| b.is_ascii_uppercase());
    begins && text.len() > 1 && (capitals && text.contains('_') || BULK_CODES.contains(&text))
}

/// Message and fields of `<message>:<A,B> --`. The message may itself hold colons, commas and dashes.
fn split_tail(rest: &str) -> Option<(&str, Vec<String>)> {
    let (message, fields) = rest.strip_suffix("--")?.trim_end().rsplit_once(':')?;
    let fields: Vec<_> = fields.split(',').map(str::trim).filter(|f| !f.is_empty()).collect();
    let are_names =
        fields.iter().all(|f| f.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')));
    are_names.then(|| (message, fields.into_iter().map(str::to_owned).collect()))
}

fn contains(text: &str, lower_words: &str) -> bool {
    text.to_lowercase().contains(lower_words)
}

#[cfg(test)]
mod tests {
    use super::ErrorClass::{Dependency, Permanent, Transient};
    use super::RowError;

    #[test]
    fn what_is_no_status_code_is_told_as_words() {
        for words in
            ["Warning: it is late", "HINT: ask Ada", "x:y", "Custom_Code:no", "1:2", ":", "NOTE__:x y"]
        {
            let error = RowError::parse(words);
            let capitals = words.starts_with("NOTE__");
            assert_eq!(error.code.is_empty(), !capitals, "{words}: {error:?}");
        }
        assert_eq!(RowError::parse("InvalidBatch:Records not found:--").code, "InvalidBatch");
    }

    #[test]
    fn takes_recorded_errors_apart() {
        for (text, code, message, fields) in [
            (
                "REQUIRED_FIELD_MISSING:Required fields are missing: [Product__c, Broker__c]:Product__c,Broker__c --",
                "REQUIRED_FIELD_MISSING",
                "Required fields are missing: [Product__c, Broker__c]",
                &["Product__c", "Broker__c"][..],
            ),
            (
                "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--",
                "INVALID_CROSS_REFERENCE_KEY",
                "invalid cross reference id",
                &[],
            ),
            (
                "DUPLICATE_VALUE:duplicate value found: email__c duplicates value on record with id: a0N2w000001WQcq:--",
                "DUPLICATE_VALUE",
                "duplicate value found: email__c duplicates value on record with id: a0N2w000001WQcq",
                &[],
            ),
            (
                "INVALID_FIELD:Failed to deserialize field at col 3. Due to, 'x' is not a valid value for the type xsd:date:CloseDate --",
                "INVALID_FIELD",
                "Failed to deserialize field at col 3. Due to, 'x' is not a valid value for the type xsd:date",
                &["CloseDate"],
            ),
            ("a rule's: own words", "", "a rule's: own words", &[]),
            ("ODD_CODE:odd tail: not a name --", "ODD_CODE", "odd tail: not a name --", &[]),
            ("", "", "", &[]),
        ] {
            let error = RowError::parse(text);
            assert_eq!((error.code.as_str(), error.message.as_str()), (code, message));
            assert_eq!(error.fields, fields);
            assert_eq!(RowError::parse(&error.to_string()), error);
        }
    }

    #[test]
    fn knows_what_can_be_done() {
        for (text, class) in [
            ("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--", Transient),
            (
                "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: 001x:--",
                Transient,
            ),
            (
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY:T: System.LimitException: ns:Too many DML statements: 151:--",
                Transient,
            ),
            (
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY:Too many retries of batch save in the presence of Apex triggers with failures:--",
                Transient,
            ),
            (
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY:T: execution of BeforeInsert caused by: NullPointerException:--",
                Permanent,
            ),
            (
                "INVALID_FIELD:Foreign key external ID: a-1 not found for field Legacy_Id__c in entity Account:--",
                Dependency,
            ),
            ("INVALID_FIELD:No such column 'foo' on sobject of type Bar:--", Permanent),
            ("INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--", Dependency),
            ("INVALID_CROSS_REFERENCE_KEY:Owner ID: owner cannot be blank:OwnerId --", Permanent),
            ("DUPLICATE_VALUE:Duplicate external id specified: a:Ext__c --", Permanent),
            ("FIELD_CUSTOM_VALIDATION_EXCEPTION:unable to obtain exclusive access:--", Permanent),
            ("no code at all", Permanent),
        ] {
            assert_eq!(RowError::parse(text).class(), class, "{text}");
        }
        assert!(RowError::parse("ENTITY_IS_DELETED:entity is deleted:--").is_deleted());
    }

    #[test]
    fn what_the_documentation_calls_passing_goes_again() {
        for code in [
            "TOO_MANY_APEX_REQUESTS",
            "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
            "PLATFORM_EVENT_PUBLISHING_UNAVAILABLE",
            "PLATFORM_EVENT_PUBLISH_FAILED",
            "CANNOT_EXECUTE_FLOW_TRIGGER",
            "TERRITORY_REALIGN_IN_PROGRESS",
            "TOO_MANY_JOBS",
        ] {
            let error = RowError::parse(&format!("{code}:some words:--"));
            assert_eq!(error.class(), Transient, "{code}");
            assert_eq!(error.is_maintenance(), code.ends_with("MAINTENANCE"), "{code}");
        }
    }
}
