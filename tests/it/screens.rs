//! What people read, as it stands on the screen. A changed snapshot is a change of the product: look at it, then write
//! it anew with `INSTA_UPDATE=always cargo test --test it`.

use crate::held::good;
use crate::project::{Output, Project};
use insta::assert_snapshot;

/// Ids of jobs and of the org, which say nothing to a reader, by their kind.
fn tidy(text: &str) -> String {
    let text = timeless(text);
    let pieces = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    pieces
        .map(|piece| match (piece.get(..3), piece.get(18..)) {
            (Some("750"), Some(end)) => format!("<job>{end}"),
            (Some("00D"), Some(end)) => format!("<org>{end}"),
            _ => piece.to_owned(),
        })
        .collect()
}

/// Without the moments at which something happened.
fn timeless(text: &str) -> String {
    let line = |line: &str| match line.split_once(" Last event ") {
        Some((before, _)) => format!("{before} Last event <moment>.\n"),
        None if line.contains(", run ") && line.ends_with("UTC\n") => {
            let when = line.rfind(" since ").or_else(|| line[..line.find(" UTC").unwrap_or(0)].rfind(", "));
            format!("{} <when>\n", &line[..when.unwrap_or(0)])
        }
        None => match line.split_once(" bytes: it can no longer") {
            Some((before, after)) => {
                let before = before.trim_end_matches(|c: char| c.is_ascii_digit());
                format!("{before}<n> bytes: it can no longer{after}")
            }
            None => line.to_owned(),
        },
    };
    text.split_inclusive('\n').map(line).collect()
}

/// Without dates and times.
fn moments_out(text: &str) -> String {
    let word = |word: &str| match word.trim_end_matches('\n').bytes().filter(u8::is_ascii_digit).count() {
        8 if word.len() == 10 => "<date>".to_owned(),
        4 if word.contains(':') => "<time>".to_owned(),
        _ => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Both streams, each under its name.
fn screen(output: &Output) -> String {
    tidy(&format!("exit {}\n── stdout\n{}── stderr\n{}", output.code, output.out, output.err))
}

#[test]
fn quickstart_from_plan_to_status() {
    let project = Project::example("quickstart");
    assert_snapshot!("check_quickstart", screen(&project.run(&["check"])));
    assert_snapshot!("plan_quickstart", screen(&project.run(&["plan"])));
    assert_snapshot!("apply_quickstart", screen(&project.run(&["apply"])));
    assert_snapshot!("status_quickstart", screen(&project.run(&["status"])));
    assert_snapshot!("apply_quickstart_again", screen(&project.run(&["apply"])));
    assert_snapshot!("rollback_quickstart", screen(&project.run(&["rollback", "1"])));
    assert_snapshot!("rollback_quickstart_again", screen(&project.run(&["rollback", "1"])));
    project.run(&["apply", "-q"]).exits(0);
    assert_snapshot!("report_list", moments_out(&screen(&project.run(&["report", "--list"]))));
    assert_snapshot!("query", screen(&project.run(&["local", "query", "SELECT Name, Phone FROM Account"])));
}

#[test]
fn rows_that_were_not_loaded() {
    let project = good();
    project.set("companies.csv", "A", "founded", "yesterday");
    project.set("companies.csv", "B", "phone", "none");
    assert_snapshot!("plan_with_held_rows", screen(&project.run(&["plan"])));
    assert_snapshot!("apply_with_held_rows", screen(&project.run(&["apply"])));
}

#[test]
fn a_cycle_is_explained() {
    let project = Project::example("cycle");
    assert_snapshot!("plan_cycle", screen(&project.run(&["plan"])));
    assert_snapshot!("graph_cycle", screen(&project.run(&["graph"])));
}

#[test]
fn graphs() {
    let project = Project::example("northwind");
    assert_snapshot!("graph_text", screen(&project.run(&["graph"])));
    assert_snapshot!("graph_mermaid", screen(&project.run(&["graph", "--format", "mermaid"])));
}

#[test]
fn the_state_folder() {
    let project = Project::example("quickstart");
    project.apply(0);
    project.apply(0);
    assert_snapshot!("state_whole", screen(&project.run(&["state", "check"])));
    let journal = project.read(".cutover/runs/2/events.ndjson");
    project.write(".cutover/runs/2/events.ndjson", &format!("{journal}0123456789abcdef {{\"seq\""));
    let first = project.read(".cutover/runs/1/events.ndjson");
    project.write(".cutover/runs/1/events.ndjson", &first.replacen("run_started", "run_storted", 1));
    project.write(".cutover/data/2/Account-0-0.csv", "");
    project.write(".cutover/notes.txt", "");
    assert_snapshot!("state_damaged", screen(&project.run(&["state", "check"])));
    assert_snapshot!("state_repair", screen(&project.run(&["state", "repair", "--dry-run"])));
    project.write(".cutover/runs/1/events.ndjson", &first);
    assert_snapshot!("state_prune", screen(&project.run(&["state", "prune", "--keep", "0", "--dry-run"])));
    assert_snapshot!("state_nobody_to_ask", screen(&project.run(&["state", "prune", "--keep", "0"])));
}

#[test]
fn errors_that_name_what_to_do() {
    let project = Project::example("quickstart");
    assert_snapshot!("no_run_yet", screen(&project.run(&["status"])));
    assert_snapshot!("no_such_load", screen(&project.run(&["plan", "--select", "Acount"])));
    assert_snapshot!("no_such_environment", screen(&project.run(&["plan", "-e", "prod"])));
    project.append("data/companies.csv", "1001,Twice,1,Here\n");
    assert_snapshot!("duplicates", screen(&project.run(&["plan"])));
}

#[test]
fn help() {
    let project = Project::of(&[]);
    let commands: [&[&str]; 12] = [
        &["--help"],
        &["check", "-h"],
        &["plan", "-h"],
        &["apply", "-h"],
        &["status", "-h"],
        &["report", "-h"],
        &["state", "check", "-h"],
        &["state", "repair", "-h"],
        &["state", "export", "-h"],
        &["state", "prune", "-h"],
        &["graph", "-h"],
        &["local", "serve", "-h"],
    ];
    let pages = commands.map(|words| {
        let page = project.run(words).exits(0).out;
        page.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>()
    });
    assert_snapshot!("help", pages.join("\n────────\n"));
}

#[test]
fn colour_only_where_it_is_wanted() {
    let project = Project::example("quickstart");
    project.replace("cutover.yaml", "LastName: last_name", "LastName: surname");
    let escape = |arguments: &[&str]| project.run(arguments).exits(65).err.contains('\u{1b}');
    assert!(!escape(&["check"]), "no terminal");
    assert!(!escape(&["check", "--color", "never"]));
    assert!(escape(&["check", "--color", "always"]));
}
