//! What the survey found, for those who decide and those who plan. Must not know how sources are read or rows decided.

use crate::engine::state::union;
use crate::plan::{GraphLoad, Lock, Order};
use crate::stage::{Decided, Presence, Reasons, RowRecord, Scan, Shape};

/// Where sorted runs of the survey lie.
pub(super) const SCRATCH: &str = "data/scratch";

/// What the survey found.
pub struct Surveyed<'a> {
    /// The shape of each load.
    pub shapes: Vec<Shape>,
    /// What each source holds.
    pub scans: Vec<Scan<'a>>,
    /// What each load's rows need.
    pub decided: Vec<Decided<'a>>,
    /// Why rows are left out.
    pub reasons: Vec<Reasons>,
    /// The graph's loads.
    pub graph: Vec<GraphLoad>,
    /// The order found.
    pub order: Order,
    /// References of each load that are filled in a second pass, a bit each.
    pub deferred: Vec<u64>,
    /// What the reviewer should know.
    pub notes: Vec<String>,
    /// The reference whose parents each load locks.
    pub locks: Vec<Option<(usize, Lock)>>,
}

impl Surveyed<'_> {
    /// References that a second pass of a load may fill: those that break cycles, and self-references where rows
    /// point at each other or stand too deep; all that can wait, where rows still lack what an earlier plan put off.
    pub fn second_pass(&self, load: usize) -> u64 {
        let (shape, earlier) = (&self.shapes[load], self.decided[load].linkless > 0);
        let references = shape.references.iter().enumerate();
        let later = references.filter(|(_, r)| r.deferrable && (earlier || r.points_to(shape.object)));
        self.deferred[load] | later.map(|(i, _)| 1 << i).sum::<u64>()
    }
}

impl Surveyed<'_> {
    /// Keys of an object that the manifest deletes: whether the org will do it is not known yet, so that nobody
    /// counts on their being there.
    pub(in crate::engine) fn going(&self, object: usize) -> Presence<'_> {
        let loads = self.shapes.iter().zip(&self.scans);
        keys(loads.filter(|(s, _)| s.object == object && s.operation.deletes()).map(|(_, scan)| scan))
    }
}

/// The keys of these loads' rows, sorted.
pub(super) fn keys<'s>(scans: impl Iterator<Item = &'s Scan<'s>>) -> Presence<'s> {
    scans
        .map(|scan| scan.rows.iter().decode(|bytes| (RowRecord::decode(bytes).key, None)))
        .fold(Box::new(std::iter::empty()), |all, keys| union(all, Box::new(keys)))
}

/// What the survey is told beside its inputs.
pub(super) struct SurveyOptions<'x> {
    /// The run that goes on, when an interrupted one is continued.
    pub(super) resumed: Option<u32>,
    /// Where the files of rows left out go; nowhere for a plan.
    pub(super) left_out: Option<&'x str>,
    /// Which loads take part.
    pub(super) selected: &'x [bool],
}
