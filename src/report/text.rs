//! One screen of text for a plan and for a run. Meaning never hangs on colour; a column without a number is left out.

use super::digits::number;
use super::failures::FailureGroups;
use crate::checkpoint::{Ended, LoadState, RunState};
use crate::model::{Leniency, Outcome};
use crate::plan::{Api, Lenient, Plan, PlanLoad, StepKind};
use crate::ports::utc_text;
use comfy_table::{CellAlignment, Table, presets};
use std::fmt::Write;

/// Reasons shown for a plan; the others are counted.
const MOST_REASONS: usize = 12;

/// The screen of a plan.
pub fn plan_text(plan: &Plan) -> String {
    let mut out = String::new();
    let sandbox = if plan.sandbox { "sandbox" } else { "production" };
    let org = org_in_words(&plan.org_name, &plan.org_id, plan.user.as_deref());
    let _ = writeln!(out, "{} → {} ({org}, {sandbox})\n", plan.project, plan.environment);
    out.push_str(&balance(&plan.loads.iter().map(plan_row).collect::<Vec<_>>()));
    out.push_str(&steps(plan));
    out.push_str(&reasons(plan));
    plan.loads.iter().for_each(|load| out.push_str(&lenient(&load.name, &load.lenient)));
    for note in &plan.notes {
        let _ = writeln!(out, "note: {note}");
    }
    for load in plan.loads.iter().filter(|l| l.delete > 0) {
        let _ = writeln!(out, "{}", destroys(plan, load));
    }
    if plan.rolls_back.is_some() {
        out.push_str(&deletes(plan));
    } else if plan.changes {
        let rows: u64 = plan.steps.iter().map(|s| s.rows).sum();
        let _ = writeln!(
            out,
            "{rows} rows to send in {} steps. What triggers, flows and validation rules of the org will say cannot be known before.",
            plan.steps.len()
        );
    } else {
        let _ = writeln!(out, "{}", nothing_to_send(plan));
    }
    out
}

/// Why nothing is sent: what is known of the rows, and no more.
fn nothing_to_send(plan: &Plan) -> String {
    let sum = |count: fn(&PlanLoad) -> u64| plan.loads.iter().map(count).sum::<u64>();
    let source = sum(|load| load.source);
    let known = [
        (sum(|load| load.rejected), "rejected"),
        (sum(|load| load.duplicate), "duplicates of another row"),
        (sum(|load| load.held), "held"),
        (sum(|load| load.filtered), "filtered"),
    ];
    let left = known.iter().filter(|(rows, _)| *rows > 0);
    let mut told: Vec<String> =
        left.map(|(rows, what)| format!("{} of {} rows are {what}", number(*rows), number(source))).collect();
    let same = sum(|load| if load.deletes() { 0 } else { load.unchanged });
    let gone = sum(|load| if load.deletes() { load.unchanged } else { 0 });
    let (done, absent) = (sum(|load| load.done), sum(|load| load.absent));
    if source == 0 {
        told.push("the sources have no rows".into());
    }
    if same > 0 {
        told.push(format!(
            "{} of {} rows have not changed since they were last sent (whether somebody edited their records was not looked at)",
            number(same),
            number(source)
        ));
    }
    if gone > 0 {
        told.push(format!("{} of {} rows have no record in the org to delete", number(gone), number(source)));
    }
    if done > 0 {
        told.push(format!(
            "{} of {} rows have their outcome in the run that goes on",
            number(done),
            number(source)
        ));
    }
    if absent > 0 {
        told.push(format!("{} landed records are absent from the sources, and stay", number(absent)));
    }
    format!("Nothing to send: {}.", told.join("; "))
}

/// How much a rollback deletes.
fn deletes(plan: &Plan) -> String {
    let rows: u64 = plan.steps.iter().map(|s| s.rows).sum();
    match plan.changes {
        true => format!("{} records to delete in {} steps.\n", number(rows), plan.steps.len()),
        false => "Nothing to delete.\n".into(),
    }
}

