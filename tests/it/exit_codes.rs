//! Exit codes tell the truth. 69 is seen where runs are interrupted; 68 and 84 are also counted in `held.rs`.

use crate::http::Served;
use crate::project::{Output, Project, Report, finished};

/// The quickstart with a second environment that is a login.
fn with_sandbox(extra: &str) -> Project {
    let project = Project::example("quickstart");
    let sandbox = format!("sandbox: {{ org: {{ url: env:TEST_URL, token: env:TEST_TOKEN }}{extra} }}");
    let environments = format!("environments: {{ local: {{ org: {{ local: org.yaml }} }}, {sandbox} }}");
    project.replace("cutover.yaml", "environments: { local: { org: { local: org.yaml } } }", &environments);
    project
}

/// Runs in the environment `sandbox`, which is that org.
fn run(project: &Project, org: &Served, arguments: &[&str]) -> Output {
    let mut command = project.command(&[arguments, &["-e", "sandbox"]].concat());
    command.env("TEST_URL", &org.url).env("TEST_TOKEN", &org.token);
    finished(command)
}

#[track_caller]
fn report(output: Output) -> Report {
    Report(output.json()).balances()
}

#[test]
fn done_and_changes() {
    let project = Project::example("quickstart");
    project.run(&["check"]).exits(0);
    project.run(&["plan"]).exits(0);
    project.run(&["plan", "--detailed-exitcode"]).exits(2);
    project.run(&["apply"]).exits(0);
    project.run(&["plan", "--detailed-exitcode"]).exits(0);
    for command in ["status", "report", "graph", "schema", "--help", "--version"] {
        project.run(&[command]).exits(0);
    }
    project.run(&["completions", "bash"]).exits(0);
}

