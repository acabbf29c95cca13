//! `cutover rollback`: the org is as it was before the run, updates excepted and listed; whatever happens on the way.

use crate::project::Project;
use crate::world;
use serde_json::Value;

/// What northwind's org holds, by the project's local org.
fn contents(project: &Project) -> Vec<Vec<crate::project::Row>> {
    world::NORTHWIND.iter().map(|soql| project.query(soql)).collect()
}

fn rollback(project: &Project, arguments: &[&str], code: i32) -> Value {
    project.run(&[&["rollback", "--json"], arguments].concat()).exits(code).json()
}

fn sum(of: &Value, word: &str) -> u64 {
    of["rolls_back"]["loads"].as_array().unwrap().iter().map(|l| l[word].as_u64().unwrap()).sum()
}

#[test]
fn northwind_is_as_it_was_before() {
    let project = Project::example("northwind");
    let before = contents_before(&project);
    let report = project.apply(0);
    let created = report.total("created");
    assert!(created > 3_000, "{created}");
    let planned = project.run(&["plan", "--json"]).exits(0).json();
    assert_eq!(planned["changes"], false);

    let done = rollback(&project, &["2"], 0);
    assert_eq!((sum(&done, "delete"), done["exit"].as_u64()), (created, Some(0)));
    assert_eq!(contents(&project), before);
    let again = project.run(&["plan", "--json"]).exits(0).json();
    let creates = |plan: &Value| -> u64 {
        plan["loads"].as_array().unwrap().iter().map(|l| l["create"].as_u64().unwrap()).sum()
    };
    assert_eq!(creates(&again), created, "the whole load is planned again");

    let twice = rollback(&project, &["2"], 0);
    assert_eq!((sum(&twice, "delete"), sum(&twice, "gone"), &twice["report"]), (0, created, &Value::Null));
    assert_eq!(project.apply(0).total("created"), created);
}

/// Two suppliers are there before, by another run.
fn contents_before(project: &Project) -> Vec<Vec<crate::project::Row>> {
    project.run(&["apply", "--select", "shippers"]).exits(0);
    contents(project)
}
