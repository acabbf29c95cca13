//! A whole world in one process: an org, a disk, a store and a clock that outlive the processes run in it. Each life
//! of the process is driven exactly as `cutover apply` drives it, and may be ended at any call through a port.

mod gate;
mod ports;
mod project;
mod tap;

pub use gate::Aim;
pub use project::{NORTHWIND, Project};
pub use tap::{Exchange, Tap};

use cutover::checkpoint::{Line, PartKey, RunState};
use cutover::engine::{
    Books, EngineError, Finished, Observer, Ports, Progress, Stop, Window, bound, connect, refresh, run,
};
use cutover::local_org::{LocalOrg, Options};
use cutover::manifest::{Migration, load};
use cutover::ports::{InlineWork, MemoryFiles, MemoryStore, SeededRandom, Threads, Work, write_durably};
use cutover::report::report_json;
use gate::Gate;
use ports::{Session, WorldClock, WorldFiles, WorldOrg, WorldStore};
use std::cell::RefCell;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::task::Poll;

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
    /// Whether syncs of the journal do nothing.
    pub forgetful: bool,
    /// Whether a token that ends is followed by another within the same life.
    pub renews: bool,
    /// Keeps what goes over the wire, if it is to be kept.
    pub tap: Tap,
    /// A REST call with this text in it is no JSON for the org: it is refused as a whole.
    pub unreadable: Option<String>,
    project: Arc<Project>,
    store: Arc<MemoryStore>,
    now: Arc<AtomicI64>,
}

/// One life of the process.
pub struct Life {
    /// Every call through a port.
    pub trace: Vec<String>,
    /// The number of the call aimed at, once it was reached.
    pub hit: Option<usize>,
    /// The windows of the crash table that it recovered from, in their order.
    pub windows: Vec<Window>,
    /// How it ended; nothing when it was killed.
    pub end: Option<Result<Finished, EngineError>>,
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
        Self {
            org,
            disk: MemoryFiles::default(),
            sources,
            workers: 1,
            forgetful: false,
            renews: false,
            tap: Tap::default(),
            unreadable: None,
            project: project.clone(),
            store: Arc::default(),
            now: Arc::new(AtomicI64::new(BEGIN)),
        }
    }

    /// One `cutover apply`.
    pub fn apply(&self, aim: Aim) -> Life {
        self.life(aim, false)
    }

    /// One `cutover apply --refresh`.
    pub fn refresh(&self, aim: Aim) -> Life {
        self.life(aim, true)
    }

    /// The state folder is deleted.
    pub fn forget_all(&mut self) {
        (self.disk, self.store) = (MemoryFiles::default(), Arc::default());
    }

    fn life(&self, aim: Aim, first_refresh: bool) -> Life {
        let gate = Arc::new(Gate::new(aim));
        let session = Session::new(&self.org, self.renews);
        let (org, tap, unreadable) = (self.org.clone(), self.tap.clone(), self.unreadable.clone());
        let org = WorldOrg { gate: gate.clone(), org, tap, session, unreadable };
        let files = WorldFiles { gate: gate.clone(), disk: self.disk.clone(), forgetful: self.forgetful };
        let store = WorldStore { gate: gate.clone(), durable: self.store.clone(), waiting: Mutex::default() };
        let clock = WorldClock { gate: gate.clone(), now: self.now.clone(), org: self.org.clone() };
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
        };
        let migration = load(&self.sources, "cutover.yaml", None, &|_| None);
        let migration = migration.migration.unwrap_or_else(|| panic!("{:?}", migration.diagnostics));
        let seen = Seen::default();
        let mut life = Box::pin(drive(ports, &migration, &seen, first_refresh));
        let until_gone = std::future::poll_fn(|context| match life.as_mut().poll(context) {
            _ if gate.is_gone() => Poll::Ready(None),
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => Poll::Pending,
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let end = runtime.block_on(until_gone);
        drop(life);
        let (trace, hit) = gate.told();
        Life { trace, hit, windows: seen.0.into_inner(), end }
    }

    /// Power is lost: what is not durable is gone.
    pub fn lose_power(&self) {
        self.disk.crash();
    }

    /// A day goes by, and some minutes.
    pub fn a_day_passes(&self) {
        let later = 25 * 60 * 60 * 1000;
        let now = self.now.fetch_add(later, std::sync::atomic::Ordering::SeqCst) + later;
        self.org.step(now);
    }

    /// The org works on while nobody watches.
    pub fn org_works_on(&self) {
        while self.org.step(self.now.load(std::sync::atomic::Ordering::SeqCst)) {}
    }

    /// What the org holds: each of the project's queries with its rows as texts.
    pub fn contents(&self) -> Vec<(String, Vec<Vec<Option<String>>>)> {
        let ask = |soql: &String| (soql.clone(), self.org.query(soql).unwrap().rows);
        self.project.queries.iter().map(ask).collect()
    }
}

/// Notes what a life recovers from.
#[derive(Default)]
struct Seen(RefCell<Vec<Window>>);

impl Observer for Seen {
    fn event(&self, _: &Line, _: &RunState) {}
    fn progress(&self, _: &Progress) {}
    fn recovered(&self, _: PartKey, window: Window) {
        self.0.borrow_mut().push(window);
    }
}

/// What `cutover apply` does once its arguments are read (`src/cli/apply.rs`).
async fn drive(
    ports: Ports<'_>,
    migration: &Migration,
    seen: &Seen,
    first_refresh: bool,
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
    if first_refresh {
        let mut books = Books::new(ports.files, &connected.info.org_id);
        refresh(&ports, &connected.client, &bound.0, &mut books, seen).await?;
    }
    let (all, stop) = (vec![true; migration.loads.len()], Stop::default());
    let finished = run(ports, &connected, migration, bound, &all, &|_| Ok(()), &stop, seen).await?;
    let json = report_json(&finished.state, finished.exit.code());
    let path = format!("runs/{}/report.json", finished.state.run);
    write_durably(ports.files, &path, format!("{json:#}\n").as_bytes())?;
    Ok(finished)
}
