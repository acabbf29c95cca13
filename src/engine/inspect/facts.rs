//! What lies in a state folder: every journal, plan, report and ledger read, every part that a journal vouches for
//! compared. Reads only.

use super::kinds::{Facts, PlanFile, RunFacts, StoreFacts};
use super::ledgers::read_ledgers;
use super::parts::named_flaws;
use crate::checkpoint::{Environments, PaperError, Secret, examine, journal_path};
use crate::plan::{PLAN_SCHEMA, Plan};
use crate::ports::{Files, read_all};
use std::collections::BTreeMap;
use std::io;

/// Reads a state folder. `busy`: whether a process holds it; the store is looked at by whoever can.
///
/// # Errors
/// The disk's own error.
pub fn read_facts(files: &dyn Files, busy: bool, store: StoreFacts) -> io::Result<Facts> {
    let mut found = Facts { busy, store, ..Facts::default() };
    walk(files, "", &mut found.files)?;
    for name in files.list("runs")? {
        let Some(run) = name.strip_suffix('/').and_then(|n| n.parse::<u32>().ok()) else { continue };
        found.runs.push(read_run(files, run)?);
    }
    found.runs.sort_by_key(|run| run.run);
    let papers = [Secret::read(files).map(|_| ()), Environments::read(files).map(|_| ())];
    for flaw in papers.into_iter().filter_map(Result::err) {
        match flaw {
            PaperError::Disk(error) => return Err(error),
            flaw => found.papers.push(flaw),
        }
    }
    found.ledgers = read_ledgers(files, &found.runs)?;
    for run in &mut found.runs {
        run.named = named_flaws(files, run, &found.ledgers)?;
    }
    Ok(found)
}

/// Every file below a folder; the local org's and the store's are their own affair.
fn walk(files: &dyn Files, folder: &str, found: &mut BTreeMap<String, u64>) -> io::Result<()> {
    for name in files.list(folder)? {
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        match path.strip_suffix('/') {
            Some("local") => {}
            Some(below) => walk(files, below, found)?,
            // A file may go while the folder is being read.
            None => found.extend(files.length(&path)?.map(|length| (path, length))),
        }
    }
    Ok(())
}

fn read_run(files: &dyn Files, run: u32) -> io::Result<RunFacts> {
    let journal = absent_is_none(examine(files, &journal_path(run)))?;
    let plan = read_plan(files, &format!("runs/{run}/plan.json"))?;
    let report = absent_is_none(read_all(files, &format!("runs/{run}/report.json")))?;
    let report_broken = report.is_some_and(|r| serde_json::from_slice::<serde_json::Value>(&r).is_err());
    Ok(RunFacts { run, journal, plan, report_broken, named: Vec::new() })
}

fn read_plan(files: &dyn Files, path: &str) -> io::Result<PlanFile> {
    let Some(bytes) = absent_is_none(read_all(files, path))? else { return Ok(PlanFile::Absent) };
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(&bytes) else { return Ok(PlanFile::Broken) };
    Ok(match value.get("schema").and_then(serde_json::Value::as_str) {
        Some(PLAN_SCHEMA) if serde_json::from_value::<Plan>(value.clone()).is_ok() => PlanFile::Whole,
        Some(PLAN_SCHEMA) | None => PlanFile::Broken,
        Some(other) => PlanFile::Other(other.to_owned()),
    })
}

/// What is not there any more was taken away by a process at work, or was never there.
fn absent_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
