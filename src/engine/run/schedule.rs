//! What to do next: a pure function of the plan and of how far its steps are.

use crate::checkpoint::PartKey;
use crate::plan::{Plan, PlanStep};
use std::collections::BTreeMap;

/// Rows of a step's first part: a mistake in the mapping shows in it and costs little (spec, Order).
pub(super) const CANARY_ROWS: u32 = 2_000;

/// How far a part is, as scheduling sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartProgress {
    /// On the disk.
    Ready,
    /// With the org.
    Running,
    /// Settled.
    Over,
}

/// A staged part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheduled {
    /// The part.
    pub key: PartKey,
    /// Whether it must wait for the part before it.
    pub after_previous: bool,
    /// How far it is.
    pub progress: PartProgress,
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum StepProgress {
    /// Not begun.
    #[default]
    Waiting,
    /// Its parts are staged.
    Staged(Vec<Scheduled>),
    /// All its parts are settled.
    Done,
}

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Stage a step.
    Stage(u16),
    /// Give a part to the org.
    Send(PartKey),
    /// Everything is done.
    Finish,
}

/// What to do next: stage steps whose turn has come, and send parts as far as jobs may run side by side. Nothing
/// means: wait for a part. No step of a later wave than `last_wave` begins.
pub fn next(
    plan: &Plan,
    steps: &BTreeMap<u16, StepProgress>,
    parallel: usize,
    last_wave: u16,
) -> Vec<Effect> {
    let progress = |step: u16| steps.get(&step).unwrap_or(&StepProgress::Waiting);
    if plan.steps.iter().all(|s| *progress(s.index) == StepProgress::Done) {
        return vec![Effect::Finish];
    }
    let stage = plan.steps.iter().find(|s| {
        *progress(s.index) == StepProgress::Waiting
            && s.wave <= last_wave
            && s.needs.iter().all(|n| *progress(*n) == StepProgress::Done)
            && !plan
                .steps
                .iter()
                .any(|other| matches!(progress(other.index), StepProgress::Staged(_)) && clash(s, other))
    });
    if let Some(step) = stage {
        return vec![Effect::Stage(step.index)];
    }
    let running = steps.values().map(running).sum::<usize>();
    let ready = plan.steps.iter().flat_map(|s| ready(progress(s.index)));
    ready.take(parallel.saturating_sub(running)).map(Effect::Send).collect()
}

/// Whether two steps lock the same parents and may not run side by side.
fn clash(one: &PlanStep, other: &PlanStep) -> bool {
    match (&one.lock, &other.lock) {
        (Some(a), Some(b)) => a.object == b.object && !a.overlap && !b.overlap,
        _ => false,
    }
}

fn running(step: &StepProgress) -> usize {
    match step {
        StepProgress::Staged(parts) => parts.iter().filter(|p| p.progress == PartProgress::Running).count(),
        _ => 0,
    }
}

