//! When records go: children before the records that they may belong to, and after every load that may still take
//! children away from them.

use super::graph_load::{GraphLoad, reaches};
use crate::bind::Belongs;
use std::collections::BTreeSet;

/// Adds what deleting asks for to the needs of the loads, and gives the pairs `(first, later)` that it added. What
/// `after` says stays; where objects point at each other, the stronger belonging counts.
pub(super) fn add(loads: &[GraphLoad], needs: &mut [BTreeSet<usize>]) -> BTreeSet<(usize, usize)> {
    let mut added = BTreeSet::new();
    for (first, later) in pairs(loads) {
        let already = needs[later].contains(&first);
        if !already && !reaches(needs, first, later) {
            needs[later].insert(first);
            added.insert((first, later));
        }
    }
    added
}

/// Pairs `(first, later)`: loads that fill a reference before the delete of what it may have pointed to; then children
/// before parents, those first that belong most to them.
fn pairs(loads: &[GraphLoad]) -> Vec<(usize, usize)> {
    let mut found: Vec<(Option<Belongs>, usize, usize)> = Vec::new();
    for (later, load) in loads.iter().enumerate().filter(|(_, load)| load.deletes.is_some()) {
        for (first, other) in loads.iter().enumerate().filter(|(_, other)| other.object != load.object) {
            let fills = other.references.iter().any(|r| r.parents.contains(&load.object));
            let child = other.deletes.iter().flatten().find(|(object, _)| *object == load.object);
            match child {
                _ if fills => found.push((None, first, later)),
                Some((_, belongs)) => found.push((Some(*belongs), first, later)),
                None => {}
            }
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, first, later)| (first, later)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::graph::order;
    use super::super::graph_load::{GraphLoad, GraphReference};
    use crate::bind::Belongs::{self, Perhaps, Usually, Wholly};
    use crate::diagnostic::Place;

    fn load(name: &str, object: usize, deletes: Option<&[(usize, Belongs)]>) -> GraphLoad {
        GraphLoad {
            name: name.into(),
            object,
            after: Vec::new(),
            references: Vec::new(),
            deletes: deletes.map(<[_]>::to_vec),
            place: Place::new("m.yaml", 1, 1, 1),
        }
    }

    #[test]
    fn children_go_first() {
        let loads = [
            load("accounts", 0, Some(&[(0, Usually), (1, Perhaps)])),
            load("contacts", 1, Some(&[(0, Usually)])),
            load("lines", 2, Some(&[(1, Wholly)])),
        ];
        let found = order(&loads).unwrap();
        assert_eq!(found.sequence, [2, 1, 0]);
        assert_eq!(found.deletes.into_iter().collect::<Vec<_>>(), [(1, 0), (2, 1)]);
    }

    #[test]
    fn a_parent_goes_when_its_children_have_been_given_another() {
        let moves = GraphReference {
            field: "AccountId".into(),
            parents: vec![0],
            deferrable: true,
            rows: 1,
            place: Place::new("m.yaml", 1, 1, 1),
        };
        let mut loads = [load("merged", 0, Some(&[])), load("contacts", 1, None), load("kept", 0, None)];
        loads[1].references.push(moves);
        let found = order(&loads).unwrap();
        assert!(found.needs[0].contains(&1) && !found.needs[1].contains(&0));
        loads[1].after = vec![0];
        assert_eq!(order(&loads).unwrap().sequence[0], 0, "`after` says otherwise");
    }
}
