//! What lies in a state folder: every journal, plan, report and ledger read, every part that a journal vouches for
//! compared. Reads only.

use super::ledgers::read_ledgers;
use super::parts::{NamedFlaw, named_flaws};
use crate::checkpoint::{Examined, RunState, examine, journal_path};
use crate::ledger::inspect::Inspected;
use crate::plan::{PLAN_SCHEMA, Plan};
use crate::ports::{Files, read_all};
use std::collections::BTreeMap;
use std::io;

/// Everything that is known of a state folder.
#[derive(Debug, Default)]
pub struct Facts {
    /// Whether a process holds the state: what is half-written then is being written.
    pub busy: bool,
    /// Runs in the order of their numbers.
    pub runs: Vec<RunFacts>,
    /// Ledgers by org and object.
    pub ledgers: Vec<LedgerFacts>,
    /// Every file with its length, but those of the local org.
    pub files: BTreeMap<String, u64>,
    /// The store of the folded state.
    pub store: StoreFacts,
}

/// What was found of one run.
#[derive(Debug)]
pub struct RunFacts {
    /// Its number, as its folder has it.
    pub run: u32,
    /// Its journal, where there is one.
    pub journal: Option<Examined>,
    /// Its plan.
    pub plan: PlanFile,
    /// Whether its report in JSON, where there is one, is none.
    pub report_broken: bool,
    /// Files that its journal vouches for and that are not as it says.
    pub named: Vec<NamedFlaw>,
}

/// A run's plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanFile {
    /// Not there.
    Absent,
    /// A plan.
    Whole,
    /// A plan of another format.
    Other(String),
    /// No plan.
    Broken,
}

/// What was found of one ledger.
#[derive(Debug)]
pub struct LedgerFacts {
    /// The org's id.
    pub org: String,
    /// The object.
    pub object: String,
    /// Its folder.
    pub inspected: Inspected,
    /// What CURRENT must have said, where it cannot be read and the journals prove it.
    pub proved: Option<super::ledgers::Proved>,
}

impl LedgerFacts {
    /// Where it lies.
    pub fn folder(&self) -> String {
        format!("ledger/{}/{}", self.org, self.object)
    }
}

/// What was found of the store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum StoreFacts {
    /// It was not looked into: a process works on it, or nobody asked.
    #[default]
    Unread,
    /// There is none.
    Absent,
    /// It can be used, and holds a run's state up to this event, or none.
    Usable(Option<(u32, u64)>),
    /// It cannot be used, and why.
    Broken(String),
}

impl RunFacts {
    /// What its journal comes to, where it can be trusted.
    pub fn state(&self) -> Option<&RunState> {
        self.journal.as_ref().filter(|j| j.flaw.is_none()).and_then(|j| j.state.as_ref())
    }

    /// Whether its journal has an event at all.
    pub fn begun(&self) -> bool {
        self.journal.as_ref().is_some_and(|j| !j.lines.is_empty() || j.flaw.is_some())
    }

    /// Where its journal lies.
    pub fn path(&self) -> String {
        journal_path(self.run)
    }
}

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
pub(super) fn absent_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
