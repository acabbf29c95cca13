//! The JSON of `apply`, `status`, `report`, `plan` and `check`. Fields are only ever added.

use crate::checkpoint::{LoadState, PartState, RunState};
use crate::diagnostic::{Diagnostic, to_json};
use crate::model::{Leniency, Outcome};
use crate::plan::{Api, Plan, StepKind};
use serde_json::{Map, Value, json};

/// `cutover.report/1`.
pub fn report_json(state: &RunState, exit: u8) -> Value {
    json!({
        "schema": "cutover.report/1",
        "run": state.run,
        "rolls_back": state.rolls_back,
        "project": state.names.project,
        "environment": state.environment,
        "org_id": state.org_id,
        "org_name": state.names.org,
        "user": state.names.user,
        "loads": state.loads.iter().map(|load| load_json(state, load)).collect::<Vec<_>>(),
        "jobs": jobs_json(state),
        "renewed": state.renewed,
        "set_aside": state.set_aside,
        "exit": exit,
    })
}

/// `cutover.rollback/1`: what can and cannot be undone, and the report of the run that did it, where there was anything to
/// delete.
pub fn rollback_json(plan: &Plan, state: Option<&RunState>, exit: u8) -> Value {
    json!({
        "schema": "cutover.rollback/1",
        "environment": plan.environment,
        "org_id": plan.org_id,
        "rolls_back": plan.rolls_back,
        "notes": plan.notes,
        "report": state.map(|state| report_json(state, exit)),
        "exit": exit,
    })
}

/// `cutover.plan/1`: the plan as it is.
pub fn plan_json(plan: &Plan) -> Value {
    serde_json::to_value(plan).unwrap_or(Value::Null)
}

/// `cutover.check/1`.
pub fn check_json(diagnostics: &[Diagnostic], exit: u8) -> Value {
    json!({
        "schema": "cutover.check/1",
        "diagnostics": diagnostics.iter().map(to_json).collect::<Vec<_>>(),
        "exit": exit,
    })
}

fn load_json(state: &RunState, load: &LoadState) -> Value {
    let tally = load.tally();
    let mut fields = Map::new();
    fields.insert("name".into(), json!(load.name.name));
    fields.insert("object".into(), json!(load.name.object));
    fields.insert("source".into(), json!(tally.source()));
    for outcome in Outcome::ALL {
        fields.insert(outcome.word().into(), json!(tally.get(outcome)));
    }
    fields.insert("absent".into(), json!(load.absent));
    fields.insert("rounded".into(), json!(load.values(Leniency::Rounded)));
    fields.insert("truncated".into(), json!(load.values(Leniency::Truncated)));
    fields.insert("quotes".into(), json!(load.quotes));
    fields.insert("blanked".into(), json!(load.values(Leniency::MissingBlank)));
    fields.insert("fallbacks".into(), json!(load.values(Leniency::Fallback)));
    fields.insert("lenient".into(), json!(load.lenient));
    fields.insert("references".into(), json!(load.references));
    fields.insert("balances".into(), json!(state.balances(load)));
    Value::Object(fields)
}

fn jobs_json(state: &RunState) -> Vec<Value> {
    let called = |state| matches!(state, PartState::Calling | PartState::Settled);
    let jobs = state.parts.iter().filter(|(_, part)| part.job.is_some() || called(part.state));
    jobs.map(|(key, part)| {
        json!({
            "id": part.job,
            "load": state.loads.get(part.load as usize).map(|l| &l.name.name),
            "step": key.step,
            "part": key.number,
            "kind": match part.kind { StepKind::Rows => "rows", StepKind::References => "references" },
            "operation": part.operation,
            "api": match part.api { Api::Bulk => "bulk", Api::Collections => "collections" },
            "state": part.job_state.clone().unwrap_or_else(|| format!("{:?}", part.state)),
            "sent": part.rows,
            "failed": part.failed,
        })
    })
    .collect()
}
