//! What was found in a state folder and what is to be done to it, as text and JSON.

use crate::checkpoint::Ended;
use crate::engine::inspect::{Change, Facts, Finding, Grade, RunFacts};
use serde_json::{Value, json};
use std::fmt::Write;

/// Files of a change listed one by one; further ones are counted.
const MOST_FILES: usize = 12;

/// What one look at a state folder gave.
#[derive(Debug)]
pub struct Looked<'l> {
    /// The command.
    pub command: &'l str,
    /// The folder, as the user would type it.
    pub folder: &'l str,
    /// What is there.
    pub facts: &'l Facts,
    /// What is wrong.
    pub findings: &'l [Finding],
    /// What is to be done, or was.
    pub changes: &'l [Change],
    /// Whether it was done.
    pub done: bool,
}

/// Everything that is wrong, and how much was looked at.
pub fn findings_text(looked: &Looked<'_>) -> String {
    let mut out = String::new();
    for Finding { grade, path, what, next, .. } in looked.findings {
        let _ = writeln!(out, "{}: {path}: {what}\n  help: {next}", grade.word());
    }
    let count = |grade| looked.findings.iter().filter(|finding| finding.grade == grade).count();
    let damaged = match count(Grade::Damage) {
        0 => "nothing is damaged".to_owned(),
        damaged => format!("{damaged} damaged"),
    };
    let others: String = [(Grade::Leftover, "left over"), (Grade::Note, "to note")]
        .into_iter()
        .filter(|(grade, _)| count(*grade) > 0)
        .map(|(grade, words)| format!(", {} {words}", count(grade)))
        .collect();
    let Facts { runs, ledgers, files, busy, .. } = looked.facts;
    let _ = writeln!(
        out,
        "{damaged}{others} in {}: {} runs, {} ledgers, {} files",
        looked.folder,
        runs.len(),
        ledgers.len(),
        files.len()
    );
    if *busy {
        let _ = writeln!(out, "a cutover is at work here: what it is writing was not judged");
    }
    out
}

/// What is to be done, with the files that go.
pub fn changes_text(changes: &[Change]) -> String {
    let mut out = String::new();
    for change in changes {
        let _ = writeln!(out, "{}", change.text());
        let removed = change.removes();
        if removed.len() < 2 {
            continue;
        }
        for path in removed.iter().take(MOST_FILES) {
            let _ = writeln!(out, "  {path}");
        }
        if removed.len() > MOST_FILES {
            let _ =
                writeln!(out, "  … and {} more (`--dry-run --json` lists them)", removed.len() - MOST_FILES);
        }
    }
    out
}

/// `cutover.state/1`.
pub fn state_json(looked: &Looked<'_>, exit: u8) -> Value {
    let facts = looked.facts;
    json!({
        "schema": "cutover.state/1",
        "command": looked.command,
        "folder": looked.folder,
        "busy": facts.busy,
        "files": facts.files.len(),
        "runs": facts.runs.iter().map(run_json).collect::<Vec<_>>(),
        "ledgers": facts.ledgers.iter().map(|ledger| json!({
            "org_id": ledger.org,
            "object": ledger.object,
            "segments": ledger.inspected.live.len(),
            "entries": ledger.inspected.live.iter().map(|segment| segment.entries).sum::<u64>(),
            "last_run": ledger.inspected.last.map(|(run, _)| run),
        })).collect::<Vec<_>>(),
        "findings": looked.findings.iter().map(finding_json).collect::<Vec<_>>(),
        "changes": looked.changes.iter().map(|change| json!({
            "change": change.text(),
            "removes": change.removes(),
        })).collect::<Vec<_>>(),
        "done": looked.done,
        "exit": exit,
    })
}

fn run_json(run: &RunFacts) -> Value {
    let ended = run.state().and_then(|state| state.ended).map(|(ended, _)| match ended {
        Ended::Finished => "finished",
        Ended::Budget => "budget",
        Ended::Superseded => "superseded",
    });
    json!({
        "run": run.run,
        "events": run.journal.as_ref().map_or(0, |journal| journal.lines.len()),
        "org_id": run.state().map(|state| &state.org_id),
        "ended": ended,
    })
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "grade": finding.grade.word(),
        "path": finding.path,
        "problem": finding.what,
        "next": finding.next,
        "repair": finding.change.as_ref().map(Change::text),
    })
}
