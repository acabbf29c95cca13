//! What describe says of objects and fields, with the keys that real describes have.

use super::flags::Flag;
use super::{Field, Gone, Object, Schema};
use crate::model::FieldType;
use serde_json::{Map, Value, json};

/// A record type of an object, as the store knows it.
pub(crate) struct RecordTypeInfo {
    pub(crate) id: String,
    pub(crate) developer_name: String,
    pub(crate) name: String,
    pub(crate) active: bool,
}

/// Flags of an object that describe always names.
const OBJECT_FLAGS: &[&str] = &[
    "activateable",
    "compactLayoutable",
    "createable",
    "custom",
    "customSetting",
    "deepCloneable",
    "deletable",
    "deprecatedAndHidden",
    "feedEnabled",
    "hasSubtypes",
    "isInterface",
    "isSubtype",
    "layoutable",
    "mergeable",
    "mruEnabled",
    "queryable",
    "replicateable",
    "retrieveable",
    "searchLayoutable",
    "searchable",
    "triggerable",
    "undeletable",
    "updateable",
];

/// The entry of an object in the list of all.
pub(crate) fn entry(object: &Object, version: &str) -> Map<String, Value> {
    let mut entry = Map::new();
    for flag in OBJECT_FLAGS.iter().filter(|f| **f != "compactLayoutable" && **f != "searchLayoutable") {
        entry.insert((*flag).into(), object.is(flag).into());
    }
    let base = format!("/services/data/{version}/sobjects/{}", object.name);
    entry.insert("name".into(), object.name.clone().into());
    entry.insert("label".into(), object.label.clone().into());
    entry.insert("labelPlural".into(), object.plural.clone().into());
    entry.insert("keyPrefix".into(), object.prefix.clone().into());
    entry.insert("associateEntityType".into(), Value::Null);
    entry.insert("associateParentEntity".into(), Value::Null);
    entry.insert(
        "urls".into(),
        json!({"sobject": base, "describe": format!("{base}/describe"), "rowTemplate": format!("{base}/{{ID}}")}),
    );
    entry
}

/// The whole describe of an object, as JSON text.
pub(crate) fn describe(schema: &Schema, object: &Object, types: &[RecordTypeInfo], version: &str) -> String {
    let mut whole = entry(object, version);
    for flag in OBJECT_FLAGS {
        whole.insert((*flag).into(), object.is(flag).into());
    }
    let nothing = [
        "defaultImplementation",
        "extendedBy",
        "extendsInterfaces",
        "implementedBy",
        "implementsInterfaces",
        "listviewable",
        "lookupLayoutable",
        "networkScopeFieldName",
    ];
    nothing.iter().for_each(|key| drop(whole.insert((*key).into(), Value::Null)));
    whole.insert("actionOverrides".into(), json!([]));
    whole.insert("namedLayoutInfos".into(), json!([]));
    whole.insert("sobjectDescribeOption".into(), "FULL".into());
    whole.insert("supportedScopes".into(), json!([{"label": "All", "name": "everything"}]));
    whole.insert("recordTypeInfos".into(), record_types(object, types, version));
    whole.insert("childRelationships".into(), children(schema, object));
    let whole = Value::Object(whole).to_string();
    let fields =
        object.fields_told.get_or_init(|| object.fields.iter().map(field).collect::<Value>().to_string());
    format!("{},\"fields\":{fields}}}", whole.strip_suffix('}').unwrap_or_default())
}

fn record_types(object: &Object, types: &[RecordTypeInfo], version: &str) -> Value {
    let info = |id: &str, developer_name: &str, name: &str, active: bool, master: bool| {
        let layout = format!("/services/data/{version}/sobjects/{}/describe/layouts/{id}", object.name);
        json!({
            "active": active, "available": active, "defaultRecordTypeMapping": master, "developerName": developer_name,
            "master": master, "name": name, "recordTypeId": id, "urls": {"layout": layout},
        })
    };
    let own = types.iter().map(|t| info(&t.id, &t.developer_name, &t.name, t.active, false));
    own.chain(std::iter::once(info("012000000000000AAA", "Master", "Master", true, true))).collect()
}

