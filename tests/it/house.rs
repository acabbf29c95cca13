//! Guards the house: who may use whom, what is named where, which files know each other, how long
//! things are. Each rule reads the sources.
//!
//! A rule is a function from sources to findings, so that each is also shown a small bad source and must find it.
//! What breaks a rule today stands in a `KNOWN` list with the reason; an entry that is no longer needed fails.

mod borders;
mod circles;
mod shape;
mod sources;

use sources::Source;

/// What breaks a rule, and where.
struct Finding {
    file: String,
    line: usize,
    /// What it is, as a `Known` names it.
    what: String,
}

impl Finding {
    fn new(source: &Source, line: usize, what: impl Into<String>) -> Self {
        Self { file: source.path.clone(), line, what: what.into() }
    }
}

/// What breaks a rule and may: the file, what a finding calls it, and why.
type Known = (&'static str, &'static str, &'static str);

/// Fails with every finding that is not known, and with every known one that is no longer found.
#[track_caller]
fn hold(findings: &[Finding], known: &[Known], mend: &str) {
    let is = |finding: &Finding, known: &Known| finding.file == known.0 && finding.what == known.1;
    let new = findings.iter().filter(|finding| !known.iter().any(|known| is(finding, known)));
    let mut lines: Vec<String> =
        new.map(|found| format!("{}:{}: {}", found.file, found.line, found.what)).collect();
    let old = known.iter().filter(|known| !findings.iter().any(|finding| is(finding, known)));
    lines.extend(
        old.map(|(file, what, _)| format!("{file}: {what}: is mended; take it off the list of known ones")),
    );
    assert!(lines.is_empty(), "\n{}\n{mend}\n", lines.join("\n"));
}

/// Whether a rule finds exactly this in a small bad source.
#[track_caller]
fn finds(rule: impl Fn(&[Source]) -> Vec<Finding>, path: &str, text: &str, expected: &[&str]) {
    let found = rule(&[Source::sample(path, text)]);
    let found: Vec<String> = found.iter().map(|found| format!("{}: {}", found.line, found.what)).collect();
    assert_eq!(found, expected, "{path}: {text}");
}
