//! The vocabulary shared by all rooms: ids, keys, hashes, what an org's describe tells, outcomes and their tally, and
//! what the manifest allows to happen to values.
//!
//! No I/O, no HTTP, no wire format: nothing here derives a serialised form, because the client and the local org
//! must each read the API for themselves.

mod id;
mod key;
mod leniency;
mod outcome;
mod schema;

pub use id::{RecordId, RecordIdError};
pub use key::{KeyForm, KeyHash};
pub use leniency::{Leniency, LeniencyCounts, LeniencySet};
pub use outcome::{Outcome, Tally};
pub use schema::{ChildFate, ChildField, FieldSchema, FieldType, ObjectSchema, OrgSchema, RecordType};
