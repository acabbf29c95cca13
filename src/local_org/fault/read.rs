//! Reading a file of faults.

use super::Fault;
use super::aim::Aim;
use super::words::{Effect, Ending, Lock, Others};
use crate::diagnostic::{Code, Diagnostic, any_error};
use crate::local_org::text::parse_moment;
use crate::yaml::{MapReader, Node};

type Map<'n, 'p> = MapReader<'n, 'p>;

/// Reads the options of a word.
type Options = fn(&mut Map<'_, '_>) -> Option<Effect>;

/// The words of `then`.
const WORDS: &[(&str, Options)] = &[
    ("too_many_requests", |map| {
        Some(Effect::TooManyRequests { retry_after: map.take_count("retry_after").unwrap_or(1) })
    }),
    ("unavailable", |map| {
        let carried_out = map.take_bool("carried_out").unwrap_or(false);
        Some(Effect::Unavailable { retry_after: map.take_count("retry_after"), carried_out })
    }),
    ("unauthorized", |_| Some(Effect::Unauthorized)),
    ("revoked", |_| Some(Effect::Revoked)),
    ("drop_before", |_| Some(Effect::DropBefore)),
    ("drop_after", |_| Some(Effect::DropAfter)),
    ("cut", |map| {
        let endings = [("short", Ending::Short), ("open", Ending::Open), ("silent", Ending::Silent)];
        Some(Effect::Cut { ending: map.take_word("ending", &endings).unwrap_or(Ending::Short) })
    }),
    ("not_ready", |_| Some(Effect::NotReady)),
    ("twice", |_| Some(Effect::Twice)),
    ("lock_rows", |map| Some(Effect::LockRows(lock(map)))),
    ("read_only", |map| Some(Effect::ReadOnly { until: until(map) })),
    ("refuse_writes", |_| Some(Effect::RefuseWrites)),
    ("refuse_rows", |map| Some(Effect::RefuseRows(lock(map)))),
    ("refuse_job", |map| Some(Effect::RefuseJob { rows: count(map, "rows")? })),
    ("slow_jobs", |map| Some(Effect::SlowJobs { steps: count(map, "steps")? })),
    ("fail_job", |map| Some(Effect::FailJob { rows: count(map, "rows")? })),
    ("lock_storm", |map| {
        let retries = map.take_count("retries").unwrap_or(1);
        Some(Effect::LockStorm { rows: count(map, "rows")?, retries })
    }),
    ("exhaust_retries", |map| Some(Effect::ExhaustRetries { rows: count(map, "rows")? })),
    ("lose_results", |_| Some(Effect::LoseResults)),
    ("delete_job", |_| Some(Effect::DeleteJob)),
    ("delete_records", |map| Some(Effect::DeleteRecords(others(map)?))),
    ("edit_records", |map| {
        let (field, value) = (text(map, "field"), text(map, "value"));
        let others = others(map);
        Some(Effect::EditRecords { others: others?, field: field?, value: value? })
    }),
];

/// Reads `faults: […]`.
pub(super) fn read(file: &str, text: &str) -> Result<Vec<Fault>, Vec<Diagnostic>> {
    let (node, mut problems) = crate::yaml::parse(file, text);
    let mut faults = Vec::new();
    if let Some(node) = node
        && let Some(mut top) = MapReader::new(&node, "a file of faults", &mut problems)
    {
        if let Some(list) = top.need("faults") {
            faults = items(list, top.problems());
        }
        top.finish();
    }
    if any_error(&problems) { Err(problems) } else { Ok(faults) }
}

fn items(list: &Node, problems: &mut Vec<Diagnostic>) -> Vec<Fault> {
    if list.items().is_none() && !list.is_nothing() {
        let message = format!("`faults` must be a list, not {}", list.what());
        problems.push(Diagnostic::error(Code::WrongValue, message).at(&list.place));
    }
    list.items().unwrap_or_default().iter().filter_map(|item| fault(item, problems)).collect()
}

