//! Cycles between loads: which loads they join, which reference breaks one, and how one that cannot be broken is told.

use super::graph_load::{Deferred, GraphLoad};
use crate::diagnostic::{Code, Diagnostic};
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::BTreeSet;

/// Groups of loads that need each other, each sorted, by their first load.
pub(super) fn components(needs: &[BTreeSet<usize>]) -> Vec<Vec<usize>> {
    let graph = to_graph(needs);
    let mut components: Vec<Vec<usize>> = tarjan_scc(&graph)
        .into_iter()
        .map(|nodes| {
            let mut loads: Vec<usize> = nodes.into_iter().map(|n| graph[n]).collect();
            loads.sort_unstable();
            loads
        })
        .filter(|loads| loads.len() > 1 || needs[loads[0]].contains(&loads[0]))
        .collect();
    components.sort();
    components
}

/// The reference of a component to defer next: of those that can be, the one with fewest rows, then the first of
/// the manifest.
pub(super) fn choose(loads: &[GraphLoad], component: &[usize], deferred: &[Deferred]) -> Option<Deferred> {
    let objects: BTreeSet<usize> = component.iter().map(|l| loads[*l].object).collect();
    let mut candidates = Vec::new();
    for load in component {
        for (index, reference) in loads[*load].references.iter().enumerate() {
            let inside = reference.parents.iter().any(|p| *p != loads[*load].object && objects.contains(p));
            let already = deferred.iter().any(|d| d.load == *load && d.reference == index);
            if inside && reference.deferrable && !already {
                candidates.push((reference.rows, *load, index));
            }
        }
    }
    let (rows, load, reference) = candidates.iter().min().copied()?;
    let reason = reason(loads, component, load, reference, rows, candidates.len());
    Some(Deferred { load, reference, reason })
}

fn reason(
    loads: &[GraphLoad],
    component: &[usize],
    load: usize,
    reference: usize,
    rows: u64,
    of: usize,
) -> String {
    let names: Vec<&str> = component.iter().map(|l| loads[*l].name.as_str()).collect();
    let field = &loads[load].references[reference].field;
    let why =
        if of == 1 { "the only one that may be blank at first" } else { "fewest rows have a value in it" };
    format!(
        "{} need each other; {}.{field} is filled in a second pass ({why}: {rows} rows)",
        names.join(", "),
        loads[load].name
    )
}

/// The diagnostic for a component without a reference to defer.
pub(super) fn unbreakable(loads: &[GraphLoad], component: &[usize], needs: &[BTreeSet<usize>]) -> Diagnostic {
    let path = one_cycle(component, needs);
    let names: Vec<&str> = path.iter().map(|l| loads[*l].name.as_str()).collect();
    let message = format!("these loads need each other: {} → {}", names.join(" → "), names[0]);
    let mut problem = Diagnostic::error(Code::Cycle, message);
    for (at, load) in path.iter().enumerate() {
        let next = path[(at + 1) % path.len()];
        let edge = loads[*load].references.iter().find(|r| r.parents.contains(&loads[next].object));
        problem = match edge {
            Some(reference) => {
                let text = format!("{} needs {} by {}", loads[*load].name, loads[next].name, reference.field);
                problem.label(&reference.place, text)
            }
            None => problem
                .label(&loads[*load].place, format!("{} goes after {}", loads[*load].name, loads[next].name)),
        };
    }
    problem.help("a reference can be filled in a second pass only where the field may be blank and be updated; take one `after` or reference out")
}

/// One way round a component, beginning with its first load.
fn one_cycle(component: &[usize], needs: &[BTreeSet<usize>]) -> Vec<usize> {
    let inside: BTreeSet<usize> = component.iter().copied().collect();
    let mut path = vec![component[0]];
    let mut here = component[0];
    loop {
        let next = needs[here].iter().copied().find(|n| inside.contains(n));
        let Some(next) = next else { return path };
        if let Some(start) = path.iter().position(|l| *l == next) {
            return path.split_off(start);
        }
        path.push(next);
        here = next;
    }
}

/// The graph: an edge from each load to every load it needs.
pub(super) fn to_graph(needs: &[BTreeSet<usize>]) -> DiGraph<usize, ()> {
    let mut graph = DiGraph::new();
    let nodes: Vec<NodeIndex> = (0..needs.len()).map(|l| graph.add_node(l)).collect();
    for (child, parents) in needs.iter().enumerate() {
        for parent in parents {
            graph.add_edge(nodes[child], nodes[*parent], ());
        }
    }
    graph
}
