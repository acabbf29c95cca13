//! What staging a step takes, and what it gives. Must not know how rows are dealt to parts.

use super::error::StageIo;
use super::part::{PartLimits, StagedPart};
use super::resolve::Parents;
use super::scan::Scan;
use super::shape::Shape;
use crate::ledger::sort::Sorted;

/// The rows of a step, staged.
pub struct StepRows<'a> {
    /// The parts, in the order in which they go.
    pub parts: Vec<StagedPart>,
    /// Rows that turned out held or rejected only now, and rows of a second pass that still wait for a parent, by place
    /// ([`LeftRecord`](super::LeftRecord)).
    pub left: Sorted<'a>,
    /// How many of them are held.
    pub held: u64,
    /// How many of them are rejected.
    pub rejected: u64,
    /// Rows of a second pass whose parent has not landed.
    pub waiting: u64,
}

/// What both kinds of step have in common.
pub struct StepInputs<'x, 'a> {
    /// The ports.
    pub io: StageIo<'a>,
    /// The load.
    pub shape: &'x Shape,
    /// Its survey.
    pub scan: &'x Scan<'a>,
    /// References of the load that are filled in a second pass, a bit each.
    pub deferred: u64,
    /// What has landed, by object.
    pub landed: &'x dyn Parents,
    /// Part sizes.
    pub limits: PartLimits,
    /// The reference whose parents are locked.
    pub lock: Option<usize>,
    /// Where temporary files go.
    pub scratch: &'x str,
    /// Names a part's files, without ending.
    pub name: &'x (dyn Fn(u32) -> String + Sync),
}
