//! A protected environment: a saved plan, and its name typed at a terminal; nothing less.

use crate::damaging_proxy::Front;
use crate::http::Served;
use crate::project::{Output, Project, finished};

const TOKEN: &str = "{ url: env:TEST_URL, token: env:TEST_TOKEN }";

fn project(more: &str) -> Project {
    let project = Project::example("quickstart");
    let prod = format!("environments: {{ prod: {{ org: {TOKEN}{more} }},");
    project.replace("cutover.yaml", "environments: {", &prod);
    project
}

fn run(project: &Project, front: &Front, arguments: &[&str]) -> Output {
    let mut command = project.command(arguments);
    command.args(["-e", "prod"]).env("TEST_URL", &front.url).env("TEST_TOKEN", front.token());
    finished(command)
}

#[track_caller]
fn refused(output: Output, words: &str) {
    let output = output.exits(64);
    assert!(output.err.contains("`prod` is protected") && output.err.contains(words), "{}", output.err);
}

#[test]
fn an_org_that_is_no_sandbox_is_protected_unless_the_environment_says_otherwise() {
    let project = project("");
    let org = Served::start(&project);
    let front = Front::production(&org);
    refused(run(&project, &front, &["apply"]), "only a saved plan");
    refused(run(&project, &front, &["apply", "--yes"]), "`--yes` is not enough");
    refused(run(&project, &front, &["apply", "--yes", "--refresh"]), "cutover plan -e prod --out FILE");
    run(&project, &front, &["plan", "--out", "saved.json"]).exits(0);
    refused(run(&project, &front, &["apply", "saved.json"]), "there is none");
    refused(run(&project, &front, &["apply", "saved.json", "--yes"]), "protect: false");
    assert_eq!(org.jobs(), 0);
    project.replace("cutover.yaml", TOKEN, &format!("{TOKEN}, protect: false"));
    run(&project, &front, &["apply", "--yes"]).exits(0);
    assert_eq!(org.count("Account"), 6);
}

#[test]
fn a_sandbox_is_protected_where_the_environment_says_so() {
    let project = project(", protect: true");
    let org = Served::start(&project);
    let front = Front::before(&org, |_, _| crate::damaging_proxy::Turn::Pass);
    refused(run(&project, &front, &["apply", "--yes"]), "only a saved plan");
    project.replace("cutover.yaml", ", protect: true", "");
    run(&project, &front, &["apply", "--yes"]).exits(0);
}

/// `script` of util-linux gives the command a terminal, and types what is on its own standard input.
#[test]
#[cfg(target_os = "linux")]
fn its_name_typed_at_a_terminal_goes_on_and_nothing_else() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let project = project("");
    let org = Served::start(&project);
    let front = Front::production(&org);
    run(&project, &front, &["plan", "--out", "saved.json"]).exits(0);
    let typed = |answer: &str| {
        let line = format!("{} apply saved.json -e prod", env!("CARGO_BIN_EXE_cutover"));
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).current_dir(project.path("."));
        command.env("TEST_URL", &front.url).env("TEST_TOKEN", front.token()).env("NO_COLOR", "1");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{answer}").unwrap();
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    for answer in ["yes", "Prod", ""] {
        let (code, said) = typed(answer);
        assert!(code == Some(64) && said.contains("nothing was sent"), "{answer}: {code:?} {said}");
    }
    assert_eq!(org.jobs(), 0);
    let (code, said) = typed("prod");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("type `prod`") && said.contains("create"), "the plan is shown before it: {said}");
    assert_eq!((org.count("Account"), org.count("Contact")), (6, 6));
}
