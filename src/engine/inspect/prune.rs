//! What is no longer needed, and what nobody claims. Pure. Nothing goes that an unfinished run, a ledger or the rollback
//! of a kept run may ask for, and nothing whose kind is not known.

use super::findings::findings;
use super::kinds::{Change, Facts, Grade, RunFacts};
use crate::checkpoint::RunState;
use std::collections::{BTreeMap, BTreeSet};

/// What goes when the newest `keep` finished runs of each org that sent something stay: runs older than those, oldest first, and what is left
/// over. Nothing where a file is of a version that we do not know.
pub fn prunes(facts: &Facts, keep: usize) -> Vec<Change> {
    let found = findings(facts);
    if found.iter().any(|finding| finding.foreign) {
        return Vec::new();
    }
    let mut changes = Vec::new();
    let old = old_runs(facts, keep);
    let mut by_org: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (run, state) in &old {
        if facts.files.keys().any(|path| path.starts_with(&format!("data/{run}/crosswalk/"))) {
            by_org.entry(&state.org_id).or_default().push(*run);
        }
    }
    let crosswalks = by_org.into_iter().map(|(org, runs)| Change::Crosswalk { org: org.to_owned(), runs });
    changes.extend(crosswalks);
    changes.extend(old.iter().map(|(run, _)| whole_run(facts, *run)));
    let leftover = found.into_iter().filter(|finding| finding.grade == Grade::Leftover);
    let removed: BTreeSet<&String> = changes.iter().flat_map(Change::removes).collect();
    let more: Vec<Change> = leftover.filter_map(|finding| finding.change).collect();
    let more: Vec<Change> = more
        .into_iter()
        .filter(|change| change.removes().iter().any(|path| !removed.contains(path)))
        .collect();
    changes.extend(more);
    changes
}

/// Finished runs that are not among the newest of their org. A run whose journal cannot be trusted, or that is being
/// rolled back, keeps itself and all that are younger: an older run's keys and Ids must not outlive a newer one's.
fn old_runs(facts: &Facts, keep: usize) -> Vec<(u32, &RunState)> {
    let mut left: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    let newest = facts.runs.iter().filter(|run| run.begun()).map(|run| run.run).max();
    let doubtful = |run: &&RunFacts| run.begun() && run.state().is_none();
    let unfinished = facts.runs.iter().filter_map(RunFacts::state).filter(|state| state.unfinished());
    let undone = unfinished.filter_map(|state| state.rolls_back);
    let bound = facts.runs.iter().filter(doubtful).map(|run| run.run).chain(undone).min().unwrap_or(u32::MAX);
    let mut old = Vec::new();
    for run in facts.runs.iter().rev() {
        let Some(state) = run.state() else { continue };
        let ended = state.ended.is_some() && state.run == run.run;
        // One that sent nothing has nothing to be rolled back: it pushes none out that did.
        let kept = left.entry((&state.org_id, !state.parts.is_empty())).or_default();
        *kept += usize::from(ended);
        let is_old = *kept > keep;
        if ended && is_old && Some(run.run) != newest && run.run < bound {
            old.push((run.run, state));
        }
    }
    old.reverse();
    old
}

/// All files of a run, the journal last: as long as it is there, the run is known to be finished.
fn whole_run(facts: &Facts, run: u32) -> Change {
    let below = |folder: String| facts.files.keys().filter(move |path| path.starts_with(&folder)).cloned();
    let journal = crate::checkpoint::journal_path(run);
    let mut paths: Vec<String> = below(format!("data/{run}/")).collect();
    paths.extend(below(format!("data/rollback-of-{run}/")));
    paths.extend(below(format!("runs/{run}/")).filter(|path| *path != journal));
    paths.push(journal);
    let bytes: u64 = paths.iter().filter_map(|path| facts.files.get(path)).sum();
    Change::remove(paths, format!("all of run {run}, {bytes} bytes: it can no longer be rolled back"))
}