fn fault(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Fault> {
    let mut map = MapReader::new(node, "a fault", problems)?;
    if node.get("then").is_none() {
        // Notes that it is missing.
        map.need("then");
        return None;
    }
    let options = map.take_word("then", WORDS)?;
    let effect = options(&mut map);
    let aim = effect.as_ref().map(|effect| aim(&mut map, effect));
    map.finish();
    Some(Fault { aim: aim?, effect: effect? })
}

fn aim(map: &mut Map<'_, '_>, effect: &Effect) -> Aim {
    let once = |map: &mut Map<'_, '_>| Aim { times: map.take_count("times").or(Some(1)), ..Aim::default() };
    match effect {
        Effect::SlowJobs { .. } | Effect::ReadOnly { .. } => Aim::default(),
        Effect::FailJob { .. }
        | Effect::RefuseJob { .. }
        | Effect::LockStorm { .. }
        | Effect::ExhaustRetries { .. } => once(map),
        Effect::LockRows(Lock { parent: Some(_), .. }) | Effect::RefuseRows(Lock { parent: Some(_), .. }) => {
            Aim { per_mille: map.take_count("per_mille"), times: map.take_count("times"), ..Aim::default() }
        }
        Effect::LockRows(_) | Effect::RefuseRows(_) | Effect::LoseResults => {
            Aim { per_mille: count(map, "per_mille"), times: map.take_count("times"), ..Aim::default() }
        }
        // Only calls about a job can lose it.
        Effect::DeleteJob => {
            let aim = calls(map);
            Aim { path: aim.path.or_else(|| Some("jobs/ingest/*/**".into())), ..aim }
        }
        _ => calls(map),
    }
}

fn calls(map: &mut Map<'_, '_>) -> Aim {
    let text = |map: &mut Map<'_, '_>, key| map.take_text(key).map(|(text, _)| text.to_owned());
    Aim {
        method: text(map, "method"),
        path: text(map, "path"),
        nth: positive(map, "nth"),
        from: positive(map, "from"),
        every: positive(map, "every"),
        per_mille: map.take_count("per_mille"),
        times: map.take_count("times"),
    }
}

fn lock(map: &mut Map<'_, '_>) -> Lock {
    let parent = map.take_text("parent").map(|(parent, _)| parent.to_owned());
    let tries = positive(map, "tries");
    Lock { parent, tries, until: until(map) }
}

fn until(map: &mut Map<'_, '_>) -> Option<i64> {
    let (text, place) = map.take_text("until")?;
    let (moment, place) = (parse_moment(text), place.clone());
    if moment.is_none() {
        let message = "`until` is a moment, like `2024-01-01T06:00:00Z`";
        map.problem(Diagnostic::error(Code::WrongValue, message).at(&place));
    }
    moment
}

fn others(map: &mut Map<'_, '_>) -> Option<Others> {
    let object = text(map, "object");
    let record = map.take_text("record").map(|(record, _)| record.to_owned());
    let count = map.take_count("count").unwrap_or(1);
    Some(Others { object: object?, record, count })
}

/// A text that must be there.
fn text(map: &mut Map<'_, '_>, key: &'static str) -> Option<String> {
    let text = map.need(key)?.text().map(str::to_owned);
    if text.is_none() {
        let place = map.place().clone();
        map.problem(Diagnostic::error(Code::WrongValue, format!("`{key}` must be text")).at(&place));
    }
    text
}

/// A count that must be there.
fn count(map: &mut Map<'_, '_>, key: &'static str) -> Option<u64> {
    let read = map.need(key)?.scalar("a whole number");
    read.map_err(|problem| map.problem(problem)).ok()
}

/// Calls are counted from 1.
fn positive(map: &mut Map<'_, '_>, key: &'static str) -> Option<u64> {
    let count = map.take_count(key)?;
    if count == 0 {
        let place = map.place().clone();
        map.problem(Diagnostic::error(Code::WrongValue, format!("`{key}` counts from 1")).at(&place));
    }
    Some(count)
}
