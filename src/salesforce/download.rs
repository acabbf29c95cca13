//! Result files as they come down: a download that breaks off begins anew, and each row is told once.

use super::call::Call;
use super::client::Client;
use super::csv_stream::ResultsError;
use super::error::OrgError;
use super::results::{ResultKind, ResultRow, ResultRows, ResultSink};
use super::retry::{Kind, Outcome, Tried};
use crate::ports::{Reply, TransportError};
use futures_util::StreamExt;
use std::io;
use xxhash_rust::xxh3::Xxh3;

impl Client<'_> {
    /// Every row of one result file. Gives the number of rows. A file that breaks off is asked for again from its
    /// beginning; the rows told before are passed over.
    ///
    /// # Errors
    /// The org's refusal; a connection that stays broken; a file that is no result file, or has other rows when it
    /// is read again. Rows told before an error are told again by the next call.
    pub async fn each_result(
        &self,
        job: &str,
        kind: ResultKind,
        each: &mut ResultSink<'_>,
    ) -> Result<u64, OrgError> {
        let (mut told, mut tried) = (Told::default(), Tried::FIRST);
        loop {
            let (why, error) = match self.download(job, kind, &mut told, each).await {
                Ok(rows) => return Ok(rows),
                Err(End::Broken(why)) => (why.clone(), OrgError::Transport(why)),
                Err(End::Early(error)) => (TransportError::Broken(error.to_string()), error),
                Err(End::Bad(error)) => return Err(error),
            };
            self.again(&mut tried, Kind::Read, &Outcome::Transport(why), error).await?;
        }
    }

    async fn download(
        &self,
        job: &str,
        kind: ResultKind,
        told: &mut Told,
        each: &mut ResultSink<'_>,
    ) -> Result<u64, End> {
        let mut reply = self.results(job, kind).await.map_err(End::refused)?;
        let (mut rows, mut passage) = (ResultRows::new(kind), Passage::default());
        while let Some(piece) = reply.body.next().await {
            let piece = piece.map_err(End::Broken)?;
            rows.push(&piece, &mut |row| passage.take(told, row, each)).map_err(|e| End::of(kind, e))?;
        }
        let end = rows.finish(&mut |row| passage.take(told, row, each));
        let count = end.map_err(|e| End::of_last(kind, e))?;
        match count < told.rows {
            true => Err(End::Bad(changed(kind))),
            false => Ok(count),
        }
    }

    /// One result file as a stream of bytes.
    async fn results(&self, job: &str, kind: ResultKind) -> Result<Reply, OrgError> {
        let path = format!("{}/{}", self.job_path(job), kind.word());
        self.stream(Call::get(path).header("accept", "text/csv")).await
    }
}

/// Why a download ended early.
enum End {
    /// It broke off, and may be begun anew.
    Broken(TransportError),
    /// The org has not got so far: to be asked again.
    Early(OrgError),
    /// There is no use in another.
    Bad(OrgError),
}

impl End {
    // Unconfirmed(results-before-end): what results answer while they are not there (reference K2); choice: the code
    // of a wrong state is waited out, for they are asked of jobs only that say they are over.
    fn refused(error: OrgError) -> Self {
        match error.code() {
            Some("INVALIDJOBSTATE") => Self::Early(error),
            _ => Self::Bad(error),
        }
    }

    /// Of a last line that has no end: one that makes no sense is the beginning of one that did.
    fn of_last(kind: ResultKind, error: ResultsError) -> Self {
        match error {
            ResultsError::Malformed(_) => {
                Self::Broken(TransportError::Broken(format!("{}: {error}", kind.word())))
            }
            other => Self::of(kind, other),
        }
    }

    fn of(kind: ResultKind, error: ResultsError) -> Self {
        match error {
            ResultsError::Sink(error) if error.kind() == io::ErrorKind::InvalidData && is_ours(&error) => {
                Self::Bad(changed(kind))
            }
            ResultsError::Sink(error) => Self::Bad(OrgError::Sink(error)),
            ResultsError::Truncated(_) => {
                Self::Broken(TransportError::Broken(format!("{}: {error}", kind.word())))
            }
            other => Self::Bad(OrgError::Protocol(format!("{}: {other}", kind.word()))),
        }
    }
}

fn changed(kind: ResultKind) -> OrgError {
    OrgError::Protocol(format!("{}: it has other rows when it is read again", kind.word()))
}

/// Marks the error of [`Passage::take`] among those of the caller.
#[derive(Debug, thiserror::Error)]
#[error("other rows than before")]
struct OtherRows;

fn is_ours(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<OtherRows>())
}

// Unconfirmed(result-file-order): that a file keeps its rows' order from one download to the next; choice: it is
// checked, and a file that does not is an error.

/// The rows that were told to the caller: how many, and a digest of them in their order.
#[derive(Default)]
struct Told {
    rows: u64,
    digest: Xxh3,
}

