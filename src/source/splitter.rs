//! Where records end, found without parsing them.
//!
//! Follows the `csv` crate: a quote opens a cell only as the first byte of the cell, is literal anywhere else in an
//! unquoted one, and is doubled inside a quoted one; LF, CR and CRLF end a record outside quotes.

use memchr::{memchr, memchr3};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Outside,
    Inside,
    /// After a quote inside quotes: the end of the cell's quotes, or the first of two.
    Closing,
}

/// Finds the ends of records in text that comes in pieces.
#[derive(Debug, Clone)]
pub(super) struct Splitter {
    delimiter: u8,
    quote: u8,
    state: State,
    /// The byte before the next one.
    previous: u8,
}

impl Splitter {
    /// At the beginning of a record.
    pub(super) fn new(delimiter: u8, quote: u8) -> Self {
        Self { delimiter, quote, state: State::Outside, previous: b'\n' }
    }

    /// Whether a quote is open: at the end of a file, one that nobody closed.
    pub(super) fn inside_quotes(&self) -> bool {
        self.state == State::Inside
    }

    /// Takes `bytes` up to the next end of a record and gives where that is, after the line end; or takes all of
    /// them. A line end right after a record's end (a blank line, the LF of a CRLF) counts as a record of its own.
    pub(super) fn next_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            at += match self.state {
                State::Outside => match memchr3(self.quote, b'\n', b'\r', &bytes[at..]) {
                    None => break,
                    Some(n) if bytes[at + n] != self.quote => {
                        self.previous = bytes[at + n];
                        return Some(at + n + 1);
                    }
                    Some(n) => {
                        self.meet_quote(bytes, at + n);
                        n + 1
                    }
                },
                State::Inside => match memchr(self.quote, &bytes[at..]) {
                    None => break,
                    Some(n) => {
                        self.state = State::Closing;
                        n + 1
                    }
                },
                State::Closing => {
                    let doubled = bytes[at] == self.quote;
                    self.state = if doubled { State::Inside } else { State::Outside };
                    usize::from(doubled)
                }
            };
        }
        self.previous = *bytes.last().unwrap_or(&self.previous);
        None
    }

    /// A quote outside quotes opens them only where a cell begins.
    fn meet_quote(&mut self, bytes: &[u8], at: usize) {
        let before = if at == 0 { self.previous } else { bytes[at - 1] };
        if before == self.delimiter || matches!(before, b'\n' | b'\r') {
            self.state = State::Inside;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Splitter;

    fn ends(text: &str, piece: usize) -> Vec<usize> {
        let mut splitter = Splitter::new(b',', b'"');
        let mut found = Vec::new();
        for (n, part) in text.as_bytes().chunks(piece).enumerate() {
            let mut from = 0;
            while let Some(end) = splitter.next_end(&part[from..]) {
                from += end;
                found.push(n * piece + from);
            }
        }
        found
    }

    #[test]
    fn ends_do_not_depend_on_the_pieces() {
        for (text, expected) in [
            ("a,b\nc", &[4][..]),
            ("a\r\nb\r\n", &[2, 3, 5, 6]),
            ("\"a\nb\"\nc\n", &[6, 8]),
            ("a,\"x\"\"\n\"\"\"\nb\n", &[11, 13]),
            ("5\" pipe\n6\" pipe\n", &[8, 16]),
            ("\"a\"b\"\nc\n", &[6, 8]),
            ("\"x,\"y\"\nz\n", &[7, 9]),
            ("\"\"\n\"\n", &[3]),
        ] {
            for piece in 1..=text.len() {
                assert_eq!(ends(text, piece), expected, "{text:?} in pieces of {piece}");
            }
        }
    }
}
