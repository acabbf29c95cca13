//! What a reviewer must know of a rollback, above all what it cannot undo. Pure.

use crate::plan::{Losing, RollsBack, Undo};

/// All of it, a line each.
pub(super) fn notes(back: &RollsBack) -> Vec<String> {
    let run = back.run;
    let mut notes =
        vec![format!("rolls back run {run}: deletes the records that it created, children first")];
    notes.extend(of_loads(back));
    notes.extend(back.losing.iter().map(|losing| loses(losing, &back.lists)));
    notes.extend(back.along.iter().map(|Losing { object, field, records }| {
        format!("{records} {object} records that run {run} did not create go with their {field}; where cutover loaded them, `cutover apply --refresh` comes next")
    }));
    if !back.unseen.is_empty() {
        let unseen = back.unseen.join(", ");
        notes.push(format!("could not be looked at, and go with their parents: {unseen}"));
    }
    notes.push("cannot be undone: e-mails sent, what flows and triggers did elsewhere, numbers given, and whatever was done to other records while the run was under way".into());
    notes
}

/// What is said of records by their load, where there are any.
fn of_loads(back: &RollsBack) -> Vec<String> {
    let (run, lists) = (back.run, &back.lists);
    let which = |count: fn(&Undo) -> u64| {
        let some = back.loads.iter().filter(|undo| count(undo) > 0);
        some.map(|undo| format!("{} {}", undo.load, count(undo))).collect::<Vec<_>>().join(", ")
    };
    let all = [
        (
            which(|u| u.updated),
            "cannot be undone: records that were there before and were updated",
            format!("; listed in {lists}/updated.csv"),
        ),
        (
            which(|u| u.deleted),
            "cannot be undone: records that the run deleted",
            "; the org's recycle bin may have them".into(),
        ),
        (
            which(|u| u.edited),
            "stay: edited since the run ended",
            format!("; listed in {lists}/kept.csv; `--include-edited` deletes them too"),
        ),
        (
            which(|u| u.parents),
            "stay: records that stay would go with them, or keep them",
            format!("; listed in {lists}/kept.csv; `--with OBJECT` lets such records go too"),
        ),
        (
            which(|u| u.doubtful),
            "stay: the answer that tells whether the run created them was lost",
            format!("; listed in {lists}/kept.csv"),
        ),
        (
            which(|u| u.unnamed),
            "cannot be told: rows of which no answer ever came",
            format!("; what the org has of them since run {run} stays"),
        ),
        (which(|u| u.gone), "gone from the org already", String::new()),
    ];
    let said = all.into_iter().filter(|(which, ..)| !which.is_empty());
    said.map(|(which, what, more)| format!("{what} ({which}){more}")).collect()
}

fn loses(losing: &Losing, lists: &str) -> String {
    let Losing { object, field, records } = losing;
    format!("{records} {object} records stay and lose their {field}; listed in {lists}/losing.csv")
}
