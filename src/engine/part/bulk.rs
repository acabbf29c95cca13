//! One part's way through the org: intent, job, upload, close, poll, results. Each step is in the journal before or
//! after its effect as the specification orders it.

use super::desk::{Desk, interrupted};
use super::fates::Collected;
use super::index::Index;
use crate::checkpoint::{Event, NamedFile, Part, PartKey};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::context::{EngineError, Exit, Progress};
use crate::engine::state::damaged;
use crate::model::{KeyForm, KeyHash, RecordId};
use crate::plan::Api;
use crate::ports::{Body, Files, TransportError};
use crate::salesforce::{JobOperation, JobSpec, JobStage, JobState, OrgError, ResultKind, next_wait};
use bytes::Bytes;
use std::collections::BTreeSet;

/// Bytes read from a part's file at a time while it is uploaded.
const PIECE: usize = 256 << 10;
/// The word by which the journal asks for the territory rules of accounts.
pub(in crate::engine) const TERRITORIES: &str = "TRUE";
/// How often a result file is read that has fewer rows than its job counts.
const SHORT_FILES: u32 = 4;

impl Desk<'_, '_> {
    /// Takes a staged part to the org and back.
    pub(in crate::engine) async fn send(&self, key: PartKey) -> Result<Collected, EngineError> {
        let part = self.part(key)?;
        self.rest(super::desk::wait(part.attempt, self.ports.random.next())).await?;
        if part.api == Api::Collections {
            return self.send_calls(key).await;
        }
        self.note(Event::JobIntent { part: key })?;
        let operation = operation(&part.operation)?;
        let external_id = (operation == JobOperation::Upsert).then(|| part.key.clone());
        let assignment_rule = part.assign.clone().filter(|rule| rule != TERRITORIES);
        let spec = JobSpec { object: part.object.clone(), operation, external_id, assignment_rule };
        let made = self.client.create_job(&spec).await.map_err(|e| not_allowed(operation, e))?;
        let job = made.id;
        self.note(Event::JobCreated { part: key, job: job.clone(), there: made.created })?;
        let length = part.file.length;
        let pieces = pieces(self.ports.files, &part.file)?;
        self.client.upload(&job, &|| body(&pieces, length)).await.map_err(vanished)?;
        self.note(Event::Uploaded { part: key })?;
        self.close(key, &job).await?;
        self.collect(key).await
    }

    /// Closes an upload. A job that is gone may have been closed before that: what became of its rows is found out
    /// like that of any closed job.
    pub(in crate::engine) async fn close(&self, key: PartKey, job: &str) -> Result<(), EngineError> {
        match self.client.close(job).await {
            Err(error) if !error.is_gone() => return Err(error.into()),
            _ => {}
        }
        self.note(Event::Closed { part: key })?;
        Ok(())
    }

    /// Waits for a closed job and reads what became of its rows.
    pub(in crate::engine) async fn collect(&self, key: PartKey) -> Result<Collected, EngineError> {
        let part = self.part(key)?;
        let job = part.job.clone().unwrap_or_default();
        let over = self.wait(&part, &job).await?;
        let (stage, message) = match &over {
            Some(state) => (word(&state.state), state.error_message.clone()),
            None => (GONE.0.to_owned(), Some(GONE.1.to_owned())),
        };
        let mut collected = Collected::new(self.index(&part)?, &stage, message)?;
        if let Some(state) = over {
            collected.was_over(state.changed.clone());
            self.download_all(&job, &state, &mut collected).await?;
        }
        self.doubt_ids(&part, &mut collected).await?;
        self.ask_unknown(&part, &mut collected).await?;
        if part.deletes() {
            self.ask_deleted(&part, &mut collected).await?;
        }
        Ok(collected)
    }

    /// Rows that no file names are asked for by key. An insert's that are there went in: sent again they would be
    /// doubled. An upsert's go again whatever is there, but should that come to nothing, their records are known.
    async fn ask_unknown(&self, part: &Part, collected: &mut Collected) -> Result<(), EngineError> {
        let asks = match part.operation.as_str() {
            "insert" => collected.unknown() > 0,
            "upsert" => collected.unknown() > 0 && !collected.was_refused_whole(),
            _ => false,
        };
        if !asks {
            return Ok(());
        }
        for (key, id) in self.unknown_by_key(part, collected).await? {
            match part.operation.as_str() {
                "insert" => collected.set_found(key, id),
                _ => collected.adopt(key, id),
            }
        }
        Ok(())
    }

