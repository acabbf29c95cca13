//! The row path: chunk -> decisions, payload bytes, hashes, index.
//!
//! Two passes over the sources share it. The survey reads every row once and writes fixed-width records of hashes
//! and places, never a value; merges of these with the ledger decide what each row needs. Staging reads the chunks
//! that hold rows to send and writes parts. Memory is bounded by chunks, sort buffers and one part's index; rows of
//! a hierarchy whose parents have not landed cost about 500 bytes each (see `decide/level.rs`).
//!
//! Must not know HTTP, jobs or the journal.

mod deal;
mod decide;
mod decision;
mod entries;
mod error;
mod hash;
mod left_out;
mod ordered;
mod part;
mod payload;
mod record;
mod resolve;
mod rows_out;
mod scan;
mod shape;
mod source_row;
mod staged_row;
mod step;
mod sums;
mod write;

pub use decide::{Decided, Decisions, Going, Levels, Rules, decide};
pub use decision::{Decision, IndexRecord, LeftRecord, Past, PutOff, action, reason};
pub use entries::Entries;
pub use error::{StageError, StageIo};
pub use hash::Instead;
pub use left_out::{LeftOut, LeftOutFile, Reasons, RowPlace, key_texts, own_keys, write_left_out};
pub use part::{PartLimits, StagedPart};
pub use record::{MissingRecord, RowRecord};
pub use resolve::{Look, Parents, Presence, Resolved, found_ids, referring, resolve};
pub use scan::{Scan, scan};
pub use shape::{Chain, Header, ReferenceShape, RuleShape, Seat, Shape};
pub use step::{StepInputs, StepRows};
pub use sums::{NOTHING_ON_CREATE, Sums};
pub use write::{stage_references, stage_rows};
