//! What is wrong with a state folder, all of it at once, and what mends it. Pure: from facts to findings, from findings
//! to changes. What cannot be mended without guessing is said, with the way out.

use super::kinds::{
    CLEARS, Change, Facts, Finding, Grade, LedgerFacts, NamedFlaw, PlanFile, Role, RunFacts, StoreFacts,
};
use super::leftovers::{leftovers, unclaimed};
use crate::checkpoint::PaperError;
use crate::engine::context::out_of_a_paper;
use crate::ledger::LedgerError;
use crate::ports::folder_of;
use std::collections::BTreeMap;

const NEWER: &str = "use the cutover that wrote it: nothing is repaired or pruned by this one";
const REFRESH: &str = "restore it from a backup; else move the run's folder aside and run `cutover apply --refresh`, which asks the org what it has";
const OLD_RUN: &str = "restore it from a backup, or move the run's folder aside: the run is not the last one, and no apply reads it";
const LEDGER: &str = "restore it from a backup; else move the object's folder aside and run `cutover apply --refresh`, which asks the org what it has";

/// Everything that is wrong, the worst first, then by path.
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let newest = facts.runs.iter().filter(|run| run.begun()).map(|run| run.run).max().unwrap_or(0);
    let mut found = Vec::new();
    for run in &facts.runs {
        journal(run, newest, facts.busy, &mut found);
        papers(run, &mut found);
        found.extend(run.named.iter().map(|flaw| named(run, flaw)));
    }
    for ledger in &facts.ledgers {
        let flaws = ledger.inspected.flaws.iter().filter(|_| !is_new(ledger, newest));
        found.extend(flaws.map(|flaw| ledger_flaw(ledger, flaw)));
        let by = format!("{}/CURRENT", ledger.folder());
        found.extend(ledger.inspected.last.and_then(|last| short(facts, &by, last)));
    }
    found.extend(gone(facts));
    found.extend(store(facts));
    found.extend(facts.papers.iter().filter_map(paper));
    found.extend(unclaimed(facts));
    if !facts.busy {
        found.extend(leftovers(facts));
    }
    found.sort_by(|a, b| (a.grade, &a.path).cmp(&(b.grade, &b.path)));
    found
}

/// What mends the findings, in the order in which it is done. Nothing where a file is of a version that we do not know.
pub fn repairs(findings: &[Finding]) -> Vec<Change> {
    if findings.iter().any(|f| f.foreign) {
        return Vec::new();
    }
    findings.iter().filter_map(|finding| finding.change.clone()).collect()
}

/// A journal's flaw, or the line that its process was writing.
fn journal(run: &RunFacts, newest: u32, busy: bool, found: &mut Vec<Finding>) {
    let Some(journal) = &run.journal else { return };
    let path = run.path();
    if let Some(flaw) = &journal.flaw {
        let next = if run.run == newest { REFRESH } else { OLD_RUN };
        let at = format!("{path}:{}", flaw.line);
        found.push(match flaw.version {
            Some(_) => Finding::new(Grade::Damage, at, &flaw.cause, NEWER).foreign(),
            None => Finding::new(Grade::Damage, at, &flaw.cause, next),
        });
        return;
    }
    if let Some(state) = &journal.state
        && state.run != run.run
    {
        let what = format!("it is the journal of run {}", state.run);
        found.push(Finding::new(Grade::Damage, &path, what, "give the folder its own journal back"));
    }
    if journal.torn > 0 && !busy && run.begun() {
        let what = format!("its last line was cut off while it was written ({} bytes)", journal.torn);
        let change = Change::Cut { path: path.clone(), to: journal.good, less: journal.torn };
        let next = "the next apply cuts it off, and so does `cutover state repair`";
        found.push(Finding::new(Grade::Leftover, path, what, next).mended(change));
    }
}

/// A run's plan and report.
fn papers(run: &RunFacts, found: &mut Vec<Finding>) {
    let (plan, report) = (format!("runs/{}/plan.json", run.run), format!("runs/{}/report.json", run.run));
    let unneeded = "restore it from a backup, or remove it: the journal tells what the run did";
    match &run.plan {
        PlanFile::Whole => {}
        PlanFile::Absent if !run.begun() => {}
        PlanFile::Absent => {
            let next = "nothing is lost: the journal tells what the run did";
            found.push(Finding::new(Grade::Note, plan, "the run has no plan", next));
        }
        PlanFile::Other(format) => {
            let what = format!("its format is `{format}`, which this cutover does not know");
            found.push(Finding::new(Grade::Damage, plan, what, NEWER).foreign());
        }
        PlanFile::Broken => found.push(Finding::new(Grade::Damage, plan, "it is no plan", unneeded)),
    }
    if run.report_broken {
        let change = Change::remove([report.clone()], "a report that `cutover report` tells again");
        found.push(Finding::new(Grade::Damage, report, "it is no JSON", CLEARS).mended(change));
    }
}

