//! References of one composite sub-request to the answer of an earlier one, `@{account.id}`: pure text and JSON.

use serde_json::Value;
use std::collections::BTreeMap;

/// Bodies of answers by `referenceId`.
pub(super) type Answers = BTreeMap<String, Value>;

/// Puts values in place of references. The error is the org's message about the first that has none.
pub(super) fn text(text: &str, answers: &Answers) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        let Some((path, tail)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push_str(&plain(look(path, answers)?));
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

/// The same for every text in a body; a text that is one reference becomes the value with its type.
pub(super) fn body(value: &Value, answers: &Answers) -> Result<Value, String> {
    Ok(match value {
        Value::String(whole) => match only(whole) {
            Some(path) => look(path, answers)?.clone(),
            None => Value::String(text(whole, answers)?),
        },
        Value::Array(items) => items.iter().map(|v| body(v, answers)).collect::<Result<_, _>>()?,
        Value::Object(map) => {
            let filled = map.iter().map(|(k, v)| Ok((k.clone(), body(v, answers)?)));
            Value::Object(filled.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

fn only(text: &str) -> Option<&str> {
    text.strip_prefix("@{")?.strip_suffix('}').filter(|path| !path.contains(['{', '}']))
}

/// What a path such as `accounts.records[0].Id` names: text, a number or a yes-or-no.
fn look<'a>(path: &str, answers: &'a Answers) -> Result<&'a Value, String> {
    let name = path.split(['.', '[']).next().unwrap_or_default();
    let missing = || format!("Invalid reference specified. No value for {path} found in {name}");
    let mut value = answers.get(name).ok_or_else(missing)?;
    for step in path[name.len()..].split(['.', '[']).filter(|s| !s.is_empty()) {
        let next = match step.strip_suffix(']') {
            Some(index) => index.parse::<usize>().ok().and_then(|i| value.get(i)),
            None => value.get(step),
        };
        value = next.ok_or_else(missing)?;
    }
    if matches!(value, Value::Null | Value::Object(_) | Value::Array(_)) {
        return Err(missing());
    }
    Ok(value)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{Answers, body, text};
    use serde_json::json;

    fn answers() -> Answers {
        let records = json!({"totalSize": 1, "records": [{"Id": "001x", "Name": null}]});
        [("a".to_owned(), json!({"id": "001a", "success": true})), ("q".to_owned(), records)].into()
    }

    #[test]
    fn references_become_values() {
        assert_eq!(
            text("/sobjects/Account/@{a.id}?x=@{q.totalSize}", &answers()).unwrap(),
            "/sobjects/Account/001a?x=1"
        );
        let filled =
            body(&json!({"AccountId": "@{q.records[0].Id}", "n": ["@{q.totalSize}", "@{"]}), &answers());
        assert_eq!(filled.unwrap(), json!({"AccountId": "001x", "n": [1, "@{"]}));
    }

    #[test]
    fn a_reference_without_a_value_is_refused() {
        for path in ["b.id", "a.name", "q.records[1].Id", "q.records[0].Name", "q.records", "q.records[x]"] {
            let name = &path[..1];
            let expected = format!("Invalid reference specified. No value for {path} found in {name}");
            assert_eq!(body(&json!(format!("@{{{path}}}")), &answers()).unwrap_err(), expected);
        }
    }
}
