//! Objects and their describes, and single records by id.

use super::Call;
use super::answer::{Answer, Failure};
use super::query;
use crate::local_org::schema::Object;
use crate::local_org::schema::describe::{self, RecordTypeInfo};
use crate::local_org::text::full_id;
use serde_json::{Value, json};

/// `sobjects`, `sobjects/X`, `sobjects/X/describe`, `sobjects/X/ID`.
pub(super) fn get(call: &Call) -> Result<Answer, Failure> {
    let version = format!("v{}", call.version);
    let schema = &call.org.0.schema;
    let Some(name) = call.path.get(1) else {
        let entries = schema.objects.iter().map(|o| Value::Object(describe::entry(o, &version)));
        let all: Vec<Value> = entries.collect();
        return Ok(Answer::json(&json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": all})));
    };
    let object = schema.object(name).ok_or_else(Failure::not_found)?;
    match call.path.get(2).map(String::as_str) {
        None => {
            let entry = describe::entry(object, &version);
            Ok(Answer::json(&json!({"objectDescribe": entry, "recentItems": []})))
        }
        Some(word) if word.eq_ignore_ascii_case("describe") && call.path.len() == 3 => {
            let types = record_types(call, object)?;
            Ok(Answer::json(&describe::describe(schema, object, &types, &version)))
        }
        Some(id) if call.path.len() == 3 => record(call, object, id),
        Some(_) => Err(Failure::not_found()),
    }
}

fn record_types(call: &Call, object: &Object) -> Result<Vec<RecordTypeInfo>, Failure> {
    let db = call.org.db();
    let sql = "SELECT \"Id\", \"DeveloperName\", \"Name\", \"IsActive\" FROM \"RecordType\" WHERE \"SobjectType\" = ?1 \
               ORDER BY \"#row\"";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([&object.name], |r| {
        Ok(RecordTypeInfo { id: r.get(0)?, developer_name: r.get(1)?, name: r.get(2)?, active: r.get(3)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A whole record, or the fields asked for.
fn record(call: &Call, object: &Object, id: &str) -> Result<Answer, Failure> {
    let id = full_id(id).ok_or_else(Failure::not_found)?;
    let fields = match call.parameter("fields") {
        Some(fields) => fields.to_owned(),
        None => object.fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(","),
    };
    let soql = format!("SELECT {fields} FROM {} WHERE Id = '{id}'", object.name);
    query::one(call, &soql)?.ok_or_else(Failure::not_found)
}
