//! The reference of the command line as Markdown, from the same types that parse it.

use super::args::command;
use std::fmt::Write;

/// Every command with its arguments and options.
pub fn reference() -> String {
    let mut out = String::new();
    let mut root = command();
    root.build();
    let global: Vec<clap::Arg> = root.get_arguments().filter(|a| a.is_global_set()).cloned().collect();
    let _ = writeln!(out, "## Options of every command\n\n{}", options(global.iter()));
    for sub in root.get_subcommands().filter(|s| s.get_name() != "help") {
        section(&mut out, sub, "cutover");
    }
    out
}

fn section(out: &mut String, command: &clap::Command, before: &str) {
    let name = format!("{before} {}", command.get_name());
    let own: Vec<&clap::Arg> = command.get_arguments().filter(|a| !a.is_global_set() && shown(a)).collect();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let subs: Vec<&clap::Command> = command.get_subcommands().filter(|s| s.get_name() != "help").collect();
    if subs.is_empty() {
        let usage: String =
            own.iter().filter(|a| a.is_positional()).map(|a| format!(" {}", positional(a))).collect();
        let _ = writeln!(out, "## `{name}{usage}`\n\n{about}.\n");
        if !own.is_empty() {
            let _ = writeln!(out, "{}", options(own.into_iter()));
        }
    }
    for sub in subs {
        section(out, sub, &name);
    }
}

fn shown(argument: &clap::Arg) -> bool {
    !matches!(argument.get_id().as_str(), "help" | "version") && !argument.is_hide_set()
}

fn positional(argument: &clap::Arg) -> String {
    let name = value_name(argument).unwrap_or_else(|| argument.get_id().to_string());
    if argument.is_required_set() { name } else { format!("[{name}]") }
}

fn value_name(argument: &clap::Arg) -> Option<String> {
    let takes = argument.get_action().takes_values();
    takes.then(|| argument.get_value_names().and_then(|n| n.first()).map(ToString::to_string)).flatten()
}

fn options<'a>(arguments: impl Iterator<Item = &'a clap::Arg>) -> String {
    let mut out = String::from("| option | meaning |\n|---|---|\n");
    for argument in arguments.filter(|a| shown(a)) {
        let _ = writeln!(out, "| `{}` | {} |", spelled(argument).replace('|', "\\|"), meaning(argument));
    }
    out
}

fn spelled(argument: &clap::Arg) -> String {
    if argument.is_positional() {
        return positional(argument);
    }
    let short = argument.get_short().map(|s| format!("-{s}, ")).unwrap_or_default();
    let long = argument.get_long().map(|l| format!("--{l}")).unwrap_or_default();
    let value = value_name(argument).map(|v| format!(" {v}")).unwrap_or_default();
    format!("{short}{long}{value}")
}

fn meaning(argument: &clap::Arg) -> String {
    let mut out = argument.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
    let words: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|_| argument.get_action().takes_values())
        .map(|v| format!("`{}`", v.get_name()))
        .collect();
    if !words.is_empty() {
        let _ = write!(out, ": {}", words.join(", "));
    }
    if let Some(name) = argument.get_env() {
        let _ = write!(out, " (or `{}`)", name.to_string_lossy());
    }
    out
}
