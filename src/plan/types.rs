//! The plan as data: what would be done, as written to `plan.json` and shown on one screen. No customer's values.

use crate::stage::LeftOut;
use serde::{Deserialize, Serialize};

/// The format of plans that we write, and the only one that we read.
pub const PLAN_SCHEMA: &str = "cutover.plan/1";

/// Rows of one REST call (reference F4).
const CALL_ROWS: u64 = 200;

/// What would be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_SCHEMA`].
    pub schema: String,
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// The org's id.
    pub org_id: String,
    /// The org's own name.
    #[serde(default)]
    pub org_name: String,
    /// The user who was logged in, where the org told.
    #[serde(default)]
    pub user: Option<String>,
    /// Whether the org says it is a sandbox.
    pub sandbox: bool,
    /// Digest of everything the plan was made from: manifest as resolved, sources, org facts.
    pub inputs: String,
    /// Whether applying it would send anything.
    pub changes: bool,
    /// The sources.
    pub sources: Vec<SourceMark>,
    /// Loads in manifest order.
    pub loads: Vec<PlanLoad>,
    /// Steps in the order in which they run.
    pub steps: Vec<PlanStep>,
    /// References between loads.
    pub edges: Vec<Edge>,
    /// What the reviewer should know.
    pub notes: Vec<String>,
    /// What it deletes again, where the plan is to roll a run back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolls_back: Option<RollsBack>,
}

/// What a rollback deletes, and what it cannot undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollsBack {
    /// The run.
    pub run: u32,
    /// Whether records that were edited since go too.
    pub include_edited: bool,
    /// Objects whose records may go with their parents though the run did not create them.
    pub with: Vec<String>,
    /// Its loads, in its order.
    pub loads: Vec<Undo>,
    /// Records to delete, a batch for each step.
    pub batches: Vec<Batch>,
    /// Records that stay and lose what they point to.
    pub losing: Vec<Losing>,
    /// Records that the run did not create and that go with their parents, because somebody said so.
    pub along: Vec<Losing>,
    /// Fields whose records would go with their parents, and that could not be looked at.
    pub unseen: Vec<String>,
    /// Folder with the lists of Ids, below the state folder.
    pub lists: String,
}

/// What can and cannot be undone of a load: records.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Undo {
    /// The load.
    pub load: String,
    /// Its object.
    pub object: String,
    /// To be deleted.
    pub delete: u64,
    /// Created by the run and gone from the org already.
    pub gone: u64,
    /// Created by the run and edited since: they stay.
    pub edited: u64,
    /// Created by the run; a record that stays would go with them, or keeps them: they stay.
    pub parents: u64,
    /// Created or changed by the run, nobody knows which: they stay.
    pub doubtful: u64,
    /// Created by the run; this login may not delete them: they stay.
    pub undeletable: u64,
    /// Rows that may have created a record, which no answer ever named.
    pub unnamed: u64,
    /// The query that finds what the org may have of such rows, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub find: Option<String>,
    /// There before, and changed by the run: they keep what it wrote.
    pub updated: u64,
    /// Deleted by the run: they stay deleted.
    pub deleted: u64,
}

impl Undo {
    /// Records that stay though the run created them, or may have.
    pub fn stays(&self) -> u64 {
        self.edited + self.parents + self.doubtful + self.undeletable
    }
}

/// Records of one step of a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The load's place in the run.
    pub load: u16,
    /// The object.
    pub object: String,
    /// The key field.
    pub key: String,
    /// How keys are compared.
    pub form: String,
    /// How many.
    pub records: u64,
    /// blake3 of the list of their Ids and keys' hashes, hexadecimal.
    pub blake3: String,
}

/// Records that point by a field to one that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losing {
    /// Their object.
    pub object: String,
    /// The field.
    pub field: String,
    /// How many.
    pub records: u64,
}

/// What a step's rows are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Rows of a load, or of one level of its hierarchy.
    Rows,
    /// The second pass that fills deferred references.
    References,
}

