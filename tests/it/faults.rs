//! Every transport fault at every call where it can strike: `apply` ends with the same org and accounts as without it,
//! or stops with the documented exit code, and the next one goes on to them. Nothing is sent twice for good, and a job
//! that nobody knows has no rows.

use crate::others::exit;
use crate::world::{Aim, Project, World, crowd, figures};
use cutover::checkpoint::{Ended, LoadState, RunState, journal_path, read_journal};
use cutover::local_org::Faults;
use cutover::model::Outcome;
use std::fmt::Write;
use std::sync::Arc;

/// The calls of an apply, each with one of them that is met; not the first, where there are several.
const CALLS: [(&str, &str); 12] = [
    ("versions", "method: GET, path: /services/data, nth: 1"),
    ("query", "method: GET, path: query, nth: 1"),
    ("who", "method: GET, path: /services/oauth2/userinfo, nth: 1"),
    ("describe", "method: GET, path: 'sobjects/*/describe', nth: 3"),
    ("limits", "method: GET, path: limits, nth: 1"),
    ("create", "method: POST, path: jobs/ingest, nth: 4"),
    ("upload", "method: PUT, path: 'jobs/ingest/*/batches', nth: 4"),
    ("close", "method: PATCH, path: 'jobs/ingest/*', nth: 2"),
    ("poll", "method: GET, path: 'jobs/ingest/*', nth: 5"),
    ("successful", "path: 'jobs/ingest/*/successfulResults', nth: 4"),
    ("failed", "path: 'jobs/ingest/*/failedResults', nth: 2"),
    ("unprocessed", "path: 'jobs/ingest/*/unprocessedrecords', nth: 5"),
];
const RESULTS: [&str; 3] = ["successful", "failed", "unprocessed"];

/// What befalls a call, and where it stops an apply; everywhere else the apply goes on through it.
struct Rule {
    then: &'static str,
    /// The exit code where it stops.
    code: u8,
    stops: &'static [&'static str],
    /// Where it can strike; everywhere when this is empty.
    strikes: &'static [&'static str],
    /// Whether the org may have made a job of which the answer told nothing.
    orphan: bool,
    /// Whether the login can be made again.
    renews: bool,
    /// Each call in a world of its own: a login that is made again while another ends is refused, as it should be.
    apart: bool,
}

