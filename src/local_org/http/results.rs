//! Result files, streamed a page of lines at a time.

use super::answer::{Answer, Failure};
use super::{Call, ingest};
use crate::local_org::LocalOrg;
use crate::local_org::job::info::{Job, Kind};
use crate::local_org::job::results::{File, content, header, page};
use axum::body::Body;
use csv::ByteRecord;
use futures_util::stream::try_unfold;

/// One of the three files of an ingest job that is done.
pub(super) fn ingest(call: &Call, file: File) -> Result<Answer, Failure> {
    let job = ingest::find(call, Kind::Ingest)?;
    // Unconfirmed(results-before-end): what results of a job under way answer; choice: that the state forbids it.
    if !job.state.is_done() {
        let message = format!("Results of a Job in state {} not available", job.state.word());
        return Err(Failure::bad("INVALIDJOBSTATE", &message));
    }
    let first = header(&call.org.db(), &job, file)?;
    let start = Next { org: call.org.clone(), job, file, first: Some(first), from: 0 };
    let stream = try_unfold(start, |next| async move { next.advance() });
    Ok(Answer::csv(Body::from_stream(stream)))
}

/// Where a stream of lines stands.
struct Next {
    org: LocalOrg,
    job: Job,
    file: File,
    first: Option<String>,
    from: i64,
}

impl Next {
    fn advance(mut self) -> Result<Option<(String, Self)>, rusqlite::Error> {
        if let Some(first) = self.first.take() {
            return Ok(Some((first, self)));
        }
        // Faults before the database, as in a step: the other way round two could wait for each other.
        let found = {
            let faults = self.org.faults();
            let seed = self.org.0.facts.seed;
            let lost =
                |record: &ByteRecord| !faults.is_empty() && faults.loses(seed, self.job.seq, content(record));
            page(&self.org.db(), &self.job, self.file, self.from, &lost)?
        };
        Ok(found.map(|(lines, from)| {
            self.from = from;
            (lines, self)
        }))
    }
}
