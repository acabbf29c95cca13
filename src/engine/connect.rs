//! Meeting the org: who it is, what its objects look like, and the facts that binding asks for.

use super::exit::{EngineError, Exit};
use super::ports::Ports;
use crate::bind::{Need, OrgFacts, QueueFact, UserFact, needs};
use crate::diagnostic::{Code, Diagnostic};
use crate::manifest::Migration;
use crate::model::OrgSchema;
use crate::salesforce::{Client, OrgInfo};

/// Users that are read for one `match` field at most.
const MOST_USERS: usize = 1_000_000;

/// An org that was met.
pub struct Connected<'a> {
    /// To ask it.
    pub client: Client<'a>,
    /// Who it is.
    pub info: OrgInfo,
    /// Its objects, those that the migration names.
    pub schema: OrgSchema,
    /// Further facts.
    pub facts: OrgFacts,
}

/// Meets the org that a migration goes to.
///
/// # Errors
/// The org's refusal; 81 when it is not the org that the environment names.
pub async fn connect<'a>(ports: &Ports<'a>, migration: &Migration) -> Result<Connected<'a>, EngineError> {
    let client = Client::connect(ports.org, ports.clock, ports.random).await?;
    let info = client.org_facts().await?;
    check_org(migration, &info)?;
    let mut connected = Connected { client, info, schema: OrgSchema::default(), facts: OrgFacts::default() };
    for need in needs(migration) {
        connected.find_out(need).await?;
    }
    Ok(connected)
}

fn check_org(migration: &Migration, info: &OrgInfo) -> Result<(), EngineError> {
    let Some(wanted) = &migration.environment.org_id else { return Ok(()) };
    if wanted.len() >= 15 && info.org_id.starts_with(&wanted[..15]) {
        return Ok(());
    }
    let message = format!(
        "this is the wrong org: environment `{}` is for {wanted}, the login leads to {} ({})",
        migration.environment.name, info.org_id, info.name
    );
    let help = "log in to the right org, or correct `org_id`";
    Err(EngineError::problem(Exit::Stale, Diagnostic::error(Code::StalePlan, message).help(help)))
}

impl Connected<'_> {
    async fn find_out(&mut self, need: Need) -> Result<(), EngineError> {
        match need {
            Need::Describe(object) => {
                if let Some(object) = self.client.describe(&object).await? {
                    self.schema.insert(object);
                }
            }
            Need::RecordTypes(object) => self.record_types(&object).await?,
            Need::Users { match_field } => self.users(&match_field).await?,
            Need::Queues => self.queues().await?,
        }
        Ok(())
    }

    async fn record_types(&mut self, object: &str) -> Result<(), EngineError> {
        let object_name = self.schema.object(object).map_or(object, |o| o.name.as_str());
        let soql = format!(
            "SELECT DeveloperName, Id, IsActive FROM RecordType WHERE SobjectType = {} ORDER BY DeveloperName",
            crate::salesforce::quote(object_name)
        );
        let rows = self.client.query(&soql).await?;
        let types = rows.into_iter().filter_map(|row| {
            let [name, id, active] = three(row)?;
            Some(crate::model::RecordType { developer_name: name, id, active: active == "true" })
        });
        self.facts.record_types.insert(object.to_lowercase(), types.collect());
        Ok(())
    }

    async fn users(&mut self, match_field: &str) -> Result<(), EngineError> {
        let field = self.schema.object("User").and_then(|u| u.field(match_field));
        let Some(field) = field.map(|f| f.name.clone()) else { return Ok(()) };
        let soql = format!("SELECT {field}, Id, IsActive FROM User WHERE {field} != null ORDER BY Id");
        let mut users = Vec::new();
        self.client
            .query_each(&soql, &mut |row| {
                if users.len() >= MOST_USERS {
                    return Err(std::io::Error::other("the org has more than a million users with this field"));
                }
                users.extend(three(row).map(|[value, id, active]| UserFact { value, id, active: active == "true" }));
                Ok(())
            })
            .await?;
        self.facts.users.insert(match_field.to_lowercase(), users);
        Ok(())
    }

    async fn queues(&mut self) -> Result<(), EngineError> {
        let groups = self
            .client
            .query("SELECT DeveloperName, Id FROM Group WHERE Type = 'Queue' ORDER BY DeveloperName")
            .await?;
        let objects = self.client.query("SELECT QueueId, SobjectType FROM QueueSobject ORDER BY SobjectType").await?;
        for group in groups {
            let [Some(developer_name), Some(id)] = <[_; 2]>::try_from(group).unwrap_or_default() else { continue };
            let of = objects.iter().filter(|o| o.first() == Some(&Some(id.clone())));
            let objects = of.filter_map(|o| o.get(1).cloned().flatten()).collect();
            self.facts.queues.push(QueueFact { developer_name, id, objects });
        }
        Ok(())
    }
}

fn three(row: Vec<Option<String>>) -> Option<[String; 3]> {
    let row: Vec<String> = row.into_iter().map(Option::unwrap_or_default).collect();
    <[String; 3]>::try_from(row).ok()
}
