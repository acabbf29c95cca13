//! The whole wire transcript of `apply examples/quickstart`, as a snapshot: a change of protocol is a diff that can be
//! read. What changes by itself (ids, times, tokens) has stable names.

use crate::world::{Aim, Exchange, Project, Tap, World};
use serde_json::Value;
use std::collections::BTreeMap;

/// Entries of a list that are shown; describes have hundreds.
const SHOWN: usize = 8;

/// Gives the same name to the same id, in the order in which ids appear.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    /// The text with names for ids of 15 or 18 characters, and `<time>` for moments.
    fn name(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            if let Some(after) = moment(rest) {
                out.push_str("<time>");
                rest = after;
            } else if end == 0 {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            } else {
                let word = &rest[..end];
                out.push_str(&if is_id(word) { self.id(word) } else { word.to_owned() });
                rest = &rest[end..];
            }
        }
        out
    }

    fn id(&mut self, id: &str) -> String {
        let key = &id[..15];
        let number = self.0.keys().filter(|known| known[..3] == id[..3]).count() + 1;
        self.0.entry(key.to_owned()).or_insert_with(|| format!("<{}#{number}>", &id[..3])).clone()
    }
}

/// An id has digits and capitals in its middle; words do not.
fn is_id(word: &str) -> bool {
    matches!(word.len(), 15 | 18)
        && word[..2].starts_with(|c: char| c.is_ascii_digit())
        && word[3..6] != *"000"
        || matches!(word.len(), 15 | 18) && word.starts_with("00")
        || matches!(word.len(), 15 | 18) && word.starts_with("750")
}

/// What follows a moment at the beginning of the text.
fn moment(text: &str) -> Option<&str> {
    let shape: String = text.chars().take(24).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let rest = shape.strip_prefix("0000-00-00T00:00:00.000")?;
    match rest {
        _ if rest.starts_with('Z') => text.get(24..),
        _ if text.get(23..28) == Some("+0000") => text.get(28..),
        _ => None,
    }
}

fn head(headers: &[(String, String)], mark: char) -> String {
    let mut lines: Vec<String> = headers
        .iter()
        .filter(|(name, _)| !["content-length", "date"].contains(&name.as_str()))
        .map(|(name, value)| format!("{mark} {name}: {value}\n"))
        .collect();
    lines.sort();
    lines.concat()
}

/// A body, a line at a time; JSON indented, with lists cut short.
fn body(text: &str) -> String {
    let shown = match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            shorten(&mut value);
            format!("{value:#}")
        }
        Err(_) => text.to_owned(),
    };
    shown.lines().map(|line| format!("  {line}\n")).collect()
}

/// A describe's long lists become what their entries have in common.
fn shorten(value: &mut Value) {
    match value {
        Value::Array(items) if items.len() > SHOWN => {
            let keys =
                |item: &Value| item.as_object().map(|o| o.keys().cloned().collect::<Vec<_>>().join(" "));
            let first = items.first().and_then(keys).unwrap_or_default();
            *value = format!("{} entries, each with {first}", items.len()).into();
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

fn transcript(exchanges: &[Exchange], token: &str) -> String {
    let mut names = Names::default();
    let mut out = String::new();
    for e in exchanges {
        let asked = format!("> {} {}\n{}{}", e.method, e.path, head(&e.headers, '>'), body(&e.body));
        let answered = format!("< {}\n{}{}\n", e.status, head(&e.answer_headers, '<'), body(&e.answer));
        out.push_str(&names.name(&(asked + &answered).replace(token, "<token>")));
    }
    out
}

#[test]
fn quickstart() {
    let mut world = World::new(&Project::quickstart());
    world.tap = Tap::open();
    let life = world.apply(Aim::Nowhere);
    assert_eq!(life.end.unwrap().unwrap().exit.code(), 0);
    let kept = world.tap.kept();
    assert!(kept.len() > 10, "{} exchanges", kept.len());
    insta::assert_snapshot!(transcript(&kept, &world.org.access_token()));
}

#[test]
fn what_changes_by_itself_has_a_name() {
    let mut names = Names::default();
    let text = "a 750ak000009BWKLAA4, 750ak000009BWKL and 001ak00000OKNPHAA5 at 2024-09-09T19:25:27.000+0000 or 2024-09-09T19:25:27.000Z, \
                not sforcelimitinfo";
    assert_eq!(names.name(text), "a <750#1>, <750#1> and <001#1> at <time> or <time>, not sforcelimitinfo");
}