/// One download's way through the file.
#[derive(Default)]
struct Passage {
    rows: u64,
    digest: Xxh3,
}

impl Passage {
    /// Tells a row that was not told before; sees that the others are those that were.
    fn take(&mut self, told: &mut Told, row: &ResultRow<'_>, each: &mut ResultSink<'_>) -> io::Result<()> {
        if self.rows == told.rows {
            each(row)?;
            note(&mut told.digest, row);
            self.rows += 1;
            told.rows += 1;
            return Ok(());
        }
        note(&mut self.digest, row);
        self.rows += 1;
        match self.rows == told.rows && self.digest.digest128() != told.digest.digest128() {
            true => Err(io::Error::new(io::ErrorKind::InvalidData, OtherRows)),
            false => Ok(()),
        }
    }
}

fn note(digest: &mut Xxh3, row: &ResultRow<'_>) {
    for cell in row.cells() {
        digest.update(&(cell.len() as u64).to_le_bytes());
        digest.update(cell.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use crate::salesforce::testing::{Script, with};
    use crate::salesforce::{Client, OrgError, ResultKind};

    const PATH: &str = "GET /services/data/v67.0/jobs/ingest/750x/successfulResults";

    fn file(ids: &[&str]) -> String {
        let rows: String = ids.iter().map(|id| format!("\"{id}\",\"true\",\"n\n{id}\"\n")).collect();
        format!("\"sf__Id\",\"sf__Created\",Name\n{rows}")
    }

    async fn read(client: &Client<'_>) -> (Result<u64, OrgError>, Vec<String>) {
        let mut told = Vec::new();
        let mut keep = |row: &crate::salesforce::ResultRow<'_>| {
            told.push(row.id().unwrap_or_default().to_owned());
            Ok(())
        };
        (client.each_result("750x", ResultKind::Successful, &mut keep).await, told)
    }

    #[test]
    fn begins_anew_and_tells_each_row_once_wherever_it_breaks() {
        let whole = file(&["1", "2", "3"]);
        for cut in 0..whole.len() {
            let script = Script::default()
                .cut_off(PATH, &whole[..cut])
                .cut_off(PATH, &whole[..whole.len() - 1])
                .reply(PATH, 200, &whole);
            let (rows, told) = with(script, read);
            assert_eq!((rows.unwrap(), told.concat().as_str()), (3, "123"), "cut at {cut}");
        }
    }

    #[test]
    fn a_file_that_ends_inside_a_row_is_asked_for_again() {
        let whole = file(&["1", "2"]);
        let script = Script::default().reply(PATH, 200, &whole[..whole.len() - 4]).reply(PATH, 200, &whole);
        let (rows, told) = with(script, read);
        assert_eq!((rows.unwrap(), told.concat().as_str()), (2, "12"));
    }

    #[test]
    fn a_file_that_ends_inside_its_header_or_is_not_there_yet_is_asked_for_again() {
        let (whole, early) = (file(&["1"]), r#"[{"errorCode":"INVALIDJOBSTATE","message":"InProgress"}]"#);
        let script = Script::default()
            .reply(PATH, 400, early)
            .reply(PATH, 200, "\"sf__Id\",")
            .reply(PATH, 400, early)
            .reply(PATH, 200, &whole);
        let (rows, told) = with(script, read);
        assert_eq!((rows.unwrap(), told.concat().as_str()), (1, "1"));
        let script = Script::default().reply(PATH, 200, "\"sf__Id\"\n\"1\"\n");
        let (rows, _) = with(script, read);
        assert!(matches!(rows, Err(OrgError::Protocol(_))), "no result file at all");
    }

    #[test]
    fn other_rows_than_before_are_noticed() {
        let first = file(&["1", "2"]);
        for again in [file(&["2", "1", "3"]), file(&["1"]), file(&[])] {
            let script = Script::default().cut_off(PATH, &first).reply(PATH, 200, &again);
            let (rows, told) = with(script, read);
            assert!(rows.unwrap_err().to_string().contains("other rows"), "{again}");
            assert_eq!(told, ["1", "2"]);
        }
    }

    #[test]
    fn patience_ends_and_the_caller_may_stop_it() {
        let script = (0..16).fold(Script::default(), |s, _| s.cut_off(PATH, &file(&["1"])));
        let (rows, told) = with(script, read);
        assert!(rows.unwrap_err().to_string().contains("gave up after 16 attempts"));
        assert_eq!(told, ["1"]);
        let script = Script::default().reply(PATH, 200, &file(&["1"]));
        let error = with(script, async |c| {
            let full = &mut |_: &crate::salesforce::ResultRow<'_>| Err(std::io::Error::other("disk full"));
            c.each_result("750x", ResultKind::Successful, full).await.unwrap_err()
        });
        assert!(matches!(error, OrgError::Sink(_)));
    }
}