/// The screen of a rollback: what was done where anything was to be done, and what could not be undone.
pub fn rollback_text(plan: &Plan, state: Option<&RunState>, groups: &FailureGroups, folder: &str) -> String {
    let nothing = || "Nothing to delete.\n".to_owned();
    let mut out = state.map_or_else(nothing, |state| report_text(state, groups, folder));
    for note in plan.notes.iter().skip(1) {
        let _ = writeln!(out, "note: {note}");
    }
    out
}

/// What a delete does to the org, so that nobody overlooks it.
fn destroys(plan: &Plan, load: &PlanLoad) -> String {
    let how = match load.operation.as_str() {
        "hardDelete" => "removed for good, past the recycle bin",
        _ => "moved to the recycle bin",
    };
    let (name, rows, object) = (&load.name, number(load.delete), &load.object);
    format!(
        "DELETES {rows} {object} records of {}: {how}; records that belong to them go too ({name})",
        plan.org_id
    )
}

/// The screen of a run. `folder`: where its files lie, as the user would type it.
pub fn report_text(state: &RunState, groups: &FailureGroups, folder: &str) -> String {
    let mut out = body(state, groups, folder);
    let _ = writeln!(out, "{}", ending(state, folder));
    out
}

/// Whose fault it is where the rows of a run do not add up, by load.
fn faults(state: &RunState) -> String {
    let mut out = String::new();
    for load in state.unbalanced() {
        let (tally, name) = (load.tally(), &load.name.name);
        let pending = tally.get(Outcome::Pending);
        let decided: u64 = load.outcomes.iter().sum::<u64>() - pending;
        let source = number(tally.source());
        let _ = writeln!(
            out,
            "{name}: {source} rows in its source, {} with an outcome, {} without: a fault of cutover's. Look at what the org has, keep the state folder, and report it.",
            number(decided),
            number(pending)
        );
    }
    out
}

/// An org by its name and Id, and who is logged in there.
fn org_in_words(name: &str, id: &str, user: Option<&str>) -> String {
    let name = if name.is_empty() { String::new() } else { format!(" \"{}\"", on_one_line(name)) };
    let user = user.map(|user| format!(", as {}", on_one_line(user))).unwrap_or_default();
    format!("org {id}{name}{user}")
}

