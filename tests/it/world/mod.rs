//! A whole world in one process: an org, a disk, a store and a clock that outlive the processes run in it. Each life
//! of the process is driven exactly as `cutover apply` drives it, and may be ended at any call through a port.

mod broken;
mod crowd;
mod gate;
mod ports;
mod project;
mod tap;
mod windows;

pub use broken::Flaw;
pub use crowd::{crowd, figures};
pub use gate::Aim;
pub use ports::Meddle;
pub use project::{NORTHWIND, Project};
pub use tap::{Exchange, Tap};
pub use windows::reached;

use axum::body::{Body, to_bytes};
use broken::Broken;
use cutover::checkpoint::{Line, PartKey, RunState, Secret, journal_path, read_journal};
use cutover::diagnostic::{Code, Diagnostic, Severity};
use cutover::engine::{
    EngineError, Exit, Finished, Observer, Ports, Progress, Question, RollbackOptions, RolledBack, Stop,
    Window, bound, connect, rollback, run,
};
use cutover::local_org::{LocalOrg, Options};
use cutover::manifest::{Migration, load};
use cutover::ports::{InlineWork, MemoryFiles, MemoryStore, SeededRandom, Threads, Work, write_durably};
use cutover::report::report_json;
use gate::Gate;
use ports::{Session, WorldClock, WorldFiles, WorldOrg, WorldStore};
use serde_json::Value;
use std::cell::RefCell;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use tower::ServiceExt;

/// When every world begins: 2024-01-01.
const BEGIN: i64 = 1_704_067_200_000;

/// What lasts while processes come and go.
pub struct World {
    /// The org.
    pub org: LocalOrg,
    /// The state folder.
    pub disk: MemoryFiles,
    /// The project's folder.
    pub sources: MemoryFiles,
    /// Threads; 1 is inline.
    pub workers: usize,
    /// What our own code does wrong, if it does: the null controls.
    pub flaw: Option<Flaw>,
    /// Whether a token that ends is followed by another within the same life.
    pub renews: bool,
    /// Keeps what goes over the wire, if it is to be kept.
    pub tap: Tap,
    /// A REST call with this text in it is no JSON for the org: it is refused as a whole.
    pub unreadable: Option<String>,
    /// When nothing more is to begin (`--until`).
    pub end: Option<i64>,
    /// Whether somebody says no to a second round.
    pub once: bool,
    /// The one load that is selected, by its place; without one all are.
    pub only: Option<usize>,
    /// By how many milliseconds the machine's clock is ahead of the org's.
    pub ahead: i64,
    /// What somebody between us and the org makes of its answers, if somebody is there.
    pub meddle: Option<Meddle>,
    /// The environment that is applied to; `local` where none is named.
    pub environment: Option<&'static str>,
    project: Arc<Project>,
    store: Arc<MemoryStore>,
    now: Arc<AtomicI64>,
}

/// One life of the process.
pub struct Life<T = Finished> {
    /// Every call through a port.
    pub trace: Vec<String>,
    /// The number of the call aimed at, once it was reached.
    pub hit: Option<usize>,
    /// The windows of the crash table that it recovered from, in their order.
    pub windows: Vec<Window>,
    /// What the user was told on the way.
    pub notes: Vec<String>,
    /// How it ended; nothing when it was killed.
    pub end: Option<Result<T, EngineError>>,
}

impl World {
    /// A new org and an empty disk.
    pub fn new(project: &Arc<Project>) -> Self {
        let options = Options { seed: 7, base_url: "http://local".into(), now: BEGIN, ..Options::default() };
        let sources = MemoryFiles::default();
        for (path, bytes) in &project.files {
            sources.put(path, bytes);
        }
        let org = match &project.before {
            Some(before) => {
                let world = Self::new(before);
                world.apply(Aim::Nowhere).end.unwrap().unwrap();
                world.org
            }
            None => LocalOrg::open(project.schema.clone(), options).unwrap(),
        };
        if let Some((path, json)) = project.seed {
            ask(&org, "PATCH", path, json);
        }
        Self {
            org,
            disk: MemoryFiles::default(),
            sources,
            workers: 1,
            flaw: None,
            renews: false,
            tap: Tap::default(),
            unreadable: None,
            end: None,
            once: false,
            only: None,
            ahead: 0,
            meddle: None,
            environment: None,
            project: project.clone(),
            store: Arc::default(),
            now: Arc::new(AtomicI64::new(BEGIN)),
        }
    }

