//! The graph of a plan as text and as a Mermaid diagram. Same plan, same bytes.

use super::types::Plan;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Waves and what each load waits for, as text.
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    let levels = depths(plan);
    for depth in levels.values().copied().collect::<std::collections::BTreeSet<_>>() {
        let _ = writeln!(out, "{}", depth + 1);
        for load in plan.loads.iter().filter(|l| levels.get(l.name.as_str()) == Some(&depth)) {
            let _ = writeln!(out, "  {} ({}){}", load.name, load.object, waits(plan, &load.name));
        }
    }
    out
}

/// A Mermaid flow chart: parents point to children; dotted edges are filled in a second pass.
pub fn mermaid(plan: &Plan) -> String {
    let mut out = String::from("flowchart LR\n");
    let id = |name: &str| plan.loads.iter().position(|l| l.name == name).unwrap_or(0);
    for (index, load) in plan.loads.iter().enumerate() {
        let object = if load.object == load.name { String::new() } else { format!("<br/>{}", load.object) };
        let _ = writeln!(out, "  l{index}[\"{}{object}\"]", load.name);
    }
    for edge in &plan.edges {
        let arrow = if edge.deferred { "-.->" } else { "-->" };
        let _ = writeln!(out, "  l{} {arrow}|{}| l{}", id(&edge.parent), edge.by, id(&edge.child));
    }
    out
}

fn waits(plan: &Plan, child: &str) -> String {
    let mut words = Vec::new();
    for edge in plan.edges.iter().filter(|e| e.child == child) {
        let how = match () {
            () if edge.deferred => ", second pass",
            () if edge.parent == edge.child => ", level by level",
            () => "",
        };
        words.push(format!("{} by {}{how}", edge.parent, edge.by));
    }
    if words.is_empty() { String::new() } else { format!(" ← {}", words.join("; ")) }
}

/// How many loads stand before each, along the longest way.
fn depths(plan: &Plan) -> BTreeMap<&str, usize> {
    let mut depths: BTreeMap<&str, usize> = plan.loads.iter().map(|l| (l.name.as_str(), 0)).collect();
    for _ in 0..plan.loads.len() {
        for edge in plan.edges.iter().filter(|e| !e.deferred && e.parent != e.child) {
            if same_object_before(plan, edge) {
                continue;
            }
            let parent = depths.get(edge.parent.as_str()).copied().unwrap_or(0);
            if let Some(child) = depths.get_mut(edge.child.as_str()) {
                *child = (*child).max(parent + 1);
            }
        }
    }
    depths
}

/// A self-reference between two loads of one object says nothing about their order.
fn same_object_before(plan: &Plan, edge: &super::types::Edge) -> bool {
    let object = |name: &str| plan.loads.iter().find(|l| l.name == name).map(|l| l.object.as_str());
    edge.by != "after" && object(&edge.parent) == object(&edge.child)
}
