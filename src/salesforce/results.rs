//! Result files of an ingest job: which row landed, which failed, which was never tried. Columns are found by name,
//! because neither their order nor the rows' is promised.

use super::csv_stream::{CsvStream, RecordSink};
use super::row_error::RowError;
use std::io::Read;

pub use super::csv_stream::ResultsError;

/// The three result files of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResultKind {
    /// Rows that were saved.
    Successful,
    /// Rows that were refused.
    Failed,
    /// Rows that were never tried.
    Unprocessed,
}

impl ResultKind {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Successful, Self::Failed, Self::Unprocessed];

    /// The last part of its path.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Successful => "successfulResults",
            Self::Failed => "failedResults",
            Self::Unprocessed => "unprocessedrecords",
        }
    }

    /// The columns that the org adds and that must be there.
    fn added(self) -> &'static [&'static str] {
        match self {
            Self::Successful => &["sf__id", "sf__created"],
            Self::Failed => &["sf__id", "sf__error"],
            Self::Unprocessed => &[],
        }
    }
}

/// Takes one row of a result file; an error stops the reading.
pub type ResultSink<'a> = dyn FnMut(&ResultRow<'_>) -> std::io::Result<()> + Send + 'a;

/// Reads a result file that arrives in pieces.
pub struct ResultRows {
    kind: ResultKind,
    stream: CsvStream,
    columns: Option<Columns>,
}

/// One row of a result file.
pub struct ResultRow<'a> {
    columns: &'a Columns,
    record: &'a csv::StringRecord,
}

/// Names of the columns in lower case.
struct Columns(Vec<String>);

impl ResultRows {
    /// A reader of one file.
    pub fn new(kind: ResultKind) -> Self {
        Self { kind, stream: CsvStream::default(), columns: None }
    }

    /// Takes the next piece and hands on every row that it completes.
    ///
    /// # Errors
    /// [`ResultsError`]; after one, rows handed on before it stand, and the file must be asked for again.
    pub fn push(&mut self, bytes: &[u8], each: &mut ResultSink<'_>) -> Result<(), ResultsError> {
        let Self { kind, stream, columns } = self;
        stream.push(bytes, &mut |record| take(*kind, columns, record, each))
    }

    /// The pieces are over. Gives the number of rows; a file without a byte has none.
    ///
    /// # Errors
    /// As [`ResultRows::push`]; [`ResultsError::Truncated`] when the file ends inside a row.
    pub fn finish(self, each: &mut ResultSink<'_>) -> Result<u64, ResultsError> {
        let Self { kind, stream, mut columns } = self;
        let each: &mut RecordSink<'_> = &mut |record| take(kind, &mut columns, record, each);
        Ok(stream.finish(each)?.saturating_sub(1))
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// As [`ResultRows::finish`].
    pub fn read(
        kind: ResultKind,
        mut from: impl Read,
        each: &mut ResultSink<'_>,
    ) -> Result<u64, ResultsError> {
        let (mut rows, mut buffer) = (Self::new(kind), vec![0; 64 << 10]);
        loop {
            match from.read(&mut buffer)? {
                0 => return rows.finish(each),
                n => rows.push(&buffer[..n], each)?,
            }
        }
    }
}

/// The first record is the header, every further one a row.
fn take(
    kind: ResultKind,
    columns: &mut Option<Columns>,
    record: &csv::StringRecord,
    each: &mut ResultSink<'_>,
) -> Result<(), ResultsError> {
    let Some(columns) = columns else {
        *columns = Some(Columns::of(kind, record)?);
        return Ok(());
    };
    if record.len() != columns.0.len() {
        let text = format!("a row of {} cells under a header of {}", record.len(), columns.0.len());
        return Err(ResultsError::Malformed(text));
    }
    Ok(each(&ResultRow { columns, record })?)
}

impl Columns {
    fn of(kind: ResultKind, header: &csv::StringRecord) -> Result<Self, ResultsError> {
        let names: Vec<_> = header.iter().map(str::to_lowercase).collect();
        match kind.added().iter().find(|added| !names.iter().any(|n| n == *added)) {
            Some(missing) => Err(ResultsError::Malformed(format!("its header has no column `{missing}`"))),
            None => Ok(Self(names)),
        }
    }
}

impl ResultRow<'_> {
    /// The record's id; nothing where the org gave none.
    pub fn id(&self) -> Option<&str> {
        self.get("sf__Id").filter(|id| !id.is_empty())
    }