fn named(run: &RunFacts, flaw: &NamedFlaw) -> Finding {
    let job = "the results of its job cannot be matched to rows without it: ";
    match flaw.role {
        Role::Sent => Finding::new(Grade::Damage, &flaw.path, &flaw.what, &format!("{job}{REFRESH}")),
        Role::Outcomes => {
            let what =
                format!("{}; run {} settled it, and the ledger has not folded it in", flaw.what, run.run);
            Finding::new(Grade::Damage, &flaw.path, what, REFRESH)
        }
        Role::Trail => {
            let next = format!(
                "restore it from a backup: without it run {} cannot be rolled back, and nothing else needs it",
                run.run
            );
            Finding::new(Grade::Damage, &flaw.path, &flaw.what, &next)
        }
        Role::Failures => {
            let next = "it is for people: no run needs it, and `cutover report` tells less without it";
            Finding::new(Grade::Note, &flaw.path, &flaw.what, next)
        }
    }
}

/// Whether a ledger has only segments of the newest run, and no CURRENT yet: the next apply folds them in.
fn is_new(ledger: &LedgerFacts, newest: u32) -> bool {
    let of_newest = |name: &String| name.starts_with(&format!("run-{newest}-"));
    ledger.inspected.absent && ledger.inspected.segments.iter().all(of_newest)
}

fn ledger_flaw(ledger: &LedgerFacts, flaw: &LedgerError) -> Finding {
    match flaw {
        LedgerError::Version { file, .. } => {
            Finding::new(Grade::Damage, file, flaw.to_string(), NEWER).foreign()
        }
        LedgerError::Damaged { file, what } => match &ledger.proved {
            Some(proved) if file.ends_with("/CURRENT") => {
                let change = Change::Current { folder: ledger.folder(), proved: proved.clone() };
                let next = "the journals prove what it said: `cutover state repair` writes it again";
                Finding::new(Grade::Damage, file, what, next).mended(change)
            }
            _ => Finding::new(Grade::Damage, file, what, LEDGER),
        },
        other => Finding::new(Grade::Damage, ledger.folder(), other.to_string(), LEDGER),
    }
}

/// A journal that ends before an event that something written later knows of.
fn short(facts: &Facts, by: &str, (run, seq): (u32, u64)) -> Option<Finding> {
    let Some(known) = facts.runs.iter().find(|known| known.run == run) else {
        let newer = facts.runs.iter().any(|other| other.run > run);
        let what = format!("it has outcomes of run {run}, whose journal is not here");
        let next = "nothing is lost: the next run gets a higher number";
        return (!newer).then(|| Finding::new(Grade::Note, by, what, next));
    };
    let journal = known.journal.as_ref();
    // A process at work may have written on since the journal was read; a flaw says enough.
    if facts.busy || journal.is_some_and(|journal| journal.flaw.is_some()) {
        return None;
    }
    let ends = journal.map_or(0, |journal| journal.lines.len() as u64);
    let what = format!("it ends at event {ends}, and {by} knows event {seq} of it: its end is lost");
    (ends < seq).then(|| Finding::new(Grade::Damage, known.path(), what, REFRESH))
}

/// Ledgers that are not there, though a journal put rows into them.
fn gone(facts: &Facts) -> Vec<Finding> {
    let mut missing: BTreeMap<String, u32> = BTreeMap::new();
    for (run, state) in facts.runs.iter().filter_map(|run| Some((run.run, run.state()?))) {
        for segment in state.parts.values().filter_map(|part| part.segment.as_ref()) {
            let folder = folder_of(&segment.path);
            if !facts.ledgers.iter().any(|ledger| ledger.folder() == folder) {
                missing.entry(folder.to_owned()).or_insert(run);
            }
        }
    }
    let lost = |(folder, run)| {
        let what = format!("it is not there, though run {run} put rows into this ledger");
        Finding::new(
            Grade::Damage,
            folder,
            what,
            "restore it, or run `cutover apply --refresh`, which asks the org what it has",
        )
    };
    missing.into_iter().map(lost).collect()
}

/// A small file beside the journals that cannot be used.
fn paper(flaw: &PaperError) -> Option<Finding> {
    match flaw {
        PaperError::Damaged { path, what } => {
            Some(Finding::new(Grade::Damage, path, what, out_of_a_paper(path)))
        }
        PaperError::Version { path, .. } => {
            Some(Finding::new(Grade::Damage, path, flaw.to_string(), NEWER).foreign())
        }
        PaperError::Disk(_) => None,
    }
}

fn store(facts: &Facts) -> Option<Finding> {
    match &facts.store {
        StoreFacts::Usable(Some(holds)) if facts.runs.iter().any(|run| run.run == holds.0) => {
            short(facts, "state/", *holds)
        }
        StoreFacts::Broken(why) => {
            let next =
                "it is disposable: `cutover state repair` throws it away, and the journal makes it anew";
            Some(Finding::new(Grade::Damage, "state", why, next).mended(Change::Store))
        }
        _ => None,
    }
}
