//! The door: one file a command. The only room that touches arguments, the environment, the home folder and the
//! terminal, and that wires the real ports together.

mod apply;
mod approve;
mod args;
mod check;
mod graph;
mod local;
mod local_commands;
mod login;
mod org;
mod plan;
mod project;
mod reference;
mod report;
mod rollback;
mod screen;
mod seed;
mod select;
mod socket;
mod state;
mod until;
mod watch;
mod wired;

pub use args::command;
pub use local::{Running, serve, serve_forever};
pub use reference::reference;

use crate::engine::Exit;
use args::{Cli, Command};
use clap::Parser;
use screen::Screen;
use std::process::ExitCode;

/// Runs the command that the process's arguments name, and gives its exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let screen = Screen::new(&cli.global);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let exit = match runtime {
        Ok(runtime) => runtime.block_on(dispatch(cli, &screen)),
        Err(error) => {
            screen.say(&format!("error: {error}"));
            Exit::Unexpected
        }
    };
    ExitCode::from(screen.ended(exit).code())
}

async fn dispatch(cli: Cli, screen: &Screen) -> Exit {
    match &cli.command {
        Command::Check(args) => check::run(args, &cli.global, screen),
        Command::Plan(args) => plan::run(args, &cli.global, screen).await,
        Command::Apply(args) => apply::run(args, &cli.global, screen).await,
        Command::Rollback(args) => rollback::run(args, &cli.global, screen).await,
        Command::Status(args) => report::status(args, &cli.global, screen),
        Command::Report(args) => report::report(args, &cli.global, screen),
        Command::State { command } => state::run(command, &cli.global, screen),
        Command::Graph(args) => graph::run(args, &cli.global, screen).await,
        Command::Schema => check::schema(screen),
        Command::Local { command } => local_commands::run(command, &cli.global, screen).await,
        Command::Completions { shell } => {
            screen.data(&args::completions(*shell));
            Exit::Done
        }
    }
}

/// Help and version are data; everything else is a usage error, 64, never clap's own 2.
fn usage(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
    let _ = error.print();
    match error.kind() {
        DisplayHelp | DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(Exit::Usage.code()),
    }
}
