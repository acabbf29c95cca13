//! One custom field of `org.yaml`.

use super::{COMMON, is_name, wrong};
use crate::diagnostic::{Code, Diagnostic, Place, near_name};
use crate::local_org::schema::flags::{Flag, Flags};
use crate::local_org::schema::{Field, Schema};
use crate::model::FieldType;
use crate::yaml::{MapReader, Node, Pair};

/// Types a custom field can have.
const TYPES: &[(&str, FieldType)] = &[
    ("string", FieldType::String),
    ("textarea", FieldType::TextArea),
    ("picklist", FieldType::Picklist),
    ("multipicklist", FieldType::MultiPicklist),
    ("phone", FieldType::Phone),
    ("url", FieldType::Url),
    ("email", FieldType::Email),
    ("boolean", FieldType::Boolean),
    ("int", FieldType::Int),
    ("double", FieldType::Double),
    ("currency", FieldType::Currency),
    ("percent", FieldType::Percent),
    ("date", FieldType::Date),
    ("datetime", FieldType::DateTime),
    ("time", FieldType::Time),
    ("reference", FieldType::Reference),
];

/// The fields of a `fields:` mapping; names and targets are checked against what is known.
pub(super) fn read_all(
    node: &Node,
    index: usize,
    schema: &Schema,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Field> {
    let Some(mut map) = MapReader::new(node, "`fields`", problems) else { return Vec::new() };
    let mut fields: Vec<Field> = Vec::new();
    for pair in map.rest() {
        let taken = schema.objects[index].field(&pair.key).is_some()
            || fields.iter().any(|f| f.name.eq_ignore_ascii_case(&pair.key));
        if let Some(problem) = name_problem(pair, taken) {
            problems.push(problem);
        } else if let Some(field) = read(pair, schema, problems) {
            fields.push(field);
        }
    }
    fields
}

fn name_problem(pair: &Pair, taken: bool) -> Option<Diagnostic> {
    if taken {
        let message = format!("`{}` is there already", pair.key);
        return Some(Diagnostic::error(Code::Conflict, message).at(&pair.place));
    }
    let custom = pair.key.ends_with("__c") && is_name(&pair.key);
    let message = format!("`{}` is not a custom field's name", pair.key);
    (!custom).then(|| wrong(message, &pair.place).help("a custom field's name ends in `__c`"))
}

/// What of a field is said by `true` and `false`.
struct Switches {
    required: bool,
    external_id: bool,
    unique: bool,
    case_sensitive: bool,
    restricted: bool,
    master_detail: bool,
    createable: bool,
    updateable: bool,
}

fn read(pair: &Pair, schema: &Schema, problems: &mut Vec<Diagnostic>) -> Option<Field> {
    let mut map = MapReader::new(&pair.value, "a field", problems)?;
    let kind = map.take_word("type", TYPES);
    if kind.is_none() && pair.value.get("type").is_none() {
        let message = format!("field `{}` needs `type`", pair.key);
        map.problem(Diagnostic::error(Code::MissingKey, message).at(&pair.place));
    }
    let label = map.take_text("label").map(|(t, _)| t.to_owned());
    let label = label.unwrap_or_else(|| pair.key.trim_end_matches("__c").replace('_', " "));
    let mut field = Field::plain(&pair.key, &label, kind.unwrap_or_default());
    sizes(&mut map, &mut field);
    field.values = map.take_texts("values").into_iter().map(|(v, _)| (v.to_owned(), v.to_owned())).collect();
    field.default = map.take_text("default").map(|(t, _)| t.to_owned());
    targets(&mut map, &mut field, schema, &pair.place);
    let switches = switches(&mut map);
    map.finish();
    check(&field, &switches, &pair.place, problems);
    set_flags(&mut field, &switches);
    kind.map(|_| field)
}

fn switches(map: &mut MapReader<'_, '_>) -> Switches {
    let master_detail = map.take_bool("master_detail").unwrap_or(false);
    Switches {
        required: map.take_bool("required").unwrap_or(false) || master_detail,
        external_id: map.take_bool("external_id").unwrap_or(false),
        unique: map.take_bool("unique").unwrap_or(false),
        case_sensitive: map.take_bool("case_sensitive").unwrap_or(false),
        restricted: map.take_bool("restricted").unwrap_or(false),
        master_detail,
        createable: map.take_bool("createable").unwrap_or(true),
        updateable: map.take_bool("updateable").unwrap_or(!master_detail),
    }
}

/// Length, precision and scale, with the defaults Salesforce's set-up pages offer.
fn sizes(map: &mut MapReader<'_, '_>, field: &mut Field) {
    let mut take =
        |key, default: u32| map.take_count(key).map_or(default, |n| u32::try_from(n).unwrap_or(u32::MAX));
    let (length, precision, scale) = (take("length", 0), take("precision", 18), take("scale", 0));
    use FieldType::{
        Currency, Double, Email, Int, MultiPicklist, Percent, Phone, Picklist, Reference, String, TextArea,
        Url,
    };
    match field.kind {
        Double | Currency | Percent => (field.precision, field.scale) = (precision, scale),
        Int => field.digits = precision.min(9),
        _ => {}
    }
    field.length = match field.kind {
        Reference => 18,
        String | Picklist | Url if length == 0 => 255,
        TextArea if length == 0 => 32_768,
        MultiPicklist if length == 0 => 4_099,
        Email if length == 0 => 80,
        Phone if length == 0 => 40,
        _ => length,
    };
}

fn targets(map: &mut MapReader<'_, '_>, field: &mut Field, schema: &Schema, place: &Place) {
    let to = map.take_texts("to");
    if field.kind == FieldType::Reference && to.is_empty() {
        let message = format!("reference `{}` needs `to`", field.name);
        map.problem(Diagnostic::error(Code::MissingKey, message).at(place));
    }
    for (name, place) in to {
        if let Some(object) = schema.object(name) {
            field.to.push(object.name.clone());
        } else {
            let near = near_name(name, schema.objects.iter().map(|o| o.name.as_str()));
            let message = format!("`{name}` is not an object of the local org");
            let help = near.map(|n| format!("did you mean `{n}`?"));
            map.problem(Diagnostic::error(Code::UnknownObject, message).at(place).help_maybe(help));
        }
    }
    if field.kind == FieldType::Reference {
        field.relationship = Some(format!("{}__r", field.name.trim_end_matches("__c")));
    }
}

fn check(field: &Field, switches: &Switches, place: &Place, problems: &mut Vec<Diagnostic>) {
    let mut refuse = |bad: bool, message: String| {
        if bad {
            problems.push(wrong(message, place));
        }
    };
    use FieldType::{Double, Email, MultiPicklist, Picklist, Reference};
    let (name, kind) = (&field.name, field.kind);
    let can_be_key = matches!(kind, FieldType::String | Email | Double);
    refuse(
        switches.external_id && !can_be_key,
        format!("`{name}` cannot be an external ID: not text, email or a number"),
    );
    refuse(switches.unique && !can_be_key, format!("`{name}` cannot be unique: not text, email or a number"));
    refuse(switches.case_sensitive && !switches.unique, format!("`{name}` is case-sensitive but not unique"));
    refuse(!field.to.is_empty() && kind != Reference, format!("`{name}` has `to` but is no reference"));
    let pick = matches!(kind, Picklist | MultiPicklist);
    refuse(!field.values.is_empty() && !pick, format!("`{name}` has `values` but is no picklist"));
    refuse(switches.restricted && !pick, format!("`{name}` is restricted but no picklist"));
    let single = kind == Reference && field.to.len() == 1;
    refuse(
        switches.master_detail && !single,
        format!("`{name}` is master-detail but does not point to one object"),
    );
    refuse(field.scale > field.precision, format!("`{name}` has more decimals than digits"));
}

fn set_flags(field: &mut Field, switches: &Switches) {
    let nillable = !switches.required && field.kind != FieldType::Boolean;
    let defaulted = field.kind == FieldType::Boolean || field.default.is_some();
    let mut flags = Flags::parse(COMMON);
    for (flag, on) in [
        (Flag::Custom, true),
        (Flag::Permissionable, !switches.required),
        (Flag::Nillable, nillable),
        (Flag::DefaultedOnCreate, defaulted),
        (Flag::Createable, switches.createable),
        (Flag::Updateable, switches.updateable),
        (Flag::ExternalId, switches.external_id),
        (Flag::IdLookup, switches.external_id),
        (Flag::Unique, switches.unique),
        (Flag::CaseSensitive, switches.case_sensitive),
        (Flag::RestrictedPicklist, switches.restricted),
        (Flag::CascadeDelete, switches.master_detail),
        (Flag::PolymorphicForeignKey, field.to.len() > 1),
        (Flag::NamePointing, field.to.len() > 1),
    ] {
        flags.set(flag, on);
    }
    field.flags = flags;
    field.order = switches.master_detail.then_some(0);
}
