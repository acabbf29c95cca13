//! Every effect twice: a network that repeats a request, a disk or a store that is told a thing again.

use super::four_objects::{FOUR, four};
use super::others::TIDY_BY_CALLS;
use super::{Undisturbed, all, figures, kinds};
use crate::world::{Aim, Project};
use cutover::engine::Window;

impl Undisturbed {
    /// Each call twice; of the org's, once its second answer arrives, once its first. A lock is no effect, and a second `append` is
    /// other bytes, not the same thing again.
    fn doubled(&self) -> Vec<Aim> {
        let meant = |(_, name): &(usize, &String)| !name.starts_with("append ") && !name.starts_with("lock ");
        let mut aims = Vec::new();
        for (number, name) in self.trace.iter().enumerate().filter(meant) {
            aims.push(Aim::Twice(number));
            // What else gives nothing, or the same both times.
            if name.starts_with("org ") {
                aims.push(Aim::TwiceFirst(number));
            }
        }
        aims
    }

    fn done_twice(&self, aim: Aim) -> (usize, Vec<Window>, Result<(), String>) {
        let mut course = self.begin(None);
        let life = course.live(aim);
        self.check_hit(aim, &life, None);
        let name = aim.number().map_or("", |n| self.trace[n].as_str());
        // A network file system that repeats a `rename` whose answer was lost says that there is no such file.
        let codes: &[u8] = if name.starts_with("rename ") { &[1] } else { &[69] };
        course.repeated = name.starts_with("org POST");
        course.gone = name.starts_with("org DELETE");
        let end = course.go_on(life, codes);
        (course.lives, course.met, end.map_err(|why| format!("{aim:?} ({name}): {why}")))
    }
}

fn every_effect_twice(test: &str, undisturbed: &Undisturbed) {
    let aims = undisturbed.doubled();
    let told = all(&aims, |aim| undisturbed.done_twice(*aim));
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
fn every_effect_may_happen_twice() {
    every_effect_twice("every_effect_may_happen_twice", &Undisturbed::of(four(), &FOUR));
}

#[test]
fn every_call_may_happen_twice() {
    let undisturbed = Undisturbed::of(Project::tidy_by_calls(), &TIDY_BY_CALLS);
    every_effect_twice("every_call_may_happen_twice", &undisturbed);
}
