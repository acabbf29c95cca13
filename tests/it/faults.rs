//! Faults of calls reach the engine as they would through a socket: dropped connections and answers cut off are
//! failures of the transport, and an apply goes on through them to the same org.

use crate::world::{Aim, Project, World};
use cutover::engine::Exit;
use cutover::local_org::Faults;

/// What befalls calls; each of them must strike.
const FAULTS: &[&str] = &[
    "{ then: drop_before, method: GET, path: 'jobs/ingest/*', nth: 1 }",
    "{ then: drop_after, method: PATCH, path: 'jobs/ingest/*', nth: 1 }",
    "{ then: cut, path: 'jobs/ingest/*/successfulResults', nth: 1 }",
    "{ then: cut, ending: open, path: 'jobs/ingest/*/successfulResults', nth: 1 }",
    "{ then: unavailable, method: GET, path: 'jobs/ingest/*', from: 2, times: 2 }",
    "{ then: too_many_requests, method: GET, path: 'jobs/ingest/*', nth: 1 }",
];

#[test]
fn an_apply_goes_on_through_a_broken_connection() {
    let project = Project::example("quickstart", &["SELECT Id, Name FROM Account ORDER BY Name"]);
    let calm = World::new(&project);
    calm.apply(Aim::Nowhere).end.unwrap().unwrap();
    for fault in FAULTS {
        let world = World::new(&project);
        world.org.set_faults(Faults::read("faults.yaml", &format!("faults: [{fault}]")).unwrap());
        let finished = world.apply(Aim::Nowhere).end.unwrap().unwrap_or_else(|e| panic!("{fault}: {e:?}"));
        assert_eq!(finished.exit, Exit::Done, "{fault}");
        assert_eq!(world.contents(), calm.contents(), "{fault}");
        assert!(world.org.struck() > 0, "{fault} was met");
    }
}
