//! Diagnostics as text for people (drawn by miette) and as JSON for machines. Pure: text in, text out.

use super::{Diagnostic, Label, Place, Severity};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceSpan};

/// Gives the text of a file named in a place, or nothing when it cannot be shown.
pub type SourceText<'a> = &'a dyn Fn(&str) -> Option<String>;

/// All diagnostics as text, one block each, in the order given.
pub fn render(diagnostics: &[Diagnostic], source: SourceText<'_>, colour: bool) -> String {
    let handler = GraphicalReportHandler::new_themed(theme(colour)).with_width(110).with_links(false);
    diagnostics.iter().map(|d| render_one(d, source, &handler)).collect()
}

/// The JSON shape of `cutover.check/1`: code, severity, message, file, line, column, help.
pub fn to_json(diagnostic: &Diagnostic) -> serde_json::Value {
    let place = diagnostic.place();
    serde_json::json!({
        "code": diagnostic.code.to_string(),
        "severity": diagnostic.severity.word(),
        "message": diagnostic.message,
        "file": place.map(|p| p.file.to_string()),
        "line": place.map(|p| p.line).filter(|l| *l > 0),
        "column": place.map(|p| p.column).filter(|c| *c > 0),
        "help": diagnostic.help,
    })
}

fn theme(colour: bool) -> GraphicalTheme {
    if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() }
}

fn render_one(diagnostic: &Diagnostic, source: SourceText<'_>, handler: &GraphicalReportHandler) -> String {
    let mut out = format!("{}[{}]: {}\n", diagnostic.severity.word(), diagnostic.code, diagnostic.message);
    match drawn(diagnostic, source, handler) {
        Some(drawing) => out.push_str(&drawing),
        None => out.push_str(&plain(diagnostic)),
    }
    out.push('\n');
    out
}

/// Places as lines, for files that cannot be shown.
fn plain(diagnostic: &Diagnostic) -> String {
    let mut out = String::new();
    for label in &diagnostic.labels {
        let text = if label.text.is_empty() { String::new() } else { format!(" {}", label.text) };
        out.push_str(&format!("   at {}{text}\n", label.place));
    }
    if let Some(help) = &diagnostic.help {
        out.push_str(&format!("  help: {help}\n"));
    }
    out
}

/// The source lines with the places marked; `None` where the main place has no text or no column. Places in data have
/// no column: a customer's row is named, never shown.
fn drawn(
    diagnostic: &Diagnostic,
    source: SourceText<'_>,
    handler: &GraphicalReportHandler,
) -> Option<String> {
    let main = diagnostic.place().filter(|p| p.line > 0 && p.column > 0)?;
    let text = source(&main.file)?;
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        diagnostic.labels.iter().partition(|l| l.place.file == main.file);
    let labels = here.into_iter().filter_map(|l| labelled(l, &text)).collect();
    let report = Drawing { diagnostic, labels, source: NamedSource::new(main.file.as_ref(), text) };
    let mut out = String::new();
    handler.render_report(&mut out, &report).ok()?;
    let body = out.lines().skip_while(|line| !line.contains('╭')).collect::<Vec<_>>().join("\n");
    let others = elsewhere.iter().map(|l| format!("   and {} {}\n", l.place, l.text)).collect::<String>();
    Some(format!("{body}\n{others}"))
}

fn labelled(label: &Label, text: &str) -> Option<LabeledSpan> {
    let words = (!label.text.is_empty()).then(|| label.text.clone());
    span(&label.place, text).map(|span| LabeledSpan::new_with_span(words, span))
}

/// Characters to bytes.
fn span(place: &Place, text: &str) -> Option<SourceSpan> {
    let line_start = match place.line {
        0 => return None,
        1 => 0,
        n => text.match_indices('\n').nth(n as usize - 2)?.0 + 1,
    };
    let line = text[line_start..].lines().next().unwrap_or("");
    let skip = place.column.saturating_sub(1) as usize;
    let start: usize = line.chars().take(skip).map(char::len_utf8).sum();
    let length: usize = line.chars().skip(skip).take(place.length.max(1) as usize).map(char::len_utf8).sum();
    Some((line_start + start, length).into())
}

/// What miette draws: the places and the help; the message is ours.
#[derive(Debug)]
struct Drawing<'a> {
    diagnostic: &'a Diagnostic,
    labels: Vec<LabeledSpan>,
    source: NamedSource<String>,
}

impl std::fmt::Display for Drawing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Drawing<'_> {}

impl miette::Diagnostic for Drawing<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn std::fmt::Display + 'b>> {
        self.diagnostic.help.as_ref().map(|h| Box::new(h) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}
