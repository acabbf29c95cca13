//! Meeting the org: who it is, what its objects look like, and the facts that binding asks for.

use super::error::{EngineError, Exit};
use super::ports::Ports;
use crate::bind::{OrgFacts, needs};
use crate::diagnostic::{Code, Diagnostic};
use crate::manifest::{Migration, OrgLogin};
use crate::model::OrgSchema;
use crate::salesforce::{Client, OrgInfo};

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
    let (schema, facts) = client.learn(&needs(migration)).await?;
    Ok(Connected { client, info, schema, facts })
}

/// Whether an apply here needs a saved plan and a typed confirmation: as the environment says, else wherever the org is
/// neither local nor calls itself a sandbox.
pub fn is_protected(migration: &Migration, info: &OrgInfo) -> bool {
    let local = matches!(migration.environment.org, OrgLogin::Local { .. });
    migration.environment.protect.unwrap_or(!local && !info.is_sandbox)
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