    /// One `cutover apply`.
    pub fn apply(&self, aim: Aim) -> Life {
        self.live(aim, async |ports, migration, seen| {
            drive(ports, migration, (false, self.once, self.only), seen, Stop::at(self.end)).await
        })
    }

    /// One `cutover apply`, something done whenever the user is told something, or a load is read or staged (`reading X`,
    /// `staging X`).
    pub fn apply_watched(&self, told: &dyn Fn(&str)) -> Life {
        self.live(Aim::Nowhere, async |ports, migration, seen| {
            let watched = Watched { seen, told };
            drive(ports, migration, (false, self.once, self.only), &watched, Stop::at(self.end)).await
        })
    }

    /// One `cutover apply --refresh`.
    pub fn apply_refreshed(&self, aim: Aim) -> Life {
        self.live(aim, async |ports, migration, seen| {
            drive(ports, migration, (true, self.once, self.only), seen, Stop::at(self.end)).await
        })
    }

    /// The state folder is deleted.
    pub fn forget_all(&mut self) {
        (self.disk, self.store) = (MemoryFiles::default(), Arc::default());
    }

    /// Another environment of the same project: another org, with the same sources and state folder.
    pub fn beside(&self, environment: &'static str) -> Self {
        let options =
            Options { seed: 8, base_url: "http://local".into(), now: self.now(), ..Options::default() };
        let org = LocalOrg::open(self.project.schema.clone(), options).unwrap();
        let (disk, store, sources) = (self.disk.clone(), self.store.clone(), self.sources.clone());
        let (now, environment) = (self.now.clone(), Some(environment));
        Self { org, disk, store, sources, now, environment, ..Self::new(&self.project) }
    }

    /// The state folder is another's.
    pub fn remember_as(&mut self, other: &Self) {
        (self.disk, self.store) = (other.disk.clone(), other.store.clone());
    }

    /// One `cutover rollback`.
    pub fn rollback(&self, aim: Aim, options: &RollbackOptions) -> Life<RolledBack> {
        self.live(aim, async |ports, migration, seen| drive_back(ports, migration, options, seen).await)
    }

