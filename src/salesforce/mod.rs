//! The remote as the engine sees it: an org behind [`crate::ports::Org`], asked in the API's own words.
//!
//! Owns the logins, the reading of the REST and Bulk API 2.0 (requests, replies, errors, result files), what may be
//! repeated, and the pace of polling. `transport.rs` is the form with sockets and the only file that names its HTTP
//! client. Must not know the local org, the journal or runs: it says what happened, others decide what it means.
//!
//! | file | question |
//! |---|---|
//! | `client.rs` | how one request is sent, repeated and read |
//! | `retry.rs` | may this be sent again, and when |
//! | `error.rs` | what a refusal says |
//! | `login/` | how a token is got, and got again |
//! | `facts.rs`, `describe.rs` | which org is this, and what is an object like |
//! | `learn.rs` | what binding needs to know |
//! | `query.rs`, `bulk_query.rs`, `soql.rs` | records by SOQL |
//! | `collections.rs` | up to 200 records in one call |
//! | `moment.rs` | what time it is for the org |
//! | `limits.rs` | what the org still allows today |
//! | `jobs.rs`, `poll.rs` | ingest jobs, and how often to ask for them |
//! | `download.rs`, `results.rs`, `row_error.rs` | what became of each row |

mod bulk_query;
mod call;
mod client;
mod collections;
mod csv_stream;
mod describe;
mod download;
mod error;
mod facts;
mod jobs;
mod learn;
mod limits;
mod login;
mod moment;
mod poll;
mod query;
mod results;
mod retry;
mod row_error;
mod soql;
#[cfg(test)]
mod testing;
mod transport;
mod usage;

pub use call::MakeBody;
pub use client::Client;
pub use client::NEWEST_VERSION;
pub use collections::Assign;
pub use collections::COLLECTION_ROWS;
pub use collections::Cell;
pub use collections::Parent;
pub use collections::Record;
pub use collections::Saved;
pub use error::{OrgError, tells_limit, tells_maintenance};
pub use facts::OrgInfo;
pub use jobs::{JobInfo, JobOperation, JobSpec, JobStage, JobState};
pub use limits::{Limit, Limits};
pub use login::{Grant, KeyProblem, LogIn, OAuth, Session, SfCommand, SfLogin, SfOutput, SigningKey};
pub use poll::{next_wait, polls};
pub use query::{Row, RowSink};
pub use results::{ResultKind, ResultRow, ResultRows, ResultSink, ResultsError};
pub use retry::{Budget, Decision, Kind, Outcome, Tried, decide};
pub use row_error::{ErrorClass, RowError};
pub use soql::{in_lists, quote};
pub use transport::{HttpOrg, Patience, TransportProblem};
pub use usage::Usage;
