//! Who must say yes before anything is sent, and to what.

use super::screen::Screen;
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{EngineError, Exit, Interrupted, Question};
use crate::plan::Plan;
use crate::report::plan_text;

/// What is known when the plan is ready.
pub(super) struct Asked<'a> {
    /// Where it is shown and asked.
    pub(super) screen: &'a Screen,
    /// The plan that was reviewed, where one was saved.
    pub(super) saved: Option<&'a Plan>,
    /// Whether the saved plan's own run is unfinished.
    pub(super) resumes: bool,
    /// Whether the environment is protected.
    pub(super) protected: bool,
    /// Whether the org is the local one.
    pub(super) local: bool,
    /// `--yes`.
    pub(super) yes: bool,
}

impl Asked<'_> {
    /// Asks where somebody must be asked.
    ///
    /// # Errors
    /// 81 when the plan is not the saved one; 64 when nobody says yes.
    pub(super) fn approve(&self, question: &Question<'_>) -> Result<(), EngineError> {
        match question {
            Question::GoOn(run) => self.go_on(run),
            Question::Plan(plan) => self.plan(plan, self.resumes),
            // The plan was this run's own, and this is what is left of it.
            Question::Again(plan) => self.plan(plan, true),
        }
    }

    /// Shows the plan where it was not reviewed, holds it against the saved one, and asks.
    fn plan(&self, plan: &Plan, resumes: bool) -> Result<(), EngineError> {
        match self.saved {
            // What the run has landed of its own plan is no reason to call the plan stale.
            Some(saved) if resumes && saved.inputs == plan.inputs => {}
            Some(saved) => same_plan(saved, plan)?,
            None if self.asks(plan) => self.screen.say(&plan_text(plan)),
            None => self.screen.tell(&plan_text(plan)),
        }
        if !self.asks(plan) {
            return Ok(());
        }
        if self.saved.is_some() {
            self.screen.say(&plan_text(plan));
        }
        let (environment, org, what) = (&plan.environment, &plan.org_id, destroys(plan));
        let help = match () {
            () if plan.rolls_back.is_some() => ROLLS_BACK,
            () if deletes(plan) > 0 => DESTROYS,
            () => REVIEW,
        };
        if self.protected {
            self.typed(environment, &format!("To apply this to org {org}{what}"))
        } else {
            self.said(&format!("Apply this to {environment} ({org}){what}?"), help)
        }
    }

    /// Parts of an interrupted run wait in the org: they are brought to rest before there is a plan to show. The plan
    /// that the run was begun with is consent; another saved one is to what writes no row.
    fn go_on(&self, run: &Interrupted) -> Result<(), EngineError> {
        let saved = self.saved.is_some() && (self.resumes || run.rows == 0);
        let consents = u8::from(saved) + u8::from(self.yes);
        if !self.protected && (self.local || consents > u8::from(run.deletes > 0)) {
            return Ok(());
        }
        let Interrupted { run: number, environment, org_id, parts, rows, deletes } = run;
        let what = match (rows, deletes) {
            (0, _) => format!("abort {parts} jobs that were never closed"),
            (_, 0) => format!("go on with {parts} uploads of {rows} rows"),
            _ => format!("go on with {parts} uploads of {rows} rows, deleting {deletes} records"),
        };
        let help = if *deletes > 0 { DESTROYS } else { GO_ON };
        let what = format!("{what} in {environment} ({org_id})");
        self.screen.say(&format!("Run {number} was interrupted. The next step is to {what}."));
        if self.protected {
            self.typed(environment, &format!("To {what}"))
        } else {
            self.said(&format!("Shall `cutover` {what}?"), help)
        }
    }

    /// Whether somebody must be asked: then the plan is shown whatever the verbosity. A saved plan is consent, and so
    /// is `--yes`; what destroys wants both.
    fn asks(&self, plan: &Plan) -> bool {
        let consents = u8::from(self.saved.is_some()) + u8::from(self.yes);
        plan.changes && (self.protected || !self.local && consents <= u8::from(deletes(plan) > 0))
    }

    /// A plain yes.
    fn said(&self, question: &str, help: &str) -> Result<(), EngineError> {
        match self.screen.read(&format!("{question} Only `yes` goes on:")).as_deref() {
            Some("yes") => Ok(()),
            Some(_) => Err(refused("nothing was sent", help)),
            None => Err(refused("somebody must approve the plan, and there is no terminal to ask at", help)),
        }
    }

    /// The environment's name, typed: what is done by habit is no confirmation.
    fn typed(&self, name: &str, what: &str) -> Result<(), EngineError> {
        let question = format!("`{name}` is protected. {what}, type `{name}`:");
        match self.screen.read(&question) {
            Some(answer) if answer == *name => Ok(()),
            Some(_) => Err(refused("nothing was sent", "the environment's name goes on, and nothing else")),
            None => {
                let message =
                    format!("`{name}` is protected: its name must be typed at a terminal, and there is none");
                Err(refused(&message, UNPROTECTED))
            }
        }
    }
}

