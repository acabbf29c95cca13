//! `cutover apply`: show the plan, ask, load, report.

use super::approve::{Asked, needs_saved_plan};
use super::args::{ApplyArgs, Global};
use super::project::{MANIFEST, Project};
use super::screen::Screen;
use super::select::selected;
use super::until::{here, until};
use super::watch::Watch;
use super::wired::Wired;
use crate::checkpoint::{RunState, SledStore, journal_path, last_run, read_journal};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{
    EngineError, Exit, Finished, Ports, Question, Stop, bound, connect, is_protected, run as run_engine,
};
use crate::manifest::{Migration, OrgLogin};
use crate::plan::{PLAN_SCHEMA, Plan};
use crate::ports::{Clock, Files, MemoryStore, RealClock, Store, read_text, write_durably};
use crate::report::{failure_groups, report_json, report_text};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) async fn run(args: &ApplyArgs, global: &Global, screen: &Screen) -> Exit {
    let (path, saved) = match saved_plan(args.path.as_deref()) {
        Ok(found) => found,
        Err(error) => return screen.fail(&error, Path::new("")),
    };
    let project = match Project::find(path.as_deref(), global) {
        Ok(project) => project,
        Err(error) => return screen.fail(&error, Path::new("")),
    };
    let end = args.until.as_deref().map(|text| until(text, RealClock.now(), &here())).transpose();
    let end = match end {
        Ok(end) => end,
        Err(error) => return screen.fail(&error, &project.root),
    };
    let order = Order { args, global, screen, saved, end };
    match order.carry_out(&project).await {
        Ok(exit) => exit,
        Err(error) => screen.fail(&error, &project.root),
    }
}

/// A path that names a saved plan stands for the manifest nearest to it.
fn saved_plan(path: Option<&Path>) -> Result<(Option<PathBuf>, Option<Plan>), EngineError> {
    let Some(path) = path.filter(|p| p.is_file()) else { return Ok((path.map(Path::to_owned), None)) };
    let text = std::fs::read_to_string(path)?;
    if !text.trim_start().starts_with('{') {
        return Ok((Some(path.to_owned()), None));
    }
    let plan = read_plan(&text).map_err(|why| not_ours(path, &why))?;
    if plan.rolls_back.is_some() {
        return Err(for_another(path, "rolls a run back", "rollback"));
    }
    let full = std::fs::canonicalize(path)?;
    let beside = full.ancestors().skip(1).map(|f| f.join(MANIFEST)).find(|m| m.is_file());
    let here = std::env::current_dir()?.ancestors().map(|f| f.join(MANIFEST)).find(|m| m.is_file());
    Ok((here.or(beside), Some(plan)))
}

/// A plan of the format that we write; why not, otherwise.
pub(super) fn read_plan(text: &str) -> Result<Plan, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    match value.get("schema").and_then(serde_json::Value::as_str) {
        Some(PLAN_SCHEMA) => serde_json::from_value(value).map_err(|e| e.to_string()),
        Some(other) => Err(format!("its format is `{other}`, and this one reads `{PLAN_SCHEMA}`")),
        None => Err("it does not say its format".into()),
    }
}

pub(super) fn not_ours(path: &Path, why: &str) -> EngineError {
    let message = format!("{} is no plan of this cutover: {why}", path.display());
    EngineError::problem(Exit::Stale, Diagnostic::error(Code::StalePlan, message).help("make a new plan"))
}

/// A plan that another command executes.
pub(super) fn for_another(path: &Path, what: &str, command: &str) -> EngineError {
    let problem = Diagnostic::error(Code::WrongValue, format!("{} {what}", path.display()));
    EngineError::problem(
        Exit::Usage,
        problem.help(format!("`cutover {command} {}` does that", path.display())),
    )
}

/// What the user ordered.
struct Order<'o> {
    args: &'o ApplyArgs,
    global: &'o Global,
    screen: &'o Screen,
    saved: Option<Plan>,
    /// When nothing more is to begin.
    end: Option<i64>,
}

