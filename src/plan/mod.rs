//! Thinking before acting: the order of the loads, cycles, waves, contention, and the plan as data.
//!
//! Pure: no I/O, no clock, no HTTP; the same inputs give the same plan, byte for byte. petgraph is named only in
//! `graph.rs` and `cycle.rs`.

mod build;
mod cycle;
mod delete;
mod draw;
mod graph;
mod graph_load;
mod types;

pub use build::{Inputs, LoadFacts, LoadTotals, build};
pub use draw::{mermaid, text};
pub use graph::{Order, order};
pub use graph_load::{Deferred, GraphLoad, GraphReference};
pub use types::{
    Api, Batch, Edge, Lenient, Lock, Losing, PLAN_SCHEMA, Plan, PlanLoad, PlanStep, RollsBack, SourceMark,
    StepKind, Undo,
};