    /// One life of the process.
    fn live<T>(
        &self,
        aim: Aim,
        drive: impl AsyncFnOnce(Ports<'_>, &Migration, &Seen) -> Result<T, EngineError>,
    ) -> Life<T> {
        let gate = Arc::new(Gate::new(aim));
        let session = Session::new(&self.org, self.renews);
        let (org, tap, unreadable) = (self.org.clone(), self.tap.clone(), self.unreadable.clone());
        let (meddle, broken) = (self.meddle.clone(), Broken::new(self.flaw));
        let org = WorldOrg { gate: gate.clone(), org, tap, session, unreadable, meddle, broken };
        let files =
            WorldFiles { gate: gate.clone(), disk: self.disk.clone(), broken: Broken::new(self.flaw) };
        let store = WorldStore { gate: gate.clone(), durable: self.store.clone(), waiting: Mutex::default() };
        let (now, ahead) = (self.now.clone(), self.ahead);
        let clock = WorldClock { gate: gate.clone(), now, ahead, org: self.org.clone() };
        let work: Box<dyn Work> =
            if self.workers == 1 { Box::new(InlineWork) } else { Box::new(Threads::new(self.workers)) };
        let ports = Ports {
            org: &org,
            files: &files,
            sources: &self.sources,
            store: &store,
            clock: &clock,
            work: &*work,
            random: &SeededRandom::new(3),
            secret: Secret::new([5; 32]),
        };
        let migration = load(&self.sources, "cutover.yaml", self.environment, &|_| None);
        let errors =
            || migration.diagnostics.iter().filter(|d| d.severity == Severity::Error).collect::<Vec<_>>();
        let migration = migration.migration.clone().unwrap_or_else(|| panic!("{:?}", errors()));
        let seen = Seen::default();
        let mut life = Box::pin(drive(ports, &migration, &seen));
        let until_gone = std::future::poll_fn(|context| match life.as_mut().poll(context) {
            _ if gate.is_gone() => Poll::Ready(None),
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => Poll::Pending,
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let end = runtime.block_on(until_gone);
        drop(life);
        let (trace, hit) = gate.told();
        Life { trace, hit, windows: seen.windows.into_inner(), notes: seen.notes.into_inner(), end }
    }

    /// Power is lost: what is not durable is gone.
    pub fn lose_power(&self) {
        self.disk.crash();
    }

    /// What time it is, in milliseconds since 1970.
    pub fn now(&self) -> i64 {
        self.now.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// A day goes by, and some minutes.
    pub fn a_day_passes(&self) {
        let later = 25 * 60 * 60 * 1000;
        let now = self.now.fetch_add(later, std::sync::atomic::Ordering::SeqCst) + later;
        self.org.step(now);
    }

    /// A call of somebody else; nothing where the answer has no body.
    pub fn others_call(&self, method: &str, path: &str, body: &str) -> serde_json::Value {
        let request = axum::http::Request::builder()
            .method(method)
            .uri(format!("/services/data/v62.0/{path}"))
            .header("authorization", format!("Bearer {}", self.org.access_token()))
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body.to_owned()))
            .unwrap();
        let answer = async {
            let response = self.org.router().oneshot(request).await.unwrap();
            // Faults are for everybody: an answer may break off.
            axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        serde_json::from_slice(&runtime.block_on(answer)).unwrap_or_default()
    }

    /// It is this time now, if it was earlier.
    pub fn it_becomes(&self, time: i64) {
        self.now.fetch_max(time, std::sync::atomic::Ordering::SeqCst);
        self.org.step(self.now());
    }

    /// What the journal of a run tells.
    pub fn told(&self, run: u32) -> RunState {
        let (lines, _) = read_journal(&self.disk, &journal_path(run)).unwrap();
        RunState::fold("journal", &lines).unwrap()
    }

    /// The org works on while nobody watches.
    pub fn org_works_on(&self) {
        while self.org.step(self.now.load(std::sync::atomic::Ordering::SeqCst)) {}
    }

    /// Ids and states of the jobs in the org.
    pub fn jobs(&self) -> Vec<(String, String)> {
        let list = ask(&self.org, "GET", "jobs/ingest", "");
        let text = |job: &Value, name: &str| job[name].as_str().unwrap().to_owned();
        list["records"].as_array().unwrap().iter().map(|j| (text(j, "id"), text(j, "state"))).collect()
    }

    /// Somebody else removes all jobs from the org.
    pub fn remove_jobs(&self) {
        for (job, _) in self.jobs() {
            ask(&self.org, "PATCH", &format!("jobs/ingest/{job}"), r#"{"state":"Aborted"}"#);
            ask(&self.org, "DELETE", &format!("jobs/ingest/{job}"), "");
        }
        assert!(self.jobs().is_empty(), "{:?}", self.jobs());
    }

    /// What the org holds: each of the project's queries with its rows as texts.
    pub fn contents(&self) -> Vec<(String, Vec<Vec<Option<String>>>)> {
        let ask = |soql: &String| (soql.clone(), self.org.query(soql).unwrap().rows);
        self.project.queries.iter().map(ask).collect()
    }
}

/// A call of somebody else's, without a gate.
fn ask(org: &LocalOrg, method: &str, path: &str, json: &str) -> Value {
    let request = axum::http::Request::builder()
        .method(method)
        .uri(format!("/services/data/v67.0/{path}"))
        .header("authorization", format!("Bearer {}", org.access_token()))
        .header("content-type", "application/json")
        .body(Body::from(json.to_owned()));
    let answer = org.router().oneshot(request.unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bytes =
        runtime.block_on(async { to_bytes(answer.await.unwrap().into_body(), usize::MAX).await.unwrap() });
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// What `cutover rollback` does once its arguments are read (`src/cli/rollback.rs`).
async fn drive_back(
    ports: Ports<'_>,
    migration: &Migration,
    options: &RollbackOptions,
    seen: &Seen,
) -> Result<RolledBack, EngineError> {
    let _lock = ports.files.lock("lock")?.expect("no other process lives");
    for name in ports.files.list("data/scratch")? {
        ports.files.remove(&format!("data/scratch/{name}"))?;
    }
    let connected = connect(&ports, migration).await?;
    rollback(ports, &connected, migration, options, &|_| Ok(()), &Stop::default(), seen).await
}

/// Notes what a life recovers from.
#[derive(Default)]
struct Seen {
    windows: RefCell<Vec<Window>>,
    notes: RefCell<Vec<String>>,
}

impl Observer for Seen {
    fn event(&self, _: &Line, _: &RunState) {}
    fn progress(&self, progress: &Progress) {
        if let Progress::Note(note) = progress {
            self.notes.borrow_mut().push(note.clone());
        }
    }
    fn recovered(&self, _: PartKey, window: Window) {
        self.windows.borrow_mut().push(window);
    }
}

/// The same, and something is done whenever the user is told something.
struct Watched<'s> {
    seen: &'s Seen,
    told: &'s dyn Fn(&str),
}

impl Observer for Watched<'_> {
    fn event(&self, _: &Line, _: &RunState) {}
    fn progress(&self, progress: &Progress) {
        self.seen.progress(progress);
        match progress {
            Progress::Note(note) => (self.told)(note),
            Progress::Reading { load } => (self.told)(&format!("reading {load}")),
            Progress::Staging { load, .. } => (self.told)(&format!("staging {load}")),
            Progress::Job { .. } => {}
        }
    }
    fn recovered(&self, part: PartKey, window: Window) {
        self.seen.recovered(part, window);
    }
}

/// What `cutover apply` does once its arguments are read (`src/cli/apply.rs`).
async fn drive(
    ports: Ports<'_>,
    migration: &Migration,
    (refreshes, once, only): (bool, bool, Option<usize>),
    seen: &dyn Observer,
    stop: Stop,
) -> Result<Finished, EngineError> {
    let _lock = ports.files.lock("lock")?.expect("no other process lives");
    if ports.files.length(".gitignore")?.is_none() {
        ports.files.append(".gitignore", b"*\n")?;
    }
    for name in ports.files.list("data/scratch")? {
        ports.files.remove(&format!("data/scratch/{name}"))?;
    }
    let connected = connect(&ports, migration).await?;
    let bound = bound(migration, &connected)?;
    let all: Vec<bool> =
        (0..migration.loads.len()).map(|load| only.is_none_or(|only| only == load)).collect();
    let approve = |question: Question<'_>| match question {
        Question::Again(_) if once => {
            Err(EngineError::problem(Exit::Usage, Diagnostic::error(Code::PlanNote, "nothing was sent")))
        }
        _ => Ok(()),
    };
    let finished = run(ports, &connected, migration, bound, &all, refreshes, &approve, &stop, seen).await?;
    let json = report_json(&finished.state, finished.exit.code());
    let path = format!("runs/{}/report.json", finished.state.run);
    write_durably(ports.files, &path, format!("{json:#}\n").as_bytes())?;
    Ok(finished)
}
