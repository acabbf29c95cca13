//! The one upload of a job: its bytes go to the database as they come in.

use super::answer::{Answer, Failure};
use super::{Call, ingest};
use crate::local_org::LocalOrg;
use crate::local_org::job::info::{Job, Kind, State};
use crate::local_org::job::upload::{PART, append, discard, finish, mark};
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CONTENT_ENCODING;
use flate2::write::GzDecoder;
use futures_util::StreamExt;
use std::io::Write;

/// Bytes of the longest upload. Salesforce takes 150 MB in base 64 and says to keep raw data under 100 MB.
///
/// Unconfirmed(upload-size): where between the two an upload is refused, and how; choice: above 100 MB, in the words of
/// the older Bulk API.
const LONGEST: usize = 100 * 1024 * 1024;

/// Takes the data of a job. An upload that breaks off, or is too large, leaves the job as it was.
pub(super) async fn put(call: &Call, body: Body) -> Result<Answer, Failure> {
    let mut bytes = Incoming::new(call)?;
    let job = begin(call)?;
    let mut guard = Unfinished { org: call.org.clone(), job: Some(job) };
    let mut stream = body.into_data_stream();
    while let Some(frame) = stream.next().await {
        let frame = frame.map_err(|e| broke_off(&e.to_string()))?;
        bytes.take(&frame)?;
        guard.store(&mut bytes, PART)?;
    }
    bytes.end()?;
    guard.store(&mut bytes, 1)?;
    guard.finish(bytes.length as i64)?;
    Ok(Answer::empty(StatusCode::CREATED))
}

fn broke_off(why: &str) -> Failure {
    Failure::bad("API_ERROR", &format!("the upload broke off: {why}"))
}

/// Bytes that came in and are not stored yet, uncompressed.
struct Incoming {
    unpack: Option<GzDecoder<Vec<u8>>>,
    waiting: Vec<u8>,
    /// Bytes so far.
    length: usize,
    /// Parts stored so far.
    parts: i64,
}

impl Incoming {
    /// What the call is going to send. Its only compression is gzip; another one is refused with 415.
    fn new(call: &Call) -> Result<Self, Failure> {
        let encoding =
            call.headers.get(CONTENT_ENCODING).map_or("identity", |e| e.to_str().unwrap_or_default());
        let unpack = match encoding.to_ascii_lowercase().as_str() {
            "identity" => None,
            "gzip" => Some(GzDecoder::new(Vec::new())),
            _ => {
                let message = "The only valid compression value is gzip";
                return Err(Failure::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "UNSUPPORTED_MEDIA_TYPE",
                    message,
                ));
            }
        };
        Ok(Self { unpack, waiting: Vec::with_capacity(PART), length: 0, parts: 0 })
    }

    fn take(&mut self, frame: &[u8]) -> Result<(), Failure> {
        let before = self.waiting.len();
        match &mut self.unpack {
            None => self.waiting.extend_from_slice(frame),
            Some(unpack) => {
                unpack.write_all(frame).map_err(|e| broke_off(&e.to_string()))?;
                self.waiting.append(unpack.get_mut());
            }
        }
        self.count(before)
    }

    /// Takes what the compression still held back.
    fn end(&mut self) -> Result<(), Failure> {
        let before = self.waiting.len();
        if let Some(unpack) = self.unpack.take() {
            self.waiting.extend(unpack.finish().map_err(|e| broke_off(&e.to_string()))?);
        }
        self.count(before)
    }

    fn count(&mut self, before: usize) -> Result<(), Failure> {
        self.length += self.waiting.len() - before;
        if self.length <= LONGEST {
            return Ok(());
        }
        let message = format!("Failed to read request. Exceeded max size limit of {LONGEST}");
        Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "CLIENTINPUTERROR", &message))
    }
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
    // Unconfirmed(upload-not-open): the code and text; choice: the code of aborting a finished job.
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
    /// Stores what came in, in whole parts while at least `least` bytes are there.
    fn store(&self, bytes: &mut Incoming, least: usize) -> Result<(), Failure> {
        let Some(job) = &self.job else { return Ok(()) };
        while bytes.waiting.len() >= least {
            let size = bytes.waiting.len().min(PART);
            append(&self.org.db(), job.seq, bytes.parts, &bytes.waiting[..size])?;
            bytes.waiting.drain(..size);
            bytes.parts += 1;
        }
        Ok(())
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