/// By which API a step's rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// Jobs of the Bulk API.
    #[default]
    Bulk,
    /// REST calls of up to 200 records that answer at once.
    Collections,
}

/// A reference of one load to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edge {
    /// The load that goes first.
    pub parent: String,
    /// The load that points to it.
    pub child: String,
    /// The field, `after`, or `delete`: records go before those that they may belong to.
    pub by: String,
    /// Whether it is filled in a second pass.
    pub deferred: bool,
}

/// A source file as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceMark {
    /// Path as the manifest's project sees it.
    pub path: String,
    /// Bytes.
    pub length: u64,
    /// blake3, hexadecimal.
    pub blake3: String,
}

/// One load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the counts are named after the outcomes of the vocabulary")]
pub struct PlanLoad {
    pub name: String,
    pub object: String,
    pub operation: String,
    pub key: String,
    /// Loads that must be done before it: parents, `after`, and loads of the same object that stand before it.
    pub needs: Vec<String>,
    pub source: u64,
    pub filtered: u64,
    pub rejected: u64,
    pub duplicate: u64,
    pub held: u64,
    pub unchanged: u64,
    pub create: u64,
    pub update: u64,
    /// Records that will be gone.
    #[serde(default)]
    pub delete: u64,
    /// Rows of an interrupted run that have their outcome already.
    pub done: u64,
    pub absent: u64,
    /// References to be filled in a second pass.
    pub deferred: u64,
    /// Why rows are left out: message, rows, first place.
    pub reasons: Vec<LeftOut>,
    /// What happens to values because the manifest allows it.
    #[serde(default)]
    pub lenient: Vec<Lenient>,
}

/// What happens to values of one field because the manifest allows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lenient {
    /// The field.
    pub field: String,
    /// What: a word of [`crate::model::Leniency`].
    pub what: String,
    /// How many values of rows that take part.
    pub values: u64,
}

impl Plan {
    /// Rows that will not load: rejected or held. Of copies of another row the manifest says that they do not.
    pub fn left_out(&self) -> u64 {
        self.loads.iter().map(|load| load.rejected + load.held).sum()
    }
}

impl PlanLoad {
    /// Rows with an outcome, or with something to be done.
    pub fn decided(&self) -> u64 {
        let left = self.filtered + self.rejected + self.duplicate + self.held;
        left + self.unchanged + self.done + self.create + self.update + self.delete
    }

    /// Whether its records are gone afterwards.
    pub fn deletes(&self) -> bool {
        matches!(self.operation.as_str(), "delete" | "hardDelete")
    }

    /// Whether every row of the source has exactly one of them.
    pub fn balances(&self) -> bool {
        self.source == self.decided()
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// Its place in the plan, from 0.
    pub index: u16,
    /// Its wave, from 1.
    pub wave: u16,
    /// Its load's place in the manifest.
    pub load: u16,
    /// The load's name.
    pub name: String,
    /// `rows` or `references`.
    pub kind: StepKind,
    /// Level of a hierarchy, from 0.
    pub level: u16,
    /// Rows to send, as far as known.
    pub rows: u64,
    /// The job's operation.
    pub operation: String,
    /// By which API.
    #[serde(default)]
    pub api: Api,
    /// Jobs expected, or as many batches of calls.
    pub parts: u64,
    /// Rows that one job may hold.
    pub part_rows: u32,
    /// The parent whose records the step locks: field and object.
    pub lock: Option<Lock>,
    /// Steps that must be done before it.
    pub needs: Vec<u16>,
}

impl PlanStep {
    /// REST calls expected; none for jobs.
    pub fn calls(&self) -> u64 {
        match self.api {
            Api::Bulk => 0,
            Api::Collections => self.rows.div_ceil(CALL_ROWS).max(self.parts),
        }
    }
}

/// The parent that a step's rows lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The field.
    pub field: String,
    /// The parent object.
    pub object: String,
    /// Why this field.
    pub reason: String,
    /// Whether the step may run beside another that locks the same parents.
    pub overlap: bool,
}
