//! What is worth remembering. Facts in the past tense, except `job_intent`, which must be durable before its effect.

use crate::plan::{Api, Lenient, Plan, StepKind};
use serde::{Deserialize, Serialize};

/// A part of a step, by the step's place in the plan and the part's number within the run's step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartKey {
    /// The step's place in the plan.
    pub step: u16,
    /// The part's number, never used twice in a run.
    pub number: u32,
}

impl std::fmt::Display for PartKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.step, self.number)
    }
}

/// A file that an event vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedFile {
    /// Path below the state folder.
    pub path: String,
    /// Bytes.
    pub length: u64,
    /// blake3, hexadecimal.
    pub blake3: String,
}

/// A load as the report names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadName {
    /// The load's name.
    pub name: String,
    /// Its object.
    pub object: String,
    /// Its source files, in order: an index names them by number.
    pub files: Vec<String>,
}

/// Whose a run is, as people call it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunNames {
    /// The project.
    pub project: String,
    /// The org's own name.
    pub org: String,
    /// The user who was logged in, where the org told.
    pub user: Option<String>,
}

impl RunNames {
    /// Those of the plan that a run carries out.
    pub fn of(plan: &Plan) -> Self {
        Self { project: plan.project.clone(), org: plan.org_name.clone(), user: plan.user.clone() }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Every step ran.
    Finished,
    /// The failure budget was spent.
    Budget,
    /// Its inputs changed before it was finished; a new run took over.
    Superseded,
}

/// One event of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are named after what they hold")]
pub enum Event {
    /// A run began: who, where, and the digest of its inputs.
    RunStarted {
        version: u32,
        run: u32,
        environment: String,
        org_id: String,
        inputs: String,
        loads: Vec<LoadName>,
        /// The run whose records this one deletes again, where that is what it is for.
        #[serde(default)]
        rolls_back: Option<u32>,
        #[serde(default)]
        names: RunNames,
    },
    /// The same run went on: after it was interrupted, or because records were made anew in it and what refers to them
    /// goes again.
    RunResumed { inputs: String },
    /// All rows of a load were read: rows by outcome, `pending` being those still to be sent. Replaces what was
    /// counted for the load before: outcomes of rows that this run has sent already are in it.
    Surveyed {
        load: u16,
        source: u64,
        outcomes: [u64; 10],
        absent: u64,
        #[serde(default, skip_serializing_if = "is_none")]
        quotes: u64,
        /// What happened to values because the manifest allows it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lenient: Vec<Lenient>,
    },
    /// A step's rows were divided into parts. Rows that turned out held or rejected only now are counted here.
    StepStaged {
        step: u16,
        load: u16,
        kind: StepKind,
        rows: u64,
        held: u64,
        rejected: u64,
        waiting: u64,
        /// Whether its rows set `CreatedDate`: then the date of a record does not tell that the run created it.
        #[serde(default, skip_serializing_if = "is_false")]
        dated: bool,
    },
    /// A part lies on the disk.
    PartStaged {
        part: PartKey,
        load: u16,
        kind: StepKind,
        operation: String,
        object: String,
        key: String,
        form: String,
        #[serde(default)]
        api: Api,
        /// The assignment rules that run on its rows: a rule's Id, or `TRUE` for the territory rules of accounts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        assign: Option<String>,
        attempt: u32,
        rows: u64,
        file: NamedFile,
        index: NamedFile,
    },
    /// A job is about to be created for the part.
    JobIntent { part: PartKey },
    /// The part's rows are about to go by REST calls that answer at once.
    CallsIntent { part: PartKey },
    /// The org gave the job an id.
    JobCreated {
        part: PartKey,
        job: String,
        /// When, by the org's own clock, `2024-09-09T19:25:27` in UTC; nothing where it did not tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        there: Option<String>,
    },
    /// The data arrived.
    Uploaded { part: PartKey },
    /// The upload was closed: the org works on it.
    Closed { part: PartKey },
    /// Every row of the part has its outcome, and the ledger's segment with them is on the disk.
    PartSettled {
        part: PartKey,
        state: String,
        created: u64,
        updated: u64,
        deleted: u64,
        /// Rows of a delete whose record was gone already.
        #[serde(default)]
        unchanged: u64,
        /// Rows that the org refused because what they point to is not there.
        #[serde(default)]
        held: u64,
        failed: u64,
        segment: Option<NamedFile>,
        failures: Option<NamedFile>,
        /// What was done to which record; nothing in journals of before there were rollbacks.
        #[serde(default)]
        trail: Option<NamedFile>,
        /// Rows whose record has another Id than it had: what refers to them goes again.
        #[serde(default, skip_serializing_if = "is_none")]
        renewed: u64,
        /// Answers that were not believed: they name no row of the part, or a record that cannot be the row's.
        #[serde(default, skip_serializing_if = "is_none")]
        set_aside: u64,
        /// When the org was done with the rows, by its own clock, `2024-09-09T19:25:27` in UTC; nothing where it did not
        /// tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        over: Option<String>,
    },
    /// The part was given up before the org saw its rows; they are planned anew.
    PartDropped { part: PartKey, reason: String },
    /// All parts of a step are settled.
    StepDone { step: u16 },
    /// The run stopped where it can go on.
    RunPaused {
        exit: u8,
        /// Why: `stopped`, `limit`, or the code of the error; never its text.
        #[serde(default)]
        why: Option<String>,
        /// Loads after which the manifest wants a pause, if this is one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        after: Vec<u16>,
        /// When it makes sense to come back, in milliseconds since 1970, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        back: Option<i64>,
    },
    /// The run is over.
    RunEnded { ended: Ended, exit: u8 },
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}
