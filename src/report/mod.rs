//! What happened, for people and machines: text, JSON, crosswalk. Reads the plan and the folded journal; must not
//! know the org, and shows no customer's value but in the crosswalk, which is made to hold them.

mod crosswalk;
mod digits;
mod failures;
mod json;
mod runs;
mod state;
mod status;
mod text;
mod words;

pub use crosswalk::crosswalk;
pub use failures::{FailureGroup, FailureGroups, failure_groups};
pub use json::{check_json, plan_json, report_json, rollback_json};
pub use runs::{runs_json, runs_text};
pub use state::{Looked, changes_text, findings_text, state_json};
pub use status::{Known, status_json, status_text};
pub use text::{plan_text, report_text, rollback_text};
