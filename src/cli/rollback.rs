//! `cutover rollback RUN`: show what would be deleted, ask, delete, and say what cannot be undone.

use super::apply::{begun_with, for_another, listen, not_ours, read_plan, store};
use super::approve::{Asked, needs_saved_plan};
use super::args::{Global, RollbackArgs};
use super::plan::save;
use super::project::Project;
use super::screen::Screen;
use super::watch::Watch;
use super::wired::Wired;
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{
    EngineError, Exit, Ports, Question, RollbackOptions, RolledBack, Stop, connect, is_protected,
    plan_rollback, rollback,
};
use crate::manifest::{Migration, OrgLogin};
use crate::plan::Plan;
use crate::ports::write_durably;
use crate::report::{failure_groups, plan_json, plan_text, report_json, rollback_json, rollback_text};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) async fn run(args: &RollbackArgs, global: &Global, screen: &Screen) -> Exit {
    let project = match Project::find(args.path.as_deref(), global) {
        Ok(project) => project,
        Err(error) => return screen.fail(&error, Path::new("")),
    };
    let done = match Order::read(args, global, screen) {
        Ok(order) => order.carry_out(&project).await,
        Err(error) => Err(error),
    };
    done.unwrap_or_else(|error| screen.fail(&goes_on(error, &args.run), &project.root))
}

fn unread(path: &Path, error: &std::io::Error) -> EngineError {
    let message =
        format!("{} is the number of no run, and cannot be read as a plan: {error}", path.display());
    let help =
        "`cutover status` tells the number of the last run; `cutover rollback RUN --out FILE` saves a plan";
    EngineError::problem(Exit::Usage, Diagnostic::error(Code::FileMissing, message).help(help))
}

/// Where an error says what to do next, that is this command again, as it was typed.
fn goes_on(error: EngineError, run: &str) -> EngineError {
    let (exit, again) = (error.exit(), format!("run {} again", itself(run)));
    let told = error.diagnostics().into_iter().map(|d| {
        let help =
            d.help.as_ref().map(|help| as_typed(&help.replace("run `cutover apply` again", &again), run));
        match help {
            Some(help) if help.contains(&itself(run)) || exit != Exit::Interrupted => d.help(help),
            Some(help) => d.help(format!("{help}; then {again}: it goes on where it stopped")),
            None if exit == Exit::Interrupted => d.help(format!("{again}: it goes on where it stopped")),
            None => d,
        }
    });
    EngineError::Problems(exit, told.collect())
}

/// The engine knows the run by its number; a rollback from a saved plan is typed otherwise.
fn as_typed(help: &str, run: &str) -> String {
    const COMMAND: &str = "`cutover rollback ";
    let Some((before, rest)) = help.split_once(COMMAND) else { return help.to_owned() };
    match rest.split_once('`') {
        Some((number, rest)) if number.parse::<u32>().is_ok() => format!("{before}{}{rest}", itself(run)),
        _ => help.to_owned(),
    }
}

/// The command, as it is typed.
fn itself(run: &str) -> String {
    format!("`cutover rollback {run}`")
}

/// What the user ordered.
struct Order<'o> {
    args: &'o RollbackArgs,
    global: &'o Global,
    screen: &'o Screen,
    saved: Option<Plan>,
    options: RollbackOptions,
}

impl<'o> Order<'o> {
    /// A number is a run; anything else is a plan that was saved.
    fn read(args: &'o RollbackArgs, global: &'o Global, screen: &'o Screen) -> Result<Self, EngineError> {
        if !global.select.is_empty() {
            let problem =
                Diagnostic::error(Code::PlanNote, "a run is rolled back as a whole, and not by loads");
            return Err(EngineError::problem(Exit::Usage, problem.help("leave `--select` out")));
        }
        if let Ok(run) = args.run.parse() {
            let options =
                RollbackOptions { run, include_edited: args.include_edited, with: args.with.clone() };
            return Ok(Self { args, global, screen, saved: None, options });
        }
        let path = Path::new(&args.run);
        let text = std::fs::read_to_string(path).map_err(|e| unread(path, &e))?;
        let plan = read_plan(&text).map_err(|why| not_ours(path, &why))?;
        let back = plan.rolls_back.as_ref().ok_or_else(|| for_another(path, "loads rows", "apply"))?;
        if args.include_edited || !args.with.is_empty() {
            let problem = Diagnostic::error(Code::WrongValue, "a saved plan says itself what goes with it");
            let help = "leave `--include-edited` and `--with` out, or make a new plan with them: `cutover rollback RUN --out FILE`";
            return Err(EngineError::problem(Exit::Usage, problem.help(help)));
        }
        let (include_edited, with) = (back.include_edited, back.with.clone());
        let options = RollbackOptions { run: back.run, include_edited, with };
        Ok(Self { args, global, screen, saved: Some(plan), options })
    }

