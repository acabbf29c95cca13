//! The parents that have landed, as the row path asks for them. Must not know how a ledger stores them.

use super::surveyed::Surveyed;
use crate::engine::state::Ledgers;
use crate::stage::{Presence, StageError};

/// What has landed, by the number of the object.
pub(in crate::engine) struct Landed<'b, 'a> {
    pub(in crate::engine) ledgers: &'b Ledgers<'a>,
    pub(in crate::engine) objects: &'b [String],
    pub(in crate::engine) survey: &'b Surveyed<'a>,
}

impl crate::stage::Parents for Landed<'_, '_> {
    fn of(&self, object: usize) -> Result<Presence<'_>, StageError> {
        Ok(self
            .objects
            .get(object)
            .map_or_else(|| Box::new(std::iter::empty()) as Presence<'_>, |o| self.ledgers.landed(o)))
    }

    fn going(&self, object: usize) -> Presence<'_> {
        self.survey.going(object)
    }
}
