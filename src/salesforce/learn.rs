//! Finding out what binding needs to know: needs in, schema and facts out.

use super::client::Client;
use super::error::OrgError;
use super::query::Row;
use super::soql::quote;
use crate::bind::{Need, OrgFacts, QueueFact, RecordFact, RuleFact, UserFact, records_key};
use crate::model::{OrgSchema, RecordType};
use std::collections::BTreeMap;

/// Records that a look-up may hold (spec, Deciding).
const MOST_RECORDS: u64 = 1_000_000;
/// Bytes of text that it may hold.
const MOST_BYTES: usize = 64 << 20;

impl Client<'_> {
    /// Answers needs in their order. An object that the org does not have is left out of the schema, and a User field
    /// that it does not have out of the facts: binding says so, with the place.
    ///
    /// # Errors
    /// The org's refusal, or a broken connection.
    pub async fn learn(&self, needs: &[Need]) -> Result<(OrgSchema, OrgFacts), OrgError> {
        let (mut schema, mut facts) = (OrgSchema::default(), OrgFacts::default());
        for need in needs {
            match need {
                Need::Describe(object) => {
                    self.describe(object).await?.into_iter().for_each(|o| schema.insert(o));
                }
                Need::RecordTypes(object) => {
                    facts.record_types.insert(object.to_lowercase(), self.record_types(object).await?);
                }
                Need::Users { match_field } => {
                    // Only a name that the org itself uses goes into a statement.
                    let field = schema.object("User").and_then(|user| user.field(match_field));
                    if let Some(field) = field {
                        facts.users.insert(match_field.to_lowercase(), self.users(&field.name).await?);
                    }
                }
                Need::Queues => facts.queues = self.queues().await?,
                Need::AssignmentRules => facts.assignment_rules = self.assignment_rules().await?,
                Need::Records { object, fields } => {
                    let known = schema.object(object);
                    let names: Option<Vec<_>> = fields
                        .iter()
                        .map(|f| known.and_then(|o| o.field(f)).map(|f| f.name.clone()))
                        .collect();
                    if let (Some(known), Some(names)) = (known, names) {
                        let found = self.records(&known.name, &names).await?;
                        facts.records.insert(records_key(object, fields), found);
                    }
                }
            }
        }
        Ok((schema, facts))
    }

    async fn record_types(&self, object: &str) -> Result<Vec<RecordType>, OrgError> {
        let wanted = quote(object);
        let soql = format!("SELECT DeveloperName, Id, IsActive FROM RecordType WHERE SobjectType = {wanted}");
        let rows = self.query(&soql).await?;
        let all = rows.into_iter().filter_map(triple);
        Ok(all.map(|(developer_name, id, active)| RecordType { developer_name, id, active }).collect())
    }

    async fn users(&self, field: &str) -> Result<Vec<UserFact>, OrgError> {
        let soql = format!("SELECT {field}, Id, IsActive FROM User WHERE {field} != null");
        let rows = self.query(&soql).await?;
        let all = rows.into_iter().filter_map(triple);
        Ok(all.map(|(value, id, active)| UserFact { value, id, active }).collect())
    }

    /// Records that have a value in each of the fields; nothing when there are more than memory may hold.
    async fn records(&self, object: &str, fields: &[String]) -> Result<Option<Vec<RecordFact>>, OrgError> {
        let is_id = |field: &&String| field.eq_ignore_ascii_case("Id");
        let others = fields.iter().filter(|f| !is_id(f)).map(String::as_str);
        // The Id is asked for in any case, and a field may not be asked for twice.
        let names = std::iter::once("Id").chain(others).collect::<Vec<_>>().join(", ");
        if self.count(&format!("SELECT COUNT() FROM {object}")).await? > MOST_RECORDS {
            return Ok(None);
        }
        let (mut found, mut bytes) = (Vec::new(), 0);
        self.query_each(&format!("SELECT {names} FROM {object}"), &mut |row| {
            let mut rest = row[1..].iter();
            let value = |field: &String| if is_id(&field) { row.first() } else { rest.next() };
            let values = fields.iter().map(value).map(|cell| cell.cloned().flatten());
            let values: Option<Vec<String>> = values.collect();
            if let (Some(Some(id)), Some(values)) = (row.first(), values.filter(|_| bytes < MOST_BYTES)) {
                bytes += values.iter().map(String::len).sum::<usize>() + id.len();
                found.push(RecordFact { values, id: id.clone() });
            }
            Ok(())
        })
        .await?;
        Ok((bytes < MOST_BYTES).then_some(found))
    }

    async fn assignment_rules(&self) -> Result<Vec<RuleFact>, OrgError> {
        let rows = self.query("SELECT Name, Id, SobjectType FROM AssignmentRule").await?;
        let rule = |row: Row| {
            let object = row.get(2)?.clone()?;
            let (name, id) = pair(row)?;
            Some(RuleFact { name, id, object })
        };
        Ok(rows.into_iter().filter_map(rule).collect())
    }

    async fn queues(&self) -> Result<Vec<QueueFact>, OrgError> {
        let groups = self.query("SELECT DeveloperName, Id FROM Group WHERE Type = 'Queue'").await?;
        let owned = self.query("SELECT QueueId, SobjectType FROM QueueSobject").await?;
        let mut objects: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (queue, object) in owned.into_iter().filter_map(pair) {
            objects.entry(queue).or_default().push(object);
        }
        let queue = |(developer_name, id): (String, String)| {
            let objects = objects.remove(&id).unwrap_or_default();
            QueueFact { developer_name, id, objects }
        };
        Ok(groups.into_iter().filter_map(pair).map(queue).collect())
    }
}

