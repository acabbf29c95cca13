//! Customers' values live in known places only, and those are for their owner alone; secrets live nowhere.

use crate::http::Served;
use crate::project::{Output, Project, finished, walk};
use std::collections::BTreeSet;
use std::path::Path;

/// Northwind with a row of each kind that is refused: by the value, the map, the picklist, the parent, the org.
fn troubled() -> (Project, Vec<&'static str>) {
    let project = Project::example("northwind");
    project.set("data/orders.csv", "10248", "order_date", "Michaelmas 1996");
    project.set("data/orders.csv", "10250", "customer_id", "NOSUCHCUSTOMER");
    project.set("data/orders.csv", "10251", "ship_city", "");
    project.set("data/orders.csv", "10251", "ship_address", "Unseen Alley 77");
    project.set("data/orders.csv", "10252", "employee_id", "4711-unseen");
    project.set("data/products.csv", "5", "discontinued", "perhaps-unseen");
    project.set("data/us_states.csv", "9", "state_region", "Atlantis-unseen");
    project.set("data/customers.csv", "ALFKI", "company_name", "");
    project.set(
        "data/customers.csv",
        "BONAP",
        "phone",
        "unseen-phone-number-that-is-far-too-long-for-the-field",
    );
    let planted = [
        "Michaelmas",
        "NOSUCHCUSTOMER",
        "Unseen Alley",
        "4711-unseen",
        "perhaps-unseen",
        "Atlantis-unseen",
        "unseen-phone",
    ];
    (project, planted.to_vec())
}

/// What no eye should meet: names, phones, addresses and keys of the customers.
fn values(project: &Project, planted: &[&str]) -> BTreeSet<String> {
    let mut values: BTreeSet<String> = planted.iter().map(|v| (*v).to_owned()).collect();
    for row in project.csv("data/customers.csv") {
        values.insert(format!("CUST-{}", row["customer_id"]));
        values.extend(["company_name", "contact_name", "address", "phone"].map(|column| row[column].clone()));
    }
    values.retain(|value| value.len() >= 6);
    assert!(values.len() > 300, "{}", values.len());
    values
}

#[track_caller]
fn clean(what: &str, bytes: &[u8], values: &BTreeSet<String>) {
    let text = String::from_utf8_lossy(bytes);
    let found: Vec<&String> = values.iter().filter(|value| text.contains(value.as_str())).collect();
    assert!(found.is_empty(), "{what} has {found:?}");
}

#[test]
fn values_stay_in_their_places() {
    let (project, planted) = troubled();
    let values = values(&project, &planted);
    let mut said: Vec<(String, Output)> = Vec::new();
    for command in ["plan -v", "apply -v", "status", "report", "status --json", "apply --json"] {
        let arguments: Vec<&str> = command.split(' ').collect();
        said.push((command.to_owned(), project.run(&arguments)));
    }
    assert_eq!(said.iter().map(|(_, o)| o.code).collect::<Vec<_>>(), [0, 68, 0, 0, 0, 68]);
    for (command, output) in &said {
        clean(&format!("stdout of {command}"), output.out.as_bytes(), &values);
        clean(&format!("stderr of {command}"), output.err.as_bytes(), &values);
    }
    let report = &said[1].1.out;
    for outcome in ["rejected", "failed", "held"] {
        assert!(report.contains(outcome), "{report}");
    }
    for folder in ["runs", "ledger", "state"] {
        let files = project.files(&format!(".cutover/{folder}"));
        assert!(!files.is_empty(), "{folder}");
        for file in files {
            clean(&file.to_string_lossy(), &std::fs::read(&file).unwrap(), &values);
        }
    }
    // The test can see what it looks for: the files of rows that were not loaded have every planted value.
    let data: Vec<u8> =
        project.files(".cutover/data/1").iter().flat_map(|f| std::fs::read(f).unwrap()).collect();
    let data = String::from_utf8_lossy(&data);
    for value in planted {
        assert!(data.contains(value), "{value} is in no failed-row file");
    }
}

#[test]
fn what_the_org_quotes_stays_in_the_failed_file() {
    let project = Project::example("quickstart");
    project.set("data/people.csv", "P-1", "email", "unseen-by-anybody");
    let output = project.run(&["apply", "-v"]).exits(68);
    let failed = project.data_file(1, "Contact.", ".failed.csv");
    assert!(failed[0]["sf__Error"].contains("unseen-by-anybody"), "the org quotes it: {failed:?}");
    let value = BTreeSet::from(["unseen-by-anybody".to_owned()]);
    clean("stdout", output.out.as_bytes(), &value);
    clean("stderr", output.err.as_bytes(), &value);
    for file in project.files(".cutover/runs") {
        clean(&file.to_string_lossy(), &std::fs::read(&file).unwrap(), &value);
    }
}

#[test]
fn staged_parts_go_when_they_are_settled() {
    let project = Project::example("quickstart");
    project.apply(0);
    let left: Vec<_> = project.files(".cutover/data").into_iter().filter(|f| !crosswalk(f)).collect();
    assert_eq!(left, Vec::<std::path::PathBuf>::new());
}

fn crosswalk(path: &Path) -> bool {
    path.components().any(|c| c.as_os_str() == "crosswalk")
}

#[test]
#[cfg(unix)]
fn everything_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (project, _) = troubled();
    project.run(&["plan", "--out", ".cutover/saved.json"]).exits(0);
    project.run(&["apply"]).exits(68);
    project.run(&["apply"]).exits(68);
    project.run(&["report", "--crosswalk"]).exits(0);
    let mut found = Vec::new();
    walk(&project.path(".cutover"), &mut found);
    let wrong: Vec<String> = found
        .iter()
        .filter_map(|path| {
            let mode = path.metadata().unwrap().permissions().mode() & 0o777;
            let wanted = if path.is_dir() { 0o700 } else { 0o600 };
            (mode != wanted).then(|| format!("{mode:o} {}", path.display()))
        })
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
    for part in
        ["lock", ".gitignore", "state", "ledger", "runs/2/events.ndjson", "local/local/org.db", "crosswalk"]
    {
        assert!(project.path(&format!(".cutover/{part}")).exists(), "{part}");
    }
}

#[test]
fn git_is_told_to_look_away() {
    let project = Project::example("quickstart");
    project.run(&["plan"]).exits(0);
    assert!(project.read(".cutover/.gitignore").lines().any(|line| line == "*"));
    let moved = project.run(&["apply", "--state-dir", "elsewhere"]);
    moved.exits(0);
    assert!(project.read("elsewhere/.gitignore").lines().any(|line| line == "*"));
}

#[test]
fn a_token_is_written_nowhere() {
    let project = Project::example("quickstart");
    let environments = "environments: { uat: { org: { url: env:TEST_URL, token: env:TEST_TOKEN } } }";
    project.replace("cutover.yaml", "environments: { local: { org: { local: org.yaml } } }", environments);
    let org = Served::start(&project);
    let token = BTreeSet::from([org.token.clone()]);
    for arguments in [&["plan", "-e", "uat", "-v", "--json"][..], &["apply", "-e", "uat", "-v", "--yes"]] {
        let mut command = project.command(arguments);
        command.env("TEST_URL", &org.url).env("TEST_TOKEN", &org.token);
        let output = finished(command).exits(0);
        clean("stdout", output.out.as_bytes(), &token);
        clean("stderr", output.err.as_bytes(), &token);
    }
    for file in project.files(".cutover") {
        clean(&file.to_string_lossy(), &std::fs::read(&file).unwrap(), &token);
    }
}
