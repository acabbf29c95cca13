//! Every boundary once: the process dies on both sides of it, and what the org answers is lost or cut off.

use super::four_objects::{Expected, FOUR, four};
use super::others::{TIDY, TIDY_BY_CALLS};
use super::{Undisturbed, all, figures, kinds};
use crate::world::{Aim, Project};
use cutover::engine::Window;
use cutover::model::Outcome;
use cutover::plan::StepKind;
use std::sync::Arc;

impl Undisturbed {
    /// Every disturbance of one run: both sides of every call, and both ways to lose an answer of the org.
    fn aims(&self) -> Vec<Aim> {
        let mut aims = Vec::new();
        for (number, name) in self.trace.iter().enumerate() {
            aims.extend([Aim::Before(number), Aim::After(number)]);
            if name.starts_with("org ") {
                aims.extend([Aim::Lost(number), Aim::Cut(number)]);
            }
        }
        aims
    }

    /// Disturbs one run and goes on to its end. Gives how many applies that took and what they recovered from.
    pub(super) fn disturbed(
        &self,
        aim: Aim,
        flaw: Option<crate::world::Flaw>,
    ) -> (usize, Vec<Window>, Result<(), String>) {
        let mut course = self.begin(flaw);
        let life = course.live(aim);
        self.check_hit(aim, &life, flaw);
        if let (Aim::Before(number) | Aim::After(number), None) = (aim, &life.end) {
            // Both ways to die, and both things that the org may do meanwhile, each at half of the boundaries.
            if matches!(aim, Aim::Before(_)) || flaw.is_some() {
                course.world.lose_power();
            }
            if number % 2 == 0 {
                course.world.org_works_on();
            }
        }
        let end = course.go_on(life, &[69]);
        let name = aim.number().map_or("", |n| self.trace[n].as_str());
        (course.lives, course.met, end.map_err(|why| format!("{aim:?} ({name}): {why}")))
    }
}

fn at_every_boundary(test: &str, project: Arc<Project>, expected: &'static Expected, stride: usize) {
    let undisturbed = Undisturbed::of(project, expected);
    let aims: Vec<Aim> = undisturbed.aims().into_iter().skip(stride / 2).step_by(stride).collect();
    let told = all(&aims, |aim| undisturbed.disturbed(*aim, None));
    figures(&format!(
        "{test}: {} boundaries {:?}, {} disturbed runs, {} applies, {:.1?}",
        undisturbed.trace.len(),
        kinds(&undisturbed.trace),
        aims.len(),
        told.applies,
        told.took
    ));
    told.hold(test);
}

#[test]
fn crash_at_every_boundary() {
    at_every_boundary("crash_at_every_boundary", four(), &FOUR, 1);
}

#[test]
fn crash_at_every_boundary_of_updates_and_deletes() {
    // A third of them: each world is filled first, which takes as long again.
    at_every_boundary("crash_at_every_boundary_of_updates_and_deletes", Project::tidy(), &TIDY, 3);
}

#[test]
fn crash_at_every_boundary_of_calls() {
    at_every_boundary("crash_at_every_boundary_of_calls", Project::tidy_by_calls(), &TIDY_BY_CALLS, 5);
}

/// What the world is there for is in it.
#[test]
fn the_world_has_a_bit_of_everything() {
    let undisturbed = Undisturbed::of(four(), &FOUR);
    let rows = |outcome| undisturbed.loads.iter().map(|l| l.outcomes[outcome as usize]).sum::<u64>();
    let outcomes = [Outcome::Created, Outcome::Updated, Outcome::Failed, Outcome::Held].map(rows);
    assert_eq!(outcomes, [8, 1, 2, 4]);
    let plan = &undisturbed.plan;
    let objects: std::collections::BTreeSet<&str> =
        plan.steps.iter().map(|step| undisturbed.loads[step.load as usize].name.object.as_str()).collect();
    assert_eq!(objects.len(), 4, "{objects:?}");
    assert_eq!(plan.steps.iter().map(|step| step.level).max(), Some(2), "a hierarchy of three levels");
    assert!(plan.steps.iter().any(|step| step.kind == StepKind::References), "a second pass for the cycle");
    assert!(plan.steps.iter().any(|step| step.operation == "insert"));
    let creates = undisturbed.calls(&["org POST"]).len();
    assert!(creates > plan.steps.len(), "{creates} jobs: no step has two parts");
}
