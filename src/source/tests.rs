//! The room as a whole: chunks of any size give the rows of the file, with their places.

use super::*;
use crate::diagnostic::Code;
use crate::ports::{Files, MemoryFiles};
use proptest::prelude::*;

/// What a row should be, found by a parser that looks at one byte at a time.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    position: RowPos,
    line: u32,
    /// Its cells, or its fault and the line on which it ends.
    cells: Result<Vec<String>, (RowFault, u32)>,
}

struct Naive<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u32,
    /// Whether the record's quotes are malformed, whatever else is wrong with it.
    misquoted: bool,
}

struct Record {
    at: usize,
    length: usize,
    lines: (u32, u32),
    cells: Vec<Vec<u8>>,
    flaw: Option<RowFault>,
}

impl Naive<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// How long the line end is that stands here.
    fn line_end(&self) -> usize {
        match &self.bytes[self.at.min(self.bytes.len())..] {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => 0,
        }
    }

    fn record(&mut self) -> Option<Record> {
        while self.line_end() > 0 {
            self.at += self.line_end();
            self.line += 1;
        }
        self.peek()?;
        let (at, line) = (self.at, self.line);
        let (mut cells, mut flaw) = (Vec::new(), None);
        self.misquoted = false;
        loop {
            cells.push(self.cell(&mut flaw));
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(_) if self.misquoted && self.goes_on() => {}
                _ => break,
            }
        }
        let text = &self.bytes[at..self.at];
        let breaks = text.iter().filter(|b| **b == b'\n').count() as u32;
        let last = line + breaks - u32::from(text.ends_with(b"\n"));
        self.line = line + breaks + u32::from(self.line_end() > 0);
        self.at += self.line_end();
        Some(Record { at, length: text.len(), lines: (line, last), cells, flaw })
    }

    /// At the line end of a malformed record: whether a quote further on closes what is then all quoted.
    fn goes_on(&mut self) -> bool {
        let here = self.at;
        self.at += self.line_end();
        if !self.closes_later() {
            self.at = here;
            return false;
        }
        // What is between is no cell that anybody reads.
        while !self.quoted(&mut Vec::new(), &mut Some(RowFault::Quotes)) {}
        while self.peek().is_some_and(|byte| byte != b',') && self.line_end() == 0 {
            self.at += 1;
        }
        true
    }

    fn cell(&mut self, flaw: &mut Option<RowFault>) -> Vec<u8> {
        let mut cell = Vec::new();
        if self.peek() == Some(b'"') {
            self.at += 1;
            while !self.quoted(&mut cell, flaw) {}
        }
        while let Some(byte) = self.peek().filter(|b| *b != b',' && self.line_end() == 0) {
            if byte == b'\r' {
                flaw.get_or_insert(RowFault::CarriageReturn);
            }
            cell.push(byte);
            self.at += 1;
        }
        cell
    }

    /// One step inside quotes; whether they are over.
    fn quoted(&mut self, cell: &mut Vec<u8>, flaw: &mut Option<RowFault>) -> bool {
        let Some(byte) = self.peek() else {
            *flaw = Some(RowFault::Unclosed);
            return true;
        };
        self.at += 1;
        match (byte, self.peek()) {
            (b'"', Some(b'"')) => {
                self.at += 1;
                cell.push(b'"');
            }
            (b'"', None | Some(b',' | b'\n' | b'\r')) => return true,
            (b'"', _) => {
                flaw.get_or_insert(RowFault::Quotes);
                self.misquoted = true;
                return !self.closes_later();
            }
            _ => cell.push(byte),
        }
        false
    }

    /// Behind a quote that does not close its cell as it should: whether the next one that tells closes it, which is
    /// then the next byte.
    fn closes_later(&mut self) -> bool {
        let mut at = self.at;
        while let Some(byte) = self.bytes.get(at) {
            let (before, behind) = (self.bytes[at - 1], self.bytes.get(at + 1));
            match (byte, behind) {
                (b'"', _) if matches!(before, b',' | b'\n') => return false,
                (b'"', Some(b'"')) => at += 1,
                (b'"', None | Some(b',' | b'\n' | b'\r')) => {
                    self.at = at;
                    return true;
                }
                _ => {}
            }
            at += 1;
        }
        false
    }
}

