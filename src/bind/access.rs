//! May this field be written, and when?

use super::world::{Problems, Site};
use crate::diagnostic::{Code, Diagnostic};
use crate::manifest::Field;
use crate::model::{FieldSchema, FieldType};
use crate::transform::Only;

/// Fields that the org fills by itself unless the user may set them.
const AUDIT: [&str; 4] = ["CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"];

/// Whom to ask for what, where describe says that audit fields are not createable.
const AUDIT_HELP: &str = "ask an administrator for \"Set Audit Fields upon Record Creation\": it is enabled for the org \
                          under User Interface in Setup, then given to this user by a permission set (a local org has \
                          `set_audit_fields: true` in its `org.yaml`); and write `only: create`";

/// Judges when a field may be written. Whether the field is left out for records that are there is no problem: it is
/// done, and counted.
pub(super) fn check(site: &Site<'_>, field: &Field, schema: &FieldSchema, problems: &mut Problems) {
    let name = format!("`{}.{}`", site.object.name, schema.name);
    if site.load.operation.needs_record() {
        // The key only finds the record: it is not sent.
        let is_key = site.load.key.eq_ignore_ascii_case(&schema.name);
        problems.extend(on_update(&name, schema).filter(|_| !is_key).map(|p| p.at(&field.place)));
        return;
    }
    let problem = match (schema.createable, schema.updateable, field.only) {
        (true, _, only) if is_audit(schema) => audit(&name, only),
        (true, true, _) | (true, false, Only::Always | Only::Create) | (false, true, Only::Update) => None,
        (true, false, Only::Update) => Some(refuse(format!("{name} can be set on create only"))),
        (false, true, _) => Some(
            refuse(format!("{name} can be set on update only"))
                .help("write `only: update`: created records get it when they are loaded again"),
        ),
        (false, false, _) => Some(read_only(&name, schema)),
    };
    problems.extend(problem.map(|p| p.at(&field.place)));
}

/// A field of a load that creates nothing.
fn on_update(name: &str, schema: &FieldSchema) -> Option<Diagnostic> {
    match (schema.createable, schema.updateable) {
        (_, true) if !is_audit(schema) => None,
        (false, false) if !is_audit(schema) => Some(read_only(name, schema)),
        _ => Some(
            refuse(format!("{name} can be set on create only, and an `update` creates nothing"))
                .help("leave the field out"),
        ),
    }
}

/// Refuses types that no column of text can carry. Gives whether it may be loaded.
pub(super) fn check_type(
    site: &Site<'_>,
    field: &Field,
    schema: &FieldSchema,
    problems: &mut Problems,
) -> bool {
    let help = match schema.field_type {
        FieldType::Base64 => "files and attachments are not loaded",
        FieldType::Address => "load its parts, such as `BillingStreet` and `BillingCity`",
        FieldType::Location => "load its parts, such as `Site__Latitude__s` and `Site__Longitude__s`",
        FieldType::ComplexValue | FieldType::AnyType => "no column of text can carry it",
        _ => return true,
    };
    let kind = schema.field_type.name();
    let message = format!("`{}.{}` is of type {kind}, which cannot be loaded", site.object.name, schema.name);
    problems.push(Diagnostic::error(Code::FieldType, message).at(&field.place).help(help));
    false
}

fn is_audit(schema: &FieldSchema) -> bool {
    AUDIT.iter().any(|name| schema.name.eq_ignore_ascii_case(name))
}

fn audit(name: &str, only: Only) -> Option<Diagnostic> {
    let problem = match only {
        Only::Create => Diagnostic::warning(Code::PlanNote, format!("{name} is an audit field"))
            .help("it is taken on create only, and only while this user has \"Set Audit Fields upon Record Creation\""),
        Only::Always | Only::Update => {
            refuse(format!("{name} is an audit field: it can be set on create only")).help("write `only: create`")
        }
    };
    Some(problem)
}

fn read_only(name: &str, schema: &FieldSchema) -> Diagnostic {
    if is_audit(schema) {
        return refuse(format!("{name} is an audit field and cannot be set by this user")).help(AUDIT_HELP);
    }
    let (why, help) = match (schema.calculated, schema.auto_number) {
        (true, _) => ("a formula or roll-up", "load the fields that it is made of"),
        (_, true) => ("numbered by the org", "keep the old number in a field of its own"),
        _ => ("read-only for this user", "if it should be writeable, give this user the right to edit it"),
    };
    refuse(format!("{name} cannot be written: it is {why}")).help(help)
}

fn refuse(message: String) -> Diagnostic {
    Diagnostic::error(Code::NotWriteable, message)
}
