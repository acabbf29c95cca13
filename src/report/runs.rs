//! The list of runs: a line for each, from its folded journal. Must not know where the journals lie.

use super::digits::number;
use crate::checkpoint::RunState;
use crate::engine::Standing;
use crate::model::Outcome;
use crate::ports::utc_text;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

/// The runs with how they stand, the oldest first. `folder`: where they lie, as the user would type it.
pub fn runs_text(all: &[(RunState, Standing)], folder: &str) -> String {
    if all.is_empty() {
        return format!("no runs in {folder}");
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let header =
        ["run", "environment", "org", "started", "last event", "state", "source", "sent", "left out"];
    table.set_header(header);
    for (state, standing) in all {
        let rows = Rows::of(state);
        table.add_row([
            state.run.to_string(),
            state.environment.clone(),
            state.org_id.clone(),
            utc_text(state.started),
            utc_text(state.last),
            what(state, *standing),
            number(rows.source),
            number(rows.sent),
            number(rows.left_out),
        ]);
    }
    for column in table.column_iter_mut().skip(6) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// `cutover.runs/1`.
pub fn runs_json(all: &[(RunState, Standing)]) -> Value {
    let one = |(state, standing): &(RunState, Standing)| {
        let rows = Rows::of(state);
        json!({
            "run": state.run,
            "rolls_back": state.rolls_back,
            "project": state.names.project,
            "environment": state.environment,
            "org_id": state.org_id,
            "org_name": state.names.org,
            "user": state.names.user,
            "started": utc_text(state.started),
            "last_event": utc_text(state.last),
            "run_state": standing.word(),
            "exit": state.ended.map(|(_, exit)| exit).or(state.paused),
            "source": rows.source,
            "sent": rows.sent,
            "left_out": rows.left_out,
        })
    };
    json!({ "schema": "cutover.runs/1", "runs": all.iter().map(one).collect::<Vec<_>>() })
}

/// How a run stands, and what it was for where it is a rollback.
fn what(state: &RunState, standing: Standing) -> String {
    let exit = state.ended.map(|(_, exit)| exit).or(state.paused).filter(|exit| *exit != 0);
    let exit = exit.map(|exit| format!(" (exit {exit})")).unwrap_or_default();
    let of = state.rolls_back.map(|run| format!(", rolls back run {run}")).unwrap_or_default();
    format!("{}{exit}{of}", standing.word())
}

/// Rows of all loads of a run.
struct Rows {
    source: u64,
    /// Created, updated or deleted.
    sent: u64,
    /// Rejected, held or failed.
    left_out: u64,
}

impl Rows {
    fn of(state: &RunState) -> Self {
        let sum = |of: &[Outcome]| {
            let load = |outcomes: &[u64; 10]| of.iter().map(|one| outcomes[*one as usize]).sum::<u64>();
            state.loads.iter().map(|one| load(&one.outcomes)).sum()
        };
        Self {
            source: state.loads.iter().map(|load| load.source).sum(),
            sent: sum(&[Outcome::Created, Outcome::Updated, Outcome::Deleted]),
            left_out: sum(&[Outcome::Rejected, Outcome::Held, Outcome::Failed]),
        }
    }
}
