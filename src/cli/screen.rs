//! What goes where: data on stdout, talk on stderr; colour where it is wanted; questions where there is somebody.

use super::args::{Color, Global};
use crate::diagnostic::{Diagnostic, Label, Place, render, sort};
use crate::engine::{EngineError, Exit};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::OnceLock;

/// The terminal, or what stands in for it.
pub(super) struct Screen {
    colour: bool,
    quiet: bool,
    verbose: bool,
    bars: bool,
    /// Why data could not be written, the first time.
    unwritten: OnceLock<String>,
}

impl Screen {
    pub(super) fn new(global: &Global) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let colour = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        };
        let (quiet, verbose) = (global.quiet, global.verbose > 0);
        Self { colour, quiet, verbose, bars: terminal && !quiet, unwritten: OnceLock::new() }
    }

    /// Data, to stdout. A reader that has gone away is no error.
    pub(super) fn data(&self, text: &str) {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let mut out = std::io::stdout().lock();
        let written = write!(out, "{text}{end}").and_then(|()| out.flush());
        if let Err(error) = written.map_err(|e| (e.kind(), e.to_string()))
            && error.0 != std::io::ErrorKind::BrokenPipe
        {
            let _ = self.unwritten.set(error.1);
        }
    }

    /// The exit code of a command that came to this one: no success where its data could not be written.
    pub(super) fn ended(&self, exit: Exit) -> Exit {
        let Some(why) = self.unwritten.get() else { return exit };
        self.say(&format!("error: what the command says could not be written to its output: {why}"));
        if matches!(exit, Exit::Done | Exit::Changes) { Exit::Unexpected } else { exit }
    }

    /// Talk, to stderr, whatever the verbosity.
    pub(super) fn say(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Talk that `-q` leaves out.
    pub(super) fn tell(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Talk that only `-v` brings.
    pub(super) fn detail(&self, text: &str) {
        if self.verbose {
            self.say(text);
        }
    }

    /// Whether progress is drawn as bars.
    pub(super) fn bars(&self) -> bool {
        self.bars
    }

    /// Shows diagnostics with their source lines. Their files are relative to `root`.
    pub(super) fn show(&self, diagnostics: &[Diagnostic], root: &Path) {
        let mut shown: Vec<Diagnostic> = diagnostics.iter().map(|d| below(d, root)).collect();
        sort(&mut shown);
        let text = render(&shown, &|file| std::fs::read_to_string(file).ok(), self.colour);
        if !text.is_empty() {
            self.say(text.trim_end());
        }
    }

    /// Shows an error and gives its exit code.
    pub(super) fn fail(&self, error: &EngineError, root: &Path) -> Exit {
        self.show(&error.diagnostics(), root);
        error.exit()
    }

    /// Asks a question and reads a line without its end; nothing when there is nobody to ask.
    pub(super) fn read(&self, question: &str) -> Option<String> {
        if !std::io::stdin().is_terminal() {
            return None;
        }
        let _ = write!(std::io::stderr().lock(), "{question} ");
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).ok()?;
        Some(answer.trim().to_owned())
    }
}

/// A diagnostic with its files as the user would type them.
pub(super) fn below(diagnostic: &Diagnostic, root: &Path) -> Diagnostic {
    let labels = diagnostic.labels.iter().map(|label| {
        let file = root.join(&*label.place.file);
        let file = file.strip_prefix(".").unwrap_or(&file).to_string_lossy().into_owned();
        Label { place: Place { file: file.into(), ..label.place.clone() }, text: label.text.clone() }
    });
    Diagnostic { labels: labels.collect(), ..diagnostic.clone() }
}
