//! Where records end, and whether they can be read: the one state machine that both the cutter and the reader of rows
//! follow.
//!
//! A quote opens a cell only as the first byte of the cell, is literal anywhere else in an unquoted one, and is doubled
//! inside a quoted one; LF and CRLF end a record outside quotes. What stands behind a closing quote and is neither
//! delimiter, quote nor line end makes the record malformed: either the cell was opened by a stray quote and this one
//! opens the next, or it was not meant to close. The next quote that tells decides how far the record goes.

use memchr::{memchr, memchr3};
use std::ops::Range;

/// How far behind the first malformed cell of a record is looked for the quote that tells where it ends; without one it ends
/// with its line. So no record takes more
/// than this along, unless a quote is never closed.
const REACH: usize = 256 << 10;

/// Why a record is no row, whatever its cells are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Text stands behind a closing quote.
    Quotes,
    /// A carriage return stands outside quotes without a line feed behind it.
    CarriageReturn,
    /// The text ended before a quote was closed.
    Unclosed,
}

/// What a record turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Seen {
    /// What makes it unreadable, the first of several.
    pub(super) flaw: Option<Flaw>,
    /// Whether a quote stands inside an unquoted cell.
    pub(super) quotes: bool,
    /// Whether it ends in CRLF.
    pub(super) crlf: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Outside,
    Inside,
    /// After a quote inside quotes: the end of the cell's quotes, or the first of two.
    Closing,
}

/// What to do next, and from where.
enum Next {
    Go(usize),
    /// More text is needed to know.
    Wait(usize),
    End(usize),
}

/// Finds the ends of records in text that comes in pieces.
#[derive(Debug, Clone)]
pub(super) struct Splitter {
    delimiter: u8,
    quote: u8,
    state: State,
    /// The byte before the next one; a line feed only where a record begins.
    previous: u8,
    seen: Seen,
    /// Where the record's quotes first turned out to be malformed, from the start of the piece at hand: below 0 in an
    /// earlier one.
    malformed_at: Option<i64>,
}

/// What a quote further on says of the text before it.
enum Tells {
    /// It can only open a cell: what is before it is closed.
    Opens,
    /// It can only close a cell, and ends here: all before it is quoted.
    Closes(usize),
    /// There is none within reach.
    Nothing,
    /// The bytes that would tell are not there yet.
    Unknown,
}

impl Splitter {
    /// At the beginning of a record.
    pub(super) fn new(delimiter: u8, quote: u8) -> Self {
        Self {
            delimiter,
            quote,
            state: State::Outside,
            previous: b'\n',
            seen: Seen::default(),
            malformed_at: None,
        }
    }

    /// Whether a quote is open: at the end of a file, one that nobody closed.
    pub(super) fn inside_quotes(&self) -> bool {
        self.state == State::Inside
    }

    /// Takes `bytes` up to the next end of a record, behind the line end, and says what the record is; or takes as
    /// many as can be judged without those that follow. Where the text has `ended` that is all of them. A blank line
    /// counts as a record of its own.
    pub(super) fn take(&mut self, bytes: &[u8], ended: bool) -> (usize, Option<Seen>) {
        let mut at = 0;
        loop {
            let next = match self.state {
                State::Outside => self.outside(bytes, at, ended),
                State::Inside => self.inside(bytes, at),
                State::Closing => self.closing(bytes, at, ended),
            };
            match next {
                Next::Go(to) => at = to,
                Next::Wait(to) => {
                    self.previous = to.checked_sub(1).map_or(self.previous, |before| bytes[before]);
                    self.malformed_at = self.malformed_at.map(|at| at - to as i64);
                    return (to, None);
                }
                Next::End(to) => {
                    self.previous = b'\n';
                    self.malformed_at = None;
                    return (to, Some(std::mem::take(&mut self.seen)));
                }
            }
        }
    }

    /// What the last record is, which has no line end.
    pub(super) fn finish(&mut self) -> Seen {
        if self.inside_quotes() {
            self.flawed(Flaw::Unclosed);
        }
        self.malformed_at = None;
        std::mem::take(&mut self.seen)
    }

