//! What is kept of a part for people and for other systems: its failed rows as they were sent, and old keys with their
//! record Ids.

use super::desk::Desk;
use super::fate::Fate;
use super::fates::Collected;
use super::payload::{cell_of, each_payload_row};
use crate::checkpoint::{NamedFile, Part, PartKey};
use crate::engine::context::EngineError;
use crate::plan::StepKind;

/// `sf__Id,sf__Error,_code,_file,_line,<payload columns>`, durable; nothing when no row failed.
pub(super) fn write_failures(
    desk: &Desk<'_, '_>,
    key: PartKey,
    part: &Part,
    collected: &Collected,
) -> Result<Option<NamedFile>, EngineError> {
    if !collected.has_failures() {
        return Ok(None);
    }
    let failed = |fate: &Fate| match fate {
        Fate::Failed { id, code, text, .. } => Some([id.clone(), text.clone(), code.clone()]),
        _ => None,
    };
    write_refused(desk, key, part, collected, "failed", &failed).map(Some)
}

/// The same of rows that the org refused because what they point to is not there.
pub(super) fn write_held(
    desk: &Desk<'_, '_>,
    key: PartKey,
    part: &Part,
    collected: &Collected,
) -> Result<(), EngineError> {
    let held = |fate: &Fate| match fate {
        Fate::Held { code, text } => Some([String::new(), text.clone(), code.clone()]),
        _ => None,
    };
    if collected.has_held() {
        write_refused(desk, key, part, collected, "held", &held)?;
    }
    Ok(())
}

/// Writes the rows of which `told` gives Id, words and code.
fn write_refused(
    desk: &Desk<'_, '_>,
    key: PartKey,
    part: &Part,
    collected: &Collected,
    what: &str,
    told: &dyn Fn(&Fate) -> Option<[String; 3]>,
) -> Result<NamedFile, EngineError> {
    let state = desk.state.borrow();
    let load = state.loads.get(part.load as usize).map(|l| &l.name);
    let mut csv = csv::Writer::from_writer(Vec::new());
    let mut begun = false;
    each_payload_row(desk.ports.files, part, |header, record| {
        if !begun {
            begun = true;
            let ours = ["sf__Id", "sf__Error", "_code", "_file", "_line"];
            csv.write_record(ours.into_iter().chain(header.iter())).map_err(std::io::Error::other)?;
        }
        let Some((row, fate)) = collected.fate_of(cell_of(header, record)) else { return Ok(()) };
        let Some([id, text, code]) = told(fate) else { return Ok(()) };
        let file = load.and_then(|l| l.files.get(row.file as usize)).map_or("", String::as_str);
        let line = row.line.to_string();
        let ours = [&id, &text, &code, file, &line];
        Ok(csv.write_record(ours.into_iter().chain(record.iter())).map_err(std::io::Error::other)?)
    })?;
    let bytes = csv.into_inner().map_err(|e| EngineError::Unexpected(e.to_string()))?;
    let name = load.map_or("", |l| l.name.as_str());
    let path = format!("data/{}/{name}.{key}.{what}.csv", state.run);
    crate::ports::write_durably(desk.ports.files, &path, &bytes)?;
    let blake3 = blake3::hash(&bytes).to_hex().to_string();
    Ok(NamedFile { path, length: bytes.len() as u64, blake3 })
}

/// `key,id` of every row that landed: what satellite systems need to follow a record; the Id alone of every record
/// that was deleted. Durable before the event.
pub(super) fn write_crosswalk(
    desk: &Desk<'_, '_>,
    key: PartKey,
    part: &Part,
    collected: &Collected,
) -> Result<(), EngineError> {
    if part.kind != StepKind::Rows {
        return Ok(());
    }
    let mut csv = csv::Writer::from_writer(Vec::new());
    each_payload_row(desk.ports.files, part, |header, record| {
        let get = cell_of(header, record);
        let Some((_, Fate::Landed { id, .. })) = collected.fate_of(&get) else { return Ok(()) };
        match get(&part.key) {
            Some(legacy) => csv.write_record([legacy, id.to_string()]).map_err(std::io::Error::other)?,
            None if part.deletes() => csv.write_record([id.to_string()]).map_err(std::io::Error::other)?,
            // An update does not send the key: earlier runs, or nobody, had it here.
            None => {}
        }
        Ok(())
    })?;
    let bytes = csv.into_inner().map_err(|e| EngineError::Unexpected(e.to_string()))?;
    if bytes.is_empty() {
        return Ok(());
    }
    let run = desk.state.borrow().run;
    let ending = if part.deletes() { "gone" } else { "csv" };
    let path = format!("data/{run}/crosswalk/{}/{key}.{ending}", part.object);
    Ok(crate::ports::write_durably(desk.ports.files, &path, &bytes)?)
}
