//! How a run stands: alive, dead or finished, what it has under way, and what the next apply does with it. Made of the
//! folded journal and of whether a process holds it; must not know where the journal lies.

use super::digits::number;
use super::failures::FailureGroups;
use super::json::report_json;
use super::text::{body, ending};
use crate::checkpoint::{Part, PartKey, RunState};
use crate::engine::{Standing, part_word, recovery_of, under_way, why_in_words};
use crate::plan::{Api, StepKind};
use crate::ports::utc_text;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Parts listed one by one; further ones are counted.
const MOST_PARTS: usize = 20;

/// What is known of a run beside its journal.
#[derive(Debug, Clone, Copy)]
pub struct Known<'k> {
    /// How it stands.
    pub standing: Standing,
    /// The time now, in milliseconds since 1970.
    pub now: i64,
    /// Where its files lie, as the user would type it.
    pub folder: &'k str,
    /// The exit code it ended or paused with, or would be given now.
    pub exit: u8,
}

/// The screen of `status`.
pub fn status_text(state: &RunState, groups: &FailureGroups, known: &Known<'_>) -> String {
    let mut out = body(state, groups, known.folder);
    let _ = match known.standing {
        Standing::Finished | Standing::Superseded => {
            writeln!(out, "{} Last event {}.", ending(state, known.folder), moment(state, known.now))
        }
        Standing::Running => {
            let since = at(state.started);
            let last = moment(state, known.now);
            writeln!(out, "run {} is running, since {since}. Last event {last}.", state.run)
        }
        Standing::Interrupted => writeln!(
            out,
            "run {} was interrupted (exit {}): no process carries it out any more. Last event {}.",
            state.run,
            known.exit,
            moment(state, known.now)
        ),
        Standing::Paused => {
            let why = state.why.as_deref().map(|why| format!(": {}", why_in_words(why))).unwrap_or_default();
            let back = state.back.map(|at| format!("; come back at {}", utc_text(at))).unwrap_or_default();
            writeln!(
                out,
                "run {} paused (exit {}){why}{back}. Last event {}.",
                state.run,
                known.exit,
                moment(state, known.now)
            )
        }
    };
    out.push_str(&parts(state, known.standing));
    if matches!(known.standing, Standing::Interrupted | Standing::Paused) {
        let _ = writeln!(out, "`{}` goes on where it stopped.", command(state));
    }
    out
}

/// The JSON of `status` and `report`: `cutover.report/1` with how the run stands.
pub fn status_json(state: &RunState, known: &Known<'_>) -> Value {
    let mut json = report_json(state, known.exit);
    let recovers = known.standing != Standing::Running;
    let more = json!({
        "run_state": known.standing.word(),
        "paused": state.paused.filter(|_| known.standing == Standing::Paused).map(|exit| {
            json!({ "exit": exit, "why": state.why, "text": state.why.as_deref().map(why_in_words), "back": state.back.map(at) })
        }),
        "started": at(state.started),
        "last_event": at(state.last),
        "seconds_since_last_event": since(state, known.now) / 1000,
        "events": state.seq,
        "under_way": under_way(state).map(|(key, part)| part_json(state, key, part, recovers)).collect::<Vec<_>>(),
    });
    if let (Some(json), Value::Object(more)) = (json.as_object_mut(), more) {
        json.extend(more);
    }
    json
}

fn part_json(state: &RunState, key: &PartKey, part: &Part, recovers: bool) -> Value {
    let next = recovery_of(part.state).filter(|_| recovers);
    json!({
        "load": load_name(state, part),
        "step": key.step,
        "part": key.number,
        "rows": part.rows,
        "state": part_word(part.state),
        "id": part.job,
        "next": next.map(|row| json!({ "ask": row.ask, "do": row.what })).collect::<Vec<_>>(),
    })
}

/// What is under way, and what the next apply does with what is left of it.
fn parts(state: &RunState, standing: Standing) -> String {
    let mut out = String::new();
    let parts: Vec<_> = under_way(state).collect();
    if parts.is_empty() {
        return out;
    }
    let _ = writeln!(out, "under way:");
    for (key, part) in parts.iter().take(MOST_PARTS) {
        let _ = writeln!(out, "  {}", part_line(state, key, part));
    }
    if parts.len() > MOST_PARTS {
        let _ = writeln!(out, "  … and {} more parts (`--json` lists them)", parts.len() - MOST_PARTS);
    }
    if standing == Standing::Running {
        return out;
    }
    let kinds: BTreeMap<_, _> = parts.iter().map(|(_, part)| (part.state, part_word(part.state))).collect();
    let _ = writeln!(out, "what the next `{}` does with it:", command(state));
    for (state, word) in kinds {
        for row in recovery_of(state) {
            let ask = if row.ask == "–" { String::new() } else { format!("{}: ", row.ask) };
            let _ = writeln!(out, "  {word}: {ask}{}", row.what);
        }
    }
    out
}

/// The command that goes on with a run.
fn command(state: &RunState) -> String {
    state.rolls_back.map_or("cutover apply".into(), |of| format!("cutover rollback {of}"))
}

fn part_line(state: &RunState, key: &PartKey, part: &Part) -> String {
    let what = match (part.kind, part.api) {
        (StepKind::References, _) => " (second pass)",
        (StepKind::Rows, Api::Bulk) => "",
        (StepKind::Rows, Api::Collections) => " (by calls)",
    };
    let job = part.job.as_deref().map(|job| format!(", job {job}")).unwrap_or_default();
    let (load, rows, word) = (load_name(state, part), number(part.rows), part_word(part.state));
    format!("{load}{what}: part {key}, {rows} rows, {word}{job}")
}

fn load_name<'s>(state: &'s RunState, part: &Part) -> &'s str {
    state.loads.get(part.load as usize).map_or("", |load| load.name.name.as_str())
}

fn since(state: &RunState, now: i64) -> i64 {
    now.saturating_sub(state.last).max(0)
}

/// When the last event was, and how long ago that is.
fn moment(state: &RunState, now: i64) -> String {
    format!("{} ago, at {}", ago(since(state, now)), at(state.last))
}

/// A length of time in its two largest units.
fn ago(milliseconds: i64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// A moment as ISO 8601 in UTC, to the second.
fn at(milliseconds: i64) -> String {
    let seconds = milliseconds.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3_600, second % 3_600 / 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The date of a day counted from 1970: years begin in March, so that a leap day is a year's last.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march = (5 * day + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day - (153 * march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::{ago, at};

    #[test]
    fn moments_and_lengths_of_time() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_704_067_199_999, "2023-12-31T23:59:59Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(at(milliseconds), text);
        }
        let times = [0, 59_999, 61_000, 3_660_000, 90_000_000].map(ago);
        assert_eq!(times, ["0 s", "59 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
    }
}
