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
mod ledgers;
mod parts;
mod prune;
#[cfg(test)]
mod tests;

pub use change::{Change, perform};
pub use crosswalk::crosswalk_lines;
pub use export::{LedgerRow, export, orgs};
pub use facts::{Facts, LedgerFacts, PlanFile, RunFacts, StoreFacts, read_facts};
pub use findings::{Finding, Grade, findings, repairs};
pub use prune::prunes;
