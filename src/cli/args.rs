//! The command line as types; their docs are the help.

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::path::{Path, PathBuf};

/// The variable that fixes the seed of new local orgs.
pub(super) const SEED: &str = "CUTOVER_LOCAL_SEED";

/// Terraform for CRM data: moves a company's records out of an old CRM and into Salesforce.
#[derive(Debug, Parser)]
#[command(name = "cutover", version, propagate_version = true, max_term_width = 110)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) global: Global,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// Environment of the manifest (default: `local` where the manifest has it)
    #[arg(short, long, global = true, value_name = "NAME", env = "CUTOVER_ENV")]
    pub(super) env: Option<String>,
    /// Where runs, ledger and staged rows are kept (default: `.cutover` beside the manifest)
    #[arg(long, global = true, value_name = "DIR", env = "CUTOVER_STATE_DIR")]
    pub(super) state_dir: Option<PathBuf>,
    /// Narrow to loads: `Account`, `+Task` with its parents, `Account+` with its children
    #[arg(short, long, global = true, value_name = "EXPR")]
    pub(super) select: Vec<String>,
    /// One JSON document on stdout, for machines
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Colour on the terminal
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
    /// Say less: errors and results only
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Say more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read manifests, maps and source headers and say everything that is wrong; never asks an org
    Check(PathArgs),
    /// Show what would be done, without writing anything to the org
    Plan(PlanArgs),
    /// Do it: show the plan, ask, load, and report; goes on where an interrupted run stopped
    Apply(ApplyArgs),
    /// Delete again what a run created, children first: for mock loads; says what it cannot undo
    Rollback(RollbackArgs),
    /// Tell from the journal how the last run stands: running, interrupted, paused or finished
    Status(StatusArgs),
    /// Tell what the last run did
    Report(ReportArgs),
    /// The state folder: what is wrong with it, and what is no longer needed
    State {
        #[command(subcommand)]
        command: StateCommand,
    },
    /// Draw the order of the loads
    Graph(GraphArgs),
    /// Print the JSON Schema of the manifest
    Schema,
    /// The local org: a small Salesforce look-alike on this machine
    Local {
        #[command(subcommand)]
        command: LocalCommand,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(super) struct PathArgs {
    /// A manifest or its folder (default: the nearest `cutover.yaml` at or above the current folder)
    #[arg(value_name = "PATH")]
    pub(super) path: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// A manifest or its folder (default: the nearest `cutover.yaml` at or above the current folder)
    #[arg(value_name = "PATH", conflicts_with = "journal")]
    pub(super) path: Option<PathBuf>,
    /// Tell it from this journal, wherever it lies; no project is needed
    #[arg(long, value_name = "FILE")]
    pub(super) journal: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// A manifest or its folder (default: the nearest `cutover.yaml` at or above the current folder)
    #[arg(value_name = "PATH")]
    pub(super) path: Option<PathBuf>,
    /// Save the plan to a file, for `cutover apply FILE`
    #[arg(short, long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Replace what stands at the path of `--out`, even if cutover did not write it
    #[arg(long, requires = "out")]
    pub(super) force: bool,
    /// Exit with 2 when there is something to do, and with 68 when nothing is sent because rows will not load
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
}

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// A manifest, its folder, or a plan saved by `cutover plan --out`
    #[arg(value_name = "PATH | PLANFILE")]
    pub(super) path: Option<PathBuf>,
    /// Do not ask. Outside the local org it is not enough where records would be deleted: that takes a saved plan too
    #[arg(short, long)]
    pub(super) yes: bool,
    /// First build the ledger again from the keys that the org has
    #[arg(long)]
    pub(super) refresh: bool,
    /// Begin nothing more from this time on, and stop with 69 once open jobs are over: `06:00`, or a full time
    #[arg(long, value_name = "TIME")]
    pub(super) until: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct RollbackArgs {
    /// The number of a run, or a plan saved by `--out`
    #[arg(value_name = "RUN | PLANFILE")]
    pub(super) run: String,
    /// A manifest or its folder (default: the nearest `cutover.yaml` at or above the current folder)
    #[arg(value_name = "PATH")]
    pub(super) path: Option<PathBuf>,
    /// Save the plan to a file, for `cutover rollback FILE`; nothing is deleted
    #[arg(short, long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Replace what stands at the path of `--out`, even if cutover did not write it
    #[arg(long, requires = "out")]
    pub(super) force: bool,
    /// Do not ask; where the org is not the local one, this needs a saved plan
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Delete records too that were edited since the run last touched them
    #[arg(long)]
    pub(super) include_edited: bool,
    /// Let records of this object go with their parents though the run did not create them
    #[arg(long, value_name = "OBJECT")]
    pub(super) with: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The number of a run (default: the last); PATH may stand in its place
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,
    /// A manifest or its folder (default: the nearest `cutover.yaml` at or above the current folder)
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// List all runs instead
    #[arg(long, conflicts_with = "crosswalk")]
    pub(super) list: bool,
    /// Write one file per object with legacy keys and record Ids
    #[arg(long)]
    pub(super) crosswalk: bool,
}

impl ReportArgs {
    /// The run that is asked for, and the path; more than a path behind the run is refused.
    ///
    /// # Errors
    /// The argument that is in the wrong place.
    pub(super) fn run_and_path(&self) -> Result<(Option<u32>, Option<&Path>), &Path> {
        let Some(first) = &self.run else { return Ok((None, None)) };
        match (first.to_str().and_then(|text| text.parse().ok()), &self.path) {
            (Some(run), path) => Ok((Some(run), path.as_deref())),
            (None, None) => Ok((None, Some(first))),
            (None, Some(path)) => Err(path),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum StateCommand {
    /// Read all that lies in the state folder and say everything that is wrong; changes nothing, never asks an org
    Check(PathArgs),
    /// Mend what can be mended without guessing: names it first, and asks
    Repair(RepairArgs),
    /// Write what the ledgers know of each key: hash, record Id, outcome, run; no customer's value
    Export(ExportArgs),
    /// Remove what old runs left and nothing needs: names it first, and asks
    Prune(PruneArgs),
}

#[derive(Debug, Args)]
pub(super) struct RepairArgs {
    /// A manifest or its folder (default: the nearest `cutover.yaml` at or above the current folder)
    #[arg(value_name = "PATH")]
    pub(super) path: Option<PathBuf>,
    /// Name what would be done, and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct PruneArgs {
    /// A manifest or its folder (default: the nearest `cutover.yaml` at or above the current folder)
    #[arg(value_name = "PATH")]
    pub(super) path: Option<PathBuf>,
    /// How many finished runs of each org stay, of those that sent something and of those that did not; only those can be rolled back
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(super) keep: usize,
    /// Name what would be done, and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// A manifest or its folder (default: the nearest `cutover.yaml` at or above the current folder)
    #[arg(value_name = "PATH")]
    pub(super) path: Option<PathBuf>,
    /// The org, by its id (default: the only one there is)
    #[arg(long, value_name = "ID")]
    pub(super) org: Option<String>,
    /// Where to (default: stdout)
    #[arg(short, long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Replace what stands at the path of `--out`, even if cutover did not write it
    #[arg(long, requires = "out")]
    pub(super) force: bool,
    /// As CSV (default: one line of JSON a key, the first line says the format)
    #[arg(long)]
    pub(super) csv: bool,
}

#[derive(Debug, Args)]
pub(super) struct GraphArgs {
    /// A manifest or its folder (default: the nearest `cutover.yaml` at or above the current folder)
    #[arg(value_name = "PATH")]
    pub(super) path: Option<PathBuf>,
    /// How to draw it
    #[arg(long, default_value = "text")]
    pub(super) format: GraphFormat,
}

/// How to draw a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum GraphFormat {
    /// Lines of text.
    Text,
    /// A Mermaid flow chart.
    Mermaid,
}

#[derive(Debug, Subcommand)]
pub(super) enum LocalCommand {
    /// Serve the local org on 127.0.0.1; prints one line of JSON when it is ready
    Serve {
        /// Its schema (default: the standard objects only)
        #[arg(long, value_name = "FILE")]
        schema: Option<PathBuf>,
        /// Where its records are kept (default: in memory)
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// What the ids of a new org follow from (default: drawn); one that exists keeps its own
        #[arg(long, value_name = "N", env = SEED)]
        seed: Option<u64>,
        /// The port (default: any free one)
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Faults that befall calls, jobs and rows
        #[arg(long, value_name = "FILE")]
        faults: Option<PathBuf>,
        /// Let anyone who reaches the port read and change the faults, at /admin/faults
        #[arg(long)]
        admin: bool,
    },
    /// Ask the project's local org in SOQL
    Query {
        /// A manifest or its folder, then the statement; or the statement alone
        #[arg(value_name = "[PATH] SOQL", num_args = 1..=2, required = true)]
        words: Vec<String>,
        /// As CSV
        #[arg(long)]
        csv: bool,
    },
}

/// The whole command line, for the reference and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

pub(super) fn completions(shell: clap_complete::Shell) -> String {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut command(), "cutover", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}
