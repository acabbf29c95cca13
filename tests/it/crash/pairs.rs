//! Two crashes: the second one in the life that recovers from the first.

use super::four_objects::Expected;
use super::{Undisturbed, all, figures, numbers};
use crate::world::{Aim, Project};
use cutover::engine::Window;
use cutover::model::Outcome;
use std::sync::Arc;

/// Calls that change what a crash leaves behind: the org's, the journal's, and names of files.
pub(super) const EFFECTS: &[&str] =
    &["org POST", "org PUT", "org PATCH", "append runs/", "sync runs/", "rename"];

/// A parent and a child of it that is inserted.
pub(super) fn pair() -> Arc<Project> {
    let files = [
        ("cutover.yaml", MANIFEST),
        ("org.yaml", ORG),
        ("accounts.csv", "id,name\nA1,One\n"),
        ("visits.csv", "id,account\nV1,A1\n"),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).to_vec();
    Project::new(files, &QUERIES)
}

/// The same with the parent by REST calls.
pub(super) fn pair_by_calls() -> Arc<Project> {
    pair().with("cutover.yaml", &MANIFEST.replacen("    source:", "    api: auto\n    source:", 1))
}

/// What must come of it.
pub(super) const PAIR: Expected = Expected {
    contents: &[&["A1|One"], &["V1|A1"]],
    outcomes: &[&[(Outcome::Created, 1)], &[(Outcome::Created, 1)]],
    filled: &[0, 0],
    refused: (&[], &[]),
    exit: 0,
};

pub(super) const QUERIES: [&str; 2] = [
    "SELECT Legacy_Id__c, Name FROM Account ORDER BY Legacy_Id__c",
    "SELECT Legacy_Id__c, Account__r.Legacy_Id__c FROM Visit__c ORDER BY Legacy_Id__c",
];

pub(super) const MANIFEST: &str = "\
cutover: 1
project: pair
environments:
  local: { org: { local: org.yaml } }
objects:
  - name: accounts
    object: Account
    key: Legacy_Id__c
    source: accounts.csv
    fields: { Legacy_Id__c: id, Name: name }
  - name: visits
    object: Visit__c
    key: Legacy_Id__c
    operation: insert
    source: visits.csv
    fields: { Legacy_Id__c: id, Account__c: { ref: Account, from: account } }
";

pub(super) const ORG: &str = "\
objects:
  Account:
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true, unique: true }
  Visit__c:
    label: Visit
    name: { auto_number: \"V-{0000}\" }
    fields:
      Legacy_Id__c: { type: string, length: 40, external_id: true }
      Account__c: { type: reference, to: Account }
";

impl Undisturbed {
    /// The process ends after one call, and the one that recovers before a call of its own; nothing as the second call
    /// only tells which calls there are.
    fn disturbed_twice(
        &self,
        first: usize,
        second: Option<usize>,
    ) -> (Vec<String>, usize, Vec<Window>, Result<(), String>) {
        let mut course = self.begin(None);
        let life = course.live(Aim::After(first));
        self.check_hit(Aim::After(first), &life, None);
        // By lost power or by a kill, and whatever the org does meanwhile: each at its part of the pairs.
        let (power, works) = ((first / 3).is_multiple_of(2), (first / 5).is_multiple_of(2));
        if power {
            course.world.lose_power();
        }
        if works {
            course.world.org_works_on();
        }
        let Some(second) = second else {
            let life = course.live(Aim::Nowhere);
            return (life.trace.clone(), course.lives, course.met.clone(), course.go_on(life, &[]));
        };
        let life = course.live(Aim::Before(second));
        assert!(
            life.end.is_none() && life.hit == Some(second) && life.trace.len() == second + 1,
            "before {second} after {first} did not end the process"
        );
        if (first / 4 + second / 3).is_multiple_of(2) {
            course.world.lose_power();
        }
        let name = life.trace[second].clone();
        let end = course.go_on(life, &[]);
        let end = end
            .map_err(|why| format!("after {first} ({}), before {second} ({name}): {why}", self.trace[first]));
        (Vec::new(), course.lives, course.met, end)
    }

    /// Every pair of these calls.
    fn every_pair(&self, test: &str, of: &[&str]) {
        let firsts = self.calls(of);
        let pairs = std::sync::Mutex::new(Vec::new());
        let single = all(&firsts, |first| {
            let (trace, applies, met, end) = self.disturbed_twice(*first, None);
            pairs.lock().unwrap().extend(numbers(&trace, of).into_iter().map(|second| (*first, second)));
            (applies, met, end)
        });
        let mut pairs = pairs.into_inner().unwrap();
        pairs.sort_unstable();
        let told = single.and(all(&pairs, |(first, second)| {
            let (_, applies, met, end) = self.disturbed_twice(*first, Some(*second));
            (applies, met, end)
        }));
        figures(&format!(
            "{test}: {} boundaries, {} first crashes, {} pairs, {} applies, {:.1?}",
            self.trace.len(),
            firsts.len(),
            pairs.len(),
            told.applies,
            told.took
        ));
        assert!(pairs.len() > firsts.len() * 20, "hardly a second crash");
        told.hold(test);
    }
}

/// Every pair of effects; with `PAIRS=all` every pair of boundaries.
#[test]
fn crash_twice_at_every_pair() {
    let undisturbed = Undisturbed::of(pair(), &PAIR);
    let every = std::env::var("PAIRS").is_ok_and(|pairs| pairs == "all");
    undisturbed.every_pair("crash_twice_at_every_pair", if every { &[""] } else { EFFECTS });
}
