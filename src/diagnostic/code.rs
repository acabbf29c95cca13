//! The stable codes of our diagnostics, in ranges by room. A code is never given another meaning.

/// Defines the enum, its texts and the list of all codes from one table.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)+) => {
        /// A stable code. The doc of each is its explanation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])+ $name = $number,)+ }

        impl Code {
            /// Every code with its explanation, in order.
            pub const ALL: &'static [(Code, &'static str)] = &[$((Code::$name, concat!($($doc),+)),)+];
        }
    };
}

codes! {
    /// The YAML cannot be read.
    YamlSyntax = 101,
    /// A YAML feature that manifests do not use: anchors, aliases, tags, merge keys, several documents.
    YamlFeature = 102,
    /// The same key twice in one mapping.
    DuplicateKey = 103,
    /// A key that is not a word of the language.
    UnknownKey = 104,
    /// A value of the wrong kind, or none.
    WrongValue = 105,
    /// A word that must be there and is not.
    MissingKey = 106,
    /// A word of the language that is not built yet.
    NotBuilt = 107,
    /// `${name}` without such a variable, or where it is not replaced.
    Variable = 108,
    /// Two loads, or a load and something else, that cannot stand together.
    Conflict = 109,
    /// A file that the manifest names cannot be read.
    FileMissing = 110,
    /// An environment or login that cannot be used as written.
    Environment = 111,
    /// A value map with a fault.
    ValueMap = 112,
    /// A name that no load, object or environment has.
    UnknownName = 113,
    /// An expression that cannot be read.
    ExpressionSyntax = 201,
    /// A bare name that is no column.
    UnknownColumn = 202,
    /// A filter or test that we do not have.
    UnknownFilter = 203,
    /// A filter with the wrong arguments.
    FilterArguments = 204,
    /// Something minijinja can do and a manifest may not.
    ExpressionFeature = 205,
    /// Arithmetic or order on a text column.
    TextArithmetic = 206,
    /// A source that cannot be opened or is empty.
    SourceMissing = 301,
    /// A header with a fault: a name twice, an empty name.
    SourceHeader = 302,
    /// A column that is neither mapped nor ignored, or an ignored one that is not there.
    ColumnUnused = 303,
    /// A row with more or fewer cells than the header.
    RowRagged = 304,
    /// Bytes that are not in the stated encoding.
    RowEncoding = 305,
    /// A value that the field cannot take.
    RowValue = 306,
    /// A row without a key.
    RowKey = 307,
    /// The same key in two rows.
    RowDuplicate = 308,
    /// A value that no map, record type, user or queue matches.
    RowUnmatched = 309,
    /// A parent that is nowhere.
    RowParent = 310,
    /// A row with a malformed quote, or a carriage return that ends no line.
    RowQuotes = 311,
    /// An object that the org does not have.
    UnknownObject = 401,
    /// A field that the object does not have.
    UnknownField = 402,
    /// A field that cannot be written this way.
    NotWriteable = 403,
    /// A key field that cannot be a key.
    BadKey = 404,
    /// A reference that the field cannot take.
    BadReference = 405,
    /// A required field without a value.
    RequiredField = 406,
    /// A field type that cannot be loaded.
    FieldType = 407,
    /// A record type, user or queue that the org does not have, or has twice.
    NotInOrg = 408,
    /// A value that can never be accepted by the field.
    NeverAccepted = 409,
    /// A cycle that cannot be broken.
    Cycle = 501,
    /// Rows of one hierarchy that point at each other.
    RowLoop = 502,
    /// Something that the reviewer of a plan should know.
    PlanNote = 503,
    /// The plan was made for something else: sources, manifest or org have changed.
    StalePlan = 601,
    /// The state on disk cannot be used.
    State = 602,
    /// Another process holds the state.
    Locked = 603,
    /// The org refused us.
    OrgRefused = 604,
    /// The org could not be reached or did not answer as it should.
    OrgUnreachable = 605,
    /// The org no longer has what we loaded.
    OrgDrift = 606,
    /// The failure budget is spent.
    Budget = 607,
    /// The run stopped at a checkpoint: a limit of the day, a pause of the manifest, or the time of `--until`.
    Checkpoint = 608,
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CUT{:04}", *self as u16)
    }
}
