//! What stands before each part: the day's limits, the time at which a run ends its work, and the pauses that the
//! manifest wants. A run that is held here stops at a checkpoint: jobs that are open settle first.

use super::pauses::{PauseAt, Wish, next_pause};
use super::schedule::{CANARY_ROWS, Effect, PartProgress, StepProgress};
use crate::checkpoint::{Event, PartKey, journal_path, read_journal};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::context::{
    DAY, EngineError, Exit, Left, Leftover, Need, Progress, Short, free_again, short_of,
};
use crate::engine::part::Desk;
use crate::engine::state::why;
use crate::manifest::Migration;
use crate::model::Outcome;
use crate::plan::{Plan, PlanStep, StepKind};
use crate::ports::utc_text;
use crate::salesforce::{Limit, OrgError};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Loads that are named when a run stops; the others are counted.
const MOST_NAMED: usize = 5;

/// Why a run stops at a checkpoint.
pub(in crate::engine) struct Hold {
    /// What the user is told.
    pub(in crate::engine) error: EngineError,
    /// The word for the journal.
    pub(super) why: Option<String>,
    /// Loads whose pause this is.
    pub(super) after: Vec<u16>,
    /// When it makes sense to come back, in milliseconds since 1970, where that is known.
    pub(super) back: Option<i64>,
}

impl Hold {
    fn new(why: &str, message: String, help: String) -> Self {
        let problem = Diagnostic::warning(Code::Checkpoint, message).help(help);
        let error = EngineError::problem(Exit::Interrupted, problem);
        Self { error, why: Some(why.to_owned()), after: Vec::new(), back: None }
    }

    fn until(self, back: i64) -> Self {
        Self { back: Some(back), ..self }
    }

    /// Writes down that the run stops here; gives what the user is told.
    pub(super) fn rest(self, desk: &Desk<'_, '_>) -> EngineError {
        let Self { error, why, after, back } = self;
        // The journal may be what failed: then there is nothing more to write. Where this cannot be written either,
        // what was wrong first is still what is told.
        let broken = matches!(error, EngineError::Journal(_));
        let exit = error.exit().code();
        if !broken && desk.note(Event::RunPaused { exit, why, after, back }).is_ok() {
            desk.save();
        }
        error
    }

    /// An error that stopped a run. One that says that an allowance is spent is told with the time to come back.
    pub(super) fn of(error: EngineError, desk: &Desk<'_, '_>) -> Self {
        let why = why(&error, desk.stop.asked());
        match error {
            EngineError::Org(error) if error.is_maintenance() => {
                Self { why, ..maintained(error.to_string()) }
            }
            EngineError::Org(error) if error.is_limit() => {
                let back = desk.ports.clock.now() + DAY;
                let problem = Diagnostic::error(Code::OrgRefused, error.to_string()).help(come_back(back));
                let error = EngineError::problem(Exit::Interrupted, problem);
                Self { error, why, after: Vec::new(), back: Some(back) }
            }
            error => Self { error, why, after: Vec::new(), back: None },
        }
    }
}

/// Whether jobs that are open may settle after this error: it keeps from beginning, not from collecting.
pub(super) fn settles_first(error: &EngineError) -> bool {
    match error {
        EngineError::Org(error) => {
            error.is_maintenance() || (error.is_limit() && error.code() != Some("REQUEST_LIMIT_EXCEEDED"))
        }
        error => error.exit() == Exit::Stale,
    }
}

/// The gate of one run.
pub(super) struct Gate {
    /// The wave for which the org was asked what it still allows.
    wave: Option<u16>,
    batches: Option<Limit>,
    /// Batches begun since then.
    begun: u64,
    /// Calls made before anything was sent.
    before: u64,
    pause: Option<PauseAt>,
}

impl Gate {
    pub(super) fn new(desk: &Desk<'_, '_>, plan: &Plan, migration: &Migration) -> Self {
        let wishes = wishes(desk, migration);
        let pause = next_pause(plan, &wishes);
        Self { wave: None, batches: None, begun: 0, before: desk.client.calls(), pause }
    }

    /// The last wave whose steps may begin.
    pub(super) fn last_wave(&self) -> u16 {
        self.pause.as_ref().map_or(u16::MAX, |pause| pause.wave)
    }

    /// Why this may not be done now, if it may not.
    pub(super) async fn holds(
        &mut self,
        desk: &Desk<'_, '_>,
        plan: &Plan,
        steps: &BTreeMap<u16, StepProgress>,
        effect: Effect,
    ) -> Option<Hold> {
        let (step, need) = match effect {
            Effect::Finish => return None,
            Effect::Stage(index) => {
                let step = plan.steps.get(index as usize)?;
                (step, Need::of_part(step.api, step.rows.min(u64::from(CANARY_ROWS.min(step.part_rows)))))
            }
            Effect::Send(key) => (plan.steps.get(key.step as usize)?, need_of(desk, key)),
        };
        if let Some(hold) = too_late(desk, effect) {
            return Some(hold);
        }
        let rest = rest_of_wave(desk, plan, steps, step.wave);
        if self.wave != Some(step.wave) && matches!(effect, Effect::Stage(_)) {
            match self.ask(desk, step.wave).await {
                Ok(None) => {}
                Ok(hold) => return hold,
                Err(error) => return Some(Hold::of(error.into(), desk)),
            }
            self.tell(desk, step.wave, rest);
        }
        let open = open(desk, steps);
        if let Some(short) = short_of(need, open, &self.left(desk)) {
            return Some(self.not_enough(desk, step.wave, rest, open, &short));
        }
        if matches!(effect, Effect::Send(_)) {
            self.begun += need.batches;
        }
        None
    }

