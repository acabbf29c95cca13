//! What a manifest comes to: names resolved, defaults and vars applied, expressions compiled. Types only.
//!
//! Must not know YAML, nor how any of this was written down; places are kept for those who speak about it later.

use super::choices::{ApiChoice, Duplicates, Operation};
use crate::diagnostic::Place;
use crate::source::CsvFormat;
use crate::transform::{
    Blank, Expr, Inactive, OnMissing, Only, Other, Scope, TooLong, TooPrecise, Unmapped, ValueMap,
};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A whole manifest for one environment.
#[derive(Debug, Clone)]
pub struct Migration {
    /// The project's name.
    pub project: String,
    /// Where it goes.
    pub environment: Environment,
    /// The loads, in the order of the manifest, included files after the main one.
    pub loads: Vec<Load>,
    /// The vars with the environment's own applied.
    pub vars: Arc<BTreeMap<String, String>>,
    /// Every manifest and map file that was read, sorted.
    pub files: Vec<String>,
}

/// The chosen environment.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// How to reach its org.
    pub org: OrgLogin,
    /// The only org this environment may be, if it says so.
    pub org_id: Option<String>,
    /// Jobs that may run at the same time.
    pub parallel_jobs: u32,
    /// Rows of a lock-prone part, if it says so.
    pub part_rows: Option<u32>,
    /// Whether an apply needs a saved plan and a typed confirmation, if it says so.
    pub protect: Option<bool>,
}

/// How an org is reached.
#[derive(Debug, Clone)]
pub enum OrgLogin {
    /// The embedded org.
    Local {
        /// Path of its schema.
        schema: String,
    },
    /// A token that somebody else fetched.
    Token {
        /// Address of the instance, without a slash at the end.
        url: String,
        /// The token.
        token: SecretString,
    },
    /// The `sf` command's login.
    Sf {
        /// An alias or username that it knows.
        user: String,
    },
    /// A signed assertion (JWT bearer).
    Jwt {
        /// Where logins are made, without a slash at the end.
        login: String,
        /// Who we are there.
        username: String,
        /// The app's consumer key.
        client_id: String,
        /// Path of the private key.
        key_file: String,
        /// Where it is named.
        key_place: Place,
    },
    /// An app's own login.
    ClientCredentials {
        /// The org's own address, without a slash at the end.
        login: String,
        /// The app's consumer key.
        client_id: String,
        /// The app's secret.
        client_secret: SecretString,
    },
    /// A refresh token that was granted before.
    RefreshToken {
        /// Where logins are made, without a slash at the end.
        login: String,
        /// The app's consumer key.
        client_id: String,
        /// The app's secret, where it has one.
        client_secret: Option<SecretString>,
        /// The refresh token.
        refresh_token: SecretString,
    },
}

/// One entry of `objects`.
#[derive(Debug, Clone)]
pub struct Load {
    /// Its name, unique among the loads.
    pub name: String,
    /// The object it fills.
    pub object: String,
    /// The field that identifies the object's records for us.
    pub key: String,
    /// Where the key is named.
    pub key_place: Place,
    /// Where the load begins.
    pub place: Place,
    /// The source files, sorted.
    pub files: Vec<String>,
    /// Where the source is named.
    pub source_place: Place,
    /// How the files are written.
    pub format: CsvFormat,
    /// The zone of times without an offset.
    pub timezone: Option<String>,
    /// The header's columns.
    pub columns: Vec<String>,
    /// `where`: the rows that take part.
    pub condition: Option<Expr>,
    /// What becomes of rows with the same key.
    pub duplicates: Duplicates,
    /// How many rows may fail before the run stops.
    pub max_failed: Option<Budget>,
    /// How rows are written.
    pub operation: Operation,
    /// By which API.
    pub api: ApiChoice,
    /// The assignment rule that is run on its cases or leads, and where it is named.
    pub assignment_rule: Option<(String, Place)>,
    /// Whether the territory rules of accounts run.
    pub territory_rules: bool,
    /// Loads that come before this one though no reference shows it, as indices into [`Migration::loads`].
    pub after: Vec<usize>,
    /// The reference whose parent is locked.
    pub lock_by: Option<String>,
    /// Rows of a lock-prone part.
    pub part_rows: Option<u32>,
    /// Levels of its hierarchy that are loaded one after the other.
    pub levels: Option<u32>,
    /// Whether its steps may run beside others that lock the same parents.
    pub overlap: bool,
    /// Whether a run pauses once its rows are in.
    pub pause_after: bool,
    /// What is sent, in the order written.
    pub fields: Vec<Field>,
    /// Columns that are left out on purpose.
    pub ignore: Vec<String>,
    /// The vars its expressions see.
    pub vars: Arc<BTreeMap<String, String>>,
}