/// A name that the org gave, without what moves a cursor.
fn on_one_line(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Whose a run is, and when it was.
fn heading(state: &RunState) -> String {
    let RunState { names, environment, run, .. } = state;
    let project = if names.project.is_empty() { String::new() } else { format!("{} → ", names.project) };
    let org = org_in_words(&names.org, &state.org_id, names.user.as_deref());
    let until = match state.ended {
        Some(_) => format!("{} to {}", utc_text(state.started), utc_text(state.last)),
        None => format!("since {}", utc_text(state.started)),
    };
    format!("{project}{environment} ({org}), run {run}, {until}\n\n")
}

/// What a run did, without how it stands.
pub(super) fn body(state: &RunState, groups: &FailureGroups, folder: &str) -> String {
    let mut out = heading(state);
    out.push_str(&balance(&state.loads.iter().map(|load| run_row(state, load)).collect::<Vec<_>>()));
    for load in
        state.loads.iter().filter(|l| l.references.filled + l.references.pending + l.references.failed > 0)
    {
        let r = load.references;
        let _ = writeln!(
            out,
            "{}: references of the second pass: {} filled, {} pending, {} failed",
            load.name.name, r.filled, r.pending, r.failed
        );
    }
    for load in &state.loads {
        policies(&mut out, load, &format!("{folder}/data/{}", state.run));
    }
    if state.renewed > 0 {
        let renewed = number(state.renewed);
        let _ = writeln!(
            out,
            "{renewed} records were gone from the org and were made anew: what refers to them goes with the next apply"
        );
    }
    if state.set_aside > 0 {
        let answers = number(state.set_aside);
        let _ = writeln!(
            out,
            "{answers} answers of the org were set aside: they name no row that was sent, or a record that cannot be the row's; their rows were asked for by key or sent again"
        );
    }
    out.push_str(&groups.lines());
    out.push_str(&faults(state));
    out
}

/// What was done leniently, because the manifest says so, and what is no longer in its source.
fn policies(out: &mut String, load: &LoadState, folder: &str) {
    let name = &load.name.name;
    let absent =
        format!("landed rows are no longer in the source; left alone, listed in {folder}/{name}.absent.csv");
    out.push_str(&lenient(name, &load.lenient));
    for (count, what) in
        [(load.quotes, "rows with a quote inside an unquoted cell: taken as text"), (load.absent, &absent)]
    {
        if count > 0 {
            let _ = writeln!(out, "{name}: {count} {what}");
        }
    }
}

/// What happened to values because the manifest allows it, a line for each field and word.
fn lenient(load: &str, all: &[Lenient]) -> String {
    let line = |one: &Lenient| {
        let phrase = match Leniency::of(&one.what) {
            Some(what) => what.phrase(),
            None => &one.what,
        };
        let values = if one.values == 1 { "value" } else { "values" };
        format!("{load}.{}: {} {values} {phrase}\n", one.field, number(one.values))
    };
    all.iter().map(line).collect()
}

/// How a run ended, and where the rows are that were not loaded.
pub(super) fn ending(state: &RunState, folder: &str) -> String {
    if let Some(of) = state.rolls_back {
        return rollback_ending(state, of, folder);
    }
    let run = state.run;
    let bad = state.loads.iter().any(|l| [1, 3, 8].iter().any(|o| l.outcomes[*o] > 0));
    let files = if bad { format!(" Rows that were not loaded: {folder}/data/{run}/") } else { String::new() };
    match state.ended {
        Some((Ended::Finished, _)) => format!("run {run} finished.{files}"),
        Some((Ended::Budget, _)) => {
            format!("run {run} stopped: too many rows failed or were rejected.{files}")
        }
        Some((Ended::Superseded, _)) => format!("run {run} was superseded by a later run."),
        None => format!("run {run} is not finished: `cutover apply` goes on where it stopped.{files}"),
    }
}

fn rollback_ending(state: &RunState, of: u32, folder: &str) -> String {
    let run = state.run;
    let failed = state.loads.iter().any(|l| l.outcomes[Outcome::Failed as usize] > 0);
    let files = if failed { format!(" What the org refused: {folder}/data/{run}/") } else { String::new() };
    match state.ended {
        Some(_) => format!("run {run} finished: it rolled back run {of}.{files}"),
        None => {
            format!("run {run} is not finished: `cutover rollback {of}` goes on where it stopped.{files}")
        }
    }
}

/// A row of the balance: name, object, source, then the outcomes by their words, and whether it adds up.
struct BalanceRow {
    name: String,
    object: String,
    source: u64,
    counts: Vec<(&'static str, u64)>,
    balances: bool,
}

fn plan_row(load: &PlanLoad) -> BalanceRow {
    let counts = vec![
        ("filtered", load.filtered),
        ("rejected", load.rejected),
        ("duplicate", load.duplicate),
        ("held", load.held),
        ("unchanged", load.unchanged),
        ("done", load.done),
        ("create", load.create),
        ("update", load.update),
        ("delete", load.delete),
    ];
    let (name, object, balances) = (load.name.clone(), load.object.clone(), load.balances());
    BalanceRow { name, object, source: load.source, counts, balances }
}

fn run_row(state: &RunState, load: &LoadState) -> BalanceRow {
    let tally = load.tally();
    BalanceRow {
        name: load.name.name.clone(),
        object: load.name.object.clone(),
        source: tally.source(),
        counts: Outcome::ALL.into_iter().map(|o| (o.word(), tally.get(o))).collect(),
        balances: state.balances(load),
    }
}

/// `source = …` for each load and in all. Columns in which every load has nothing are left out.
fn balance(rows: &[BalanceRow]) -> String {
    let words: Vec<&'static str> =
        rows.first().map(|r| r.counts.iter().map(|c| c.0).collect()).unwrap_or_default();
    let shown: Vec<usize> = (0..words.len()).filter(|i| rows.iter().any(|r| r.counts[*i].1 > 0)).collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut header = vec!["load".to_owned(), "object".to_owned(), "source =".to_owned()];
    header.extend(shown.iter().map(|i| words[*i].to_owned()));
    table.set_header(header);
    for row in rows {
        let mut cells = vec![row.name.clone(), row.object.clone(), number(row.source)];
        cells.extend(shown.iter().map(|i| number(row.counts[*i].1)));
        table.add_row(cells);
    }
    let total = |f: &dyn Fn(&BalanceRow) -> u64| number(rows.iter().map(f).sum());
    let mut cells = vec!["total".to_owned(), String::new(), total(&|r| r.source)];
    cells.extend(shown.iter().map(|i| total(&|r| r.counts[*i].1)));
    table.add_row(cells);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let verdict = if rows.iter().all(|r| r.balances) { "balances" } else { "DOES NOT BALANCE" };
    let lines: Vec<String> = table.lines().map(|l| l.trim_end().to_owned()).collect();
    format!("{}  {verdict}\n\n", lines.join("\n"))
}

fn steps(plan: &Plan) -> String {
    let mut out = String::new();
    let mut wave = 0;
    for step in &plan.steps {
        if step.wave != wave {
            wave = step.wave;
            let _ = writeln!(out, "wave {wave}");
        }
        let what = match (step.kind, step.level) {
            (StepKind::References, _) => "  second pass: deferred references".to_owned(),
            (StepKind::Rows, 0) => String::new(),
            (StepKind::Rows, level) => format!("  level {level}"),
        };
        let jobs = match (step.api, step.parts, step.calls()) {
            (Api::Bulk, 1, _) => "1 job".to_owned(),
            (Api::Bulk, parts, _) => format!("{parts} jobs"),
            (Api::Collections, _, 1) => "1 REST call".to_owned(),
            (Api::Collections, _, calls) => format!("{calls} REST calls"),
        };
        let lock =
            step.lock.as_ref().map(|l| format!(", sorted by {} ({})", l.field, l.reason)).unwrap_or_default();
        let _ = writeln!(
            out,
            "  {}{what}: {} {} rows, {jobs}{lock}",
            step.name,
            step.operation,
            number(step.rows)
        );
    }
    if !plan.steps.is_empty() {
        out.push('\n');
    }
    out
}

fn reasons(plan: &Plan) -> String {
    let mut out = String::new();
    let all: Vec<_> = plan.loads.iter().flat_map(|l| l.reasons.iter().map(move |r| (l, r))).collect();
    for (load, reason) in all.iter().take(MOST_REASONS) {
        let _ = writeln!(
            out,
            "{} {} {}: {} [{}], first at {}",
            load.name,
            number(reason.rows),
            reason.outcome,
            reason.message,
            reason.code,
            reason.first
        );
    }
    if all.len() > MOST_REASONS {
        let _ = writeln!(
            out,
            "… and {} more reasons (`cutover plan --json` lists them)",
            all.len() - MOST_REASONS
        );
    }
    if !all.is_empty() {
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::report_text;
    use crate::checkpoint::{Ended, LoadName, LoadState, References, RunState};
    use crate::report::FailureGroups;

    fn run(outcomes: [u64; 10], surplus: u64) -> String {
        let name = LoadName { name: "a".into(), object: "Account".into(), files: Vec::new() };
        let references = References::default();
        let load = LoadState {
            name,
            source: 5,
            outcomes,
            absent: 0,
            quotes: 0,
            lenient: Vec::new(),
            references,
            surplus,
        };
        let ended = Some((Ended::Finished, 0));
        report_text(
            &RunState { run: 3, loads: vec![load], ended, ..RunState::default() },
            &FailureGroups::default(),
            ".cutover",
        )
    }

    #[test]
    fn a_run_that_does_not_balance_says_whose_fault_it_is() {
        assert!(run([0, 0, 0, 0, 0, 5, 0, 0, 0, 0], 0).contains("  balances\n"));
        for (outcomes, surplus, said) in [
            ([0, 0, 0, 0, 0, 6, 0, 0, 0, 0], 1, "6 with an outcome, 0 without"),
            ([0, 0, 0, 0, 0, 4, 0, 0, 0, 0], 0, "4 with an outcome, 0 without"),
            ([0, 0, 0, 0, 0, 4, 0, 0, 0, 1], 0, "4 with an outcome, 1 without"),
        ] {
            let told = run(outcomes, surplus);
            assert!(told.contains("DOES NOT BALANCE") && told.contains(said), "{told}");
            assert!(told.contains("a fault of cutover's"), "{told}");
        }
    }
}
