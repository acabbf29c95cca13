//! What a reviewer must know of a rollback, above all what it cannot undo. Pure.

use crate::plan::{Losing, RollsBack, Undo};

/// All of it, a line each.
pub(super) fn notes(back: &RollsBack) -> Vec<String> {
    let (run, lists) = (back.run, &back.lists);
    let mut notes = vec![format!("rolls back run {run}: deletes the records that it created, children first")];
    let mut say = |count: &dyn Fn(&Undo) -> u64, words: &dyn Fn(String) -> String| {
        let some: Vec<String> = back
            .loads
            .iter()
            .filter(|undo| count(undo) > 0)
            .map(|undo| format!("{} {}", undo.load, count(undo)))
            .collect();
        if !some.is_empty() {
            notes.push(words(some.join(", ")));
        }
    };
    say(&|u| u.updated, &|which| {
        format!("cannot be undone: records that were there before and were updated ({which}); listed in {lists}/updated.csv")
    });
    say(&|u| u.deleted, &|which| {
        format!("cannot be undone: records that run {run} deleted ({which}); the org's recycle bin may have them")
    });
    say(&|u| u.edited, &|which| {
        format!("stay: edited since run {run} ended ({which}); listed in {lists}/kept.csv; `--include-edited` deletes them too")
    });
    say(&|u| u.parents, &|which| {
        format!("stay: records that stay would go with them, or keep them ({which}); listed in {lists}/kept.csv; `--with OBJECT` lets such records go too")
    });
    say(&|u| u.doubtful, &|which| {
        format!("stay: whether run {run} created or changed them cannot be told, the answer was lost ({which}); listed in {lists}/kept.csv")
    });
    say(&|u| u.unnamed, &|which| {
        format!("cannot be told: rows of run {run} of which no answer ever came ({which}); what the org has of them stays")
    });
    say(&|u| u.gone, &|which| format!("gone from the org already: {which}"));
    notes.extend(back.losing.iter().map(|l| fields(l, "stay and lose", lists)));
    notes.extend(back.along.iter().map(|l| {
        format!("{} {} records that run {run} did not create go with their {}; where cutover loaded them, `cutover apply --refresh` comes next", l.records, l.object, l.field)
    }));
    if !back.unseen.is_empty() {
        notes.push(format!(
            "could not be looked at, and go with their parents: {}",
            back.unseen.join(", ")
        ));
    }
    notes.push("cannot be undone: e-mails sent, what flows and triggers did elsewhere, numbers given, and whatever was done to other records while the run was under way".into());
    notes
}

fn fields(losing: &Losing, what: &str, lists: &str) -> String {
    let Losing { object, field, records } = losing;
    format!("{records} {object} records {what} their {field}; listed in {lists}/losing.csv")
}