const fn rule(then: &'static str, code: u8, stops: &'static [&'static str]) -> Rule {
    Rule { then, code, stops, strikes: &[], orphan: false, renews: false, apart: false }
}

const fn carried_out(then: &'static str) -> Rule {
    Rule { orphan: true, ..rule(then, 69, &["create", "upload"]) }
}

/// With a bare token that is good no more, nothing goes on.
const ALL: [&str; 12] = [
    "versions",
    "query",
    "who",
    "describe",
    "limits",
    "create",
    "upload",
    "close",
    "poll",
    "successful",
    "failed",
    "unprocessed",
];
/// Not every user may ask who he is or what the limits are: a single refusal there stops nothing.
const ALL_THAT_MATTER: [&str; 10] = [
    "versions",
    "query",
    "describe",
    "create",
    "upload",
    "close",
    "poll",
    "successful",
    "failed",
    "unprocessed",
];

const RULES: [Rule; 15] = [
    rule("too_many_requests", 69, &[]),
    rule("too_many_requests, retry_after: 3", 69, &[]),
    rule("unavailable", 69, &["create", "upload"]),
    carried_out("unavailable, carried_out: true"),
    rule("unauthorized", 77, &ALL_THAT_MATTER),
    Rule { renews: true, ..rule("unauthorized", 77, &[]) },
    rule("revoked", 77, &ALL),
    Rule { renews: true, apart: true, ..rule("revoked", 77, &[]) },
    rule("drop_before", 69, &["create", "upload"]),
    carried_out("drop_after"),
    carried_out("cut"),
    carried_out("cut, ending: open"),
    carried_out("cut, ending: silent"),
    Rule { strikes: &RESULTS, ..rule("not_ready", 69, &[]) },
    Rule { orphan: true, ..rule("twice", 69, &["upload"]) },
];

/// A world with faults, and what is to come of it.
struct Case {
    name: String,
    faults: String,
    /// How often they strike, where that is known.
    strikes: Option<u64>,
    /// The exit code of the applies that stop, and how many do.
    stops: Option<(u8, usize)>,
    orphans: Option<usize>,
    renews: bool,
    /// Rows may be sent again that landed, so that created ones count as updated.
    again: bool,
}

impl Rule {
    /// One world for each call where it stops an apply, and one for all others together.
    fn cases(&self) -> Vec<Case> {
        let here = |name: &&str| self.strikes.is_empty() || self.strikes.contains(name);
        let names = CALLS.iter().map(|(name, _)| *name).filter(here);
        let (stops, through): (Vec<&str>, Vec<&str>) = names.partition(|name| self.stops.contains(name));
        let mut cases: Vec<Case> = stops.iter().map(|name| self.case(&[name])).collect();
        let together = if self.apart { 1 } else { CALLS.len() };
        cases.extend(through.chunks(together).map(|names| self.case(names)));
        cases
    }

    fn case(&self, calls: &[&str]) -> Case {
        let mut faults = String::from("faults:\n");
        for (_, aim) in CALLS.iter().filter(|(name, _)| calls.contains(name)) {
            writeln!(faults, "  - {{ then: {}, {aim} }}", self.then).unwrap();
        }
        let stops = usize::from(self.stops.contains(&calls[0]));
        let login = if self.renews { " with a login" } else { "" };
        Case {
            name: format!("{}{login} at {}", self.then, calls.join(", ")),
            faults,
            strikes: Some(calls.len() as u64),
            stops: Some((self.code, stops)),
            orphans: Some(usize::from(self.orphan && calls.contains(&"create"))),
            renews: self.renews,
            again: false,
        }
    }
}

/// A fault of jobs or rows, or something that others do: an apply goes on through it.
fn through(then: &str) -> Case {
    Case {
        name: then.to_owned(),
        faults: format!("faults: [{{ then: {then} }}]"),
        strikes: None,
        stops: Some((0, 0)),
        orphans: Some(0),
        renews: false,
        again: then.starts_with("lose_results") || then.starts_with("delete_job"),
    }
}

/// Every rule, these faults of jobs and rows, and jobs that others delete.
fn cases(of_jobs: &[&str]) -> Vec<Case> {
    let of_jobs = of_jobs.iter().chain(&DELETED_JOBS).map(|then| through(then));
    // Before its rows are in it, a job cannot be gone on with.
    let unfilled = Case { stops: Some((69, 1)), ..through("delete_job, method: PUT, nth: 4") };
    RULES.iter().flat_map(Rule::cases).chain(of_jobs).chain([unfilled, storm()]).collect()
}

/// Before it is closed, behind that, between two polls, and while its results are read.
const DELETED_JOBS: [&str; 6] = [
    "delete_job, method: PATCH, nth: 2",
    "delete_job, method: GET, path: 'jobs/ingest/*', nth: 1",
    "delete_job, method: GET, path: 'jobs/ingest/*', nth: 5",
    "delete_job, path: 'jobs/ingest/*/successfulResults', nth: 2",
    "delete_job, path: 'jobs/ingest/*/failedResults', nth: 2",
    "delete_job, path: 'jobs/ingest/*/unprocessedrecords', nth: 4",
];

/// Everything at once, by chance.
fn storm() -> Case {
    let of_calls =
        ["drop_before", "drop_after", "cut", "cut, ending: silent", "unavailable, carried_out: true"];
    let mut faults = String::from("faults:\n");
    of_calls.iter().for_each(|then| writeln!(faults, "  - {{ then: {then}, per_mille: 40 }}").unwrap());
    faults += "  - { then: too_many_requests, per_mille: 100 }\n  - { then: lock_rows, per_mille: 50 }\n";
    Case {
        name: "storm".into(),
        faults,
        strikes: None,
        stops: None,
        orphans: None,
        renews: false,
        again: false,
    }
}

/// A run that nothing disturbs.
struct Calm {
    project: Arc<Project>,
    contents: Vec<(String, Vec<Vec<Option<String>>>)>,
    loads: Vec<LoadState>,
    exit: u8,
}

impl Calm {
    fn of(project: Arc<Project>) -> Self {
        let world = World::new(&project);
        let finished = world.apply(Aim::Nowhere).end.unwrap().unwrap();
        let rows: usize = world.contents().iter().map(|(_, rows)| rows.len()).sum();
        assert!(rows > 5, "there is something to compare");
        Self { contents: world.contents(), loads: finished.state.loads, exit: finished.exit.code(), project }
    }

    /// Applies until one comes to its end. Gives how many that took, or what is wrong.
    fn survives(&self, case: &Case) -> Result<usize, String> {
        const MOST: usize = 40;
        let mut world = World::new(&self.project);
        world.renews = case.renews;
        world.org.set_faults(Faults::read("faults.yaml", &case.faults).map_err(|e| format!("{e:?}"))?);
        let mut stopped = Vec::new();
        let exit = loop {
            match world.apply(Aim::Nowhere).end.unwrap() {
                Ok(finished) => break finished.exit.code(),
                Err(error) if stopped.len() == MOST => return Err(format!("no end: {error}")),
                Err(error) => stopped.push((error.exit().code(), error.to_string())),
            }
        };
        let struck = world.org.struck();
        if struck == 0 || case.strikes.is_some_and(|wanted| wanted != struck) {
            return Err(format!("struck {struck} times, stopped {stopped:?}"));
        }
        let documented = match case.stops {
            Some((code, times)) => stopped.len() == times && stopped.iter().all(|stop| stop.0 == code),
            None => stopped.iter().all(|stop| stop.0 == 69),
        };
        if !documented || exit != self.exit {
            return Err(format!("stopped {stopped:?}, then exit {exit}"));
        }
        world.org.set_faults(Faults::default());
        self.check_accounts(&world, case.again)?;
        let orphans = leftover_jobs(&world)?;
        if case.orphans.is_some_and(|wanted| wanted != orphans) {
            return Err(format!("{orphans} jobs left open"));
        }
        // Closing those has shown whether there were rows in them.
        self.check_org(&world).map(|()| stopped.len() + 1)
    }

    fn check_org(&self, world: &World) -> Result<(), String> {
        for ((query, now), (_, then)) in world.contents().iter().zip(&self.contents) {
            let differs = |(now, then): &(_, _)| now != then;
            if let Some((now, then)) = now.iter().zip(then).find(differs) {
                return Err(format!("{query}: {now:?} instead of {then:?}"));
            }
            if now.len() != then.len() {
                return Err(format!("{query}: {} rows instead of {}", now.len(), then.len()));
            }
        }
        Ok(())
    }

    /// The run counts what the calm one counts, however many applies it took. Rows that went `again` may count as
    /// updated.
    fn check_accounts(&self, world: &World, again: bool) -> Result<(), String> {
        let path = journal_path(1);
        let (lines, _) = read_journal(&world.disk, &path).map_err(|e| e.to_string())?;
        let run = RunState::fold(&path, &lines).map_err(|e| e.to_string())?;
        let same = |(now, then): &(&LoadState, &LoadState)| {
            if again { landed(now) == landed(then) } else { now == then }
        };
        let mut pairs = run.loads.iter().zip(&self.loads);
        if !matches!(run.ended, Some((Ended::Finished, _))) || !pairs.all(|pair| same(&pair)) {
            let pairs = run.loads.iter().zip(&self.loads).filter(|pair| !same(pair));
            return Err(format!("run 1 ended {:?}: {:?}", run.ended, pairs.collect::<Vec<_>>()));
        }
        match run.loads.iter().find(|load| !load.tally().balances()) {
            Some(load) => Err(format!("{} does not balance", load.name.name)),
            None => Ok(()),
        }
    }
}

/// What became of a load's rows, those that landed together.
fn landed(load: &LoadState) -> Vec<u64> {
    let (tally, mut counts) = (load.tally(), load.outcomes.to_vec());
    counts.push(tally.get(Outcome::Created) + tally.get(Outcome::Updated));
    for (outcome, count) in Outcome::ALL.into_iter().zip(&mut counts) {
        if matches!(outcome, Outcome::Created | Outcome::Updated) {
            *count = 0;
        }
    }
    counts
}

/// Jobs that were left open, having closed them: they must have had no rows. All others are over.
fn leftover_jobs(world: &World) -> Result<usize, String> {
    let list = world.others_call("GET", "jobs/ingest", "");
    let jobs = list["records"].as_array().unwrap();
    let state = |job: &serde_json::Value| job["state"].as_str().unwrap().to_owned();
    let open: Vec<_> = jobs.iter().filter(|job| state(job) == "Open").collect();
    let over = ["Open", "JobComplete", "Failed", "Aborted"];
    if let Some(job) = jobs.iter().find(|job| !over.contains(&state(job).as_str())) {
        return Err(format!("a job was left alone: {job}"));
    }
    for job in &open {
        let path = format!("jobs/ingest/{}", job["id"].as_str().unwrap());
        world.others_call("PATCH", &path, r#"{"state":"UploadComplete"}"#);
        world.org_works_on();
        let job = world.others_call("GET", &path, "");
        if job["numberRecordsProcessed"] != 0 {
            return Err(format!("an orphan with rows: {job}"));
        }
    }
    Ok(open.len())
}

/// All cases on as many threads as there are processors.
#[track_caller]
fn survives_all(project: Arc<Project>, of_jobs: &[&str]) {
    let (calm, cases) = (Calm::of(project), cases(of_jobs));
    let (ended, took) =
        crowd(&cases, |case| calm.survives(case).map_err(|why| format!("{}: {why}\n", case.name)));
    let applies: usize = ended.iter().flatten().sum();
    figures(&format!("faults: {} worlds, {applies} applies, {took:.1?}", cases.len()));
    let wrong: Vec<String> = ended.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.concat());
}

#[test]
fn northwind_survives_every_fault_at_every_call() {
    let of_jobs = [
        "slow_jobs, steps: 4",
        "fail_job, rows: 200, times: 3",
        "lock_rows, per_mille: 200",
        "lock_rows, per_mille: 300, tries: 4",
        "lock_rows, per_mille: 300, until: '2024-01-01T00:00:09Z'",
        "lock_rows, parent: 10248, tries: 3",
        "lock_storm, rows: 200, retries: 9, times: 4",
        "lock_storm, rows: 0, retries: 21, times: 2",
        "exhaust_retries, rows: 200, times: 2",
        "lose_results, per_mille: 300",
    ];
    survives_all(Project::northwind(), &of_jobs);
}

/// A hierarchy, a cycle, rows that fail, and an insert that the org would take twice.
#[test]
fn inserts_and_second_passes_survive_every_fault_at_every_call() {
    survives_all(
        Project::tiny(),
        &[
            "slow_jobs, steps: 4",
            "fail_job, rows: 0, times: 3",
            "lock_rows, per_mille: 1000, times: 5",
            "lock_rows, parent: C1, tries: 5",
            "lock_storm, rows: 0, retries: 3, times: 9",
            "exhaust_retries, rows: 0, times: 2",
            "lose_results, per_mille: 1000",
        ],
    );
}

/// Beyond its patience an apply stops as documented, and what it did not do the next one does.
#[test]
fn an_org_that_stays_away_is_given_up_and_gone_on_with() {
    let calm = Calm::of(Project::tiny());
    for then in ["unavailable", "too_many_requests", "drop_before", "cut, ending: open"] {
        // First contact has less patience than what follows.
        for (path, times) in [("/services/data", 3), ("sobjects/Account/describe", 16)] {
            let case = Case {
                name: then.into(),
                faults: format!("faults: [{{ then: {then}, path: {path}, times: {times} }}]"),
                strikes: Some(times),
                stops: Some((69, 1)),
                orphans: Some(0),
                renews: false,
                again: false,
            };
            calm.survives(&case).unwrap_or_else(|why| panic!("{then} at {path}: {why}"));
        }
    }
}

/// Beyond six attempts a row counts as failed; the next apply takes it again.
#[test]
fn a_lock_that_stays_fails_its_rows_until_the_next_apply() {
    let project = Project::tiny();
    let calm = Calm::of(project.clone());
    let world = World::new(&project);
    let faults = "faults: [{ then: lock_rows, parent: C1, tries: 7 }]";
    world.org.set_faults(Faults::read("faults.yaml", faults).unwrap());
    let failed = |life: crate::world::Life| {
        let state = life.end.unwrap().unwrap().state;
        state.loads.iter().map(|load| load.tally().get(Outcome::Failed)).sum::<u64>()
    };
    let usual: u64 = calm.loads.iter().map(|load| load.tally().get(Outcome::Failed)).sum();
    assert!(failed(world.apply(Aim::Nowhere)) > usual);
    assert_eq!(failed(world.apply(Aim::Nowhere)), usual);
    calm.check_org(&world).unwrap();
}

/// Records that others delete, in the middle of a run or between two: 81 tells of them, and `--refresh` brings them and
/// nothing else back.
#[test]
fn records_deleted_by_others_are_told_of_and_loaded_again() {
    let calm = Calm::of(Project::northwind());
    // Nothing refers to an order's lines. The seventh job is of products, which belong to categories.
    for (object, aim, before, first) in [
        ("Category__c", "method: POST, path: jobs/ingest, nth: 7", false, 68),
        ("Order_Line__c", "path: /services/data, nth: 1", true, calm.exit),
    ] {
        let delete = format!("faults: [{{ then: delete_records, object: {object}, count: 3");
        let world = World::new(&calm.project);
        if before {
            assert_eq!(exit(world.apply(Aim::Nowhere)), first);
        }
        world.org.set_faults(Faults::read("faults.yaml", &format!("{delete}, {aim} }}]")).unwrap());
        let exits = [(); 2].map(|()| exit(world.apply(Aim::Nowhere)));
        assert_eq!(exits, if before { [81, 81] } else { [first, 81] }, "{aim}");
        assert_eq!(exit(world.apply_refreshed(Aim::Nowhere)), calm.exit, "{aim}");
        calm.check_org(&world).unwrap_or_else(|why| panic!("{aim}: {why}"));
        assert_eq!(exit(world.apply(Aim::Nowhere)), calm.exit, "{aim}");
    }
}
