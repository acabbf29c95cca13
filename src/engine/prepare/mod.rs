//! From a migration to a plan: meet the org, bind, check the counts, survey, plan. Owns every question that is asked of the
//! org before anything is written. Must not know how a plan is executed.

mod colliding_keys;
mod deciding;
mod existing_records;
mod forecast;
mod insert_guard;
mod left_out;
mod missing_parents;
mod parents;
mod refresh;
mod shapes;
mod shared_keys;
mod survey;
mod surveyed;

pub use forecast::{Forecast, forecast};
pub(in crate::engine) use left_out::leave_out;
pub(in crate::engine) use parents::Landed;
pub(in crate::engine) use refresh::refresh;
pub use surveyed::Surveyed;

use crate::bind::{Bound, bind};
use crate::diagnostic::Diagnostic;
use crate::engine::context::{Connected, EngineError, Exit, Observer, Ports, source_changed};
use crate::engine::state::{Ledgers, check_plan, check_whole, shared};
use crate::manifest::{ApiChoice, Migration};
use crate::model::Leniency;
use crate::plan::{Inputs, Lenient, LoadFacts, LoadTotals, Plan, SourceMark, build};
use crate::ports::cannot;
use crate::source::fingerprint;
use crate::stage::{Decided, Scan, Shape};
use forecast::note_shortfalls;
use refresh::check_counts;
use survey::survey;
use surveyed::SurveyOptions;

/// Rows of a part whose rows lock parents (spec, Order).
const LOCKING_ROWS: u32 = 10_000;
/// Rows of any other part: several batches of the org's 10,000, one file that memory holds at ease.
const FREE_ROWS: u32 = 50_000;

/// A plan with everything needed to carry it out.
pub struct Prepared<'a> {
    /// The plan.
    pub plan: Plan,
    /// The migration bound to the org.
    pub bound: Bound,
    /// What the rows need.
    pub survey: Surveyed<'a>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
    /// When each source was last changed, as it was read: to notice a change while the run goes on.
    pub sources: Vec<(SourceMark, Option<i64>)>,
}

/// Binds, and says what is wrong.
///
/// # Errors
/// 65 with every problem at once.
pub fn bound(
    migration: &Migration,
    connected: &Connected<'_>,
) -> Result<(Bound, Vec<Diagnostic>), EngineError> {
    match bind(migration, &connected.schema, &connected.facts) {
        (Some(bound), warnings) => Ok((bound, warnings)),
        (None, problems) => Err(EngineError::Problems(Exit::Invalid, problems)),
    }
}

/// What a plan is made with beside its inputs.
#[derive(Debug, Clone, Copy, Default)]
pub struct PrepareOptions<'x> {
    /// The interrupted run that goes on.
    pub resumed: Option<u32>,
    /// Where rows that are not sent are written; nowhere for a plan.
    pub left_out: Option<&'x str>,
    /// Which loads take part, one for each; all when it is empty.
    pub selected: &'x [bool],
}

/// Makes the plan.
///
/// # Errors
/// Everything that keeps the plan from being carried out, with its exit code.
pub async fn prepare<'a>(
    ports: &Ports<'a>,
    connected: &Connected<'_>,
    migration: &Migration,
    bound: (Bound, Vec<Diagnostic>),
    ledgers: &mut Ledgers<'a>,
    options: PrepareOptions<'_>,
    observer: &dyn Observer,
) -> Result<Prepared<'a>, EngineError> {
    let (bound, warnings) = bound;
    let sources = marks(ports, migration)?;
    for object in &bound.objects {
        ledgers.open(&object.name)?;
    }
    check_whole(ports, ledgers)?;
    check_counts(&connected.client, &bound, ledgers).await?;
    let all = vec![true; migration.loads.len()];
    let selected = if options.selected.is_empty() { &all } else { options.selected };
    let PrepareOptions { resumed, left_out, .. } = options;
    let options = SurveyOptions { resumed, left_out, selected };
    let survey = survey(ports, connected, migration, &bound, ledgers, &options, observer).await?;
    let digest = digest(ports, migration, &bound, connected, &sources, selected);
    let shared = shared(ports, migration, connected)?.into_iter().collect();
    let facts = facts(migration, &bound, &survey);
    let totals: Vec<LoadTotals> =
        (0..survey.shapes.len()).map(|load| totals(&survey, load, resumed.is_some())).collect();
    let plan = build(Inputs {
        project: &migration.project,
        environment: &migration.environment.name,
        org_id: &connected.info.org_id,
        org_name: &connected.info.name,
        user: connected.info.username.as_deref(),
        sandbox: connected.info.is_sandbox,
        digest: &digest,
        sources: sources.iter().map(|(mark, _)| mark.clone()).collect(),
        graph: &survey.graph,
        order: &survey.order,
        facts: &facts,
        totals: &totals,
        notes: [shared, notes(&survey), pauses(migration, &totals)].concat(),
    });
    check_plan(&plan)?;
    note_shortfalls(connected, &plan, observer).await;
    Ok(Prepared { plan, bound, survey, warnings, sources })
}

