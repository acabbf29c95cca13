//! All words of the language, once: the readers' choices and the JSON Schema come from these tables.
//!
//! The tables are what the reading code is tested against; they know nothing of YAML or of how a word is read.

use super::choices::{ApiChoice, Duplicates, OPERATION};
use crate::transform::{Blank, Inactive, OnMissing, Only, Other, TooLong, TooPrecise, Unmapped};
use crate::yaml::{MapReader, Node};
use Shape::{
    Budget, Count, Expression, Fields, Flag, ListOf, Match, Name, Named, OneOf, Reference, Text, TextMap,
    TextOr, Texts, Version, Words,
};

/// One word that a mapping may hold.
#[derive(Clone, Copy)]
pub(super) struct Word {
    /// The word.
    pub(super) name: &'static str,
    /// What it says, for the reader of the schema.
    pub(super) about: &'static str,
    /// What stands to the right of it.
    pub(super) shape: Shape,
}

/// What stands to the right of a word.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// The number 1.
    Version,
    /// Text; numbers and booleans are taken as written.
    Text,
    /// Text, not the number that it looks like.
    Name,
    /// An expression over the row.
    Expression,
    /// One text or a list of them.
    Texts,
    /// A whole number, 1 or more.
    Count,
    /// `true` or `false`.
    Flag,
    /// One of a closed list.
    OneOf(fn() -> Vec<&'static str>),
    /// `N` or `N%`.
    Budget,
    /// A mapping of the user's own names to text.
    TextMap,
    /// A mapping of the user's own names to mappings of these words.
    Named(&'static [Word]),
    /// A mapping of these words.
    Words(&'static [Word]),
    /// Text, or a mapping of these words.
    TextOr(&'static [Word]),
    /// A list of mappings of these words.
    ListOf(&'static [Word]),
    /// A mapping of field names to field values.
    Fields,
    /// An object, or a mapping of tags to objects.
    Reference,
    /// A field, or a mapping of fields to expressions.
    Match,
    /// A word of the language that is not built yet; what to write instead.
    Unbuilt(&'static str),
}

const fn word(name: &'static str, shape: Shape, about: &'static str) -> Word {
    Word { name, about, shape }
}

const fn later(name: &'static str, instead: &'static str) -> Word {
    Word { name, about: "", shape: Shape::Unbuilt(instead) }
}

/// `cutover.yaml` itself.
pub(super) const TOP: &[Word] = &[
    word("cutover", Version, "Version of the manifest format."),
    word("project", Name, "Name of the project."),
    word(
        "vars",
        TextMap,
        "Texts for `${name}` in `value`, `default`, `fallback` and `match`, and for `vars.name` in expressions.",
    ),
    word(
        "environments",
        Named(ENVIRONMENT),
        "Where to, as whom and how fast; `local` is taken when none is asked for.",
    ),
    word("defaults", Words(DEFAULTS), "What holds for every load that does not say otherwise."),
    word("include", Texts, "Files that hold further `objects`: paths or globs, relative to this file."),
    word("objects", ListOf(LOAD), "The loads."),
];

/// The only words of an included file.
pub(super) const INCLUDED: &[Word] = &[word("objects", ListOf(LOAD), "The loads.")];

/// One environment.
pub(super) const ENVIRONMENT: &[Word] = &[
    word("org", Words(ORG), "How the org is reached."),
    word("org_id", Name, "Refuse any other org: its 15 or 18 character Id."),
    word("limits", Words(LIMITS), "How fast."),
    word("vars", TextMap, "Values of vars that differ here."),
    word(
        "protect",
        Flag,
        "An apply needs a saved plan and this environment's name typed: the default unless the org is a sandbox or local.",
    ),
];

/// How an org is reached.
pub(super) const ORG: &[Word] = &[
    word("local", Name, "The embedded org: path of its schema, relative to this file."),
    word("url", Name, "Address of the instance, or `env:NAME`."),
    word("token", Name, "`env:NAME`: the environment variable that holds the access token."),
    word("sf", Name, "Log in through the `sf` command: an alias or username that it knows, or `env:NAME`."),
    word("jwt", Words(JWT), "Log in with a signed assertion: no secret leaves this machine."),
    word("client_credentials", Words(CLIENT_CREDENTIALS), "Log in as the run-as user of an app."),
    word("refresh_token", Words(REFRESH_TOKEN), "Log in with a refresh token that was granted before."),
];

/// A login by JWT bearer.
pub(super) const JWT: &[Word] = &[
    word("login", Name, ABOUT_LOGIN),
    word("username", Name, "Who we are there, or `env:NAME`."),
    word("client_id", Name, ABOUT_CLIENT_ID),
    word(
        "key_file",
        Name,
        "The RSA private key (PEM) whose certificate the app has: a path relative to this file, or `env:NAME`.",
    ),
];

/// A login by client credentials.
pub(super) const CLIENT_CREDENTIALS: &[Word] = &[
    word("login", Name, "The org's own address, such as `acme.my.salesforce.com`, or `env:NAME`."),
    word("client_id", Name, ABOUT_CLIENT_ID),
    word("client_secret", Name, "`env:NAME`: the environment variable that holds the app's secret."),
];

/// A login by refresh token.
pub(super) const REFRESH_TOKEN: &[Word] = &[
    word("login", Name, ABOUT_LOGIN),
    word("client_id", Name, ABOUT_CLIENT_ID),
    word("client_secret", Name, "`env:NAME`: the app's secret, where it asks for one."),
    word("refresh_token", Name, "`env:NAME`: the environment variable that holds the refresh token."),
];

const ABOUT_LOGIN: &str = "Where logins are made: `login.salesforce.com`, `test.salesforce.com`, the org's own address, or `env:NAME`.";
const ABOUT_CLIENT_ID: &str = "The app's consumer key, or `env:NAME`.";

/// How fast.
pub(super) const LIMITS: &[Word] = &[
    word("parallel_jobs", Count, "Jobs that may run at the same time."),
    word("part_rows", Count, "Rows of one job where records lock each other's parents."),
];

/// What holds for every load.
pub(super) const DEFAULTS: &[Word] = &[
    word("source", Words(DEFAULT_SOURCE), "How sources are written and where they lie."),
    word("on_missing", OneOf(|| names(ON_MISSING)), ABOUT_ON_MISSING),
    word("blank", OneOf(|| names(BLANK)), ABOUT_BLANK),
    word("unmapped", OneOf(|| names(UNMAPPED)), ABOUT_UNMAPPED),
    word("too_long", OneOf(|| names(TOO_LONG)), ABOUT_TOO_LONG),
    word("too_precise", OneOf(|| names(TOO_PRECISE)), ABOUT_TOO_PRECISE),
    word("duplicates", OneOf(|| names(DUPLICATES)), ABOUT_DUPLICATES),
    word("max_failed", Budget, ABOUT_MAX_FAILED),
];

/// A load's source.
pub(super) const SOURCE: &[Word] = &[
    word("file", Name, "Path or glob, relative to `dir`."),
    word("dir", Name, ABOUT_DIR),
    word("encoding", Name, ABOUT_ENCODING),
    word("delimiter", Text, ABOUT_DELIMITER),
    word("quote", Text, ABOUT_QUOTE),
    word("null_values", Texts, ABOUT_NULLS),
    word("timezone", Name, ABOUT_TIMEZONE),
    UNBUILT_SOURCE[0],
    UNBUILT_SOURCE[1],
    UNBUILT_SOURCE[2],
];

/// What `defaults` may say about sources.
pub(super) const DEFAULT_SOURCE: &[Word] = &[
    word("dir", Name, ABOUT_DIR),
    word("encoding", Name, ABOUT_ENCODING),
    word("delimiter", Text, ABOUT_DELIMITER),
    word("quote", Text, ABOUT_QUOTE),
    word("null_values", Texts, ABOUT_NULLS),
    word("timezone", Name, ABOUT_TIMEZONE),
    UNBUILT_SOURCE[0],
    UNBUILT_SOURCE[1],
    UNBUILT_SOURCE[2],
];

const UNBUILT_SOURCE: [Word; 3] = [
    later("compression", "unpack the file first"),
    later("sqlite", "write the rows to a CSV file and name it under `file`"),
    later("query", "write the rows to a CSV file and name it under `file`"),
];

/// One load.
pub(super) const LOAD: &[Word] = &[
    word("name", Name, "Name of the load; needed when an object is loaded twice."),
    word("object", Name, "The object that is filled."),
    word("key", Name, "The external-ID field that identifies the object's records."),
    word("source", TextOr(SOURCE), "Where the rows come from: a path, a glob, or a mapping."),
    word("where", Expression, "Rows for which this is false are left out."),
    word("duplicates", OneOf(|| names(DUPLICATES)), ABOUT_DUPLICATES),
    word("max_failed", Budget, ABOUT_MAX_FAILED),
    word("operation", OneOf(|| names(OPERATION)), "How rows are written."),
    word("api", OneOf(|| names(API)), "By which API: `auto` takes REST calls for steps of under 2,000 rows."),
    word(
        "assignment_rule",
        Name,
        "The assignment rule that runs on the load's cases or leads, by name; none runs without it.",
    ),
    word(
        "territory_rules",
        Flag,
        "Whether territory rules run on the load's accounts, where they go by REST calls; they do not by default.",
    ),
    word("after", Texts, "Loads that come first though no reference shows it."),
    word("lock_by", Name, "The reference of this load whose parent is locked."),
    word("part_rows", Count, "Rows of one job where records lock each other's parents."),
    word(
        "levels",
        Count,
        "Levels of its hierarchy that are loaded one after the other; 50 where it is not said.",
    ),
    word("overlap", Flag, "Whether its steps may run beside others that lock the same parents."),
    word("pause_after", Flag, "Whether a run pauses once its rows are in; the next apply goes on."),
    word("fields", Fields, "Fields of the object and where their values come from."),
    word("ignore", Texts, "Columns of the source that are left out on purpose."),
    word("on_missing", OneOf(|| names(ON_MISSING)), ABOUT_ON_MISSING),
    word("blank", OneOf(|| names(BLANK)), ABOUT_BLANK),
    word("unmapped", OneOf(|| names(UNMAPPED)), ABOUT_UNMAPPED),
    word("too_long", OneOf(|| names(TOO_LONG)), ABOUT_TOO_LONG),
    word("too_precise", OneOf(|| names(TOO_PRECISE)), ABOUT_TOO_PRECISE),
    later("tests", "leave it out"),
];

/// One field that is more than an expression.
pub(super) const FIELD: &[Word] = &[
    word("from", Expression, "The value, or the parent's key beside `ref`."),
    word("value", Text, "The same text for every row."),
    word("ref", Reference, "A parent loaded here: an object, or a mapping of `type` values to objects."),
    word("type", Expression, "Picks one of several objects of `ref`."),
    word("record_type", Expression, "A record type, by DeveloperName."),
    word("user", Expression, "A user, by the field named by `match`."),
    word("queue", Expression, "A queue, by DeveloperName."),
    word("lookup", Name, "A record, by some of its fields: its object."),
    word("match", Match, ABOUT_MATCH),
    word("first_of", ListOf(ALTERNATIVE), "A list of these, of which the first that finds something counts."),
    word("map", TextMap, "Translates values; exact after trimming."),
    word(
        "map_file",
        Name,
        "A CSV file that translates: first column from, second to; relative to this file.",
    ),
    word("default", Text, "Stands in for a blank."),
    word("fallback", Text, "Stands in for what nothing matched."),
    word("blank", OneOf(|| names(BLANK)), ABOUT_BLANK),
    word("unmapped", OneOf(|| names(UNMAPPED)), ABOUT_UNMAPPED),
    word("on_missing", OneOf(|| names(ON_MISSING)), ABOUT_ON_MISSING),
    word(
        "other",
        OneOf(|| names(OTHER)),
        "What a `ref` to several objects does with a `type` that it does not list: reject the row, or blank the field.",
    ),
    word("too_long", OneOf(|| names(TOO_LONG)), ABOUT_TOO_LONG),
    word("too_precise", OneOf(|| names(TOO_PRECISE)), ABOUT_TOO_PRECISE),
    word("inactive", OneOf(|| names(INACTIVE)), "What a user does who is not active."),
    word(
        "only",
        OneOf(|| names(ONLY)),
        "Send the field only when the record is created, or only when it is updated.",
    ),
    word("when", Expression, "Blanks the field where it is false."),
];

/// One of `first_of`.
pub(super) const ALTERNATIVE: &[Word] = &[
    word("from", Expression, "The value, or the parent's key beside `ref`."),
    word("value", Text, "The same text for every row."),
    word("ref", Reference, "A parent loaded here: an object, or a mapping of `type` values to objects."),
    word("type", Expression, "Picks one of several objects of `ref`."),
    word("record_type", Expression, "A record type, by DeveloperName."),
    word("user", Expression, "A user, by the field named by `match`."),
    word("queue", Expression, "A queue, by DeveloperName."),
    word("lookup", Name, "A record, by some of its fields: its object."),
    word("match", Match, ABOUT_MATCH),
];

const ABOUT_MATCH: &str = "Beside `user` the User field to look in, Username when it is not said; beside `lookup` the \
fields of the record and the expressions that they must equal.";

const ABOUT_ON_MISSING: &str =
    "What a reference does that finds nothing: hold the row, blank the field, or reject the row.";
const ABOUT_BLANK: &str = "What a blank does: keep the org's value, or clear it.";
const ABOUT_UNMAPPED: &str = "What a value does that the map does not have.";
const ABOUT_TOO_LONG: &str = "What a text does that is longer than the field.";
const ABOUT_TOO_PRECISE: &str =
    "What a number does with more decimals than the field keeps, or a time finer than a millisecond.";
const ABOUT_DUPLICATES: &str = "What becomes of rows with the same key.";
const ABOUT_MAX_FAILED: &str = "Stop when more rows than this have failed or been rejected: `N` or `N%`.";
const ABOUT_DIR: &str = "Folder of the sources, relative to the folder of `cutover.yaml`.";
const ABOUT_ENCODING: &str = "Character set, such as `utf-8` or `windows-1252`.";
const ABOUT_DELIMITER: &str = "The character between cells.";
const ABOUT_QUOTE: &str = "The character around cells that hold a delimiter or a line end.";
const ABOUT_NULLS: &str = "Cells equal to one of these are blank.";
const ABOUT_TIMEZONE: &str = "Zone of times without an offset, such as `Europe/London`.";

/// `blank`.
pub(super) const BLANK: &[(&str, Blank)] = &[("keep", Blank::Keep), ("clear", Blank::Clear)];
/// `unmapped`.
pub(super) const UNMAPPED: &[(&str, Unmapped)] =
    &[("reject", Unmapped::Reject), ("blank", Unmapped::Blank), ("pass", Unmapped::Pass)];
/// `on_missing`.
pub(super) const ON_MISSING: &[(&str, OnMissing)] =
    &[("hold", OnMissing::Hold), ("blank", OnMissing::Blank), ("reject", OnMissing::Reject)];
/// `other`.
pub(super) const OTHER: &[(&str, Other)] = &[("reject", Other::Reject), ("blank", Other::Blank)];
/// `too_long`.
pub(super) const TOO_LONG: &[(&str, TooLong)] =
    &[("reject", TooLong::Reject), ("truncate", TooLong::Truncate)];
/// `too_precise`.
pub(super) const TOO_PRECISE: &[(&str, TooPrecise)] =
    &[("round", TooPrecise::Round), ("reject", TooPrecise::Reject)];
/// `only`.
pub(super) const ONLY: &[(&str, Only)] = &[("create", Only::Create), ("update", Only::Update)];
/// `inactive`.
pub(super) const INACTIVE: &[(&str, Inactive)] =
    &[("fallback", Inactive::Fallback), ("reject", Inactive::Reject), ("keep", Inactive::Keep)];
/// `duplicates`.
pub(super) const DUPLICATES: &[(&str, Duplicates)] = &[
    ("stop", Duplicates::Stop),
    ("reject", Duplicates::Reject),
    ("first", Duplicates::First),
    ("last", Duplicates::Last),
];
/// `api`.
pub(super) const API: &[(&str, ApiChoice)] = &[("bulk", ApiChoice::Bulk), ("auto", ApiChoice::Auto)];
/// The standard User fields that `match` may name, `Username` first: it is the default.
pub(super) const USER_MATCH: &[&str] =
    &["Username", "Email", "EmployeeNumber", "FederationIdentifier", "Name", "Alias"];

/// The words of a list of choices.
fn names<T>(choices: &[(&'static str, T)]) -> Vec<&'static str> {
    choices.iter().map(|(name, _)| *name).collect()
}

/// Refuses the words of the table that are not built yet. Those not written are never mentioned.
pub(super) fn refuse_unbuilt(node: &Node, words: &[Word], reader: &mut MapReader<'_, '_>) {
    for word in words {
        if let Shape::Unbuilt(instead) = word.shape
            && node.get(word.name).is_some()
        {
            reader.not_built(word.name, instead);
        }
    }
}
