//! Which load goes before which: edges from references, `after` and the sharing of an object; an order without
//! cycles, found by deferring references where there are some.

use super::cycle::{self, to_graph};
use super::delete;
use super::graph_load::{Deferred, GraphLoad, reaches};
use crate::diagnostic::Diagnostic;
use petgraph::Direction;
use std::collections::BTreeSet;

/// The order found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Order {
    /// Loads, parents before children; manifest order where the graph leaves a choice.
    pub sequence: Vec<usize>,
    /// References that break a cycle.
    pub deferred: Vec<Deferred>,
    /// For each load, the loads that must be done before it.
    pub needs: Vec<BTreeSet<usize>>,
    /// Loads that go before others because records are deleted children first: `(first, later)`.
    pub deletes: BTreeSet<(usize, usize)>,
}

/// Finds the order.
///
/// # Errors
/// A diagnostic for each cycle that no reference can break, naming the whole cycle with its places.
pub fn order(loads: &[GraphLoad]) -> Result<Order, Vec<Diagnostic>> {
    let mut deferred = Vec::new();
    loop {
        let (needs, deletes) = needs(loads, &deferred);
        let components = cycle::components(&needs);
        let Some(component) = components.into_iter().next() else {
            return Ok(Order { sequence: sequence(&needs), deferred, needs, deletes });
        };
        match cycle::choose(loads, &component, &deferred) {
            Some(choice) => deferred.push(choice),
            None => return Err(vec![cycle::unbreakable(loads, &component, &needs)]),
        }
    }
}

/// For each load, the loads before it, with the deferred references left out; and the pairs that deleting adds.
fn needs(loads: &[GraphLoad], deferred: &[Deferred]) -> (Vec<BTreeSet<usize>>, BTreeSet<(usize, usize)>) {
    let is_deferred = |load, reference| deferred.iter().any(|d| d.load == load && d.reference == reference);
    let mut needs: Vec<BTreeSet<usize>> = loads.iter().map(|l| l.after.iter().copied().collect()).collect();
    for (child, load) in loads.iter().enumerate() {
        for (index, reference) in load.references.iter().enumerate() {
            if !is_deferred(child, index) {
                let fills =
                    |p: &usize| reference.parents.contains(&loads[*p].object) && loads[*p].deletes.is_none();
                let parents = (0..loads.len()).filter(fills);
                needs[child].extend(parents.filter(|p| loads[*p].object != load.object));
            }
        }
    }
    let deletes = delete::add(loads, &mut needs);
    add_same_object(loads, &mut needs);
    (needs, deletes)
}

/// Loads of one object run one after the other: in manifest order unless the edges say otherwise.
fn add_same_object(loads: &[GraphLoad], needs: &mut [BTreeSet<usize>]) {
    for later in 0..loads.len() {
        for earlier in 0..later {
            if loads[earlier].object == loads[later].object {
                if reaches(needs, earlier, later) {
                    needs[earlier].insert(later);
                } else {
                    needs[later].insert(earlier);
                }
            }
        }
    }
}

/// Parents first; among loads that are free to go, the first of the manifest.
fn sequence(needs: &[BTreeSet<usize>]) -> Vec<usize> {
    let mut graph = to_graph(needs);
    let mut sequence = Vec::new();
    while graph.node_count() > 0 {
        let free = graph
            .node_indices()
            .filter(|n| graph.neighbors_directed(*n, Direction::Outgoing).next().is_none())
            .min_by_key(|n| graph[*n]);
        let Some(node) = free else { break };
        sequence.push(graph[node]);
        graph.remove_node(node);
    }
    sequence
}

#[cfg(test)]
mod tests {
    use super::super::graph_load::GraphReference;
    use super::*;
    use crate::diagnostic::Place;

    fn load(name: &str, object: usize, references: &[(&str, usize, bool, u64)]) -> GraphLoad {
        let place = Place::new("m.yaml", 1, 1, 1);
        let references = references
            .iter()
            .map(|(field, parent, deferrable, rows)| GraphReference {
                field: (*field).into(),
                parents: vec![*parent],
                deferrable: *deferrable,
                rows: *rows,
                place: place.clone(),
            })
            .collect();
        GraphLoad { name: name.into(), object, after: Vec::new(), references, deletes: None, place }
    }

    #[test]
    fn parents_go_first_whatever_the_manifest_says() {
        let loads = [
            load("lines", 2, &[("Order__c", 1, false, 9)]),
            load("orders", 1, &[("AccountId", 0, true, 9)]),
            load("accounts", 0, &[("ParentId", 0, true, 9)]),
        ];
        let order = order(&loads).unwrap();
        assert_eq!(order.sequence, [2, 1, 0]);
        assert!(order.deferred.is_empty(), "a self-reference is no cycle between loads");
    }

    #[test]
    fn a_cycle_defers_the_reference_with_fewest_rows() {
        let loads = [
            load("accounts", 0, &[("Primary_Contact__c", 1, true, 3)]),
            load("contacts", 1, &[("AccountId", 0, true, 90)]),
        ];
        let order = order(&loads).unwrap();
        assert_eq!(order.sequence, [0, 1]);
        assert_eq!((order.deferred[0].load, order.deferred[0].reference), (0, 0));
    }

    #[test]
    fn a_cycle_without_a_way_out_is_named_whole() {
        let loads = [
            load("a", 0, &[("B__c", 1, false, 1)]),
            load("b", 1, &[("C__c", 2, false, 1)]),
            load("c", 2, &[("A__c", 0, false, 1)]),
        ];
        let problem = &order(&loads).unwrap_err()[0];
        assert!(problem.message.contains("a → b → c → a"), "{}", problem.message);
        assert_eq!(problem.labels.len(), 3);
    }

    #[test]
    fn loads_of_one_object_follow_each_other() {
        let loads = [load("one", 0, &[]), load("two", 0, &[]), load("child", 1, &[("P__c", 0, true, 1)])];
        let order = order(&loads).unwrap();
        assert_eq!(order.sequence, [0, 1, 2]);
        assert!(order.needs[1].contains(&0) && order.needs[2].contains(&1));
        let mut turned = loads.to_vec();
        turned[0].after = vec![1];
        assert_eq!(super::order(&turned).unwrap().sequence, [1, 0, 2]);
    }
}