/// Every source file as it is now.
pub(in crate::engine) fn marks(
    ports: &Ports<'_>,
    migration: &Migration,
) -> Result<Vec<(SourceMark, Option<i64>)>, EngineError> {
    let mut paths: Vec<&String> = migration.loads.iter().flat_map(|l| &l.files).collect();
    paths.sort();
    paths.dedup();
    let mut marks = Vec::new();
    for path in paths {
        let modified = ports.sources.modified(path).map_err(|e| unread(path, e))?;
        let found = fingerprint(ports.sources, path).map_err(|e| unread(path, e))?;
        // A plan leaves the folder: from a plain hash a small file could be found out by guessing.
        let blake3 = ports.secret.seal(&found.hash);
        marks.push((SourceMark { path: path.clone(), length: found.length, blake3 }, modified));
    }
    Ok(marks)
}

/// The header of every source was read before: one that is not there any more was taken away since.
fn unread(path: &str, error: std::io::Error) -> EngineError {
    match error.kind() {
        std::io::ErrorKind::NotFound => source_changed(path, "after its header was read: it is gone"),
        _ => cannot("read", path, error).into(),
    }
}

/// Digest of everything that decides what is sent, but not of what has landed.
pub(in crate::engine) fn digest(
    ports: &Ports<'_>,
    migration: &Migration,
    bound: &Bound,
    connected: &Connected<'_>,
    sources: &[(SourceMark, Option<i64>)],
    selected: &[bool],
) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    part(&migration.environment.name);
    part(&connected.info.org_id);
    if selected.iter().any(|s| !s) {
        part(&format!("{selected:?}"));
    }
    for (mark, _) in sources {
        part(&mark.path);
        part(&mark.blake3);
    }
    for (load, bound) in migration.loads.iter().zip(&bound.loads) {
        part(&load.name);
        part(&migration.resolved_digest(load));
        part(&format!("{:?} {:?} {:?}", bound.columns, bound.create_only, bound.lock));
        for rule in &bound.rules {
            part(&rule.field);
            part(&format!("{:?}", rule.convert));
            for (_, ids, _) in rule.matcher.tables() {
                part(&format!("{ids:?}"));
            }
        }
    }
    ports.secret.seal(hasher.finalize().as_bytes())
}

fn facts(migration: &Migration, bound: &Bound, survey: &Surveyed<'_>) -> Vec<LoadFacts> {
    let each = migration.loads.iter().zip(&bound.loads).enumerate();
    each.map(|(index, (load, bound))| {
        let lock = survey.locks[index].as_ref().map(|(_, lock)| lock.clone());
        let limit = load.part_rows.or(migration.environment.part_rows);
        LoadFacts {
            object: bound.object.clone(),
            operation: bound.operation.word().into(),
            deletes: bound.operation.deletes(),
            key: bound.key.clone(),
            part_rows: limit.unwrap_or(if lock.is_some() { LOCKING_ROWS } else { FREE_ROWS }).max(1),
            lock,
            by_calls: load.api == ApiChoice::Auto && bound.operation.goes_by_calls(),
            splits: survey.shapes[index].splits(),
        }
    })
    .collect()
}

