//! `cutover state`: every kind of damage told with its file and the way out, what can be mended mended, what is old
//! removed, and an apply that goes on afterwards.

use crate::project::{Output, Project};
use cutover::model::KeyForm;
use serde_json::Value;
use std::path::PathBuf;

/// Two runs, the second with rows that failed in neither.
fn twice() -> Project {
    let project = Project::example("quickstart");
    project.apply(0);
    project.append("data/companies.csv", "1009,Late,1,Here\n");
    project.apply(0);
    project
}

fn check(project: &Project) -> (i32, Value) {
    let output = project.run(&["state", "check", "--json"]);
    (output.code, output.json())
}

/// What is damaged, by file.
fn damaged(found: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = found["findings"].as_array().unwrap().iter().filter(|f| f["grade"] == "damaged");
    findings.map(|f| (text(&f["path"]), text(&f["problem"]))).collect()
}

/// The one file of the ledger of companies whose name ends so.
fn of_ledger(project: &Project, ending: &str) -> PathBuf {
    let files = project.files(".cutover/ledger");
    files.into_iter().find(|f| f.to_string_lossy().ends_with(ending)).unwrap()
}

fn flip(path: &PathBuf, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 0x20;
    std::fs::write(path, bytes).unwrap();
}

fn edit(path: &PathBuf, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn what_is_whole_is_whole() {
    let (code, found) = check(&twice());
    assert_eq!((code, damaged(&found)), (0, vec![]), "{found}");
    assert_eq!(found["findings"], Value::Array(vec![]), "{found}");
    assert_eq!((found["runs"].as_array().unwrap().len(), &found["exit"]), (2, &0.into()));
}

/// What is named, and what damages it.
type Damage = (&'static str, Box<dyn Fn(&Project)>);

#[test]
fn each_kind_of_damage_is_told_with_its_file() {
    let journal = |p: &Project| p.path(".cutover/runs/2/events.ndjson");
    let cases: Vec<Damage> = vec![
        ("runs/2/events.ndjson:2", Box::new(move |p| edit(&journal(p), "surveyed", "sorveyed"))),
        ("runs/2/plan.json", Box::new(|p| p.write(".cutover/runs/2/plan.json", "{"))),
        ("runs/1/report.json", Box::new(|p| p.write(".cutover/runs/1/report.json", "{"))),
        ("CURRENT", Box::new(|p| std::fs::write(of_ledger(p, "Account/CURRENT"), "").unwrap())),
        ("CURRENT", Box::new(|p| edit(&of_ledger(p, "Account/CURRENT"), "\"version\": 1", "\"version\": 7"))),
        (".seg", Box::new(|p| flip(&of_ledger(p, ".seg"), 60))),
        (".seg", Box::new(|p| std::fs::remove_file(of_ledger(p, ".seg")).unwrap())),
    ];
    for (file, damage) in cases {
        let project = twice();
        damage(&project);
        let (code, found) = check(&project);
        let found = damaged(&found);
        assert_eq!((code, found.len()), (65, 1), "{file}: {found:?}");
        assert!(found[0].0.contains(file), "{file}: {found:?}");
    }
}

fn repaired(project: &Project) -> Output {
    project.run(&["state", "repair", "--yes", "--json"])
}

#[test]
fn what_is_mended_is_named_first_and_an_apply_goes_on() {
    let project = twice();
    let journal = project.read(".cutover/runs/2/events.ndjson");
    project.write(".cutover/runs/2/events.ndjson", &format!("{journal}0123456789abcdef {{\"seq\":"));
    project.write(".cutover/data/1/Account-0-0.csv", "left over");
    project.write(".cutover/data/2/x.left-out.csv.tmp", "");
    let dry = project.run(&["state", "repair", "--dry-run", "--json"]).exits(0).json();
    assert_eq!((dry["changes"].as_array().unwrap().len(), &dry["done"]), (3, &false.into()), "{dry}");
    assert_eq!(check(&project).1["findings"].as_array().unwrap().len(), 3, "nothing was changed");
    let nobody = project.run(&["state", "repair"]).exits(64);
    assert!(
        nobody.out.contains("cut runs/2/events.ndjson") && nobody.err.contains("no terminal"),
        "{nobody:?}"
    );
    let done = repaired(&project).exits(0).json();
    assert_eq!((&done["changes"], &done["done"]), (&dry["changes"], &true.into()));
    assert_eq!(check(&project).1["findings"], Value::Array(vec![]));
    assert_eq!(project.read(".cutover/runs/2/events.ndjson"), journal);
    project.append("data/companies.csv", "1010,Later,1,Here\n");
    assert_eq!(project.apply(0).count("Account", "created"), 1);
}

#[test]
fn what_cannot_be_mended_is_said_and_left_alone() {
    let project = twice();
    let segment = of_ledger(&project, ".seg");
    flip(&segment, 60);
    let before = std::fs::read(&segment).unwrap();
    let output = project.run(&["state", "repair", "--yes"]).exits(65);
    assert!(
        output.out.contains("cannot be repaired") && output.out.contains("apply --refresh"),
        "{output:?}"
    );
    assert_eq!(std::fs::read(&segment).unwrap(), before);
}

#[test]
fn old_runs_go_and_the_rest_works_on() {
    let project = twice();
    for number in 0..3 {
        project.append(
            "data/people.csv",
            &format!("P-9{number},Newcomer,Number{number},n{number}@example.com,1001\n"),
        );
        project.apply(0);
    }
    let crosswalk = |project: &Project| {
        project.run(&["report", "--crosswalk"]).exits(0);
        let mut rows: Vec<_> = ["Account", "Contact"]
            .iter()
            .flat_map(|object| project.csv(&format!(".cutover/crosswalk/{object}.csv")))
            .collect();
        rows.sort();
        rows
    };
    let before = crosswalk(&project);
    let found = project.run(&["state", "prune", "--keep", "2", "--yes", "--json"]).exits(0).json();
    assert_eq!(found["changes"].as_array().unwrap().len(), 4, "{found}");
    for run in 1..=5 {
        let there = (
            project.path(&format!(".cutover/runs/{run}")).exists(),
            project.path(&format!(".cutover/data/{run}")).exists(),
        );
        assert_eq!(there, (run > 3, run > 3), "run {run}");
    }
    assert_eq!(crosswalk(&project), before, "every key is still known");
    assert_eq!(check(&project).0, 0);
    project.run(&["state", "prune", "--keep", "2", "--yes"]).exits(0);
    project.append("data/companies.csv", "1011,Last,1,Here\n");
    let report = project.apply(0);
    assert_eq!((report.0["run"].as_u64(), report.count("Account", "created")), (Some(6), 1));
}

#[test]
fn the_ledger_as_data() {
    let project = twice();
    let lines = project.run(&["state", "export"]).exits(0).out;
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows[0]["schema"], "cutover.ledger/2");
    let accounts = rows.iter().filter(|row| row["object"] == "Account").count() as u64;
    assert_eq!(accounts, project.count("Account WHERE Legacy_Id__c != null"));
    for row in &rows[1..] {
        assert!(row["key_hash"].as_str().unwrap().len() == 32 && row["id"].is_string(), "{row}");
        assert_eq!((&row["state"], &row["created_by_us"]), (&"landed".into(), &true.into()));
    }
    project.run(&["state", "export", "--csv", "--out", "ledger.csv"]).exits(0);
    assert_eq!(project.csv("ledger.csv").len(), rows.len() - 1);
    let wrong = project.run(&["state", "export", "--org", "00D"]).exits(64);
    assert!(wrong.err.contains("no ledger of org `00D`"), "{wrong:?}");
}

/// The hash of a key that everybody can make who has this program.
fn plain(key: &str) -> u128 {
    KeyForm::FoldedText.hash(key).unwrap()
}

/// What leaves the folder gives nothing away to guesses of keys, or of what a source holds.
#[test]
fn guessing_gives_nothing_back() {
    let project = twice();
    let keys = [("companies", "company_id"), ("people", "person_id")];
    let keys: Vec<String> = keys
        .iter()
        .flat_map(|(file, key)| {
            project.csv(&format!("data/{file}.csv")).into_iter().map(move |row| row[*key].clone())
        })
        .collect();
    let export = || project.run(&["state", "export"]).exits(0).out;
    let found = |text: &str| keys.iter().filter(|key| text.contains(&format!("{:032x}", plain(key)))).count();
    assert_eq!((keys.len(), found(&export())), (13, 0), "keys that were guessed");
    assert_eq!(export(), export(), "the same each time");
    project.run(&["state", "export", "--csv", "--out", "ledger.csv"]).exits(0);
    assert_eq!(found(&project.read("ledger.csv")), 0);
    // A plan names its sources, and a rollback's what it deletes.
    project.run(&["plan", "--out", "saved.json"]).exits(0);
    let source = blake3::hash(project.read("data/companies.csv").as_bytes()).to_hex().to_string();
    assert!(!project.read("saved.json").contains(&source));
    project.run(&["apply", "saved.json"]).exits(0);
    project.run(&["rollback", "2", "--out", "back.json"]).exits(0);
    let record = &project.query("SELECT Id FROM Account WHERE Legacy_Id__c = '1009'")[0]["Id"];
    let list = blake3::hash(&[&record.as_bytes()[..15], &plain("1009").to_be_bytes()].concat());
    assert!(!project.read("back.json").contains(list.to_hex().as_str()));
    project.run(&["rollback", "back.json", "--yes"]).exits(0);
}

#[test]
fn the_secret_is_the_projects_own_and_for_its_owner_alone() {
    let (project, other) = (twice(), twice());
    let hashes = |project: &Project| {
        let out = project.run(&["state", "export"]).exits(0).out;
        let rows = out.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).unwrap());
        rows.map(|row| row["key_hash"].as_str().unwrap().to_owned())
            .collect::<std::collections::BTreeSet<_>>()
    };
    let (one, two) = (hashes(&project), hashes(&other));
    assert!(one.len() == two.len() && one.is_disjoint(&two), "{one:?} {two:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(project.path(".cutover/secret.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Where it is lost, a plan that was saved is stale, and everything else goes on.
    project.run(&["plan", "--out", "saved.json"]).exits(0);
    std::fs::remove_file(project.path(".cutover/secret.json")).unwrap();
    assert!(project.run(&["apply", "saved.json"]).exits(81).err.contains("stale"));
    assert_eq!(project.apply(0).total("unchanged"), 13);
    assert!(hashes(&project).is_disjoint(&one));
}