/// Records that the plan deletes.
fn deletes(plan: &Plan) -> u64 {
    plan.loads.iter().map(|load| load.delete).sum()
}

/// What a question must not leave out.
fn destroys(plan: &Plan) -> String {
    let back = plan.rolls_back.as_ref();
    let along: u64 = back.map_or(0, |back| back.along.iter().map(|a| a.records).sum());
    let also = if along > 0 { format!(" and {along} that go with them") } else { String::new() };
    let unseen = match back.map_or(&[][..], |back| &back.unseen) {
        [] => String::new(),
        unseen => format!(", with what refers to them by {}, which nobody could look at", unseen.join(", ")),
    };
    match deletes(plan) {
        0 => String::new(),
        deletes => format!(", deleting {deletes} records{also}{unseen}"),
    }
}

const REVIEW: &str = "review with `cutover plan --out FILE`, then `cutover apply FILE`; or say `--yes`";
const GO_ON: &str = "say `--yes`, or apply the plan that the run was begun with; a changed source or manifest gives it up instead";
const DESTROYS: &str =
    "records would be deleted: review with `cutover plan --out FILE`, then `cutover apply FILE --yes`";
const ROLLS_BACK: &str = "records would be deleted: review with `cutover rollback RUN --out FILE`, then `cutover rollback FILE --yes`";
const UNPROTECTED: &str =
    "where machines are to apply without a person, the environment says `protect: false`";

/// A protected environment is applied from a plan that somebody has reviewed. Said before anything else is done, with
/// the commands that make such a plan and apply it.
///
/// # Errors
/// 64 without a saved plan.
pub(super) fn needs_saved_plan(
    environment: &str,
    protected: bool,
    saved: Option<&Plan>,
    (plans, applies): (&str, &str),
) -> Result<(), EngineError> {
    if !protected || saved.is_some() {
        return Ok(());
    }
    let message = format!("`{environment}` is protected: only a saved plan is applied to it");
    let help = format!(
        "`cutover {plans} -e {environment} --out FILE`, review it, then `cutover {applies} FILE`; `--yes` is not enough here"
    );
    Err(refused(&message, &help))
}

/// A saved plan is executed only as it was reviewed.
fn same_plan(saved: &Plan, now: &Plan) -> Result<(), EngineError> {
    if saved == now {
        return Ok(());
    }
    let what = match () {
        () if saved.org_id != now.org_id => "it was made for another org",
        () if saved.sources != now.sources => "a source has changed since",
        () if saved.inputs != now.inputs => "the manifest or the org has changed since",
        () => "what has landed has changed since",
    };
    let problem = Diagnostic::error(Code::StalePlan, format!("the saved plan is stale: {what}"));
    let help = "make a new plan with `cutover plan --out FILE` and review it";
    Err(EngineError::problem(Exit::Stale, problem.help(help)))
}

fn refused(message: &str, help: &str) -> EngineError {
    EngineError::problem(Exit::Usage, Diagnostic::error(Code::PlanNote, message).help(help))
}
