//! Progress: bars on a terminal, one line per event elsewhere. Told, never asked.

use super::screen::Screen;
use crate::checkpoint::{Event, Line, PartKey, RunState};
use crate::engine::{CrashRow, Observer, Progress, Window};
use crate::model::Outcome;
use crate::plan::StepKind;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Watches a run for the user.
pub(super) struct Watch<'s> {
    screen: &'s Screen,
    bars: Option<Bars>,
}

struct Bars {
    all: MultiProgress,
    loads: RefCell<BTreeMap<u16, ProgressBar>>,
}

impl<'s> Watch<'s> {
    pub(super) fn new(screen: &'s Screen) -> Self {
        let bars = screen.bars().then(|| Bars { all: MultiProgress::new(), loads: RefCell::default() });
        Self { screen, bars }
    }

    /// Takes the bars away, so that the report stands alone.
    pub(super) fn done(&self) {
        if let Some(bars) = &self.bars {
            let _ = bars.all.clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => {
                let _ = bars.all.println(text);
            }
            None => self.screen.tell(text),
        }
    }
}

impl Observer for Watch<'_> {
    fn event(&self, line: &Line, state: &RunState) {
        match (&self.bars, in_words(line, state)) {
            (Some(bars), _) => bars.show(&line.event, state),
            (None, Some(words)) => self.screen.tell(&words),
            (None, None) => {}
        }
    }

    fn progress(&self, progress: &Progress) {
        match progress {
            Progress::Note(note) => self.line(&format!("note: {note}")),
            Progress::Reading { load } => self.screen.detail(&format!("reading {load}")),
            Progress::Staging { load, rows } => self.screen.detail(&format!("staging {load}: {rows} rows")),
            Progress::Job { load, job, processed, rows } => {
                self.screen.detail(&format!("{load}: job {job} has tried {processed} of {rows} rows"));
            }
        }
    }

    fn recovered(&self, part: PartKey, window: Window) {
        if window != Window::Over {
            let CrashRow { journal, what, .. } = window.row();
            self.screen.detail(&format!("part {part} was cut off at {journal}: {what}"));
        }
    }
}

/// An event as a line; nothing for those that say little to people.
fn in_words(line: &Line, state: &RunState) -> Option<String> {
    let load = |index: u16| state.loads.get(index as usize).map_or("", |l| l.name.name.as_str());
    match &line.event {
        Event::RunStarted { run, environment, org_id, .. } => {
            Some(format!("run {run} begins: environment {environment}, org {org_id}"))
        }
        Event::RunResumed { .. } => Some(format!("run {} goes on", state.run)),
        Event::PartSettled { part, created, updated, deleted, held, failed, .. } => {
            let known = state.parts.get(part)?;
            let second = if known.kind == StepKind::References { " (second pass)" } else { "" };
            let by = known.job.as_ref().map_or("REST calls".to_owned(), |job| format!("job {job}"));
            let name = load(known.load);
            let done = match known.deletes() {
                true => format!("{deleted} deleted"),
                false => format!("{created} created, {updated} updated"),
            };
            let held = if *held > 0 { format!(", {held} held") } else { String::new() };
            Some(format!("{name}{second}: {by}: {done}, {failed} failed{held}"))
        }
        Event::PartDropped { part, reason } => {
            let known = state.parts.get(part)?;
            Some(format!("{}: a part of {} rows is dropped: {reason}", load(known.load), known.rows))
        }
        _ => None,
    }
}

impl Bars {
    fn show(&self, event: &Event, state: &RunState) {
        match event {
            Event::Surveyed { load, outcomes, .. } => {
                self.add(*load, outcomes[Outcome::Pending as usize], state)
            }
            Event::StepStaged { load, .. } => self.moved(*load, state),
            Event::PartSettled { part, .. } => {
                if let Some(load) = state.parts.get(part).map(|p| p.load) {
                    self.moved(load, state);
                }
            }
            _ => {}
        }
    }

    fn add(&self, load: u16, rows: u64, state: &RunState) {
        if rows == 0 {
            return;
        }
        let style = ProgressStyle::with_template("{prefix:24} {wide_bar} {pos}/{len} {msg}");
        let bar = self
            .all
            .add(ProgressBar::new(rows).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())));
        bar.set_prefix(state.loads.get(load as usize).map(|l| l.name.name.clone()).unwrap_or_default());
        self.loads.borrow_mut().insert(load, bar);
    }

    fn moved(&self, load: u16, state: &RunState) {
        let (Some(bar), Some(known)) =
            (self.loads.borrow().get(&load).cloned(), state.loads.get(load as usize))
        else {
            return;
        };
        let pending = known.outcomes[Outcome::Pending as usize];
        bar.set_position(bar.length().unwrap_or(0).saturating_sub(pending));
        let failed = known.outcomes[Outcome::Failed as usize];
        if failed > 0 {
            bar.set_message(format!("{failed} failed"));
        }
    }
}
