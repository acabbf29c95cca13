//! Result files: what became of each row, in a seeded order that is not the upload's.

use super::info::Job;
use super::row::Landed;
use super::upload;
use crate::local_org::decimal::{Decimal, java};
use crate::local_org::store::Facts;
use crate::local_org::text::{mix, push_quoted};
use csv::ByteRecord;
use rusqlite::{Connection, OptionalExtension, Result, params};

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Taken.
    Landed(Landed),
    /// Refused.
    Failed {
        /// The record's id, where it is known.
        id: String,
        /// In Salesforce's words.
        error: String,
    },
}

/// The three files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum File {
    Successful,
    Failed,
    Unprocessed,
}

/// Kinds of block in the table: a header, or lines of one chunk.
const HEADER: i64 = 0;
const SUCCESSFUL: i64 = 1;
const FAILED: i64 = 2;

/// Keeps the header row as the client wrote it and answers it; it ends before byte `end`.
///
/// Unconfirmed(byte-order-mark): what a byte-order mark before an unquoted header does; choice: it is read over, and
/// not echoed.
pub(super) fn keep_header(conn: &Connection, job: &Job, end: i64) -> Result<String> {
    let mut raw = Vec::new();
    for number in 0.. {
        match upload::part(conn, job.seq, number)? {
            Some(part) if (raw.len() as i64) < end => raw.extend_from_slice(&part),
            _ => break,
        }
    }
    raw.truncate(usize::try_from(end).unwrap_or(0));
    let text = String::from_utf8_lossy(&raw);
    let text = text.trim_start_matches('\u{feff}').trim_matches(['\r', '\n']);
    put(conn, job, HEADER, 0, text)?;
    Ok(text.to_owned())
}

/// What a row says, as a number.
pub(crate) fn content(record: &ByteRecord) -> u64 {
    let cells: Vec<&[u8]> = record.iter().collect();
    xxhash_rust::xxh3::xxh3_64(&cells.join(&0x1f))
}

/// The rows of a chunk and what became of them.
pub(super) struct Rows<'r> {
    pub(super) records: &'r [ByteRecord],
    pub(super) outcomes: &'r [Outcome],
    /// Which columns hold doubles.
    pub(super) doubles: &'r [bool],
}

/// Keeps the lines of a chunk whose first row is the job's next one: a block of lines for each file that has some.
/// Rows that are `lost` stand in none.
pub(super) fn write(
    conn: &Connection,
    facts: &Facts,
    job: &Job,
    rows: &Rows<'_>,
    lost: &dyn Fn(&ByteRecord) -> bool,
) -> Result<()> {
    let seed = mix(facts.seed, job.seq.unsigned_abs());
    let first = job.rows.unsigned_abs();
    let Rows { records, outcomes, doubles } = rows;
    let (mut good, mut bad) = (String::new(), String::new());
    let order = order(seed, first, records.len());
    for index in order.into_iter().filter(|index| !lost(&records[*index])) {
        match &outcomes[index] {
            Outcome::Landed(landed) => {
                push_cells(&mut good, job, &[&landed.id, if landed.created { "true" } else { "false" }]);
                push_record(&mut good, job, &records[index], Some(doubles));
            }
            Outcome::Failed { id, error } => {
                push_cells(&mut bad, job, &[if names_failed(job) { id } else { "" }, error]);
                push_record(&mut bad, job, &records[index], Some(doubles));
            }
        }
    }
    for (kind, lines) in [(SUCCESSFUL, good), (FAILED, bad)] {
        if !lines.is_empty() {
            put(conn, job, kind, place(seed, first), &lines)?;
        }
    }
    Ok(())
}

/// Whether failed rows tell the id of the record they mean: since version 53.
///
/// Unconfirmed(id-of-failed-rows): captures show it blank in failed updates too; choice: told where the record
/// exists.
fn names_failed(job: &Job) -> bool {
    job.version.split('.').next().and_then(|v| v.parse().ok()).is_some_and(|v: u32| v >= 53)
}

fn put(conn: &Connection, job: &Job, kind: i64, place: i64, line: &str) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO _result VALUES (?1, ?2, ?3, ?4)";
    conn.prepare_cached(sql)?.execute(params![job.seq, kind, place, line])?;
    Ok(())
}

/// Where the block of the chunk that begins with this row stands: batches of 10,000 rows mixed, and chunks within them.
fn place(seed: u64, first: u64) -> i64 {
    let batch = mix(seed, first / 10_000) & 0x3FFF;
    let chunk = mix(seed, first + 1) & 0x7FFF;
    let within = (1 << 34) - 1 - (first & ((1 << 34) - 1));
    (batch << 49 | chunk << 34 | within) as i64
}

/// The order of the rows in a chunk's block: pairs mixed, and in a pair the later one first, so that even two rows do
/// not come in the order of the upload.
fn order(seed: u64, first: u64, rows: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by_key(|index| (mix(seed, (first + *index as u64) / 2), std::cmp::Reverse(*index)));
    order
}

