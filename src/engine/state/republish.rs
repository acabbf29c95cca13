//! Settled parts that a ledger may lack: the event came first, and the process ended before their segments counted.

use super::ledgers::Ledgers;
use crate::checkpoint::Event;
use crate::engine::context::{EngineError, Observer, Window};
use crate::ledger::SegmentRef;

/// Publishes the segments of settled parts that the ledger may not have: the event came first.
pub(in crate::engine) fn republish(
    ledgers: &mut Ledgers<'_>,
    observer: &dyn Observer,
    run: u32,
    lines: &[crate::checkpoint::Line],
    state: &crate::checkpoint::RunState,
) -> Result<(), EngineError> {
    for line in lines {
        let Event::PartSettled { part: key, segment: Some(named), .. } = &line.event else { continue };
        let Some(part) = state.parts.get(key) else { continue };
        let ledger = ledgers.open(&part.object)?;
        // One that is not there at all was lost or moved aside: its segments are too.
        if !ledger.is_there() || ledger.last().is_some_and(|last| (run, line.seq) <= last) {
            continue;
        }
        observer.recovered(*key, Window::Unpublished);
        let name = named.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".seg").to_owned();
        let segment = SegmentRef::named(name, named.length, named.blake3.clone());
        ledger.verify_segment(&segment)?;
        ledger.publish(&[segment], run, line.seq)?;
    }
    Ok(())
}
