//! From the order, what bind knows and the survey's totals to the plan.

use super::graph::Order;
use super::graph_load::GraphLoad;
use super::types::{Api, Edge, Lenient, Lock, PLAN_SCHEMA, Plan, PlanLoad, PlanStep, SourceMark, StepKind};
use crate::stage::LeftOut;
use std::collections::{BTreeMap, BTreeSet};

/// Rows in the first part of a step: small, so that a mistake costs little (spec, Order).
pub(super) const CANARY_ROWS: u32 = 2_000;

/// A step with fewer rows may go by REST calls (spec, Operations).
const CALLS_BELOW: u64 = 2_000;

/// What the survey found of one load.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "the counts are named after the outcomes of the vocabulary")]
pub struct LoadTotals {
    pub source: u64,
    pub filtered: u64,
    pub rejected: u64,
    pub duplicate: u64,
    pub held: u64,
    pub unchanged: u64,
    pub done: u64,
    pub absent: u64,
    /// Rows to create and to update, by level.
    pub levels: Vec<(u64, u64)>,
    /// Rows that have references to be filled in a second pass.
    pub deferred: u64,
    /// Why rows are left out.
    pub reasons: Vec<LeftOut>,
    /// What happens to values because the manifest allows it.
    pub lenient: Vec<Lenient>,
}

/// What is known of one load without its rows.
#[derive(Debug, Clone)]
pub struct LoadFacts {
    /// The object, in the org's letter case.
    pub object: String,
    /// The operation.
    pub operation: String,
    /// Whether its records are gone afterwards.
    pub deletes: bool,
    /// The key field.
    pub key: String,
    /// The parent that its rows lock.
    pub lock: Option<Lock>,
    /// Rows that one job may hold.
    pub part_rows: u32,
    /// Whether small steps may go by REST calls.
    pub by_calls: bool,
    /// Whether new and known rows go in different jobs.
    pub splits: bool,
}

/// Everything a plan is made from.
pub struct Inputs<'a> {
    /// The project.
    pub project: &'a str,
    /// The environment.
    pub environment: &'a str,
    /// The org's id.
    pub org_id: &'a str,
    /// The org's own name.
    pub org_name: &'a str,
    /// The user who was logged in, where the org told.
    pub user: Option<&'a str>,
    /// Whether the org says it is a sandbox.
    pub sandbox: bool,
    /// Digest of the inputs.
    pub digest: &'a str,
    /// The sources.
    pub sources: Vec<SourceMark>,
    /// The graph's loads, in manifest order.
    pub graph: &'a [GraphLoad],
    /// The order found.
    pub order: &'a Order,
    /// Facts, in manifest order.
    pub facts: &'a [LoadFacts],
    /// Totals, in manifest order.
    pub totals: &'a [LoadTotals],
    /// What the reviewer should know.
    pub notes: Vec<String>,
}

/// The plan.
pub fn build(inputs: Inputs<'_>) -> Plan {
    let steps = steps(&inputs);
    let mut notes: Vec<String> = inputs.order.deferred.iter().map(|d| d.reason.clone()).collect();
    if steps.iter().any(|s| s.kind == StepKind::References) {
        notes.push("the second pass updates records again: triggers and flows run twice for them".into());
    }
    notes.extend(inputs.notes.iter().cloned());
    Plan {
        schema: PLAN_SCHEMA.into(),
        project: inputs.project.into(),
        environment: inputs.environment.into(),
        org_id: inputs.org_id.into(),
        org_name: inputs.org_name.into(),
        user: inputs.user.map(str::to_owned),
        sandbox: inputs.sandbox,
        inputs: inputs.digest.into(),
        changes: !steps.is_empty(),
        loads: (0..inputs.graph.len()).map(|l| plan_load(&inputs, l)).collect(),
        edges: edges(&inputs),
        steps,
        notes,
        sources: inputs.sources,
        rolls_back: None,
    }
}

fn plan_load(inputs: &Inputs<'_>, load: usize) -> PlanLoad {
    let (facts, totals) = (&inputs.facts[load], &inputs.totals[load]);
    let known = totals.levels.iter().map(|l| l.1).sum();
    PlanLoad {
        name: inputs.graph[load].name.clone(),
        object: facts.object.clone(),
        operation: facts.operation.clone(),
        key: facts.key.clone(),
        needs: inputs.order.needs[load].iter().map(|l| inputs.graph[*l].name.clone()).collect(),
        source: totals.source,
        filtered: totals.filtered,
        rejected: totals.rejected,
        duplicate: totals.duplicate,
        held: totals.held,
        unchanged: totals.unchanged,
        create: totals.levels.iter().map(|l| l.0).sum(),
        update: if facts.deletes { 0 } else { known },
        delete: if facts.deletes { known } else { 0 },
        done: totals.done,
        absent: totals.absent,
        deferred: totals.deferred,
        reasons: totals.reasons.clone(),
        lenient: totals.lenient.clone(),
    }
}

