//! `org.yaml`: custom objects and fields, record types, rules, users, queues, connected apps and limits; all problems
//! at once.

mod assign;
mod field;
mod login;

use super::flags::{Flag, Flags};
use super::{Field, Object, Queue, Schema, User, standard};
use crate::diagnostic::{Code, Diagnostic, Place, any_error, near_name};
use crate::local_org::rule::{self, Rule};
use crate::model::FieldType;
use crate::yaml::{MapReader, Node, NodeKind, Pair};
use std::sync::Arc;

/// Words of flags that most fields have.
const COMMON: &str = "aggregatable filterable groupable sortable";

/// Reads a file that an `org.yaml` names.
pub(crate) type Files<'a> = &'a dyn Fn(&str) -> std::io::Result<Vec<u8>>;

/// Reads the text of an `org.yaml` on top of the standard objects.
///
/// # Errors
/// Every problem found.
pub(crate) fn read(file: &str, text: &str, files: Files<'_>) -> Result<Schema, Vec<Diagnostic>> {
    let (node, mut problems) = crate::yaml::parse(file, text);
    let mut schema = Schema::standard();
    if let Some(node) = node
        && let Some(mut top) = MapReader::new(&node, "org.yaml", &mut problems)
    {
        if let Some(node) = top.take("objects") {
            objects(node, &mut schema, top.problems());
        }
        if let Some(node) = top.take("users") {
            schema.users = users(node, top.problems());
        }
        if let Some(node) = top.take("queues") {
            schema.queues = queues(node, &schema, top.problems());
        }
        if let Some(node) = top.take("assignment_rules") {
            schema.assignment_rules = assign::rules(node, &schema, top.problems());
        }
        schema.territories = assign::territories(&mut top);
        if let Some(node) = top.take("connected_apps") {
            schema.apps = login::apps(node, &schema.users, files, top.problems());
        }
        if let Some(node) = top.take("limits") {
            schema.limits = login::limits(node, top.problems());
        }
        if top.take_bool("set_audit_fields") == Some(true) {
            standard::open_audit_fields(&mut schema.objects);
        }
        schema.session_minutes = top.take_count("session_minutes").unwrap_or(schema.session_minutes);
        top.finish();
    }
    if any_error(&problems) { Err(problems) } else { Ok(schema) }
}

fn wrong(message: String, place: &Place) -> Diagnostic {
    Diagnostic::error(Code::WrongValue, message).at(place)
}

/// Whether a text can be an API name: a letter, then letters, digits and underscores.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Objects first by name, so that fields can point at any of them; then what stands in them.
fn objects(node: &Node, schema: &mut Schema, problems: &mut Vec<Diagnostic>) {
    let Some(mut map) = MapReader::new(node, "`objects`", problems) else { return };
    let pairs = map.rest();
    for pair in &pairs {
        announce(pair, schema, problems);
    }
    for pair in &pairs {
        if let Some(index) = schema.position(&pair.key) {
            object(pair, index, schema, problems);
        }
    }
}

/// Adds a custom object under its name, or says why the name will not do.
fn announce(pair: &Pair, schema: &mut Schema, problems: &mut Vec<Diagnostic>) {
    if schema.object(&pair.key).is_some() {
        return;
    }
    if !pair.key.ends_with("__c") || !is_name(&pair.key) {
        let near = near_name(&pair.key, schema.objects.iter().map(|o| o.name.as_str()))
            .map_or("a custom object's name ends in `__c`".into(), |n| format!("did you mean `{n}`?"));
        let message = format!("`{}` is not an object of the local org", pair.key);
        problems.push(Diagnostic::error(Code::UnknownObject, message).at(&pair.place).help(near));
        return;
    }
    schema.objects.push(custom_object(&pair.key));
}

fn custom_object(name: &str) -> Object {
    let label = name.trim_end_matches("__c").replace('_', " ");
    let is = "createable custom deletable layoutable mruEnabled queryable replicateable retrieveable searchLayoutable \
              searchable triggerable undeletable updateable";
    Object {
        name: name.into(),
        plural: format!("{label}s"),
        label,
        prefix: String::new(),
        is: is.split_whitespace().map(str::to_owned).collect(),
        fields: Vec::new(),
        record_types: Vec::new(),
        rules: Vec::new(),
        custom: true,
        fields_told: Arc::default(),
    }
}

fn object(pair: &Pair, index: usize, schema: &mut Schema, problems: &mut Vec<Diagnostic>) {
    let what = format!("object `{}`", pair.key);
    let Some(mut map) = MapReader::new(&pair.value, &what, problems) else { return };
    let custom = schema.objects[index].custom;
    if custom {
        if let Some((label, _)) = map.take_text("label") {
            schema.objects[index].label = label.into();
            schema.objects[index].plural = format!("{label}s");
        }
        let name = name_field(&mut map);
        schema.objects[index].fields.push(name);
    }
    let fields = map.take("fields").map(|node| field::read_all(node, index, schema, map.problems()));
    finish_fields(&mut schema.objects[index], fields.unwrap_or_default());
    record_types(&mut map, &mut schema.objects[index]);
    if let Some(node) = map.take("rules") {
        rules(node, &mut schema.objects[index], map.problems());
    }
    map.finish();
}

