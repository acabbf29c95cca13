//! The null controls: what a test can make our own code do wrong, to see that its suite turns red. The flaws live in
//! the ports of the test world, between the engine and the disk or the org, and nowhere in the program: no word of a
//! manifest, no argument and no variable reaches them.
//!
//! - [`Flaw::Forgetful`]: what is written to the journal is not synced, as if `commit` were left out. (The state's store is
//!   flushed: it remembers that there was more.)
//! - [`Flaw::LateIntent`]: the line of an intent reaches the journal only with the line after it, which tells the
//!   outcome: an engine that acts first and writes then. (Written in the wrong order, the lines would be refused at once
//!   by their numbers; what a crash leaves of such an engine is a journal that lacks the intent.)
//! - [`Flaw::OutcomeFirst`]: the same for a whole part: nothing of intent, job, upload and close is in the journal
//!   until its outcome is.
//! - [`Flaw::ByPosition`]: the results of a job name its rows in the order of the upload. That is what an engine sees
//!   that takes the first result for the first row, and so on, whatever keys stand in them: ours reads the keys, so
//!   they are written over the results' own by position.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The journal is not synced.
    Forgetful,
    /// A job is made, or calls are, before the journal says that they will be.
    LateIntent,
    /// The journal tells the outcome of a part before it tells anything else of it but that it was staged.
    OutcomeFirst,
    /// Results are matched by position.
    ByPosition,
}

/// A flaw at work in one life.
#[derive(Default)]
pub struct Broken {
    flaw: Option<Flaw>,
    held: Mutex<Vec<u8>>,
    uploads: Mutex<BTreeMap<String, Upload>>,
}

/// Rows of a job as they were sent.
#[derive(Default)]
struct Upload {
    header: csv::StringRecord,
    rows: Vec<csv::StringRecord>,
    /// How many of them the result files read so far have named.
    named: usize,
}

impl Broken {
    pub fn new(flaw: Option<Flaw>) -> Self {
        Self { flaw, ..Self::default() }
    }

    /// Whether a sync does what it says.
    pub fn syncs(&self, path: &str) -> bool {
        self.flaw != Some(Flaw::Forgetful) || !is_journal(path)
    }

    /// What is to be written of these bytes now; nothing when all is held back.
    pub fn written(&self, path: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        let late: &[&str] = match self.flaw {
            Some(Flaw::LateIntent) => &["job_intent", "calls_intent"],
            Some(Flaw::OutcomeFirst) => &["job_intent", "job_created", "uploaded", "closed", "calls_intent"],
            _ => return Some(bytes.to_vec()),
        };
        if !is_journal(path) {
            return Some(bytes.to_vec());
        }
        let mut held = lock(&self.held);
        held.extend_from_slice(bytes);
        let last = held.split_inclusive(|b| *b == b'\n').next_back().unwrap_or_default();
        let last = String::from_utf8_lossy(last).into_owned();
        let waits = late.iter().any(|kind| last.contains(&format!("\"event\":\"{kind}\"")));
        (!waits).then(|| std::mem::take(&mut *held))
    }

    /// The answer as it is seen.
    pub fn answer(&self, method: &str, path: &str, sent: &[u8], answer: Vec<u8>) -> Vec<u8> {
        if self.flaw != Some(Flaw::ByPosition) {
            return answer;
        }
        let mut words = path.split('?').next().unwrap_or_default().rsplit('/');
        let (last, job) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut uploads = lock(&self.uploads);
        match (method, last) {
            ("PUT", "batches") => {
                uploads.insert(job.to_owned(), Upload::read(sent));
                answer
            }
            ("GET", "successfulResults" | "failedResults") => match uploads.get_mut(job) {
                Some(upload) => upload.renamed(last == "successfulResults", &answer),
                None => answer,
            },
            _ => answer,
        }
    }
}

impl Upload {
    fn read(bytes: &[u8]) -> Self {
        let mut reader = csv::Reader::from_reader(bytes);
        let header = reader.headers().unwrap().clone();
        Self { header, rows: reader.records().map(Result::unwrap).collect(), named: 0 }
    }

    /// A result file with the uploaded cells in the order of the upload.
    fn renamed(&mut self, first: bool, answer: &[u8]) -> Vec<u8> {
        let mut reader = csv::Reader::from_reader(answer);
        let header = reader.headers().unwrap().clone();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&header).unwrap();
        self.named = if first { 0 } else { self.named };
        for result in reader.records().map(Result::unwrap) {
            let row = &self.rows[self.named];
            self.named += 1;
            let cell = |(name, old): (&str, &str)| {
                let at = self.header.iter().position(|sent| sent == name);
                at.map_or_else(|| old.to_owned(), |at| row[at].to_owned())
            };
            writer.write_record(header.iter().zip(&result).map(cell)).unwrap();
        }
        writer.into_inner().unwrap()
    }
}

fn is_journal(path: &str) -> bool {
    path.ends_with("events.ndjson")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