fn totals(survey: &Surveyed<'_>, load: usize, resumed: bool) -> LoadTotals {
    use crate::model::Outcome::{
        Created, Deleted, Duplicate, Failed, Filtered, Held, Rejected, Unchanged, Updated,
    };
    let (scan, decided) = (&survey.scans[load], &survey.decided[load]);
    let of = |outcome: crate::model::Outcome| decided.outcomes[outcome as usize];
    LoadTotals {
        source: scan.source,
        filtered: of(Filtered),
        rejected: of(Rejected),
        duplicate: of(Duplicate),
        held: of(Held),
        unchanged: of(Unchanged),
        done: if resumed { of(Created) + of(Updated) + of(Deleted) + of(Failed) } else { 0 },
        absent: decided.absent,
        levels: decided.levels.clone(),
        deferred: decided.deferred,
        reasons: survey.reasons[load].list(),
        lenient: lenient(&survey.shapes[load], scan, decided),
    }
}

/// What happens to values because the manifest allows it: as their rows are read, and where their parents are nowhere.
fn lenient(shape: &Shape, scan: &Scan<'_>, decided: &Decided<'_>) -> Vec<Lenient> {
    let mut counts = scan.lenient.clone();
    counts.merge(&decided.lenient);
    let one = |(rule, what, values): (usize, Leniency, u64)| {
        let field = shape.rules.get(rule).map_or_else(String::new, |rule| rule.field.clone());
        Lenient { field, what: what.word().to_owned(), values }
    };
    counts.iter().map(one).collect()
}

/// What the reviewer should know of each load's rows.
fn notes(survey: &Surveyed<'_>) -> Vec<String> {
    let mut notes = survey.notes.clone();
    for ((shape, decided), scan) in survey.shapes.iter().zip(&survey.decided).zip(&survey.scans) {
        if decided.absent > 0 && scan.keyless > 0 {
            notes.push(format!(
                "{}: {} rows of its source have no key that can be read; if they are of records that landed, those count as absent",
                shape.name, scan.keyless
            ));
        }
        loops(shape, decided, &mut notes);
        let (landed, unchanged) = (
            decided.levels.iter().map(|l| l.1).sum::<u64>(),
            decided.outcomes[crate::model::Outcome::Unchanged as usize],
        );
        if landed > 1 && unchanged == 0 && !shape.operation.needs_record() {
            notes.push(format!(
                "{}: all {landed} rows that landed go again: its mapping has changed, or every row has",
                shape.name
            ));
        }
        if decided.gone > 0 {
            notes.push(format!(
                "{}: {} rows have no record in the org: nothing to delete",
                shape.name, decided.gone
            ));
        }
        notes.extend(deep(shape, decided));
        notes.extend(stays(shape, decided));
    }
    notes
}

/// Rows below the levels of their hierarchy.
fn deep(shape: &Shape, decided: &Decided<'_>) -> Option<String> {
    let note = || {
        format!(
            "{}: its hierarchy is deeper than {} levels; {} rows below them get their parents in a second pass",
            shape.name, shape.levels, decided.too_deep
        )
    };
    (decided.too_deep > 0).then(note)
}

/// Rows with a value that their record does not get.
fn stays(shape: &Shape, decided: &Decided<'_>) -> Option<String> {
    let (name, rows) = (&shape.name, decided.stays.len());
    let note = || {
        format!(
            "{name}: {rows} rows have another value in a field that is sent on create alone than their record was created with, or cannot be compared with it: it stays as it is, and {name}.left-out-values.csv of the run names them"
        )
    };
    (rows > 0).then(note)
}

/// Where the run will stop by itself.
fn pauses(migration: &Migration, totals: &[LoadTotals]) -> Vec<String> {
    let sends = |totals: &LoadTotals| totals.levels.iter().any(|(new, known)| new + known > 0);
    let loads = migration.loads.iter().zip(totals).filter(|(load, totals)| load.pause_after && sends(totals));
    let note = |name: &String| format!("{name}: the run pauses once its rows are in; the next apply goes on");
    loads.map(|(load, _)| note(&load.name)).collect()
}

/// Rows that point at each other.
fn loops(shape: &Shape, decided: &Decided<'_>, notes: &mut Vec<String>) {
    const MOST: usize = 10;
    for (lines, opened) in decided.loops.iter().take(MOST) {
        let path = shape.paths.first().map_or("", String::as_str);
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        let what = if *opened {
            "the first goes without its parent, which a second pass fills"
        } else {
            "they are rejected"
        };
        notes.push(format!(
            "{}: rows of {path} point at each other (lines {}); {what}",
            shape.name,
            lines.join(" → ")
        ));
    }
    if decided.loops.len() > MOST {
        notes.push(format!("{}: {} more loops in its rows", shape.name, decided.loops.len() - MOST));
    }
}
