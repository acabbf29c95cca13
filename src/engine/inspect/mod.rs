//! The state folder looked at as a whole: what is there ([`read_facts`]), what is wrong with it ([`findings`]), what
//! mends it or is no longer needed ([`repairs`], [`prunes`]), and doing so ([`perform`]).
//!
//! Reading and doing are I/O; what lies between is pure. Asks no org; must not know the terminal. Each change may be
//! cut off anywhere and made again: what is there then is read anew.

mod change;
mod crosswalk;
mod export;
mod facts;
mod findings;
mod kinds;
mod ledgers;
mod leftovers;
mod parts;
mod prune;
#[cfg(test)]
mod tests;

pub use change::perform;
pub use crosswalk::crosswalk_lines;
pub use export::{LedgerRow, export, orgs};
pub use facts::read_facts;
pub use findings::{findings, repairs};
pub use kinds::{Change, Facts, Finding, Grade, LedgerFacts, PlanFile, RunFacts, StoreFacts};
pub use prune::prunes;
