//! One pass over an upload for what makes a whole job fail: line ends that are not the job's, stray quotes.

/// The text for quotes where none can stand (reference A10).
const STRAY: &str =
    "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote";

/// The pass. Feed it the parts in order, then ask for the fault.
///
/// Unconfirmed(embedded-breaks): whether a line break inside quotes that is not the job's own fails the job; choice: no.
pub(crate) struct Scan {
    delimiter: u8,
    crlf: bool,
    /// Bytes seen in parts before this one.
    seen: usize,
    last: Option<u8>,
    in_quotes: bool,
    /// Where a quote closed, the byte behind it not yet seen.
    closed: Option<usize>,
    carriage: Option<usize>,
    fault: Option<String>,
}

impl Scan {
    /// A pass for a job of this delimiter and line end.
    pub(crate) fn new(delimiter: u8, crlf: bool) -> Self {
        Self {
            delimiter,
            crlf,
            seen: 0,
            last: None,
            in_quotes: false,
            closed: None,
            carriage: None,
            fault: None,
        }
    }

    /// Looks at the next part.
    pub(crate) fn feed(&mut self, part: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        if let (Some(_), Some(byte)) = (self.closed, part.first()) {
            self.behind_close(*byte);
        }
        for at in memchr::memchr3_iter(b'"', b'\n', b'\r', part) {
            let before = if at == 0 { self.last } else { Some(part[at - 1]) };
            match part[at] {
                b'"' => self.quote(self.seen + at, before, part.get(at + 1).copied()),
                byte if !self.in_quotes => self.line_end(byte, self.seen + at),
                _ => {}
            }
            if self.fault.is_some() {
                return;
            }
        }
        self.seen += part.len();
        self.last = part.last().copied().or(self.last);
    }

    /// What is wrong, if anything.
    pub(crate) fn finish(mut self) -> Option<String> {
        if self.in_quotes && self.fault.is_none() {
            self.fault = Some(STRAY.into());
        }
        self.fault
    }

    fn quote(&mut self, at: usize, before: Option<u8>, behind: Option<u8>) {
        if self.in_quotes {
            self.in_quotes = false;
            self.closed = Some(at);
            if let Some(byte) = behind {
                self.behind_close(byte);
            }
            return;
        }
        let doubled = self.closed.is_some_and(|closed| closed + 1 == at);
        self.closed = None;
        let opens = before.is_none_or(|b| b == self.delimiter || matches!(b, b'\n' | b'\r'));
        if !doubled && !opens {
            self.fault = Some(STRAY.into());
        }
        self.in_quotes = true;
    }

    fn behind_close(&mut self, byte: u8) {
        if byte != self.delimiter && !matches!(byte, b'"' | b'\n' | b'\r') {
            self.fault = Some(STRAY.into());
        }
        if byte != b'"' {
            self.closed = None;
        }
    }

    fn line_end(&mut self, byte: u8, at: usize) {
        let wrong = match (self.crlf, byte) {
            (true, b'\r') => {
                self.carriage = Some(at);
                false
            }
            (true, _) => self.carriage.is_none_or(|carriage| carriage + 1 != at),
            (false, byte) => byte == b'\r',
        };
        if wrong {
            let setting = if self.crlf { "CRLF" } else { "LF" };
            self.fault = Some(format!(
                "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {setting}"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Scan;

    fn scan(crlf: bool, text: &str, part: usize) -> Option<String> {
        let mut scan = Scan::new(b',', crlf);
        text.as_bytes().chunks(part).for_each(|p| scan.feed(p));
        scan.finish()
    }

    #[test]
    fn faults_are_found_wherever_the_parts_end() {
        for part in 1..9 {
            for (crlf, text, fault) in [
                (false, "a,b\n1,2\n", None),
                (false, "a,b\n\"1\n2\",\"x \"\"y\"\"\"\n", None),
                (false, "a,b\n\"1\r\n2\",3\n", None),
                (true, "a,b\r\n1,2\r\n", None),
                (false, "a,b\r\n1,2\r\n", Some("LineEnding")),
                (true, "a,b\r\n1,2\n", Some("LineEnding")),
                (false, "a,b\n\"1\", \"2\"\n", Some("unescaped quote")),
                (false, "a,b\n1\"2,3\n", Some("unescaped quote")),
                (false, "\u{feff}\"a\",b\n", Some("unescaped quote")),
                (false, "a,b\n\"1,2\n", Some("unescaped quote")),
                (false, "a,\"\"\n\"\"\"\",\"\"\n", None),
            ] {
                let found = scan(crlf, text, part);
                assert_eq!(found.is_some(), fault.is_some(), "{text:?} in parts of {part}: {found:?}");
                assert!(fault.is_none_or(|f| found.unwrap().contains(f)), "{text:?}");
            }
        }
    }
}