fn naive(file: u16, bytes: &[u8], columns: usize, longest: usize) -> Vec<Row> {
    let mark = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut naive = Naive { bytes, at: mark, line: 1, misquoted: false };
    naive.record();
    let mut rows = Vec::new();
    while let Some(Record { at, length, lines: (line, last), cells, flaw }) = naive.record() {
        let wrong = cells.iter().position(|c| std::str::from_utf8(c).is_err());
        let cells = if flaw == Some(RowFault::Unclosed) {
            Err(RowFault::Unclosed)
        } else if length > longest {
            Err(RowFault::TooLong)
        } else if let Some(flaw) = flaw {
            Err(flaw)
        } else if cells.len() != columns {
            Err(RowFault::Ragged { expected: columns, found: cells.len() })
        } else if let Some(column) = wrong {
            Err(RowFault::Encoding { column })
        } else {
            Ok(cells.into_iter().map(|c| String::from_utf8(c).unwrap()).collect())
        };
        let cells = cells.map_err(|fault| (fault, last));
        rows.push(Row { position: u64::from(file) << 48 | at as u64, line, cells });
    }
    rows
}

fn read_rows(reader: &mut RowReader, chunk: &Chunk, rows: &mut Vec<Row>) {
    reader.each(chunk, &mut |position, line, cells| {
        let cells = cells.map(|cells| (0..cells.len()).map(|c| cells.raw(c).to_owned()).collect());
        let cells = cells.map_err(|unread| (unread.fault, unread.last_line));
        rows.push(Row { position, line, cells });
    });
}

/// Rows by way of chunks, and again by way of their references, last chunk first.
fn chunked(
    files: &MemoryFiles,
    paths: &[String],
    format: &CsvFormat,
    size: usize,
    longest: usize,
) -> Vec<Row> {
    let mut chunks = Chunks::new(files, paths, format).unwrap().sized(size, longest);
    let mut reader = RowReader::new(format, 2).unwrap().longest(longest);
    let mut again = ChunkReader::new(files, paths, format).unwrap();
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    while let Some(chunk) = chunks.next().unwrap() {
        assert_eq!(chunk.number as usize, all.len());
        assert!(chunk.bytes.len() <= longest + 2 * size + 65_536, "memory is bounded");
        read_rows(&mut reader, &chunk, &mut rows);
        all.push(chunk);
    }
    for chunk in all.iter().chain(all.iter().rev()) {
        assert_eq!(again.read(&chunk.reference()).unwrap(), *chunk);
    }
    rows
}