/// `name: text` or `name: { auto_number: "A-{0000}" }`.
fn name_field(map: &mut MapReader<'_, '_>) -> Field {
    let mut name = Field { length: 80, ..Field::plain("Name", "Name", FieldType::String) };
    name.flags = Flags::parse("createable updateable nameField idLookup nillable defaultedOnCreate");
    let Some(node) = map.take("name") else { return with_flags(name, COMMON) };
    match (&node.kind, node.get("auto_number").and_then(Node::text)) {
        (NodeKind::Scalar { text, .. }, _) if text == "text" => {}
        (NodeKind::Mapping(pairs), Some(pattern)) if pairs.len() == 1 && pattern.contains("{0") => {
            name.flags = Flags::parse("autoNumber defaultedOnCreate nameField idLookup");
            name.number_format = Some(pattern.into());
        }
        _ => map.problem(
            wrong("`name` must be `text` or an auto number".into(), &node.place)
                .help("write `name: text` or `name: { auto_number: \"A-{0000}\" }`"),
        ),
    }
    with_flags(name, COMMON)
}

fn with_flags(mut field: Field, words: &str) -> Field {
    for word in words.split_whitespace() {
        if let Some((_, flag)) = Flag::ALL.iter().find(|(name, _)| *name == word) {
            field.flags.set(*flag, true);
        }
    }
    field
}

/// Puts the fields of a custom object in describe's order: Id, owner, name, system fields, then its own.
fn finish_fields(object: &mut Object, own: Vec<Field>) {
    if object.custom {
        let name = std::mem::take(&mut object.fields);
        let detail = own.iter().any(|f| f.order.is_some());
        let all = system_fields();
        let before = all.iter().filter(|f| matches!(f.name.as_str(), "Id" | "IsDeleted")).cloned();
        let owner = all.iter().filter(|f| f.name == "OwnerId" && !detail).cloned();
        let rest = all.iter().filter(|f| !matches!(f.name.as_str(), "Id" | "IsDeleted" | "OwnerId")).cloned();
        object.fields = before.chain(owner).chain(name).chain(rest).collect();
    }
    object.fields.extend(own);
}

fn system_fields() -> Vec<Field> {
    let stamp = |name: &str, label: &str, kind| {
        let flags = Flags::parse("defaultedOnCreate filterable sortable aggregatable");
        Field { flags, ..Field::plain(name, label, kind) }
    };
    let who = |name: &str, label: &str, relationship: &str, to: &[&str]| {
        let words = format!("defaultedOnCreate {COMMON}");
        let flags = Flags::parse(&words);
        let to = to.iter().map(|t| (*t).to_owned()).collect();
        Field {
            flags,
            to,
            relationship: Some(relationship.into()),
            length: 18,
            ..Field::plain(name, label, FieldType::Reference)
        }
    };
    let mut id = with_flags(Field::plain("Id", "Record ID", FieldType::Id), COMMON);
    id.length = 18;
    let modstamp = stamp("SystemModstamp", "System Modstamp", FieldType::DateTime);
    let deleted = Field::plain("IsDeleted", "Deleted", FieldType::Boolean);
    let owner = who("OwnerId", "Owner ID", "Owner", &["Group", "User"]);
    vec![
        with_flags(id, "defaultedOnCreate idLookup"),
        with_flags(deleted, "defaultedOnCreate filterable groupable sortable"),
        with_flags(owner, "createable updateable polymorphicForeignKey namePointing"),
        stamp("CreatedDate", "Created Date", FieldType::DateTime),
        who("CreatedById", "Created By ID", "CreatedBy", &["User"]),
        stamp("LastModifiedDate", "Last Modified Date", FieldType::DateTime),
        who("LastModifiedById", "Last Modified By ID", "LastModifiedBy", &["User"]),
        modstamp,
    ]
}

fn record_types(map: &mut MapReader<'_, '_>, object: &mut Object) {
    for (name, place) in map.take_texts("record_types") {
        if !is_name(name) {
            let message = format!("`{name}` is no DeveloperName");
            map.problem(wrong(message, place).help("letters, digits and underscores, a letter first"));
        } else if object.record_types.iter().any(|r| r.eq_ignore_ascii_case(name)) {
            map.problem(Diagnostic::error(Code::Conflict, format!("`{name}` stands twice")).at(place));
        } else {
            object.record_types.push(name.into());
        }
    }
    if !object.record_types.is_empty() && object.field("RecordTypeId").is_none() {
        object.fields.push(Field {
            flags: Flags::parse(&format!("createable updateable nillable defaultedOnCreate {COMMON}")),
            to: vec!["RecordType".into()],
            relationship: Some("RecordType".into()),
            length: 18,
            ..Field::plain("RecordTypeId", "Record Type ID", FieldType::Reference)
        });
    }
}

