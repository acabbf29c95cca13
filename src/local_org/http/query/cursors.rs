//! Queries that have more pages, by their locators: `01g…-2000` names a query and how many records were read.

use crate::local_org::LocalOrg;
use crate::local_org::soql::Compiled;
use crate::local_org::soql::read::Cursor;
use crate::local_org::store::ids;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, PoisonError};

/// Queries kept; the oldest goes first. Real orgs keep them for two days.
const MOST: usize = 1_000;

/// Queries that have more pages.
#[derive(Default)]
pub(in crate::local_org) struct Cursors {
    made: u64,
    open: VecDeque<Open>,
}

struct Open {
    id: String,
    compiled: Arc<Compiled>,
    total: u64,
    /// Number of the last row read, by how many were read.
    rows: BTreeMap<u64, i64>,
}

/// Where a locator goes on.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) compiled: Arc<Compiled>,
    pub(super) total: u64,
    pub(super) cursor: Cursor,
}

/// What a locator stands for. Like a real org, it goes on at any number of records, also at one not given out.
pub(super) fn find(org: &LocalOrg, locator: &str) -> Option<Found> {
    let (id, read) = locator.rsplit_once('-')?;
    let digits = !read.is_empty() && read.bytes().all(|b| b.is_ascii_digit());
    let read: u64 = read.parse().ok().filter(|_| digits)?;
    let cursors = org.0.cursors.lock().unwrap_or_else(PoisonError::into_inner);
    let open = cursors.open.iter().find(|open| open.id == id).filter(|open| read < open.total)?;
    let row = open.rows.get(&read).copied().unwrap_or(0);
    let (id, compiled, total) = (open.id.clone(), Arc::clone(&open.compiled), open.total);
    Some(Found { id, compiled, total, cursor: Cursor { row, read } })
}

/// The locator behind which a query goes on; a new one where it has none yet.
pub(super) fn remember(
    org: &LocalOrg,
    id: Option<String>,
    compiled: &Arc<Compiled>,
    total: u64,
    next: Cursor,
) -> String {
    let mut cursors = org.0.cursors.lock().unwrap_or_else(PoisonError::into_inner);
    let known = cursors.open.iter_mut().find(|open| Some(&open.id) == id.as_ref());
    if let Some(open) = known {
        open.rows.insert(next.read, next.row);
        return format!("{}-{}", open.id, next.read);
    }
    cursors.made += 1;
    let id = ids::format("01g", org.0.facts.seed, cursors.made);
    let rows = BTreeMap::from([(next.read, next.row)]);
    cursors.open.push_back(Open { id: id.clone(), compiled: Arc::clone(compiled), total, rows });
    if cursors.open.len() > MOST {
        cursors.open.pop_front();
    }
    format!("{id}-{}", next.read)
}
