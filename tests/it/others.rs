//! What others do in the org between runs and during them, and what is then made of a change whose outcome is unknown.

use crate::world::{Aim, Project, World};
use cutover::local_org::Faults;

/// The exit code that an apply comes to.
pub fn exit(life: crate::world::Life) -> u8 {
    match life.end.unwrap() {
        Ok(finished) => finished.exit.code(),
        Err(error) => error.exit().code(),
    }
}

/// What others change is theirs until its row changes.
#[test]
fn what_others_edit_stays_until_its_row_changes() {
    let world = World::new(&Project::northwind());
    exit(world.apply(Aim::Nowhere));
    let edit = "{ then: edit_records, object: Shipper__c, count: 2, field: Phone__c, value: Theirs, \
                path: /services/data, nth: 1 }";
    world.org.set_faults(Faults::read("faults.yaml", &format!("faults: [{edit}]")).unwrap());
    let theirs =
        || world.org.query("SELECT Legacy_Id__c FROM Shipper__c WHERE Phone__c = 'Theirs'").unwrap().rows;
    assert_eq!((exit(world.apply(Aim::Nowhere)), theirs().len()), (0, 2));
}

/// A change that may have landed is not forgotten when the source is as it was before, and its row is sent again.
#[test]
fn a_change_of_unknown_outcome_is_taken_back_when_the_source_is() {
    for fault in ["lose_results, per_mille: 1000", "delete_job, path: 'jobs/ingest/*/successfulResults'"] {
        let project = Project::quickstart();
        let world = World::new(&project);
        let (_, bytes) = project.files.iter().find(|(path, _)| path == "data/companies.csv").unwrap();
        let text = std::str::from_utf8(bytes).unwrap();
        let named = |name: &str| {
            world.sources.put("data/companies.csv", text.replace("Aldgate Bakery", name).as_bytes());
        };
        let in_org = || world.org.query("SELECT Name FROM Account WHERE Legacy_Id__c = '1001'").unwrap().rows;
        named("Ada");
        assert_eq!(exit(world.apply(Aim::Nowhere)), 0);
        named("Eve");
        // The job that is to take the row again is not made.
        let stop = "{ then: drop_after, method: POST, path: jobs/ingest, nth: 2 }";
        let faults = format!("faults: [{{ then: {fault} }}, {stop}]");
        world.org.set_faults(Faults::read("faults.yaml", &faults).unwrap());
        assert_eq!(exit(world.apply(Aim::Nowhere)), 69, "{fault}");
        assert_eq!(in_org(), [[Some("Eve".to_owned())]], "{fault}");
        named("Ada");
        world.org.set_faults(Faults::default());
        assert_eq!(exit(world.apply(Aim::Nowhere)), 0, "{fault}");
        assert_eq!(in_org(), [[Some("Ada".to_owned())]], "{fault}");
    }
}