fn rules(node: &Node, object: &mut Object, problems: &mut Vec<Diagnostic>) {
    for item in list(node, "`rules`", problems) {
        let Some(mut map) = MapReader::new(item, "a rule", problems) else { continue };
        let name = text(&mut map, "name");
        let when = map.need("when");
        let message = text(&mut map, "message");
        let at = map.take_text("field");
        if let Some((field, place)) = at {
            known_field(object, field, place, map.problems());
        }
        if let (Some(name), Some(when), Some(message)) = (name, when, message) {
            let field = at.and_then(|(f, _)| object.field(f)).map(|f| f.name.clone());
            let names = condition(when, object, map.problems());
            let when = when.text().unwrap_or_default().to_owned();
            object.rules.push(Rule { name, when, message, field, names });
        }
        map.finish();
    }
}

/// The names a rule's condition mentions, each a field.
fn condition(node: &Node, object: &Object, problems: &mut Vec<Diagnostic>) -> Vec<String> {
    let Some(text) = node.text() else {
        problems.push(wrong(format!("`when` must be text, not {}", node.what()), &node.place));
        return Vec::new();
    };
    match rule::names(text) {
        Ok(names) => {
            names.iter().for_each(|name| known_field(object, name, &node.place, problems));
            names
        }
        Err(why) => {
            let message = format!("`when` cannot be read: {why}");
            problems.push(Diagnostic::error(Code::ExpressionSyntax, message).at(&node.place));
            Vec::new()
        }
    }
}

fn known_field(object: &Object, name: &str, place: &Place, problems: &mut Vec<Diagnostic>) {
    if object.fields.iter().any(|f| f.name == name) {
        return;
    }
    let near = near_name(name, object.fields.iter().map(|f| f.name.as_str()));
    let message = format!("`{name}` is not a field of {}", object.name);
    let help = near.map(|n| format!("did you mean `{n}`?"));
    problems.push(Diagnostic::error(Code::UnknownField, message).at(place).help_maybe(help));
}

fn text(map: &mut MapReader<'_, '_>, key: &'static str) -> Option<String> {
    match map.take_text(key) {
        Some((text, _)) => Some(text.into()),
        None => {
            let place = map.place().clone();
            map.problem(Diagnostic::error(Code::MissingKey, format!("`{key}` is missing")).at(&place));
            None
        }
    }
}

fn list<'n>(node: &'n Node, what: &str, problems: &mut Vec<Diagnostic>) -> &'n [Node] {
    if !node.is_nothing() && node.items().is_none() {
        problems.push(wrong(format!("{what} must be a list, not {}", node.what()), &node.place));
    }
    node.items().unwrap_or_default()
}

fn users(node: &Node, problems: &mut Vec<Diagnostic>) -> Vec<User> {
    let mut users: Vec<User> = Vec::new();
    for item in list(node, "`users`", problems) {
        let Some(mut map) = MapReader::new(item, "a user", problems) else { continue };
        let username = text(&mut map, "username");
        let take = |map: &mut MapReader<'_, '_>, key| map.take_text(key).map(|(t, _)| t.to_owned());
        let email = take(&mut map, "email");
        let name = take(&mut map, "name");
        let employee_number = take(&mut map, "employee_number");
        let federation_id = take(&mut map, "federation_id");
        let active = map.take_bool("active").unwrap_or(true);
        if let Some(username) = username {
            if users.iter().any(|u| u.username.eq_ignore_ascii_case(&username)) {
                let message = format!("user `{username}` stands twice");
                map.problem(Diagnostic::error(Code::Conflict, message).at(&item.place));
            }
            let email = email.unwrap_or_else(|| username.clone());
            let name = name.unwrap_or_else(|| username.clone());
            users.push(User { username, email, name, employee_number, federation_id, active });
        }
        map.finish();
    }
    users
}

fn queues(node: &Node, schema: &Schema, problems: &mut Vec<Diagnostic>) -> Vec<Queue> {
    let mut queues = Vec::new();
    for item in list(node, "`queues`", problems) {
        let Some(mut map) = MapReader::new(item, "a queue", problems) else { continue };
        let name = text(&mut map, "name");
        let mut objects = Vec::new();
        for (name, place) in map.take_texts("objects") {
            match schema.object(name) {
                Some(object) => objects.push(object.name.clone()),
                None => {
                    let message = format!("`{name}` is not an object of the local org");
                    map.problem(Diagnostic::error(Code::UnknownObject, message).at(place));
                }
            }
        }
        map.finish();
        queues.extend(name.map(|name| Queue { name, objects }));
    }
    queues
}

#[cfg(test)]
mod tests;