    /// The pause that is due once nothing goes on before it.
    pub(super) fn pauses(
        &self,
        desk: &Desk<'_, '_>,
        plan: &Plan,
        steps: &BTreeMap<u16, StepProgress>,
    ) -> Option<Hold> {
        let pause = self.pause.as_ref()?;
        let mut before = plan.steps.iter().filter(|s| s.wave <= pause.wave);
        if !before.all(|s| steps.get(&s.index) == Some(&StepProgress::Done)) {
            return None;
        }
        let names: Vec<String> = pause.loads.iter().map(|load| desk.load_name(*load)).collect();
        let message =
            format!("the run pauses after {}, as the manifest says (`pause_after`)", names.join(", "));
        let help = format!("look at what has landed; then `cutover apply` goes on with {}", left_over(desk));
        Some(Hold { after: pause.loads.clone(), ..Hold::new("pause_after", message, help) })
    }

    /// Asks the org whether it takes writes, and what it still allows. Not every user may ask: then only what its other
    /// answers say is known.
    async fn ask(&mut self, desk: &Desk<'_, '_>, wave: u16) -> Result<Option<Hold>, OrgError> {
        self.wave = Some(wave);
        match desk.client.is_read_only().await {
            Ok(Some(true)) => {
                let message =
                    format!("the org is read-only, as during maintenance: wave {wave} does not begin");
                return Ok(Some(maintained(message)));
            }
            Err(error) if error.is_limit() => return Err(error),
            _ => {}
        }
        match desk.client.limits().await {
            Ok(limits) => {
                self.batches = limits.batches();
                self.begun = 0;
                Ok(None)
            }
            Err(error) if error.is_limit() => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn left(&self, desk: &Desk<'_, '_>) -> Leftover {
        let calls = desk.client.usage().map(|usage| Left {
            remaining: usage.remaining(),
            max: usage.max,
            before: self.before,
        });
        let batches = self.batches.map(|limit| Left {
            remaining: limit.remaining.saturating_sub(self.begun),
            max: limit.max,
            before: 0,
        });
        Leftover { calls, batches }
    }

    /// Says so when the wave that begins will not fit as a whole.
    fn tell(&self, desk: &Desk<'_, '_>, wave: u16, rest: Need) {
        let left = self.left(desk);
        let short = |what: &str, need: u64, left: Option<Left>| {
            let left = left.filter(|left| need > left.remaining.saturating_sub(left.kept()))?;
            Some(format!("about {need} {what} ({} of {} are left today)", left.remaining, left.max))
        };
        let all = [short("API calls", rest.calls, left.calls), short("batches", rest.batches, left.batches)];
        let all: Vec<String> = all.into_iter().flatten().collect();
        if !all.is_empty() {
            let note = format!(
                "wave {wave} has {} rows and needs {}: what fits goes now, then the run stops where it can go on",
                rest.rows,
                all.join(" and ")
            );
            desk.observer.progress(&Progress::Note(note));
        }
    }

    /// The checkpoint before a part that does not fit.
    fn not_enough(&self, desk: &Desk<'_, '_>, wave: u16, rest: Need, open: Need, short: &Short) -> Hold {
        let (what, left) = (short.what, short.left);
        let calls = what == "API calls";
        let (needed, open) = if calls { (rest.calls, open.calls) } else { (rest.batches, 0) };
        let missing = left.missing(needed, open, 1).max(short.missing);
        let now = desk.ports.clock.now();
        let back = free_again(&used(desk, calls), missing, now);
        let mut message = format!(
            "wave {wave} needs about {needed} more {what} for {} rows, and the org has {} of {} left today",
            rest.rows, left.remaining, left.max
        );
        if left.kept() > 0 {
            let _ =
                write!(message, ", {} of them kept back for others and for collecting results", left.kept());
        }
        Hold::new("limit", message, come_back(back)).until(back)
    }
}

/// The checkpoint after a job in which the org's allowance ended: it does not say which, or when it comes back.
pub(super) fn spent(desk: &Desk<'_, '_>) -> Hold {
    let back = desk.ports.clock.now() + DAY;
    let message =
        "the org's allowance of a day ended inside a job: rows that it did not come to are still to be sent";
    Hold::new("limit", message.into(), come_back(back)).until(back)
}

/// The checkpoint after rows or a job that the org refused because it is maintained.
pub(in crate::engine) fn refused_for_maintenance() -> Hold {
    maintained("the org is maintained and takes no writes: what it refused is still to be sent".to_owned())
}

/// The checkpoint of an org that takes no writes. It does not say when that will be over.
fn maintained(message: String) -> Hold {
    let help = "run `cutover apply` again once the maintenance is over (status.salesforce.com tells): it goes on where it \
                stopped, and no row has lost a try by it";
    Hold::new("maintenance", message, help.to_owned())
}

fn come_back(at: i64) -> String {
    format!(
        "run `cutover apply` again at {}: what keeps it back is then older than 24 hours and counts no more; it goes on where it stopped",
        utc_text(at)
    )
}

/// The time has come at which nothing more is to begin. Rows that go again wait a while before they do.
fn too_late(desk: &Desk<'_, '_>, effect: Effect) -> Option<Hold> {
    let end = desk.stop.end()?;
    let wait = match effect {
        Effect::Send(key) => desk.part(key).map_or(0, |part| crate::engine::part::wait(part.attempt, 0)),
        _ => 0,
    };
    let begins = desk.ports.clock.now().saturating_add_unsigned(wait);
    (begins >= end).then(|| {
        let message = format!("the time of `--until` has come; left: {}", left_over(desk));
        let help = "run `cutover apply` again: it goes on where it stopped";
        Hold::new("until", message, help.into())
    })
}

/// What is still to be sent, by load.
fn left_over(desk: &Desk<'_, '_>) -> String {
    let state = desk.state.borrow();
    let pending = |load: &crate::checkpoint::LoadState| {
        let rows = load.outcomes[Outcome::Pending as usize];
        let second = load.references.pending;
        match (rows, second) {
            (0, 0) => None,
            (0, second) => Some(format!("{} ({second} references)", load.name.name)),
            (rows, _) => Some(format!("{} ({rows} rows)", load.name.name)),
        }
    };
    let all: Vec<String> = state.loads.iter().filter_map(pending).collect();
    let named = all[..all.len().min(MOST_NAMED)].join(", ");
    match all.len() {
        0 => "references of a second pass".to_owned(),
        n if n > MOST_NAMED => format!("{named} and {} more loads", n - MOST_NAMED),
        _ => named,
    }
}

/// Loads that want a pause and have not had it in this run.
fn wishes(desk: &Desk<'_, '_>, migration: &Migration) -> Vec<Wish> {
    let state = desk.state.borrow();
    let settled = |load: u16| {
        let mut parts = state.parts.values().filter(|p| p.load == load && p.kind == StepKind::Rows);
        parts.any(|p| p.state == crate::checkpoint::PartState::Settled)
    };
    let wanted = migration.loads.iter().enumerate().filter(|(_, load)| load.pause_after);
    let wanted = wanted.map(|(index, _)| index as u16).filter(|load| !state.paused_after.contains(load));
    wanted.map(|load| Wish { load, sent: settled(load) }).collect()
}

fn need_of(desk: &Desk<'_, '_>, key: PartKey) -> Need {
    let state = desk.state.borrow();
    state.parts.get(&key).map_or(Need::default(), |part| Need::of_part(part.api, part.rows))
}

/// What parts under way may still use.
fn open(desk: &Desk<'_, '_>, steps: &BTreeMap<u16, StepProgress>) -> Need {
    let parts = steps.values().flat_map(|step| match step {
        StepProgress::Staged(parts) => parts.as_slice(),
        _ => &[],
    });
    let running = parts.filter(|part| part.progress == PartProgress::Running);
    running.map(|part| need_of(desk, part.key)).fold(Need::default(), Need::plus)
}

/// What a wave needs beyond what is under way or done.
fn rest_of_wave(desk: &Desk<'_, '_>, plan: &Plan, steps: &BTreeMap<u16, StepProgress>, wave: u16) -> Need {
    let of_step = |step: &PlanStep| match steps.get(&step.index) {
        None | Some(StepProgress::Waiting) => Need::of_step(step),
        Some(StepProgress::Staged(parts)) => {
            let ready = parts.iter().filter(|part| part.progress == PartProgress::Ready);
            ready.map(|part| need_of(desk, part.key)).fold(Need::default(), Need::plus)
        }
        Some(StepProgress::Done) => Need::default(),
    };
    plan.steps.iter().filter(|s| s.wave == wave).map(of_step).fold(Need::default(), Need::plus)
}

/// What this run used of an allowance, and when, as its journal knows; calls at least, for those that ask are no events.
fn used(desk: &Desk<'_, '_>, calls: bool) -> Vec<(i64, u64)> {
    let run = desk.state.borrow().run;
    let Ok((lines, _)) = read_journal(desk.ports.files, &journal_path(run)) else { return Vec::new() };
    let amount = |event: &Event| match event {
        Event::JobCreated { .. } | Event::Uploaded { .. } if calls => 1,
        Event::Closed { part } | Event::CallsIntent { part } => {
            let need = need_of(desk, *part);
            match (calls, need.batches) {
                (false, batches) => batches,
                (true, 0) => need.calls,
                // The closing itself, one question, three result files.
                (true, _) => 5,
            }
        }
        _ => 0,
    };
    lines.iter().map(|line| (line.at, amount(&line.event))).filter(|(_, amount)| *amount > 0).collect()
}