fn children(schema: &Schema, object: &Object) -> Value {
    let relation = |(child, field): (&Object, &Field)| {
        let cascade = field.gone == Some(Gone::Cascade) || field.order.is_some();
        let restrict = field.gone == Some(Gone::Restrict);
        json!({
            "cascadeDelete": cascade, "childSObject": child.name, "deprecatedAndHidden": false,
            "field": field.name, "junctionIdListNames": [], "junctionReferenceTo": [], "relationshipName": field.child_name(),
            "restrictedDelete": restrict,
        })
    };
    schema.children(&object.name).map(relation).collect()
}

/// Unconfirmed(relationship-order): its meaning is remembered; choice: 0 or 1 for a master-detail field, else null.
fn field(field: &Field) -> Value {
    let mut map = Map::new();
    for (name, flag) in Flag::ALL {
        map.insert((*name).into(), field.has(*flag).into());
    }
    let texts = [
        ("name", Some(&field.name)),
        ("label", Some(&field.label)),
        ("compoundFieldName", field.compound.as_ref()),
        ("controllerName", field.controller.as_ref()),
        ("extraTypeInfo", field.extra.as_ref()),
        ("relationshipName", field.relationship.as_ref()),
    ];
    for (key, text) in texts {
        map.insert(key.into(), text.map_or(Value::Null, |t| t.clone().into()));
    }
    let nothing = [
        "calculatedFormula",
        "defaultValueFormula",
        "filteredLookupInfo",
        "inlineHelpText",
        "mask",
        "maskType",
        "referenceTargetField",
    ];
    nothing.iter().for_each(|key| drop(map.insert((*key).into(), Value::Null)));
    let bytes = if field.kind == FieldType::Id || field.kind == FieldType::Reference { 1 } else { 3 };
    map.insert("byteLength".into(), (field.length * bytes).into());
    map.insert("length".into(), field.length.into());
    map.insert("precision".into(), field.precision.into());
    map.insert("scale".into(), field.scale.into());
    map.insert("digits".into(), field.digits.into());
    map.insert("type".into(), field.kind.name().into());
    map.insert("soapType".into(), soap_type(field.kind).into());
    map.insert("referenceTo".into(), json!(field.to));
    map.insert("relationshipOrder".into(), field.order.map_or(Value::Null, Value::from));
    map.insert("defaultValue".into(), default_value(field));
    map.insert("picklistValues".into(), picklist(field));
    Value::Object(map)
}

fn default_value(field: &Field) -> Value {
    match (&field.default, field.kind) {
        (Some(text), FieldType::Boolean) => text.eq_ignore_ascii_case("true").into(),
        (Some(text), _) => text.clone().into(),
        (None, FieldType::Boolean) => false.into(),
        (None, _) => Value::Null,
    }
}

fn picklist(field: &Field) -> Value {
    let value = |(value, label): &(String, String)| {
        let default = field.default.as_ref() == Some(value);
        json!({"active": true, "defaultValue": default, "label": label, "validFor": null, "value": value})
    };
    field.values.iter().map(value).collect()
}

fn soap_type(kind: FieldType) -> &'static str {
    use FieldType::{
        Address, AnyType, Base64, Boolean, Currency, Date, DateTime, Double, Id, Int, Location, Long,
        Percent, Reference, Time,
    };
    match kind {
        Id | Reference => "tns:ID",
        Boolean => "xsd:boolean",
        Int => "xsd:int",
        Long => "xsd:long",
        Double | Currency | Percent => "xsd:double",
        Date => "xsd:date",
        DateTime => "xsd:dateTime",
        Time => "xsd:time",
        Base64 => "xsd:base64Binary",
        Address => "urn:address",
        Location => "urn:location",
        AnyType => "xsd:anyType",
        _ => "xsd:string",
    }
}