    fn outside(&mut self, bytes: &[u8], at: usize, ended: bool) -> Next {
        let Some(n) = memchr3(self.quote, b'\n', b'\r', &bytes[at..]) else { return Next::Wait(bytes.len()) };
        let at = at + n;
        match (bytes[at], bytes.get(at + 1)) {
            (b'\n', _) => self.line_end(bytes, at..at + 1, ended),
            (b'\r', Some(b'\n')) => self.line_end(bytes, at..at + 2, ended),
            (b'\r', None) if !ended => Next::Wait(at),
            (b'\r', _) => {
                self.flawed(Flaw::CarriageReturn);
                Next::Go(at + 1)
            }
            _ => {
                self.meet_quote(bytes, at);
                Next::Go(at + 1)
            }
        }
    }

    /// A line end outside quotes ends the record; but a malformed one only where the next quote that tells does not show that
    /// all before it was quoted.
    fn line_end(&mut self, bytes: &[u8], end: Range<usize>, ended: bool) -> Next {
        if self.malformed_at.is_some() {
            match self.ahead(bytes, end.end, ended) {
                Tells::Closes(quote) => {
                    self.state = State::Closing;
                    return Next::Go(quote);
                }
                Tells::Unknown => return Next::Wait(end.start),
                Tells::Opens | Tells::Nothing => {}
            }
        }
        self.seen.crlf = end.len() == 2;
        Next::End(end.end)
    }

    /// A quote outside quotes opens them only where a cell begins.
    fn meet_quote(&mut self, bytes: &[u8], at: usize) {
        let before = if at == 0 { self.previous } else { bytes[at - 1] };
        if before == self.delimiter || before == b'\n' {
            self.state = State::Inside;
        } else {
            self.seen.quotes = true;
        }
    }

    fn inside(&mut self, bytes: &[u8], at: usize) -> Next {
        let Some(n) = memchr(self.quote, &bytes[at..]) else { return Next::Wait(bytes.len()) };
        self.state = State::Closing;
        Next::Go(at + n + 1)
    }

    fn closing(&mut self, bytes: &[u8], at: usize, ended: bool) -> Next {
        match bytes.get(at) {
            None => Next::Wait(at),
            Some(byte) if *byte == self.quote => {
                self.state = State::Inside;
                Next::Go(at + 1)
            }
            Some(byte) if self.ends_cell(*byte) => {
                self.state = State::Outside;
                Next::Go(at)
            }
            Some(_) => self.malformed(bytes, at, ended),
        }
    }

    /// Text behind a closing quote: the next quote that tells decides whether it is quoted.
    fn malformed(&mut self, bytes: &[u8], at: usize, ended: bool) -> Next {
        self.malformed_at.get_or_insert(at as i64);
        match self.ahead(bytes, at, ended) {
            Tells::Opens | Tells::Nothing => self.flawed_until(at, State::Outside),
            Tells::Closes(quote) => self.flawed_until(quote, State::Closing),
            Tells::Unknown => Next::Wait(at),
        }
    }

    /// What the next quote that tells says of the text before it, within reach.
    fn ahead(&self, bytes: &[u8], at: usize, ended: bool) -> Tells {
        let behind = self.malformed_at.map_or(0, |first| (at as i64 - first).max(0) as usize);
        let (all, window) = match bytes.get(at..at + REACH.saturating_sub(behind)) {
            Some(window) => (true, window),
            None => (ended, &bytes[at..]),
        };
        let mut from = 0;
        while let Some(n) = window.get(from..).and_then(|rest| memchr(self.quote, rest)) {
            let quote = at + from + n;
            let before = quote.checked_sub(1).map(|before| bytes[before]);
            if before.is_some_and(|byte| byte == self.delimiter || byte == b'\n') {
                return Tells::Opens;
            }
            match bytes.get(quote + 1) {
                None if !ended => return Tells::Unknown,
                Some(byte) if *byte == self.quote => from = quote + 2 - at,
                Some(byte) if !self.ends_cell(*byte) => from = quote + 1 - at,
                _ => return Tells::Closes(quote + 1),
            }
        }
        if all { Tells::Nothing } else { Tells::Unknown }
    }

    fn ends_cell(&self, byte: u8) -> bool {
        byte == self.delimiter || matches!(byte, b'\n' | b'\r')
    }

    fn flawed_until(&mut self, at: usize, state: State) -> Next {
        self.flawed(Flaw::Quotes);
        self.state = state;
        Next::Go(at)
    }

    fn flawed(&mut self, flaw: Flaw) {
        self.seen.flaw.get_or_insert(flaw);
    }
}