    /// Answers about records are checked against each other, and those that give a key another record than it had
    /// against what the org says when it is asked for the key.
    pub(in crate::engine) async fn doubt_ids(
        &self,
        part: &Part,
        collected: &mut Collected,
    ) -> Result<(), EngineError> {
        collected.set_shared_aside();
        if collected.has_moved() {
            let keys = collected.moved_keys(self.ports.files, part)?;
            let found = self.records_by_key(part, &keys).await?;
            collected.confirm_moved(&found.into_iter().collect());
        }
        Ok(())
    }

    /// The index of a part, which knows how Ids of its object begin.
    pub(in crate::engine) fn index(&self, part: &Part) -> Result<Index, EngineError> {
        let object = self.schema.object(&part.object);
        Index::read(self.ports.files, part, object.and_then(|object| object.key_prefix.as_deref()))
    }

    /// The three result files of a job that is over; of one that somebody deletes meanwhile, as much as was read.
    async fn download_all(
        &self,
        job: &str,
        state: &JobState,
        collected: &mut Collected,
    ) -> Result<(), EngineError> {
        for kind in ResultKind::ALL {
            match self.download(job, kind, state, collected).await {
                Err(EngineError::Org(error)) if error.is_gone() => {
                    collected.vanished(GONE);
                    return Ok(());
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// One result file of a job that is over. One with fewer rows than the job counts was cut on its way without a
    /// sign of it, and is read again; rows that stay away are unknown.
    async fn download(
        &self,
        job: &str,
        kind: ResultKind,
        state: &JobState,
        collected: &mut Collected,
    ) -> Result<(), EngineError> {
        let counted = match kind {
            ResultKind::Successful => state.processed.saturating_sub(state.failed),
            ResultKind::Failed => state.failed,
            // Of a job that failed as a whole the org counts none (reference A10).
            ResultKind::Unprocessed => 0,
        };
        for attempt in 1..=SHORT_FILES {
            collected.read_again(kind);
            let rows = self.client.each_result(job, kind, &mut |row| collected.take(kind, row)).await?;
            if rows >= counted || attempt == SHORT_FILES {
                break;
            }
            self.rest(super::desk::wait(attempt, self.ports.random.next())).await?;
        }
        Ok(())
    }

    /// Polls until the job is over; nothing when the org no longer knows it.
    async fn wait(&self, part: &Part, job: &str) -> Result<Option<JobState>, EngineError> {
        let started = self.ports.clock.now();
        loop {
            let Some(state) = self.client.job(job).await? else { return Ok(None) };
            if state.state.is_final() {
                return Ok(Some(state));
            }
            self.observer.progress(&Progress::Job {
                load: self.load_name(part.load),
                job: job.to_owned(),
                processed: state.processed,
                rows: part.rows,
            });
            if self.stopping() {
                return Err(interrupted());
            }
            let elapsed = u64::try_from(self.ports.clock.now() - started).unwrap_or(0);
            self.ports.clock.sleep(next_wait(elapsed)).await;
        }
    }

    /// The records of rows that the org did not account for, asked for by key.
    pub(in crate::engine) async fn unknown_by_key(
        &self,
        part: &Part,
        collected: &Collected,
    ) -> Result<Vec<(KeyHash, RecordId)>, EngineError> {
        let keys = collected.unknown_keys(self.ports.files, part)?;
        self.records_by_key(part, &keys).await
    }

    /// What the org has of these keys.
    async fn records_by_key(
        &self,
        part: &Part,
        keys: &[String],
    ) -> Result<Vec<(KeyHash, RecordId)>, EngineError> {
        let form = KeyForm::parse(&part.form).unwrap_or(KeyForm::FoldedText);
        let numeric = form == KeyForm::Number;
        let mut found = Vec::new();
        for list in crate::salesforce::in_lists(&part.key, keys.iter().map(String::as_str), numeric, 8_000) {
            let soql = format!("SELECT Id, {} FROM {} WHERE {list}", part.key, part.object);
            let rows = self.client.query(&soql).await?;
            let entries = rows.iter().filter_map(|row| crate::engine::state::adopted(row, form));
            found.extend(entries.filter_map(|entry| Some((entry.key, entry.id?))));
        }
        Ok(found)
    }

    /// Rows of a delete that the org did not account for, or whose record it calls deleted or unknown: it is asked
    /// whether the records are still there. Those that are not are what was wanted.
    // Unconfirmed(delete-of-what-is-gone): which of the two codes a purged record gives; choice: neither is believed
    // without asking.
    pub(in crate::engine) async fn ask_deleted(
        &self,
        part: &Part,
        collected: &mut Collected,
    ) -> Result<(), EngineError> {
        let ids: Vec<String> = collected.doubtful().iter().map(ToString::to_string).collect();
        let mut there = BTreeSet::new();
        for list in crate::salesforce::in_lists("Id", ids.iter().map(String::as_str), false, 8_000) {
            let soql = format!("SELECT Id FROM {} WHERE {list}", part.object);
            let rows = self.client.query(&soql).await?;
            let found = rows.iter().filter_map(|row| RecordId::parse(row.first()?.as_deref()?).ok());
            there.extend(found);
        }
        collected.set_gone(&there, part.attempt > 0);
        Ok(())
    }
}

/// The part's rows as a body, as often as one is needed.
fn body(pieces: &[Bytes], length: u64) -> Body {
    if let [only] = pieces {
        return Body::Bytes(only.clone());
    }
    let pieces: Vec<_> = pieces.iter().cloned().map(Ok::<_, TransportError>).collect();
    Body::Stream(length, Box::pin(futures_util::stream::iter(pieces)))
}

/// The part's file, one allocation a piece: a body outlives any borrow of the files. Rows that have changed on the
/// disk since they were staged do not go out.
fn pieces(files: &dyn Files, named: &NamedFile) -> Result<Vec<Bytes>, EngineError> {
    let (mut pieces, mut offset, mut hasher) = (Vec::new(), 0, blake3::Hasher::new());
    while offset < named.length {
        let mut buffer = vec![0; PIECE.min((named.length - offset) as usize)];
        let read = files.read_at(&named.path, offset, &mut buffer)?;
        if read == 0 {
            return Err(damaged(named, &format!("it has {offset} bytes instead of {}", named.length)));
        }
        buffer.truncate(read);
        hasher.update(&buffer);
        offset += read as u64;
        pieces.push(buffer.into());
    }
    if hasher.finalize().to_hex().as_str() != named.blake3 {
        return Err(damaged(named, "its bytes have changed"));
    }
    Ok(pieces)
}

/// The last state of a job that the org no longer knows, and why its rows have no outcome.
const GONE: (&str, &str) = ("Gone", "the job is gone from the org");

/// A job that was deleted before its rows arrived: the next apply makes another.
fn vanished(error: OrgError) -> EngineError {
    if !error.is_gone() {
        return error.into();
    }
    let problem =
        Diagnostic::error(Code::OrgUnreachable, "somebody deleted a job of ours before its rows were in it");
    EngineError::problem(
        Exit::Interrupted,
        problem.help("run `cutover apply` again: it goes on where it stopped"),
    )
}

fn operation(word: &str) -> Result<JobOperation, EngineError> {
    match word {
        "insert" => Ok(JobOperation::Insert),
        "update" => Ok(JobOperation::Update),
        "upsert" => Ok(JobOperation::Upsert),
        "delete" => Ok(JobOperation::Delete),
        "hardDelete" => Ok(JobOperation::HardDelete),
        other => Err(EngineError::Unexpected(format!("the journal names the operation `{other}`"))),
    }
}

/// Removing for good takes a permission of its own (reference A2).
// Unconfirmed(hard-delete-refused): with which words and status; choice: any refusal of the job is told as that.
fn not_allowed(operation: JobOperation, error: OrgError) -> EngineError {
    match error {
        OrgError::Api { status: 400..=499, .. } | OrgError::Refused { status: 403, .. }
            if operation == JobOperation::HardDelete && !error.is_limit() && !error.is_maintenance() =>
        {
            let problem = Diagnostic::error(Code::OrgRefused, error.to_string());
            let help = "`hardDelete` needs the permission \"Bulk API Hard Delete\"; `delete` does not";
            EngineError::problem(Exit::Refused, problem.help(help))
        }
        error => error.into(),
    }
}

fn word(stage: &JobStage) -> String {
    match stage {
        JobStage::Other(word) => word.clone(),
        stage => format!("{stage:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{JobOperation, OrgError, not_allowed};
    use crate::engine::Exit;

    #[test]
    fn a_hard_delete_that_is_not_allowed_is_told_in_the_orgs_words() {
        let error =
            || OrgError::Api { status: 400, code: "FEATURENOTENABLED".into(), message: "not enabled".into() };
        let told = not_allowed(JobOperation::HardDelete, error());
        assert_eq!(told.exit(), Exit::Refused);
        let said = told.diagnostics()[0].to_string();
        assert!(said.contains("not enabled") && said.contains("Bulk API Hard Delete"), "{said}");
        assert_eq!(not_allowed(JobOperation::Delete, error()).exit(), Exit::Unexpected);
    }
}