/// Unconfirmed(result-line-end): how lines of result files end, and whether the last one does; choice: as the job says,
/// and it does.
fn push_cells(line: &mut String, job: &Job, cells: &[&str]) {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            line.push(char::from(job.delimiter_byte()));
        }
        push_quoted(line, cell);
    }
}

/// The cells of a row: behind those of the org, with numbers in its own form, or alone and as they were uploaded.
///
/// Unconfirmed(result-numbers): a saved row is known to have its doubles as Java writes them; whether a refused one has,
/// and a parent's key; choice: a refused one where the cell is a number, a parent's key as it was sent.
fn push_record(line: &mut String, job: &Job, record: &ByteRecord, doubles: Option<&[bool]>) {
    for (index, cell) in record.iter().enumerate() {
        if index > 0 || doubles.is_some() {
            line.push(char::from(job.delimiter_byte()));
        }
        let cell = String::from_utf8_lossy(cell);
        let is_double = doubles.is_some_and(|doubles| doubles.get(index) == Some(&true));
        match Decimal::parse(cell.trim()).filter(|_| is_double) {
            Some(number) => push_quoted(line, &java(number.value())),
            None => push_quoted(line, &cell),
        }
    }
    line.push_str(job.line_end());
}

/// The first line of a file.
pub(crate) fn header(conn: &Connection, job: &Job, file: File) -> Result<String> {
    let sql = "SELECT line FROM _result WHERE job = ?1 AND kind = ?2 AND place = 0";
    let own: Option<String> = conn.query_row(sql, [job.seq, HEADER], |r| r.get(0)).optional()?;
    let own = match own {
        Some(own) => own,
        // Aborted before anything was processed.
        None => super::process::read_header(conn, job)?.0.join(&char::from(job.delimiter_byte()).to_string()),
    };
    let delimiter = char::from(job.delimiter_byte());
    let separated = if own.is_empty() { String::new() } else { format!("{delimiter}{own}") };
    let line = match file {
        File::Successful => format!("\"sf__Id\"{delimiter}\"sf__Created\"{separated}"),
        File::Failed => format!("\"sf__Id\"{delimiter}\"sf__Error\"{separated}"),
        File::Unprocessed => own,
    };
    Ok(format!("{line}{}", job.line_end()))
}

/// The next lines of a file and where to go on; nothing when it is at its end. Begin with 0. Rows that are `lost` do
/// not stand among the unprocessed ones; of the others they were left out when they were processed.
pub(crate) fn page(
    conn: &Connection,
    job: &Job,
    file: File,
    from: i64,
    lost: &dyn Fn(&ByteRecord) -> bool,
) -> Result<Option<(String, i64)>> {
    match file {
        File::Successful => stored(conn, job, SUCCESSFUL, from),
        File::Failed => stored(conn, job, FAILED, from),
        File::Unprocessed if job.state == super::info::State::JobComplete => Ok(None),
        File::Unprocessed => unprocessed(conn, job, from, lost),
    }
}

fn stored(conn: &Connection, job: &Job, kind: i64, from: i64) -> Result<Option<(String, i64)>> {
    let sql =
        "SELECT place, line FROM _result WHERE job = ?1 AND kind = ?2 AND place >= ?3 ORDER BY place LIMIT 8";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params![job.seq, kind, from])?;
    let (mut text, mut last) = (String::new(), None);
    while let Some(row) = rows.next()? {
        last = Some(row.get::<_, i64>(0)?);
        text.push_str(row.get_ref(1)?.as_str()?);
    }
    Ok(last.map(|last| (text, last + 1)))
}

/// Rows that no slice has taken, from the upload itself.
fn unprocessed(
    conn: &Connection,
    job: &Job,
    from: i64,
    lost: &dyn Fn(&ByteRecord) -> bool,
) -> Result<Option<(String, i64)>> {
    let start = match (from, job.position) {
        (0, 0) => super::process::read_header(conn, job)?.1,
        (0, position) => position,
        (from, _) => from,
    };
    let mut records = upload::Records::new(conn, job, start)?;
    let mut record = ByteRecord::new();
    let mut text = String::new();
    let mut count = 0;
    while count < 1000 && records.next(&mut record).unwrap_or(false) {
        if !lost(&record) {
            push_record(&mut text, job, &record, None);
        }
        count += 1;
    }
    Ok((count > 0).then(|| (text, records.end())))
}

#[cfg(test)]
mod tests {
    use super::{order, place};

    #[test]
    fn the_order_is_never_the_uploads() {
        for seed in 0..50 {
            for rows in [2, 3, 10, 200, 500, 30_000_usize] {
                let mut chunks: Vec<usize> = (0..rows).step_by(200).collect();
                chunks.sort_by_key(|first| place(seed, *first as u64));
                let lines = chunks.iter().flat_map(|first| {
                    let indexes = order(seed, *first as u64, 200.min(rows - first));
                    indexes.into_iter().map(move |index| first + index)
                });
                let mut lines: Vec<usize> = lines.collect();
                assert!(!lines.is_sorted(), "seed {seed}, {rows} rows");
                lines.sort_unstable();
                lines.dedup();
                assert_eq!(lines.len(), rows);
            }
        }
    }
}