#[cfg(test)]
mod tests {
    use super::{Flaw, REACH, Seen, Splitter};

    /// The ends of the records, and what each is.
    fn ends(text: &str, piece: usize) -> Vec<(usize, Seen)> {
        let mut splitter = Splitter::new(b',', b'"');
        let (mut found, mut from) = (Vec::new(), 0);
        let mut until = 0;
        while from < text.len() {
            until = (until + piece).min(text.len());
            let ended = until == text.len();
            loop {
                let (taken, seen) = splitter.take(&text.as_bytes()[from..until], ended);
                from += taken;
                match seen {
                    Some(seen) => found.push((from, seen)),
                    None => break,
                }
            }
            if ended {
                found.extend((from > found.last().map_or(0, |f| f.0)).then(|| (from, splitter.finish())));
                return found;
            }
        }
        found
    }

    #[test]
    fn ends_do_not_depend_on_the_pieces() {
        let (quotes, cr, open) = (Some(Flaw::Quotes), Some(Flaw::CarriageReturn), Some(Flaw::Unclosed));
        for (text, expected) in [
            ("a,b\nc", &[(4, None), (5, None)][..]),
            ("a\r\nb\r\n", &[(3, None), (6, None)]),
            ("\"a\nb\"\nc\n", &[(6, None), (8, None)]),
            ("a,\"x\"\"\n\"\"\"\nb\n", &[(11, None), (13, None)]),
            ("5\" pipe\n6\" pipe\n", &[(8, None), (16, None)]),
            ("\"\"\n\"\n", &[(3, None), (5, open)]),
            ("a\rb\r\nc\r", &[(5, cr), (7, cr)]),
            ("\"a\"b\nc\n", &[(5, quotes), (7, None)]),
            ("\"a\"b\"\nc\n", &[(6, quotes), (8, None)]),
            ("\"x,\"y\"\nz\n", &[(7, quotes), (9, None)]),
            ("\"open,b\n\"next\",c\nd\n", &[(17, quotes), (19, None)]),
            ("\"a\" b\n\"c\",d\n", &[(6, quotes), (12, None)]),
            ("\"a\" b,\"c\nd\"\ne\n", &[(12, quotes), (14, None)]),
            ("\"12\" pipe\nlong\",b\nc\n", &[(18, quotes), (20, None)]),
            ("\"a\"b\n5\" c\nd", &[(5, quotes), (10, None), (11, None)]),
            ("\"a\"\rb\n", &[(6, cr)]),
            ("1\r,\"say \"hi\", ok\n7,x,\ndone\",a\n", &[(30, cr)]),
        ] {
            for piece in 1..=text.len() {
                let found: Vec<_> = ends(text, piece).iter().map(|(end, seen)| (*end, seen.flaw)).collect();
                assert_eq!(found, expected, "{text:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_quote_far_away_tells_nothing() {
        for (far, ends_at_once) in [(REACH - 10, false), (REACH + 10, true)] {
            let text = format!("\"a\"b\n{}\",c\n", "x".repeat(far));
            for piece in [7_000, text.len()] {
                let first = ends(&text, piece)[0];
                assert_eq!(first.1.flaw, Some(Flaw::Quotes));
                assert_eq!(first.0, if ends_at_once { 5 } else { text.len() }, "pieces of {piece}");
            }
        }
    }

    /// Each cell that ends in a quote may close what was open before it: a file of them is not one record.
    #[test]
    fn a_malformed_record_has_an_end() {
        let line = "2,5\"\n";
        let text = format!("1,\"a\"b\n{}", line.repeat(3 * REACH / line.len()));
        for piece in [7_000, text.len()] {
            let found = ends(&text, piece);
            assert_eq!(
                (found[0].1.flaw, found[1].1),
                (Some(Flaw::Quotes), Seen { quotes: true, ..Seen::default() })
            );
            assert!((REACH - 10..REACH + 20).contains(&found[0].0), "{} in pieces of {piece}", found[0].0);
            assert_eq!(found[0].0, ends(&text, 64)[0].0, "pieces of {piece}");
        }
    }

    #[test]
    fn what_a_record_is_beside_its_flaws() {
        let seen = |text: &str| ends(text, 1)[0].1;
        assert_eq!(seen("a\"b\r\n"), Seen { quotes: true, crlf: true, flaw: None });
        assert_eq!(seen("\"a\"\"\r\nb\"\n"), Seen::default());
    }
}
