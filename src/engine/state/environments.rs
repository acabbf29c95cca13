//! Which org an environment is: the one that it was applied to last, unless the user says otherwise. What is known of one org must
//! not be told of another.

use crate::checkpoint::{Environments, OrgOf};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::context::{Connected, EngineError, Exit, Ports};
use crate::manifest::{Migration, OrgLogin};
use crate::ports::Files;

/// Sees to it that an environment leads to the org that it led to before. `accepts`: the user says that it is another one
/// now, and what is known of that is built again from what it has.
///
/// # Errors
/// 81 for another org than before, naming both; 65 where what is remembered cannot be read.
pub fn check_environment(
    ports: &Ports<'_>,
    migration: &Migration,
    connected: &Connected<'_>,
    accepts: bool,
) -> Result<(), EngineError> {
    let known = Environments::read(ports.files)?;
    let (name, here) = (&migration.environment.name, org_of(migration, &connected.info.org_id));
    // An older cutover made all local orgs with the same ids. One that is there no more is no other: its environment may
    // have another name now.
    for (other, org) in known.others_of(name, &here.org_id) {
        let is_there = ports.files.length(&format!("local/{other}/org.db"))?.is_some();
        if org.local && here.local && is_there {
            return Err(two_with_one_id(name, other, &here.org_id));
        }
    }
    match known.org_of(name) {
        Some(before) if before.org_id != here.org_id && !accepts => {
            Err(another_org(name, &before.org_id, &here.org_id))
        }
        _ => Ok(()),
    }
}

/// Remembers the org of an environment that is about to be applied to it.
pub(in crate::engine) fn remember(
    files: &dyn Files,
    migration: &Migration,
    org_id: &str,
) -> Result<(), EngineError> {
    let known = Environments::read(files)?;
    Ok(known.remember(files, &migration.environment.name, org_of(migration, org_id))?)
}

/// What the reviewer should know where other environments have the same org.
pub(in crate::engine) fn shared(
    ports: &Ports<'_>,
    migration: &Migration,
    connected: &Connected<'_>,
) -> Result<Option<String>, EngineError> {
    let (name, org_id) = (&migration.environment.name, &connected.info.org_id);
    let known = Environments::read(ports.files)?;
    let others: Vec<String> = known.others_of(name, org_id).map(|(other, _)| format!("`{other}`")).collect();
    let note = || {
        format!(
            "`{name}` is the same org as {} ({org_id}): they share what is known of it, and what one of them loads has landed for all",
            others.join(", ")
        )
    };
    Ok((!others.is_empty()).then(note))
}

fn org_of(migration: &Migration, org_id: &str) -> OrgOf {
    let local = matches!(migration.environment.org, OrgLogin::Local { .. });
    OrgOf { org_id: org_id.to_owned(), local }
}

fn another_org(name: &str, before: &str, here: &str) -> EngineError {
    let message = format!("`{name}` was org {before} when it was applied last, and is {here} now");
    let help = format!(
        "log in to the right org; or, where it is meant to be another one now, run `cutover apply -e {name} --refresh`: what that org has is taken over by key"
    );
    EngineError::problem(Exit::Stale, Diagnostic::error(Code::StalePlan, message).help(help))
}

fn two_with_one_id(name: &str, other: &str, org_id: &str) -> EngineError {
    let message = format!(
        "the local orgs of `{name}` and `{other}` have one id, {org_id}: what one of them has would be told of the other"
    );
    let help = format!(
        "an older cutover made them so: remove `local/{name}` from the state folder, then run `cutover apply -e {name} --refresh`, which fills a new one"
    );
    EngineError::problem(Exit::Stale, Diagnostic::error(Code::StalePlan, message).help(help))
}