fn pair(row: Row) -> Option<(String, String)> {
    let mut cells = row.into_iter();
    Some((cells.next()??, cells.next()??))
}

fn triple(row: Row) -> Option<(String, String, bool)> {
    let active = row.get(2)?.as_deref() == Some("true");
    let (name, id) = pair(row)?;
    Some((name, id, active))
}

#[cfg(test)]
mod tests {
    use crate::bind::{Need, QueueFact, RuleFact, UserFact};
    use crate::salesforce::soql::encode;
    use crate::salesforce::testing::{Script, with};

    fn asks(soql: &str) -> String {
        format!("GET /services/data/v67.0/query?q={}", encode(soql))
    }

    fn rows(records: &str) -> String {
        let size = records.matches("},{").count() + 1;
        format!("{{\"totalSize\":{size},\"done\":true,\"records\":[{records}]}}")
    }

    fn describes(object: &str) -> String {
        format!("GET /services/data/v67.0/sobjects/{object}/describe")
    }

    const USER: &str = r#"{"name":"User","createable":true,"updateable":true,"deletable":false,"queryable":true,
        "fields":[{"name":"Email","type":"email","nillable":false,"createable":true,"updateable":true}]}"#;

    #[test]
    fn answers_every_need() {
        let script = Script::default()
            .reply(&describes("User"), 200, USER)
            .reply(&describes("Zebra"), 404, "[]")
            .reply(
                &asks("SELECT DeveloperName, Id, IsActive FROM RecordType WHERE SobjectType = 'Account'"),
                200,
                &rows(r#"{"DeveloperName":"Customer","Id":"0121","IsActive":false}"#),
            )
            .reply(
                &asks("SELECT Email, Id, IsActive FROM User WHERE Email != null"),
                200,
                &rows(r#"{"Email":"ada@acme.example","Id":"0051","IsActive":true}"#),
            )
            .reply(
                &asks("SELECT DeveloperName, Id FROM Group WHERE Type = 'Queue'"),
                200,
                &rows(r#"{"DeveloperName":"Tier_1","Id":"00G1"},{"DeveloperName":"Idle","Id":"00G2"}"#),
            )
            .reply(
                &asks("SELECT QueueId, SobjectType FROM QueueSobject"),
                200,
                &rows(r#"{"QueueId":"00G1","SobjectType":"Case"},{"QueueId":"00G1","SobjectType":"Lead"}"#),
            )
            .reply(
                &asks("SELECT Name, Id, SobjectType FROM AssignmentRule"),
                200,
                &rows(r#"{"Name":"Standard","Id":"01Q1","SobjectType":"Case"},{"Name":null,"Id":"01Q2","SobjectType":"Lead"}"#),
            );
        let needs = [
            Need::Describe("User".into()),
            Need::Describe("Zebra".into()),
            Need::RecordTypes("Account".into()),
            Need::Users { match_field: "email".into() },
            Need::Users { match_field: "Nope FROM X".into() },
            Need::Queues,
            Need::AssignmentRules,
        ];
        let (schema, facts) = with(script, async |c| c.learn(&needs).await.unwrap());
        assert!(schema.object("user").is_some() && schema.object("Zebra").is_none());
        let kind = &facts.record_types["account"][0];
        assert_eq!(
            (kind.developer_name.as_str(), kind.id.as_str(), kind.active),
            ("Customer", "0121", false)
        );
        let ada = UserFact { value: "ada@acme.example".into(), id: "0051".into(), active: true };
        assert_eq!((facts.users["email"].as_slice(), facts.users.len()), (&[ada][..], 1));
        let rule = RuleFact { name: "Standard".into(), id: "01Q1".into(), object: "Case".into() };
        assert_eq!(facts.assignment_rules, [rule], "one without a name cannot be meant");
        let queue = |name: &str, id: &str, objects: &[&str]| QueueFact {
            developer_name: name.into(),
            id: id.into(),
            objects: objects.iter().map(|o| (*o).to_owned()).collect(),
        };
        assert_eq!(facts.queues, [queue("Tier_1", "00G1", &["Case", "Lead"]), queue("Idle", "00G2", &[])]);
    }
}
