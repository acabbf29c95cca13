//! Where a run pauses because the manifest says so (`pause_after`): behind the wave in which the last rows of a load
//! go. Pure.

use crate::plan::{Plan, StepKind};

/// A pause that lies ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseAt {
    /// The last wave before it; 0 when it is due before anything begins.
    pub wave: u16,
    /// The loads after which it is wanted, by their places in the manifest.
    pub loads: Vec<u16>,
}

/// What is known of a load that wants a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// The load's place in the manifest.
    pub load: u16,
    /// Whether this run has sent rows of it.
    pub sent: bool,
}

/// The next pause of a plan; `wishes`: loads that want one and have not had it in this run. A load whose rows this run
/// has sent and that has none left was cut off before its pause could be written down: it is due at once. Without steps
/// behind it there is nothing to pause before.
pub fn next_pause(plan: &Plan, wishes: &[Wish]) -> Option<PauseAt> {
    let last_wave = |wish: &Wish| {
        let rows = plan.steps.iter().filter(|s| s.load == wish.load && s.kind == StepKind::Rows);
        rows.map(|s| s.wave).max().or(wish.sent.then_some(0))
    };
    let due: Vec<(u16, u16)> = wishes.iter().filter_map(|w| Some((last_wave(w)?, w.load))).collect();
    let wave = due.iter().map(|(wave, _)| *wave).min()?;
    let loads = due.iter().filter(|(at, _)| *at == wave).map(|(_, load)| *load).collect();
    plan.steps.iter().any(|s| s.wave > wave).then_some(PauseAt { wave, loads })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PLAN_SCHEMA;
    use serde_json::json;

    /// Steps of load and wave; a load of 10 and more is a second pass of that load less 10.
    fn plan(steps: &[(u16, u16)]) -> Plan {
        let step = |(load, wave): &(u16, u16)| {
            json!({ "index": 0, "wave": wave, "load": load % 10, "name": "a", "level": 0, "rows": 1,
                "kind": if *load < 10 { "rows" } else { "references" }, "operation": "upsert", "parts": 1,
                "part_rows": 50_000, "lock": null, "needs": [] })
        };
        let steps: Vec<_> = steps.iter().map(step).collect();
        let plan = json!({ "schema": PLAN_SCHEMA, "project": "p", "environment": "e", "org_id": "00D", "sandbox": true,
            "inputs": "", "changes": true, "sources": [], "loads": [], "steps": steps, "edges": [], "notes": [] });
        serde_json::from_value(plan).unwrap()
    }

    fn wish(load: u16, sent: bool) -> Wish {
        Wish { load, sent }
    }

    #[test]
    fn a_pause_stands_behind_the_last_wave_of_its_rows() {
        let levels = plan(&[(0, 1), (1, 1), (0, 2), (2, 3), (10, 4)]);
        let at = |wave, loads: &[u16]| Some(PauseAt { wave, loads: loads.to_vec() });
        assert_eq!(next_pause(&levels, &[wish(0, false)]), at(2, &[0]), "its second pass comes later");
        assert_eq!(next_pause(&levels, &[wish(0, false), wish(1, false)]), at(1, &[1]));
        assert_eq!(next_pause(&levels, &[]), None);
        let two = plan(&[(0, 1), (1, 1), (2, 2)]);
        assert_eq!(next_pause(&two, &[wish(0, false), wish(1, true)]), at(1, &[0, 1]));
        assert_eq!(next_pause(&two, &[wish(2, false)]), None, "nothing comes behind it");
    }

    #[test]
    fn a_load_that_is_through_pauses_at_once_if_this_run_sent_it() {
        let rest = plan(&[(1, 1), (2, 2)]);
        assert_eq!(next_pause(&rest, &[wish(0, true)]), Some(PauseAt { wave: 0, loads: vec![0] }));
        assert_eq!(next_pause(&rest, &[wish(0, false)]), None, "nothing of it went");
        assert_eq!(next_pause(&plan(&[]), &[wish(0, true)]), None);
    }
}
