//! Two orgs are never one: a local org draws what its ids follow from, ledgers are kept by org, and each environment's org
//! is remembered. Everything through the real binary.

use crate::http::Served;
use crate::project::{Output, Project, finished};
use crate::world::{self, Aim, World};
use cutover::engine::Exit;
use cutover::local_org::{LocalOrg, Options};

const MANIFEST: &str = "cutover: 1
project: two
environments:
  dev: { org: { local: org.yaml } }
  uat: { org: { local: org.yaml } }
  remote: { org: { url: env:TEST_URL, token: env:TEST_TOKEN } }
  mirror: { org: { url: env:TEST_URL, token: env:TEST_TOKEN } }
objects:
  - { object: Account, key: K__c, source: accounts.csv, fields: { K__c: k, Name: name } }
  - object: Task
    key: K__c
    source: tasks.csv
    fields: { K__c: k, Subject: subject, WhatId: { ref: Account, from: account } }
";
const ORG: &str = "objects:
  Account: { fields: { K__c: { type: string, length: 20, external_id: true, unique: true } } }
  Task: { fields: { K__c: { type: string, length: 20, external_id: true, unique: true } } }
";

fn two() -> Project {
    Project::of(&[
        ("cutover.yaml", MANIFEST),
        ("org.yaml", ORG),
        ("accounts.csv", "k,name\nA1,One\nA2,Two\n"),
        ("tasks.csv", "k,subject,account\nT1,Call,A1\n"),
    ])
}

/// Runs in an environment that is this served org.
fn run(project: &Project, org: &Served, arguments: &[&str]) -> Output {
    let mut command = project.command(arguments);
    command.env("TEST_URL", &org.url).env("TEST_TOKEN", &org.token);
    finished(command)
}

/// What a local org of the project holds.
fn names(project: &Project, environment: &str) -> Vec<String> {
    let soql = "SELECT Name FROM Account WHERE K__c != null ORDER BY Name";
    let told = project.run(&["local", "query", ".", soql, "--csv", "-e", environment]).exits(0).out;
    told.lines().skip(1).map(str::to_owned).collect()
}

/// The id of an environment's org, as its plan tells it.
fn org_of(project: &Project, environment: &str) -> String {
    let plan = project.run(&["plan", "--json", "-e", environment]).exits(0).json();
    plan["org_id"].as_str().unwrap().to_owned()
}

#[test]
fn what_goes_to_one_local_org_is_not_told_of_another() {
    let project = two();
    assert_eq!(project.apply_with(&["-e", "dev"], 0).total("created"), 3);
    assert_eq!(project.apply_with(&["-e", "uat", "--refresh"], 0).total("created"), 3);
    project.set("accounts.csv", "A2", "name", "Zwei");
    assert_eq!(project.apply_with(&["-e", "dev"], 0).outcomes("Account"), "1 unchanged, 1 updated");
    assert_eq!(project.apply_with(&["-e", "uat"], 0).outcomes("Account"), "1 unchanged, 1 updated");
    for environment in ["dev", "uat"] {
        assert_eq!(names(&project, environment), ["One", "Zwei"], "{environment}");
    }
    assert_ne!(org_of(&project, "dev"), org_of(&project, "uat"));
}

