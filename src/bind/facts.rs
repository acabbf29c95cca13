//! What must be known of the org before binding, as data.

use crate::manifest::{Migration, Verb};
use crate::model::RecordType;
use std::collections::BTreeMap;

/// One thing to find out. In the order of this list: the first kind first, and names without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// An object's describe.
    Describe(String),
    /// The record types of an object.
    RecordTypes(String),
    /// The users that have a value in this field.
    Users {
        /// The User field.
        match_field: String,
    },
    /// All queues.
    Queues,
}

/// What was found out, beside the describes. Names in keys are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrgFacts {
    /// Record types by object.
    pub record_types: BTreeMap<String, Vec<RecordType>>,
    /// Users by the field they are matched by.
    pub users: BTreeMap<String, Vec<UserFact>>,
    /// Queues.
    pub queues: Vec<QueueFact>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFact {
    /// What stands in the field.
    pub value: String,
    /// 18 characters.
    pub id: String,
    /// Whether the user may log in.
    pub active: bool,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueFact {
    /// DeveloperName.
    pub developer_name: String,
    /// 18 characters.
    pub id: String,
    /// API names of the objects whose records it may own.
    pub objects: Vec<String>,
}

/// What a migration needs to know: sorted, each once.
pub fn needs(migration: &Migration) -> Vec<Need> {
    let mut found = BTreeMap::new();
    for load in &migration.loads {
        add(&mut found, Need::Describe(load.object.clone()));
        for field in &load.fields {
            match &field.verb {
                Verb::RecordType(_) => add(&mut found, Need::RecordTypes(load.object.clone())),
                Verb::User { match_field, .. } => {
                    add(&mut found, Need::Describe("User".to_owned()));
                    add(&mut found, Need::Users { match_field: match_field.clone() });
                }
                Verb::Queue(_) => add(&mut found, Need::Queues),
                Verb::Expr(_) | Verb::Const(_) | Verb::Ref { .. } => {}
            }
        }
    }
    found.into_values().collect()
}

/// The first spelling of a name stays.
fn add(found: &mut BTreeMap<Need, Need>, need: Need) {
    let folded = match &need {
        Need::Describe(object) => Need::Describe(object.to_lowercase()),
        Need::RecordTypes(object) => Need::RecordTypes(object.to_lowercase()),
        Need::Users { match_field } => Need::Users { match_field: match_field.to_lowercase() },
        Need::Queues => Need::Queues,
    };
    found.entry(folded).or_insert(need);
}
