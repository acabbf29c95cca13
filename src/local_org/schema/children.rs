//! What parents call their children: the names in sub-queries, and in describe.

use super::{Field, Object};
use crate::local_org::schema::flags::Flag;

/// Names that do not follow from the child's, as real describes have them; an empty one is none.
const NAMES: &[(&str, &str, &str)] = &[
    ("Account", "ParentId", "ChildAccounts"),
    ("Campaign", "ParentId", "ChildCampaigns"),
    ("Contact", "ReportsToId", ""),
    ("Event", "AccountId", ""),
    ("Event", "RecurrenceActivityId", "RecurringEvents"),
    ("Task", "AccountId", ""),
    ("Task", "RecurrenceActivityId", "RecurringTasks"),
    ("Lead", "ConvertedAccountId", ""),
    ("Lead", "ConvertedContactId", ""),
    ("Lead", "ConvertedOpportunityId", ""),
    ("CampaignMember", "LeadOrContactId", ""),
];

/// Parents whose children have no name, as owners and record types do not.
const NAMELESS: &[&str] = &["User", "Group", "Organization", "RecordType"];

/// What `parent` calls the children that point at it with this field.
pub(crate) fn relationship(parent: &Object, child: &Object, field: &Field) -> Option<String> {
    if field.has(Flag::Custom) {
        return field.relationship.clone();
    }
    if let Some((_, _, name)) = NAMES.iter().find(|(c, f, _)| *c == child.name && *f == field.name) {
        return (!name.is_empty()).then(|| (*name).to_owned());
    }
    (!NAMELESS.contains(&parent.name.as_str())).then(|| plural(&child.name))
}

fn plural(name: &str) -> String {
    match name.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{name}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::relationship;
    use crate::local_org::schema::Schema;

    #[test]
    fn names_are_those_of_real_describes() {
        let schema = Schema::standard();
        for (parent, child, field, name) in [
            ("Account", "Contact", "AccountId", Some("Contacts")),
            ("Account", "Account", "ParentId", Some("ChildAccounts")),
            ("Account", "Opportunity", "AccountId", Some("Opportunities")),
            ("Account", "Task", "AccountId", None),
            ("Account", "Task", "WhatId", Some("Tasks")),
            ("Contact", "Opportunity", "ContactId", Some("Opportunities")),
            ("Contact", "Contact", "ReportsToId", None),
            ("Opportunity", "OpportunityContactRole", "OpportunityId", Some("OpportunityContactRoles")),
            ("User", "Account", "OwnerId", None),
        ] {
            let (parent, child) = (schema.object(parent).unwrap(), schema.object(child).unwrap());
            let found = relationship(parent, child, child.field(field).unwrap());
            assert_eq!(found.as_deref(), name, "{} {} {field}", parent.name, child.name);
        }
    }
}
