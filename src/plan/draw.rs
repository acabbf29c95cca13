//! The graph of a plan as text and as a Mermaid diagram. Same plan, same bytes.

use super::types::{Edge, Plan, PlanLoad};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Waves and what each load waits for, as text.
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    let levels = depths(plan);
    for depth in levels.values().copied().collect::<std::collections::BTreeSet<_>>() {
        let _ = writeln!(out, "{}", depth + 1);
        for load in plan.loads.iter().filter(|l| levels.get(l.name.as_str()) == Some(&depth)) {
            let _ = writeln!(out, "  {} ({}){}", load.name, load.object, waits(plan, load));
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

fn waits(plan: &Plan, load: &PlanLoad) -> String {
    let mut words = Vec::new();
    let edges: Vec<&Edge> = plan.edges.iter().filter(|e| e.child == load.name).collect();
    for edge in &edges {
        let how = match () {
            () if edge.deferred => ", second pass",
            () if edge.parent == edge.child => ", level by level",
            () => "",
        };
        words.push(format!("{} by {}{how}", edge.parent, edge.by));
    }
    let unsaid = load.needs.iter().filter(|need| edges.iter().all(|e| e.parent != **need));
    words.extend(unsaid.map(|need| format!("{need}, same object")));
    if words.is_empty() { String::new() } else { format!(" ← {}", words.join("; ")) }
}

/// How many loads stand before each, along the longest way.
fn depths(plan: &Plan) -> BTreeMap<&str, usize> {
    let mut depths: BTreeMap<&str, usize> = plan.loads.iter().map(|l| (l.name.as_str(), 0)).collect();
    // As often as the longest way can be long: then every way has been gone.
    for _ in 0..plan.loads.len() {
        for load in &plan.loads {
            let before = load.needs.iter().filter_map(|need| depths.get(need.as_str())).max();
            let depth = before.map_or(0, |deepest| deepest + 1);
            depths.insert(&load.name, depth);
        }
    }
    depths
}