fn edges(inputs: &Inputs<'_>) -> Vec<Edge> {
    let mut edges = BTreeSet::new();
    for (child, load) in inputs.graph.iter().enumerate() {
        for (index, reference) in load.references.iter().enumerate() {
            let deferred = inputs.order.deferred.iter().any(|d| (d.load, d.reference) == (child, index));
            let fills = |p: &&GraphLoad| reference.parents.contains(&p.object) && p.deletes.is_none();
            for parent in inputs.graph.iter().filter(fills) {
                let (parent, child) = (parent.name.clone(), load.name.clone());
                edges.insert(Edge { parent, child, by: reference.field.clone(), deferred });
            }
        }
        let named = load.after.iter().map(|first| (first, "after"));
        let deletes = inputs.order.deletes.iter().filter(|(_, later)| *later == child);
        for (first, by) in named.chain(deletes.map(|(first, _)| (first, "delete"))) {
            let (parent, child) = (inputs.graph[*first].name.clone(), load.name.clone());
            edges.insert(Edge { parent, child, by: by.into(), deferred: false });
        }
    }
    edges.into_iter().collect()
}

/// Steps by wave, then by the order of the loads.
fn steps(inputs: &Inputs<'_>) -> Vec<PlanStep> {
    let mut steps: Vec<PlanStep> = Vec::new();
    let mut last: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for load in &inputs.order.sequence {
        let mut needs = joined(&last, inputs.order.needs[*load].iter());
        for (level, (create, update)) in inputs.totals[*load].levels.iter().enumerate() {
            if create + update == 0 {
                continue;
            }
            let step = step(inputs, *load, StepKind::Rows, level, (*create, *update), &needs, &steps);
            needs = BTreeSet::from([steps.len()]);
            steps.push(step);
        }
        last.insert(*load, needs);
    }
    for load in inputs.order.sequence.iter().filter(|l| inputs.totals[**l].deferred > 0) {
        let parents = deferred_parents(inputs, *load);
        let needs = joined(&last, parents.iter().chain([load]));
        let rows = (0, inputs.totals[*load].deferred);
        let step = step(inputs, *load, StepKind::References, 0, rows, &needs, &steps);
        steps.push(step);
    }
    by_wave(steps)
}

fn joined<'a>(
    last: &BTreeMap<usize, BTreeSet<usize>>,
    loads: impl Iterator<Item = &'a usize>,
) -> BTreeSet<usize> {
    loads.filter_map(|l| last.get(l)).flatten().copied().collect()
}

/// Loads whose records the second pass of a load points at: those of its own object too, for a hierarchy may be
/// spread over several loads.
fn deferred_parents(inputs: &Inputs<'_>, load: usize) -> Vec<usize> {
    let deferred = inputs.order.deferred.iter().filter(|d| d.load == load);
    let parents = deferred.flat_map(|d| inputs.graph[load].references[d.reference].parents.iter().copied());
    let objects: BTreeSet<usize> = parents.chain([inputs.graph[load].object]).collect();
    (0..inputs.graph.len()).filter(|l| objects.contains(&inputs.graph[*l].object)).collect()
}

fn step(
    inputs: &Inputs<'_>,
    load: usize,
    kind: StepKind,
    level: usize,
    rows: (u64, u64),
    needs: &BTreeSet<usize>,
    before: &[PlanStep],
) -> PlanStep {
    let facts = &inputs.facts[load];
    let wave = needs.iter().map(|n| before[*n].wave).max().unwrap_or(0) + 1;
    PlanStep {
        index: before.len() as u16,
        wave,
        load: load as u16,
        name: inputs.graph[load].name.clone(),
        kind,
        level: level as u16,
        rows: rows.0 + rows.1,
        operation: if kind == StepKind::References { "update".into() } else { facts.operation.clone() },
        api: if facts.by_calls && rows.0 + rows.1 < CALLS_BELOW { Api::Collections } else { Api::Bulk },
        parts: expected_parts(rows, facts),
        part_rows: facts.part_rows,
        lock: if kind == StepKind::Rows { facts.lock.clone() } else { None },
        needs: needs.iter().map(|n| *n as u16).collect(),
    }
}

fn expected_parts(rows: (u64, u64), facts: &LoadFacts) -> u64 {
    let jobs = |rows: u64| rows.div_ceil(u64::from(facts.part_rows));
    let canary = u64::from(CANARY_ROWS);
    let total = rows.0 + rows.1;
    if facts.splits && rows.0 > 0 && rows.1 > 0 {
        return 1 + jobs(rows.0.saturating_sub(canary)) + jobs(rows.1);
    }
    1 + jobs(total.saturating_sub(canary))
}

/// Sorts steps by wave and gives them their final numbers.
fn by_wave(steps: Vec<PlanStep>) -> Vec<PlanStep> {
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by_key(|s| (steps[*s].wave, *s));
    let renamed: BTreeMap<u16, u16> =
        order.iter().enumerate().map(|(new, old)| (*old as u16, new as u16)).collect();
    let number = |old: u16| renamed.get(&old).copied().unwrap_or(old);
    let mut sorted: Vec<PlanStep> = order.iter().map(|s| steps[*s].clone()).collect();
    for step in &mut sorted {
        step.index = number(step.index);
        step.needs = step.needs.iter().map(|n| number(*n)).collect();
        step.needs.sort_unstable();
    }
    sorted
}
