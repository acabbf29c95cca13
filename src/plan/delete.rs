//! When records go: children before the records that they may belong to, and after every load that may still take
//! children away from them.

use super::graph::{GraphLoad, reaches};
use std::collections::BTreeSet;

/// Adds what deleting asks for to the needs of the loads, and gives the pairs `(first, later)` that it added. What
/// `after` or the sharing of an object says otherwise stays; so do references that no record must have, where objects
/// point at each other.
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
/// that cannot be without their parent; then the others.
fn pairs(loads: &[GraphLoad]) -> Vec<(usize, usize)> {
    let mut found: Vec<(u8, usize, usize)> = Vec::new();
    for (later, load) in loads.iter().enumerate().filter(|(_, load)| load.deletes.is_some()) {
        for (first, other) in loads.iter().enumerate().filter(|(_, other)| other.object != load.object) {
            let fills = other.references.iter().any(|r| r.parents.contains(&load.object));
            let belongs = |(object, _): &&(usize, bool)| *object == load.object;
            let child = other.deletes.iter().flatten().find(belongs).map(|(_, required)| *required);
            let rank = match child {
                _ if fills => 0,
                Some(true) => 1,
                Some(false) => 2,
                None => continue,
            };
            found.push((rank, first, later));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, first, later)| (first, later)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::graph::{GraphLoad, GraphReference, order};
    use crate::diagnostic::Place;

    fn load(name: &str, object: usize, deletes: Option<&[(usize, bool)]>) -> GraphLoad {
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
            load("accounts", 0, Some(&[(0, false), (1, false)])),
            load("contacts", 1, Some(&[(0, false)])),
            load("lines", 2, Some(&[(1, true)])),
        ];
        let found = order(&loads).unwrap();
        assert_eq!(found.sequence, [2, 0, 1], "accounts and contacts point at each other: manifest order");
        let loads = [load("accounts", 0, Some(&[(1, false)])), load("contacts", 1, Some(&[(0, true)]))];
        assert_eq!(order(&loads).unwrap().sequence, [1, 0], "no contact is without its account");
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
