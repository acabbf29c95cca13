//! The types of an inspection: what was read of the state folder, what is wrong with it, and what would mend it. Must not
//! know how any of them is found.

use crate::checkpoint::{Examined, PaperError, RunState, journal_path};
use crate::ledger::SegmentRef;
use crate::ledger::inspect::Inspected;
use std::collections::BTreeMap;

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
    /// What is wrong with the small files beside the journals.
    pub papers: Vec<PaperError>,
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
    pub proved: Option<Proved>,
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

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Something is damaged that is still needed, or may be.
    Damage,
    /// Left over from a process that was cut off: harmless, and in nobody's way.
    Leftover,
    /// Worth knowing.
    Note,
}

impl Grade {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Damage => "damaged",
            Self::Leftover => "leftover",
            Self::Note => "note",
        }
    }
}

/// Something about a file that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub grade: Grade,
    /// The file or folder, below the state folder; a journal's with its line.
    pub path: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub next: String,
    /// What `repair` would do about it.
    pub change: Option<Change>,
    /// Whether it was written by a version that we do not know.
    pub foreign: bool,
}

impl Finding {
    pub(super) fn new(grade: Grade, path: impl Into<String>, what: impl Into<String>, next: &str) -> Self {
        let (path, what, next) = (path.into(), what.into(), next.to_owned());
        Self { grade, path, what, next, change: None, foreign: false }
    }

    pub(super) fn mended(self, change: Change) -> Self {
        Self { change: Some(change), ..self }
    }

    pub(super) fn foreign(self) -> Self {
        Self { foreign: true, ..self }
    }
}

pub(super) const CLEARS: &str = "`cutover state repair` removes it";

/// What a CURRENT must have said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// The segments that count, oldest first.
    pub segments: Vec<SegmentRef>,
    /// Run and journal line of the last one.
    pub last: (u32, u64),
    /// What keys are of.
    pub key: Option<String>,
}

/// A file that is not as the journal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFlaw {
    /// The file.
    pub path: String,
    /// What is wrong with it.
    pub what: String,
    /// What it is for.
    pub role: Role,
}

/// What a named file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Rows whose results are still to be read, or their index: without it they cannot be matched.
    Sent,
    /// Outcomes that the ledger has not folded in.
    Outcomes,
    /// Rows that failed, for people.
    Failures,
    /// What was done to which record: what a rollback goes by.
    Trail,
}

/// Something that is to be done to the state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A journal is cut behind its last whole line.
    Cut {
        /// The journal.
        path: String,
        /// Its length then.
        to: u64,
        /// Bytes that go.
        less: u64,
    },
    /// A ledger gets the CURRENT back that the journals prove.
    Current {
        /// The ledger's folder.
        folder: String,
        /// What it says.
        proved: Proved,
    },
    /// The store of the folded state is thrown away.
    Store,
    /// Keys and record Ids of these runs go into a file of their own, for `report --crosswalk`.
    Crosswalk {
        /// The org's id.
        org: String,
        /// The runs.
        runs: Vec<u32>,
    },
    /// Files are removed, in this order.
    Remove {
        /// The files.
        paths: Vec<String>,
        /// What they are.
        what: String,
    },
}

impl Change {
    /// Files to be removed.
    pub(super) fn remove(paths: impl IntoIterator<Item = String>, what: impl Into<String>) -> Self {
        Self::Remove { paths: paths.into_iter().collect(), what: what.into() }
    }

    /// The change in words.
    pub fn text(&self) -> String {
        match self {
            Self::Cut { path, to, less } => format!("cut {path} to its {to} good bytes ({less} less)"),
            Self::Current { folder, proved } => {
                format!(
                    "write {folder}/CURRENT again: {} segments, which the journals name",
                    proved.segments.len()
                )
            }
            Self::Store => "throw away state/, which the journal makes anew".to_owned(),
            Self::Crosswalk { org, runs } => {
                format!("keep the keys and record Ids of {} in data/crosswalk/{org}/", named(runs))
            }
            Self::Remove { paths, what } => match paths.as_slice() {
                [path] => format!("remove {path}: {what}"),
                _ => format!("remove {} files: {what}", paths.len()),
            },
        }
    }

    /// The files that are removed.
    pub fn removes(&self) -> &[String] {
        match self {
            Self::Remove { paths, .. } => paths,
            _ => &[],
        }
    }
}

/// `runs 1, 2 and 3`.
fn named(runs: &[u32]) -> String {
    let texts: Vec<String> = runs.iter().map(u32::to_string).collect();
    match texts.split_last() {
        Some((last, [])) => format!("run {last}"),
        Some((last, first)) => format!("runs {} and {last}", first.join(", ")),
        None => "no run".to_owned(),
    }
}