    async fn carry_out(&self, project: &Project) -> Result<Exit, EngineError> {
        let environment = self.global.env.as_deref().or(self.saved.as_ref().map(|p| p.environment.as_str()));
        let migration = project.migration(environment, self.screen)?;
        let _lock = project.lock()?;
        let wired = Wired::new(project, &migration, || store(project, self.screen)).await?;
        let ports = wired.ports();
        let exit = match &self.args.out {
            Some(path) => self.plan(&ports, &migration, path).await?,
            None => {
                let done = self.undo(&ports, project, &migration).await?;
                self.show(project, &done)?
            }
        };
        wired.close().await?;
        Ok(exit)
    }

    /// Saves the plan, and deletes nothing.
    async fn plan(&self, ports: &Ports<'_>, migration: &Migration, path: &Path) -> Result<Exit, EngineError> {
        let connected = connect(ports, migration).await?;
        let watch = Watch::new(self.screen);
        let plan = plan_rollback(ports, &connected, migration, &self.options, &watch).await?;
        watch.done();
        let json = serde_json::to_string_pretty(&plan_json(&plan)).unwrap_or_default();
        self.screen.data(&if self.global.json { json.clone() } else { plan_text(&plan) });
        save(path, self.args.force, &json)?;
        let words =
            format!("saved: `cutover rollback {}` executes it, unless something has changed", path.display());
        self.screen.tell(&words);
        Ok(Exit::Done)
    }

    async fn undo(
        &self,
        ports: &Ports<'_>,
        project: &Project,
        migration: &Migration,
    ) -> Result<RolledBack, EngineError> {
        let resumes = self.saved.as_ref().is_some_and(|saved| begun_with(project, saved).unwrap_or(false));
        let connected = connect(ports, migration).await?;
        let protected = is_protected(migration, &connected.info);
        let (name, saved) = (&migration.environment.name, self.saved.as_ref());
        let makes = format!("rollback {}", self.options.run);
        needs_saved_plan(name, protected, saved, (&makes, "rollback"))?;
        let local = matches!(migration.environment.org, OrgLogin::Local { .. });
        let asked = Asked { screen: self.screen, saved, resumes, protected, local, yes: self.args.yes };
        let watch = Watch::new(self.screen);
        let (stop, asking) = (Arc::new(Stop::default()), Arc::new(AtomicBool::new(false)));
        let listener = tokio::spawn(listen(stop.clone(), asking.clone(), itself(&self.args.run)));
        let approve = |plan: &Plan| {
            asking.store(true, Ordering::SeqCst);
            let said = asked.approve(&Question::Plan(plan));
            asking.store(false, Ordering::SeqCst);
            said
        };
        let done = rollback(*ports, &connected, migration, &self.options, &approve, &stop, &watch).await;
        listener.abort();
        watch.done();
        done
    }

    /// The report: on screen, as JSON, and in the run's folder.
    fn show(&self, project: &Project, done: &RolledBack) -> Result<Exit, EngineError> {
        let groups = done.state.as_ref().map(|state| failure_groups(&project.files, state)).transpose()?;
        let text = rollback_text(
            &done.plan,
            done.state.as_ref(),
            &groups.unwrap_or_default(),
            &project.state_text(),
        );
        let json = rollback_json(&done.plan, done.state.as_ref(), done.exit.code());
        if let Some(state) = &done.state {
            let report = report_json(state, done.exit.code());
            let folder = format!("runs/{}", state.run);
            write_durably(
                &project.files,
                &format!("{folder}/report.json"),
                format!("{report:#}\n").as_bytes(),
            )?;
            write_durably(&project.files, &format!("{folder}/report.txt"), text.as_bytes())?;
        }
        self.screen.data(&if self.global.json { json.to_string() } else { text });
        Ok(done.exit)
    }
}
