//! What is known of runs and records: ledgers, files that the journal names, whether a run is alive, what it left behind,
//! which records were recreated, its trail, which org each environment is, and whether all rows are accounted for. Must not
//! know how a plan is made or how a part is sent.

mod balance;
mod cleanup;
mod consistency;
mod environments;
mod ledgers;
mod liveness;
mod org_keys;
mod recreated;
mod republish;
mod trail;
mod verified_file;

pub(in crate::engine) use balance::{check_plan, exit_of};
pub(in crate::engine) use cleanup::{keep_rest, remove_staged};
pub(in crate::engine) use consistency::check_whole;
pub use environments::check_environment;
pub(in crate::engine) use environments::{remember, shared};
pub use ledgers::Ledgers;
pub(in crate::engine) use ledgers::union;
pub use liveness::{Standing, part_word, recovery_of, under_way, why_in_words};
pub(in crate::engine) use liveness::{alive, why};
pub(in crate::engine) use org_keys::{KEYED, SORT_BUDGET, adopted, all_keys, each_once, entry, keyed, push};
pub(in crate::engine) use recreated::{OrgKeys, Stale, is_beside, is_same, note, note_keys, open_notes};
pub(in crate::engine) use republish::republish;
pub(in crate::engine) use trail::{Deed, MOMENT, Moment, TrailRecord, read_trail, trail_path};
pub(in crate::engine) use verified_file::{damaged, lost, read_named};
