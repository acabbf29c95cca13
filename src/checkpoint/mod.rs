//! Memory that survives kill -9: the journal of a run, its fold, and the folded state in a disposable store; beside them
//! each environment's org, and the project's secret.
//!
//! Owns the events, what each means for a run's state, and how they reach the disk. Must not know Salesforce, rows
//! or manifests: an event is a fact with names and counts, never a customer's value.

mod environments;
mod event;
mod examine;
mod folded;
mod journal;
mod paper;
mod part;
mod secret;
mod state;
mod store;

pub use environments::{ENVIRONMENTS, Environments, OrgOf};
pub use event::{Ended, Event, LoadName, NamedFile, PartKey, RunNames};
pub use examine::{Examined, Flaw, examine};
pub use folded::{Folded, last_kept, restore, save};
pub use journal::{Journal, JournalError, Line, journal_path, last_run, read_journal};
pub use paper::PaperError;
pub use part::{IllegalEvent, PartState};
pub use secret::{SECRET, Secret};
pub use state::{LoadState, Part, References, RunState};
pub use store::SledStore;

/// Version of the journal's format; another one is refused.
pub const JOURNAL_VERSION: u32 = 1;
