//! What lies in the state folder and belongs to nothing: rows of parts that are over, drafts, and files that no journal
//! names. Must not know how they are removed.

use super::kinds::{CLEARS, Change, Facts, Finding, Grade, RunFacts};
use super::parts::folded_in;
use crate::checkpoint::{ENVIRONMENTS, Event, RunState, SECRET};
use crate::ports::folder_of;
use std::collections::{BTreeMap, BTreeSet};

/// What is left over from processes that were cut off, by folder, each with the change that removes it.
pub(super) fn leftovers(facts: &Facts) -> Vec<Finding> {
    let known = Known::of(facts);
    let mut groups: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for path in facts.files.keys() {
        if let Some(what) = known.leftover(path) {
            let folder = folder_of(path);
            groups.entry((folder, what)).or_default().push(path.clone());
        }
    }
    groups.into_iter().map(|((folder, what), paths)| leftover(folder, what, paths)).collect()
}

fn leftover(folder: &str, what: &str, paths: Vec<String>) -> Finding {
    let (path, text) = match paths.as_slice() {
        [path] => (path.clone(), what.to_owned()),
        _ => (format!("{folder}/"), format!("{} files: {what}", paths.len())),
    };
    let change = Change::remove(paths, what);
    Finding { change: Some(change), ..Finding::new(Grade::Leftover, path, text, CLEARS) }
}

/// Files of no kind that we know: told, never removed.
pub(super) fn unclaimed(facts: &Facts) -> Vec<Finding> {
    const NEXT: &str = "it is left alone: remove it yourself if it is nobody's";
    let known = Known::of(facts);
    let strange = facts.files.keys().filter(|path| known.leftover(path).is_none() && !known.claims(path));
    strange.map(|path| Finding::new(Grade::Note, path, "it is no file of cutover's", NEXT)).collect()
}

/// Which files somebody claims.
struct Known<'f> {
    facts: &'f Facts,
    /// Files of parts that are not over, of runs that are not over.
    parts: BTreeSet<&'f str>,
    /// Segments that events name and ledgers have not folded in.
    waiting: BTreeSet<&'f str>,
    /// Whether every journal could be read: only then is it known what none of them names.
    trusted: bool,
}

impl<'f> Known<'f> {
    fn of(facts: &'f Facts) -> Self {
        let trusted = facts.runs.iter().all(|run| !run.begun() || run.state().is_some());
        let mut known = Self { facts, parts: BTreeSet::new(), waiting: BTreeSet::new(), trusted };
        for run in &facts.runs {
            known.take(run);
        }
        known
    }

    fn take(&mut self, run: &'f RunFacts) {
        let (Some(state), Some(journal)) = (run.state(), &run.journal) else { return };
        for part in state.parts.values().filter(|part| state.ended.is_none() && !part.state.is_over()) {
            self.parts.extend([part.file.path.as_str(), part.index.path.as_str()]);
        }
        for line in &journal.lines {
            let Event::PartSettled { part, segment: Some(named), .. } = &line.event else { continue };
            let part = state.parts.get(part);
            if part.is_some_and(|part| !folded_in(&self.facts.ledgers, state, part, line.seq)) {
                self.waiting.insert(&named.path);
            }
        }
    }

    /// What a file is that nobody needs any more.
    fn leftover(&self, path: &str) -> Option<&'static str> {
        let draft = path.ends_with(".tmp");
        if draft && BESIDE.iter().any(|name| path.strip_suffix(".tmp") == Some(name)) {
            return Some("a draft that was never finished");
        }
        let (top, rest) = path.split_once('/')?;
        match top {
            "state.damaged" => Some("a store that would not open, moved aside"),
            "data" if rest.starts_with("scratch/") => Some("scratch of a process that was cut off"),
            "data" | "runs" | "ledger" | "crosswalk" if draft => Some("a draft that was never finished"),
            "data" => self.of_a_run(rest, path),
            "runs" => self.of_no_run(rest),
            "ledger" => self.of_a_ledger(path),
            _ => None,
        }
    }

    fn run(&self, rest: &str) -> Option<&'f RunFacts> {
        let number = rest.split_once('/')?.0.parse::<u32>().ok()?;
        self.facts.runs.iter().find(|run| run.run == number)
    }

    /// Rows of a part that is over: they hold customers' values. Lists of a run that never began.
    fn of_a_run(&self, rest: &str, path: &str) -> Option<&'static str> {
        let name = rest.split_once('/').filter(|(number, _)| number.parse::<u32>().is_ok())?.1;
        let Some(state) = self.run(rest).and_then(RunFacts::state) else {
            let begun = self.run(rest).is_some_and(RunFacts::begun);
            let listed = name.contains(".left-out") || name.ends_with(".absent.csv");
            return (self.trusted && !begun && listed).then_some("a list of a run that never began");
        };
        let of_a_part = is_part(state, name) && !self.parts.contains(path);
        of_a_part.then_some("rows of a part that is over")
    }

    /// The plan of a run that came to no event.
    fn of_no_run(&self, rest: &str) -> Option<&'static str> {
        let name = rest.split_once('/')?.1;
        let begun = self.run(rest)?.begun();
        let ours = ["plan.json", "events.ndjson"].contains(&name);
        (!begun && ours).then_some("of a run that never began")
    }

    /// A segment that no CURRENT names, and no event that a ledger has still to fold in.
    fn of_a_ledger(&self, path: &str) -> Option<&'static str> {
        let segment = path.rsplit_once('/')?.1.strip_suffix(".seg")?;
        let ledger = self.facts.ledgers.iter().find(|l| path.starts_with(&format!("{}/", l.folder())))?;
        let unnamed = ledger.inspected.unnamed().any(|name| name == segment);
        (self.trusted && unnamed && !self.waiting.contains(path)).then_some("a segment that does not count")
    }

    /// Whether a file is of a kind that we write.
    fn claims(&self, path: &str) -> bool {
        let Some((top, rest)) = path.split_once('/') else {
            return ["lock", "lock.held", ".gitignore"].contains(&path) || BESIDE.contains(&path);
        };
        let name = rest.rsplit('/').next().unwrap_or(rest);
        match top {
            "state" | "local" | "crosswalk" => true,
            "runs" => {
                PAPERS.contains(&name)
                    || name.ends_with(".ids")
                    || name.ends_with(".dated")
                    || name.ends_with(".tmp")
            }
            "ledger" => name == "CURRENT" || name.ends_with(".seg") || name.ends_with(".tmp"),
            "data" => name.ends_with(".csv") || ENDINGS.iter().any(|ending| name.ends_with(ending)),
            _ => false,
        }
    }
}

/// Small files beside the journals.
const BESIDE: [&str; 2] = [ENVIRONMENTS, SECRET];
/// What lies in a run's folder.
const PAPERS: [&str; 5] = ["plan.json", "events.ndjson", "events.ndjson.held", "report.json", "report.txt"];
/// Endings of what lies in a run's folder of rows, beside `.csv`.
const ENDINGS: [&str; 3] = [".index", ".gone", ".tmp"];

/// Whether a file of a run's folder is a part of its: `<load>-<step>-<number>`, `again-<step>-<number>`.
fn is_part(state: &RunState, name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".csv").or_else(|| name.strip_suffix(".index")) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mut pieces = stem.rsplitn(3, '-');
    let (Some(number), Some(step), Some(load)) = (pieces.next(), pieces.next(), pieces.next()) else {
        return false;
    };
    digits(number)
        && digits(step)
        && (["again", "rollback"].contains(&load) || state.loads.iter().any(|l| l.name.name == load))
}