fn one(bytes: &[u8], format: &CsvFormat, size: usize) -> Vec<Row> {
    let files = MemoryFiles::default();
    files.put("a.csv", bytes);
    chunked(&files, &["a.csv".to_owned()], format, size, LONGEST_RECORD)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let words: &[&[u8]] = &[
        b"a",
        b"bc",
        b",",
        b",",
        b",",
        b"\"",
        b"\"",
        b"\"\"",
        b"\n",
        b"\n",
        b"\r\n",
        b"\r",
        b"\n\n",
        b" ",
        "é".as_bytes(),
        b"\xef\xbb\xbf",
        b"\xff",
        b"\xc3",
        b"x,y\n",
        b"\"q\nr\",z\r\n",
        b"\"long long long long\"",
    ];
    let words: Vec<Vec<u8>> = words.iter().map(|w| w.to_vec()).collect();
    proptest::collection::vec(proptest::sample::select(words), 0..60).prop_map(|w| w.concat())
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    let header = prop_oneof![
        Just("h,i\n"),
        Just("h,i\r\n"),
        Just("\n\r\nh,i\n"),
        Just("\"h\n\",i\n"),
        Just("\u{feff}h,i\n"),
        Just("h,i\r"),
    ];
    (header, body()).prop_map(|(h, b)| [h.as_bytes(), &b].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn chunks_of_any_size_give_the_rows_of_the_file(
        first in file(), second in file(), size in 1_usize..80, longest in prop_oneof![Just(1_000_000_usize), 8_usize..40],
    ) {
        let files = MemoryFiles::default();
        files.put("1.csv", &first);
        files.put("2.csv", &second);
        let paths = ["1.csv".to_owned(), "2.csv".to_owned()];
        let mut expected = naive(0, &first, 2, longest);
        expected.extend(naive(1, &second, 2, longest));
        prop_assert_eq!(chunked(&files, &paths, &CsvFormat::default(), size, longest), expected);
    }

    /// The naive parser itself reads what the `csv` crate reads in one pass over the whole file, where that is as it
    /// should be.
    #[test]
    fn the_model_is_the_csv_crate(file in file()) {
        let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(file.as_slice());
        let theirs: Vec<Vec<Vec<u8>>> =
            csv.byte_records().map(|r| r.unwrap().iter().map(<[u8]>::to_vec).collect()).collect();
        let at = if file.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let mut model = Naive { bytes: &file, at, line: 1, misquoted: false };
        let mut ours: Vec<Record> = std::iter::from_fn(|| model.record()).collect();
        if ours.iter().all(|record| record.flaw.is_none()) {
            ours.remove(0);
            prop_assert_eq!(ours.into_iter().map(|r| r.cells).collect::<Vec<_>>(), theirs);
        }
    }

    #[test]
    fn transcoded_text_has_the_same_rows(
        body in "[ab,é日\"\n]{0,80}", size in 1_usize..50, label in prop_oneof![Just("utf-16"), Just("utf-16be"), Just("gb18030")],
    ) {
        let text = format!("h,i\n{body}");
        let bytes: Vec<u8> = match label {
            "utf-16" => [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect(),
            "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            _ => encoding_rs::GB18030.encode(&text).0.into_owned(),
        };
        let format = CsvFormat { encoding: label.to_owned(), ..CsvFormat::default() };
        prop_assert_eq!(one(&bytes, &format, size), naive(0, text.as_bytes(), 2, LONGEST_RECORD));
    }
}

#[test]
fn single_bytes_are_decoded_cell_by_cell() {
    let format = |label: &str| CsvFormat { encoding: label.to_owned(), ..CsvFormat::default() };
    let rows = one(b"h,i\n\xe9t\xe9,\"a\nb\"\nx,y\n", &format("windows-1252"), 3);
    assert_eq!(rows[0].cells, Ok(vec!["été".to_owned(), "a\nb".to_owned()]));
    assert_eq!((rows[1].line, rows[1].position), (4, 14));
    let rows = one(b"h,i\nx,\xa5\n", &format("iso-8859-3"), 100);
    let fault = Err((RowFault::Encoding { column: 1 }, 2));
    assert_eq!(rows[0].cells, fault, "a byte that the set does not have");
}

#[test]
fn a_wrong_byte_in_transcoded_text_faults_its_own_row() {
    let format = CsvFormat { encoding: "shift_jis".to_owned(), ..CsvFormat::default() };
    let rows = one(b"h,i\na,\x82\xa0\nb,\xfd\xfe\nc,d\n", &format, 5);
    assert_eq!(rows[0].cells, Ok(vec!["a".to_owned(), "あ".to_owned()]));
    assert_eq!(rows[1].cells, Err((RowFault::Encoding { column: 1 }, 3)));
    assert_eq!(rows[2].cells, Ok(vec!["c".to_owned(), "d".to_owned()]));
}

#[test]
fn halves_of_a_character_in_two_cells_are_no_character() {
    let rows = one(b"h,i\na\xc3,\xa9b\n\xe2\x82,x\n", &CsvFormat::default(), 100);
    assert_eq!(rows[0].cells, Err((RowFault::Encoding { column: 0 }, 2)));
    assert_eq!(rows[1].cells, Err((RowFault::Encoding { column: 0 }, 3)));
}

#[test]
fn what_workers_share_can_be_shared() {
    fn sent<T: Send>() {}
    sent::<Chunks<'_>>();
    sent::<ChunkReader<'_>>();
    sent::<RowReader>();
}

#[test]
fn null_values_read_as_nothing() {
    let files = MemoryFiles::default();
    files.put("a.csv", b"h,i\nNULL,null\n,#N/A\n");
    let nulls = vec!["NULL".to_owned(), "#N/A".to_owned()];
    let format = CsvFormat { null_values: nulls, ..CsvFormat::default() };
    let chunk = Chunks::new(&files, &["a.csv".to_owned()], &format).unwrap().next().unwrap().unwrap();
    let mut seen = Vec::new();
    RowReader::new(&format, 2).unwrap().each(&chunk, &mut |_, _, cells| {
        let cells = cells.unwrap();
        seen.push(format!("{}|{}|{}|{}", cells.get(0), cells.raw(0), cells.get(1), cells.get(2)));
    });
    assert_eq!(seen, ["|NULL|null|", "|||"]);
}

#[test]
fn a_quote_that_is_never_closed_is_one_row_and_little_memory() {
    let mut bytes = b"h,i\na,b\n\"open,".to_vec();
    bytes.extend(std::iter::repeat_n(*b"filler\n", 200_000).flatten());
    let files = MemoryFiles::default();
    files.put("a.csv", &bytes);
    let rows = chunked(&files, &["a.csv".to_owned()], &CsvFormat::default(), 4096, 100_000);
    assert_eq!(rows[1], Row { position: 8, line: 3, cells: Err((RowFault::Unclosed, 200_002)) });
    assert_eq!(rows.len(), 2);
    bytes.extend(b"\"\nc,d\n");
    files.put("a.csv", &bytes);
    let rows = chunked(&files, &["a.csv".to_owned()], &CsvFormat::default(), 4096, 100_000);
    assert_eq!(rows[1].cells, Err((RowFault::TooLong, 200_003)));
    assert_eq!((rows[2].line, rows[2].cells.clone()), (200_004, Ok(vec!["c".to_owned(), "d".to_owned()])));
}

#[test]
fn what_is_no_row_keeps_its_text() {
    let files = MemoryFiles::default();
    let texts = |bytes: &[u8], label: &str| {
        files.put("a.csv", bytes);
        let format = CsvFormat { encoding: label.to_owned(), ..CsvFormat::default() };
        let chunk = Chunks::new(&files, &["a.csv".to_owned()], &format).unwrap().next().unwrap().unwrap();
        let (mut texts, mut reader) = (Vec::new(), RowReader::new(&format, 2).unwrap());
        let ends =
            reader.each(&chunk, &mut |_, _, cells| texts.extend(cells.err().map(|u| u.text().into_owned())));
        (texts, ends)
    };
    let (unread, ends) = texts(b"h,i\n\"a\"b,\"c\nd\"\r\nx,y\n\xff\n", "utf-8");
    assert_eq!(unread, ["\"a\"b,\"c\nd\"", "\u{fffd}"]);
    assert_eq!((ends, ends.are_mixed()), (LineEnds { lf: 2, crlf: 1 }, true));
    assert_eq!(texts(b"h,i\n\xe9\n\n", "windows-1252").0, ["é"]);
    assert_eq!(texts(b"h,i\n\"\xe9\n\n", "windows-1252").0, ["\"é\n"], "a quote that is never closed");
}

#[test]
fn rows_of_a_text() {
    let found: Vec<_> = records("a,b\n\n\"c\nd\",e\r\n\"f\"g\nh").collect();
    let row = |cells: &[&str]| Ok(cells.iter().map(|c| (*c).to_owned()).collect());
    let expected =
        [(1, row(&["a", "b"])), (3, row(&["c\nd", "e"])), (5, Err(RowFault::Quotes)), (6, row(&["h"]))];
    assert_eq!(found, expected);
}

fn problem(bytes: &[u8], encoding: &str) -> SourceProblem {
    let files = MemoryFiles::default();
    files.put("a.csv", bytes);
    let format = CsvFormat { encoding: encoding.to_owned(), ..CsvFormat::default() };
    read_header(&files, "a.csv", &format).unwrap_err()
}

#[test]
fn headers() {
    let files = MemoryFiles::default();
    files.put("a.csv", "\u{feff}\n id ,\"na\"\"me\"\r\n1,2\n".as_bytes());
    files.put("b.csv", b"id,\"na\"\"me\"");
    files.put("c.csv", b"\"na\"\"me\",id\n");
    files.put("d.csv", b"id,other\n");
    let paths = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let format = CsvFormat::default();
    let header = check_same_headers(&files, &paths(&["a.csv", "b.csv"]), &format).unwrap();
    assert_eq!(header.columns, ["id", "na\"me"]);
    let later = |name| check_same_headers(&files, &paths(&["a.csv", name]), &format).unwrap_err().message;
    assert_eq!(later("c.csv"), "`c.csv` has other columns than `a.csv`: their order differs");
    assert_eq!(later("d.csv"), "`d.csv` has other columns than `a.csv`: `other` is only in the later one");
    assert_eq!(later("e.csv"), "there is no file `e.csv`");
}

#[test]
fn headers_with_faults() {
    for (bytes, encoding, code, words) in [
        (&b""[..], "utf-8", Code::SourceMissing, "`a.csv` is empty"),
        (b"\n\r\n", "utf-8", Code::SourceMissing, "`a.csv` is empty"),
        (b"a, a\n", "utf-8", Code::SourceHeader, "columns 1 and 2 of `a.csv` are both named `a`"),
        (b"a,,b\n", "utf-8", Code::SourceHeader, "column 2 of `a.csv` has no name"),
        (
            b"a,\"b\n1,2\n",
            "utf-8",
            Code::SourceHeader,
            "the header of `a.csv` opens a quote that is never closed",
        ),
        (
            b"\"a\"b,c\n1,2\n",
            "utf-8",
            Code::SourceHeader,
            "the header of `a.csv` goes on behind a closing quote",
        ),
        (
            b"a,b\r1,2\r",
            "utf-8",
            Code::SourceHeader,
            "the header of `a.csv` has a carriage return without a line feed behind it",
        ),
        (
            b"a,\xe9\n",
            "utf-8",
            Code::SourceHeader,
            "the name of column 2 of `a.csv` holds bytes that are not",
        ),
        (
            b"\xff\xfea\0\n\0",
            "utf-8",
            Code::SourceHeader,
            "`a.csv`: the file begins with the mark of UTF-16LE",
        ),
        (b"\xef\xbb\xbfa\n", "latin1", Code::SourceHeader, "`a.csv`: the file begins with the mark of UTF-8"),
        (b"a\n", "klingon", Code::WrongValue, "there is no character set `klingon`"),
    ] {
        let problem = problem(bytes, encoding);
        assert_eq!(problem.code, code, "{problem}");
        assert!(problem.message.starts_with(words), "{problem}");
    }
}

#[test]
fn a_file_that_shrank_is_an_error() {
    let files = MemoryFiles::default();
    files.put("a.csv", b"h,i\n1,2\n");
    let (paths, format) = (["a.csv".to_owned()], CsvFormat::default());
    let chunk = Chunks::new(&files, &paths, &format).unwrap().next().unwrap().unwrap().reference();
    files.truncate("a.csv", 6).unwrap();
    assert!(ChunkReader::new(&files, &paths, &format).unwrap().read(&chunk).is_err());
}