#[test]
fn usage_is_64() {
    let project = Project::example("quickstart");
    let wrong: [&[&str]; 10] = [
        &["apply", "--frobnicate"],
        &["aply"],
        &[],
        &["check", "nowhere"],
        &["status"],
        &["plan", "--select", "Acount"],
        &["graph", "--format", "dot"],
        &["local", "query", ".", "SELECT Name FROM Account", "--csv", "more"],
        &["completions", "tcl"],
        &["verify"],
    ];
    for arguments in wrong {
        let output = project.run(arguments).exits(64);
        assert_eq!(output.out, "", "{arguments:?}");
        assert_ne!(output.err, "", "{arguments:?}");
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = project.command(&["check"]);
    command.current_dir(elsewhere.path());
    assert!(finished(command).exits(64).err.contains("cutover.yaml"));
}

#[test]
fn an_org_that_is_not_local_is_written_only_with_consent() {
    let project = with_sandbox("");
    let org = Served::start(&project);
    let asked = run(&project, &org, &["apply"]).exits(64);
    assert!(asked.err.contains("--yes") && asked.err.contains("12 rows to send"), "{}", asked.err);
    assert_eq!((org.jobs(), org.count("Account")), (0, 0));
    // A plan that was saved is consent, and so is the word.
    run(&project, &org, &["plan", "--out", "saved.json"]).exits(0);
    let mut command = project.command(&["apply", "saved.json", "--json"]);
    command.env("TEST_URL", &org.url).env("TEST_TOKEN", &org.token);
    assert_eq!(report(finished(command).exits(0)).total("created"), 12);
    project.set("data/companies.csv", "1001", "phone", "1");
    let yes = report(run(&project, &org, &["apply", "--yes", "--json"]).exits(0));
    assert_eq!((yes.total("updated"), yes.total("unchanged")), (1, 11));
    assert_eq!(org.count("Contact WHERE Account.Name = 'Aldgate+Bakery'"), 2);
    // With nothing to do there is nothing to ask.
    run(&project, &org, &["apply"]).exits(0);
}

#[test]
fn invalid_is_65() {
    let manifest = Project::example("quickstart");
    manifest.replace("cutover.yaml", "LastName: last_name", "LastName: surname");
    for command in ["check", "plan", "apply", "graph"] {
        assert!(manifest.run(&[command]).exits(65).err.contains("`surname` is not a column"), "{command}");
    }
    let org = Project::example("quickstart");
    org.replace("cutover.yaml", "LastName: last_name", "LstName: last_name");
    org.run(&["check"]).exits(0);
    assert!(org.run(&["apply"]).exits(65).err.contains("`LastName`"));
    let environment = Project::example("quickstart");
    assert!(environment.run(&["plan", "-e", "prod"]).exits(65).err.contains("`local`"));
    let data = Project::example("quickstart");
    data.append("data/companies.csv", "1001,Twice,1,Here\n");
    assert!(data.run(&["apply"]).exits(65).err.contains("CUT0308"));
    let schema = Project::example("quickstart");
    schema.replace("org.yaml", "  Contact:\n", "  Kontact:\n");
    schema.run(&["apply"]).exits(65);
}

#[test]
fn partial_is_68_until_it_is_whole() {
    let project = Project::example("quickstart");
    project.set("data/people.csv", "P-1", "company_id", "9999");
    project.run(&["apply"]).exits(68);
    project.run(&["apply"]).exits(68);
    assert_eq!(project.run(&["status", "--json"]).exits(0).json()["exit"], 68);
    project.set("data/people.csv", "P-1", "company_id", "1001");
    project.run(&["apply"]).exits(0);
    assert_eq!(project.run(&["status", "--json"]).exits(0).json()["exit"], 0);
}

#[test]
fn a_second_process_is_75() {
    let project = Project::example("quickstart");
    project.run(&["apply"]).exits(0);
    project.set("data/companies.csv", "1001", "phone", "1");
    let lock = std::fs::File::options().write(true).open(project.path(".cutover/lock")).unwrap();
    lock.lock().unwrap();
    for command in ["apply", "plan"] {
        let output = project.run(&[command]).exits(75);
        assert!(output.err.contains("another cutover") && output.err.contains("works on"), "{}", output.err);
    }
    // What only reads goes on.
    for command in ["status", "report", "check"] {
        project.run(&[command]).exits(0);
    }
    drop(lock);
    assert_eq!(project.apply(0).total("updated"), 1);
}

#[test]
fn a_wrong_token_is_77() {
    let project = with_sandbox("");
    let org = Served::start(&project);
    for command in ["plan", "apply"] {
        let mut command = project.command(&[command, "-e", "sandbox"]);
        command.env("TEST_URL", &org.url).env("TEST_TOKEN", "00Dwrong!token-nobody-may-see");
        let output = finished(command).exits(77);
        assert!(output.err.contains("INVALID_SESSION_ID") || output.err.contains("token"), "{}", output.err);
        assert!(!format!("{}{}", output.out, output.err).contains("nobody-may-see"), "{}", output.err);
    }
    assert_eq!(org.jobs(), 0);
    let mut command = project.command(&["plan", "-e", "sandbox"]);
    command.env("TEST_URL", &org.url);
    assert!(finished(command).exits(65).err.contains("`TEST_TOKEN` is not set"));
}

#[test]
fn the_wrong_org_is_81() {
    let project = with_sandbox(", org_id: 00D5g000004Xyz9EAC");
    let org = Served::start(&project);
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let output = run(&project, &org, command).exits(81);
        assert!(output.err.contains(&org.org_id) && output.err.contains("wrong org"), "{}", output.err);
    }
    assert_eq!(org.jobs(), 0);
    project.replace("cutover.yaml", "00D5g000004Xyz9EAC", &org.org_id);
    run(&project, &org, &["apply", "--yes"]).exits(0);
    // The plan of one org is not for another, though it is the same in all else.
    let saved = run(&project, &org, &["plan", "--json"]).exits(0).out;
    project.write("saved.json", &saved.replace(&org.org_id, "00D5g000004Xyz9EAC"));
    let stale = run(&project, &org, &["apply", "saved.json"]).exits(81);
    assert!(stale.err.contains("another org"), "{}", stale.err);
}

#[test]
fn a_saved_plan_is_executed_as_it_was_reviewed() {
    let project = Project::example("quickstart");
    let shown = project.run(&["plan", "--json", "--out", "saved.json"]).exits(0);
    assert_eq!(shown.out, project.read("saved.json"));
    assert_eq!(project.apply_with(&["saved.json"], 0).total("created"), 12);
    // Executed once, it is stale: what it would create has landed.
    let again = project.run(&["apply", "saved.json"]).exits(81);
    assert!(again.err.contains("what has landed has changed since"), "{}", again.err);
}

