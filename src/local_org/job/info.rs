//! A job as the org keeps it: its kind, its state, its settings and counts.

/// Ingest or query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Rows in.
    Ingest,
    /// Rows out.
    Query,
}

impl Kind {
    /// The word stored, and the path word of its resource.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Query => "query",
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    UploadComplete,
    InProgress,
    JobComplete,
    Failed,
    Aborted,
}

impl State {
    const ALL: [State; 6] =
        [Self::Open, Self::UploadComplete, Self::InProgress, Self::JobComplete, Self::Failed, Self::Aborted];

    /// The word on the wire.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::JobComplete => "JobComplete",
            Self::Failed => "Failed",
            Self::Aborted => "Aborted",
        }
    }

    /// From the word on the wire.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }

    /// Whether nothing more will happen to the job.
    pub(crate) fn is_done(self) -> bool {
        matches!(self, Self::JobComplete | Self::Failed | Self::Aborted)
    }
}

/// One job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) seq: i64,
    pub(crate) id: String,
    pub(crate) kind: Kind,
    /// insert, update, upsert, delete, hardDelete; query, queryAll.
    pub(crate) operation: String,
    pub(crate) object: String,
    /// `externalIdFieldName`, as it is spelt in the schema.
    pub(crate) key: Option<String>,
    pub(crate) soql: Option<String>,
    pub(crate) assignment_rule: Option<String>,
    /// Name of the delimiter.
    pub(crate) delimiter: String,
    /// LF or CRLF.
    pub(crate) line_ending: String,
    /// `62.0`.
    pub(crate) version: String,
    pub(crate) state: State,
    pub(crate) created: i64,
    pub(crate) modified: i64,
    pub(crate) started: Option<i64>,
    /// 0 before, 1 during, 2 after the upload.
    pub(crate) upload: i64,
    /// Bytes uploaded.
    pub(crate) length: i64,
    /// Ingest: bytes processed, the header among them. Query: where to go on reading.
    pub(crate) position: i64,
    /// Rows processed, failed ones among them.
    pub(crate) rows: i64,
    pub(crate) failed: i64,
    pub(crate) retries: i64,
    /// Milliseconds spent on it.
    pub(crate) active: i64,
    pub(crate) error: Option<String>,
    /// Id of the user who created it; the admin's without one.
    pub(crate) user: Option<String>,
}

impl Job {
    /// The delimiter's byte.
    pub(crate) fn delimiter_byte(&self) -> u8 {
        DELIMITERS.iter().find(|(name, _)| *name == self.delimiter).map_or(b',', |(_, byte)| *byte)
    }

    /// The bytes that end a line.
    pub(crate) fn line_end(&self) -> &'static str {
        if self.line_ending == "CRLF" { "\r\n" } else { "\n" }
    }
}

/// The delimiters a job can have.
pub(crate) const DELIMITERS: &[(&str, u8)] = &[
    ("COMMA", b','),
    ("SEMICOLON", b';'),
    ("TAB", b'\t'),
    ("PIPE", b'|'),
    ("CARET", b'^'),
    ("BACKQUOTE", b'`'),
];
