//! What deciding is given beside the survey, and what it comes to.

use crate::ledger::sort::Sorted;
use crate::model::{KeyHash, LeniencyCounts};
use crate::stage::resolve::Presence;
use std::collections::BTreeSet;

/// What a load's rows need.
pub struct Decided<'a> {
    /// Rows to send, by place ([`crate::stage::Decision`]).
    pub decisions: Sorted<'a>,
    /// Rows left out, by place ([`crate::stage::LeftRecord`]).
    pub left: Sorted<'a>,
    /// Keys of records that will be created.
    pub creates: Sorted<'a>,
    /// Rows whose references the second pass fills, by key.
    pub(in crate::stage) second: Sorted<'a>,
    /// Keys of which no row goes.
    pub nowhere: Sorted<'a>,
    /// Rows with a value that their record does not get, because it is sent on create alone, by place
    /// ([`crate::stage::LeftRecord`]).
    pub stays: Sorted<'a>,
    /// Rows by outcome; those to send are pending.
    pub outcomes: [u64; 10],
    /// Rows to create and to update, by level.
    pub levels: Vec<(u64, u64)>,
    /// Rows with references for the second pass.
    pub deferred: u64,
    /// Those of them that an earlier run, or this one before it was cut off, has sent: without which reference is not
    /// told, for it may have put off others than this plan does.
    pub linkless: u64,
    /// Rows of a delete whose record is gone already.
    pub gone: u64,
    /// Landed rows that are no longer in the source.
    pub absent: u64,
    /// Their record Ids.
    pub absent_ids: Sorted<'a>,
    /// References left blank because their parent is nowhere, or given their fallback.
    pub lenient: LeniencyCounts,
    /// Loops: lines, and whether one reference is filled later.
    pub loops: Vec<(Vec<u32>, bool)>,
    /// Rows that stand deeper in a hierarchy than is loaded by levels, and get their parents later.
    pub too_deep: u64,
}

/// What [`super::decide`] is given beside the survey.
pub struct Decisions<'x> {
    /// The run that is going on, when an interrupted one is continued: its outcomes count as they are.
    pub resumed: Option<u32>,
    /// References of the load that are filled in a second pass, a bit each.
    pub deferred: u64,
    /// Where files are named.
    pub paths: &'x [String],
    /// Keys that several records of the org have, as far as it was asked.
    pub ambiguous: &'x BTreeSet<KeyHash>,
    /// Keys whose record is that of another row's key too.
    pub twice: &'x BTreeSet<KeyHash>,
    /// The loads of this manifest, as entries name them; where the load answers for records of other loads of its
    /// object, which the manifest does not have any more or under another name.
    pub heir_of_all_but: Option<&'x BTreeSet<u16>>,
    /// Keys that stand in the sources of other loads of the same object, sorted.
    pub elsewhere: Presence<'x>,
    /// How often everything has been decided before.
    pub round: u32,
}