#[test]
fn a_saved_plan_is_refused_once_something_changed() {
    type Change = fn(&Project);
    let changes: [(&str, Change); 5] = [
        ("a source has changed", |p| p.set("data/people.csv", "P-2", "last_name", "Brueck")),
        ("a source has changed", |p| p.append("data/companies.csv", "1007,Gant & Co,,Ghent\n")),
        ("the manifest or the org has changed", |p| {
            p.replace("cutover.yaml", "email | lower", "email | upper");
        }),
        ("the manifest or the org has changed", |p| {
            p.replace(
                "cutover.yaml",
                "    source: data/people.csv\n",
                "    source: data/people.csv\n    where: email\n",
            );
        }),
        ("what has landed has changed", |p| {
            p.run(&["apply", "--select", "Account"]).exits(0);
        }),
    ];
    for (why, change) in changes {
        let project = Project::example("quickstart");
        project.run(&["plan", "--out", "saved.json"]).exits(0);
        change(&project);
        let before = project.count("Account");
        let output = project.run(&["apply", "saved.json"]).exits(81);
        assert!(output.err.contains("the saved plan is stale") && output.err.contains(why), "{}", output.err);
        assert_eq!((project.count("Account"), project.count("Contact")), (before, 0), "{why}");
    }
    // How the manifest is written is no change.
    let project = Project::example("quickstart");
    project.run(&["plan", "--out", "saved.json"]).exits(0);
    project.append("cutover.yaml", "# reviewed\n");
    project.apply_with(&["saved.json"], 0);
}

#[test]
fn what_is_no_plan_is_refused() {
    let project = Project::example("quickstart");
    project.run(&["plan", "--out", "saved.json"]).exits(0);
    project.replace("saved.json", "\"cutover.plan/1\"", "\"cutover.plan/2\"");
    project.run(&["apply", "saved.json"]).exits(81);
    project.write("saved.json", "{}\n");
    project.run(&["apply", "saved.json"]).exits(81);
    assert_eq!(project.count("Account"), 0);
}

#[test]
fn the_same_inputs_give_the_same_plan_byte_for_byte() {
    for example in ["northwind", "cycle"] {
        let (first, second) = (Project::example(example), Project::example(example));
        let run = |project: &Project, arguments: &[&str]| {
            let mut command = project.command(arguments);
            command.env("CUTOVER_LOCAL_SEED", "7");
            finished(command).exits(0).out
        };
        let plan = run(&first, &["plan", "--json"]);
        assert_eq!(run(&first, &["plan", "--json"]), plan);
        // The org and the project's secret are inputs like the manifest.
        std::fs::create_dir_all(second.path(".cutover")).unwrap();
        std::fs::copy(first.path(".cutover/secret.json"), second.path(".cutover/secret.json")).unwrap();
        assert_eq!(run(&second, &["plan", "--json"]), plan, "in another folder");
        assert_eq!(run(&first, &["plan"]), run(&second, &["plan"]));
    }
}

#[test]
fn records_that_vanished_are_81_and_refresh_loads_exactly_them() {
    let project = with_sandbox("");
    let org = Served::start(&project);
    run(&project, &org, &["apply", "--yes"]).exits(0);
    assert_eq!(org.delete("Contact", "LastName = 'Okafor' OR LastName = 'Osei'"), 2);
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let output = run(&project, &org, command).exits(81);
        assert!(output.err.contains("apply --refresh"), "{}", output.err);
        assert!(output.err.contains("the org has 4 Contact records"), "{}", output.err);
    }
    assert_eq!(org.count("Contact"), 4);
    let report = report(run(&project, &org, &["apply", "--refresh", "--yes", "--json"]).exits(0));
    assert_eq!(
        (report.outcomes("Account"), report.outcomes("Contact")),
        ("6 unchanged".into(), "4 unchanged, 2 created".into())
    );
    assert_eq!(report.jobs(), [("Contact".to_owned(), "upsert".to_owned(), 2)]);
    assert_eq!(org.count("Contact WHERE AccountId != null"), 6);
    run(&project, &org, &["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_lost_state_is_adopted_from_the_org() {
    let project = with_sandbox("");
    let org = Served::start(&project);
    run(&project, &org, &["apply", "--yes"]).exits(0);
    std::fs::remove_dir_all(project.path(".cutover")).unwrap();
    let report = report(run(&project, &org, &["apply", "--refresh", "--yes", "--json"]).exits(0));
    assert_eq!((report.total("created"), report.total("updated")), (0, 12), "adopted, not doubled");
    assert_eq!((org.count("Account"), org.count("Contact")), (6, 6));
    run(&project, &org, &["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_spent_budget_is_84() {
    let project = Project::example("quickstart");
    let rows: String = (0..20).map(|i| format!("N{i},,1,Nowhere\n")).collect();
    project.write("data/companies.csv", &format!("company_id,company,phone,city\n{rows}"));
    project.replace(
        "cutover.yaml",
        "    source: data/companies.csv\n",
        "    source: data/companies.csv\n    max_failed: 5\n",
    );
    let output = project.run(&["apply"]).exits(84);
    assert!(output.out.contains("too many rows failed or were rejected"), "{}", output.out);
}
