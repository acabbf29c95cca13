//! Same inputs, same plan, byte for byte; same seed, same trace.

use crate::world::{Aim, Project, World};
use cutover::ports::read_all;
use std::fmt::Write;
use std::sync::Arc;

#[test]
fn quickstart_twice_same_trace() {
    let project = Project::quickstart();
    let lives = [World::new(&project), World::new(&project)].map(|world| {
        let life = world.apply(Aim::Nowhere);
        let finished = life.end.unwrap().unwrap();
        assert_eq!(finished.exit.code(), 0);
        (life.trace, world.contents())
    });
    let [(one, there), (two, here)] = lives;
    assert!(one.len() > 50 && there.iter().all(|(_, rows)| rows.len() > 3));
    assert_eq!(one, two);
    assert_eq!(there, here);
}

#[test]
fn another_source_is_another_trace() {
    let project = Project::quickstart();
    let one = World::new(&project).apply(Aim::Nowhere).trace;
    let people = project.files.iter().find(|(path, _)| path == "data/people.csv").unwrap();
    let text = std::str::from_utf8(&people.1).unwrap().replacen("@", "@x", 1);
    let two = World::new(&project.with("data/people.csv", &text)).apply(Aim::Nowhere).trace;
    assert_ne!(one, two, "the trace must see what is sent");
}

/// A world over enough rows for several chunks of 1 MB, stopped before its first job: everything is staged.
fn staged(project: &Arc<Project>, workers: usize) -> Vec<(String, Vec<u8>)> {
    let mut world = World::new(project);
    world.workers = workers;
    let life = world.apply(Aim::BeforeFirst("org POST /services/data/v67.0/jobs/ingest"));
    assert!(life.end.is_none() && life.hit.is_some(), "it stops before its first job");
    let disk = &world.disk;
    let kept = |path: &String| path.starts_with("data/1/") || path.ends_with("plan.json");
    let paths: Vec<String> = disk.paths().into_iter().filter(kept).collect();
    assert!(paths.iter().any(|p| p.ends_with("plan.json")) && paths.iter().any(|p| p.ends_with(".csv")));
    paths.into_iter().map(|path| (path.clone(), read_all(disk, &path).unwrap())).collect()
}

#[test]
fn same_plan_bytes() {
    let mut rows = String::from("company_id,company,phone,city\n");
    for row in 0..30_000_u32 {
        let mixed = row.wrapping_mul(2_654_435_761);
        writeln!(
            rows,
            "K{mixed:010},Company number {row} of many and several,+49 30 {row},Town {}",
            row % 97
        )
        .unwrap();
    }
    // One row in many has a fault, so that files of rows left out are compared too.
    writeln!(rows, "ragged,row").unwrap();
    let project = Project::quickstart().with("data/companies.csv", &rows);
    assert!(rows.len() > 2_000_000, "several chunks");
    let (one, again, threads) = (staged(&project, 1), staged(&project, 1), staged(&project, 4));
    assert!(one.len() >= 3);
    assert!(one == again, "the same twice");
    for ((path, bytes), (other, others)) in one.iter().zip(&threads) {
        assert!(path == other && bytes == others, "{path} depends on the number of threads");
    }
    assert_eq!(one.len(), threads.len());
}