    /// Whether the record was created, not updated; nothing outside the file of saved rows.
    pub fn created(&self) -> Option<bool> {
        self.get("sf__Created").map(|c| c.eq_ignore_ascii_case("true"))
    }

    /// The row's error; nothing outside the file of refused rows.
    pub fn error(&self) -> Option<RowError> {
        self.get("sf__Error").map(RowError::parse)
    }

    /// The cell of a column, by its name in any letter case.
    pub fn get(&self, column: &str) -> Option<&str> {
        let index = self.columns.0.iter().position(|n| *n == column || *n == column.to_lowercase())?;
        self.record.get(index)
    }

    /// All cells in the file's order.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        self.record.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::{ResultKind, ResultRow, ResultRows, ResultsError};
    use std::io;

    fn read<T: Send>(
        kind: ResultKind,
        text: &[u8],
        pick: impl Fn(&ResultRow<'_>) -> T + Sync,
    ) -> Result<(u64, Vec<T>), ResultsError> {
        let mut all = Vec::new();
        let rows = ResultRows::read(kind, text, &mut |row| {
            all.push(pick(row));
            Ok(())
        })?;
        Ok((rows, all))
    }

    #[test]
    fn reads_a_recorded_failure() {
        let text =
            include_bytes!("../../tests/fixtures/captures/amp-labs-connectors/bulk/info/partial-failure.csv");
        let (rows, all) = read(ResultKind::Failed, text, |row| {
            assert_eq!((row.id(), row.created()), (None, None));
            (row.get("EXTERNAL_ID__C").unwrap().to_owned(), row.error().unwrap())
        })
        .unwrap();
        assert_eq!((rows, all[0].0.as_str()), (1, "external-id-3"));
        assert_eq!(
            (all[0].1.code.as_str(), all[0].1.fields.as_slice()),
            ("INVALID_FIELD", &["CloseDate".to_owned()][..])
        );
    }

    #[test]
    fn finds_columns_by_name_wherever_they_stand() {
        let text = b"name,\"SF__Created\",\"sf__Id\",Legacy_Id__c\n\"A\",\"true\",\"0018c00002DJIpJAAX\",\"1\"\n\"B\",\"false\",\"\",\"2\"\n";
        let (_, all) = read(ResultKind::Successful, text, |row| {
            (row.id().map(str::to_owned), row.created(), row.get("legacy_id__c").unwrap().to_owned())
        })
        .unwrap();
        assert_eq!(all[0], (Some("0018c00002DJIpJAAX".to_owned()), Some(true), "1".to_owned()));
        assert_eq!(all[1], (None, Some(false), "2".to_owned()));
    }

    #[test]
    fn a_header_alone_or_nothing_has_no_rows() {
        assert_eq!(read(ResultKind::Unprocessed, b"Id,Phone", |_| ()).unwrap().0, 0);
        assert_eq!(read(ResultKind::Failed, b"\"sf__Id\",\"sf__Error\",Id\n\n", |_| ()).unwrap().0, 0);
        assert_eq!(read(ResultKind::Successful, b"", |_| ()).unwrap().0, 0);
    }

    #[test]
    fn a_file_cut_off_is_no_file() {
        let text = b"\"sf__Id\",\"sf__Created\",Name\n\"001\",\"true\",\"A\"\n\"002\",\"true\",\"B\"\n";
        let whole = text.len();
        assert_eq!(read(ResultKind::Successful, text, |_| ()).unwrap().0, 2);
        assert_eq!(read(ResultKind::Successful, &text[..whole - 1], |_| ()).unwrap().0, 2);
        for cut in whole - 16..whole - 1 {
            assert!(read(ResultKind::Successful, &text[..cut], |_| ()).is_err(), "{cut}");
        }
        let error = read(ResultKind::Failed, text, |_| ()).unwrap_err();
        assert_eq!(error.to_string(), "its header has no column `sf__error`");
    }

    #[test]
    fn the_caller_may_stop_it() {
        let stop = &mut |_: &ResultRow<'_>| Err(io::Error::other("disk full"));
        let error = ResultRows::read(ResultKind::Unprocessed, &b"Id\n1\n"[..], stop).unwrap_err();
        assert!(matches!(error, ResultsError::Sink(_)));
    }
}
