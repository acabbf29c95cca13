//! What binding looks at: the migration, the org, and the load and object that are being bound; what is said of a field that
//! the object lacks.

use super::bound::BoundObject;
use super::facts::OrgFacts;
use crate::diagnostic::{Code, Diagnostic, Place, near_name};
use crate::manifest::{Load, Migration};
use crate::model::{ObjectSchema, OrgSchema};

/// All that binding looks at.
pub(super) struct World<'a> {
    pub(super) migration: &'a Migration,
    pub(super) schema: &'a OrgSchema,
    pub(super) facts: &'a OrgFacts,
    pub(super) objects: &'a [BoundObject],
}

/// One load and the object it fills.
pub(super) struct Site<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) load: &'a Load,
    pub(super) object: &'a ObjectSchema,
}

/// Problems found so far.
pub(super) type Problems = Vec<Diagnostic>;

/// A field that the object does not have.
pub(super) fn unknown(site: &Site<'_>, name: &str, place: &Place) -> Diagnostic {
    let object = site.object;
    let labelled = object.fields.iter().find(|f| f.label.eq_ignore_ascii_case(name)).map(|f| f.name.as_str());
    let near = labelled.or_else(|| near_name(name, object.fields.iter().map(|f| f.name.as_str())));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if name.contains('.') => "a column like `Account.Key` is written `AccountId: { ref: Account, from: … }`".to_owned(),
        None => "a custom field ends in `__c`; a field that this user may not see looks like one that is not there".to_owned(),
    };
    Diagnostic::error(Code::UnknownField, format!("`{}` has no field `{name}`", object.name))
        .at(place)
        .help(help)
}
