//! What an object is like: describe's answer, reduced to the model's schema.

use super::call::Call;
use super::client::Client;
use super::error::OrgError;
use super::soql::encode;
use crate::model::{ChildFate, ChildField, FieldSchema, FieldType, ObjectSchema, RecordType};
use serde::Deserialize;
use std::sync::PoisonError;

impl Client<'_> {
    /// Describes an object; nothing when the org has none of that name, or hides it from this user. Asked once: a
    /// client lives as long as a run, and a run sees one shape of the org.
    ///
    /// # Errors
    /// The org's refusal, or a broken connection.
    pub async fn describe(&self, object: &str) -> Result<Option<ObjectSchema>, OrgError> {
        let name = object.to_lowercase();
        let known = self.described.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = self.ask_describe(object).await?;
        self.described.lock().unwrap_or_else(PoisonError::into_inner).insert(name, found.clone());
        Ok(found)
    }

    async fn ask_describe(&self, object: &str) -> Result<Option<ObjectSchema>, OrgError> {
        let path = self.path(&format!("sobjects/{}/describe", encode(object)));
        match self.json::<WireObject>(Call::get(path)).await {
            Ok(wire) => Ok(Some(wire.into())),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireObject {
    name: String,
    #[serde(default)]
    label: String,
    key_prefix: Option<String>,
    createable: bool,
    updateable: bool,
    deletable: bool,
    queryable: bool,
    fields: Vec<WireField>,
    #[serde(default)]
    record_type_infos: Vec<WireRecordType>,
    #[serde(default)]
    child_relationships: Vec<WireChild>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireChild {
    #[serde(rename = "childSObject")]
    object: String,
    field: String,
    #[serde(default)]
    cascade_delete: bool,
    #[serde(default)]
    restricted_delete: bool,
    #[serde(default)]
    deprecated_and_hidden: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRecordType {
    #[serde(default)]
    active: bool,
    #[serde(default)]
    master: bool,
    developer_name: Option<String>,
    record_type_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireField {
    name: String,
    #[serde(default)]
    label: String,
    #[serde(rename = "type")]
    field_type: String,
    #[serde(default)]
    length: u32,
    #[serde(default)]
    precision: u32,
    #[serde(default)]
    scale: u32,
    #[serde(default)]
    digits: u32,
    nillable: bool,
    createable: bool,
    updateable: bool,
    #[serde(default)]
    defaulted_on_create: bool,
    #[serde(default)]
    custom: bool,
    #[serde(default)]
    external_id: bool,
    #[serde(default)]
    unique: bool,
    #[serde(default)]
    id_lookup: bool,
    #[serde(default)]
    case_sensitive: bool,
    #[serde(default)]
    reference_to: Vec<String>,
    relationship_name: Option<String>,
    relationship_order: Option<u8>,
    #[serde(default)]
    restricted_picklist: bool,
    #[serde(default)]
    picklist_values: Vec<WirePicklistValue>,
    #[serde(default)]
    calculated: bool,
    #[serde(default)]
    auto_number: bool,
}

#[derive(Deserialize)]
struct WirePicklistValue {
    active: bool,
    value: String,
}

impl From<WireObject> for ObjectSchema {
    fn from(wire: WireObject) -> Self {
        Self {
            name: wire.name,
            label: wire.label,
            key_prefix: wire.key_prefix,
            createable: wire.createable,
            updateable: wire.updateable,
            deletable: wire.deletable,
            queryable: wire.queryable,
            fields: wire.fields.into_iter().map(FieldSchema::from).collect(),
            record_types: wire.record_type_infos.into_iter().filter_map(record_type).collect(),
            children: wire.child_relationships.into_iter().filter_map(child).collect(),
        }
    }
}

impl From<WireField> for FieldSchema {
    fn from(wire: WireField) -> Self {
        Self {
            name: wire.name,
            label: wire.label,
            // A type that we do not know cannot be loaded, and `AnyType` is refused as such.
            field_type: FieldType::parse(&wire.field_type).unwrap_or(FieldType::AnyType),
            length: wire.length,
            precision: wire.precision,
            scale: wire.scale,
            digits: wire.digits,
            nillable: wire.nillable,
            createable: wire.createable,
            updateable: wire.updateable,
            defaulted_on_create: wire.defaulted_on_create,
            custom: wire.custom,
            external_id: wire.external_id,
            unique: wire.unique,
            id_lookup: wire.id_lookup,
            case_sensitive: wire.case_sensitive,
            reference_to: wire.reference_to,
            relationship_name: wire.relationship_name,
            relationship_order: wire.relationship_order,
            restricted_picklist: wire.restricted_picklist,
            picklist_values: active_values(wire.picklist_values),
            calculated: wire.calculated,
            auto_number: wire.auto_number,
        }
    }
}

fn active_values(values: Vec<WirePicklistValue>) -> Vec<String> {
    values.into_iter().filter(|v| v.active).map(|v| v.value).collect()
}

fn child(wire: WireChild) -> Option<ChildField> {
    let fate = match (wire.cascade_delete, wire.restricted_delete) {
        (true, _) => ChildFate::Goes,
        (_, true) => ChildFate::Keeps,
        _ => ChildFate::LosesIt,
    };
    (!wire.deprecated_and_hidden).then_some(ChildField { object: wire.object, field: wire.field, fate })
}

/// The master record type stands for having none.
fn record_type(wire: WireRecordType) -> Option<RecordType> {
    if wire.master {
        return None;
    }
    Some(RecordType { developer_name: wire.developer_name?, id: wire.record_type_id?, active: wire.active })
}

#[cfg(test)]
mod tests {
    use crate::model::{ChildFate, ChildField, FieldType};
    use crate::salesforce::testing::{Script, with};

    const PATH: &str = "GET /services/data/v67.0/sobjects/Task/describe";
    const TASK: &str = r#"{"name":"Task","label":"Task","keyPrefix":"00T","createable":true,"updateable":true,
        "deletable":true,"queryable":true,"childRelationships":[
        {"cascadeDelete":true,"childSObject":"TaskRelation","deprecatedAndHidden":false,"field":"RelationId",
         "relationshipName":"TaskRelations","restrictedDelete":false},
        {"cascadeDelete":false,"childSObject":"Task","deprecatedAndHidden":false,"field":"RecurrenceActivityId",
         "relationshipName":null,"restrictedDelete":false}],"recordTypeInfos":[
        {"active":true,"available":true,"developerName":"Master","master":true,"recordTypeId":"012000000000000AAA"},
        {"active":false,"available":true,"developerName":"Call","master":false,"recordTypeId":"0125g000000AbcdAAC"}],
        "fields":[
        {"name":"WhoId","label":"Name ID","type":"reference","length":18,"nillable":true,"createable":true,
         "updateable":true,"referenceTo":["Contact","Lead"],"relationshipName":"Who","relationshipOrder":null},
        {"name":"Parent__c","label":"Parent","type":"reference","nillable":false,"createable":true,"updateable":false,
         "referenceTo":["A__c"],"relationshipName":"Parent__r","relationshipOrder":1,"externalId":true,"unique":true,
         "idLookup":true,"caseSensitive":true},
        {"name":"Status","label":"Status","type":"picklist","nillable":false,"createable":true,"updateable":true,
         "defaultedOnCreate":true,"restrictedPicklist":true,"precision":0,"scale":0,"digits":0,
         "picklistValues":[{"active":true,"value":"Open"},{"active":false,"value":"Old"}]},
        {"name":"Odd","label":"","type":"datacategorygroupreference","nillable":true,"createable":false,"updateable":false}]}"#;

    #[test]
    fn keeps_what_planning_needs() {
        let script = Script::default().reply(PATH, 200, TASK);
        let task = with(script, async |c| c.describe("Task").await.unwrap().unwrap());
        assert_eq!((task.key_prefix.as_deref(), task.record_types.len()), (Some("00T"), 1));
        assert!(task.record_types[0].developer_name == "Call" && !task.record_types[0].active);
        let child =
            |object: &str, field: &str, fate| ChildField { object: object.into(), field: field.into(), fate };
        let goes = child("TaskRelation", "RelationId", ChildFate::Goes);
        assert_eq!(task.children, [goes, child("Task", "RecurrenceActivityId", ChildFate::LosesIt)]);
        let who = task.field("whoid").unwrap();
        assert!(who.polymorphic() && !who.master_detail());
        let parent = task.field("Parent__c").unwrap();
        assert!(parent.master_detail() && parent.external_id && parent.unique && parent.case_sensitive);
        let status = task.field("Status").unwrap();
        assert!(status.restricted_picklist && !status.required_on_create());
        assert_eq!(status.picklist_values, ["Open"]);
        assert_eq!(task.field("Odd").unwrap().field_type, FieldType::AnyType);
    }

    #[test]
    fn an_object_that_is_not_there() {
        let gone = r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#;
        let script = Script::default()
            .reply(PATH, 403, "[{\"errorCode\":\"INVALID_SESSION_ID\",\"message\":\"Session expired\"}]")
            .reply(PATH, 404, gone)
            .reply("GET /services/data/v67.0/sobjects/A%2FB/describe", 404, gone);
        with(script, async |c| {
            assert!(matches!(c.describe("Task").await, Err(crate::salesforce::OrgError::Refused { .. })));
            assert!(c.describe("Task").await.unwrap().is_none());
            assert!(c.describe("A/B").await.unwrap().is_none());
        });
    }

    #[test]
    fn an_object_is_asked_for_once() {
        let script = Script::default().reply(PATH, 200, TASK);
        with(script, async |c| {
            let first = c.describe("Task").await.unwrap();
            assert!(first.is_some() && c.describe("task").await.unwrap() == first);
        });
    }
}
