//! CSV that arrives in pieces: cut into whole records wherever the pieces are cut. Knows no columns.

use std::io;

/// Why CSV from the org cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// It ends inside a record.
    #[error("it ends inside a record, after {0} whole ones")]
    Truncated(u64),
    /// It is not the CSV it should be.
    #[error("{0}")]
    Malformed(String),
    /// The caller could not take a row.
    #[error("a row could not be kept: {0}")]
    Sink(#[from] io::Error),
}

/// Takes one record; an error stops the reading.
pub(super) type RecordSink<'a> = dyn FnMut(&csv::StringRecord) -> Result<(), ResultsError> + 'a;

/// Cuts pieces into records by the parity of quotes. Holds at most the record that is still incomplete.
#[derive(Default)]
pub(super) struct CsvStream {
    pending: Vec<u8>,
    scanned: usize,
    quoted: bool,
    records: u64,
    record: csv::StringRecord,
}

impl CsvStream {
    /// Takes the next piece and hands on every record that it completes.
    pub(super) fn push(&mut self, bytes: &[u8], each: &mut RecordSink<'_>) -> Result<(), ResultsError> {
        self.pending.extend_from_slice(bytes);
        let Some(end) = self.last_end() else { return Ok(()) };
        let rest = self.pending.split_off(end);
        let whole = std::mem::replace(&mut self.pending, rest);
        self.scanned -= end;
        self.parse(&whole, each)
    }

    /// The pieces are over: hands on a last record that has no line end. An org quotes every cell below the header,
    /// so what does not end in a quote was cut off. Gives the number of records.
    pub(super) fn finish(mut self, each: &mut RecordSink<'_>) -> Result<u64, ResultsError> {
        let last = std::mem::take(&mut self.pending);
        let bare = self.records > 0 && last.last().is_some_and(|b| *b != b'"');
        if self.quoted || bare {
            return Err(ResultsError::Truncated(self.records));
        }
        self.parse(&last, each)?;
        Ok(self.records)
    }

    /// The end of the last whole record in what is pending, looking at every byte once.
    fn last_end(&mut self) -> Option<usize> {
        let mut end = None;
        for at in memchr::memchr2_iter(b'"', b'\n', &self.pending[self.scanned..]) {
            let at = self.scanned + at;
            match self.pending[at] {
                b'"' => self.quoted = !self.quoted,
                _ if !self.quoted => end = Some(at + 1),
                _ => {}
            }
        }
        self.scanned = self.pending.len();
        end
    }

    fn parse(&mut self, bytes: &[u8], each: &mut RecordSink<'_>) -> Result<(), ResultsError> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        while reader.read_record(&mut self.record).map_err(|e| ResultsError::Malformed(e.to_string()))? {
            each(&self.record)?;
            self.records += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{CsvStream, ResultsError};

    fn read(text: &str, piece: usize) -> Result<Vec<Vec<String>>, ResultsError> {
        let (mut stream, mut all) = (CsvStream::default(), Vec::new());
        let mut keep = |r: &csv::StringRecord| {
            all.push(r.iter().map(str::to_owned).collect());
            Ok(())
        };
        for bytes in text.as_bytes().chunks(piece) {
            stream.push(bytes, &mut keep)?;
        }
        stream.finish(&mut keep)?;
        Ok(all)
    }

    #[test]
    fn the_cut_of_the_pieces_does_not_matter() {
        let text = "\"a\",b\n\"x\"\"y\",\"two\nlines, \"\"q\"\"\"\r\n\"é\",\"\"\n\"last\",\"one\"";
        let whole = read(text, text.len()).unwrap();
        assert_eq!(whole[1], ["x\"y", "two\nlines, \"q\""]);
        assert_eq!(whole[3], ["last", "one"]);
        for piece in 1..text.len() {
            assert_eq!(read(text, piece).unwrap(), whole, "pieces of {piece}");
        }
    }

    #[test]
    fn a_record_cut_off_is_told() {
        for text in ["a\n\"b", "a\nb", "a,b\n\"1\","] {
            assert!(matches!(read(text, 2), Err(ResultsError::Truncated(1))), "{text}");
        }
        assert_eq!(read("a,b", 2).unwrap(), [["a", "b"]]);
        assert!(read("", 1).unwrap().is_empty());
    }
}
