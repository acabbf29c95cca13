//! The loads as the graph sees them, and which of them reach each other. Must not know how an order is found.

use crate::bind::Belongs;
use crate::diagnostic::Place;
use std::collections::BTreeSet;

/// A load as the graph sees it.
#[derive(Debug, Clone)]
pub struct GraphLoad {
    /// Its name.
    pub name: String,
    /// Its object, as an index into the list of objects that are loaded.
    pub object: usize,
    /// Loads that must go before it though no reference says so.
    pub after: Vec<usize>,
    /// Its references, in the order of its fields.
    pub references: Vec<GraphReference>,
    /// For a load that deletes: the objects that its records may point to, and how much they belong to them.
    pub deletes: Option<Vec<(usize, Belongs)>>,
    /// Where it stands.
    pub place: Place,
}

/// A reference of a load.
#[derive(Debug, Clone)]
pub struct GraphReference {
    /// The field.
    pub field: String,
    /// The objects it can point to.
    pub parents: Vec<usize>,
    /// Whether it can be filled later: nillable and updateable.
    pub deferrable: bool,
    /// Rows that have a value in it.
    pub rows: u64,
    /// Where it stands.
    pub place: Place,
}

/// A reference that is filled in a second pass, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferred {
    /// The load.
    pub load: usize,
    /// The reference, as an index into the load's references.
    pub reference: usize,
    /// Why this one.
    pub reason: String,
}

/// Whether `from` needs `to`, directly or not.
pub(super) fn reaches(needs: &[BTreeSet<usize>], from: usize, to: usize) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(load) = open.pop() {
        if load == to {
            return true;
        }
        if seen.insert(load) {
            open.extend(needs[load].iter().copied());
        }
    }
    false
}