impl Load {
    /// What its expressions were compiled against.
    pub fn scope(&self) -> Scope {
        Scope {
            columns: Some(self.columns.clone()),
            vars: (*self.vars).clone(),
            timezone: self.timezone.clone(),
        }
    }
}

/// One field of a load.
#[derive(Debug, Clone)]
pub struct Field {
    /// The field's name.
    pub name: String,
    /// Where the name stands.
    pub place: Place,
    /// Where its value stands.
    pub value_place: Place,
    /// Where the value comes from.
    pub verb: Verb,
    /// Blanks the field where it is false.
    pub when: Option<Expr>,
    /// Stands in for a blank.
    pub default: Option<String>,
    /// Stands in for what nothing matched.
    pub fallback: Option<String>,
    /// Translates values.
    pub map: Option<ValueMap>,
    /// What a blank does to the org's value.
    pub blank: Blank,
    /// What a value does that the map does not have.
    pub unmapped: Unmapped,
    /// What a reference does that finds nothing.
    pub on_missing: OnMissing,
    /// What a kind that a reference to several objects does not list means.
    pub other: Other,
    /// What a text does that is longer than the field.
    pub too_long: TooLong,
    /// What a number or a time does that is finer than the field.
    pub too_precise: TooPrecise,
    /// When the field is sent.
    pub only: Only,
    /// What a user does who is not active.
    pub inactive: Inactive,
}

/// Where a field's value comes from.
#[derive(Debug, Clone)]
pub enum Verb {
    /// An expression over the row.
    Expr(Expr),
    /// The same text for every row.
    Const(String),
    /// A parent loaded here, by its key.
    Ref {
        /// The objects it may be; more than one, or one with a tag, when `type_expr` picks.
        targets: Vec<RefTo>,
        /// Says which target, by its tag.
        type_expr: Option<Expr>,
        /// The parent's key.
        from: Expr,
    },
    /// A record type, by DeveloperName.
    RecordType(Expr),
    /// A user.
    User {
        /// The text to look for.
        from: Expr,
        /// The User field to look in.
        match_field: String,
    },
    /// A queue, by DeveloperName.
    Queue(Expr),
    /// A record that the org has and no load of this manifest creates, by some of its fields.
    Lookup {
        /// Its object.
        object: String,
        /// Where that is named.
        place: Place,
        /// The fields to look in.
        fields: Vec<String>,
        /// The texts to look for, [`crate::transform::AND`] between them.
        from: Expr,
    },
    /// The first of several that finds something.
    FirstOf {
        /// The verbs; a `ref` is the last of them.
        of: Vec<Verb>,
        /// Their texts, [`crate::transform::OR`] between them.
        from: Expr,
    },
}

impl Verb {
    /// Itself, or those of which it takes the first that finds something.
    pub fn each(&self) -> &[Verb] {
        match self {
            Self::FirstOf { of, .. } => of,
            one => std::slice::from_ref(one),
        }
    }

    /// Whether it looks for a record.
    pub fn looks(&self) -> bool {
        !matches!(self, Self::Expr(_) | Self::Const(_))
    }

    /// Whether it is a `ref`, or has one.
    pub fn refers(&self) -> bool {
        self.each().iter().any(|verb| matches!(verb, Self::Ref { .. }))
    }

    /// Its expressions, in the order they are written in the specification.
    pub fn expressions(&self) -> Vec<&Expr> {
        match self {
            Self::Const(_) => Vec::new(),
            Self::Expr(e)
            | Self::RecordType(e)
            | Self::Queue(e)
            | Self::User { from: e, .. }
            | Self::Lookup { from: e, .. } => vec![e],
            Self::FirstOf { of, .. } => of.iter().flat_map(Self::expressions).collect(),
            Self::Ref { type_expr, from, .. } => type_expr.iter().chain([from]).collect(),
        }
    }
}

/// An object that a reference may point at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefTo {
    /// The value of `type` that picks it; nothing when there is no `type`.
    pub tag: Option<String>,
    /// The object.
    pub object: String,
    /// Where it is named.
    pub place: Place,
}

/// How many rows may fail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// This many.
    Rows(u64),
    /// This part of the rows, in percent.
    Percent(f64),
}
