//! Reading a file of faults.

use super::Fault;
use super::aim::Aim;
use super::words::{Effect, Ending};
use crate::diagnostic::{Code, Diagnostic, any_error};
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
    ("lock_rows", |_| Some(Effect::LockRows)),
    ("slow_jobs", |map| Some(Effect::SlowJobs { steps: count(map, "steps")? })),
    ("fail_job", |map| Some(Effect::FailJob { rows: count(map, "rows")? })),
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
    match effect {
        Effect::SlowJobs { .. } => Aim::default(),
        Effect::FailJob { .. } => Aim { times: map.take_count("times").or(Some(1)), ..Aim::default() },
        Effect::LockRows => {
            Aim { per_mille: count(map, "per_mille"), times: map.take_count("times"), ..Aim::default() }
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
