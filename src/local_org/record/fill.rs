//! What the org itself puts into records: defaults, audit fields, names of persons, auto numbers.

use super::write::{Refusal, Writer};
use super::{Values, convert};
use crate::local_org::schema::flags::Flag;
use crate::local_org::schema::{Field, Object};
use crate::local_org::store::{Facts, ids};
use crate::local_org::text::stored_moment;
use crate::model::FieldType;
use rusqlite::types::Value;

/// What the org fills in records of one object at one moment.
pub(super) struct Fill {
    /// By field: what a new record gets where nothing is sent.
    defaults: Vec<Option<Value>>,
    /// By field: what a changed record gets.
    touched: Vec<(usize, Value)>,
    /// The owner's field.
    pub(super) owner: Option<usize>,
    person: Option<Person>,
    numbers: Vec<usize>,
    /// The Name that becomes the id where nothing is sent: a custom object's.
    own_name: Option<usize>,
}

/// The fields of a person's name.
struct Person {
    parts: [usize; 2],
    name: usize,
}

impl Fill {
    /// For records of an object that are written now, in milliseconds since 1970.
    pub(super) fn new(object: &Object, facts: &Facts, now: i64) -> Self {
        let stamp = Value::Text(stored_moment(now));
        let admin = Value::Text(facts.user_id.clone());
        let touched =
            [("LastModifiedDate", &stamp), ("LastModifiedById", &admin), ("SystemModstamp", &stamp)];
        let place = |name: &str| object.position(name);
        let person = place("FirstName").zip(place("LastName")).zip(place("Name"));
        Self {
            defaults: object.fields.iter().map(|f| default(f, &stamp, &admin)).collect(),
            touched: touched
                .iter()
                .filter_map(|(name, value)| Some((place(name)?, (*value).clone())))
                .collect(),
            owner: place("OwnerId"),
            person: person.map(|((first, last), name)| Person { parts: [first, last], name }),
            numbers: (0..object.fields.len()).filter(|i| object.fields[*i].has(Flag::AutoNumber)).collect(),
            own_name: place("Name").filter(|_| object.custom),
        }
    }

    /// The value that a new record has: what was sent, else what the org fills.
    pub(super) fn of<'v>(&'v self, values: &'v Values, field: usize) -> Option<&'v Value> {
        match &values[field] {
            None | Some(Value::Null) => self.defaults[field].as_ref().or(values[field].as_ref()),
            sent => sent.as_ref(),
        }
    }

    /// Puts the marks of a change into a record.
    pub(super) fn touch(&self, values: &mut Values) {
        for (field, value) in &self.touched {
            values[*field] = Some(value.clone());
        }
    }

    /// Names that the org makes: a person's, an auto number, and the id of a custom object's record without a name.
    pub(super) fn names(&self, writer: &Writer<'_>, values: &mut Values, id: &str) -> Result<(), Refusal> {
        self.person_name(writer, None, values)?;
        for index in &self.numbers {
            let number = ids::auto_number(writer.conn, &writer.object.name)?;
            let pattern = writer.object.fields[*index].number_format.as_deref().unwrap_or("{00000000}");
            values[*index] = Some(Value::Text(numbered(pattern, number)));
        }
        if let Some(index) = self.own_name
            && matches!(self.of(values, index), None | Some(Value::Null))
        {
            values[index] = Some(Value::Text(id.to_owned()));
        }
        Ok(())
    }

    /// Puts a person's Name together again when a part of it is set.
    pub(super) fn person_name(
        &self,
        writer: &Writer<'_>,
        own: Option<&str>,
        values: &mut Values,
    ) -> Result<(), Refusal> {
        let Some(Person { parts, name }) = &self.person else { return Ok(()) };
        let set = |i: &usize| values[*i].is_some();
        if !parts.iter().any(set) {
            return Ok(());
        }
        let current = match own {
            Some(id) if !parts.iter().all(set) => writer.current(id, parts)?,
            _ => vec![Value::Null, Value::Null],
        };
        let text = |place: usize| match values[parts[place]].as_ref().unwrap_or(&current[place]) {
            Value::Text(text) => text.as_str(),
            _ => "",
        };
        let full = format!("{} {}", text(0), text(1)).trim().to_owned();
        values[*name] = Some(Value::Text(full));
        Ok(())
    }
}

fn default(field: &Field, stamp: &Value, admin: &Value) -> Option<Value> {
    match field.name.as_str() {
        "OwnerId" | "CreatedById" | "LastModifiedById" => Some(admin.clone()),
        "CreatedDate" | "LastModifiedDate" | "SystemModstamp" => Some(stamp.clone()),
        _ => match &field.default {
            Some(text) => convert::value(field, 0, text).ok(),
            None => (field.kind == FieldType::Boolean).then_some(Value::Integer(0)),
        },
    }
}

/// `A-{0000}` with the number in the braces.
fn numbered(pattern: &str, number: u64) -> String {
    let (before, rest) = pattern.split_once('{').unwrap_or((pattern, ""));
    let (zeros, after) = rest.split_once('}').unwrap_or((rest, ""));
    format!("{before}{number:0width$}{after}", width = zeros.len())
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn auto_numbers() {
        assert_eq!(numbered("OL-{000000}", 42), "OL-000042");
        assert_eq!(numbered("{0}/x", 123), "123/x");
    }
}
