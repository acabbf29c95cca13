//! The one upload of a job: its bytes go to the database as they come in.

use super::Call;
use super::answer::{Answer, Failure};
use super::ingest;
use crate::local_org::LocalOrg;
use crate::local_org::job::upload::{PART, append, discard, finish, mark};
use crate::local_org::job::{Job, Kind, State};
use axum::body::Body;
use axum::http::StatusCode;
use futures_util::StreamExt;

/// Longest upload: 150 MB in base 64, which Salesforce says is half as much again.
const LONGEST: usize = 112_500_000;

/// Takes the data of a job. An upload that breaks off leaves the job as it was.
pub(super) async fn put(call: &Call, body: Body) -> Result<Answer, Failure> {
    if call.headers.get("content-encoding").is_some_and(|e| e != "identity") {
        let message = "Uploads are taken uncompressed";
        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message));
    }
    let job = begin(call)?;
    let mut guard = Unfinished { org: call.org.clone(), job: Some(job) };
    let mut stream = body.into_data_stream();
    let mut rest: Vec<u8> = Vec::with_capacity(PART);
    let (mut part, mut length) = (0, 0);
    while let Some(frame) = stream.next().await {
        let frame = frame.map_err(|e| Failure::bad("API_ERROR", &format!("the upload broke off: {e}")))?;
        length += frame.len();
        if length > LONGEST {
            let message = "The upload is larger than 150 MB in base 64";
            return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "CLIENTINPUTERROR", message));
        }
        rest.extend_from_slice(&frame);
        while rest.len() >= PART {
            guard.append(part, &rest[..PART])?;
            rest.drain(..PART);
            part += 1;
        }
    }
    if !rest.is_empty() {
        guard.append(part, &rest)?;
    }
    guard.finish(length as i64)?;
    Ok(Answer::empty(StatusCode::CREATED))
}

/// Marks the job as being uploaded, so that there is one upload only.
fn begin(call: &Call) -> Result<Job, Failure> {
    let db = call.org.db();
    let job = ingest::load(call, &db, Kind::Ingest)?;
    if job.upload != 0 {
        // The typo is Salesforce's own.
        let message = format!(
            "Found multipe contents for job: <{}>, please 'Close' / 'Abort' / 'Delete' the current Job then create a \
             new Job and make sure you only do 'PUT' once on a given Job.",
            job.id.get(..15).unwrap_or(&job.id)
        );
        return Err(Failure::bad("BULK_API_ERROR", &message));
    }
    if job.state != State::Open {
        let message = format!("Uploading to a Job in state {} not allowed", job.state.word());
        return Err(Failure::bad("INVALIDJOBSTATE", &message));
    }
    mark(&db, job.seq, 1)?;
    Ok(job)
}

/// An upload under way; dropped before its end, it is as if it had never begun.
struct Unfinished {
    org: LocalOrg,
    job: Option<Job>,
}

impl Unfinished {
    fn append(&self, part: i64, bytes: &[u8]) -> Result<(), Failure> {
        let Some(job) = &self.job else { return Ok(()) };
        Ok(append(&self.org.db(), job.seq, part, bytes)?)
    }

    fn finish(&mut self, length: i64) -> Result<(), Failure> {
        let Some(job) = self.job.take() else { return Ok(()) };
        let db = self.org.db();
        if finish(&db, job.seq, length, self.org.now())? {
            return Ok(());
        }
        // The job was deleted meanwhile.
        discard(&db, job.seq)?;
        Err(Failure::not_found())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some(job) = self.job.take() else { return };
        let db = self.org.db();
        // Nobody is left to tell; what remains is removed when the org opens again.
        let _ = discard(&db, job.seq).and_then(|()| mark(&db, job.seq, 0));
    }
}
