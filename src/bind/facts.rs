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
    /// All assignment rules.
    AssignmentRules,
    /// The records of an object that have a value in all of these fields.
    Records {
        /// The object.
        object: String,
        /// The fields.
        fields: Vec<String>,
    },
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
    /// Assignment rules of cases and leads.
    pub assignment_rules: Vec<RuleFact>,
    /// Records by object and the fields they are matched by; nothing where they are more than memory may hold.
    pub records: BTreeMap<(String, Vec<String>), Option<Vec<RecordFact>>>,
}

/// A record that the org has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFact {
    /// What stands in the fields, in the order in which they were asked for.
    pub values: Vec<String>,
    /// 18 characters.
    pub id: String,
}

/// An object and fields as [`OrgFacts::records`] names them.
pub fn records_key(object: &str, fields: &[String]) -> (String, Vec<String>) {
    (object.to_lowercase(), fields.iter().map(|field| field.to_lowercase()).collect())
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

/// An assignment rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFact {
    /// Its name.
    pub name: String,
    /// 18 characters.
    pub id: String,
    /// API name of the object whose records it is for.
    pub object: String,
}

/// What a migration needs to know: sorted, each once.
pub fn needs(migration: &Migration) -> Vec<Need> {
    let mut found = BTreeMap::new();
    for load in &migration.loads {
        add(&mut found, Need::Describe(load.object.clone()));
        if load.assignment_rule.is_some() {
            add(&mut found, Need::AssignmentRules);
        }
        for verb in load.fields.iter().flat_map(|field| field.verb.each()) {
            match verb {
                Verb::RecordType(_) => add(&mut found, Need::RecordTypes(load.object.clone())),
                Verb::User { match_field, .. } => {
                    add(&mut found, Need::Describe("User".to_owned()));
                    add(&mut found, Need::Users { match_field: match_field.clone() });
                }
                Verb::Queue(_) => add(&mut found, Need::Queues),
                Verb::Lookup { object, fields, .. } => {
                    add(&mut found, Need::Describe(object.clone()));
                    add(&mut found, Need::Records { object: object.clone(), fields: fields.clone() });
                }
                Verb::Expr(_) | Verb::Const(_) | Verb::Ref { .. } | Verb::FirstOf { .. } => {}
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
        Need::AssignmentRules => Need::AssignmentRules,
        Need::Records { object, fields } => {
            let (object, fields) = records_key(object, fields);
            Need::Records { object, fields }
        }
    };
    found.entry(folded).or_insert(need);
}