#[test]
fn small_files_beside_the_journals_are_looked_at_too() {
    for (file, words) in [("secret.json", "stale"), ("environments.json", "journals")] {
        let project = twice();
        let path = format!(".cutover/{file}");
        let whole = project.read(&path);
        for (text, says) in [("{}", "names no version"), ("{\"version\":7}", "format version 7")] {
            project.write(&path, text);
            let (code, found) = check(&project);
            let found = damaged(&found);
            assert_eq!((code, found.len(), found[0].0.as_str()), (65, 1, file), "{found:?}");
            assert!(found[0].1.contains(says), "{found:?}");
            let refused = project.run(&["apply"]).exits(65);
            assert!(refused.err.contains(file) && refused.err.contains(says), "{}", refused.err);
        }
        project.write(&path, "{");
        assert!(project.run(&["apply"]).exits(65).err.contains(words));
        project.write(&path, &whole);
        project.write(&format!("{path}.tmp"), "half");
        assert_eq!(repaired(&project).exits(0).json()["changes"].as_array().unwrap().len(), 1);
        std::fs::remove_file(project.path(&path)).unwrap();
        assert_eq!((check(&project).0, project.apply(0).total("unchanged")), (0, 13));
    }
}

#[test]
fn a_journal_is_replayed_wherever_it_lies() {
    let project = twice();
    let here = project.run(&["status", "--json"]).exits(0).json();
    let alone = Project::of(&[("j", &project.read(".cutover/runs/2/events.ndjson"))]);
    let there = alone.run(&["status", "--journal", "j", "--json"]).exits(0).json();
    assert_eq!((&there["loads"], &there["run_state"]), (&here["loads"], &here["run_state"]));
    alone.write("torn", &format!("{}0123", alone.read("j")));
    alone.run(&["status", "--journal", "torn"]).exits(0);
    let bad = |text: &str, words: &str| {
        alone.write("bad", text);
        let told = alone.run(&["status", "--journal", "bad"]).exits(65).err;
        assert!(told.contains(words), "{words}: {told}");
    };
    bad(&alone.read("j").replacen("surveyed", "sorveyed", 1), "bad:2 is damaged: its bytes are not those");
    bad("", "holds no whole event");
    bad("company_id,company\n1,One\n2,Two\n", "bad:1 is damaged: it has no checksum");
    alone.run(&["status", "--journal", "nowhere"]).exits(64);
}

#[test]
fn without_a_state_there_is_nothing_to_look_at() {
    let project = Project::example("quickstart");
    for command in ["check", "repair", "export", "prune"] {
        let output = project.run(&["state", command]).exits(64);
        assert!(output.err.contains("there is no state in .cutover"), "{output:?}");
    }
    assert!(!project.path(".cutover").exists(), "and none was made");
}

#[test]
fn runs_that_sent_nothing_push_no_other_out() {
    let project = Project::example("quickstart");
    project.apply(0);
    (0..12).for_each(|_| assert_eq!(project.apply(0).jobs(), []));
    project.run(&["state", "prune", "--yes"]).exits(0);
    let runs = std::fs::read_dir(project.path(".cutover/runs")).unwrap().count();
    assert_eq!(runs, 11, "the one that sent something, and the newest ten that did not");
    project.run(&["rollback", "1", "--yes"]).exits(0);
    assert_eq!(project.count("Account WHERE Legacy_Id__c != null"), 0);
}