impl Order<'_> {
    async fn carry_out(&self, project: &Project) -> Result<Exit, EngineError> {
        let environment = self.global.env.as_deref().or(self.saved.as_ref().map(|p| p.environment.as_str()));
        let migration = project.migration(environment, self.screen)?;
        let selected = selected(&migration, &self.global.select)?;
        let _lock = project.lock()?;
        let wired = Wired::new(project, &migration, || store(project, self.screen)).await?;
        let ports = wired.ports();
        let finished = self.load(&ports, project, &migration, &selected).await?;
        wired.close().await?;
        self.show(project, &finished)?;
        Ok(finished.exit)
    }

    async fn load(
        &self,
        ports: &Ports<'_>,
        project: &Project,
        migration: &Migration,
        selected: &[bool],
    ) -> Result<Finished, EngineError> {
        let resumes = self.saved.as_ref().is_some_and(|saved| begun_with(project, saved).unwrap_or(false));
        let connected = connect(ports, migration).await?;
        let protected = is_protected(migration, &connected.info);
        needs_saved_plan(&migration.environment.name, protected, self.saved.as_ref(), ("plan", "apply"))?;
        let bound = bound(migration, &connected)?;
        self.screen.show(&bound.1, &project.root);
        let watch = Watch::new(self.screen);
        let (stop, asking) = (Arc::new(Stop::at(self.end)), Arc::new(AtomicBool::new(false)));
        let listener = tokio::spawn(listen(stop.clone(), asking.clone(), "`cutover apply`".into()));
        let asked = Asked {
            screen: self.screen,
            saved: self.saved.as_ref(),
            resumes,
            protected,
            local: matches!(migration.environment.org, OrgLogin::Local { .. }),
            yes: self.args.yes,
        };
        let approve = |question: Question<'_>| {
            asking.store(true, Ordering::SeqCst);
            let said = asked.approve(&question);
            asking.store(false, Ordering::SeqCst);
            said
        };
        let refreshes = self.args.refresh;
        let done =
            run_engine(*ports, &connected, migration, bound, selected, refreshes, &approve, &stop, &watch)
                .await;
        listener.abort();
        watch.done();
        done
    }

    /// The report: on screen, as JSON, and in the run's folder.
    fn show(&self, project: &Project, finished: &Finished) -> Result<(), EngineError> {
        let (state, exit) = (&finished.state, finished.exit.code());
        let groups = failure_groups(&project.files, state)?;
        let text = report_text(state, &groups, &project.state_text());
        let json = report_json(state, exit);
        let folder = format!("runs/{}", state.run);
        write_durably(&project.files, &format!("{folder}/report.json"), format!("{json:#}\n").as_bytes())?;
        write_durably(&project.files, &format!("{folder}/report.txt"), text.as_bytes())?;
        if self.global.json {
            self.screen.data(&json.to_string());
        } else {
            self.screen.data(&text);
        }
        let _ = project.files.list("data")?;
        Ok(())
    }
}

/// The store is disposable: where sled will not open at all, the journal alone carries the run.
pub(super) fn store(project: &Project, screen: &Screen) -> Box<dyn Store> {
    match SledStore::open(&project.state_dir.join("state")) {
        Ok((store, None)) => Box::new(store),
        Ok((store, Some(refused))) => {
            let state = project.state_text();
            screen.say(&format!(
                "warning: {state}/state: {refused}; it is kept as {state}/state.damaged and built anew from the journal"
            ));
            Box::new(store)
        }
        Err(error) => {
            screen.say(&format!("warning: {error}; going on from the journal alone"));
            Box::new(MemoryStore::default())
        }
    }
}

/// Whether the last run is unfinished and was begun with this plan.
pub(super) fn begun_with(project: &Project, saved: &Plan) -> Result<bool, EngineError> {
    let run = last_run(&project.files)?;
    let path = journal_path(run);
    let (lines, _) = read_journal(&project.files, &path)?;
    let text = read_text(&project.files, &format!("runs/{run}/plan.json"))?;
    Ok(RunState::fold(&path, &lines)?.unfinished() && read_plan(&text).is_ok_and(|plan| plan == *saved))
}

/// Ctrl-C once: leave a checkpoint. Twice, or while a question waits for its answer: leave now; the journal has
/// everything that matters.
pub(super) async fn listen(stop: Arc<Stop>, asking: Arc<AtomicBool>, command: String) {
    loop {
        interrupted().await;
        if stop.asked() || asking.load(Ordering::SeqCst) {
            let left = format!("left at once: run {command} again, it goes on from what the journal has");
            let _ = writeln!(std::io::stderr(), "{left}");
            leave_now();
        }
        stop.ask();
        let _ = writeln!(std::io::stderr(), "{STOPPING}");
    }
}

const STOPPING: &str = "stopping at the next checkpoint; once more leaves now";

#[cfg(unix)]
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! { biased; _ = tokio::signal::ctrl_c() => {}, _ = terminate.recv() => {} }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn interrupted() {
    let _ = tokio::signal::ctrl_c().await;
}

#[expect(clippy::exit, reason = "the second Ctrl-C means now")]
fn leave_now() -> ! {
    std::process::exit(i32::from(Exit::Interrupted.code()))
}
