//! Before a load that inserts begins with nothing known of it: whether records with its keys are in the org already, as
//! they are where the state of an earlier run was lost. An org takes such rows a second time without a word.
//!
//! Must not know how keys are asked for.

use super::existing_records::there_already;
use crate::bind::{Bound, BoundObject};
use crate::checkpoint::{RunState, journal_path, last_run, read_journal};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::context::{EngineError, Exit, Ports};
use crate::engine::state::Ledgers;
use crate::ledger::{State, load_tag};
use crate::manifest::Operation;
use crate::salesforce::Client;
use crate::stage::{Scan, Shape};

/// Asks the org for the keys of every load that inserts where it may have records that the ledger does not know: the
/// ledger has not one row of the load, or the org has more records than the ledger, as it does where an older copy of the
/// state was put back. Beside a run that is not over, and is not the one that goes on (`resumes`), nothing is asked: its
/// own rows may be there.
///
/// # Errors
/// 81 for each load whose records are there; the org's refusal, or the disk's own.
pub(super) async fn check_inserts(
    ports: &Ports<'_>,
    client: &Client<'_>,
    bound: &Bound,
    (shapes, scans): (&[Shape], &[Scan<'_>]),
    ledgers: &Ledgers<'_>,
    resumes: bool,
) -> Result<(), EngineError> {
    if !resumes && is_under_way(ports, ledgers)? {
        return Ok(());
    }
    let mut problems = Vec::new();
    let inserts = |(shape, _): &(&Shape, &Scan<'_>)| shape.operation == Operation::Insert;
    for (shape, scan) in shapes.iter().zip(scans).filter(inserts) {
        let object = &bound.objects[shape.object];
        let known = is_known(ledgers, object, shape)?;
        if !known || has_more(client, object, ledgers).await? {
            let there = there_already(ports, client, object, shape, scan, ledgers).await?;
            problems.extend((there > 0).then(|| already(shape, object, there, known)));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(EngineError::Problems(Exit::Stale, problems)) }
}

/// Whether the newest run went into this org and is not over.
fn is_under_way(ports: &Ports<'_>, ledgers: &Ledgers<'_>) -> Result<bool, EngineError> {
    let path = journal_path(last_run(ports.files)?);
    let (lines, _) = read_journal(ports.files, &path)?;
    let state = RunState::fold(&path, &lines)?;
    Ok(ledgers.is_of(&state.org_id) && state.ended.is_none())
}

/// Whether a row of the load was ever sent, as far as the ledger knows.
fn is_known(ledgers: &Ledgers<'_>, object: &BoundObject, shape: &Shape) -> Result<bool, EngineError> {
    let tag = load_tag(&shape.name);
    for entry in ledgers.entries_with_removed(&object.name) {
        if entry?.load == tag {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the org has more records of an object than the ledger knows.
async fn has_more(
    client: &Client<'_>,
    object: &BoundObject,
    ledgers: &Ledgers<'_>,
) -> Result<bool, EngineError> {
    let mut landed = 0;
    for entry in ledgers.entries(&object.name) {
        landed += u64::from(entry?.state == State::Landed);
    }
    let soql = format!("SELECT COUNT() FROM {} WHERE {} != null", object.name, object.key);
    Ok(client.count(&soql).await? > landed)
}

/// `known`: whether the ledger has other rows of the load.
fn already(shape: &Shape, object: &BoundObject, there: u64, known: bool) -> Diagnostic {
    let why = if known {
        "the state knows nothing of them (it may be an older copy)"
    } else {
        "nothing is known of an earlier run"
    };
    let message = format!(
        "{}: {there} of the rows to be inserted have a {} record with their {} in the org, and {why}: they would be there twice",
        shape.name, object.name, object.key
    );
    let help =
        "run `cutover apply --refresh`: it takes over the records that are there and inserts the others";
    Diagnostic::error(Code::OrgDrift, message).help(help)
}