#[test]
fn two_served_folders_are_two_orgs_and_each_stays_the_one_it_is() {
    let project = two();
    let apply = |org: &Served, words: &[&str]| {
        run(&project, org, &[&["apply", "-e", "remote", "--yes", "--json"], words].concat())
    };
    let first = Served::kept(&project, "first");
    apply(&first, &[]).exits(0);
    let ids = |org: &Served| {
        let found = org.query("SELECT Id FROM Account WHERE K__c != null ORDER BY Id");
        let records = found["records"].as_array().unwrap().iter();
        records.map(|r| r["Id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (id, token, accounts) = (first.org_id.clone(), first.token.clone(), ids(&first));
    drop(first);
    let second = Served::kept(&project, "second");
    assert_ne!((&second.org_id, &second.token), (&id, &token), "another folder, another org");
    for words in [&["plan", "-e", "remote"][..], &["apply", "-e", "remote", "--yes"]] {
        let told = run(&project, &second, words).exits(81).err;
        assert!(told.contains(&id) && told.contains(&second.org_id) && told.contains("--refresh"), "{told}");
    }
    assert_eq!(second.jobs(), 0);
    let taken = apply(&second, &["--refresh"]).exits(0).json();
    assert_eq!(taken["loads"][0]["created"], 2, "{taken}");
    let others = ids(&second);
    assert!(others.len() == 2 && others.iter().all(|id| !accounts.contains(id)), "{others:?} {accounts:?}");
    let task = second.query("SELECT WhatId, What.Name FROM Task");
    assert_eq!(task["records"][0]["What"]["Name"], "One", "{task}");
    apply(&second, &[]).exits(0);
    drop(second);
    // The first one is still who it was, and what is known of it is known.
    let first = Served::kept(&project, "first");
    assert_eq!((&first.org_id, &first.token), (&id, &token));
    apply(&first, &[]).exits(81);
    let back = apply(&first, &["--refresh"]).exits(0).json();
    assert_eq!(back["loads"][0]["unchanged"], 2, "{back}");
}

#[test]
fn environments_of_one_org_share_what_is_known_and_the_plan_says_so() {
    let project = two();
    let org = Served::start(&project);
    let alone = run(&project, &org, &["apply", "-e", "remote", "--yes"]).exits(0);
    assert!(!alone.err.contains("share"), "{}", alone.err);
    let plan = run(&project, &org, &["plan", "-e", "mirror", "--json"]).exits(0).json();
    let notes: Vec<&str> = plan["notes"].as_array().unwrap().iter().filter_map(|n| n.as_str()).collect();
    let said =
        notes.iter().filter(|n| n.contains("`remote`") && n.contains(&org.org_id) && n.contains("share"));
    assert_eq!(said.count(), 1, "{notes:?}");
    assert_eq!((&plan["changes"], &plan["loads"][0]["unchanged"]), (&false.into(), &2.into()));
    run(&project, &org, &["apply", "-e", "mirror", "--yes"]).exits(0);
}

#[test]
fn a_seed_can_be_fixed_and_an_org_keeps_the_one_it_has() {
    let project = two();
    let seeded = |words: &[&str]| Served::serve(&project, words).org_id.clone();
    let seven = seeded(&["--seed", "7"]);
    assert_eq!(seeded(&["--seed", "7"]), seven);
    assert_ne!(seeded(&["--seed", "8"]), seven);
    assert_ne!(seeded(&[]), seeded(&[]), "drawn");
    let kept = seeded(&["--seed", "7", "--data", "kept"]);
    assert_eq!(
        (&kept, &seeded(&["--data", "kept"]), &seeded(&["--seed", "8", "--data", "kept"])),
        (&seven, &seven, &seven)
    );
}

#[test]
fn the_variable_fixes_every_environment_and_each_is_another_org() {
    let plan = |project: &Project, environment: &str, seed: &str| {
        let mut command = project.command(&["plan", "--json", "-e", environment]);
        finished({
            command.env("CUTOVER_LOCAL_SEED", seed);
            command
        })
    };
    let org = |project: &Project, environment: &str| {
        plan(project, environment, "7").exits(0).json()["org_id"].as_str().unwrap().to_owned()
    };
    let (one, other) = (two(), two());
    assert_eq!((org(&one, "dev"), org(&one, "uat")), (org(&other, "dev"), org(&other, "uat")));
    assert_ne!(org(&one, "dev"), org(&one, "uat"));
    assert_eq!(org_of(&one, "dev"), org(&one, "dev"), "it keeps what it was made with");
    let wrong = plan(&two(), "dev", "seven").exits(64);
    assert!(wrong.err.contains("CUTOVER_LOCAL_SEED") && wrong.err.contains("`seven`"), "{}", wrong.err);
}

/// The rows of a run that was under way in a local org that is no more: there is no org to ask for them.
#[test]
fn a_run_that_was_under_way_in_a_local_org_that_is_gone_is_superseded() {
    for until in ["org POST /services/data/v67.0/jobs/ingest", "org GET /services/data/v67.0/jobs/ingest"] {
        let project = world::Project::quickstart();
        let mut world = World::new(&project);
        assert!(world.apply(Aim::BeforeFirst(until)).end.is_none());
        let options =
            Options { seed: 8, base_url: "http://local".into(), now: world.now(), ..Options::default() };
        world.org = LocalOrg::open(project.schema.clone(), options).unwrap();
        let refused = world.apply(Aim::Nowhere).end.unwrap().unwrap_err();
        assert_eq!(refused.exit(), Exit::Stale, "{refused}");
        let life = world.apply_refreshed(Aim::Nowhere);
        let finished = life.end.unwrap().unwrap();
        assert_eq!((finished.exit, finished.state.run), (Exit::Done, 2), "{:?}", life.notes);
        assert!(life.notes.iter().any(|note| note.contains("its org is gone")), "{:?}", life.notes);
        let created: u64 = finished.state.loads.iter().map(|load| load.outcomes[5]).sum();
        assert_eq!(created, 12);
        assert!(
            !world.disk.paths().iter().any(|path| path.starts_with("data/1/") && path.ends_with(".index"))
        );
        assert_eq!(world.apply(Aim::Nowhere).end.unwrap().unwrap().exit, Exit::Done);
    }
}

/// The environment led to a real org when the run began, and leads to a local one now: the real one is not gone.
#[test]
fn a_run_that_is_under_way_in_a_real_org_is_not_given_up() {
    let project = two();
    let manifest = project.read("cutover.yaml");
    let real = manifest.replacen(
        "dev: { org: { local: org.yaml } }",
        "dev: { org: { url: env:TEST_URL, token: env:TEST_TOKEN } }",
        1,
    );
    project.write(
        "cutover.yaml",
        &real.replace("- { object: Account,", "- { object: Account, pause_after: true,"),
    );
    let org = Served::start(&project);
    run(&project, &org, &["apply", "-e", "dev", "--yes"]).exits(69);
    project.write("cutover.yaml", &manifest);
    for more in [&[][..], &["--refresh"]] {
        let refused = project.run(&[&["apply", "-e", "dev"][..], more].concat()).exits(81).err;
        assert!(refused.contains(&org.org_id) && !refused.contains("superseded"), "{more:?}: {refused}");
    }
    // It goes on where it was.
    project.write("cutover.yaml", &real);
    let end = run(&project, &org, &["apply", "-e", "dev", "--yes", "--json"]).exits(0).json();
    assert_eq!(end["run"], 1, "{end}");
}

#[test]
fn an_environment_takes_its_local_org_along_to_another_name() {
    let project = two();
    project.apply_with(&["-e", "dev"], 0);
    let manifest = project.read("cutover.yaml");
    project.write("cutover.yaml", &manifest.replacen("  dev:", "  development:", 1));
    std::fs::rename(project.path(".cutover/local/dev"), project.path(".cutover/local/development")).unwrap();
    assert_eq!(project.apply_with(&["-e", "development"], 0).total("unchanged"), 3);
}

#[test]
fn a_local_org_that_was_thrown_away_is_another_one() {
    let project = two();
    project.apply_with(&["-e", "dev"], 0);
    let before = org_of(&project, "dev");
    std::fs::remove_dir_all(project.path(".cutover/local/dev")).unwrap();
    let told = project.run(&["apply", "-e", "dev"]).exits(81).err;
    assert!(told.contains(&before) && told.contains("--refresh"), "{told}");
    assert_eq!(project.apply_with(&["-e", "dev", "--refresh"], 0).total("created"), 3);
    // The store of the folded state is disposable, and does not hold this.
    let now = org_of(&project, "dev");
    std::fs::remove_dir_all(project.path(".cutover/state")).unwrap();
    std::fs::remove_dir_all(project.path(".cutover/local/dev")).unwrap();
    let told = project.run(&["plan", "-e", "dev"]).exits(81).err;
    assert!(told.contains(&now), "{told}");
}

#[test]
fn what_is_told_of_an_environment_is_its_own_last_run() {
    let project = two();
    project.apply_with(&["-e", "dev"], 0);
    project.apply_with(&["-e", "uat"], 0);
    for command in ["report", "status"] {
        let told = |more: &[&str]| project.run(&[&[command, "--json"], more].concat()).exits(0).json();
        assert_eq!((&told(&[])["run"], &told(&["-e", "uat"])["run"]), (&2.into(), &2.into()), "{command}");
        assert_eq!(told(&["-e", "dev"])["run"], 1, "{command}");
        let refused = project.run(&[command, "-e", "nosuch"]).exits(64).err;
        assert!(refused.contains("`nosuch`") && refused.contains("`dev`, `uat`"), "{command}: {refused}");
    }
    // A run between them was pruned, or moved aside.
    project.apply_with(&["-e", "uat", "--refresh"], 0);
    std::fs::rename(project.path(".cutover/runs/2"), project.path("moved")).unwrap();
    for command in ["report", "status"] {
        let told = project.run(&[command, "--json", "-e", "dev"]).exits(0).json();
        assert_eq!(told["run"], 1, "{command}");
        let refused = project.run(&[command, "-e", "nosuch"]).exits(64).err;
        assert!(refused.contains("`dev`, `uat`"), "{command}: {refused}");
    }
}

/// Every run can be told, and every screen says whose it was.
#[test]
fn any_run_is_told_by_its_number() {
    let project = two();
    project.apply_with(&["-e", "dev"], 0);
    project.apply_with(&["-e", "uat"], 0);
    for (run, environment) in [("1", "dev"), ("2", "uat")] {
        for path in [&[][..], &["."], &["cutover.yaml"]] {
            let told = project.run(&[&["report", run, "--json"], path].concat()).exits(0).json();
            assert_eq!(
                (told["run"].to_string(), &told["environment"]),
                (run.to_owned(), &environment.into())
            );
            assert_eq!((&told["project"], &told["org_name"]), (&"two".into(), &"cutover local org".into()));
            assert_eq!(told["user"], "admin@local.invalid");
            let ids = project.run(&["plan", "--json", "-e", environment]).exits(0).json();
            assert_eq!(told["org_id"], ids["org_id"], "run {run}");
        }
        let screen = project.run(&["report", run]).exits(0).out;
        let head = format!("two → {environment} (org 00D");
        assert!(
            screen.starts_with(&head) && screen.contains(&format!("as admin@local.invalid), run {run}, ")),
            "{screen}"
        );
    }
    for (arguments, says) in [
        (&["report", "3"][..], "there is no run 3"),
        (&["report", "1", "-e", "uat"], "run 1 went to `dev`, not to `uat`"),
        (&["report", ".", "1"], "no run's number"),
    ] {
        let told = project.run(arguments).exits(64).err;
        assert!(told.contains(says), "{arguments:?}: {told}");
    }
    let list = project.run(&["report", "--list", "--json"]).exits(0).json();
    let runs: Vec<_> = list["runs"].as_array().unwrap().iter().map(|run| &run["environment"]).collect();
    assert_eq!(runs, ["dev", "uat"]);
    let of_one = project.run(&["report", "--list", "-e", "uat"]).exits(0).out;
    assert!(of_one.lines().count() == 2 && of_one.contains(" 2    uat "), "{of_one}");
}
