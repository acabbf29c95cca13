//! Uploads in the database, in parts of a fixed size, and reading them again from any byte.

use rusqlite::{Connection, OptionalExtension, Result, params};
use std::io::{self, Read};

/// Bytes of a part; only the last one is shorter.
pub(crate) const PART: usize = 256 * 1024;

/// Stores a part.
pub(crate) fn append(conn: &Connection, job: i64, part: i64, body: &[u8]) -> Result<()> {
    conn.prepare_cached("INSERT INTO _upload VALUES (?1, ?2, ?3)")?.execute(params![job, part, body])?;
    Ok(())
}

/// Says where a job's upload stands: 0 before, 1 during.
pub(crate) fn mark(conn: &Connection, job: i64, stands: i64) -> Result<()> {
    conn.execute("UPDATE _job SET upload = ?2 WHERE seq = ?1", [job, stands])?;
    Ok(())
}

/// Says that a job's upload is whole; whether there still is such a job.
pub(crate) fn finish(conn: &Connection, job: i64, length: i64, now: i64) -> Result<bool> {
    let sql = "UPDATE _job SET upload = 2, length = ?2, modified = ?3 WHERE seq = ?1";
    Ok(conn.execute(sql, [job, length, now])? == 1)
}

/// Removes an upload.
pub(crate) fn discard(conn: &Connection, job: i64) -> Result<()> {
    conn.execute("DELETE FROM _upload WHERE job = ?1", [job])?;
    Ok(())
}

/// One part; nothing behind the last one.
pub(crate) fn part(conn: &Connection, job: i64, part: i64) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT body FROM _upload WHERE job = ?1 AND part = ?2";
    conn.prepare_cached(sql)?.query_row([job, part], |r| r.get(0)).optional()
}

/// Reads an upload from a byte on, a part at a time.
pub(crate) struct Bytes<'a> {
    conn: &'a Connection,
    job: i64,
    next: i64,
    part: Vec<u8>,
    used: usize,
}

impl<'a> Bytes<'a> {
    /// Begins at this byte.
    pub(crate) fn new(conn: &'a Connection, job: i64, position: i64) -> Result<Self> {
        let number = position / PART as i64;
        let used = (position % PART as i64) as usize;
        let part = part(conn, job, number)?.unwrap_or_default();
        Ok(Self { conn, job, next: number + 1, used: used.min(part.len()), part })
    }
}

impl Read for Bytes<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.used == self.part.len() {
            self.part = part(self.conn, self.job, self.next).map_err(io::Error::other)?.unwrap_or_default();
            self.used = 0;
            self.next += 1;
        }
        let count = out.len().min(self.part.len() - self.used);
        out[..count].copy_from_slice(&self.part[self.used..self.used + count]);
        self.used += count;
        Ok(count)
    }
}

/// The rows of an upload from a byte on. Rows may differ in length: that is the row's fault, not the file's.
pub(crate) struct Records<'a> {
    reader: csv::Reader<io::Chain<&'static [u8], Bytes<'a>>>,
    /// The byte of the upload at which the reader's own count begins.
    start: i64,
}

impl<'a> Records<'a> {
    /// Begins at this byte, where a row begins.
    pub(crate) fn new(conn: &'a Connection, job: &super::info::Job, position: i64) -> Result<Self> {
        let bytes = Bytes::new(conn, job.seq, position)?;
        // A CSV reader takes a byte-order mark off what it reads first. Behind the file's beginning that is a row's own
        // cell: an empty line, which counts for nothing, keeps it there.
        let before: &'static [u8] = if position > 0 { b"\n" } else { b"" };
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(job.delimiter_byte())
            .buffer_capacity(64 * 1024)
            .from_reader(before.chain(bytes));
        Ok(Self { reader, start: position - before.len() as i64 })
    }

    /// Reads the next row; whether there is one.
    pub(crate) fn next(&mut self, row: &mut csv::ByteRecord) -> csv::Result<bool> {
        self.reader.read_byte_record(row)
    }

    /// The byte of the upload behind the last row read.
    pub(crate) fn end(&self) -> i64 {
        self.start + self.reader.position().byte() as i64
    }
}