/// Parts of a step that may go now: the first one alone, as the canary; then all, but one that shares a parent with
/// the one before only after it.
fn ready(step: &StepProgress) -> Vec<PartKey> {
    let StepProgress::Staged(parts) = step else { return Vec::new() };
    let mut ready = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let before = index.checked_sub(1).map(|i| parts[i].progress);
        let waits = part.after_previous && before.is_some_and(|b| b != PartProgress::Over);
        if part.progress == PartProgress::Ready && !waits {
            ready.push(part.key);
        }
        if index == 0 && part.progress != PartProgress::Over {
            return ready;
        }
    }
    ready
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Lock, StepKind};

    /// No pause lies ahead.
    const LAST: u16 = u16::MAX;

    fn step(index: u16, needs: &[u16], lock: Option<&str>) -> PlanStep {
        let lock =
            lock.map(|o| Lock { field: "F".into(), object: o.into(), reason: String::new(), overlap: false });
        PlanStep {
            index,
            wave: 1,
            load: index,
            name: index.to_string(),
            kind: StepKind::Rows,
            level: 0,
            rows: 1,
            operation: "upsert".into(),
            api: Default::default(),
            parts: 1,
            part_rows: 10,
            lock,
            needs: needs.to_vec(),
        }
    }

    fn plan(steps: Vec<PlanStep>) -> Plan {
        Plan {
            schema: String::new(),
            project: String::new(),
            environment: String::new(),
            org_id: String::new(),
            org_name: String::new(),
            user: None,
            sandbox: true,
            inputs: String::new(),
            changes: true,
            sources: vec![],
            loads: vec![],
            steps,
            edges: vec![],
            notes: vec![],
            rolls_back: None,
        }
    }

    fn parts(step: u16, progress: &[(PartProgress, bool)]) -> StepProgress {
        let scheduled = progress.iter().enumerate().map(|(number, (progress, after_previous))| Scheduled {
            key: PartKey { step, number: number as u32 },
            after_previous: *after_previous,
            progress: *progress,
        });
        StepProgress::Staged(scheduled.collect())
    }

    fn send(step: u16, number: u32) -> Effect {
        Effect::Send(PartKey { step, number })
    }

    #[test]
    fn the_canary_goes_alone_then_as_many_as_allowed() {
        use PartProgress::{Over, Ready, Running};
        let plan = plan(vec![step(0, &[], None)]);
        let with = |parts| BTreeMap::from([(0, parts)]);
        assert_eq!(next(&plan, &BTreeMap::new(), 2, LAST), [Effect::Stage(0)]);
        let three = [(Ready, false), (Ready, false), (Ready, false)];
        assert_eq!(next(&plan, &with(parts(0, &three)), 2, LAST), [send(0, 0)]);
        let canary = [(Running, false), (Ready, false), (Ready, false)];
        assert_eq!(next(&plan, &with(parts(0, &canary)), 2, LAST), []);
        let after = [(Over, false), (Ready, false), (Ready, false)];
        assert_eq!(next(&plan, &with(parts(0, &after)), 2, LAST), [send(0, 1), send(0, 2)]);
        assert_eq!(next(&plan, &with(parts(0, &after)), 1, LAST), [send(0, 1)]);
        let chained = [(Over, false), (Running, false), (Ready, true)];
        assert_eq!(next(&plan, &with(parts(0, &chained)), 9, LAST), []);
        assert_eq!(next(&plan, &with(StepProgress::Done), 2, LAST), [Effect::Finish]);
    }

    #[test]
    fn steps_wait_for_what_they_need_and_for_their_locks() {
        let staged = parts(0, &[(PartProgress::Running, false)]);
        let needs = plan(vec![step(0, &[], None), step(1, &[0], None)]);
        assert_eq!(next(&needs, &BTreeMap::from([(0, staged.clone())]), 4, LAST), []);
        assert_eq!(next(&needs, &BTreeMap::from([(0, StepProgress::Done)]), 4, LAST), [Effect::Stage(1)]);
        let same_lock = plan(vec![step(0, &[], Some("Account")), step(1, &[], Some("Account"))]);
        assert_eq!(next(&same_lock, &BTreeMap::from([(0, staged.clone())]), 4, LAST), []);
        let other_lock = plan(vec![step(0, &[], Some("Account")), step(1, &[], Some("Contact"))]);
        assert_eq!(next(&other_lock, &BTreeMap::from([(0, staged)]), 4, LAST), [Effect::Stage(1)]);
    }
    #[test]
    fn no_step_of_a_later_wave_begins_before_a_pause() {
        let mut later = step(1, &[], None);
        later.wave = 2;
        let plan = plan(vec![step(0, &[], None), later]);
        let done = BTreeMap::from([(0, StepProgress::Done)]);
        assert_eq!(next(&plan, &BTreeMap::new(), 2, 0), []);
        assert_eq!(next(&plan, &BTreeMap::new(), 2, 1), [Effect::Stage(0)]);
        assert_eq!(next(&plan, &done, 2, 1), []);
        assert_eq!(next(&plan, &done, 2, 2), [Effect::Stage(1)]);
    }
}
