//! What a reviewer must know of a rollback, above all what it cannot undo. Pure.

use crate::plan::{Losing, RollsBack, Undo};

const UPDATED: &str = "cannot be undone: records that were there before and were updated";
const DELETED: &str = "cannot be undone: records that the run deleted";
const EDITED: &str = "stay: edited since the run last touched them";
const PARENTS: &str = "stay: records that stay would go with them, or keep them";
const DOUBTFUL: &str = "stay: the answer that tells whether the run created them was lost";
const UNDELETABLE: &str = "cannot be undone: this login may not delete them";
const UNNAMED: &str = "may have been created, and stay: records of rows of which no answer ever came";

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
    let kept = format!("; listed in {lists}/kept.csv");
    let find: Vec<String> =
        back.loads.iter().filter_map(|u| Some(format!("`{}`", u.find.as_ref()?))).collect();
    let all = [
        (UPDATED, which(|u| u.updated), format!("; listed in {lists}/updated.csv")),
        (DELETED, which(|u| u.deleted), "; the org's recycle bin may have them".into()),
        (EDITED, which(|u| u.edited), format!("{kept}; `--include-edited` deletes them too")),
        (PARENTS, which(|u| u.parents), format!("{kept}; `--with OBJECT` lets such records go too")),
        (
            UNDELETABLE,
            which(|u| u.undeletable),
            format!("{kept}; a user who may takes them with `cutover rollback {run}`"),
        ),
        (DOUBTFUL, which(|u| u.doubtful), kept),
        (UNNAMED, which(|u| u.unnamed), format!("; to see what the org has of them: {}", find.join("; "))),
        ("gone from the org already", which(|u| u.gone), String::new()),
    ];
    let said = all.into_iter().filter(|(_, which, _)| !which.is_empty());
    said.map(|(what, which, more)| format!("{what} ({which}){more}")).collect()
}

fn loses(losing: &Losing, lists: &str) -> String {
    let Losing { object, field, records } = losing;
    format!("{records} {object} records stay and lose their {field}; listed in {lists}/losing.csv")
}
